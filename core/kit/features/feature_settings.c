/* feature_settings.c - from what people write (stapes_features_options) to numbers
 * (stapes_features_settings): the styles, units, checks, and the recipe line. See stapes/kit/features.h. */
#include <stapes/kit/features.h>

#include "contract/error.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const style_names[] = {"kaldi", "whisper", "torchaudio", "librosa"};
static const char *const window_names[] = {"povey",     "hann",          "hamming",         "blackman",
                                           "rectangle", "hann_periodic", "hamming_periodic"};
static const char *const padding_names[] = {"none", "reflect", "zero", "mirror"};
static const char *const scale_names[] = {"htk", "slaney"};
static const char *const norm_names[] = {"none", "slaney"};
static const char *const triangle_names[] = {"mel", "hertz"};
static const char *const log_names[] = {"none", "natural", "log10", "db"};
static const char *const normalize_names[] = {"none", "utterance", "running", "whisper"};

/* ---- settings ------------------------------------------------------------------------------------ */

static uint32_t next_power_of_two(uint32_t n)
{
    uint32_t power = 1;
    while (power < n && power < 1u << 31) power *= 2;
    return power;
}

/* torchaudio has an integer for half the rate, whatever the rate. */
static float half_of(const stapes_features_settings *s)
{
    return s->style == STAPES_FEATURES_TORCHAUDIO ? (float)(s->rate / 2) : (float)s->rate / 2.0f;
}

/* A length in ms as samples: rounded down, as Kaldi does, but not for want of a float's last digits. */
static uint32_t samples_of(float ms, uint32_t rate)
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
        s->window = samples_of(25, s->rate);
        s->hop = samples_of(10, s->rate);
        s->fft = next_power_of_two(s->window);
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
    s->high = half_of(s);
}

static bool below(int32_t value, uint32_t count) { return value >= 0 && (uint32_t)value < count; }

int stapes_features_check(const stapes_features_settings *s, stapes_error *error)
{
    if (s->size != sizeof *s)
        return st_error_set(error, STAPES_EUSAGE, "log-mel settings of %u bytes, this library's have %zu",
                            s->size, sizeof *s);
    if (!below(s->style, STAPES_COUNT(style_names)) || !below(s->window_type, STAPES_COUNT(window_names)) ||
        !below(s->padding, STAPES_COUNT(padding_names)) || !below(s->scale, STAPES_COUNT(scale_names)) ||
        !below(s->norm, STAPES_COUNT(norm_names)) || !below(s->triangles, STAPES_COUNT(triangle_names)) ||
        !below(s->log, STAPES_COUNT(log_names)) || !below(s->normalize, STAPES_COUNT(normalize_names)) ||
        (s->power != 1 && s->power != 2))
        return st_error_set(error, STAPES_EUSAGE, "log-mel settings hold a choice that this library lacks");
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
            s->window, s->window * 1000.0 / s->rate, next_power_of_two(s->window));
    if (s->mels < 1 || s->mels > 1024)
        return st_error_set(error, STAPES_EUSAGE, "mels %u: allowed are 1 to 1024", s->mels);
    if (!(s->low >= 0) || !(s->high > s->low) || !(s->high <= (float)s->rate / 2))
        return st_error_set(
            error, STAPES_EUSAGE,
            "filters from %g to %g Hz: low must be below high, and high at most half the rate, %g",
            (double)s->low, (double)s->high, s->rate / 2.0);
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

uint32_t stapes_features_columns(const stapes_features_settings *s) { return s->mels * s->stack; }
uint32_t stapes_features_step(const stapes_features_settings *s) { return s->hop * s->stride; }

int64_t stapes_features_latency(const stapes_features_settings *s)
{
    if (s->normalize == STAPES_NORMALIZE_UTTERANCE || s->normalize == STAPES_NORMALIZE_WHISPER || s->pad)
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
    char a[32], b[32], c[32];
    text[0] = 0;
    add(text, "logmel style=%s rate=%u window=%u hop=%u fft=%u window_type=%s padding=%s",
        style_names[s->style], s->rate, s->window, s->hop, s->fft, window_names[s->window_type],
        padding_names[s->padding]);
    add(text, " remove_dc=%s preemphasis=%s mels=%u low=%s high=%s scale=%s norm=%s triangles=%s power=%d",
        s->remove_dc ? "true" : "false", shortest(s->preemphasis, a), s->mels, shortest(s->low, b),
        shortest(s->high, c), scale_names[s->scale], norm_names[s->norm], triangle_names[s->triangles],
        s->power);
    add(text, " log=%s", log_names[s->log]);
    if (s->log != STAPES_LOG_NONE)
        add(text, " floor=%s offset=%s", shortest(s->floor, a), shortest(s->offset, b));
    add(text, " normalize=%s", normalize_names[s->normalize]);
    if (s->normalize == STAPES_NORMALIZE_RUNNING) add(text, " span=%u warmup=%u", s->span, s->warmup);
    add(text, " pad=%u stack=%u stride=%u", s->pad, s->stack, s->stride);
    return text;
}

