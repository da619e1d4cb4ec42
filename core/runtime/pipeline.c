/* pipeline.c - pipelines as the embedding program has them (runtime.h): loaded, set, run or fed, closed. */
#include "plugin/parameter.h"
#include "plugin/place.h"
#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>

enum phase { LOADED, OPEN, ENDED };

struct stapes_pipeline {
    st_engine engine;
    int       phase; /* enum phase */
};

/* ---- loading ------------------------------------------------------------------------------------------ */

static void first_mistakes(const st_graph *graph, stapes_error *error)
{
    char *all = st_graph_explain(graph);
    st_error_set(error, graph->mistakes[0].status, "%s", all ? all : graph->mistakes[0].text);
    free(all);
}

static stapes_pipeline *load(stapes_runtime *runtime, const char *file, const char *text, stapes_error *error)
{
    st_graph_places  places = {runtime->options.pipeline_path, runtime->options.model_path};
    stapes_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline) {
        st_error_set(error, STAPES_ENOMEM, "no memory for a pipeline");
        return NULL;
    }
    pipeline->engine.runtime = runtime;
    if (!text) {
        file = st_place_pipeline(places.pipeline_path, file, &pipeline->engine.arena, error);
        if (!file) goto fail;
    }
    pipeline->engine.graph = st_graph_read(runtime->registry, &places, file, text, error);
    if (!pipeline->engine.graph) goto fail;
    if (pipeline->engine.graph->n_mistakes) {
        first_mistakes(pipeline->engine.graph, error);
        goto fail;
    }
    if (st_engine_build(&pipeline->engine) < 0) {
        if (error && !error->status) *error = pipeline->engine.error;
        goto fail;
    }
    return pipeline;
fail:
    stapes_close_pipeline(pipeline);
    return NULL;
}

stapes_pipeline *stapes_load_pipeline(stapes_runtime *runtime, const char *file_or_name, stapes_error *error)
{
    return load(runtime, file_or_name, NULL, error);
}

stapes_pipeline *stapes_parse_pipeline(stapes_runtime *runtime, const char *text, const char *name,
                                       stapes_error *error)
{
    return load(runtime, name ? name : "pipeline", text, error);
}

char *stapes_diagnose(stapes_runtime *runtime, const char *file_or_name, const char *text)
{
    st_graph_places places = {runtime->options.pipeline_path, runtime->options.model_path};
    stapes_error    error = {0};
    st_arena        arena = {0};
    const char     *file = "pipeline";
    if (file_or_name) file = st_place_pipeline(places.pipeline_path, file_or_name, &arena, &error);
    st_graph *graph = file ? st_graph_read(runtime->registry, &places, file, text, &error) : NULL;
    if (graph && graph->n_mistakes == 0) (void)st_graph_check(graph, &error);
    char *all = graph ? st_graph_explain(graph) : strdup(error.text);
    if (graph) st_graph_close(graph);
    st_arena_close(&arena);
    return all;
}

void stapes_close_pipeline(stapes_pipeline *pipeline)
{
    if (!pipeline) return;
    st_engine *engine = &pipeline->engine;
    if (engine->trace) {
        const stapes_runtime_options *options = &engine->runtime->options;
        stapes_error                  error = {0};
        const char                  **names = calloc(engine->n_instances, sizeof *names);
        for (uint32_t i = 0; names && i < engine->n_instances; i++) names[i] = engine->instances[i].me.name;
        if (st_trace_close(engine->trace, names, names ? engine->n_instances : 0, &error) < 0 &&
            options->message)
            options->message(options->user, STAPES_WARNING, "", error.text);
        free(names);
    }
    st_engine_close(engine);
    if (engine->graph) st_graph_close(engine->graph);
    free(pipeline);
}

/* ---- setting ------------------------------------------------------------------------------------------- */

static int must_be_new(const stapes_pipeline *pipeline, const char *what, stapes_error *error)
{
    if (pipeline->phase == LOADED) return STAPES_OK;
    return st_error_set(error, STAPES_EUSAGE, "%s: too late, the pipeline was opened already", what);
}

int stapes_set_option(stapes_pipeline *pipeline, const char *name, const char *value, stapes_error *error)
{
    int status = must_be_new(pipeline, name, error);
    return status < 0 ? status : st_graph_set(pipeline->engine.graph, name, value, error);
}

int stapes_set_option_list(stapes_pipeline *pipeline, const char *name, const char *const *values,
                           uint32_t count, stapes_error *error)
{
    int status = must_be_new(pipeline, name, error);
    return status < 0 ? status : st_graph_set_list(pipeline->engine.graph, name, values, count, error);
}

static st_instance *find(stapes_pipeline *pipeline, const char *stage, stapes_error *error)
{
    int32_t index = st_graph_find(pipeline->engine.graph, stage);
    if (index >= 0) return &pipeline->engine.instances[index];
    st_error_set(error, STAPES_EUSAGE, "no stage of this pipeline is called '%s'", stage);
    return NULL;
}

