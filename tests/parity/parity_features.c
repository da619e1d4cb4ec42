/* parity_features.c - cases of features of audio (log-mel, MFCC, short-time spectra) and of their
 * derivatives, through the same functions as the stages features.logmel, .mfcc, .stft and .deltas. */
#include "parity_kinds.h"

#include <stdio.h>
#include <string.h>

/* Samples of one push: neither a hop nor a window, so that rows lie across the cuts. */
enum { PIECE = 777 };

typedef struct word {
    const char *text;
    int32_t     value;
} word;

static const word styles[] = {{"kaldi", STAPES_FEATURES_KALDI},
                              {"whisper", STAPES_FEATURES_WHISPER},
                              {"torchaudio", STAPES_FEATURES_TORCHAUDIO},
                              {"librosa", STAPES_FEATURES_LIBROSA},
                              {NULL, 0}};
static const word shapes[] = {{"povey", STAPES_WINDOW_POVEY},
                              {"hann", STAPES_WINDOW_HANN},
                              {"hamming", STAPES_WINDOW_HAMMING},
                              {"blackman", STAPES_WINDOW_BLACKMAN},
                              {"rectangular", STAPES_WINDOW_RECTANGLE},
                              {"hann_periodic", STAPES_WINDOW_HANN_PERIODIC},
                              {"hamming_periodic", STAPES_WINDOW_HAMMING_PERIODIC},
                              {NULL, 0}};
static const word paddings[] = {{"none", STAPES_PADDING_NONE},
                                {"reflect", STAPES_PADDING_REFLECT},
                                {"zeros", STAPES_PADDING_ZERO},
                                {"mirror", STAPES_PADDING_MIRROR},
                                {NULL, 0}};
static const word scales[] = {{"htk", STAPES_SCALE_HTK}, {"slaney", STAPES_SCALE_SLANEY}, {NULL, 0}};
static const word norms[] = {{"none", STAPES_NORM_NONE}, {"slaney", STAPES_NORM_SLANEY}, {NULL, 0}};
static const word triangles[] = {{"mel", STAPES_TRIANGLES_MEL}, {"hz", STAPES_TRIANGLES_HERTZ}, {NULL, 0}};
static const word logs[] = {{"none", STAPES_LOG_NONE},
                            {"natural", STAPES_LOG_NATURAL},
                            {"log10", STAPES_LOG_10},
                            {"db", STAPES_LOG_DB},
                            {NULL, 0}};
static const word normalisations[] = {{"none", STAPES_NORMALIZE_NONE},
                                      {"utterance", STAPES_NORMALIZE_UTTERANCE},
                                      {"running", STAPES_NORMALIZE_RUNNING},
                                      {"whisper", STAPES_NORMALIZE_WHISPER},
                                      {NULL, 0}};

static const word values[] = {{"magnitude", STAPES_VALUES_MAGNITUDE},
                              {"power", STAPES_VALUES_POWER},
                              {"complex", STAPES_VALUES_COMPLEX},
                              {NULL, 0}};
static const word delta_styles[] = {
    {"kaldi", STAPES_DELTAS_KALDI}, {"librosa", STAPES_DELTAS_LIBROSA}, {NULL, 0}};

/* The value of the parameter's word; one that is not in the table makes the case not covered. */
static int32_t look_up(parity_case *c, parity_result *result, const char *parameter, const word *table)
{
    const char *text = parity_word(c, parameter);
    for (; table->text; table++)
        if (strcmp(text, table->text) == 0) return table->value;
    result->covered = false;
    snprintf(result->words, sizeof result->words, "features of %s '%s' are not known here", parameter, text);
    return 0;
}

/* What belongs to the filters. */
static void read_filters(parity_case *c, parity_result *result, stapes_features_settings *settings)
{
    settings->mels = parity_integer(c, "mels");
    settings->low = (float)parity_number(c, "low");
    settings->high = (float)parity_number(c, "high");
    settings->scale = look_up(c, result, "scale", scales);
    settings->norm = look_up(c, result, "norm", norms);
    settings->triangles = look_up(c, result, "triangles", triangles);
    settings->power = (int32_t)parity_integer(c, "power");
}

static void read_cepstrum(parity_case *c, stapes_features_settings *settings)
{
    settings->ceps = parity_integer(c, "ceps");
    settings->lifter = (float)parity_number(c, "lifter");
    settings->energy = parity_flag(c, "energy");
    settings->energy_floor = (float)parity_number(c, "energy_floor");
}

