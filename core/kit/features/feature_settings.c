/* feature_settings.c - the numbers that decide features: the styles, checks, and the recipe line. See
 * stapes/kit/features.h. */
#include "kit/features/feature_settings.h"

#include "contract/error.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {"logmel", "mfcc", "stft"};
static const char *const style_names[] = {"kaldi", "whisper", "torchaudio", "librosa"};
static const char *const window_names[] = {"povey",     "hann",          "hamming",         "blackman",
                                           "rectangle", "hann_periodic", "hamming_periodic"};
static const char *const padding_names[] = {"none", "reflect", "zero", "mirror"};
static const char *const scale_names[] = {"htk", "slaney"};
static const char *const norm_names[] = {"none", "slaney"};
static const char *const triangle_names[] = {"mel", "hertz"};
static const char *const log_names[] = {"none", "natural", "log10", "db"};
static const char *const normalize_names[] = {"none", "utterance", "running", "whisper"};
static const char *const value_names[] = {"magnitude", "power", "complex"};

/* ---- settings ------------------------------------------------------------------------------------ */

uint32_t st_feature_settings_power_of_two(uint32_t n)
{
    uint32_t power = 1;
    while (power < n && power < 1u << 31) power *= 2;
    return power;
}

float st_feature_settings_half_rate(const stapes_features_settings *s)
{
    return s->style == STAPES_FEATURES_TORCHAUDIO ? (float)(s->rate / 2) : (float)s->rate / 2.0f;
}

uint32_t st_feature_settings_samples(float ms, uint32_t rate)
{
    double samples = (double)ms * rate / 1000.0, whole = nearbyint(samples);
    return (uint32_t)(fabs(samples - whole) < 0.01 ? whole : floor(samples));
}

void stapes_features_preset(stapes_features_settings *s, int style, uint32_t rate)
{
    static const stapes_features_settings others = {.size = sizeof(stapes_features_settings),
                                                    .fft = 400,
                                                    .window = 400,
                                                    .mels = 128,
                                                    .floor = 1e-10f,
                                                    .window_type = STAPES_WINDOW_HANN_PERIODIC,
                                                    .padding = STAPES_PADDING_REFLECT,
                                                    .triangles = STAPES_TRIANGLES_HERTZ,
                                                    .power = 2,
                                                    .log = STAPES_LOG_NATURAL,
                                                    .span = 600,
                                                    .warmup = 100,
                                                    .stack = 1,
                                                    .stride = 1};
    *s = others;
    s->style = style;
    s->rate = rate ? rate : style == STAPES_FEATURES_LIBROSA ? 22050 : 16000;
    switch (style) {
    case STAPES_FEATURES_KALDI:
        s->window = st_feature_settings_samples(25, s->rate);
        s->hop = st_feature_settings_samples(10, s->rate);
        s->fft = st_feature_settings_power_of_two(s->window);
        s->mels = 23;
        s->low = 20;
        s->floor = FLT_EPSILON;
        s->window_type = STAPES_WINDOW_POVEY;
        s->padding = STAPES_PADDING_NONE;
        s->triangles = STAPES_TRIANGLES_MEL;
        s->preemphasis = 0.97f;
        s->remove_dc = 1;
        break;
    case STAPES_FEATURES_WHISPER:
        s->hop = 160;
        s->mels = 80;
        s->scale = STAPES_SCALE_SLANEY;
        s->norm = STAPES_NORM_SLANEY;
        s->log = STAPES_LOG_10;
        s->normalize = STAPES_NORMALIZE_WHISPER;
        break;
    case STAPES_FEATURES_LIBROSA:
        s->fft = s->window = 2048;
        s->hop = 512;
        s->scale = STAPES_SCALE_SLANEY;
        s->norm = STAPES_NORM_SLANEY;
        s->padding = STAPES_PADDING_ZERO;
        break;
    default: s->hop = 200;
    }
    s->high = st_feature_settings_half_rate(s);
}