int stapes_set_receiver(stapes_pipeline *pipeline, const char *stage, const char *port,
                        stapes_receive *receive, void *user, stapes_error *error)
{
    int status = must_be_new(pipeline, stage, error);
    if (status < 0) return status;
    st_instance *instance = find(pipeline, stage, error);
    if (!instance) return STAPES_EUSAGE;
    if (!instance->stage->n_outputs) {
        instance->receive = receive;
        instance->user = user;
        return STAPES_OK;
    }
    for (uint32_t i = 0; i < instance->stage->n_outputs; i++) {
        if (strcmp(instance->stage->outputs[i].name, port ? port : "out") != 0) continue;
        instance->outputs[i].receive = receive;
        instance->outputs[i].user = user;
        return STAPES_OK;
    }
    return st_error_set(error, STAPES_EUSAGE, "stage '%s' (%s) has no output '%s', its first is '%s'", stage,
                        instance->stage->name, port ? port : "out", instance->stage->outputs[0].name);
}

void stapes_measure_pipeline(stapes_pipeline *pipeline) { pipeline->engine.measuring = true; }

int stapes_trace_pipeline(stapes_pipeline *pipeline, const char *path, stapes_error *error)
{
    int status = must_be_new(pipeline, path, error);
    if (status < 0) return status;
    if (pipeline->engine.trace) return st_error_set(error, STAPES_EUSAGE, "%s: is traced already", path);
    pipeline->engine.trace = st_trace_open(path, error);
    pipeline->engine.measuring = true;
    return pipeline->engine.trace ? STAPES_OK : STAPES_ESYSTEM;
}

/* ---- running ------------------------------------------------------------------------------------------- */

/* What the engine's record says goes to the caller; the engine starts its next call without. */
static int answer(stapes_pipeline *pipeline, int status, stapes_error *error)
{
    st_engine *engine = &pipeline->engine;
    if (status < 0) {
        if (!engine->error.status) st_error_set(&engine->error, status, "failed with status %d", status);
        if (error && !error->status) *error = engine->error;
    }
    if (!engine->stopped) engine->error = (stapes_error){0};
    return status;
}

/* Whether anything may still be done: not canceled, not failed. */
static int check_alive(stapes_pipeline *pipeline)
{
    st_engine *engine = &pipeline->engine;
    if (engine->stopped) return engine->stopped;
    if (atomic_load_explicit(&engine->canceled, memory_order_relaxed)) {
        st_error_set(&engine->error, STAPES_ECANCELED, "canceled");
        return engine->stopped = STAPES_ECANCELED;
    }
    return STAPES_OK;
}

static int prepare(stapes_pipeline *pipeline)
{
    st_engine *engine = &pipeline->engine;
    int        status = check_alive(pipeline);
    if (status < 0 || pipeline->phase != LOADED) return status;
    status = st_graph_finish(engine->graph, &engine->error);
    if (status < 0) return engine->stopped = status;
    pipeline->phase = OPEN;
    return st_engine_open(engine);
}

int stapes_prepare_pipeline(stapes_pipeline *pipeline, stapes_error *error)
{
    return answer(pipeline, prepare(pipeline), error);
}

static stapes_time position_of(const st_instance *source)
{
    stapes_time least = INT64_MAX;
    for (uint32_t i = 0; i < source->stage->n_outputs; i++)
        if (source->outputs[i].last_start < least) least = source->outputs[i].last_start;
    return least;
}

/* The source that has come least far, so that stages of several inputs need not wait long. */
static st_instance *next_source(st_engine *engine)
{
    st_instance *best = NULL;
    for (uint32_t i = 0; i < engine->n_instances; i++) {
        st_instance *instance = &engine->instances[i];
        if (instance->stage->n_inputs || instance->finished) continue;
        if (!best || position_of(instance) < position_of(best)) best = instance;
    }
    return best;
}

static int run(stapes_pipeline *pipeline)
{
    st_engine   *engine = &pipeline->engine;
    st_instance *source;
    int          status = prepare(pipeline);
    if (status < 0) return status;
    if (pipeline->phase == ENDED)
        return st_error_set(&engine->error, STAPES_EUSAGE, "the pipeline has run already: load it again");
    while ((source = next_source(engine)) != NULL) {
        status = check_alive(pipeline);
        if (status < 0) return status;
        status = st_flow_step(source);
        if (engine->giving_up) {
            st_engine_abandon(engine, engine->recording[0] ? engine->recording : source->me.name, NULL);
            status = STAPES_OK;
        }
        if (status < 0) return status;
        if (status == STAPES_END) source->finished = true;
    }
    pipeline->phase = ENDED;
    status = st_engine_end(engine);
    if (status < 0) return status;
    if (!engine->rejected) return STAPES_OK;
    bool               misfit = engine->misfits == engine->rejected && !engine->completed;
    unsigned long long failed = engine->rejected, all = failed + engine->completed;
    return st_error_set(&engine->error, misfit ? STAPES_EFORMAT : STAPES_EINPUT, "%llu of %llu inputs failed",
                        failed, all);
}

