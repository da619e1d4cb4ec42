/* runtime.c - what the pipelines of a program share: plugins, models, threads. */
#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>

stapes_runtime *stapes_open_runtime(const stapes_runtime_options *options, stapes_error *error)
{
    stapes_runtime *runtime = calloc(1, sizeof *runtime);
    if (!runtime) goto no_memory;
    stapes_runtime_options *ours = &runtime->options;
    if (options) {
        uint32_t size = options->size && options->size < sizeof *ours ? options->size : sizeof *ours;
        memcpy(ours, options, size);
        ours->plugin_path = st_arena_string(&runtime->arena, ours->plugin_path);
        ours->pipeline_path = st_arena_string(&runtime->arena, ours->pipeline_path);
        ours->model_path = st_arena_string(&runtime->arena, ours->model_path);
    }
    runtime->share = st_share_open();
    runtime->workers = st_workers_open(ours->threads);
    if (!runtime->share || !runtime->workers) goto no_memory;
    runtime->registry = st_registry_open(ours->plugin_path, error);
    if (!runtime->registry || st_registry_add(runtime->registry, &st_builtin_plugin, error) < 0) goto fail;
    return runtime;
no_memory:
    st_error_set(error, STAPES_ENOMEM, "no memory for a runtime");
fail:
    stapes_close_runtime(runtime);
    return NULL;
}

void stapes_close_runtime(stapes_runtime *runtime)
{
    if (!runtime) return;
    st_workers_close(runtime->workers);
    st_share_close(runtime->share);
    if (runtime->registry) st_registry_close(runtime->registry);
    st_arena_close(&runtime->arena);
    free(runtime);
}
