/* descriptor_test.c - descriptions of plugins that are not sane, one defect each, and the words for it. */
#include "check.h"
#include "plugin/registry.h"

#include <math.h>
#include <stdlib.h>

typedef struct settings {
    float         gain;
    int32_t       count;
    const char   *path;
    stapes_floats list;
    bool          on;
} settings;

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)me, (void)port, (void)packet;
    return STAPES_OK;
}

static int rows(const stapes_instance *me, const float *in, float *out, uint32_t n, uint32_t columns)
{
    (void)me, (void)in, (void)out, (void)n, (void)columns;
    return STAPES_OK;
}

static int many(const stapes_instance *const *instances, const stapes_packet *const *packets, uint32_t count)
{
    (void)instances, (void)packets, (void)count;
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    (void)me, (void)how;
    return STAPES_OK;
}

static int flush_many(const stapes_instance *const *instances, uint32_t count, int how)
{
    (void)instances, (void)count, (void)how;
    return STAPES_OK;
}

/* A good description, made anew for each defect. */
static stapes_parameter    parameters[5];
static stapes_port         inputs[2], outputs[2];
static stapes_stage        stage, second;
static const stapes_stage *stages[2];
static stapes_plugin       plugin;

static void make_good(void)
{
    const stapes_parameter good[] = {
        STAPES_PARAMETER(settings, gain, "0.5", "how loud", .least = 0, .greatest = 1),
        STAPES_PARAMETER(settings, count, "two", "how many", .choices = "one|two"),
        STAPES_PARAMETER(settings, path, "", "a file", .flags = STAPES_IS_INPUT_FILE),
        STAPES_PARAMETER(settings, list, "1,2", "some", .unit = "ms", .least = 0, .greatest = 5),
        STAPES_PARAMETER(settings, on, "no", "whether"),
    };
    memcpy(parameters, good, sizeof good);
    for (int i = 0; i < 2; i++) {
        inputs[i] = (stapes_port){
            .name = i ? "more" : "in", .kinds = STAPES_KIND(STAPES_AUDIO), .flags = (uint32_t)i};
        outputs[i] = (stapes_port){.name = i ? "side" : "out", .kinds = STAPES_KIND(STAPES_AUDIO)};
    }
    stage = (stapes_stage){.size = sizeof stage,
                           .name = "test.good",
                           .summary = "a good one",
                           .inputs = inputs,
                           .outputs = outputs,
                           .n_inputs = 2,
                           .n_outputs = 2,
                           STAPES_PARAMETERS(parameters),
                           .settings_size = sizeof(settings),
                           .process = process};
    second = stage;
    second.name = "test.second";
    stages[0] = &stage;
    stages[1] = &second;
    plugin = (stapes_plugin){.size = sizeof plugin,
                             .abi_major = STAPES_ABI_MAJOR,
                             .layout = STAPES_LAYOUT,
                             .n_stages = 2,
                             .name = "test",
                             .version = "1.0.0",
                             .licence = "MIT",
                             .stages = stages};
}

static void expect(int line, const char *words)
{
    stapes_error error = {0};
    st_registry *registry = st_registry_open(NULL, &error);
    int          status = st_registry_add(registry, &plugin, &error);
    check_count++;
    if (words ? status != STAPES_EMODEL || !strstr(error.text, words) : status != STAPES_OK) {
        check_failures++;
        fprintf(stderr, "%s:%d: status %d, '%s', expected '%s'\n", __FILE__, line, status, error.text,
                words ? words : "success");
    }
    if (words) CHECK(st_registry_find(registry, "test.second", &(stapes_error){0}) == NULL);
    st_registry_close(registry);
}

#define BAD(change, words)                                                                                   \
    do {                                                                                                     \
        make_good();                                                                                         \
        change;                                                                                              \
        expect(__LINE__, words);                                                                             \
    } while (0)

