/* normalize.h - features brought to mean 0 and deviation 1, or Whisper's range. Values that are not finite
 * stay as they are and are left out of the statistics. */
#ifndef ST_NORMALIZE_H
#define ST_NORMALIZE_H

#include <stapes/stage.h>

/* rows (count, columns) in place: each column less its mean, by max(deviation, 1e-5), over all rows
 * (population variance, two passes in float64, in the order of the rows). work: columns x 3 to work in. */
void st_normalize_utterance(float *rows, size_t count, uint32_t columns, double *work);

/* rows (count, columns) in place: max(x, greatest - 8), then (x + 4) / 4. */
void st_normalize_whisper(float *rows, size_t count, uint32_t columns);

/* Causal: each row by the statistics of itself and the `span` rows before it; of the first `warmup` rows of
 * a segment, which come out together, all by those of these rows. */
typedef struct st_running st_running;

/* NULL without memory. */
st_running *st_running_open(uint32_t columns, uint32_t span, uint32_t warmup);
void        st_running_close(st_running *running);

/* Takes a row. Returns how many come out now: 0 while it warms up, then `warmup` once, then 1. */
uint32_t st_running_push(st_running *running, const float *row);

/* The segment ended: how many rows come out that were still held back. */
uint32_t st_running_flush(st_running *running);

/* Writes the rows that push or flush spoke of: out (that many, columns). */
void st_running_pull(st_running *running, float *out);
void st_running_reset(st_running *running);

#endif
