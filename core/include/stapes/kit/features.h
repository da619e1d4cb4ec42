/* features.h - features of audio: log-mel, MFCC and short-time spectra, as Kaldi, Whisper, torchaudio and
 * librosa compute them.
 *
 * Three layers: options (what a pipeline file or a model folder says, in Hz, ms and names, most of it left
 * to the style), settings (every number decided, in samples), and the computation, which takes samples in
 * pieces of any size and gives the same rows for every cut.
 *
 *   stapes_features_options_init, _set ... -> stapes_features_resolve -> stapes_features_open
 *   stapes_features_push, _pull, ... -> stapes_features_flush, _pull -> ... -> stapes_features_close
 */
#ifndef STAPES_KIT_FEATURES_H
#define STAPES_KIT_FEATURES_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- settings ------------------------------------------------------------------------------------ */

enum stapes_features_kind {
    STAPES_FEATURES_LOGMEL = 0, /* the logarithm of mel filters' sums */
    STAPES_FEATURES_MFCC = 1,   /* its cosine transform (type 2, orthonormal), the first of it, liftered */
    STAPES_FEATURES_STFT = 2    /* the lines of the transforms themselves */
};
enum stapes_features_style {
    STAPES_FEATURES_KALDI = 0,      /* torchaudio.compliance.kaldi.fbank and .mfcc with dither 0 */
    STAPES_FEATURES_WHISPER = 1,    /* openai/whisper, log_mel_spectrogram */
    STAPES_FEATURES_TORCHAUDIO = 2, /* torchaudio.transforms.MelSpectrogram, then a logarithm; MFCC;
                                       Spectrogram */
    STAPES_FEATURES_LIBROSA = 3     /* librosa.feature.melspectrogram, then a logarithm; .mfcc; stft */
};
enum stapes_features_window {
    STAPES_WINDOW_POVEY = 0,     /* Kaldi's: hann to the power of 0.85 */
    STAPES_WINDOW_HANN = 1,      /* symmetric: zero at both ends */
    STAPES_WINDOW_HAMMING = 2,   /* symmetric: 0.08 at both ends */
    STAPES_WINDOW_BLACKMAN = 3,  /* symmetric, coefficient 0.42 */
    STAPES_WINDOW_RECTANGLE = 4, /* ones */
    STAPES_WINDOW_HANN_PERIODIC = 5,
    STAPES_WINDOW_HAMMING_PERIODIC = 6
};
enum stapes_features_padding {
    STAPES_PADDING_NONE = 0,    /* only whole windows (Kaldi: snip-edges) */
    STAPES_PADDING_REFLECT = 1, /* row t centred on sample t * hop; beyond the ends x[1], x[2], ... */
    STAPES_PADDING_ZERO = 2,    /* the same with zeros beyond the ends */
    STAPES_PADDING_MIRROR = 3   /* Kaldi without snip-edges: row t centred on t * hop + hop / 2; beyond
                                   the ends x[0], x[1], ... */
};
enum stapes_features_scale { STAPES_SCALE_HTK = 0, STAPES_SCALE_SLANEY = 1 };
enum stapes_features_norm {
    STAPES_NORM_NONE = 0,  /* triangles of height 1 */
    STAPES_NORM_SLANEY = 1 /* triangles of equal area in Hz */
};
enum stapes_features_triangles {
    STAPES_TRIANGLES_MEL = 0, /* sides straight in mel; no line at the Nyquist frequency (Kaldi) */
    STAPES_TRIANGLES_HERTZ = 1
};
enum stapes_features_log {
    STAPES_LOG_NONE = 0,
    STAPES_LOG_NATURAL = 1,
    STAPES_LOG_10 = 2,
    STAPES_LOG_DB = 3 /* 10 log10 */
};
enum stapes_features_normalize {
    STAPES_NORMALIZE_NONE = 0,
    STAPES_NORMALIZE_UTTERANCE = 1, /* each bin: (x - mean) / max(deviation, 1e-5) over the segment */
    STAPES_NORMALIZE_RUNNING = 2,   /* the same over the row and the `span` before it; the first `warmup`
                                       rows all over these rows (torchaudio: sliding_window_cmn) */
    STAPES_NORMALIZE_WHISPER = 3    /* max(x, greatest of the segment - 8), then (x + 4) / 4 */
};
enum stapes_features_values {
    STAPES_VALUES_MAGNITUDE = 0,
    STAPES_VALUES_POWER = 1,
    STAPES_VALUES_COMPLEX = 2 /* real and imaginary part of line 0, of line 1, ... */
};

