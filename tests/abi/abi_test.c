/* abi_test.c - what plugins that were built long ago rely on: sizes and offsets of the FROZEN structures
 * and of the begins of those that grow, numbers of the enums, and that the old plugin's description is
 * read as it was written. Arguments: version and plugin, in turn. A failure here means STAPES_ABI_MAJOR has
 * to rise, or (much better) that the change has to be undone. */
#include "check.h"
#include "plugin/parameter.h"
#include "plugin/registry.h"

#if UINTPTR_MAX == UINT64_MAX

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " changed its size")
#define LEAST(type, bytes) _Static_assert(sizeof(type) >= (bytes), #type " shrank")
#define PLACE(type, field, at) _Static_assert(offsetof(type, field) == (at), #type "." #field " moved")

/* FROZEN */
SIZE(stapes_error, 1024);
PLACE(stapes_error, text, 4);
SIZE(stapes_packet, 48);
PLACE(stapes_packet, format, 0);
PLACE(stapes_packet, data, 8);
PLACE(stapes_packet, start, 16);
PLACE(stapes_packet, duration, 24);
PLACE(stapes_packet, kind, 32);
PLACE(stapes_packet, rows, 36);
PLACE(stapes_packet, columns, 40);
PLACE(stapes_packet, capacity, 44);
SIZE(stapes_token, 24);
PLACE(stapes_token, end, 8);
PLACE(stapes_token, id, 16);
PLACE(stapes_token, score, 20);
SIZE(stapes_word, 32);
PLACE(stapes_word, start, 8);
PLACE(stapes_word, end, 16);
PLACE(stapes_word, confidence, 24);
SIZE(stapes_strings, 16);
SIZE(stapes_ints, 16);
SIZE(stapes_floats, 16);
PLACE(stapes_strings, items, 8);
PLACE(stapes_ints, items, 8);
PLACE(stapes_floats, items, 8);
SIZE(stapes_instance, 40);
PLACE(stapes_instance, settings, 8);
PLACE(stapes_instance, state, 16);
PLACE(stapes_instance, name, 24);
PLACE(stapes_instance, runtime, 32);
SIZE(stapes_port, 24);
PLACE(stapes_port, kinds, 8);
PLACE(stapes_port, flags, 12);
PLACE(stapes_port, help, 16);

/* growing: what 1.0 had stays where it was */
LEAST(stapes_format, 40);
PLACE(stapes_format, kind, 4);
PLACE(stapes_format, columns, 8);
PLACE(stapes_format, rate, 12);
PLACE(stapes_format, hop, 16);
PLACE(stapes_format, recipe, 24);
PLACE(stapes_format, vocabulary, 32);
LEAST(stapes_text, 56);
PLACE(stapes_text, segment, 4);
PLACE(stapes_text, revision, 8);
PLACE(stapes_text, stable, 12);
PLACE(stapes_text, final, 16);
PLACE(stapes_text, n_words, 20);
PLACE(stapes_text, n_alternatives, 24);
PLACE(stapes_text, score, 28);
PLACE(stapes_text, text, 32);
PLACE(stapes_text, words, 40);
PLACE(stapes_text, alternatives, 48);
LEAST(stapes_event, 40);
PLACE(stapes_event, type, 4);
PLACE(stapes_event, position, 8);
PLACE(stapes_event, length, 16);
PLACE(stapes_event, segment, 24);
PLACE(stapes_event, score, 28);
PLACE(stapes_event, name, 32);
LEAST(stapes_parameter, 72);
PLACE(stapes_parameter, type, 8);
PLACE(stapes_parameter, offset, 12);
PLACE(stapes_parameter, initial, 16);
PLACE(stapes_parameter, help, 24);
PLACE(stapes_parameter, unit, 32);
PLACE(stapes_parameter, least, 40);
PLACE(stapes_parameter, greatest, 48);
PLACE(stapes_parameter, choices, 56);
PLACE(stapes_parameter, flags, 64);
LEAST(stapes_host, 136);
PLACE(stapes_host, minor, 4);
PLACE(stapes_host, fail, 8);
PLACE(stapes_host, log, 16);
PLACE(stapes_host, allocate, 24);
PLACE(stapes_host, is_set, 32);
PLACE(stapes_host, packet, 40);
PLACE(stapes_host, emit, 48);
PLACE(stapes_host, retain, 56);
PLACE(stapes_host, release, 64);
PLACE(stapes_host, event, 72);
PLACE(stapes_host, mark, 80);
PLACE(stapes_host, announce, 88);
PLACE(stapes_host, reject, 96);
PLACE(stapes_host, share, 104);
PLACE(stapes_host, parallel, 112);
PLACE(stapes_host, canceled, 120);
PLACE(stapes_host, extension, 128);
PLACE(stapes_host, threads, 136); /* 1.1 */
LEAST(stapes_bounds, 16);
PLACE(stapes_bounds, latency, 8);
LEAST(stapes_stage, 136);
PLACE(stapes_stage, flags, 4);
PLACE(stapes_stage, name, 8);
PLACE(stapes_stage, summary, 16);
PLACE(stapes_stage, inputs, 24);
PLACE(stapes_stage, outputs, 32);
PLACE(stapes_stage, n_inputs, 40);
PLACE(stapes_stage, n_outputs, 44);
PLACE(stapes_stage, parameters, 48);
PLACE(stapes_stage, n_parameters, 56);
PLACE(stapes_stage, parameter_size, 60);
PLACE(stapes_stage, settings_size, 64);
PLACE(stapes_stage, state_size, 68);
PLACE(stapes_stage, open, 72);
PLACE(stapes_stage, configure, 80);
PLACE(stapes_stage, process, 88);
PLACE(stapes_stage, rows, 96);
PLACE(stapes_stage, event, 104);
PLACE(stapes_stage, flush, 112);
PLACE(stapes_stage, close, 120);
PLACE(stapes_stage, process_many, 128);
PLACE(stapes_stage, flush_many, 136); /* 1.1 */
LEAST(stapes_plugin, 48);
PLACE(stapes_plugin, abi_major, 4);
PLACE(stapes_plugin, abi_minor, 6);
PLACE(stapes_plugin, layout, 8);
PLACE(stapes_plugin, n_stages, 12);
PLACE(stapes_plugin, name, 16);
PLACE(stapes_plugin, version, 24);
PLACE(stapes_plugin, licence, 32);
PLACE(stapes_plugin, stages, 40);
#endif

