/* options.c - see options.h. */
#include "cli/options.h"
#include "plugin/parameter.h"

#include <ctype.h>
#include <string.h>

static const stapes_parameter *first_target(const st_option *option)
{
    return option && option->n_targets ? option->target_parameters[0] : NULL;
}

static bool is_list(const stapes_parameter *row)
{
    return row->type == STAPES_STRINGS || row->type == STAPES_INTS || row->type == STAPES_FLOATS;
}

int st_options_completes(const stapes_parameter *row)
{
    if (row->choices) return ST_CHOICES;
    if (row->flags & STAPES_IS_MODEL) return ST_MODEL_NAMES;
    if (row->flags & (STAPES_IS_INPUT_FILE | STAPES_IS_OUTPUT_FILE)) return ST_FILES;
    return ST_NO_WORDS;
}

/* What stands for a value in the help. */
static const char *value_name(const stapes_parameter *row, st_arena *arena)
{
    if (row->choices) return row->choices;
    if (row->flags & STAPES_IS_MODEL) return "NAME|FOLDER";
    if (row->flags & (STAPES_IS_INPUT_FILE | STAPES_IS_OUTPUT_FILE)) return "FILE";
    switch (row->type) {
    case STAPES_INT:
    case STAPES_FLOAT: {
        char *text = row->unit ? st_arena_string(arena, row->unit) : NULL;
        for (char *at = text; at && *at; at++) *at = (char)toupper((unsigned char)*at);
        return text ? text : "NUMBER";
    }
    case STAPES_INTS:
    case STAPES_FLOATS: return "NUMBER,...";
    case STAPES_STRINGS: return "TEXT,...";
    default: return "TEXT";
    }
}

const st_command_option *st_options_rows(const st_graph *graph, st_arena *arena, uint32_t *count)
{
    st_command_option *rows = st_arena_take(arena, (size_t)graph->n_options + 1, sizeof *rows);
    *count = 0;
    if (!rows) return NULL;
    for (uint32_t i = 0; i < graph->n_options; i++) {
        const st_option        *option = &graph->options[i];
        const stapes_parameter *row = first_target(option);
        st_command_option      *to = &rows[(*count)++];
        to->name = option->name;
        to->help = option->help ? option->help : row ? row->help : "";
        to->initial = option->initial;
        if (!row) {
            to->value = "TEXT";
            continue;
        }
        if (!to->initial && row->initial && row->initial[0]) to->initial = row->initial;
        to->flag = row->type == STAPES_BOOL;
        to->value = value_name(row, arena);
        to->completes = st_options_completes(row);
        to->choices = row->choices;
    }
    return rows;
}

const char *st_options_argument(const st_graph *graph, st_arena *arena)
{
    const stapes_parameter *row = first_target(graph->argument);
    const char             *text;
    char                   *name;
    if (!row) return "";
    if (row->flags & (STAPES_IS_INPUT_FILE | STAPES_IS_OUTPUT_FILE)) {
        name = st_arena_string(arena, "FILE");
    } else {
        name = st_arena_string(arena, graph->argument->name);
        for (char *at = name; at && *at; at++) *at = (char)toupper((unsigned char)*at);
    }
    if (!name) return "";
    text = is_list(row) ? st_arena_format(arena, "%s...", name) : name;
    if (text && !st_options_argument_required(graph)) text = st_arena_format(arena, "[%s]", text);
    return text ? text : "";
}

bool st_options_argument_many(const st_graph *graph)
{
    const stapes_parameter *row = first_target(graph->argument);
    return row && is_list(row);
}

bool st_options_argument_required(const st_graph *graph)
{
    const st_option *argument = graph->argument;
    if (!argument || argument->initial) return false;
    for (uint32_t i = 0; i < argument->n_targets; i++) {
        const stapes_parameter *row = argument->target_parameters[i];
        const st_node          *node = &graph->nodes[argument->target_nodes[i]];
        uint32_t                index = (uint32_t)(row - node->stage->parameters);
        if (!row->initial && !(index < node->stage->n_parameters && node->set[index])) return true;
    }
    return false;
}
