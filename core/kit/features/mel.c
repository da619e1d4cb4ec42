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
static double weight_of(const stapes_logmel_settings *s, double hertz, const double edges[3])
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

st_mel *st_mel_open(const stapes_logmel_settings *s)
{
    uint32_t half = s->fft / 2, lines = s->triangles == STAPES_TRIANGLES_MEL ? (s->fft + 1) / 2 : half + 1;
    double   low = mel_of(s->scale, (double)s->low), high = mel_of(s->scale, (double)s->high);
    double   step = (high - low) / (s->mels + 1), spacing = (double)s->rate / s->fft;
    /* torchaudio spreads its lines evenly from 0 to half the rate, an integer. */
    if (s->style == STAPES_LOGMEL_TORCHAUDIO && half) spacing = (double)(s->rate / 2) / half;

    st_mel *mel = calloc(1, sizeof *mel);
    if (!mel) return NULL;
    mel->count = s->mels;
    mel->first = calloc(s->mels, sizeof *mel->first);
    mel->begin = calloc((size_t)s->mels + 1, sizeof *mel->begin);
    /* A line lies in two triangles at most. */
    mel->weights = calloc(2 * (size_t)lines + 2, sizeof *mel->weights);
    if (!mel->first || !mel->begin || !mel->weights) {
        st_mel_close(mel);
        return NULL;
    }
    uint32_t used = 0;
    for (uint32_t m = 0; m < s->mels; m++) {
        double   edges[3] = {low + m * step, low + (m + 1.0) * step, low + (m + 2.0) * step};
        double   from = floor(hertz_of(s->scale, edges[0]) / spacing) - 1;
        uint32_t line = from > 0 ? (uint32_t)from : 0, begin = used, room = 2 * lines + 2;
        for (; line < lines; line++) {
            double weight = weight_of(s, line * spacing, edges);
            if (weight > 0 && used < room) {
                if (used == begin) mel->first[m] = line;
                mel->weights[used++] = weight;
            } else if (used > begin || line * spacing > hertz_of(s->scale, edges[2])) {
                break;
            }
        }
        mel->begin[m + 1] = used;
        if (used == begin) mel->empty++;
    }
    return mel;
}

void st_mel_close(st_mel *mel)
{
    if (!mel) return;
    free(mel->first);
    free(mel->begin);
    free(mel->weights);
    free(mel);
}

void st_mel_run(const st_mel *mel, const double *lines, float *sums)
{
    for (uint32_t m = 0; m < mel->count; m++) {
        const double *line = lines + mel->first[m];
        double        sum = 0;
        for (uint32_t k = mel->begin[m]; k < mel->begin[m + 1]; k++) sum += mel->weights[k] * *line++;
        sums[m] = (float)sum;
    }
}
