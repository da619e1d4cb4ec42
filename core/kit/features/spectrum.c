/* spectrum.c - see spectrum.h. The steps in Kaldi's order: mean away, pre-emphasis, window, FFT, power or
 * magnitude, mel filters, floor, logarithm. All of it in float64, and rounded once before the logarithm: in
 * float32 the noise of the FFT, 1e-7 of the loudest line, drowns quiet filters beside loud ones, and numpy's
 * programs (librosa, transformers) do not have it. It costs about a tenth of a row's time. */
#include "kit/features/spectrum.h"

#include "kit/features/fft.h"
#include "kit/features/mel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct st_spectrum {
    stapes_logmel_settings settings;
    uint32_t               span, offset; /* samples; where the window begins in them */
    st_fft                *fft;
    st_mel                *mel;
    double                *window; /* (settings.window) */
    double                *lines;  /* (fft / 2 + 1) */
};

uint32_t st_spectrum_span(const stapes_logmel_settings *s)
{
    return s->style == STAPES_LOGMEL_KALDI ? s->window : s->fft;
}

/* Sample i of a window of n. */
static double window_at(int32_t type, uint32_t i, uint32_t n)
{
    const double pi = 3.14159265358979323846;
    bool         periodic = type == STAPES_WINDOW_HANN_PERIODIC || type == STAPES_WINDOW_HAMMING_PERIODIC;
    double       angle = 2.0 * pi * i / (periodic ? n : n - 1);
    switch (type) {
    case STAPES_WINDOW_POVEY: return pow(0.5 - 0.5 * cos(angle), 0.85);
    case STAPES_WINDOW_HAMMING:
    case STAPES_WINDOW_HAMMING_PERIODIC: return 0.54 - 0.46 * cos(angle);
    case STAPES_WINDOW_BLACKMAN: return 0.42 - 0.5 * cos(angle) + 0.08 * cos(2.0 * angle);
    case STAPES_WINDOW_RECTANGLE: return 1.0;
    default: return 0.5 - 0.5 * cos(angle);
    }
}

st_spectrum *st_spectrum_open(const stapes_logmel_settings *s)
{
    st_spectrum *spectrum = calloc(1, sizeof *spectrum);
    if (!spectrum) return NULL;
    spectrum->settings = *s;
    spectrum->span = st_spectrum_span(s);
    spectrum->offset = (spectrum->span - s->window) / 2;
    spectrum->fft = st_fft_open(s->fft);
    spectrum->mel = st_mel_open(s);
    spectrum->window = calloc(s->window, sizeof *spectrum->window);
    spectrum->lines = calloc((size_t)s->fft / 2 + 1, sizeof *spectrum->lines);
    if (!spectrum->fft || !spectrum->mel || !spectrum->window || !spectrum->lines) {
        st_spectrum_close(spectrum);
        return NULL;
    }
    for (uint32_t i = 0; i < s->window; i++) spectrum->window[i] = window_at(s->window_type, i, s->window);
    memset(st_fft_input(spectrum->fft), 0, s->fft * sizeof(double));
    return spectrum;
}

void st_spectrum_close(st_spectrum *spectrum)
{
    if (!spectrum) return;
    st_fft_close(spectrum->fft);
    st_mel_close(spectrum->mel);
    free(spectrum->window);
    free(spectrum->lines);
    free(spectrum);
}

uint32_t st_spectrum_empty(const st_spectrum *spectrum) { return spectrum->mel->empty; }

/* Four sums side by side, added in pairs: an order that holds for every n. */
static double sum_of(const float *x, uint32_t n)
{
    double   sums[4] = {0};
    uint32_t i = 0;
    for (; i + 4 <= n; i += 4)
        for (uint32_t k = 0; k < 4; k++) sums[k] += (double)x[i + k];
    for (; i < n; i++) sums[i % 4] += (double)x[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* y (n) = window * pre-emphasis of (x (n) - mean). */
static void shape(const stapes_logmel_settings *s, const float *x, const double *window, double *y)
{
    uint32_t n = s->window;
    double   mean = s->remove_dc ? sum_of(x, n) / n : 0, c = (double)s->preemphasis;
    y[0] = (((double)x[0] - mean) - c * ((double)x[0] - mean)) * window[0];
    for (uint32_t i = 1; i < n; i++)
        y[i] = (((double)x[i] - mean) - c * ((double)x[i - 1] - mean)) * window[i];
}

static void take_log(const stapes_logmel_settings *s, float *row)
{
    float least = s->floor, offset = s->offset;
    for (uint32_t m = 0; m < s->mels; m++) {
        float value = (row[m] < least ? least : row[m]) + offset;
        switch (s->log) {
        case STAPES_LOG_NATURAL: row[m] = logf(value); break;
        case STAPES_LOG_10: row[m] = log10f(value); break;
        default: row[m] = 10.0f * log10f(value);
        }
    }
}

void st_spectrum_row(st_spectrum *spectrum, const float *x, float *row)
{
    const stapes_logmel_settings *s = &spectrum->settings;
    /* Beyond the window the input stays zero: the FFT keeps it. */
    shape(s, x + spectrum->offset, spectrum->window, st_fft_input(spectrum->fft) + spectrum->offset);
    const double *line = st_fft_run(spectrum->fft);
    double       *lines = spectrum->lines;
    uint32_t      n = s->fft / 2 + 1;
    for (uint32_t k = 0; k < n; k++) {
        double power = line[2 * k] * line[2 * k] + line[2 * k + 1] * line[2 * k + 1];
        lines[k] = s->power == 2 ? power : sqrt(power);
    }
    st_mel_run(spectrum->mel, lines, row);
    if (s->log != STAPES_LOG_NONE) take_log(s, row);
}
