/* feature_options.c - from what people write (stapes_features_options) to numbers
 * (stapes_features_settings). See stapes/kit/features.h. */
#include "kit/features/feature_settings.h"

#include "contract/error.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const stapes_parameter rows[] = {
    STAPES_FEATURES_KIND_ROW,
    STAPES_FEATURES_ROW(style, "kaldi", "whose features: decides all that is not set here",
                        .choices = "kaldi|whisper|torchaudio|librosa"),
    STAPES_FEATURES_WINDOW_ROWS,
    STAPES_FEATURES_MEL_ROWS,
    STAPES_FEATURES_LOG_ROWS,
    STAPES_FEATURES_CEPSTRUM_ROWS,
    STAPES_FEATURES_VALUES_ROW,
    STAPES_FEATURES_SHAPE_ROWS,
    STAPES_FEATURES_SEGMENT_ROWS};
_Static_assert(sizeof rows / sizeof *rows <= 64, "stapes_features_options.given has a bit for each");

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
        if (status == STAPES_OK) options->given |= UINT64_C(1) << i;
        return status;
    }
    char   all[640];
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
    if (window) s->window = st_feature_settings_samples(o->window, s->rate);
    if (GIVEN(fft) && o->fft > 0)
        s->fft = (uint32_t)o->fft;
    else if (kaldi)
        s->fft = st_feature_settings_power_of_two(s->window);
    else if (s->fft < s->window)
        s->fft = s->window;
    if (!window && !kaldi) s->window = s->fft;
    if (GIVEN(hop) && o->hop > 0)
        s->hop = st_feature_settings_samples(o->hop, s->rate);
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
    int kind = GIVEN(kind) ? o->kind : STAPES_FEATURES_LOGMEL;
    int style = kind == STAPES_FEATURES_STFT ? STAPES_FEATURES_LIBROSA : STAPES_FEATURES_KALDI;
    stapes_features_preset_kind(s, kind, GIVEN(style) ? o->style : style,
                                GIVEN(rate) && o->rate > 0 ? (uint32_t)o->rate : 0);
    resolve_lengths(o, s);
    if (GIVEN(mels) && o->mels) s->mels = (uint32_t)o->mels;
    if (GIVEN(low)) s->low = o->low;
    if (GIVEN(high)) s->high = o->high > 0 ? o->high : st_feature_settings_half_rate(s) + o->high;
    if (GIVEN(scale) && o->scale) s->scale = o->scale - 1;
    if (GIVEN(norm) && o->norm) s->norm = o->norm - 1;
    if (GIVEN(power)) s->power = o->power;
    if (GIVEN(log) && o->log) s->log = o->log - 1;
    if (GIVEN(log) && s->log != STAPES_LOG_DB) s->top_db = 0;
    if (GIVEN(top_db)) s->top_db = o->top_db;
    if (GIVEN(ceps) && o->ceps) s->ceps = (uint32_t)o->ceps;
    if (GIVEN(lifter)) s->lifter = o->lifter;
    if (GIVEN(energy)) s->energy = o->energy;
    if (GIVEN(energy_floor)) s->energy_floor = o->energy_floor;
    if (GIVEN(values)) s->values = o->values;
    /* librosa.amplitude_to_db's least: that of power_to_db, 1e-10, is a square */
    if (kind == STAPES_FEATURES_STFT && s->values == STAPES_VALUES_MAGNITUDE) s->floor = 1e-5f;
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
                st_feature_settings_padding(o->padding));
        s->padding = STAPES_PADDING_NONE;
    } else if (GIVEN(padding) && o->padding) {
        if (s->padding == STAPES_PADDING_NONE && !GIVEN(center))
            return st_error_set(
                error, STAPES_EUSAGE,
                "padding: %s without center: this style has whole windows only; set center: true",
                st_feature_settings_padding(o->padding));
        s->padding = o->padding;
    } else if (GIVEN(center) && s->padding == STAPES_PADDING_NONE) {
        s->padding = STAPES_PADDING_MIRROR;
    }
    return stapes_features_check(s, error);
}
