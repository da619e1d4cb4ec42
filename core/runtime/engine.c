/* engine.c - instances opened, configured, flushed and closed; what failures mean. */
#include "runtime/engine.h"

#include "contract/format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- building ------------------------------------------------------------------------------------- */

static void *take_state(size_t bytes)
{
    size_t size = (bytes + 63) / 64 * 64;
    void  *state = aligned_alloc(64, size ? size : 64);
    return state ? memset(state, 0, size ? size : 64) : NULL;
}

static int build_instance(st_engine *engine, st_instance *instance, const st_node *node)
{
    const stapes_stage *stage = node->stage;
    *instance = (st_instance){
        .me = {.host = &st_host_table, .settings = node->settings, .name = node->name, .runtime = instance},
        .engine = engine,
        .node = node,
        .stage = stage,
        .stale = true};
    instance->me.state = take_state(stage->state_size);
    instance->outputs = st_arena_take(&engine->arena, stage->n_outputs, sizeof *instance->outputs);
    instance->input_formats = st_arena_take(&engine->arena, stage->n_inputs, sizeof(stapes_format *));
    if (!instance->me.state || !instance->outputs || !instance->input_formats) return STAPES_ENOMEM;
    for (uint32_t i = stage->n_inputs; i-- > 0;)
        if (node->inputs[i].node >= 0) instance->n_connected++, instance->first_connected = i;
    if (instance->n_connected > 1) {
        instance->queues = st_arena_take(&engine->arena, stage->n_inputs, sizeof *instance->queues);
        if (!instance->queues) return STAPES_ENOMEM;
        st_join_clear(instance);
    }
    for (uint32_t i = 0; i < stage->n_outputs; i++)
        instance->outputs[i].last_start = instance->outputs[i].promised = INT64_MIN;
    return STAPES_OK;
}

/* The edges of one output: from its node to every input that names it. */
static int build_edges(st_engine *engine, uint32_t node, uint32_t port)
{
    st_output *output = &engine->instances[node].outputs[port];
    for (int pass = 0; pass < 2; pass++) {
        uint32_t n = 0;
        for (uint32_t to = node + 1; to < engine->n_instances; to++) {
            st_instance *instance = &engine->instances[to];
            for (uint32_t i = 0; i < instance->stage->n_inputs; i++) {
                const st_input *input = &instance->node->inputs[i];
                if (input->node != (int32_t)node || input->port != port) continue;
                if (pass) output->edges[n] = (st_edge){instance, i};
                n++;
            }
        }
        if (!pass) {
            output->edges = st_arena_take(&engine->arena, n, sizeof *output->edges);
            if (!output->edges) return STAPES_ENOMEM;
        }
        output->n_edges = n;
    }
    return STAPES_OK;
}

static void find_marks(st_engine *engine)
{
    for (uint32_t i = engine->n_instances; i-- > 0;) {
        st_instance *instance = &engine->instances[i];
        for (uint32_t p = 0; p < instance->stage->n_outputs; p++) {
            st_output *output = &instance->outputs[p];
            for (uint32_t e = 0; e < output->n_edges; e++) {
                const st_instance *to = output->edges[e].to;
                if (to->queues) output->marks = true;
                for (uint32_t o = 0; o < to->stage->n_outputs; o++)
                    if (to->outputs[o].marks) output->marks = true;
            }
        }
    }
}

int st_engine_build(st_engine *engine)
{
    const st_graph *graph = engine->graph;
    engine->instances = st_arena_take(&engine->arena, graph->n_nodes, sizeof *engine->instances);
    if (!engine->instances) goto no_memory;
    for (uint32_t i = 0; i < graph->n_nodes; i++) {
        engine->n_instances++;
        if (build_instance(engine, &engine->instances[i], &graph->nodes[i]) < 0) goto no_memory;
    }
    for (uint32_t i = 0; i < graph->n_nodes; i++)
        for (uint32_t p = 0; p < engine->instances[i].stage->n_outputs; p++)
            if (build_edges(engine, i, p) < 0) goto no_memory;
    find_marks(engine);
    return STAPES_OK;
no_memory:
    return st_error_set(&engine->error, STAPES_ENOMEM, "no memory for a pipeline of %u stages",
                        graph->n_nodes);
}

