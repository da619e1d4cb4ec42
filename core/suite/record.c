/* record.c - see record.h. To compare two records, each is made into one long row list for a port: the
 * rows of all its packets with the time of each. */
#include "suite/record.h"

#include "contract/format.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static st_sent *append(st_record *record)
{
    if (record->count == record->room) {
        uint32_t room = record->room ? record->room * 2 : 64;
        st_sent *items = realloc(record->items, room * sizeof *items);
        if (!items) {
            record->incomplete = true;
            return NULL;
        }
        record->items = items;
        record->room = room;
    }
    memset(&record->items[record->count], 0, sizeof *record->items);
    return &record->items[record->count++];
}

static void add(st_record *record, st_sent *item, const void *bytes, size_t length)
{
    unsigned char *grown = realloc(item->bytes, item->length + length + 1);
    if (!grown) {
        record->incomplete = true;
        return;
    }
    item->bytes = grown;
    if (length) memcpy(grown + item->length, bytes, length);
    item->length += length;
}

static void add_text(st_record *record, st_sent *item, const stapes_text *text)
{
    add(record, item, text->text, strlen(text->text) + 1);
    add(record, item, &text->score, sizeof text->score);
    for (uint32_t i = 0; i < text->n_words; i++) {
        const stapes_word *word = &text->words[i];
        add(record, item, word->text, strlen(word->text) + 1);
        add(record, item, &word->start, sizeof word->start);
        add(record, item, &word->end, sizeof word->end);
        add(record, item, &word->confidence, sizeof word->confidence);
    }
    for (uint32_t i = 0; i < text->n_alternatives; i++)
        add(record, item, text->alternatives[i], strlen(text->alternatives[i]) + 1);
    item->final = text->final == 1;
}

void st_record_packet(st_record *record, uint32_t port, uint32_t segment, const stapes_packet *packet)
{
    st_sent *item = append(record);
    if (!item) return;
    item->port = port;
    item->segment = segment;
    item->format = *packet->format;
    item->start = packet->start;
    item->duration = packet->duration;
    item->rows = packet->rows;
    if (packet->kind == STAPES_TEXT)
        add_text(record, item, packet->data);
    else
        add(record, item, packet->data, packet->rows * st_record_row_size(packet->format));
}

void st_record_event(st_record *record, uint32_t port, uint32_t segment, const stapes_event *event)
{
    st_sent *item = append(record);
    if (!item) return;
    item->port = port;
    item->segment = segment;
    item->event = event->type;
    item->start = event->position;
    item->duration = event->length;
    if (event->name) add(record, item, event->name, strlen(event->name) + 1);
}

void st_record_clear(st_record *record)
{
    for (uint32_t i = 0; i < record->count; i++) free(record->items[i].bytes);
    free(record->items);
    memset(record, 0, sizeof *record);
}

/* Bytes of one row; 1 where rows are bytes. */
size_t st_record_row_size(const stapes_format *format)
{
    switch (format->kind) {
    case STAPES_AUDIO:
    case STAPES_FRAMES:
    case STAPES_SCORES: return (size_t)format->columns * sizeof(float);
    case STAPES_TOKENS: return sizeof(stapes_token);
    default: return 1;
    }
}

/* ---- comparing --------------------------------------------------------------------------------------------
 */

/* A place in a record: item `item`, row `row` of it. */
typedef struct cursor {
    const st_record *record;
    uint32_t         first, port, item, row;
    bool             events;
} cursor;

/* Moves to the next row (or event, or final text) of the port; false at the end. */
static bool settle(cursor *c)
{
    for (; c->item < c->record->count; c->item++, c->row = 0) {
        const st_sent *item = &c->record->items[c->item];
        if (item->port != c->port || item->segment < c->first || (item->event != 0) != c->events) continue;
        /* these lie between segments, and so in neither */
        if (item->event == STAPES_RECORDING_BEGIN || item->event == STAPES_RECORDING_END) continue;
        if (item->event) return true;
        if (item->format.kind == STAPES_TEXT) {
            if (item->final && !c->row) return true;
        } else if (c->row < item->rows) {
            return true;
        }
    }
    return false;
}

static stapes_time time_of(const st_sent *item, uint32_t row)
{
    switch (item->format.kind) {
    case STAPES_AUDIO: return item->start + stapes_time_of(row, item->format.rate);
    case STAPES_FRAMES:
    case STAPES_SCORES: return item->start + item->format.hop * row;
    default: return item->start;
    }
}

static bool times_count(const st_sent *item)
{
    return item->event || item->format.kind == STAPES_AUDIO || item->format.kind == STAPES_TEXT ||
           ((item->format.kind == STAPES_FRAMES || item->format.kind == STAPES_SCORES) && item->format.hop);
}

static bool same_time(const st_sent *item, stapes_time a, stapes_time b)
{
    /* places at rates that do not divide a second of flicks are rounded down once for each packet */
    stapes_time slack =
        item->format.kind == STAPES_AUDIO && item->format.rate && STAPES_SECOND % item->format.rate ? 2 : 0;
    return a - b <= slack && b - a <= slack;
}

static void tell_rows(const st_sent *a, const st_sent *b, uint32_t row, uint32_t i, uint32_t j,
                      size_t size_of_row, char *text, size_t size)
{
    if (a->format.kind == STAPES_AUDIO || a->format.kind == STAPES_FRAMES ||
        a->format.kind == STAPES_SCORES) {
        for (uint32_t column = 0; column < a->format.columns; column++) {
            float x, y;
            memcpy(&x, a->bytes + i * size_of_row + column * sizeof x, sizeof x);
            memcpy(&y, b->bytes + j * size_of_row + column * sizeof y, sizeof y);
            if (memcmp(&x, &y, sizeof x)) {
                (void)snprintf(text, size, "row %u, column %u is %.9g and not %.9g", row, column, (double)x,
                               (double)y);
                return;
            }
        }
    }
    (void)snprintf(text, size, "row %u differs", row);
}