static stapes_features_settings read_settings(parity_case *c, parity_result *result, int kind)
{
    stapes_features_settings settings;
    int                      style = look_up(c, result, "style", styles);
    stapes_features_preset_kind(&settings, kind, style, parity_integer(c, "rate"));
    settings.window = parity_integer(c, "window");
    settings.hop = parity_integer(c, "hop");
    settings.fft = parity_integer(c, "fft");
    settings.window_type = look_up(c, result, "window_shape", shapes);
    settings.padding = look_up(c, result, "pad", paddings);
    settings.log = look_up(c, result, "log", logs);
    settings.floor = (float)parity_number(c, "floor");
    settings.offset = (float)parity_number(c, "offset");
    settings.preemphasis = (float)parity_number(c, "preemphasis");
    settings.remove_dc = parity_flag(c, "remove_dc");
    settings.normalize = look_up(c, result, "normalise", normalisations);
    if (settings.normalize == STAPES_NORMALIZE_RUNNING) {
        settings.span = parity_integer(c, "span");
        settings.warmup = parity_integer(c, "warmup");
    }
    settings.pad = parity_integer(c, "pad_to");
    settings.stack = settings.stride = 1;
    if (kind != STAPES_FEATURES_STFT) read_filters(c, result, &settings);
    if (kind == STAPES_FEATURES_STFT) settings.values = look_up(c, result, "values", values);
    if (kind == STAPES_FEATURES_MFCC) read_cepstrum(c, &settings);
    if (kind != STAPES_FEATURES_LOGMEL) settings.top_db = (float)parity_number(c, "top_db");
    return settings;
}

static void run_features(parity_case *c, parity_result *result, int kind)
{
    stapes_features_settings settings = read_settings(c, result, kind);
    parity_tensor            samples = parity_get(c, "input.samples", 1);
    if (parity_failed(c) || !result->covered) return;
    stapes_features *features = stapes_features_open(&settings, parity_error(c));
    if (!features) return;

    /* Room for one row more than there can be, so that one too many is seen. */
    size_t columns = stapes_features_columns(&settings);
    size_t longest = samples.count > settings.pad ? samples.count : settings.pad;
    size_t most = longest / settings.hop + 2, rows = 0;
    float *y = parity_memory(c, most * columns, sizeof *y);
    int    status = STAPES_OK;
    for (size_t first = 0; first < samples.count && status == STAPES_OK; first += PIECE) {
        size_t count = samples.count - first < PIECE ? samples.count - first : PIECE;
        status = stapes_features_push(features, samples.data + first, count);
        rows += stapes_features_pull(features, y + rows * columns, most - rows);
    }
    if (status == STAPES_OK) status = stapes_features_flush(features);
    rows += stapes_features_pull(features, y + rows * columns, most - rows);
    stapes_features_close(features);
    if (status != STAPES_OK)
        parity_fail(c, "stapes_features_push or _flush returned %d", status);
    else
        parity_compare(c, result, "output.y", y, rows * columns);
}

void parity_features(parity_case *c, parity_result *result)
{
    run_features(c, result, STAPES_FEATURES_LOGMEL);
}

void parity_mfcc(parity_case *c, parity_result *result) { run_features(c, result, STAPES_FEATURES_MFCC); }

void parity_stft(parity_case *c, parity_result *result) { run_features(c, result, STAPES_FEATURES_STFT); }

void parity_deltas(parity_case *c, parity_result *result)
{
    enum { ROWS = 7 }; /* of one push: fewer than a derivative looks at, so that sums lie across the cuts */
    stapes_deltas_settings settings = {.size = sizeof settings, .keep = 1};
    settings.style = look_up(c, result, "style", delta_styles);
    settings.width = parity_integer(c, "width");
    settings.order = parity_integer(c, "order");
    parity_tensor x = parity_get(c, "input.x", 2);
    if (parity_failed(c) || !result->covered) return;
    uint32_t       columns = (uint32_t)x.shape[1];
    size_t         count = x.shape[0], most = count + 1, wide = stapes_deltas_columns(&settings, columns);
    stapes_deltas *deltas = stapes_deltas_open(&settings, columns, parity_error(c));
    if (!deltas) return;
    float *y = parity_memory(c, most * wide, sizeof *y);
    size_t rows = 0;
    for (size_t first = 0; first < count;) {
        size_t n = count - first < ROWS ? count - first : ROWS;
        first += stapes_deltas_push(deltas, x.data + first * columns, n);
        rows += stapes_deltas_pull(deltas, y + rows * wide, most - rows);
    }
    stapes_deltas_flush(deltas);
    rows += stapes_deltas_pull(deltas, y + rows * wide, most - rows);
    stapes_deltas_close(deltas);
    parity_compare(c, result, "output.y", y, rows * wide);
}