/* Everything that decides the values. Filled by stapes_features_preset or stapes_features_resolve. GROWS */
typedef struct stapes_features_settings {
    uint32_t size;
    int32_t  style;         /* also: a window shorter than the fft stands at its start (kaldi) or in its
                               middle; whisper drops the last row */
    uint32_t rate;          /* Hz */
    uint32_t window, hop;   /* samples */
    uint32_t fft;           /* samples, not below window */
    uint32_t mels;          /* filters; stft: without meaning, as all that is the filters' */
    float    low, high;     /* Hz, outer edges of the filters; high at most rate / 2 */
    int32_t  window_type;   /* enum stapes_features_window */
    int32_t  padding;       /* enum stapes_features_padding */
    int32_t  scale, norm;   /* enum stapes_features_scale, enum stapes_features_norm */
    int32_t  triangles;     /* enum stapes_features_triangles */
    int32_t  power;         /* 2: sums of power, 1: of magnitude */
    int32_t  log;           /* enum stapes_features_log, of max(x, floor) + offset */
    float    floor, offset; /* without meaning where log is none */
    float    preemphasis;   /* 0 to 1, within each window, x[-1] = x[0] */
    int32_t  remove_dc;     /* 1: each window less its mean, before the pre-emphasis */
    int32_t  normalize;     /* enum stapes_features_normalize */
    uint32_t span, warmup;  /* rows; for running */
    uint32_t pad;           /* samples: each segment is cut or zero-padded to this length; 0: as it is */
    uint32_t stack;         /* rows side by side in one row that comes out */
    uint32_t stride;        /* rows from one that comes out to the next */
    int32_t  kind;          /* enum stapes_features_kind */
    float    top_db;        /* above 0: no value below the segment's greatest less this; log db only */
    uint32_t ceps;          /* mfcc: coefficients, at most mels */
    float    lifter;        /* mfcc: above 0: coefficient i times 1 + lifter / 2 sin(pi i / lifter); i from 0
                               (kaldi) or 1 */
    int32_t energy;         /* mfcc: 1: instead of coefficient 0 log(max(sum of squares, energy_floor, 2^-23))
                               of the window, its mean taken away if remove_dc, before pre-emphasis */
    float   energy_floor;
    int32_t values; /* stft: enum stapes_features_values */
} stapes_features_settings;

/* Log-mel as the style's own program makes it without being told more (kaldi: 23 mels), at `rate` Hz; 0: the
 * style's own rate. [any] */
STAPES_EXPORT void stapes_features_preset(stapes_features_settings *settings, int style, uint32_t rate);

/* The same for any kind. [any] */
STAPES_EXPORT void stapes_features_preset_kind(stapes_features_settings *settings, int kind, int style,
                                               uint32_t rate);

/* Whether features can be computed so: STAPES_OK, or STAPES_EUSAGE with what is wrong. [any] */
STAPES_EXPORT int stapes_features_check(const stapes_features_settings *settings, stapes_error *error);

enum { STAPES_RECIPE_TEXT = 640 };

/* The one comparable line of stapes_format.recipe: the kind and key=value, each with a space before it, of
 * everything that changes a value, in a fixed order. Equal settings give equal lines. Returns text. [any] */
STAPES_EXPORT char *stapes_features_recipe(const stapes_features_settings *settings,
                                           char                            text[STAPES_RECIPE_TEXT]);

/* Columns of a row (mels, ceps, or lines, x stack), samples from one row to the next (hop x stride), and
 * samples after a row's place until it is out (INT64_MAX where the whole segment is needed). The place of row
 * j is sample j x hop x stride of its segment: where its window begins, or, with padding, its centre (mirror:
 * hop / 2 before it). [any] */
STAPES_EXPORT uint32_t stapes_features_columns(const stapes_features_settings *settings);
STAPES_EXPORT uint32_t stapes_features_step(const stapes_features_settings *settings);
STAPES_EXPORT int64_t  stapes_features_latency(const stapes_features_settings *settings);

/* ---- options ------------------------------------------------------------------------------------- */

