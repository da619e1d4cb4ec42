/* cepstrum.c - see cepstrum.h. The lifter is part of the transform's matrix. Kaldi counts coefficients from 0
 * in it, librosa from 1. */
#include "kit/features/cepstrum.h"

#include "kit/features/lanes.h"

#include <math.h>
#include <stdlib.h>

struct st_cepstrum {
    const st_lanes *lanes;
    uint32_t        mels, ceps;
    bool            energy;
    double         *weights; /* (mels, ceps rounded up to ST_LANES_MOST) */
};

st_cepstrum *st_cepstrum_open(const stapes_features_settings *s)
{
    const double pi = 3.14159265358979323846;
    st_cepstrum *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    uint32_t width = (s->ceps + ST_LANES_MOST - 1) / ST_LANES_MOST * ST_LANES_MOST;
    *c = (st_cepstrum){.lanes = st_lanes_get(), .mels = s->mels, .ceps = s->ceps, .energy = s->energy != 0};
    c->weights = calloc((size_t)s->mels * width, sizeof *c->weights);
    if (!c->weights) {
        st_cepstrum_close(c);
        return NULL;
    }
    for (uint32_t k = 0; k < s->ceps; k++) {
        double q = (double)s->lifter, place = s->style == STAPES_FEATURES_KALDI ? k : k + 1.0;
        double scale = sqrt((k ? 2.0 : 1.0) / s->mels);
        if (q > 0) scale *= 1.0 + q / 2 * sin(pi * place / q);
        for (uint32_t m = 0; m < s->mels; m++)
            c->weights[(size_t)m * width + k] = scale * cos(pi / s->mels * (m + 0.5) * k);
    }
    return c;
}

void st_cepstrum_close(st_cepstrum *c)
{
    if (!c) return;
    free(c->weights);
    free(c);
}

void st_cepstrum_row(const st_cepstrum *c, const float *row, float *out)
{
    c->lanes->multiply(c->weights, row, c->mels, c->ceps, out);
    if (c->energy) out[0] = row[c->mels];
}