void stapes_features_preset_kind(stapes_features_settings *s, int kind, int style, uint32_t rate)
{
    stapes_features_preset(s, style, rate);
    s->kind = kind;
    bool kaldi = style == STAPES_FEATURES_KALDI;
    if (kind == STAPES_FEATURES_MFCC) {
        s->ceps = kaldi ? 13 : style == STAPES_FEATURES_TORCHAUDIO ? 40 : 20;
        s->lifter = kaldi ? 22 : 0;
        s->log = kaldi ? STAPES_LOG_NATURAL : STAPES_LOG_DB;
        s->top_db = kaldi ? 0 : 80;
    }
    if (kind == STAPES_FEATURES_STFT) s->log = STAPES_LOG_NONE;
    if (kind != STAPES_FEATURES_LOGMEL) s->normalize = STAPES_NORMALIZE_NONE;
}

static bool below(int32_t value, uint32_t count) { return value >= 0 && (uint32_t)value < count; }

static int check_filters(const stapes_features_settings *s, stapes_error *error)
{
    if (s->mels < 1 || s->mels > 1024)
        return st_error_set(error, STAPES_EUSAGE, "mels %u: allowed are 1 to 1024", s->mels);
    if (!(s->low >= 0) || !(s->high > s->low) || !(s->high <= (float)s->rate / 2))
        return st_error_set(
            error, STAPES_EUSAGE,
            "filters from %g to %g Hz: low must be below high, and high at most half the rate, %g",
            (double)s->low, (double)s->high, s->rate / 2.0);
    return STAPES_OK;
}

static int check_cepstrum(const stapes_features_settings *s, stapes_error *error)
{
    if (s->style == STAPES_FEATURES_WHISPER)
        return st_error_set(error, STAPES_EUSAGE,
                            "style: whisper has no MFCC; allowed are kaldi, torchaudio and librosa");
    if (s->ceps < 1 || s->ceps > s->mels)
        return st_error_set(
            error, STAPES_EUSAGE,
            "%u coefficients of %u mel filters: allowed are 1 to as many as there are filters", s->ceps,
            s->mels);
    if (!(s->lifter >= 0 && s->lifter <= FLT_MAX) || !(s->energy_floor >= 0 && s->energy_floor <= FLT_MAX))
        return st_error_set(error, STAPES_EUSAGE, "lifter %g, energy_floor %g: allowed are numbers from 0 on",
                            (double)s->lifter, (double)s->energy_floor);
    return STAPES_OK;
}

