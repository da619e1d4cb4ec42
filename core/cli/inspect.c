/* inspect.c - `stapes inspect`: what a stage takes, gives and can be told; why a file is no plugin.
 * Also docs/stages.md, from the same tables. */
#include "cli/call.h"
#include "cli/list.h"
#include "cli/talk.h"
#include "contract/format.h"
#include "plugin/parameter.h"
#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- text ---- */

static void port_lines(const char *title, const stapes_port *ports, uint32_t count)
{
    if (count) printf("\n%s\n", title);
    for (uint32_t i = 0; i < count; i++) {
        char kinds[128], line[512];
        st_format_kinds_text(ports[i].kinds, kinds, sizeof kinds);
        (void)snprintf(line, sizeof line, "%s%s%s%s", kinds, ports[i].help ? ": " : "",
                       ports[i].help ? ports[i].help : "",
                       ports[i].flags & STAPES_OPTIONAL ? " (may stay unconnected)" : "");
        printf("  %-16s", ports[i].name);
        st_talk_wrap(stdout, line, 20, (int)strlen(ports[i].name) > 16 ? 21 : 18, st_talk_width(stdout));
    }
}

/* Rows in the order of help: advanced ones last. */
static const stapes_parameter *row_at(const stapes_stage *stage, uint32_t index)
{
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < stage->n_parameters; i++) {
            const stapes_parameter *row = &stage->parameters[i];
            if (((row->flags & STAPES_IS_ADVANCED) != 0) != (pass == 1)) continue;
            if (index == 0) return row;
            index--;
        }
    return NULL;
}

static void parameter_lines(const stapes_stage *stage)
{
    int width = st_talk_width(stdout);
    if (stage->n_parameters) fputs("\nparameters\n", stdout);
    for (uint32_t i = 0; i < stage->n_parameters; i++) {
        const stapes_parameter *row = row_at(stage, i);
        char                    takes[512], line[1600];
        st_parameter_takes(row, takes, sizeof takes);
        (void)snprintf(line, sizeof line, "%s; %s%s%s%s", takes, row->initial ? "default " : "must be given",
                       row->initial && row->initial[0] ? row->initial
                       : row->initial                  ? "none"
                                                       : "",
                       row->initial && row->initial[0] && row->unit ? " " : "",
                       row->initial && row->initial[0] && row->unit ? row->unit : "");
        printf("  %-16s", row->name);
        st_talk_wrap(stdout, line, 20, (int)strlen(row->name) > 16 ? 21 : 18, width);
        st_talk_wrap(stdout, row->help ? row->help : "", 20, 0, width);
    }
}

/* The functions that compute several instances in one batch, or NULL. */
static const char *batch_functions(const stapes_stage *stage)
{
    if (stage->process_many) return stage->flush_many ? "process_many, flush_many" : "process_many";
    return stage->flush_many ? "flush_many" : NULL;
}

static void stage_text(const stapes_stage *stage, const st_plugin *plugin)
{
    printf("%s - %s\n", stage->name, stage->summary);
    if (plugin && plugin->path && plugin->path[0])
        printf("plugin %s %s (%s), %s\n", plugin->about.name, plugin->about.version, plugin->about.licence,
               plugin->path);
    else
        fputs("built in\n", stdout);
    if (stage->n_inputs == 0) fputs("\na source: it has no inputs\n", stdout);
    port_lines("inputs", stage->inputs, stage->n_inputs);
    port_lines("outputs", stage->outputs, stage->n_outputs);
    if (stage->n_outputs == 0) fputs("\na sink: it has no outputs\n", stdout);
    if (batch_functions(stage)) printf("\nseveral instances in one batch: %s\n", batch_functions(stage));
    parameter_lines(stage);
}

/* ---- JSON ---- */