/* What people write, in the units in which they write it. Only options in `given` count, the others are the
 * style's own. */
typedef struct stapes_features_options {
    int32_t  kind, style, rate;
    float    window, hop; /* ms */
    int32_t  fft, mels;
    float    low, high;
    int32_t  scale, norm, power, log;
    float    floor, offset, top_db;
    int32_t  ceps;
    float    lifter;
    bool     energy;
    float    energy_floor;
    int32_t  values;
    int32_t  window_type;
    float    preemphasis;
    bool     remove_dc, center;
    int32_t  padding, normalize;
    float    span, warmup; /* s */
    float    pad;          /* s */
    int32_t  stack, stride;
    uint64_t given; /* bit i: row i of the table of all options was set */
} stapes_features_options;

/* The rows of these options, for the table of a stage whose settings begin with them. */
#define STAPES_FEATURES_ROW(field, initial, help, ...)                                                       \
    STAPES_PARAMETER(stapes_features_options, field, initial, help, __VA_ARGS__)
#define STAPES_FEATURES_KIND_ROW                                                                             \
    STAPES_FEATURES_ROW(kind, "logmel", "what is computed: a stage knows, a model folder says",              \
                        .choices = "logmel|mfcc|stft")
#define STAPES_FEATURES_WINDOW_ROWS                                                                          \
    STAPES_FEATURES_ROW(rate, "0", "sample rate of the input; 0: the style's own (16000, librosa 22050)",    \
                        .unit = "Hz", .least = 0, .greatest = 768000),                                       \
        STAPES_FEATURES_ROW(window, "0",                                                                     \
                            "length of a window; 0: the style's own (kaldi 25 ms, others the fft)",          \
                            .unit = "ms", .least = 0, .greatest = 10000),                                    \
        STAPES_FEATURES_ROW(hop, "0",                                                                        \
                            "from one row to the next; 0: the style's own (kaldi and whisper 10 ms)",        \
                            .unit = "ms", .least = 0, .greatest = 10000),                                    \
        STAPES_FEATURES_ROW(fft, "0",                                                                        \
                            "points of the FFT; 0: kaldi the next power of two of the window, whisper and "  \
                            "torchaudio 400, librosa 2048",                                                  \
                            .unit = "samples", .least = 0, .greatest = 262144)
#define STAPES_FEATURES_MEL_ROWS                                                                             \
    STAPES_FEATURES_ROW(mels, "0", "mel filters; 0: the style's own (kaldi 23, whisper 80, others 128)",     \
                        .least = 0, .greatest = 1024),                                                       \
        STAPES_FEATURES_ROW(low, "0", "lower edge of the lowest filter (kaldi 20 unless set)", .unit = "Hz", \
                            .least = 0, .greatest = 384000),                                                 \
        STAPES_FEATURES_ROW(high, "0",                                                                       \
                            "upper edge of the highest filter; 0 or less: counted from half the rate",       \
                            .unit = "Hz", .least = -384000, .greatest = 384000),                             \
        STAPES_FEATURES_ROW(scale, "style", "mel scale; style: kaldi and torchaudio htk, others slaney",     \
                            .choices = "style|htk|slaney"),                                                  \
        STAPES_FEATURES_ROW(norm, "style",                                                                   \
                            "slaney: filters of equal area, none: of height 1; style: whisper and librosa "  \
                            "slaney, others none",                                                           \
                            .choices = "style|none|slaney"),                                                 \
        STAPES_FEATURES_ROW(power, "2", "2: filters sum power, 1: magnitude", .least = 1, .greatest = 2)
#define STAPES_FEATURES_LOG_ROWS                                                                             \
    STAPES_FEATURES_ROW(log, "style",                                                                        \
                        "logarithm of the values; style: whisper log10, mfcc of torchaudio and librosa db, " \
                        "stft none, others natural",                                                         \
                        .choices = "style|none|natural|log10|db"),                                           \
        STAPES_FEATURES_ROW(                                                                                 \
            floor, "0", "least value before the logarithm (unless set kaldi 1.1920929e-07, others 1e-10)",   \
            .least = 0, .greatest = 1e9),                                                                    \
        STAPES_FEATURES_ROW(offset, "0",                                                                     \
                            "added before the logarithm; where it is set, floor is 0 unless set",            \
                            .least = 0, .greatest = 1e9),                                                    \
        STAPES_FEATURES_ROW(top_db, "0",                                                                     \
                            "log db: no value further below the segment's greatest; 0: none (mfcc of "       \
                            "torchaudio and librosa 80 unless set)",                                         \
                            .unit = "dB", .least = 0, .greatest = 1000)
