/* fake_stages.h - stages that only have tables, for tests of what reads them (pipeline files, fuzz
 * targets): what these tests expect does not change when a real stage does. */
#ifndef ST_FAKE_STAGES_H
#define ST_FAKE_STAGES_H

#include <stapes/stage.h>

static int fake_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)me;
    (void)port;
    (void)packet;
    return STAPES_OK;
}

static int fake_configure(const stapes_instance *me, const stapes_format *const *inputs,
                          stapes_format *const *outputs, stapes_bounds *bounds)
{
    (void)me;
    (void)inputs;
    (void)outputs;
    (void)bounds;
    return STAPES_OK;
}

typedef struct fake_file {
    const char    *path;
    int32_t        rate;
    stapes_strings tags;
} fake_file;

typedef struct fake_resample {
    int32_t     rate, channels;
    stapes_ints take;
} fake_resample;

typedef struct fake_logmel {
    float       window, hop;
    int32_t     bins;
    bool        normalize;
    const char *model;
} fake_logmel;

typedef struct fake_network {
    const char *model;
} fake_network;

typedef struct fake_search {
    int32_t beam;
} fake_search;

typedef struct fake_write {
    const char *path;
    int32_t     format;
} fake_write;

static const stapes_parameter fake_file_rows[] = {
    STAPES_PARAMETER(fake_file, path, NULL, "what to read", .flags = STAPES_IS_INPUT_FILE),
    STAPES_PARAMETER(fake_file, rate, "16000", "rate of raw audio", .unit = "Hz", .least = 1000,
                     .greatest = 384000),
    STAPES_PARAMETER(fake_file, tags, "", "words that go with it"),
};
static const stapes_parameter fake_resample_rows[] = {
    STAPES_PARAMETER(fake_resample, rate, "16000", "rate wanted", .unit = "Hz", .least = 1000,
                     .greatest = 384000),
    STAPES_PARAMETER(fake_resample, channels, "mix", "what becomes of channels", .choices = "mix|first|all"),
    STAPES_PARAMETER(fake_resample, take, "", "numbers of channels", .least = 0, .greatest = 63),
};
static const stapes_parameter fake_logmel_rows[] = {
    STAPES_PARAMETER(fake_logmel, window, "25", "length of a window", .unit = "ms", .least = 1,
                     .greatest = 1000),
    STAPES_PARAMETER(fake_logmel, hop, "10", "from one window to the next", .unit = "ms", .least = 1,
                     .greatest = 1000),
    STAPES_PARAMETER(fake_logmel, bins, "80", "number of bins", .least = 1, .greatest = 512),
    STAPES_PARAMETER(fake_logmel, normalize, "false", "mean 0, deviation 1"),
    STAPES_PARAMETER(fake_logmel, model, "", "model whose recipe is used", .flags = STAPES_IS_MODEL),
};
static const stapes_parameter fake_network_rows[] = {
    STAPES_PARAMETER(fake_network, model, NULL, "model folder or name", .flags = STAPES_IS_MODEL),
};
static const stapes_parameter fake_search_rows[] = {
    STAPES_PARAMETER(fake_search, beam, "1", "hypotheses kept", .least = 1, .greatest = 1000),
};
static const stapes_parameter fake_write_rows[] = {
    STAPES_PARAMETER(fake_write, path, "-", "where to write", .flags = STAPES_IS_OUTPUT_FILE),
    STAPES_PARAMETER(fake_write, format, "txt", "how it is written", .choices = "txt|jsonl"),
};

