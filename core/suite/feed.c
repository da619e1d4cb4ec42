/* feed.c - see feed.h. Numbers are made row by row from the seed, so that a feed of any length begins with
 * the same rows. */
#include "suite/feed.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1 << 22 };

/* -1 to 1 */
static float noise(uint64_t *state)
{
    return (float)((double)(st_suite_random(state) >> 11) * 0x1p-52 - 1.0);
}

static float flavoured(int flavour, float ordinary, uint32_t row, uint32_t column, uint64_t *state)
{
    uint64_t dice = st_suite_random(state);
    switch (flavour) {
    case ST_SILENT: return 0.0f;
    case ST_NAN: return dice % 97 == 0 ? NAN : ordinary;
    case ST_INFINITE: return dice % 89 == 0 ? (dice & 1024 ? INFINITY : -INFINITY) : ordinary;
    case ST_TINY: return ordinary * FLT_MIN * 0.01f;
    case ST_LOUD: return dice % 101 == 0 ? ordinary * 1e30f : ordinary * 100.0f;
    default: return (void)row, (void)column, ordinary;
    }
}

static void fill_audio(st_feed *feed, float *out)
{
    uint64_t state = feed->seed;
    for (uint32_t row = 0; row < feed->rows; row++)
        for (uint32_t column = 0; column < feed->format.columns; column++) {
            double t = (double)row / feed->format.rate;
            /* a voice of sorts: harmonics that swell, and noise */
            double swell = 0.5 - 0.5 * cos(2 * M_PI * 2.1 * t + column);
            double value =
                swell * (0.25 * sin(2 * M_PI * 137.0 * t) + 0.15 * sin(2 * M_PI * 411.0 * t + column) +
                         0.08 * sin(2 * M_PI * 1517.0 * t)) +
                0.02 * (double)noise(&state);
            *out++ = flavoured(feed->flavour, (float)value, row, column, &state);
        }
}

static void fill_rows(st_feed *feed, float *out)
{
    uint64_t state = feed->seed;
    for (uint32_t row = 0; row < feed->rows; row++) {
        float *begin = out;
        for (uint32_t column = 0; column < feed->format.columns; column++) {
            float value = noise(&state) + noise(&state) + noise(&state);
            *out++ = feed->format.kind == STAPES_FRAMES ? flavoured(feed->flavour, value, row, column, &state)
                                                        : 3 * value;
        }
        if (feed->format.kind == STAPES_SCORES) { /* log probabilities */
            double sum = 0;
            for (float *at = begin; at < out; at++) sum += exp((double)*at);
            for (float *at = begin; at < out; at++)
                *at = flavoured(feed->flavour, *at - (float)log(sum), row, 0, &state);
        }
    }
}

static void fill_tokens(st_feed *feed, stapes_token *out)
{
    uint64_t    state = feed->seed;
    stapes_time at = feed->start;
    for (uint32_t row = 0; row < feed->rows; row++) {
        stapes_time step = STAPES_SECOND / 20 + (stapes_time)(st_suite_random(&state) % (STAPES_SECOND / 10));
        if (feed->flavour == ST_ODD && row % 3) step = 0;
        out[row] = (stapes_token){.start = at,
                                  .end = at + step,
                                  .id = (int32_t)st_suite_below(&state, 30),
                                  .score = -fabsf(noise(&state))};
        if (feed->flavour == ST_ODD && row % 4 == 1) out[row].id = row % 8 == 1 ? -1 : INT32_MAX;
        if (feed->flavour == ST_NAN && row % 4 == 1) out[row].score = NAN;
        at += step;
    }
}