#define STAPES_FEATURES_CEPSTRUM_ROWS                                                                        \
    STAPES_FEATURES_ROW(ceps, "0", "coefficients; 0: the style's own (kaldi 13, torchaudio 40, librosa 20)", \
                        .least = 0, .greatest = 1024),                                                       \
        STAPES_FEATURES_ROW(lifter, "0", "weighs higher coefficients up; 0: none (kaldi 22 unless set)",     \
                            .least = 0, .greatest = 10000),                                                  \
        STAPES_FEATURES_ROW(energy, "false",                                                                 \
                            "the logarithm of the window's energy instead of coefficient 0", ),              \
        STAPES_FEATURES_ROW(energy_floor, "0", "least energy before its logarithm", .least = 0,              \
                            .greatest = 1e9)
#define STAPES_FEATURES_VALUES_ROW                                                                           \
    STAPES_FEATURES_ROW(values, "magnitude", "complex: real and imaginary part of each line side by side",   \
                        .choices = "magnitude|power|complex")
#define STAPES_FEATURES_SHAPE_ROWS                                                                           \
    STAPES_FEATURES_ROW(window_type, "style",                                                                \
                        "shape of the window; style: kaldi povey, others hann_periodic",                     \
                        .choices = "style|povey|hann|hamming|blackman|rectangle|hann_periodic|"              \
                                   "hamming_periodic"),                                                      \
        STAPES_FEATURES_ROW(preemphasis, "0", "within each window (kaldi 0.97 unless set)", .least = 0,      \
                            .greatest = 1),                                                                  \
        STAPES_FEATURES_ROW(remove_dc, "false", "take each window's mean away (kaldi true unless set)", ),   \
        STAPES_FEATURES_ROW(center, "false",                                                                 \
                            "rows centred on their place, the ends padded, instead of whole windows only "   \
                            "(whisper, torchaudio, librosa true unless set)", ),                             \
        STAPES_FEATURES_ROW(padding, "style",                                                                \
                            "what lies beyond the ends with center; style: kaldi mirror, librosa zero, "     \
                            "others reflect",                                                                \
                            .choices = "style|reflect|zero|mirror")
#define STAPES_FEATURES_SEGMENT_ROWS                                                                         \
    STAPES_FEATURES_ROW(normalize, "style",                                                                  \
                        "over the segment (utterance, whisper) or the last rows (running); style: "          \
                        "whisper whisper, others none",                                                      \
                        .choices = "style|none|utterance|running|whisper"),                                  \
        STAPES_FEATURES_ROW(span, "6", "running: how far back it looks", .unit = "s", .least = 0.01,         \
                            .greatest = 3600),                                                               \
        STAPES_FEATURES_ROW(warmup, "1",                                                                     \
                            "running: rows held back at the begin of a segment, and normalised together",    \
                            .unit = "s", .least = 0, .greatest = 3600),                                      \
        STAPES_FEATURES_ROW(                                                                                 \
            pad, "0", "cut or zero-pad each segment to this length (Whisper's encoder: 30); 0: as it is",    \
            .unit = "s", .least = 0, .greatest = 3600),                                                      \
        STAPES_FEATURES_ROW(stack, "1", "rows put side by side, after the normalisation", .least = 1,        \
                            .greatest = 64),                                                                 \
        STAPES_FEATURES_ROW(stride, "0", "rows from one stacked row to the next; 0: as many as are stacked", \
                            .least = 0, .greatest = 64)

/* What one kind has. */
#define STAPES_LOGMEL_PARAMETERS                                                                             \
    STAPES_FEATURES_ROW(style, "kaldi", "whose features: decides all that is not set here",                  \
                        .choices = "kaldi|whisper|torchaudio|librosa"),                                      \
        STAPES_FEATURES_WINDOW_ROWS, STAPES_FEATURES_MEL_ROWS, STAPES_FEATURES_LOG_ROWS,                     \
        STAPES_FEATURES_SHAPE_ROWS, STAPES_FEATURES_SEGMENT_ROWS
