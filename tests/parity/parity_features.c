/* parity_features.c - cases of log-mel features, through the same functions as the stage features.logmel. */
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

static stapes_features_settings read_settings(parity_case *c, parity_result *result)
{
    stapes_features_settings settings;
    stapes_features_preset(&settings, look_up(c, result, "style", styles), parity_integer(c, "rate"));
    settings.window = parity_integer(c, "window");
    settings.hop = parity_integer(c, "hop");
    settings.fft = parity_integer(c, "fft");
    settings.mels = parity_integer(c, "mels");
    settings.low = (float)parity_number(c, "low");
    settings.high = (float)parity_number(c, "high");
    settings.window_type = look_up(c, result, "window_shape", shapes);
    settings.padding = look_up(c, result, "pad", paddings);
    settings.scale = look_up(c, result, "scale", scales);
    settings.norm = look_up(c, result, "norm", norms);
    settings.triangles = look_up(c, result, "triangles", triangles);
    settings.power = (int32_t)parity_integer(c, "power");
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
    return settings;
}

void parity_features(parity_case *c, parity_result *result)
{
    stapes_features_settings settings = read_settings(c, result);
    parity_tensor            samples = parity_get(c, "input.samples", 1);
    if (parity_failed(c) || !result->covered) return;
    stapes_features *logmel = stapes_features_open(&settings, parity_error(c));
    if (!logmel) return;

    /* Room for one row more than there can be, so that one too many is seen. */
    size_t columns = stapes_features_columns(&settings);
    size_t longest = samples.count > settings.pad ? samples.count : settings.pad;
    size_t most = longest / settings.hop + 2, rows = 0;
    float *y = parity_memory(c, most * columns, sizeof *y);
    int    status = STAPES_OK;
    for (size_t first = 0; first < samples.count && status == STAPES_OK; first += PIECE) {
        size_t count = samples.count - first < PIECE ? samples.count - first : PIECE;
        status = stapes_features_push(logmel, samples.data + first, count);
        rows += stapes_features_pull(logmel, y + rows * columns, most - rows);
    }
    if (status == STAPES_OK) status = stapes_features_flush(logmel);
    rows += stapes_features_pull(logmel, y + rows * columns, most - rows);
    stapes_features_close(logmel);
    if (status != STAPES_OK)
        parity_fail(c, "stapes_features_push or _flush returned %d", status);
    else
        parity_compare(c, result, "output.y", y, rows * columns);
}
