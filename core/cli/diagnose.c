/* diagnose.c - `stapes check FILE...`: every mistake of pipeline files, and whether their stages open. */
#include "cli/call.h"
#include "cli/run.h"
#include "cli/talk.h"
#include "contract/error.h"
#include "plugin/place.h"
#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>

/* Of two exit codes the one that is to be mended first: a mistake in a file (2) before a wrong model (3). */
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

/* What can be known without opening a stage. Returns an exit code. */
static int check_words(stapes_runtime *runtime, const char *what, st_arena *arena)
{
    st_graph_places places = {runtime->options.pipeline_path, runtime->options.model_path};
    stapes_error    error = {0};
    bool            is_line = st_run_is_line(what);
    const char     *file = "pipeline";
    st_graph       *graph = NULL;
    char           *words;
    int             code = 0;
    if (!is_line) file = st_place_pipeline(places.pipeline_path, what, arena, &error);
    if (file) graph = st_graph_read(runtime->registry, &places, file, is_line ? what : NULL, &error);
    if (!graph) return st_talk_failure(&error);
    if (graph->n_mistakes == 0) (void)st_graph_check(graph, &error);
    for (uint32_t i = 0; i < graph->n_mistakes; i++)
        code = worse(code, st_error_exit_code(graph->mistakes[i].status));
    words = graph->n_mistakes ? st_graph_explain(graph) : NULL;
    if (words) {
        size_t length = strlen(words);
        fprintf(stderr, "%s%s", words, length && words[length - 1] == '\n' ? "" : "\n");
    } else if (error.status < 0) {
        code = st_talk_failure(&error);
    }
    free(words);
    st_graph_close(graph);
    return code;
}

/* Whether all stages open with what the file says. Returns an exit code. */
static int check_stages(stapes_runtime *runtime, const char *what, st_arena *arena)
{
    stapes_error     error = {0};
    stapes_pipeline *pipeline = st_run_load(runtime, what, &error);
    if (pipeline) {
        stand_in(pipeline, arena);
        if (stapes_prepare_pipeline(pipeline, &error) < 0 && !st_run_is_line(what) &&
            !strstr(error.text, what))
            st_error_within(&error, "%s", what);
    }
    stapes_close_pipeline(pipeline);
    return st_talk_failure(&error);
}

static int check_one(stapes_runtime *runtime, const char *what, bool open)
{
    st_arena arena = {0};
    int      code = check_words(runtime, what, &arena);
    if (code == 0 && open) code = check_stages(runtime, what, &arena);
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
