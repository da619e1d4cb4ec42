/* framer.h - samples in pieces of any size become windows.
 *
 * Positions are counted from the segment's begin. A window may begin before it and end behind it, by the
 * padding; what lies there is made from the samples that are there. */
#ifndef ST_FRAMER_H
#define ST_FRAMER_H

#include <stapes/kit/features.h>

typedef struct st_framer {
    uint32_t hop, span; /* samples; of a window */
    int32_t  padding;   /* enum stapes_features_padding */
    bool     drop_last; /* the last row of a segment is left out */
    int64_t  lead;      /* row 0's window begins at -lead */
    uint32_t block;     /* windows that are asked for at once, at most */
    float   *edges;     /* (block, span) windows that reach beyond an end */
    float   *samples;   /* those from `base` on, `held` of them, room for `room` */
    size_t   held, room;
    int64_t  base, total; /* total: samples of the segment so far */
    int64_t  next;        /* the row that comes next */
} st_framer;

/* Of checked settings. False without memory; close takes a half-made one. */
bool st_framer_open(st_framer *framer, const stapes_features_settings *settings, uint32_t block);
void st_framer_close(st_framer *framer);
void st_framer_reset(st_framer *framer);

/* Samples of a window: the window, or the fft where the window stands in its middle. */
uint32_t st_framer_span(const stapes_features_settings *settings);

/* Takes samples (NULL: zeros) as far as there is room; returns how many. With all complete windows taken
 * after each call there is room for more. */
size_t st_framer_take(st_framer *framer, const float *samples, size_t count);

/* Windows that are complete; and those that are left when no more samples come. */
int64_t st_framer_complete(const st_framer *framer);
int64_t st_framer_left(const st_framer *framer);

/* windows (count): the next ones, count at most a block; good until the next call. */
void st_framer_next(st_framer *framer, uint32_t count, const float **windows);

#endif
