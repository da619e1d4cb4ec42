/* flow.c - packets, events and marks on their way from stage to stage: the hot path.
 *
 * A call of a stage is bracketed by enter() and leave(), which keep whose time it is. When a call fails,
 * st_engine_failed decides what that means, and the status goes up through the callers to the source. */
#include "runtime/engine.h"

#include "contract/format.h"

#include <string.h>
#include <time.h>

static const stapes_format event_format = {.size = sizeof event_format, .kind = STAPES_EVENT, .columns = 1};

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The time from now on is `instance`'s; whose it was before is returned for leave(). */
static st_instance *enter(st_engine *engine, st_instance *instance)
{
    st_instance *before = engine->running;
    if (engine->measuring) {
        int64_t t = now();
        if (before) before->nanoseconds += t - engine->since;
        engine->since = t;
    }
    engine->running = instance;
    return before;
}

static void leave(st_engine *engine, st_instance *before, const char *what, int64_t entered)
{
    st_instance *instance = engine->running;
    if (engine->measuring) {
        int64_t t = now();
        instance->nanoseconds += t - engine->since;
        engine->since = t;
        if (engine->trace)
            st_trace_span(engine->trace, (uint32_t)(instance - engine->instances), what, entered, t);
    }
    engine->running = before;
}

/* A stage's state where the stage leaves its flush to the host. */
static int zero_state(const st_instance *instance)
{
    if (!instance->stage->open && instance->stage->state_size)
        memset(instance->me.state, 0, instance->stage->state_size);
    return STAPES_OK;
}

/* `rows` stages: the packet out is like the packet in. */
static int take_rows(st_instance *instance, const stapes_packet *in)
{
    stapes_packet *out = st_host_table.packet(&instance->me, 0, in->rows);
    if (!out) return STAPES_ENOMEM;
    out->start = in->start;
    out->duration = in->duration;
    int status = instance->stage->rows(&instance->me, in->data, out->data, in->rows, in->columns);
    if (status < 0) {
        st_pool_release(out);
        return status;
    }
    return st_flow_emit(instance, 0, out);
}

/* Marks that follow from the latency: after input up to `position`, all before it less latency is out. */
static int imply_marks(st_instance *instance, stapes_time position)
{
    int status = STAPES_OK;
    if (instance->latency == STAPES_WHOLE_SEGMENT) return STAPES_OK;
    for (uint32_t i = 0; i < instance->stage->n_outputs && status >= 0; i++)
        if (instance->outputs[i].marks) status = st_flow_mark(instance, i, position - instance->latency);
    return status;
}

int st_flow_take(st_instance *instance, uint32_t port, const stapes_packet *packet)
{
    st_engine *engine = instance->engine;
    int        status;
    instance->packets_in++;
    if (instance->receive) {
        status = instance->receive(instance->user, packet);
        if (status < 0) return st_engine_failed(instance, status);
    }
    int64_t      entered = 0;
    st_instance *before = enter(engine, instance);
    entered = engine->since;
    status = instance->stage->process ? instance->stage->process(&instance->me, port, packet)
                                      : take_rows(instance, packet);
    leave(engine, before, "process", entered);
    if (status < 0) return st_engine_failed(instance, status);
    return instance->queues ? STAPES_OK : imply_marks(instance, packet->start + packet->duration);
}

int st_flow_flush(st_instance *instance, int how)
{
    st_engine   *engine = instance->engine;
    st_instance *before = enter(engine, instance);
    int64_t      entered = engine->since;
    int status = instance->stage->flush ? instance->stage->flush(&instance->me, how) : zero_state(instance);
    leave(engine, before, how == STAPES_FLUSH_SEGMENT ? "flush segment" : "flush end", entered);
    return status < 0 ? st_engine_failed(instance, status) : STAPES_OK;
}

