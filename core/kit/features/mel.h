/* mel.h - a bank of triangular filters on a mel scale, over the lines of an FFT. Of each filter only the
 * lines that it weighs are kept. */
#ifndef ST_MEL_H
#define ST_MEL_H

#include <stapes/kit/features.h>

typedef struct st_mel {
    uint32_t  count; /* filters */
    uint32_t  empty; /* filters without a line */
    uint32_t *first; /* (count) the lowest line of each */
    uint32_t *begin; /* (count + 1) where its weights begin */
    double   *weights;
} st_mel;

/* NULL without memory. The settings are checked ones. */
st_mel *st_mel_open(const stapes_logmel_settings *settings);
void    st_mel_close(st_mel *mel);

/* sums (count), lines (fft / 2 + 1). Each sum from the lowest line up, in float64. */
void st_mel_run(const st_mel *mel, const double *lines, float *sums);

#endif
