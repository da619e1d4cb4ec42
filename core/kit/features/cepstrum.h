/* cepstrum.h - rows of log-mel values become rows of cepstral coefficients: an orthonormal cosine transform
 * of type 2, the first of its coefficients, weighed by a lifter. */
#ifndef ST_CEPSTRUM_H
#define ST_CEPSTRUM_H

#include <stapes/kit/features.h>

typedef struct st_cepstrum st_cepstrum;

/* NULL without memory. The settings are checked ones. */
st_cepstrum *st_cepstrum_open(const stapes_features_settings *settings);
void         st_cepstrum_close(st_cepstrum *cepstrum); /* NULL is fine */

/* out (ceps), row (mels, and the energy behind them if the settings have it) */
void st_cepstrum_row(const st_cepstrum *cepstrum, const float *row, float *out);

#endif