/* ---- formats ---------------------------------------------------------------------------------------- */

const stapes_format *st_engine_format(st_engine *engine, const stapes_format *format)
{
    stapes_format ours = {.size = sizeof ours};
    memcpy(&ours, format, format->size && format->size < sizeof ours ? format->size : sizeof ours);
    ours.size = sizeof ours;
    for (const st_formats *f = engine->formats; f; f = f->next)
        if (st_format_equal(&f->format, &ours)) return &f->format;
    st_formats *made = st_arena_take(&engine->arena, 1, sizeof *made);
    if (!made) return NULL;
    made->format = ours;
    made->format.recipe = st_arena_string(&engine->arena, ours.recipe);
    made->format.vocabulary = st_arena_string(&engine->arena, ours.vocabulary);
    if ((ours.recipe && !made->format.recipe) || (ours.vocabulary && !made->format.vocabulary)) return NULL;
    made->next = engine->formats;
    engine->formats = made;
    return &made->format;
}

/* Whether packets of that format can be made. */
static bool complete(const stapes_format *format)
{
    switch (format->kind) {
    case STAPES_NONE: return false;
    case STAPES_AUDIO: return format->columns && format->rate;
    case STAPES_FRAMES:
    case STAPES_SCORES: return format->columns != 0;
    default: return true;
    }
}

static uint32_t only_kind(uint32_t kinds)
{
    for (uint32_t kind = 1; kind < 32; kind++)
        if (kinds == STAPES_KIND(kind)) return kind;
    return STAPES_NONE;
}

/* Refuses an input's kind, naming both ends. */
static int check_kinds(st_instance *instance)
{
    st_engine *engine = instance->engine;
    for (uint32_t i = 0; i < instance->stage->n_inputs; i++) {
        const stapes_format *format = instance->input_formats[i];
        const stapes_port   *port = &instance->stage->inputs[i];
        char                 takes[120], gives[300];
        if (!format || (port->kinds & STAPES_KIND(format->kind))) continue;
        return st_error_set(&engine->error, STAPES_EFORMAT, "input '%s' takes %s, but '%s' gives %s",
                            port->name, st_format_kinds_text(port->kinds, takes, sizeof takes),
                            engine->instances[instance->node->inputs[i].node].me.name,
                            st_format_text(format, gives, sizeof gives));
    }
    return STAPES_OK;
}

/* "'read' (audio.file) gives audio, 44100 Hz, 2 channels: " before a stage's own words. */
static void add_what_came(st_instance *instance)
{
    st_engine *engine = instance->engine;
    for (uint32_t i = instance->stage->n_inputs; i-- > 0;) {
        const stapes_format *format = instance->input_formats[i];
        char                 gives[400];
        if (!format) continue;
        const st_instance *from = &engine->instances[instance->node->inputs[i].node];
        st_error_within(&engine->error, "'%s' (%s) gives %s", from->me.name, from->stage->name,
                        st_format_text(format, gives, sizeof gives));
    }
}

/* Interned, and where it is another one than before, told to the stages below. */
static int set_output(st_instance *instance, uint32_t p, const stapes_format *format)
{
    st_engine           *engine = instance->engine;
    st_output           *output = &instance->outputs[p];
    const stapes_port   *port = &instance->stage->outputs[p];
    const stapes_format *interned;
    if (!complete(format) || !(port->kinds & STAPES_KIND(format->kind))) {
        if (!instance->stage->n_inputs) return STAPES_OK; /* a source may say it later */
        return st_error_set(&engine->error, STAPES_ECONTRACT,
                            "leaves the format of its output '%s' open (%s)", port->name,
                            st_format_kind_name(format->kind));
    }
    interned = st_engine_format(engine, format);
    if (!interned) return st_error_set(&engine->error, STAPES_ENOMEM, "no memory for a format");
    if (output->format == interned) return STAPES_OK;
    output->format = interned;
    for (uint32_t e = 0; e < output->n_edges; e++) {
        st_edge *edge = &output->edges[e];
        edge->to->input_formats[edge->port] = interned;
        edge->to->stale = true;
    }
    return STAPES_OK;
}