static void ports_json(const char *name, const stapes_port *ports, uint32_t count)
{
    printf(", \"%s\": [", name);
    for (uint32_t i = 0; i < count; i++) {
        char kinds[128];
        printf("%s{\"name\": ", i ? ", " : "");
        st_talk_json(stdout, ports[i].name);
        fputs(", \"kinds\": ", stdout);
        st_talk_json(stdout, st_format_kinds_text(ports[i].kinds, kinds, sizeof kinds));
        printf(", \"optional\": %s, \"help\": ", ports[i].flags & STAPES_OPTIONAL ? "true" : "false");
        st_talk_json(stdout, ports[i].help);
        putchar('}');
    }
    putchar(']');
}

static const char *type_name(uint32_t type)
{
    static const char *const names[] = {"?", "bool", "int", "float", "string", "ints", "floats", "strings"};
    return names[type <= STAPES_STRINGS ? type : 0];
}

static void stage_json(const stapes_stage *stage, const st_plugin *plugin)
{
    fputs("{\"name\": ", stdout);
    st_talk_json(stdout, stage->name);
    fputs(", \"summary\": ", stdout);
    st_talk_json(stdout, stage->summary);
    fputs(", \"plugin\": ", stdout);
    st_talk_json(stdout, plugin ? plugin->about.name : NULL);
    fputs(", \"path\": ", stdout);
    st_talk_json(stdout, plugin && plugin->path[0] ? plugin->path : NULL);
    ports_json("inputs", stage->inputs, stage->n_inputs);
    ports_json("outputs", stage->outputs, stage->n_outputs);
    fputs(", \"batch\": ", stdout);
    st_talk_json(stdout, batch_functions(stage));
    fputs(", \"parameters\": [", stdout);
    for (uint32_t i = 0; i < stage->n_parameters; i++) {
        const stapes_parameter *row = &stage->parameters[i];
        printf("%s{\"name\": ", i ? ", " : "");
        st_talk_json(stdout, row->name);
        printf(", \"type\": \"%s\", \"default\": ", type_name(row->type));
        st_talk_json(stdout, row->initial);
        if (row->least != 0 || row->greatest != 0)
            printf(", \"least\": %.9g, \"greatest\": %.9g", row->least, row->greatest);
        fputs(", \"unit\": ", stdout);
        st_talk_json(stdout, row->unit);
        fputs(", \"choices\": ", stdout);
        st_talk_json(stdout, row->choices);
        fputs(", \"help\": ", stdout);
        st_talk_json(stdout, row->help);
        putchar('}');
    }
    fputs("]}\n", stdout);
}

/* ---- docs/stages.md ---- */

/* A table's cell: '|' would end it. */
static void cell(const char *text)
{
    for (; *text; text++) printf(*text == '|' ? "\\%c" : "%c", *text);
}

static void ports_markdown(const char *title, const stapes_port *ports, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char kinds[128];
        printf("- %s `%s`: %s%s%s%s\n", title, ports[i].name,
               st_format_kinds_text(ports[i].kinds, kinds, sizeof kinds), ports[i].help ? "; " : "",
               ports[i].help ? ports[i].help : "",
               ports[i].flags & STAPES_OPTIONAL ? " (may stay unconnected)" : "");
    }
}

static void stage_markdown(const stapes_stage *stage)
{
    printf("\n### %s\n\n%s\n\n", stage->name, stage->summary);
    ports_markdown("input", stage->inputs, stage->n_inputs);
    ports_markdown("output", stage->outputs, stage->n_outputs);
    if (batch_functions(stage)) printf("- several instances in one batch: %s\n", batch_functions(stage));
    if (stage->n_parameters)
        fputs("\n| parameter | takes | default | what it does |\n|---|---|---|---|\n", stdout);
    for (uint32_t i = 0; i < stage->n_parameters; i++) {
        const stapes_parameter *row = row_at(stage, i);
        char                    takes[512];
        printf("| `%s` | ", row->name);
        cell(st_parameter_takes(row, takes, sizeof takes));
        if (!row->initial)
            fputs(" | must be given | ", stdout);
        else if (row->initial[0])
            printf(" | `%s` | ", row->initial);
        else
            fputs(" | none | ", stdout);
        cell(row->help ? row->help : "");
        fputs(" |\n", stdout);
    }
}

