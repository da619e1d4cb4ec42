/* features_plugin.c - the stages of this plugin: which parameters each has. */
#include "features_audio.h"

static const stapes_port inputs[] = {
    {.name = "in", .kinds = STAPES_KIND(STAPES_AUDIO), .help = "one channel at the rate of the settings"}};
static const stapes_port outputs[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_FRAMES)}};

#define MODEL_ROW                                                                                            \
    STAPES_PARAMETER(features_audio_settings, model, "",                                                     \
                     "a model's name or folder: its settings, but for those given here",                     \
                     .flags = STAPES_IS_MODEL)

static const stapes_parameter logmel_parameters[] = {STAPES_LOGMEL_PARAMETERS, MODEL_ROW};
static const stapes_parameter mfcc_parameters[] = {STAPES_MFCC_PARAMETERS, MODEL_ROW};
static const stapes_parameter stft_parameters[] = {STAPES_STFT_PARAMETERS, MODEL_ROW};

static int open_logmel(const stapes_instance *me);
static int open_mfcc(const stapes_instance *me);
static int open_stft(const stapes_instance *me);

static const stapes_stage logmel = {
    .size = sizeof logmel,
    .name = "features.logmel",
    .summary = "audio becomes log-mel frames: Kaldi, Whisper, torchaudio or librosa style",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(logmel_parameters),
    .settings_size = sizeof(features_audio_settings),
    .state_size = sizeof(features_audio_state),
    .open = open_logmel,
    .configure = features_audio_configure,
    .process = features_audio_process,
    .flush = features_audio_flush,
    .close = features_audio_close,
};

static const stapes_stage mfcc = {
    .size = sizeof mfcc,
    .name = "features.mfcc",
    .summary = "audio becomes cepstral coefficients (MFCC): Kaldi, torchaudio or librosa style",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(mfcc_parameters),
    .settings_size = sizeof(features_audio_settings),
    .state_size = sizeof(features_audio_state),
    .open = open_mfcc,
    .configure = features_audio_configure,
    .process = features_audio_process,
    .flush = features_audio_flush,
    .close = features_audio_close,
};

static const stapes_stage stft = {
    .size = sizeof stft,
    .name = "features.stft",
    .summary = "audio becomes short-time spectra: magnitude, power, decibels or complex numbers",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(stft_parameters),
    .settings_size = sizeof(features_audio_settings),
    .state_size = sizeof(features_audio_state),
    .open = open_stft,
    .configure = features_audio_configure,
    .process = features_audio_process,
    .flush = features_audio_flush,
    .close = features_audio_close,
};

static int open_logmel(const stapes_instance *me)
{
    return features_audio_open(me, &logmel, STAPES_FEATURES_LOGMEL);
}

static int open_mfcc(const stapes_instance *me)
{
    return features_audio_open(me, &mfcc, STAPES_FEATURES_MFCC);
}

static int open_stft(const stapes_instance *me)
{
    return features_audio_open(me, &stft, STAPES_FEATURES_STFT);
}

STAPES_PLUGIN("features", "1.1.0", "MIT", &logmel, &mfcc, &stft, &features_deltas_stage);
