/* mel.h - a bank of triangular filters on a mel scale, over the lines of an FFT. */
#ifndef ST_MEL_H
#define ST_MEL_H

#include "kit/features/lanes.h"

#include <stapes/kit/features.h>

typedef struct st_mel {
    st_filters filters;
    uint32_t   empty; /* filters without a line */
    uint32_t  *edges; /* what the filters point to */
    double    *weights;
} st_mel;

/* NULL without memory. The settings are checked ones. */
st_mel *st_mel_open(const stapes_features_settings *settings);
void    st_mel_close(st_mel *mel);

#endif