static stapes_time add_times(stapes_time a, stapes_time b)
{
    return a == STAPES_WHOLE_SEGMENT || b == STAPES_WHOLE_SEGMENT ? STAPES_WHOLE_SEGMENT : a + b;
}

static int configure(st_instance *instance)
{
    const stapes_stage *stage = instance->stage;
    st_engine          *engine = instance->engine;
    stapes_bounds       bounds = {.size = sizeof bounds};
    stapes_format       formats[16], *pointers[16];
    int                 status = check_kinds(instance);
    if (status < 0) return status;
    if (stage->n_outputs > STAPES_COUNT(formats))
        return st_error_set(&engine->error, STAPES_ECONTRACT, "has %u outputs, at most 16 are allowed",
                            stage->n_outputs);
    const stapes_format *first = stage->n_inputs ? instance->input_formats[instance->first_connected] : NULL;
    for (uint32_t p = 0; p < stage->n_outputs; p++) {
        uint32_t kind = only_kind(stage->outputs[p].kinds);
        formats[p] = (stapes_format){.size = sizeof formats[p], .kind = kind};
        if (first && (!kind || kind == first->kind)) formats[p] = *first;
        pointers[p] = &formats[p];
    }
    if (stage->configure) {
        status = stage->configure(&instance->me, instance->input_formats, pointers, &bounds);
        if (status < 0) {
            st_error_set(&engine->error, status, "refuses the format without saying why");
            add_what_came(instance);
            return status;
        }
    }
    instance->latency = bounds.latency;
    instance->latency_sum = 0;
    for (uint32_t i = 0; i < stage->n_inputs; i++) {
        if (instance->node->inputs[i].node < 0) continue;
        stapes_time before = engine->instances[instance->node->inputs[i].node].latency_sum;
        if (before > instance->latency_sum) instance->latency_sum = before;
    }
    instance->latency_sum = add_times(instance->latency_sum, instance->latency);
    instance->stale = false;
    instance->configured = true;
    for (uint32_t p = 0; p < stage->n_outputs && status >= 0; p++)
        status = set_output(instance, p, &formats[p]);
    return status;
}

static bool inputs_known(const st_instance *instance)
{
    for (uint32_t i = 0; i < instance->stage->n_inputs; i++)
        if (instance->node->inputs[i].node >= 0 && !instance->input_formats[i]) return false;
    return true;
}

int st_engine_configure(st_engine *engine)
{
    for (uint32_t i = 0; i < engine->n_instances; i++) {
        st_instance *instance = &engine->instances[i];
        if (!instance->stale || !inputs_known(instance)) continue;
        int status = configure(instance);
        if (status < 0) {
            /* the next announcement must come here again, and to all that was set on the way */
            instance->configured = false;
            for (uint32_t s = 0; s < engine->n_instances; s++)
                if (!engine->instances[s].stage->n_inputs)
                    for (uint32_t p = 0; p < engine->instances[s].stage->n_outputs; p++)
                        engine->instances[s].outputs[p].format = NULL;
            return st_engine_failed(instance, status);
        }
    }
    return STAPES_OK;
}

/* ---- life ------------------------------------------------------------------------------------------- */

int st_engine_open(st_engine *engine)
{
    for (uint32_t i = 0; i < engine->n_instances; i++) {
        st_instance *instance = &engine->instances[i];
        instance->opened = true;
        int status = instance->stage->open ? instance->stage->open(&instance->me) : STAPES_OK;
        if (status < 0) {
            st_error_set(&engine->error, status, "could not be opened, and says no more");
            return st_engine_failed(instance, status);
        }
    }
    return st_engine_configure(engine);
}

