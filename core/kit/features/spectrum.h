/* spectrum.h - windows of samples become rows: log-mel values (for MFCC too, with the energy behind them),
 * or the lines of the transform; before anything that needs more than one window. */
#ifndef ST_SPECTRUM_H
#define ST_SPECTRUM_H

#include <stapes/kit/features.h>

enum { ST_SPECTRUM_MOST = 8 }; /* windows that are computed together, on any path */

typedef struct st_spectrum st_spectrum;

/* NULL without memory. The settings are checked ones; of them the window, the fft, the filters, the
 * logarithm, values and energy count. */
st_spectrum *st_spectrum_open(const stapes_features_settings *settings);
void         st_spectrum_close(st_spectrum *spectrum);

/* Windows that are computed together on this path: as many at once are fastest. */
uint32_t st_spectrum_block(const st_spectrum *spectrum);

/* Numbers of a row. */
uint32_t st_spectrum_width(const stapes_features_settings *settings);

/* Filters that hold no line of the FFT: their values are those of silence. */
uint32_t st_spectrum_empty(const st_spectrum *spectrum);

/* rows (count, width), windows (count) of st_framer_span samples each; count at most st_spectrum_block. A row
 * depends on its window alone. */
void st_spectrum_rows(st_spectrum *spectrum, const float *const *windows, uint32_t count, float *rows);

#endif