/* ---- options ------------------------------------------------------------------------------------- */

static const stapes_parameter rows[] = {STAPES_FEATURES_PARAMETERS};

const stapes_parameter *stapes_features_parameters(uint32_t *count)
{
    *count = STAPES_COUNT(rows);
    return rows;
}

/* The index of text in "a|b|c", or -1. */
static int32_t choice_of(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (int32_t index = 0; choices; index++) {
        const char *end = strchr(choices, '|');
        size_t      n = end ? (size_t)(end - choices) : strlen(choices);
        if (n == length && !memcmp(choices, text, n)) return index;
        choices = end ? end + 1 : NULL;
    }
    return -1;
}

static int set_field(const stapes_parameter *row, void *field, const char *text, stapes_error *error)
{
    if (row->choices) {
        int32_t chosen = choice_of(row->choices, text);
        if (chosen < 0)
            return st_error_set(error, STAPES_EUSAGE, "%s: '%s' is none of %s", row->name, text,
                                row->choices);
        memcpy(field, &chosen, sizeof chosen);
        return STAPES_OK;
    }
    if (row->type == STAPES_BOOL) {
        bool yes = !strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "on");
        if (!yes && strcmp(text, "false") != 0 && strcmp(text, "no") != 0 && strcmp(text, "off") != 0)
            return st_error_set(error, STAPES_EUSAGE, "%s: '%s' is neither true nor false", row->name, text);
        memcpy(field, &yes, sizeof yes);
        return STAPES_OK;
    }
    char *end = NULL;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno == ERANGE || !isfinite(value))
        return st_error_set(error, STAPES_EUSAGE, "%s: '%s' is no number", row->name, text);
    if (value < row->least || value > row->greatest)
        return st_error_set(error, STAPES_EUSAGE, "%s: %s is out of range, allowed are %.9g to %.9g%s%s",
                            row->name, text, row->least, row->greatest, row->unit ? " " : "",
                            row->unit ? row->unit : "");
    if (row->type == STAPES_INT) {
        int32_t whole = (int32_t)value;
        if ((double)whole != value)
            return st_error_set(error, STAPES_EUSAGE, "%s: %s is no whole number", row->name, text);
        memcpy(field, &whole, sizeof whole);
    } else {
        float number = (float)value;
        memcpy(field, &number, sizeof number);
    }
    return STAPES_OK;
}

static size_t size_of(const stapes_parameter *row)
{
    return row->type == STAPES_BOOL    ? sizeof(bool)
           : row->type == STAPES_FLOAT ? sizeof(float)
                                       : sizeof(int32_t);
}

void stapes_features_options_init(stapes_features_options *options)
{
    memset(options, 0, sizeof *options);
    for (uint32_t i = 0; i < STAPES_COUNT(rows); i++)
        (void)set_field(&rows[i], (char *)options + rows[i].offset, rows[i].initial, NULL);
}

int stapes_features_options_set(stapes_features_options *options, const char *name, const char *text,
                                stapes_error *error)
{
    for (uint32_t i = 0; i < STAPES_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) != 0) continue;
        int status = set_field(&rows[i], (char *)options + rows[i].offset, text, error);
        if (status == STAPES_OK) options->given |= 1u << i;
        return status;
    }
    char   all[512];
    size_t used = 0;
    all[0] = 0;
    for (uint32_t i = 0; i < STAPES_COUNT(rows); i++) {
        int n = snprintf(all + used, sizeof all - used, "%s%s", i ? ", " : "", rows[i].name);
        if (n > 0 && (size_t)n < sizeof all - used) used += (size_t)n;
    }
    return st_error_set(error, STAPES_EUSAGE, "'%s' is no option of the features; there are %s", name, all);
}