bool st_feed_make(st_feed *feed, const stapes_format *format, double seconds, stapes_time start,
                  uint64_t seed, int flavour)
{
    double rows = seconds * 10;
    *feed = (st_feed){.format = *format, .lasting = format, .start = start, .seed = seed, .flavour = flavour};
    if (format->kind == STAPES_AUDIO) rows = seconds * format->rate;
    if (format->kind == STAPES_FRAMES || format->kind == STAPES_SCORES)
        rows = format->hop > 0 ? seconds / stapes_seconds(format->hop) : seconds * 100;
    if (format->kind == STAPES_TEXT) rows = seconds * 2;
    if (format->kind == STAPES_BYTES) rows = seconds * 1000;
    feed->rows = rows < 1 ? 1 : rows > MOST_ROWS ? MOST_ROWS : (uint32_t)rows;
    feed->data = calloc(feed->rows, st_record_row_size(format));
    if (!feed->data) return false;
    switch (format->kind) {
    case STAPES_AUDIO: fill_audio(feed, (float *)(void *)feed->data); break;
    case STAPES_FRAMES:
    case STAPES_SCORES: fill_rows(feed, (float *)(void *)feed->data); break;
    case STAPES_TOKENS: fill_tokens(feed, (stapes_token *)(void *)feed->data); break;
    default:
        for (uint32_t i = 0; i < feed->rows; i++) feed->data[i] = (char)(st_suite_random(&seed) & 0x7f);
    }
    return true;
}

void st_feed_free(st_feed *feed)
{
    free(feed->data);
    feed->data = NULL;
}

stapes_time st_feed_time(const st_feed *feed, uint32_t row)
{
    switch (feed->format.kind) {
    case STAPES_AUDIO: return feed->start + stapes_time_of(row, feed->format.rate);
    case STAPES_FRAMES:
    case STAPES_SCORES: return feed->start + feed->format.hop * row;
    case STAPES_TOKENS:
        if (row < feed->rows) return ((const stapes_token *)(const void *)feed->data)[row].start;
        return ((const stapes_token *)(const void *)feed->data)[feed->rows - 1].end;
    case STAPES_TEXT: return feed->start + STAPES_SECOND / 2 * row;
    default: return feed->start + STAPES_SECOND / 1000 * row;
    }
}

/* ---- packets
 * -------------------------------------------------------------------------------------------------- */

enum { WORDS = 3, WORD_ROOM = 24 };

/* A text of three words, all of it inside the packet. */
static st_guard *text_packet(st_probe *probe, const st_feed *feed, uint32_t row)
{
    static const char *const words[] = {"stirrup", "anvil", "hammer", "h\xc3\xb6ren", "ear", "a"};
    uint64_t                 state = feed->seed + row;
    uint32_t                 bytes = sizeof(stapes_text) + WORDS * (sizeof(stapes_word) + 2 * WORD_ROOM);
    st_guard                *guard = st_probe_packet(probe, feed->lasting, bytes);
    stapes_text             *text;
    stapes_word             *list;
    char                    *whole, *parts;
    stapes_time              start = st_feed_time(feed, row);
    if (!guard) return NULL;
    text = (void *)guard->data;
    list = (void *)(text + 1);
    whole = (char *)(list + WORDS);
    parts = whole + WORDS * WORD_ROOM;
    *text = (stapes_text){
        .size = sizeof *text, .segment = row, .final = 1, .score = -1.5f, .text = whole, .words = list};
    for (uint32_t i = 0; i < WORDS && feed->flavour != ST_ODD; i++) {
        const char *word = words[st_suite_below(&state, STAPES_COUNT(words))];
        (void)snprintf(parts, WORD_ROOM, "%s", word);
        (void)snprintf(whole + strlen(whole), WORD_ROOM, "%s%s", i ? " " : "", word);
        list[i] = (stapes_word){.text = parts,
                                .start = start + STAPES_SECOND / 10 * i,
                                .end = start + STAPES_SECOND / 10 * (i + 1),
                                .confidence = 0.5f};
        parts += WORD_ROOM;
        text->n_words++;
    }
    text->stable = (uint32_t)strlen(whole);
    return guard;
}

st_guard *st_feed_packet(st_probe *probe, const st_feed *feed, uint32_t first, uint32_t rows)
{
    size_t         size = st_record_row_size(&feed->format);
    st_guard      *guard = feed->format.kind == STAPES_TEXT ? text_packet(probe, feed, first)
                                                            : st_probe_packet(probe, feed->lasting, rows);
    stapes_packet *packet;
    if (!guard) return NULL;
    packet = st_guard_head(guard);
    if (feed->format.kind != STAPES_TEXT) memcpy(guard->data, feed->data + size * first, size * rows);
    packet->start = st_feed_time(feed, first);
    packet->duration = st_feed_time(feed, first + rows) - packet->start;
    st_guard_lock(guard);
    return guard;
}