int stapes_features_check(const stapes_features_settings *s, stapes_error *error)
{
    if (s->size != sizeof *s)
        return st_error_set(error, STAPES_EUSAGE, "feature settings of %u bytes, this library's have %zu",
                            s->size, sizeof *s);
    if (!below(s->style, STAPES_COUNT(style_names)) || !below(s->window_type, STAPES_COUNT(window_names)) ||
        !below(s->padding, STAPES_COUNT(padding_names)) || !below(s->scale, STAPES_COUNT(scale_names)) ||
        !below(s->norm, STAPES_COUNT(norm_names)) || !below(s->triangles, STAPES_COUNT(triangle_names)) ||
        !below(s->log, STAPES_COUNT(log_names)) || !below(s->normalize, STAPES_COUNT(normalize_names)) ||
        !below(s->kind, STAPES_COUNT(kind_names)) || !below(s->values, STAPES_COUNT(value_names)) ||
        (s->power != 1 && s->power != 2))
        return st_error_set(error, STAPES_EUSAGE, "feature settings hold a choice that this library lacks");
    if (s->rate < 100 || s->rate > 768000)
        return st_error_set(error, STAPES_EUSAGE, "rate %u Hz: allowed are 100 to 768000", s->rate);
    if (s->window < 2 || s->window > 262144)
        return st_error_set(error, STAPES_EUSAGE,
                            "window of %u samples (%g ms): allowed are 2 to 262144 samples", s->window,
                            s->window * 1000.0 / s->rate);
    if (s->hop < 1 || s->hop > 7680000)
        return st_error_set(error, STAPES_EUSAGE,
                            "hop of %u samples (%g ms): allowed are 1 to 7680000 samples", s->hop,
                            s->hop * 1000.0 / s->rate);
    if (s->fft > 262144)
        return st_error_set(error, STAPES_EUSAGE, "fft of %u samples: allowed are up to 262144", s->fft);
    if (s->fft < s->window)
        return st_error_set(
            error, STAPES_EUSAGE,
            "fft of %u samples is shorter than the window of %u (%g ms): set fft to %u or more", s->fft,
            s->window, s->window * 1000.0 / s->rate, st_feature_settings_power_of_two(s->window));
    if (s->kind != STAPES_FEATURES_STFT) {
        int status = check_filters(s, error);
        if (status < 0) return status;
    }
    if (s->kind == STAPES_FEATURES_MFCC) {
        int status = check_cepstrum(s, error);
        if (status < 0) return status;
    }
    if (s->kind == STAPES_FEATURES_STFT && s->values == STAPES_VALUES_COMPLEX && s->log != STAPES_LOG_NONE)
        return st_error_set(error, STAPES_EUSAGE,
                            "values: complex with log: %s: complex numbers have no logarithm here; take "
                            "values: power or log: none",
                            log_names[s->log]);
    if (!(s->top_db >= 0 && s->top_db <= FLT_MAX))
        return st_error_set(error, STAPES_EUSAGE, "top_db %g: allowed are numbers from 0 on",
                            (double)s->top_db);
    if (s->top_db > 0 && s->log != STAPES_LOG_DB)
        return st_error_set(error, STAPES_EUSAGE,
                            "top_db %g with log: %s: it is meant for log: db; set that, or top_db: 0",
                            (double)s->top_db, log_names[s->log]);
    if (s->normalize == STAPES_NORMALIZE_WHISPER && s->kind != STAPES_FEATURES_LOGMEL)
        return st_error_set(error, STAPES_EUSAGE, "normalize: whisper is for log-mel, this is %s",
                            kind_names[s->kind]);
    if (!(s->preemphasis >= 0 && s->preemphasis <= 1))
        return st_error_set(error, STAPES_EUSAGE, "preemphasis %g: allowed are 0 to 1",
                            (double)s->preemphasis);
    if (!(s->floor >= 0 && s->floor <= FLT_MAX) || !(s->offset >= 0 && s->offset <= FLT_MAX))
        return st_error_set(error, STAPES_EUSAGE, "floor %g, offset %g: allowed are numbers from 0 on",
                            (double)s->floor, (double)s->offset);
    if (s->log != STAPES_LOG_NONE && !(s->floor > 0) && !(s->offset > 0))
        return st_error_set(
            error, STAPES_EUSAGE,
            "floor 0 and offset 0: the logarithm of silence would be minus infinity; set one");
    if (s->stack < 1 || s->stack > 64 || s->stride < 1 || s->stride > 64)
        return st_error_set(error, STAPES_EUSAGE, "stack %u, stride %u: allowed are 1 to 64", s->stack,
                            s->stride);
    if (s->normalize == STAPES_NORMALIZE_RUNNING &&
        (s->span < 1 || s->span > 1000000 || s->warmup < 1 || s->warmup > s->span + 1))
        return st_error_set(
            error, STAPES_EUSAGE,
            "running normalisation over %u rows, the first %u together: span must be 1 to 1000000 "
            "rows and warmup 1 to span + 1",
            s->span, s->warmup);
    if (s->pad > 3600u * 768000u)
        return st_error_set(error, STAPES_EUSAGE, "pad of %u samples: allowed is up to an hour", s->pad);
    return STAPES_OK;
}

const char *st_feature_settings_padding(int32_t padding) { return padding_names[padding]; }

uint32_t st_feature_settings_lines(const stapes_features_settings *s)
{
    uint32_t lines = s->fft / 2 + 1;
    return s->values == STAPES_VALUES_COMPLEX ? 2 * lines : lines;
}

