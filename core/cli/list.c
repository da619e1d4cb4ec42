/* list.c - `stapes list`: the stages of every plugin on the search path, pipelines, models. */
#include "cli/list.h"
#include "cli/call.h"
#include "cli/talk.h"
#include "plugin/place.h"
#include "runtime/engine.h"

#include <string.h>

/* ---- stages ---- */

void st_list_plugin_json(const st_listed *listed)
{
    fputs("{\"plugin\": ", stdout);
    st_talk_json(stdout, listed->name);
    fputs(", \"version\": ", stdout);
    st_talk_json(stdout, listed->version);
    fputs(", \"licence\": ", stdout);
    st_talk_json(stdout, listed->licence);
    fputs(", \"path\": ", stdout);
    st_talk_json(stdout, listed->path[0] ? listed->path : NULL);
    fputs(", \"problem\": ", stdout);
    st_talk_json(stdout, listed->problem);
    fputs(", \"stages\": [", stdout);
    for (uint32_t i = 0; i < listed->n_stages; i++) {
        printf("%s{\"name\": ", i ? ", " : "");
        st_talk_json(stdout, listed->stages[i]);
        fputs(", \"summary\": ", stdout);
        st_talk_json(stdout, listed->summaries[i]);
        putchar('}');
    }
    fputs("]}", stdout);
}

static void stage_line(const char *name, const char *summary)
{
    printf("  %-22s", name);
    st_talk_wrap(stdout, summary ? summary : "", 25, 24, st_talk_width(stdout));
}

static int list_stages(st_registry *registry, bool json)
{
    uint32_t         count = 0, broken = 0;
    const st_listed *listed = st_registry_list(registry, &count);
    if (json) {
        fputs("[\n", stdout);
        for (uint32_t i = 0; i < count; i++) {
            if (i) fputs(",\n", stdout);
            fputs("  ", stdout);
            st_list_plugin_json(&listed[i]);
        }
        fputs("\n]\n", stdout);
        return 0;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (listed[i].problem) {
            broken++;
            continue;
        }
        printf("%s %s (%s), %s\n", listed[i].name, listed[i].version, listed[i].licence,
               listed[i].path[0] ? listed[i].path : "built in");
        for (uint32_t k = 0; k < listed[i].n_stages; k++)
            stage_line(listed[i].stages[k], listed[i].summaries[k]);
    }
    if (broken) fputs("broken\n", stdout);
    for (uint32_t i = 0; i < count; i++)
        if (listed[i].problem) printf("  %s: %s\n", listed[i].path, listed[i].problem);
    return 0;
}

/* ---- pipelines and models ---- */

static int list_pipelines(st_call *call, stapes_runtime *runtime, bool json)
{
    uint32_t           count = 0;
    const char *const *names =
        st_place_names(ST_PIPELINES, call->runtime.pipeline_path, &call->arena, &count);
    if (!names) {
        st_talk_error("out of memory");
        return 4;
    }
    if (json) fputs("[", stdout);
    for (uint32_t i = 0; i < count; i++) {
        stapes_error    error = {0};
        st_graph_places places = {call->runtime.pipeline_path, call->runtime.model_path};
        const char     *path = st_place_pipeline(call->runtime.pipeline_path, names[i], &call->arena, &error);
        st_graph       *graph = path ? st_graph_read(runtime->registry, &places, path, NULL, &error) : NULL;
        const char     *problem = graph && graph->n_mistakes ? graph->mistakes[0].text
                                  : graph                    ? NULL
                                                             : error.text;
        const char     *summary = graph && graph->summary ? graph->summary : "";
        if (json) {
            printf("%s\n  {\"name\": ", i ? "," : "");
            st_talk_json(stdout, names[i]);
            fputs(", \"path\": ", stdout);
            st_talk_json(stdout, path);
            fputs(", \"summary\": ", stdout);
            st_talk_json(stdout, summary);
            fputs(", \"problem\": ", stdout);
            st_talk_json(stdout, problem);
            putchar('}');
        } else if (problem) {
            printf("%-16s broken: %s\n", names[i], problem);
        } else {
            printf("%-16s ", names[i]);
            st_talk_wrap(stdout, summary, 17, 17, st_talk_width(stdout));
        }
        st_graph_close(graph);
    }
    if (json) fputs("\n]\n", stdout);
    return 0;
}

static int list_models(st_call *call, bool json)
{
    uint32_t           count = 0;
    const char *const *names = st_place_names(ST_MODELS, call->runtime.model_path, &call->arena, &count);
    if (!names) {
        st_talk_error("out of memory");
        return 4;
    }
    if (json) fputs("[", stdout);
    for (uint32_t i = 0; i < count; i++) {
        const char *path = st_place_model(call->runtime.model_path, names[i], &call->arena, NULL);
        if (json) {
            printf("%s\n  {\"name\": ", i ? "," : "");
            st_talk_json(stdout, names[i]);
            fputs(", \"path\": ", stdout);
            st_talk_json(stdout, path);
            putchar('}');
        } else {
            printf("%-24s %s\n", names[i], path ? path : "");
        }
    }
    if (json) fputs("\n]\n", stdout);
    return 0;
}

int st_list_command(st_call *call)
{
    stapes_error    error = {0};
    stapes_runtime *runtime;
    const char     *what = call->n_arguments ? call->arguments[0] : "stages";
    bool            json = st_call_flag(call, "json");
    int             code;
    if (strcmp(what, "models") == 0) return list_models(call, json);
    runtime = stapes_open_runtime(&call->runtime, &error);
    if (!runtime) return st_talk_failure(&error);
    code = strcmp(what, "pipelines") == 0 ? list_pipelines(call, runtime, json)
                                          : list_stages(runtime->registry, json);
    stapes_close_runtime(runtime);
    return code;
}