uint32_t st_feed_piece(const st_feed *feed, int cut, uint32_t done, uint32_t turn, uint64_t *random)
{
    static const uint32_t primes[] = {2,  3,  5,   7,   11,  13,  17,  19,  23,  29,  31,  37, 41,
                                      43, 97, 101, 151, 211, 307, 401, 503, 601, 701, 809, 997};
    uint32_t              left = feed->rows - done, piece = left;
    if (feed->format.kind == STAPES_TEXT) return 1;
    switch (cut) {
    case ST_ROWS_OF_ONE: piece = done < 400 ? 1 : left; break;
    case ST_SEVENS: piece = done < 4000 ? 7 : 7777; break;
    case ST_PRIMES: piece = primes[turn % STAPES_COUNT(primes)]; break;
    case ST_HUGE: piece = done == 0 ? 1 : left > 1 ? left - 1 : 1; break;
    case ST_RANDOM: piece = 1 + st_suite_below(random, 1u << (2 + st_suite_below(random, 12))); break;
    case ST_TENTH: piece = feed->format.kind == STAPES_AUDIO ? feed->format.rate / 10 : 10; break;
    default: break;
    }
    return piece < 1 ? 1 : piece > left ? left : piece;
}

/* ---- segments
 * --------------------------------------------------------------------------------------------------- */

static int send_event(st_probe *probe, uint32_t type, stapes_time position, uint32_t number)
{
    stapes_event event = {
        .size = sizeof event, .type = type, .position = position, .segment = number, .name = "suite"};
    for (uint32_t i = 0; i < probe->stage->n_inputs; i++) {
        int status = probe->inputs[i] ? st_probe_event(probe, i, &event) : STAPES_OK;
        if (status < 0) return status;
    }
    return STAPES_OK;
}

int st_feed_recording(st_probe *probe, uint32_t type, stapes_time position)
{
    return send_event(probe, type, position, 0);
}

int st_feed_segment(st_probe *probe, const st_feed *feeds, uint32_t number, int cut, uint64_t random)
{
    uint32_t    done[ST_SUITE_PORTS] = {0}, turns[ST_SUITE_PORTS] = {0};
    uint64_t    states[ST_SUITE_PORTS];
    stapes_time end = INT64_MIN, begin = INT64_MAX;
    int         status;
    for (uint32_t i = 0; i < probe->stage->n_inputs; i++) {
        states[i] = random + i;
        if (!probe->inputs[i]) continue;
        if (feeds[i].start < begin) begin = feeds[i].start;
        if (st_feed_time(&feeds[i], feeds[i].rows) > end) end = st_feed_time(&feeds[i], feeds[i].rows);
    }
    status = send_event(probe, STAPES_SEGMENT_BEGIN, begin, number);
    while (status >= 0) {
        uint32_t  port = UINT32_MAX, rows;
        st_guard *guard;
        for (uint32_t i = 0; i < probe->stage->n_inputs; i++)
            if (probe->inputs[i] && done[i] < feeds[i].rows &&
                (port == UINT32_MAX ||
                 st_feed_time(&feeds[i], done[i]) < st_feed_time(&feeds[port], done[port])))
                port = i;
        if (port == UINT32_MAX) break;
        rows = st_feed_piece(&feeds[port], cut, done[port], turns[port]++, &states[port]);
        guard = st_feed_packet(probe, &feeds[port], done[port], rows);
        if (!guard) {
            st_suite_fail(probe->c, "no memory for an input packet");
            return STAPES_ENOMEM;
        }
        status = st_probe_process(probe, port, st_guard_head(guard));
        st_probe_drop(guard);
        done[port] += rows;
    }
    return status < 0 ? status : send_event(probe, STAPES_SEGMENT_END, end, number);
}