static bool same_port(cursor a, cursor b, char *text, size_t size)
{
    for (uint32_t row = 0;; row++) {
        bool           more_a = settle(&a), more_b = settle(&b);
        const st_sent *x, *y;
        size_t         row_size;
        if (!more_a && !more_b) return true;
        if (!more_a || !more_b) {
            for (cursor *rest = more_a ? &a : &b; settle(rest); rest->row++) row++;
            (void)snprintf(text, size, "there are %s %s (%u in all)", more_a ? "more" : "fewer",
                           a.events ? "events" : "rows", row);
            return false;
        }
        x = &a.record->items[a.item];
        y = &b.record->items[b.item];
        if (a.events) {
            if (x->event != y->event || x->start != y->start || x->length != y->length ||
                x->segment - a.first != y->segment - b.first ||
                memcmp(x->bytes ? x->bytes : (unsigned char *)"", y->bytes ? y->bytes : (unsigned char *)"",
                       x->length)) {
                (void)snprintf(text, size, "event %u is of type %u at %.6f s and not of type %u at %.6f s",
                               row, x->event, stapes_seconds(x->start), y->event, stapes_seconds(y->start));
                return false;
            }
        } else {
            if (!st_format_equal(&x->format, &y->format)) {
                (void)snprintf(text, size, "the format of row %u differs", row);
                return false;
            }
            if (x->segment - a.first != y->segment - b.first) {
                (void)snprintf(text, size, "row %u lies in another segment", row);
                return false;
            }
            if (times_count(x) && !same_time(x, time_of(x, a.row), time_of(y, b.row))) {
                (void)snprintf(text, size, "row %u lies at %.9f s and not at %.9f s", row,
                               stapes_seconds(time_of(x, a.row)), stapes_seconds(time_of(y, b.row)));
                return false;
            }
            if (x->format.kind == STAPES_TEXT) {
                if (x->length != y->length || memcmp(x->bytes, y->bytes, x->length)) {
                    (void)snprintf(text, size,
                                   "final text %u is '%.150s' and not '%.150s', or its words differ", row,
                                   (const char *)x->bytes, (const char *)y->bytes);
                    return false;
                }
            } else {
                row_size = st_record_row_size(&x->format);
                if (memcmp(x->bytes + a.row * row_size, y->bytes + b.row * row_size, row_size)) {
                    tell_rows(x, y, row, a.row, b.row, row_size, text, size);
                    return false;
                }
            }
        }
        a.row++;
        b.row++;
        if (a.events || x->format.kind == STAPES_TEXT) a.item++, a.row = 0;
        if (b.events || y->format.kind == STAPES_TEXT) b.item++, b.row = 0;
    }
}

static bool exactly(const st_record *a, uint32_t a_first, const st_record *b, uint32_t b_first, char *text,
                    size_t size)
{
    uint32_t i = 0, j = 0;
    for (uint32_t n = 0;; n++, i++, j++) {
        while (i < a->count && a->items[i].segment < a_first) i++;
        while (j < b->count && b->items[j].segment < b_first) j++;
        if (i == a->count && j == b->count) return true;
        if (i == a->count || j == b->count) {
            (void)snprintf(text, size, "there are %s packets and events", i == a->count ? "fewer" : "more");
            return false;
        }
        const st_sent *x = &a->items[i], *y = &b->items[j];
        if (x->port != y->port || x->event != y->event || x->start != y->start ||
            x->duration != y->duration || x->rows != y->rows || x->length != y->length ||
            (x->length && memcmp(x->bytes, y->bytes, x->length))) {
            (void)snprintf(text, size, "packet or event %u differs", n);
            return false;
        }
    }
}

bool st_record_same(const st_record *a, uint32_t a_first, const st_record *b, uint32_t b_first, bool exact,
                    char *text, size_t size)
{
    uint32_t ports = 0;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->items[i].port >= ports) ports = a->items[i].port + 1;
    for (uint32_t i = 0; i < b->count; i++)
        if (b->items[i].port >= ports) ports = b->items[i].port + 1;
    for (uint32_t port = 0; port < ports; port++)
        for (int events = 0; events < 2; events++) {
            char   words[400];
            cursor x = {.record = a, .first = a_first, .port = port, .events = events};
            cursor y = {.record = b, .first = b_first, .port = port, .events = events};
            if (same_port(x, y, words, sizeof words)) continue;
            (void)snprintf(text, size, "on output %u %s", port, words);
            return false;
        }
    return !exact || exactly(a, a_first, b, b_first, text, size);
}

bool st_record_has_nan(const st_record *record, char *text, size_t size)
{
    for (uint32_t i = 0; i < record->count; i++) {
        const st_sent *item = &record->items[i];
        if (item->event || !(item->format.kind == STAPES_AUDIO || item->format.kind == STAPES_FRAMES ||
                             item->format.kind == STAPES_SCORES))
            continue;
        for (size_t at = 0; at + sizeof(float) <= item->length; at += sizeof(float)) {
            float value;
            memcpy(&value, item->bytes + at, sizeof value);
            if (!isnan(value)) continue;
            (void)snprintf(text, size, "sends NaN on output %u, at %.6f s, for ordinary input", item->port,
                           stapes_seconds(item->start));
            return true;
        }
    }
    return false;
}
