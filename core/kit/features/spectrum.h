/* spectrum.h - one window of samples becomes one row of log-mel values, before any normalisation. */
#ifndef ST_SPECTRUM_H
#define ST_SPECTRUM_H

#include <stapes/kit/features.h>

typedef struct st_spectrum st_spectrum;

/* NULL without memory. The settings are checked ones. */
st_spectrum *st_spectrum_open(const stapes_logmel_settings *settings);
void         st_spectrum_close(st_spectrum *spectrum);

/* Samples of a window: the window, or the fft where the window stands in its middle. */
uint32_t st_spectrum_span(const stapes_logmel_settings *settings);

/* Filters that hold no line of the FFT: their values are those of silence. */
uint32_t st_spectrum_empty(const st_spectrum *spectrum);

/* row (mels), x (span). Row depends on x alone. */
void st_spectrum_row(st_spectrum *spectrum, const float *x, float *row);

#endif