void stapes_features_options_merge(stapes_features_options *options, const stapes_features_options *over)
{
    for (uint32_t i = 0; i < STAPES_COUNT(rows); i++)
        if (over->given >> i & 1u)
            memcpy((char *)options + rows[i].offset, (const char *)over + rows[i].offset, size_of(&rows[i]));
    options->given |= over->given;
}

static bool given(const stapes_features_options *options, size_t offset)
{
    for (uint32_t i = 0; i < STAPES_COUNT(rows); i++)
        if (rows[i].offset == offset) return options->given >> i & 1u;
    return false;
}
#define GIVEN(field) given(o, offsetof(stapes_features_options, field))

/* Seconds as a number of things of `step` samples, at least `least`. */
static uint32_t rows_of(float seconds, uint32_t rate, uint32_t step, uint32_t least)
{
    double count = nearbyint((double)seconds * rate / step);
    return count < least ? least : count > 4e9 ? UINT32_MAX : (uint32_t)count;
}

/* Lengths in samples: what is given, and what follows from it by the style. */
static void resolve_lengths(const stapes_features_options *o, stapes_features_settings *s)
{
    bool kaldi = s->style == STAPES_FEATURES_KALDI, window = GIVEN(window) && o->window > 0;
    if (window) s->window = samples_of(o->window, s->rate);
    if (GIVEN(fft) && o->fft > 0)
        s->fft = (uint32_t)o->fft;
    else if (kaldi)
        s->fft = next_power_of_two(s->window);
    else if (s->fft < s->window)
        s->fft = s->window;
    if (!window && !kaldi) s->window = s->fft;
    if (GIVEN(hop) && o->hop > 0)
        s->hop = samples_of(o->hop, s->rate);
    else if (s->style == STAPES_FEATURES_TORCHAUDIO)
        s->hop = s->window / 2;
    if (GIVEN(pad)) s->pad = rows_of(o->pad, s->rate, 1, 0);
    if (s->hop) {
        s->span = rows_of(o->span, s->rate, s->hop, 1);
        s->warmup = rows_of(o->warmup, s->rate, s->hop, 1);
    }
    s->stack = (uint32_t)o->stack;
    s->stride = o->stride ? (uint32_t)o->stride : s->stack;
}

int stapes_features_resolve(const stapes_features_options *o, stapes_features_settings *s,
                            stapes_error *error)
{
    stapes_features_preset(s, GIVEN(style) ? o->style : STAPES_FEATURES_KALDI,
                           GIVEN(rate) && o->rate > 0 ? (uint32_t)o->rate : 0);
    resolve_lengths(o, s);
    if (GIVEN(mels) && o->mels) s->mels = (uint32_t)o->mels;
    if (GIVEN(low)) s->low = o->low;
    if (GIVEN(high)) s->high = o->high > 0 ? o->high : half_of(s) + o->high;
    if (GIVEN(scale) && o->scale) s->scale = o->scale - 1;
    if (GIVEN(norm) && o->norm) s->norm = o->norm - 1;
    if (GIVEN(power)) s->power = o->power;
    if (GIVEN(log) && o->log) s->log = o->log - 1;
    if (GIVEN(offset)) s->offset = o->offset;
    if (GIVEN(offset) && o->offset > 0) s->floor = 0;
    if (GIVEN(floor)) s->floor = o->floor;
    if (GIVEN(window_type) && o->window_type) s->window_type = o->window_type - 1;
    if (GIVEN(preemphasis)) s->preemphasis = o->preemphasis;
    if (GIVEN(remove_dc)) s->remove_dc = o->remove_dc;
    if (GIVEN(normalize) && o->normalize) s->normalize = o->normalize - 1;
    if (GIVEN(center) && !o->center) {
        if (GIVEN(padding) && o->padding)
            return st_error_set(
                error, STAPES_EUSAGE,
                "padding: %s with center: false: without center nothing is padded; leave one out",
                padding_names[o->padding]);
        s->padding = STAPES_PADDING_NONE;
    } else if (GIVEN(padding) && o->padding) {
        if (s->padding == STAPES_PADDING_NONE && !GIVEN(center))
            return st_error_set(
                error, STAPES_EUSAGE,
                "padding: %s without center: this style has whole windows only; set center: true",
                padding_names[o->padding]);
        s->padding = o->padding;
    } else if (GIVEN(center) && s->padding == STAPES_PADDING_NONE) {
        s->padding = STAPES_PADDING_MIRROR;
    }
    return stapes_features_check(s, error);
}
