/* diagnose.c - `stapes check FILE...`: every mistake of pipeline files, and whether their stages open. */
#include "cli/call.h"
#include "cli/run.h"
#include "cli/talk.h"
#include "contract/error.h"
#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>

/* The worst of two exit codes: a wrong model (3) over a wrong file (2) would hide the file's mistakes, so
 * the lower one that is not 0 counts. */
static int worse(int a, int b) { return a == 0 ? b : b == 0 ? a : a < b ? a : b; }

/* A parameter that must be given and is left to the command line gets a value that stands for one, so
 * that the stages can be opened: "-" for files and texts, the least number. */
static void stand_in(stapes_pipeline *pipeline, st_arena *arena)
{
    const st_graph *graph = st_pipeline_graph(pipeline);
    for (uint32_t i = 0; i <= graph->n_options; i++) {
        const st_option *option = i < graph->n_options ? &graph->options[i] : graph->argument;
        for (uint32_t k = 0; option && !option->initial && k < option->n_targets; k++) {
            const stapes_parameter *row = option->target_parameters[k];
            const st_node          *node = &graph->nodes[option->target_nodes[k]];
            const char             *name, *value = "-";
            if (row->initial || node->set[row - node->stage->parameters]) continue;
            if (row->type == STAPES_INT || row->type == STAPES_FLOAT)
                value = st_arena_format(arena, "%g", row->least);
            name = st_arena_format(arena, "%s.%s", node->name, row->name);
            if (name && value) (void)stapes_set_option(pipeline, name, value, NULL);
        }
    }
}

static int check_one(stapes_runtime *runtime, const char *what, bool open)
{
    stapes_error     error = {0};
    bool             is_line = st_run_is_line(what);
    stapes_pipeline *pipeline;
    st_arena         arena = {0};
    int              code = 0;
    char *words = is_line ? stapes_diagnose(runtime, NULL, what) : stapes_diagnose(runtime, what, NULL);
    pipeline = st_run_load(runtime, what, &error);
    if (words) {
        size_t length = strlen(words);
        fprintf(stderr, "%s%s", words, length && words[length - 1] == '\n' ? "" : "\n");
        code = st_error_exit_code(error.status ? error.status : STAPES_EUSAGE);
        free(words);
    } else if (!pipeline) {
        code = st_talk_failure(&error);
    } else if (open) {
        stand_in(pipeline, &arena);
        if (stapes_prepare_pipeline(pipeline, &error) < 0) {
            if (!is_line && !strstr(error.text, what)) st_error_within(&error, "%s", what);
            code = st_talk_failure(&error);
        }
    }
    stapes_close_pipeline(pipeline);
    st_arena_close(&arena);
    if (code == 0) printf("%s: good\n", what);
    return code;
}

int st_diagnose_command(st_call *call)
{
    stapes_error    error = {0};
    stapes_runtime *runtime = stapes_open_runtime(&call->runtime, &error);
    int             code = 0;
    if (!runtime) return st_talk_failure(&error);
    for (uint32_t i = 0; i < call->n_arguments; i++)
        code = worse(code, check_one(runtime, call->arguments[i], !st_call_flag(call, "shallow")));
    stapes_close_runtime(runtime);
    return code;
}