static void numbers(void)
{
    CHECK(STAPES_OK == 0 && STAPES_END == 1 && STAPES_CONSUMED == 2);
    CHECK(STAPES_EINPUT == -1 && STAPES_EUSAGE == -2 && STAPES_EFORMAT == -3 && STAPES_EMODEL == -4);
    CHECK(STAPES_ESYSTEM == -5 && STAPES_ENOMEM == -6 && STAPES_ECANCELED == -7 && STAPES_ECONTRACT == -8);
    CHECK(STAPES_EPIPE == -9);
    CHECK(STAPES_AUDIO == 1 && STAPES_FRAMES == 2 && STAPES_SCORES == 3 && STAPES_TOKENS == 4 &&
          STAPES_TEXT == 5);
    CHECK(STAPES_PREDICTOR == 6 && STAPES_BYTES == 7 && STAPES_EVENT == 8 && STAPES_ANY_DATA == 0xfe);
    CHECK(STAPES_RECORDING_BEGIN == 1 && STAPES_RECORDING_END == 2 && STAPES_SEGMENT_BEGIN == 3);
    CHECK(STAPES_SEGMENT_END == 4 && STAPES_SPEECH_BEGIN == 5 && STAPES_SPEECH_END == 6 &&
          STAPES_TRIGGER == 7);
    CHECK(STAPES_GAP == 8 && STAPES_DEVICE_LOST == 9 && STAPES_DEVICE_BACK == 10);
    CHECK(STAPES_RECORDING_ABANDONED == 11);
    CHECK(STAPES_BOOL == 1 && STAPES_INT == 2 && STAPES_FLOAT == 3 && STAPES_STRING == 4 && STAPES_INTS == 5);
    CHECK(STAPES_FLOATS == 6 && STAPES_STRINGS == 7);
    CHECK(STAPES_IS_INPUT_FILE == 1 && STAPES_IS_OUTPUT_FILE == 2 && STAPES_IS_MODEL == 4 &&
          STAPES_IS_ADVANCED == 8);
    CHECK(STAPES_OPTIONAL == 1 && STAPES_TOUCHES_FILES == 1 && STAPES_IS_CONVERTER == 2);
    CHECK(STAPES_FLUSH_SEGMENT == 0 && STAPES_FLUSH_END == 1);
    CHECK(STAPES_SECOND == 705600000 && STAPES_WHOLE_SEGMENT == INT64_MAX);
    CHECK(STAPES_ABI_MAJOR == 1);
    CHECK(strcmp(STAPES_ENTRY_NAME, "stapes_plugin_entry") == 0);
    if (sizeof(void *) == 8) CHECK(STAPES_LAYOUT == (48u | 24u << 8 | 40u << 16 | 24u << 24));
}

static void stages_of_1_0(st_registry *registry, const st_plugin *plugin)
{
    stapes_error        error = {0};
    const stapes_stage *stage = st_registry_find(registry, "old.gain", &error);
    char                text[100];
    CHECK(plugin->about.abi_minor == 0 && plugin->about.n_stages == 4);
    CHECK(stage && stage->rows && !stage->process && stage->n_parameters == 8);
    if (!stage) return;
    CHECK_TEXT(stage->parameters[2].choices, "first|second");
    CHECK_TEXT(st_parameter_takes(&stage->parameters[1], text, sizeof text), "whole number 1 to 9 (rows)");
    stage = st_registry_find(registry, "old.pass", &error);
    CHECK(stage && stage->n_inputs == 2 && stage->inputs[1].flags == STAPES_OPTIONAL);
    for (uint32_t i = 0; i < plugin->about.n_stages; i++) CHECK(!plugin->stages[i].flush_many);
}

static void stages_of_1_1(st_registry *registry, const st_plugin *plugin)
{
    stapes_error        error = {0};
    const stapes_stage *stage = st_registry_find(registry, "old.loudest", &error);
    CHECK(plugin->about.abi_minor == 1 && plugin->about.n_stages == 1);
    CHECK(stage && stage->process_many && stage->flush_many && stage->flush != NULL);
}

static void old_plugin(const char *version, const char *path)
{
    stapes_error     error = {0};
    st_registry     *registry = st_registry_open(NULL, &error);
    const st_plugin *plugin = st_registry_load(registry, path, &error);
    CHECK_TEXT(error.text, "");
    CHECK(plugin != NULL);
    if (plugin) {
        CHECK(plugin->about.abi_major == 1);
        if (!strcmp(version, "1.0"))
            stages_of_1_0(registry, plugin);
        else
            stages_of_1_1(registry, plugin);
    }
    st_registry_close(registry);
}

int main(int count, char **words)
{
    numbers();
    for (int i = 1; i + 1 < count; i += 2) old_plugin(words[i], words[i + 1]);
    return check_done();
}
