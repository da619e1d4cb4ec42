/* spectrum.h - windows of samples become rows of log-mel values, before any normalisation. */
#ifndef ST_SPECTRUM_H
#define ST_SPECTRUM_H

#include <stapes/kit/features.h>

enum { ST_SPECTRUM_MOST = 8 }; /* windows that are computed together, on any path */

typedef struct st_spectrum st_spectrum;

/* NULL without memory. The settings are checked ones. */
st_spectrum *st_spectrum_open(const stapes_features_settings *settings);
void         st_spectrum_close(st_spectrum *spectrum);

/* Samples of a window: the window, or the fft where the window stands in its middle. */
uint32_t st_spectrum_span(const stapes_features_settings *settings);

/* Windows that are computed together on this path: as many at once are fastest. */
uint32_t st_spectrum_block(const st_spectrum *spectrum);

/* Filters that hold no line of the FFT: their values are those of silence. */
uint32_t st_spectrum_empty(const st_spectrum *spectrum);

/* rows (count, mels), windows (count) of span samples each; count at most st_spectrum_block. A row depends
 * on its window alone. */
void st_spectrum_rows(st_spectrum *spectrum, const float *const *windows, uint32_t count, float *rows);

#endif
