/* feed.h - input made from a seed and handed to a stage, cut into packets in many ways: for the contract
 * suite. */
#ifndef ST_FEED_H
#define ST_FEED_H

#include "suite/probe.h"

enum st_feed_flavour {
    ST_ORDINARY,
    ST_SILENT,   /* zeros */
    ST_NAN,      /* single NaN among ordinary numbers */
    ST_INFINITE, /* infinities */
    ST_TINY,     /* denormal numbers */
    ST_LOUD,     /* far above the nominal range, up to 1e30 */
    ST_ODD       /* ids below zero, empty texts, times that stand still: for tokens and texts */
};

/* A segment of one input. */
typedef struct st_feed {
    stapes_format        format;
    const stapes_format *lasting; /* as given; packets point to it */
    stapes_time          start;
    uint32_t             rows; /* texts: how many */
    char                *data; /* rows; of texts nothing */
    uint64_t             seed;
    int                  flavour;
} st_feed;

/* Fills a feed of about `seconds` (at least one row) that starts at `start`; the format lives as long as
 * all packets of the feed. False without memory. */
bool st_feed_make(st_feed *feed, const stapes_format *format, double seconds, stapes_time start,
                  uint64_t seed, int flavour);
void st_feed_free(st_feed *feed);

/* The place of a row. */
stapes_time st_feed_time(const st_feed *feed, uint32_t row);

/* How a segment is cut. */
enum st_feed_cut {
    ST_WHOLE,
    ST_ROWS_OF_ONE, /* the first 400 rows one by one, then the rest at once */
    ST_SEVENS,      /* the first 4000 rows in sevens, then 7777 at a time */
    ST_PRIMES,      /* 2, 3, 5, 7, ... 997, and again */
    ST_HUGE,        /* one row, then all but one, then one */
    ST_RANDOM,
    ST_TENTH /* a tenth of a second each */
};

/* Packets of `rows` rows from `first` on of a feed as an input packet, locked; NULL without memory. */
st_guard *st_feed_packet(st_probe *probe, const st_feed *feed, uint32_t first, uint32_t rows);

/* The length of the next piece when `done` rows are gone; `turn` counts the pieces. */
uint32_t st_feed_piece(const st_feed *feed, int cut, uint32_t done, uint32_t turn, uint64_t *random);

/* One segment through the stage: its begin, the feeds of all inputs in the order of time (`feeds` has
 * n_inputs of them), its end with the flush. Negative: what the stage answered. */
int st_feed_segment(st_probe *probe, const st_feed *feeds, uint32_t number, int cut, uint64_t random);

/* Recording begin and end events on the first input. */
int st_feed_recording(st_probe *probe, uint32_t type, stapes_time position);

#endif