/* Hands an event packet to the outputs; on each, times may start again after a recording. */
static int pass_event(st_instance *instance, uint32_t port, const stapes_packet *packet)
{
    const stapes_event *event = packet->data;
    st_output          *output = &instance->outputs[port];
    int                 status = STAPES_OK;
    if (event->type == STAPES_RECORDING_BEGIN || event->type == STAPES_RECORDING_END)
        output->last_start = output->promised = INT64_MIN;
    if (output->receive) {
        status = output->receive(output->user, packet);
        if (status < 0) return st_engine_failed(instance, status);
    }
    for (uint32_t i = 0; i < output->n_edges && status >= 0; i++) {
        st_instance *to = output->edges[i].to;
        uint32_t     to_port = output->edges[i].port;
        status = to->queues ? st_join_put(to, to_port, packet) : st_flow_take_event(to, to_port, packet);
    }
    return status;
}

int st_flow_take_event(st_instance *instance, uint32_t port, const stapes_packet *packet)
{
    st_engine          *engine = instance->engine;
    const stapes_event *event = packet->data;
    int                 status = STAPES_OK;
    if (instance->receive) {
        status = instance->receive(instance->user, packet);
        if (status < 0) return st_engine_failed(instance, status);
    }
    if (event->type == STAPES_SEGMENT_END && !instance->queues) {
        status = st_flow_flush(instance, STAPES_FLUSH_SEGMENT);
        for (uint32_t i = 0; i < instance->stage->n_outputs && status >= 0; i++)
            if (instance->outputs[i].marks) status = st_flow_mark(instance, i, event->position);
        if (status < 0) return status;
    }
    if (instance->stage->event) {
        st_instance *before = enter(engine, instance);
        int64_t      entered = engine->since;
        status = instance->stage->event(&instance->me, port, event);
        leave(engine, before, "event", entered);
        if (status < 0) return st_engine_failed(instance, status);
        if (status == STAPES_CONSUMED) return STAPES_OK;
    }
    if (port != instance->first_connected) return STAPES_OK;
    for (uint32_t i = 0; i < instance->stage->n_outputs; i++) {
        status = pass_event(instance, i, packet);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

int st_flow_event(st_instance *instance, uint32_t port, const stapes_event *event)
{
    st_engine *engine = instance->engine;
    if (port >= instance->stage->n_outputs)
        return st_error_set(&engine->error, STAPES_ECONTRACT, "sends an event to output %u of %u", port,
                            instance->stage->n_outputs);
    if (engine->muted) return engine->giving_up ? STAPES_EINPUT : STAPES_OK;
    if (engine->stopped) return engine->stopped;
    size_t         name = event->name ? strlen(event->name) + 1 : 0;
    stapes_packet *packet = st_pool_take(&engine->pool, sizeof *event + name);
    if (!packet) return st_error_set(&engine->error, STAPES_ENOMEM, "no memory for an event");
    stapes_event *copy = packet->data;
    *copy = (stapes_event){.size = sizeof *copy};
    memcpy(copy, event, event->size && event->size < sizeof *copy ? event->size : sizeof *copy);
    copy->size = sizeof *copy;
    if (name) copy->name = memcpy(copy + 1, event->name, name);
    packet->kind = STAPES_EVENT;
    packet->format = &event_format;
    packet->start = copy->position;
    packet->rows = packet->columns = packet->capacity = 1;

    if (!instance->stage->n_inputs) {
        if (copy->type == STAPES_RECORDING_BEGIN) {
            instance->in_recording = true;
            size_t length = name < sizeof engine->recording ? name : sizeof engine->recording - 1;
            if (length) memcpy(engine->recording, event->name, length);
            engine->recording[length] = 0;
        }
        if (copy->type == STAPES_SEGMENT_BEGIN) instance->in_segment = true;
        if (copy->type == STAPES_SEGMENT_END) instance->in_segment = false;
    }
    int status = pass_event(instance, port, packet);
    if (!instance->stage->n_inputs && copy->type == STAPES_RECORDING_END && status >= 0) {
        engine->completed++;
        engine->recording[0] = 0;
        instance->in_recording = false;
    }
    st_pool_release(packet);
    return status;
}

/* What is wrong with an emitted packet, or NULL. */
static const char *objection(const st_output *output, const stapes_packet *packet)
{
    if (!output->format) return "before its format is known";
    if (packet->kind != output->format->kind) return "of another kind than the port's";
    if (packet->format != output->format && !st_format_equal(packet->format, output->format))
        return "of another format than the port's";
    if (packet->rows > packet->capacity) return "with more rows than it asked for";
    if (packet->start < output->last_start) return "that starts before the one before it";
    return NULL;
}

static stapes_time length_of(const stapes_packet *packet)
{
    const stapes_format *format = packet->format;
    if (format->kind == STAPES_AUDIO) return stapes_time_of(packet->rows, format->rate);
    return format->hop * packet->rows;
}

int st_flow_emit(st_instance *instance, uint32_t port, stapes_packet *packet)
{
    st_engine  *engine = instance->engine;
    const char *problem;
    int         status = STAPES_OK;
    if (!packet) return st_error_set(&engine->error, STAPES_ECONTRACT, "emits no packet");
    if (engine->muted) {
        status = engine->giving_up ? STAPES_EINPUT : STAPES_OK;
        goto done;
    }
    if (engine->stopped) {
        status = engine->stopped;
        goto done;
    }
    if (atomic_load_explicit(&engine->canceled, memory_order_relaxed)) {
        status = st_error_set(&engine->error, STAPES_ECANCELED, "canceled");
        goto done;
    }
    if (port >= instance->stage->n_outputs) {
        status = st_error_set(&engine->error, STAPES_ECONTRACT, "emits to output %u of %u", port,
                              instance->stage->n_outputs);
        goto done;
    }
    st_output *output = &instance->outputs[port];
    problem = objection(output, packet);
    if (problem) {
        status = st_error_set(&engine->error, STAPES_ECONTRACT, "emits a packet %s", problem);
        goto done;
    }
    output->last_start = packet->start;
    if (!packet->duration) packet->duration = length_of(packet);
    instance->packets_out++;
    instance->rows_out += packet->rows;
    if (!instance->stage->n_inputs)
        atomic_store_explicit(&engine->media,
                              atomic_load_explicit(&engine->media, memory_order_relaxed) + packet->duration,
                              memory_order_relaxed);
    if (engine->trace && packet->kind == STAPES_TEXT)
        st_trace_words(engine->trace, engine->recording, packet->data);
    if (output->receive) {
        status = output->receive(output->user, packet);
        if (status < 0) status = st_engine_failed(instance, status);
    }
    for (uint32_t i = 0; i < output->n_edges && status >= 0; i++) {
        st_instance *to = output->edges[i].to;
        uint32_t     to_port = output->edges[i].port;
        status = to->queues ? st_join_put(to, to_port, packet) : st_flow_take(to, to_port, packet);
    }
done:
    st_pool_release(packet);
    return status;
}

int st_flow_mark(st_instance *instance, uint32_t port, stapes_time position)
{
    if (port >= instance->stage->n_outputs)
        return st_error_set(&instance->engine->error, STAPES_ECONTRACT, "marks output %u of %u", port,
                            instance->stage->n_outputs);
    st_output *output = &instance->outputs[port];
    int        status = STAPES_OK;
    if (!output->marks || instance->engine->muted || position <= output->promised) return STAPES_OK;
    output->promised = position;
    for (uint32_t i = 0; i < output->n_edges && status >= 0; i++) {
        st_instance *to = output->edges[i].to;
        status = to->queues ? st_join_mark(to, output->edges[i].port, position) : imply_marks(to, position);
    }
    return status;
}

int st_flow_step(st_instance *instance)
{
    st_engine   *engine = instance->engine;
    st_instance *before = enter(engine, instance);
    int64_t      entered = engine->since;
    int          status = instance->stage->process(&instance->me, 0, NULL);
    leave(engine, before, "process", entered);
    if (status < 0) return st_engine_failed(instance, status);
    if (engine->error.status && !engine->giving_up)
        engine->error = (stapes_error){0}; /* words of a failure that was overcome */
    return status;
}
