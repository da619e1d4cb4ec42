/* spectrum.c - see spectrum.h. The steps in Kaldi's order: mean away, pre-emphasis, window (one pass), FFT,
 * power or magnitude and mel filters (one pass), floor and logarithm (one pass), each over a block of rows
 * (lanes.h). All of it in float64, and rounded once before the logarithm: in float32 the noise of the FFT,
 * 1e-7 of the loudest line, drowns quiet filters beside loud ones, and numpy's programs (librosa,
 * transformers) do not have it. */
#include "kit/features/spectrum.h"

#include "kit/features/feature_settings.h"
#include "kit/features/fft.h"
#include "kit/features/framer.h"
#include "kit/features/mel.h"
#include "kit/features/shape.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct st_spectrum {
    stapes_features_settings settings;
    uint32_t                 offset; /* where the window begins in the span */
    uint32_t                 values_count, width;
    const st_lanes          *lanes;
    const st_fft            *fft;
    st_mel                  *mel;   /* NULL: stft */
    double                  *shape; /* (window) */
    st_window                window;
    double                  *block, *room; /* of the transform */
    float                   *values;       /* (values_count, lanes) */
    float                   *unused;       /* (values_count): the row of a lane that has no window */
};

static bool has_energy(const stapes_features_settings *s)
{
    return s->kind == STAPES_FEATURES_MFCC && s->energy;
}

/* Numbers of a row that come from the transform. */
static uint32_t values_of(const stapes_features_settings *s)
{
    return s->kind == STAPES_FEATURES_STFT ? st_feature_settings_lines(s) : s->mels;
}

uint32_t st_spectrum_width(const stapes_features_settings *s) { return values_of(s) + has_energy(s); }

/* count numbers of `size` bytes, aligned as vectors want it. */
static void *take(size_t count, size_t size)
{
    void *block = NULL;
    if (posix_memalign(&block, 64, count * size) != 0) return NULL;
    return memset(block, 0, count * size);
}

st_spectrum *st_spectrum_open(const stapes_features_settings *s)
{
    st_spectrum *spectrum = calloc(1, sizeof *spectrum);
    if (!spectrum) return NULL;
    spectrum->settings = *s;
    spectrum->offset = (st_framer_span(s) - s->window) / 2;
    spectrum->values_count = values_of(s);
    spectrum->width = st_spectrum_width(s);
    spectrum->lanes = st_lanes_get();
    spectrum->fft = st_fft_open(s->fft);
    if (s->kind != STAPES_FEATURES_STFT) spectrum->mel = st_mel_open(s);
    spectrum->shape = calloc(s->window, sizeof *spectrum->shape);
    spectrum->values = take((size_t)spectrum->values_count * spectrum->lanes->rows, sizeof(float));
    spectrum->unused = take(spectrum->values_count, sizeof(float));
    if (spectrum->fft) {
        spectrum->block = take(st_fft_block(spectrum->fft, spectrum->lanes->rows), sizeof(double));
        spectrum->room = take(st_fft_room(spectrum->fft, spectrum->lanes->rows), sizeof(double));
    }
    if ((s->kind != STAPES_FEATURES_STFT && !spectrum->mel) || !spectrum->shape || !spectrum->values ||
        !spectrum->unused || !spectrum->block || !spectrum->room) {
        st_spectrum_close(spectrum);
        return NULL;
    }
    st_shape_fill(s->window_type, st_fft_scale(spectrum->fft), spectrum->shape, s->window);
    spectrum->window = (st_window){.count = s->window,
                                   .offset = spectrum->offset,
                                   .length = s->fft,
                                   .places = st_fft_places(spectrum->fft),
                                   .shape = spectrum->shape,
                                   .preemphasis = (double)s->preemphasis,
                                   .remove_dc = s->remove_dc != 0};
    return spectrum;
}

void st_spectrum_close(st_spectrum *spectrum)
{
    if (!spectrum) return;
    st_fft_close(spectrum->fft);
    st_mel_close(spectrum->mel);
    free(spectrum->shape);
    free(spectrum->values);
    free(spectrum->unused);
    free(spectrum->block);
    free(spectrum->room);
    free(spectrum);
}

uint32_t st_spectrum_block(const st_spectrum *spectrum) { return spectrum->lanes->rows; }
uint32_t st_spectrum_empty(const st_spectrum *spectrum) { return spectrum->mel ? spectrum->mel->empty : 0; }

static void take_log(const st_spectrum *spectrum)
{
    const stapes_features_settings *s = &spectrum->settings;
    const double                    per_ten = 0.43429448190325182765; /* 1 / ln 10 */
    double                          scale = s->log == STAPES_LOG_NATURAL ? 1.0 : per_ten;
    bool magnitude = s->kind == STAPES_FEATURES_STFT && s->values == STAPES_VALUES_MAGNITUDE;
    if (s->log == STAPES_LOG_DB) scale *= magnitude ? 20.0 : 10.0;
    if (s->log != STAPES_LOG_NONE)
        spectrum->lanes->log(spectrum->values, spectrum->values_count, s->floor, s->offset, scale);
}

/* Kaldi's: log(max(sum of squares, floor)), before the window and what belongs to it. */
static float energy_of(const stapes_features_settings *s, const float *x)
{
    double mean = 0, sum = 0, least = (double)s->energy_floor;
    if (s->remove_dc) {
        for (uint32_t i = 0; i < s->window; i++) mean += (double)x[i];
        mean /= s->window;
    }
    for (uint32_t i = 0; i < s->window; i++) sum += ((double)x[i] - mean) * ((double)x[i] - mean);
    if (least < (double)FLT_EPSILON) least = (double)FLT_EPSILON;
    return (float)log(sum < least ? least : sum);
}

void st_spectrum_rows(st_spectrum *spectrum, const float *const *windows, uint32_t count, float *rows)
{
    const stapes_features_settings *s = &spectrum->settings;
    const st_lanes                 *lanes = spectrum->lanes;
    uint32_t                        n = spectrum->values_count;
    const float                    *x[ST_LANES_MOST];
    float                          *y[ST_LANES_MOST];
    for (uint32_t r = 0; r < lanes->rows; r++) {
        x[r] = windows[r < count ? r : 0] + spectrum->offset;
        y[r] = r < count ? rows + (size_t)r * spectrum->width : spectrum->unused;
    }
    lanes->window(&spectrum->window, x, spectrum->block);
    st_fft_run(spectrum->fft, lanes, spectrum->block, spectrum->room);
    if (spectrum->mel)
        lanes->filter(&spectrum->mel->filters, spectrum->block, s->power == 1, spectrum->values);
    else if (s->values == STAPES_VALUES_COMPLEX)
        lanes->parts(spectrum->block, s->fft / 2 + 1, spectrum->values);
    else
        lanes->power(spectrum->block, n, s->values == STAPES_VALUES_MAGNITUDE, spectrum->values);
    take_log(spectrum);
    lanes->turn(spectrum->values, n, y);
    if (has_energy(s))
        for (uint32_t r = 0; r < count; r++) y[r][n] = energy_of(s, x[r]);
}