static int by_name(const void *a, const void *b)
{
    const st_listed *const *left = a, *const *right = b;
    return strcmp((*left)->name, (*right)->name);
}

static int all_markdown(st_call *call, st_registry *registry)
{
    uint32_t          count = 0, good = 0;
    const st_listed  *listed = st_registry_list(registry, &count);
    const st_listed **sorted = st_arena_take(&call->arena, (size_t)count + 1, sizeof *sorted);
    int               code = 0;
    if (!sorted) {
        st_talk_error("out of memory");
        return 4;
    }
    fputs("# Stages\n\nMade from the tables of the plugins (`stapes inspect --markdown`); a test says when "
          "this "
          "page is old.\n",
          stdout);
    for (uint32_t i = 0; i < count; i++) {
        if (listed[i].problem) {
            st_talk_error("%s: %s", listed[i].path, listed[i].problem);
            code = 3;
        } else {
            sorted[good++] = &listed[i];
        }
    }
    qsort(sorted, good, sizeof *sorted, by_name);
    for (uint32_t i = 0; i < good; i++) {
        printf("\n## %s%s\n", sorted[i]->name, sorted[i]->path[0] ? "" : " (built in)");
        for (uint32_t k = 0; k < sorted[i]->n_stages; k++) {
            stapes_error        error = {0};
            const stapes_stage *stage = st_registry_find(registry, sorted[i]->stages[k], &error);
            if (stage)
                stage_markdown(stage);
            else
                code = st_talk_failure(&error);
        }
    }
    return code;
}

/* ---- the command ---- */

static void plugin_text(const st_listed *listed)
{
    printf("%s: plugin %s %s (%s)\n", listed->path, listed->name, listed->version, listed->licence);
    for (uint32_t i = 0; i < listed->n_stages; i++)
        printf("  %-22s %s\n", listed->stages[i], listed->summaries[i]);
}

static int inspect_file(st_registry *registry, const char *path, bool json)
{
    const st_listed *listed = st_registry_look(registry, path);
    if (!listed) {
        st_talk_error("out of memory");
        return 4;
    }
    if (listed->problem) {
        st_talk_error("%s: %s", path, listed->problem);
        return 3;
    }
    if (json) {
        st_list_plugin_json(listed);
        putchar('\n');
    } else {
        plugin_text(listed);
    }
    return 0;
}

static bool is_file_name(const char *what)
{
    size_t length = strlen(what);
    return strchr(what, '/') || (length > 3 && strcmp(what + length - 3, ".so") == 0);
}

int st_inspect_command(st_call *call)
{
    stapes_error        error = {0};
    stapes_runtime     *runtime;
    const stapes_stage *stage;
    const char         *what = call->n_arguments ? call->arguments[0] : NULL;
    int                 code = 0;
    if (!what && !st_call_flag(call, "markdown"))
        return st_call_wrong(call, "STAGE or PLUGIN.so is missing ('stapes list' shows all stages)");
    runtime = stapes_open_runtime(&call->runtime, &error);
    if (!runtime) return st_talk_failure(&error);
    if (!what) {
        code = all_markdown(call, runtime->registry);
    } else if (is_file_name(what)) {
        code = inspect_file(runtime->registry, what, st_call_flag(call, "json"));
    } else if ((stage = st_registry_find(runtime->registry, what, &error))) {
        const st_plugin *plugin = st_registry_plugin_of(runtime->registry, stage);
        if (st_call_flag(call, "json"))
            stage_json(stage, plugin);
        else if (st_call_flag(call, "markdown"))
            stage_markdown(stage);
        else
            stage_text(stage, plugin);
    } else {
        code = st_talk_failure(&error);
    }
    stapes_close_runtime(runtime);
    return code;
}