int stapes_run_pipeline(stapes_pipeline *pipeline, stapes_error *error)
{
    return answer(pipeline, run(pipeline), error);
}

/* ---- pushing ------------------------------------------------------------------------------------------- */

static st_instance *push_source(stapes_pipeline *pipeline)
{
    st_engine   *engine = &pipeline->engine;
    st_instance *found = NULL;
    for (uint32_t i = 0; i < engine->n_instances; i++) {
        st_instance *instance = &engine->instances[i];
        if (instance->stage->n_inputs) continue;
        if (strcmp(instance->stage->name, st_builtin_audio.name) != 0 || found) {
            st_error_set(&engine->error, STAPES_EUSAGE,
                         "audio can be pushed into a pipeline whose only source is app.audio, this one has "
                         "'%s' (%s)",
                         instance->me.name, instance->stage->name);
            return NULL;
        }
        found = instance;
    }
    return found;
}

/* The source, open and alive, or NULL with *status. */
static st_instance *ready_to_push(stapes_pipeline *pipeline, int *status)
{
    st_instance *source = push_source(pipeline);
    *status = source ? prepare(pipeline) : STAPES_EUSAGE;
    if (*status >= 0 && pipeline->phase == ENDED)
        *status = st_error_set(&pipeline->engine.error, STAPES_EUSAGE, "the audio was ended already");
    if (*status < 0) return NULL;
    pipeline->engine.running = source;
    return source;
}

/* After a push: a segment that could not be taken is given up, the next one may be pushed. */
static int pushed(stapes_pipeline *pipeline, int status, stapes_error *error)
{
    st_engine *engine = &pipeline->engine;
    engine->running = NULL;
    if (!engine->giving_up) return answer(pipeline, status, error);
    status = engine->error.status;
    if (error && !error->status) *error = engine->error;
    st_engine_abandon(engine, "pushed audio", NULL);
    return status;
}

int stapes_push_audio(stapes_pipeline *pipeline, const float *samples, uint32_t frames, uint32_t channels,
                      uint32_t rate, stapes_error *error)
{
    int          status;
    st_instance *source = ready_to_push(pipeline, &status);
    if (source && (!channels || channels > 1024 || !rate || rate > 768000))
        status = st_error_set(&pipeline->engine.error, STAPES_EUSAGE,
                              "pushed audio has %u channels and %u Hz, allowed are 1 to 1024 and 1 to 768000",
                              channels, rate);
    else if (source)
        status = st_builtin_push(source, samples, frames, channels, rate);
    return pushed(pipeline, status, error);
}

int stapes_end_segment(stapes_pipeline *pipeline, stapes_error *error)
{
    int          status;
    st_instance *source = ready_to_push(pipeline, &status);
    if (source) status = st_builtin_end_segment(source);
    return pushed(pipeline, status, error);
}

int stapes_end_audio(stapes_pipeline *pipeline, stapes_error *error)
{
    int          status;
    st_instance *source = ready_to_push(pipeline, &status);
    if (source) status = st_builtin_end_segment(source);
    if (source && status >= 0) {
        pipeline->phase = ENDED;
        status = st_engine_end(&pipeline->engine);
    }
    return pushed(pipeline, status, error);
}

void stapes_cancel_pipeline(stapes_pipeline *pipeline)
{
    atomic_store_explicit(&pipeline->engine.canceled, 1, memory_order_relaxed);
}

/* ---- looking ------------------------------------------------------------------------------------------- */

const st_graph *st_pipeline_graph(const stapes_pipeline *pipeline) { return pipeline->engine.graph; }

uint32_t stapes_get_stats(const stapes_pipeline *pipeline, uint32_t index, stapes_stage_stats *stats)
{
    const st_engine *engine = &pipeline->engine;
    if (stats && index < engine->n_instances) {
        const st_instance *instance = &engine->instances[index];
        stapes_stage_stats ours = {.size = sizeof ours,
                                   .name = instance->me.name,
                                   .stage = instance->stage->name,
                                   .packets_in = instance->packets_in,
                                   .packets_out = instance->packets_out,
                                   .rows_out = instance->rows_out,
                                   .seconds = (double)instance->nanoseconds / 1e9,
                                   .latency = instance->latency,
                                   .latency_sum = instance->latency_sum};
        uint32_t           size = stats->size && stats->size < sizeof ours ? stats->size : sizeof ours;
        memcpy(stats, &ours, size);
        stats->size = size;
    }
    return engine->n_instances;
}

stapes_time stapes_get_progress(const stapes_pipeline *pipeline)
{
    return atomic_load_explicit(&((stapes_pipeline *)(uintptr_t)pipeline)->engine.media,
                                memory_order_relaxed);
}
