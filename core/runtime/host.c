/* host.c - the functions that stages see (stapes_host), on top of the engine. */
#include "plugin/parameter.h"
#include "runtime/engine.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(const stapes_instance *me, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    st_error_set_v(&st_instance_of(me)->engine->error, status, format, arguments);
    va_end(arguments);
    return status;
}

static void say(const stapes_instance *me, int level, const char *format, ...)
{
    const stapes_runtime_options *options = &st_instance_of(me)->engine->runtime->options;
    char                          text[1024];
    va_list                       arguments;
    if (!options->message) return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    options->message(options->user, level, me->name, text);
}

static void *allocate(const stapes_instance *me, size_t bytes)
{
    st_instance *instance = st_instance_of(me);
    if (instance->n_allocations == instance->room_allocations) {
        uint32_t room = instance->room_allocations ? instance->room_allocations * 2 : 8;
        void   **grown = realloc(instance->allocations, room * sizeof *grown);
        if (!grown) goto fail;
        instance->allocations = grown;
        instance->room_allocations = room;
    }
    if (bytes <= SIZE_MAX - 64) {
        size_t size = (bytes + 63) / 64 * 64;
        void  *memory = aligned_alloc(64, size ? size : 64);
        if (memory) {
            instance->allocations[instance->n_allocations++] = memory;
            return memset(memory, 0, size ? size : 64);
        }
    }
fail:
    fail(me, STAPES_ENOMEM, "no memory for %zu bytes", bytes);
    return NULL;
}

static bool is_set(const stapes_instance *me, const char *parameter)
{
    const st_instance      *instance = st_instance_of(me);
    const stapes_parameter *row = st_parameter_find(instance->stage, parameter);
    return row && instance->node->set[row - instance->stage->parameters];
}

static stapes_packet *packet(const stapes_instance *me, uint32_t port, uint32_t rows)
{
    st_instance         *instance = st_instance_of(me);
    const stapes_format *format = port < instance->stage->n_outputs ? instance->outputs[port].format : NULL;
    if (!format) {
        fail(me, STAPES_ECONTRACT, "asks for a packet of output %u, which has no format", port);
        return NULL;
    }
    size_t         row_size = st_pool_row_size(format);
    stapes_packet *made = st_pool_take(&instance->engine->pool, row_size * rows);
    if (!made) {
        fail(me, STAPES_ENOMEM, "no memory for a packet of %u rows of %zu bytes", rows, row_size);
        return NULL;
    }
    made->format = format;
    made->kind = format->kind;
    made->columns = format->columns ? format->columns : 1;
    made->rows = made->capacity = rows;
    return made;
}

static int emit(const stapes_instance *me, uint32_t port, stapes_packet *given)
{
    return st_flow_emit(st_instance_of(me), port, given);
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *given)
{
    return st_flow_event(st_instance_of(me), port, given);
}

static int mark(const stapes_instance *me, uint32_t port, stapes_time position)
{
    return st_flow_mark(st_instance_of(me), port, position);
}

static int announce(const stapes_instance *me, uint32_t port, const stapes_format *format)
{
    st_instance *instance = st_instance_of(me);
    st_engine   *engine = instance->engine;
    if (instance->stage->n_inputs || port >= instance->stage->n_outputs)
        return fail(me, STAPES_ECONTRACT, "announces a format on output %u, but only sources may, on theirs",
                    port);
    const stapes_format *interned = st_engine_format(engine, format);
    st_output           *output = &instance->outputs[port];
    if (!interned) return fail(me, STAPES_ENOMEM, "no memory");
    if (output->format == interned) return STAPES_OK;
    if (instance->in_segment) return fail(me, STAPES_ECONTRACT, "announces another format inside a segment");
    output->format = interned;
    for (uint32_t i = 0; i < output->n_edges; i++) {
        st_edge *edge = &output->edges[i];
        edge->to->input_formats[edge->port] = interned;
        edge->to->stale = true;
    }
    return st_engine_configure(engine);
}

static void reject(const stapes_instance *me, const char *input, const char *format, ...)
{
    char words[1024];
    if (format) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(words, sizeof words, format, arguments);
        va_end(arguments);
    }
    st_engine_abandon(st_instance_of(me)->engine, input, format ? words : NULL);
}

static int share(const stapes_instance *me, const char *key,
                 int (*make)(const stapes_instance *me, void *argument, void **object),
                 void (*destroy)(void *object), void *argument, void **object)
{
    st_instance *instance = st_instance_of(me);
    return st_share_get(instance->engine->runtime->share, instance, key, make, destroy, argument, object);
}

static void parallel(const stapes_instance *me, uint32_t count, void (*work)(void *argument, uint32_t i),
                     void *argument)
{
    st_workers_run(st_instance_of(me)->engine->runtime->workers, count, work, argument);
}

static uint32_t threads(const stapes_instance *me)
{
    return st_workers_threads(st_instance_of(me)->engine->runtime->workers);
}

static bool canceled(const stapes_instance *me)
{
    return atomic_load_explicit(&st_instance_of(me)->engine->canceled, memory_order_relaxed) != 0;
}

static const void *extension(const stapes_instance *me, const char *name)
{
    (void)me;
    (void)name;
    return NULL; /* this host has no further families of functions */
}

const stapes_host st_host_table = {
    .size = sizeof(stapes_host),
    .minor = STAPES_ABI_MINOR_LATEST,
    .fail = fail,
    .log = say,
    .allocate = allocate,
    .is_set = is_set,
    .packet = packet,
    .emit = emit,
    .retain = st_pool_retain,
    .release = st_pool_release,
    .event = event,
    .mark = mark,
    .announce = announce,
    .reject = reject,
    .share = share,
    .parallel = parallel,
    .canceled = canceled,
    .extension = extension,
    .threads = threads,
};