int st_engine_end(st_engine *engine)
{
    for (uint32_t i = 0; i < engine->n_instances; i++) {
        st_instance *instance = &engine->instances[i];
        int          status = STAPES_OK;
        if (!instance->configured || !instance->stage->n_inputs) continue;
        if (instance->queues) status = st_join_end(instance);
        if (status >= 0) status = st_flow_flush(instance, STAPES_FLUSH_END);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

static void close_instance(st_instance *instance)
{
    if (instance->queues) st_join_clear(instance);
    if (instance->opened && instance->stage->close) instance->stage->close(&instance->me);
    st_share_release(instance->engine->runtime->share, instance);
    for (uint32_t i = 0; i < instance->n_allocations; i++) free(instance->allocations[i]);
    free(instance->allocations);
    if (instance->queues)
        for (uint32_t i = 0; i < instance->stage->n_inputs; i++) free(instance->queues[i].items);
    free(instance->me.state);
}

void st_engine_close(st_engine *engine)
{
    engine->muted = true;
    for (uint32_t i = engine->n_instances; i-- > 0;) close_instance(&engine->instances[i]);
    uint64_t held = st_pool_close(&engine->pool);
    if (held && engine->runtime->options.message) {
        char text[120];
        (void)snprintf(text, sizeof text, "%llu packets were never released", (unsigned long long)held);
        engine->runtime->options.message(engine->runtime->options.user, STAPES_WARNING, "", text);
    }
    st_arena_close(&engine->arena);
}

/* ---- failures --------------------------------------------------------------------------------------- */

void st_engine_abandon(st_engine *engine, const char *input, const char *words)
{
    const stapes_runtime_options *options = &engine->runtime->options;
    stapes_event event = {.size = sizeof event, .type = STAPES_RECORDING_ABANDONED, .name = input};
    int          why = engine->giving_up;
    if (!words) words = engine->error.status ? engine->error.text : "could not be used";
    engine->rejected++;
    if (why == STAPES_EFORMAT) engine->misfits++;
    if (options->rejected) options->rejected(options->user, input, words);
    engine->giving_up = 0;
    engine->error = (stapes_error){0};
    engine->muted = true;
    for (uint32_t i = 0; i < engine->n_instances; i++) {
        st_instance *instance = &engine->instances[i];
        if (!instance->stage->n_inputs) {
            instance->in_segment = instance->in_recording = false;
        } else {
            if (instance->queues) st_join_clear(instance);
            if (instance->configured) (void)st_flow_flush(instance, STAPES_FLUSH_SEGMENT);
            if (instance->stage->event) (void)instance->stage->event(&instance->me, 0, &event);
        }
        for (uint32_t p = 0; p < instance->stage->n_outputs; p++)
            instance->outputs[p].last_start = instance->outputs[p].promised = INT64_MIN;
    }
    engine->muted = false;
    engine->giving_up = 0;
    engine->error = (stapes_error){0};
    engine->recording[0] = 0;
}

int st_engine_failed(st_instance *instance, int status)
{
    st_engine *engine = instance->engine;
    if (engine->stopped) return engine->stopped;
    if (engine->giving_up) return STAPES_EINPUT;
    st_error_set(&engine->error, status, "failed with status %d and says no more", status);
    if (engine->error.status != status) status = engine->error.status;
    if (status == STAPES_ECANCELED || status == STAPES_EPIPE) return engine->stopped = status;
    st_error_within(&engine->error, "stage '%s' (%s)", instance->me.name, instance->stage->name);
    bool running = engine->running != NULL; /* a source is at work: open and the first configure are not */
    if (running && (status == STAPES_EINPUT || status == STAPES_EFORMAT)) {
        engine->giving_up = status;
        engine->muted = true;
        return STAPES_EINPUT;
    }
    if (instance->node->mark.line)
        st_error_within(&engine->error, "%s:%u:%u", instance->node->mark.file, instance->node->mark.line,
                        instance->node->mark.column);
    return engine->stopped = status;
}
