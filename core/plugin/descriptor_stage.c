/* descriptor_stage.c - see descriptor_stage.h. What passes here may be relied on by everything that
 * reads a stage: names are words, fields lie inside the settings, defaults are in range. */
#include "plugin/descriptor_stage.h"

#include "contract/error.h"
#include "plugin/choice.h"
#include "plugin/parameter.h"

#include <math.h>
#include <string.h>

enum { MOST_PORTS = 16, MOST_SETTINGS = 1 << 20, MOST_STATE = 1 << 28, MOST_LINE = 2000 };

bool st_descriptor_is_word(const char *word, const char *others)
{
    if (!word || !*word || strlen(word) > 100) return false;
    for (; *word; word++)
        if (!((*word >= 'a' && *word <= 'z') || (*word >= '0' && *word <= '9') || *word == '_' ||
              strchr(others, *word)))
            return false;
    return true;
}

/* [a-z][a-z0-9_]* */
static bool is_name(const char *word)
{
    return st_descriptor_is_word(word, "") && *word >= 'a' && *word <= 'z';
}

bool st_descriptor_is_line(const char *line)
{
    if (!line || !*line || strlen(line) > MOST_LINE) return false;
    for (; *line; line++)
        if ((unsigned char)*line < ' ' || *line == 127) return false;
    return true;
}

static bool is_stage_name(const char *name)
{
    const char *dot = strchr(name, '.');
    return st_descriptor_is_word(name, ".") && dot && dot > name && dot[1] && !strchr(dot + 1, '.');
}

/* ---- ports -------------------------------------------------------------------------------------------- */

static int check_ports(const stapes_stage *stage, const char *side, const stapes_port *ports, uint32_t count,
                       uint32_t flags, stapes_error *error)
{
    const char *name = stage->name;
    if (count && (!ports || count > MOST_PORTS))
        return st_error_set(error, STAPES_EMODEL, "stage '%s' says it has %u %ss and %s", name, count, side,
                            ports ? "that is too many" : "has no table of them");
    for (uint32_t i = 0; i < count; i++) {
        const char *port = ports[i].name;
        if (!is_name(port))
            return st_error_set(error, STAPES_EMODEL,
                                "stage '%s': the name '%.60s' of %s %u is not of the form "
                                "[a-z][a-z0-9_]*",
                                name, port ? port : "", side, i);
        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(port, ports[j].name))
                return st_error_set(error, STAPES_EMODEL, "stage '%s': two %ss are called '%s'", name, side,
                                    port);
        if (!ports[i].kinds || (ports[i].kinds & ~STAPES_ANY_DATA))
            return st_error_set(
                error, STAPES_EMODEL,
                "stage '%s': %s '%s': kinds is 0x%x, wanted is a sum of STAPES_KIND(...) of data", name, side,
                port, ports[i].kinds);
        if (ports[i].flags & ~flags)
            return st_error_set(error, STAPES_EMODEL, "stage '%s': %s '%s': flags is 0x%x, allowed is 0x%x",
                                name, side, port, ports[i].flags, flags);
        if (ports[i].help && !st_descriptor_is_line(ports[i].help))
            return st_error_set(error, STAPES_EMODEL, "stage '%s': %s '%s': help is not one line", name, side,
                                port);
    }
    return STAPES_OK;
}

static int check_functions(const stapes_stage *stage, stapes_error *error)
{
    const uint32_t floats =
        STAPES_KIND(STAPES_AUDIO) | STAPES_KIND(STAPES_FRAMES) | STAPES_KIND(STAPES_SCORES);
    const char *wrong = NULL;
    if (!stage->n_inputs && !stage->n_outputs)
        wrong = "has neither inputs nor outputs";
    else if (!stage->process == !stage->rows)
        wrong = stage->rows ? "has both process and rows: one of them" : "has neither process nor rows";
    else if (stage->rows && (stage->n_inputs != 1 || stage->n_outputs != 1))
        wrong = "has rows: that takes one input and one output";
    else if (stage->rows &&
             (stage->inputs[0].kinds != stage->outputs[0].kinds || (stage->inputs[0].kinds & ~floats)))
        wrong = "has rows: input and output have the same kinds, of audio, frames and scores";
    else if (stage->process_many && (!stage->process || !stage->n_inputs))
        wrong = "has process_many, which goes with process and an input";
    else if (stage->flush_many && (!stage->flush || !stage->n_inputs))
        wrong = "has flush_many, which goes with flush and an input";
    else if (!stage->configure && stage->n_inputs)
        for (uint32_t i = 0; i < stage->n_outputs && !wrong; i++)
            if (!(stage->outputs[i].kinds & stage->inputs[0].kinds))
                wrong =
                    "has no configure, so an output is like input 0, and their kinds have nothing in common";
    if (wrong) return st_error_set(error, STAPES_EMODEL, "stage '%s' %s", stage->name, wrong);
    return STAPES_OK;
}

/* ---- parameters -----------------------------------------------------------------------------------------
 */

static const struct {
    uint32_t size, alignment;
} types[] = {[STAPES_BOOL] = {sizeof(bool), _Alignof(bool)},
             [STAPES_INT] = {sizeof(int32_t), _Alignof(int32_t)},
             [STAPES_FLOAT] = {sizeof(float), _Alignof(float)},
             [STAPES_STRING] = {sizeof(char *), _Alignof(char *)},
             [STAPES_INTS] = {sizeof(stapes_ints), _Alignof(stapes_ints)},
             [STAPES_FLOATS] = {sizeof(stapes_floats), _Alignof(stapes_floats)},
             [STAPES_STRINGS] = {sizeof(stapes_strings), _Alignof(stapes_strings)}};

