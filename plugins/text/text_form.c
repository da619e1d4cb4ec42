/* text_form.c - a recording's texts as a line. Numbers are made of integers, so that no locale puts a
 * comma into them; strings are taken to be anybody's bytes (file names, texts of other people's stages)
 * and come out as valid UTF-8. */
#include "text_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(text_line *line, const char *bytes, size_t count)
{
    if (line->failed) return;
    if (count > line->room - line->length) {
        size_t room = line->room ? line->room : 256;
        while (room - line->length < count && room < SIZE_MAX / 4) room *= 2;
        char *grown = room - line->length < count ? NULL : realloc(line->bytes, room);
        if (!grown) {
            line->failed = true;
            return;
        }
        line->bytes = grown;
        line->room = room;
    }
    memcpy(line->bytes + line->length, bytes, count);
    line->length += count;
}

static void put_text(text_line *line, const char *text) { put(line, text, strlen(text)); }

/* Bytes of the UTF-8 character that text begins with; 0 if it begins with none (Unicode 15, table 3-7). */
static size_t character(const unsigned char *text)
{
    unsigned char lead = text[0], low = 0x80, high = 0xbf;
    size_t        more;
    if (lead < 0x80) return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        more = 1;
    else if (lead >= 0xe0 && lead <= 0xef)
        more = 2;
    else if (lead >= 0xf0 && lead <= 0xf4)
        more = 3;
    else
        return 0;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    for (size_t i = 1; i <= more; i++) {
        if (text[i] < low || text[i] > high) return 0;
        low = 0x80;
        high = 0xbf;
    }
    return more + 1;
}

static void put_string(text_line *line, const char *text)
{
    static const char    names[] = "\"\"\\\\\bb\ff\nn\rr\tt";
    const unsigned char *at = (const unsigned char *)text;
    put(line, "\"", 1);
    while (*at) {
        size_t      bytes = character(at);
        const char *name = NULL;
        char        code[8];
        for (size_t i = 0; i + 1 < sizeof names; i += 2)
            if ((unsigned char)names[i] == *at) name = &names[i + 1];
        if (name) {
            put(line, "\\", 1);
            put(line, name, 1);
        } else if (*at < 0x20 || *at == 0x7f) {
            put(line, code, (size_t)snprintf(code, sizeof code, "\\u%04x", *at));
        } else if (bytes) {
            put(line, (const char *)at, bytes);
        } else {
            put(line, "\xef\xbf\xbd", 3);
        }
        at += bytes ? bytes : 1;
    }
    put(line, "\"", 1);
}

/* Seconds, rounded to the millisecond. */
static void put_time(text_line *line, stapes_time time)
{
    const stapes_time unit = STAPES_SECOND / 1000;
    uint64_t          flicks = time < 0 ? 0 - (uint64_t)time : (uint64_t)time;
    uint64_t          ms = flicks / (uint64_t)unit + (flicks % (uint64_t)unit * 2 >= (uint64_t)unit);
    char              text[40];
    put(line, text,
        (size_t)snprintf(text, sizeof text, "%s%llu.%03u", time < 0 && ms ? "-" : "",
                         (unsigned long long)(ms / 1000), (unsigned)(ms % 1000)));
}

/* 0 to 1 with four decimals. */
static void put_share(text_line *line, float share)
{
    unsigned parts = share >= 1 ? 10000 : share > 0 ? (unsigned)((double)share * 10000 + 0.5) : 0;
    char     text[24];
    put(line, text, (size_t)snprintf(text, sizeof text, "%u.%04u", parts / 10000, parts % 10000));
}

void text_form_plain(text_line *line, const text_store *store)
{
    bool space = false, begun = false;
    for (size_t i = 0; i < store->n_segments; i++) {
        const unsigned char *at = (const unsigned char *)store->bytes + store->segments[i].text;
        space = true;
        while (*at) {
            size_t bytes = character(at);
            if (*at <= 0x20 || *at == 0x7f) {
                space = true;
            } else {
                if (space && begun) put(line, " ", 1);
                space = false;
                begun = true;
                if (bytes)
                    put(line, (const char *)at, bytes);
                else
                    put(line, "\xef\xbf\xbd", 3);
            }
            at += bytes ? bytes : 1;
        }
    }
    put(line, "\n", 1);
}

static void put_word(text_line *line, const text_store *store, const text_store_word *word)
{
    put_text(line, "{\"text\": ");
    put_string(line, store->bytes + word->text);
    put_text(line, ", \"start\": ");
    put_time(line, word->start);
    put_text(line, ", \"end\": ");
    put_time(line, word->end);
    if (word->confidence >= 0) {
        put_text(line, ", \"confidence\": ");
        put_share(line, word->confidence);
    }
    put_text(line, "}");
}

/* All texts with a space between, as a string of their own. */
static void put_all(text_line *line, const text_store *store)
{
    text_line all = {0};
    text_form_plain(&all, store);
    if (all.length) all.bytes[all.length - 1] = '\0';
    if (all.failed)
        line->failed = true;
    else
        put_string(line, all.bytes);
    free(all.bytes);
}

void text_form_json(text_line *line, const text_store *store, const char *file, stapes_time length)
{
    put_text(line, "{\"file\": ");
    if (file)
        put_string(line, file);
    else
        put_text(line, "null");
    put_text(line, ", \"text\": ");
    put_all(line, store);
    put_text(line, ", \"seconds\": ");
    put_time(line, length);
    put_text(line, ", \"segments\": [");
    for (size_t i = 0; i < store->n_segments; i++) {
        const text_store_segment *segment = &store->segments[i];
        put_text(line, i ? ", {\"start\": " : "{\"start\": ");
        put_time(line, segment->start);
        put_text(line, ", \"end\": ");
        put_time(line, segment->end);
        put_text(line, ", \"text\": ");
        put_string(line, store->bytes + segment->text);
        put_text(line, ", \"words\": [");
        for (size_t w = 0; w < segment->n_words; w++) {
            if (w) put_text(line, ", ");
            put_word(line, store, &store->words[segment->first_word + w]);
        }
        put_text(line, "]}");
    }
    put_text(line, "]}\n");
}

void text_form_clear(text_line *line)
{
    line->length = 0;
    line->failed = false;
}

void text_form_close(text_line *line)
{
    free(line->bytes);
    memset(line, 0, sizeof *line);
}
