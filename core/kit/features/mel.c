/* mel.c - see mel.h. The scales as in librosa and Kaldi. */
#include "kit/features/mel.h"

#include <math.h>
#include <stdlib.h>

/* Slaney's Auditory Toolbox: linear below 1 kHz, then 27 steps for a factor of 6.4. */
static const double slaney_step = 200.0 / 3.0, slaney_knee = 1000.0, slaney_log = 0.068751777420949124;

static double mel_of(int32_t scale, double hertz)
{
    if (scale == STAPES_SCALE_HTK) return 2595.0 * log10(1.0 + hertz / 700.0);
    if (hertz < slaney_knee) return hertz / slaney_step;
    return slaney_knee / slaney_step + log(hertz / slaney_knee) / slaney_log;
}

static double hertz_of(int32_t scale, double mel)
{
    if (scale == STAPES_SCALE_HTK) return 700.0 * (pow(10.0, mel / 2595.0) - 1.0);
    double knee = slaney_knee / slaney_step;
    return mel < knee ? mel * slaney_step : slaney_knee * exp(slaney_log * (mel - knee));
}

/* The weight of line `hertz` in the triangle over the three edges, which are in mel. */
static double weight_of(const stapes_features_settings *s, double hertz, const double edges[3])
{
    double x = hertz, a = edges[0], b = edges[1], c = edges[2];
    double low = hertz_of(s->scale, a), high = hertz_of(s->scale, c);
    if (s->triangles == STAPES_TRIANGLES_MEL) {
        x = mel_of(s->scale, hertz);
    } else {
        a = low;
        b = hertz_of(s->scale, b);
        c = high;
    }
    double up = (x - a) / (b - a), down = (c - x) / (c - b), weight = up < down ? up : down;
    if (!(weight > 0)) return 0;
    return s->norm == STAPES_NORM_SLANEY ? weight * 2.0 / (high - low) : weight;
}

/* Filter m's weight of that line, or 0 where there is no such filter. */
static double weight_in(const stapes_features_settings *s, int64_t m, double low, double step, double hertz)
{
    if (m < 0 || m >= s->mels) return 0;
    double d = (double)m, edges[3] = {low + d * step, low + (d + 1.0) * step, low + (d + 2.0) * step};
    return weight_of(s, hertz, edges);
}

/* The first line at or above an edge. */
static uint32_t line_at(const stapes_features_settings *s, double edge, double spacing, uint32_t lines)
{
    bool     in_mel = s->triangles == STAPES_TRIANGLES_MEL;
    double   from = floor(hertz_of(s->scale, edge) / spacing) - 1;
    uint32_t line = from > 0 ? (uint32_t)from : 0;
    while (line < lines &&
           (in_mel ? mel_of(s->scale, line * spacing) < edge : line * spacing < hertz_of(s->scale, edge)))
        line++;
    return line < lines ? line : lines;
}

st_mel *st_mel_open(const stapes_features_settings *s)
{
    uint32_t half = s->fft / 2, lines = s->triangles == STAPES_TRIANGLES_MEL ? (s->fft + 1) / 2 : half + 1;
    double   low = mel_of(s->scale, (double)s->low), high = mel_of(s->scale, (double)s->high);
    double   step = (high - low) / (s->mels + 1), spacing = (double)s->rate / s->fft;
    /* torchaudio spreads its lines evenly from 0 to half the rate, an integer. */
    if (s->style == STAPES_FEATURES_TORCHAUDIO && half) spacing = (double)(s->rate / 2) / half;

    st_mel *mel = calloc(1, sizeof *mel);
    if (!mel) return NULL;
    mel->edges = calloc((size_t)s->mels + 2, sizeof *mel->edges);
    mel->weights = calloc((size_t)lines + 1, 2 * sizeof *mel->weights);
    bool *full = calloc(s->mels, sizeof *full);
    if (!mel->edges || !mel->weights || !full) {
        free(full);
        st_mel_close(mel);
        return NULL;
    }
    for (uint32_t e = 0; e < s->mels + 2; e++) mel->edges[e] = line_at(s, low + e * step, spacing, lines);
    double *weight = mel->weights;
    for (uint32_t side = 0; side <= s->mels; side++) {
        for (uint32_t line = mel->edges[side]; line < mel->edges[side + 1]; line++, weight += 2) {
            weight[0] = weight_in(s, (int64_t)side - 1, low, step, line * spacing);
            weight[1] = weight_in(s, side, low, step, line * spacing);
            if (weight[0] > 0) full[side - 1] = true;
            if (weight[1] > 0) full[side] = true;
        }
    }
    for (uint32_t m = 0; m < s->mels; m++) mel->empty += !full[m];
    free(full);
    mel->filters = (st_filters){.count = s->mels, .edges = mel->edges, .weights = mel->weights};
    return mel;
}

void st_mel_close(st_mel *mel)
{
    if (!mel) return;
    free(mel->edges);
    free(mel->weights);
    free(mel);
}