static const char *wrong_choices(const stapes_parameter *row)
{
    uint32_t count = st_choice_count(row->choices);
    if (!row->choices) return NULL;
    if (row->type != STAPES_INT && row->type != STAPES_STRING && row->type != STAPES_STRINGS)
        return "has choices: only int32_t, strings and lists of strings may";
    if (count > 64) return "has more than 64 choices";
    for (uint32_t i = 0; i < count; i++) {
        size_t      n, m;
        const char *a = st_choice_at(row->choices, i, &n);
        if (!n || n >= 40) return "has a choice that is empty or longer than 39 bytes";
        for (uint32_t j = 0; j < i; j++) {
            const char *b = st_choice_at(row->choices, j, &m);
            if (n == m && !memcmp(a, b, n)) return "has the same choice twice";
        }
    }
    return NULL;
}

static const char *wrong_row(const stapes_stage *stage, const stapes_parameter *row)
{
    const uint32_t files = STAPES_IS_INPUT_FILE | STAPES_IS_OUTPUT_FILE | STAPES_IS_MODEL;
    bool           text = row->type == STAPES_STRING || row->type == STAPES_STRINGS;
    if (row->type < STAPES_BOOL || row->type > STAPES_STRINGS) return "has an unknown type";
    if (row->offset > stage->settings_size || stage->settings_size - row->offset < types[row->type].size)
        return "lies outside the settings (settings_size)";
    if (row->offset % types[row->type].alignment) return "is not aligned for its type";
    if (!st_descriptor_is_line(row->help)) return "has no help of one line";
    if (row->unit && !st_descriptor_is_line(row->unit)) return "has a unit that is not one line";
    if (isnan(row->least) || isnan(row->greatest) || row->least > row->greatest)
        return "has a range whose least is above its greatest";
    if ((row->least != 0 || row->greatest != 0) && (text || row->type == STAPES_BOOL || row->choices))
        return "has a range, which only numbers have";
    if (row->flags & ~(files | STAPES_IS_ADVANCED)) return "has unknown flags";
    if ((row->flags & files) && !text) return "is a file or model: that takes a string";
    if ((row->flags & files & ((row->flags & files) - 1))) return "is more than one of file and model";
    return wrong_choices(row);
}

static int check_parameters(const stapes_stage *stage, st_arena *arena, stapes_error *error)
{
    void *settings;
    for (uint32_t i = 0; i < stage->n_parameters; i++) {
        const stapes_parameter *row = &stage->parameters[i];
        const char             *wrong;
        if (!is_name(row->name))
            return st_error_set(
                error, STAPES_EMODEL,
                "stage '%s': the name '%.60s' of parameter %u is not of the form [a-z][a-z0-9_]*",
                stage->name, row->name ? row->name : "", i);
        wrong = wrong_row(stage, row);
        if (wrong)
            return st_error_set(error, STAPES_EMODEL, "stage '%s': parameter '%s' %s", stage->name, row->name,
                                wrong);
        for (uint32_t j = 0; j < i; j++) {
            const stapes_parameter *other = &stage->parameters[j];
            if (!strcmp(row->name, other->name))
                return st_error_set(error, STAPES_EMODEL, "stage '%s': two parameters are called '%s'",
                                    stage->name, row->name);
            if (row->offset < other->offset + types[other->type].size &&
                other->offset < row->offset + types[row->type].size)
                return st_error_set(error, STAPES_EMODEL,
                                    "stage '%s': parameters '%s' and '%s' share a field", stage->name,
                                    other->name, row->name);
        }
    }
    settings = st_arena_take(arena, stage->settings_size, 1);
    if (!settings) return st_error_set(error, STAPES_ENOMEM, "no memory");
    if (st_parameter_defaults(stage, settings, arena, error) < 0 && error && error->status == STAPES_EUSAGE)
        error->status = STAPES_EMODEL;
    return error ? error->status : STAPES_OK;
}

int st_descriptor_check_stage(const stapes_stage *stage, st_arena *arena, stapes_error *error)
{
    stapes_error inner = {0};
    if (!is_stage_name(stage->name))
        return st_error_set(error, STAPES_EMODEL,
                            "the name '%.60s' of a stage is not of the form family.what, each "
                            "of [a-z0-9_]+",
                            stage->name);
    if (!st_descriptor_is_line(stage->summary))
        return st_error_set(error, STAPES_EMODEL, "stage '%s' has no summary of one line", stage->name);
    if (stage->settings_size > MOST_SETTINGS || stage->state_size > MOST_STATE)
        return st_error_set(error, STAPES_EMODEL,
                            "stage '%s': settings of %u and state of %u bytes, allowed are %d and %d",
                            stage->name, stage->settings_size, stage->state_size, MOST_SETTINGS, MOST_STATE);
    if (check_ports(stage, "input", stage->inputs, stage->n_inputs, STAPES_OPTIONAL, &inner) >= 0 &&
        check_ports(stage, "output", stage->outputs, stage->n_outputs, 0, &inner) >= 0 &&
        check_functions(stage, &inner) >= 0)
        (void)check_parameters(stage, arena, &inner);
    if (inner.status < 0) return st_error_set(error, inner.status, "%s", inner.text);
    return STAPES_OK;
}