uint32_t st_feature_settings_width(const stapes_features_settings *s)
{
    switch (s->kind) {
    case STAPES_FEATURES_MFCC: return s->ceps;
    case STAPES_FEATURES_STFT: return st_feature_settings_lines(s);
    default: return s->mels;
    }
}

uint32_t stapes_features_columns(const stapes_features_settings *s)
{
    return st_feature_settings_width(s) * s->stack;
}

uint32_t stapes_features_step(const stapes_features_settings *s) { return s->hop * s->stride; }

int64_t stapes_features_latency(const stapes_features_settings *s)
{
    if (s->normalize == STAPES_NORMALIZE_UTTERANCE || s->normalize == STAPES_NORMALIZE_WHISPER ||
        s->top_db > 0 || s->pad)
        return INT64_MAX;
    int64_t span = s->style == STAPES_FEATURES_KALDI ? s->window : s->fft, needed = span;
    if (s->padding == STAPES_PADDING_MIRROR) {
        needed = (int64_t)s->hop / 2 - s->window / 2 + span;
        if (needed < s->window / 2) needed = s->window / 2;
    } else if (s->padding != STAPES_PADDING_NONE) {
        needed = span - span / 2 + 1;
    }
    if (s->style == STAPES_FEATURES_WHISPER && needed < s->hop) needed = s->hop;
    int64_t rows = (int64_t)s->stack - 1;
    if (s->normalize == STAPES_NORMALIZE_RUNNING) rows += (int64_t)s->warmup - 1;
    return needed + rows * s->hop;
}

/* The shortest decimal that reads back as the same float. Returns text. */
static char *shortest(float value, char text[32])
{
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, 32, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    return text;
}

/* Adds to the line; what is added is far shorter than the room (a test looks). */
STAPES_FORMAT_CHECK(2, 3) static void add(char text[STAPES_RECIPE_TEXT], const char *format, ...)
{
    size_t  used = strlen(text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text + used, STAPES_RECIPE_TEXT - used, format, arguments);
    va_end(arguments);
}

char *stapes_features_recipe(const stapes_features_settings *s, char text[STAPES_RECIPE_TEXT])
{
    char a[32], b[32];
    text[0] = 0;
    add(text, "%s style=%s rate=%u window=%u hop=%u fft=%u window_type=%s padding=%s", kind_names[s->kind],
        style_names[s->style], s->rate, s->window, s->hop, s->fft, window_names[s->window_type],
        padding_names[s->padding]);
    add(text, " remove_dc=%s preemphasis=%s", s->remove_dc ? "true" : "false", shortest(s->preemphasis, a));
    if (s->kind == STAPES_FEATURES_STFT)
        add(text, " values=%s", value_names[s->values]);
    else
        add(text, " mels=%u low=%s high=%s scale=%s norm=%s triangles=%s power=%d", s->mels,
            shortest(s->low, a), shortest(s->high, b), scale_names[s->scale], norm_names[s->norm],
            triangle_names[s->triangles], s->power);
    add(text, " log=%s", log_names[s->log]);
    if (s->log != STAPES_LOG_NONE)
        add(text, " floor=%s offset=%s", shortest(s->floor, a), shortest(s->offset, b));
    if (s->top_db > 0) add(text, " top_db=%s", shortest(s->top_db, a));
    if (s->kind == STAPES_FEATURES_MFCC)
        add(text, " ceps=%u lifter=%s energy=%s", s->ceps, shortest(s->lifter, a),
            s->energy ? "true" : "false");
    if (s->kind == STAPES_FEATURES_MFCC && s->energy)
        add(text, " energy_floor=%s", shortest(s->energy_floor, a));
    add(text, " normalize=%s", normalize_names[s->normalize]);
    if (s->normalize == STAPES_NORMALIZE_RUNNING) add(text, " span=%u warmup=%u", s->span, s->warmup);
    add(text, " pad=%u stack=%u stride=%u", s->pad, s->stack, s->stride);
    return text;
}