static const stapes_port fake_audio_out[] = {{"out", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static const stapes_port fake_audio_in[] = {{"in", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static const stapes_port fake_frames_out[] = {{"out", STAPES_KIND(STAPES_FRAMES), 0, NULL}};
static const stapes_port fake_frames_in[] = {{"in", STAPES_KIND(STAPES_FRAMES), 0, NULL}};
static const stapes_port fake_scores_out[] = {{"out", STAPES_KIND(STAPES_SCORES), 0, NULL}};
static const stapes_port fake_scores_in[] = {{"in", STAPES_KIND(STAPES_SCORES), 0, NULL}};
static const stapes_port fake_text_out[] = {{"out", STAPES_KIND(STAPES_TEXT), 0, NULL},
                                            {"tokens", STAPES_KIND(STAPES_TOKENS), 0, NULL}};
static const stapes_port fake_text_in[] = {
    {"in", STAPES_KIND(STAPES_TEXT) | STAPES_KIND(STAPES_TOKENS), 0, NULL}};
static const stapes_port fake_any_out[] = {{"out", STAPES_ANY_DATA, 0, NULL}};
static const stapes_port fake_any_in[] = {{"in", STAPES_ANY_DATA, 0, NULL}};
static const stapes_port fake_join_in[] = {{"left", STAPES_KIND(STAPES_FRAMES), 0, NULL},
                                           {"right", STAPES_KIND(STAPES_FRAMES), 0, NULL},
                                           {"weight", STAPES_KIND(STAPES_SCORES), STAPES_OPTIONAL, NULL}};

#define FAKE(id, name_, summary_, ...)                                                                       \
    static const stapes_stage id = {.size = sizeof(stapes_stage),                                            \
                                    .name = name_,                                                           \
                                    .summary = summary_,                                                     \
                                    .process = fake_process,                                                 \
                                    __VA_ARGS__}

FAKE(fake_file_stage, "audio.file", "a recording from a file", STAPES_OUTPUTS(fake_audio_out),
     STAPES_PARAMETERS(fake_file_rows), .settings_size = sizeof(fake_file), .configure = fake_configure);
FAKE(fake_resample_stage, "audio.resample", "another rate", STAPES_INPUTS(fake_audio_in),
     STAPES_OUTPUTS(fake_audio_out), STAPES_PARAMETERS(fake_resample_rows),
     .settings_size = sizeof(fake_resample));
FAKE(fake_logmel_stage, "features.logmel", "log-mel features", STAPES_INPUTS(fake_audio_in),
     STAPES_OUTPUTS(fake_frames_out), STAPES_PARAMETERS(fake_logmel_rows),
     .settings_size = sizeof(fake_logmel), .flags = STAPES_IS_CONVERTER, .configure = fake_configure);
FAKE(fake_join_stage, "features.join", "two streams beside each other", STAPES_INPUTS(fake_join_in),
     STAPES_OUTPUTS(fake_frames_out), .configure = fake_configure);
FAKE(fake_network_stage, "recurrent.network", "a network", STAPES_INPUTS(fake_frames_in),
     STAPES_OUTPUTS(fake_scores_out), STAPES_PARAMETERS(fake_network_rows),
     .settings_size = sizeof(fake_network), .configure = fake_configure);
FAKE(fake_search_stage, "ctc.search", "a search", STAPES_INPUTS(fake_scores_in),
     STAPES_OUTPUTS(fake_text_out), STAPES_PARAMETERS(fake_search_rows), .settings_size = sizeof(fake_search),
     .configure = fake_configure);
FAKE(fake_write_stage, "text.write", "text into a file", STAPES_INPUTS(fake_text_in),
     STAPES_PARAMETERS(fake_write_rows), .settings_size = sizeof(fake_write));
FAKE(fake_tap_stage, "debug.dump", "passes on what it shows", STAPES_INPUTS(fake_any_in),
     STAPES_OUTPUTS(fake_any_out));
FAKE(fake_drop_stage, "debug.drop", "forgets what comes", STAPES_INPUTS(fake_any_in));

static const stapes_stage *const fake_list[] = {&fake_file_stage,  &fake_resample_stage, &fake_logmel_stage,
                                                &fake_join_stage,  &fake_network_stage,  &fake_search_stage,
                                                &fake_write_stage, &fake_tap_stage,      &fake_drop_stage};
static const stapes_plugin       fake_plugin = {sizeof(stapes_plugin),
                                                STAPES_ABI_MAJOR,
                                                STAPES_ABI_MINOR,
                                                STAPES_LAYOUT,
                                                STAPES_COUNT(fake_list),
                                                "fake",
                                                "1.0.0",
                                                "MIT",
                                                fake_list};

#endif
