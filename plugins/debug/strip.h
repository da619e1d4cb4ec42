/* strip.h - what passed over time, kept in bounded memory: a row of buckets, each of some rows. When they
 * are full, neighbours are joined and each bucket is twice as long. So an hour costs as much as a second. */
#ifndef STRIP_H
#define STRIP_H

#include <stapes/kit.h>

enum strip_way {
    STRIP_RANGE = 0, /* least and greatest value: waveforms */
    STRIP_MEAN = 1,  /* features */
    STRIP_BEST = 2   /* the best labels and their greatest log probability */
};

enum { STRIP_LABELS = 8 }; /* kept of a bucket, for STRIP_BEST */

typedef struct strip {
    int         way;
    uint32_t    columns;
    uint32_t    capacity, used; /* buckets */
    stapes_time origin, length; /* place of the first bucket, and how long each is */
    stapes_time end;            /* of what was kept */
    uint32_t   *rows;           /* (capacity) in each bucket; 0: nothing is known there */
    float      *a, *b;          /* (capacity, columns): least and greatest; sum, NULL; log probabilities
                                   (capacity, STRIP_LABELS), NULL */
    int32_t *labels;            /* (capacity, STRIP_LABELS), best first; -1: none */
} strip;

/* `row`: from one row to the next. False without memory. */
bool strip_open(strip *s, int way, uint32_t columns, stapes_time row, uint32_t most_buckets);
void strip_close(strip *s);

/* Begins anew: nothing is kept, rows are `row` apart. */
void strip_clear(strip *s, stapes_time row);

/* values (rows, columns), row i at start + i * row. Values that are not finite are left out. Rows before
 * the origin are left out. */
void strip_add(strip *s, const float *values, uint32_t rows, stapes_time start, stapes_time duration);

#endif