int main(void)
{
    static char long_line[3000];
    memset(long_line, 'x', sizeof long_line - 1);

    BAD((void)0, NULL);
    BAD(plugin.abi_major = 0, "built for ABI 0, this is 1: rebuild it");
    BAD(plugin.abi_minor = 99, "asks for ABI 1.99");
    BAD(plugin.size = 40, "has a size of 40 bytes");
    BAD(plugin.layout++, "laid out differently");
    BAD(plugin.name = NULL, "its name ''");
    BAD(plugin.name = "A b", "its name 'A b'");
    BAD(plugin.version = "", "it has no version");
    BAD(plugin.licence = NULL, "it has no licence");
    BAD(plugin.n_stages = 0, "it has 0 stages");
    BAD(plugin.n_stages = 100000, "it has 100000 stages");
    BAD(plugin.stages = NULL, "it has 0 stages");
    BAD(stages[1] = NULL, "stage 1 of its list is NULL");
    BAD(stage.size = 8, "stage 0 of its list has a size of 8 bytes");
    BAD(stage.name = NULL, "stage 0 of its list has no name");
    BAD(second.name = "test.good", "it has two stages called 'test.good'");
    BAD(stage.name = "good", "the name 'good' of a stage is not of the form family.what");
    BAD(stage.name = "a.b.c", "the name 'a.b.c' of a stage is not of the form");
    BAD(stage.name = ".b", "the name '.b' of a stage is not of the form");
    BAD(stage.name = "Test.good", "the name 'Test.good' of a stage is not of the form");
    BAD(stage.name = "../etc.so", "of a stage is not of the form");
    BAD(stage.summary = "two\nlines", "has no summary of one line");
    BAD(stage.summary = long_line, "has no summary of one line");
    BAD(stage.settings_size = 1u << 30, "settings of 1073741824 and state of 0 bytes");
    BAD(stage.state_size = UINT32_MAX, "state of 4294967295 bytes");

    BAD(stage.inputs = NULL, "says it has 2 inputs and has no table of them");
    BAD(stage.n_outputs = 17, "says it has 17 outputs and that is too many");
    BAD(inputs[1].name = "in", "two inputs are called 'in'");
    BAD(inputs[0].name = "In", "the name 'In' of input 0");
    BAD(outputs[0].name = NULL, "the name '' of output 0");
    BAD(inputs[0].kinds = 0, "input 'in': kinds is 0x0");
    BAD(inputs[0].kinds = STAPES_KIND(STAPES_EVENT), "input 'in': kinds is 0x100");
    BAD(outputs[0].flags = STAPES_OPTIONAL, "output 'out': flags is 0x1, allowed is 0x0");
    BAD(inputs[0].flags = 2, "input 'in': flags is 0x2, allowed is 0x1");
    BAD(inputs[0].help = "\t", "input 'in': help is not one line");

    BAD(stage.process = NULL, "has neither process nor rows");
    BAD(stage.rows = rows, "has both process and rows");
    BAD((stage.process = NULL, stage.rows = rows), "has rows: that takes one input and one output");
    BAD((stage.process = NULL, stage.rows = rows, stage.n_inputs = stage.n_outputs = 1,
         outputs[0].kinds = 2u << 3),
        "has rows: input and output have the same kinds");
    BAD((stage.process = NULL, stage.rows = rows, stage.n_inputs = stage.n_outputs = 1), NULL);
    BAD(stage.n_inputs = stage.n_outputs = 0, "has neither inputs nor outputs");
    BAD((stage.n_inputs = 0, stage.process_many = many),
        "has process_many, which goes with process and an input");
    BAD(stage.flush_many = flush_many, "has flush_many, which goes with flush and an input");
    BAD((stage.flush = flush, stage.flush_many = flush_many), NULL);
    /* a plugin of 1.0 ends before this field: what lies behind its structure is not read */
    BAD((stage.flush_many = flush_many, stage.size = offsetof(stapes_stage, flush_many)), NULL);
    BAD(outputs[1].kinds = STAPES_KIND(STAPES_TEXT), "has no configure, so an output is like input 0");

    BAD(stage.parameters = NULL, "says it has 5 parameters and has no table of them");
    BAD(stage.n_parameters = 5000, "says it has 5000 parameters and that is too many");
    BAD(stage.parameter_size = 16, "parameter_size is 16 bytes");
    BAD(stage.parameter_size = 75, "parameter_size is 75 bytes");
    BAD(parameters[0].name = "Gain", "the name 'Gain' of parameter 0");
    BAD(parameters[0].name = "9gain", "the name '9gain' of parameter 0");
    BAD(parameters[1].name = "gain", "two parameters are called 'gain'");
    BAD(parameters[0].type = 0, "parameter 'gain' has an unknown type");
    BAD(parameters[0].type = 8, "parameter 'gain' has an unknown type");
    BAD(parameters[0].offset = sizeof(settings), "parameter 'gain' lies outside the settings");
    BAD(parameters[0].offset = UINT32_MAX - 3, "parameter 'gain' lies outside the settings");
    BAD(parameters[0].offset = 1, "parameter 'gain' is not aligned");
    BAD(parameters[1].offset = parameters[0].offset, "parameters 'gain' and 'count' share a field");
    BAD(parameters[0].help = NULL, "parameter 'gain' has no help of one line");
    BAD(parameters[3].unit = "", "parameter 'list' has a unit that is not one line");
    BAD(parameters[0].least = 2, "parameter 'gain' has a range whose least is above its greatest");
    BAD(parameters[0].greatest = (double)NAN,
        "parameter 'gain' has a range whose least is above its greatest");
    BAD(parameters[2].greatest = 3, "parameter 'path' has a range, which only numbers have");
    BAD(parameters[1].greatest = 3, "parameter 'count' has a range, which only numbers have");
    BAD(parameters[4].choices = "1|2", "parameter 'on' has choices: only");
    BAD(parameters[1].choices = "two||one", "parameter 'count' has a choice that is empty");
    BAD(parameters[1].choices = "two|two", "parameter 'count' has the same choice twice");
    BAD(parameters[0].flags = STAPES_IS_INPUT_FILE,
        "parameter 'gain' is a file or model: that takes a string");
    BAD(parameters[2].flags = STAPES_IS_INPUT_FILE | STAPES_IS_MODEL, "parameter 'path' is more than one of");
    BAD(parameters[2].flags = 64, "parameter 'path' has unknown flags");
    BAD(parameters[0].initial = "2",
        "stage 'test.good': default: gain: 2 is out of range, allowed are 0 to 1");
    BAD(parameters[1].initial = "three", "default: count: 'three' is not one of one, two");
    BAD(parameters[3].initial = "1,9", "default: list: 9 is out of range, allowed are 0 to 5 ms");
    BAD(parameters[4].initial = "", "default: on: '' is neither true nor false");
    return check_done();
}