#define STAPES_MFCC_PARAMETERS                                                                               \
    STAPES_FEATURES_ROW(style, "kaldi", "whose features: decides all that is not set here; not whisper",     \
                        .choices = "kaldi|whisper|torchaudio|librosa"),                                      \
        STAPES_FEATURES_WINDOW_ROWS, STAPES_FEATURES_MEL_ROWS, STAPES_FEATURES_LOG_ROWS,                     \
        STAPES_FEATURES_CEPSTRUM_ROWS, STAPES_FEATURES_SHAPE_ROWS, STAPES_FEATURES_SEGMENT_ROWS
#define STAPES_STFT_PARAMETERS                                                                               \
    STAPES_FEATURES_ROW(style, "librosa", "whose windows: decides all that is not set here",                 \
                        .choices = "kaldi|whisper|torchaudio|librosa"),                                      \
        STAPES_FEATURES_WINDOW_ROWS, STAPES_FEATURES_VALUES_ROW, STAPES_FEATURES_LOG_ROWS,                   \
        STAPES_FEATURES_SHAPE_ROWS, STAPES_FEATURES_SEGMENT_ROWS

/* The table of all options, and its number of rows. */
STAPES_EXPORT const stapes_parameter *stapes_features_parameters(uint32_t *count);

/* All defaults, nothing given: a log-mel. [any] */
STAPES_EXPORT void stapes_features_options_init(stapes_features_options *options);

/* Sets one option from text, as the `features:` map of a model folder has it. STAPES_EUSAGE with words for
 * an unknown name, a value that is none or is out of range. [any] */
STAPES_EXPORT int stapes_features_options_set(stapes_features_options *options, const char *name,
                                              const char *text, stapes_error *error);

/* Options of `over` that are given replace those in `options`. [any] */
STAPES_EXPORT void stapes_features_options_merge(stapes_features_options       *options,
                                                 const stapes_features_options *over);

/* Every number decided, and checked. Lengths in ms become samples as Kaldi has it: rounded down, unless
 * they are within 0.01 samples of a whole number. [any] */
STAPES_EXPORT int stapes_features_resolve(const stapes_features_options *options,
                                          stapes_features_settings *settings, stapes_error *error);

/* ---- the computation ----------------------------------------------------------------------------- */

typedef struct stapes_features stapes_features; /* one stream; one thread at a time */

/* Pushes of at most this many samples, each with all rows pulled after it, allocate nothing, except where
 * the whole segment is needed: then what is kept grows by doubling. */
enum { STAPES_FEATURES_BLOCK = 16384 };

/* NULL with words if the settings are not right or memory lacks. The settings are copied. [control] */
STAPES_EXPORT stapes_features *stapes_features_open(const stapes_features_settings *settings,
                                                    stapes_error                   *error);
STAPES_EXPORT void             stapes_features_close(stapes_features *logmel); /* NULL is fine. [control] */

/* Takes the next `count` samples of the segment. A NaN makes the rows whose windows hold it NaN (with
 * utterance or running normalisation other rows are not touched: it stays out of the statistics).
 * STAPES_OK, or STAPES_ENOMEM; the segment is lost then: call reset. [stream] */
STAPES_EXPORT int stapes_features_push(stapes_features *logmel, const float *samples, size_t count);

/* The segment ended: what is held back can be pulled; then call reset. [stream] */
STAPES_EXPORT int stapes_features_flush(stapes_features *logmel);

/* Rows that can be pulled now. [stream] */
STAPES_EXPORT size_t stapes_features_ready(const stapes_features *logmel);

/* rows (most, columns), row-major: the next ones, at most `most`. Returns how many. [stream] */
STAPES_EXPORT size_t stapes_features_pull(stapes_features *logmel, float *rows, size_t most);

/* As after open; memory is kept. [stream] */
STAPES_EXPORT void stapes_features_reset(stapes_features *logmel);

/* Samples that did not fit into `pad` in this segment; filters that hold no line of the FFT. [stream] */
STAPES_EXPORT int64_t  stapes_features_cut(const stapes_features *logmel);
STAPES_EXPORT uint32_t stapes_features_empty_filters(const stapes_features *logmel);

#ifdef __cplusplus
}
#endif
#endif
