/* probe.c - see probe.h. The instance and its calls are here, the functions that it may call in
 * probe_host.c. */
#include "suite/probe.h"

#include "contract/error.h"
#include "contract/format.h"
#include "plugin/parameter.h"
#include "plugin/place.h"
#include "suite/hook.h"

#include <fenv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void st_probe_breach(st_probe *probe, const char *format, ...)
{
    va_list arguments;
    if (probe->breach[0]) return;
    va_start(arguments, format);
    (void)vsnprintf(probe->breach, sizeof probe->breach, format, arguments);
    va_end(arguments);
}

bool st_probe_broken(st_probe *probe, const char *doing)
{
    if (!probe->breach[0]) return false;
    st_suite_fail(probe->c, "%s: %s", doing, probe->breach);
    return true;
}

/* ---- settings -------------------------------------------------------------------------------------------
 */

/* The value of an option "stage.parameter=value" or "parameter=value" if it is for this row. */
static const char *option_for(const char *option, const stapes_stage *stage, const char *row)
{
    size_t stage_length = strlen(stage->name), row_length = strlen(row);
    if (!strncmp(option, stage->name, stage_length) && option[stage_length] == '.')
        option += stage_length + 1;
    return !strncmp(option, row, row_length) && option[row_length] == '=' ? option + row_length + 1 : NULL;
}

static int set_one(st_probe *probe, const stapes_parameter *row, void *settings, const char *value)
{
    st_case     *c = probe->c;
    stapes_error error = {0};
    const char  *model = value;
    if (row->flags & STAPES_IS_MODEL) {
        model = st_place_model(c->options->model_path, value, &probe->arena, &error);
        if (!model) {
            st_suite_skip(c, "parameter '%s': %s", row->name, error.text);
            return STAPES_EUSAGE;
        }
    }
    if (st_parameter_set(row, settings, model, &probe->arena, &error) < 0) {
        st_suite_skip(c, "--set %s", error.text);
        return STAPES_EUSAGE;
    }
    return STAPES_OK;
}

/* Files that are written go to the suite's own folder; what is read must be given. */
static int set_required(st_probe *probe, const stapes_parameter *row, void *settings)
{
    char path[300];
    if (row->flags & STAPES_IS_OUTPUT_FILE && probe->c->folder[0]) {
        (void)snprintf(path, sizeof path, "%s/%s", probe->c->folder, row->name);
        return set_one(probe, row, settings, path);
    }
    if (row->initial) return STAPES_OK;
    st_suite_skip(probe->c, "needs --set %s.%s=...", probe->stage->name, row->name);
    return STAPES_EUSAGE;
}

static int fill_settings(st_probe *probe)
{
    const stapes_stage *stage = probe->stage;
    stapes_error        error = {0};
    void               *settings = probe->settings->data;
    if (st_parameter_defaults(stage, settings, &probe->arena, &error) < 0) {
        st_suite_fail(probe->c, "%s", error.text);
        return error.status;
    }
    for (uint32_t i = 0; i < stage->n_parameters; i++) {
        const stapes_parameter *row = &stage->parameters[i];
        const char             *value = NULL;
        int                     status;
        for (uint32_t j = 0; j < probe->c->options->n_set; j++) {
            const char *found = option_for(probe->c->options->set[j], stage, row->name);
            if (found) value = found;
        }
        if (i < STAPES_COUNT(probe->set)) probe->set[i] = value != NULL;
        if (!value && (row->flags & STAPES_IS_MODEL) && row->initial && row->initial[0]) value = row->initial;
        status = value ? set_one(probe, row, settings, value) : set_required(probe, row, settings);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

int st_probe_make(st_case *c, st_probe *probe, const char *name)
{
    int status;
    memset(probe, 0, sizeof *probe);
    probe->c = c;
    probe->stage = c->stage;
    probe->settings = st_guard_make(c->stage->settings_size, "its settings");
    probe->state = st_guard_make(c->stage->state_size, "its state");
    probe->me = (stapes_instance){.host = &st_probe_host, .name = name, .runtime = probe};
    for (uint32_t i = 0; i < ST_SUITE_PORTS; i++)
        probe->last_start[i] = probe->last_end[i] = probe->promised[i] = INT64_MIN;
    if (!probe->settings || !probe->state) {
        st_suite_fail(c, "no memory");
        status = STAPES_ENOMEM;
    } else {
        status = fill_settings(probe);
    }
    if (status < 0) {
        st_probe_close(probe);
        return status;
    }
    st_guard_lock(probe->settings);
    probe->me.settings = probe->settings->data;
    probe->me.state = probe->state->data;
    return STAPES_OK;
}

/* ---- calls -----------------------------------------------------------------------------------------------
 */

static void begin(st_probe *probe, const char *what, bool control)
{
    probe->in = what;
    probe->control = control;
    probe->thread = pthread_self();
    probe->refused = 0;
    probe->error = (stapes_error){0};
}

static int finish(st_probe *probe, int status)
{
    const char *what = probe->in;
    probe->in = NULL;
    if (probe->refused < 0 && status != probe->refused)
        st_probe_breach(probe, "%s answers %d, but emit had answered %d: a negative answer is to be returned",
                        what, status, probe->refused);
    if (status < 0 && probe->refused >= 0 && status != STAPES_ECANCELED && !probe->error.status)
        st_probe_breach(probe, "%s fails with status %d and no words (host->fail)", what, status);
    if (fegetround() != FE_TONEAREST) st_probe_breach(probe, "%s changes the rounding of floats", what);
    if (probe->state && !st_guard_whole(probe->state))
        st_probe_breach(probe, "%s writes outside its state", what);
    return status;
}

int st_probe_open(st_probe *probe)
{
    int status = STAPES_OK;
    probe->opened = true;
    if (!probe->stage->open) return STAPES_OK;
    begin(probe, "open", true);
    status = probe->stage->open(&probe->me);
    if (status > 0) st_probe_breach(probe, "open answers %d, which means nothing there", status);
    return finish(probe, status);
}

static uint32_t only_kind(uint32_t kinds)
{
    for (uint32_t kind = 1; kind < STAPES_EVENT; kind++)
        if (kinds == STAPES_KIND(kind)) return kind;
    return STAPES_NONE;
}

static void check_output(st_probe *probe, uint32_t port)
{
    const stapes_format *format = &probe->formats[port];
    const char          *name = probe->stage->outputs[port].name;
    bool                 floats =
        format->kind == STAPES_AUDIO || format->kind == STAPES_FRAMES || format->kind == STAPES_SCORES;
    /* its strings may be the stage's own, and what was sent is looked at after its end */
    probe->formats[port].recipe = st_suite_keep(probe->c, format->recipe);
    probe->formats[port].vocabulary = st_suite_keep(probe->c, format->vocabulary);
    probe->known[port] = true;
    if (format->kind == STAPES_NONE && !probe->stage->n_inputs)
        probe->known[port] = false; /* a source says it later */
    else if (format->kind >= STAPES_EVENT || !(probe->stage->outputs[port].kinds & STAPES_KIND(format->kind)))
        st_probe_breach(probe, "configure gives output '%s' the kind %s, which is not among its kinds", name,
                        st_format_kind_name(format->kind));
    else if (floats && !format->columns && probe->stage->n_inputs)
        st_probe_breach(probe, "configure leaves the columns of output '%s' open", name);
    else if (format->kind == STAPES_AUDIO && !format->rate && probe->stage->n_inputs)
        st_probe_breach(probe, "configure leaves the rate of output '%s' open", name);
    else if (format->hop < 0)
        st_probe_breach(probe, "configure gives output '%s' a negative hop", name);
    if (floats && (!format->columns || (format->kind == STAPES_AUDIO && !format->rate)))
        probe->known[port] = false;
}

int st_probe_configure(st_probe *probe, const stapes_format *const *inputs)
{
    const stapes_stage *stage = probe->stage;
    stapes_format      *outputs[ST_SUITE_PORTS];
    int                 status = STAPES_OK;
    for (uint32_t i = 0; i < stage->n_inputs; i++) {
        probe->inputs[i] = inputs[i] ? &probe->input_formats[i] : NULL;
        if (inputs[i]) probe->input_formats[i] = *inputs[i];
    }
    for (uint32_t i = 0; i < stage->n_outputs; i++) {
        uint32_t kind = only_kind(stage->outputs[i].kinds);
        probe->formats[i] = (stapes_format){.size = sizeof(stapes_format), .kind = kind};
        if (stage->n_inputs && probe->inputs[0] && (!kind || kind == probe->inputs[0]->kind))
            probe->formats[i] = *probe->inputs[0];
        outputs[i] = &probe->formats[i];
    }
    probe->bounds = (stapes_bounds){.size = sizeof probe->bounds};
    if (stage->configure) {
        begin(probe, "configure", true);
        status = stage->configure(&probe->me, probe->inputs, outputs, &probe->bounds);
        if (status > 0) st_probe_breach(probe, "configure answers %d, which means nothing there", status);
        finish(probe, status);
    }
    if (status < 0) return status;
    if (probe->bounds.latency < 0) st_probe_breach(probe, "configure gives a negative latency");
    for (uint32_t i = 0; i < stage->n_outputs; i++) check_output(probe, i);
    probe->configured = true;
    return status;
}

/* What is before this place is out, after this call: the host's own promise from the latency. */
static void promise(st_probe *probe, const stapes_packet *packet)
{
    stapes_time until = packet->start + packet->duration;
    if (probe->bounds.latency == STAPES_WHOLE_SEGMENT || probe->stage->n_inputs != 1) return;
    for (uint32_t i = 0; i < probe->stage->n_outputs; i++)
        if (until - probe->bounds.latency > probe->promised[i])
            probe->promised[i] = until - probe->bounds.latency;
}

static int take_rows(st_probe *probe, const stapes_packet *packet)
{
    stapes_packet *out = probe->me.host->packet(&probe->me, 0, packet->rows);
    int            status;
    if (!out) return STAPES_ENOMEM;
    out->start = packet->start;
    out->duration = packet->duration;
    status = probe->stage->rows(&probe->me, packet->data, out->data, packet->rows, packet->columns);
    if (status < 0) {
        probe->me.host->release(out);
        return status;
    }
    return probe->me.host->emit(&probe->me, 0, out);
}

int st_probe_process(st_probe *probe, uint32_t port, const stapes_packet *packet)
{
    int  status;
    bool rows = packet && probe->stage->rows; /* a source has no packet, and no rows */
    begin(probe, rows ? "rows" : "process", false);
    st_hook_stream(true);
    status = rows ? take_rows(probe, packet) : probe->stage->process(&probe->me, port, packet);
    st_hook_stream(false);
    finish(probe, status);
    if (status >= 0 && packet) promise(probe, packet);
    return status;
}

int st_probe_failure(const st_probe *probe)
{
    return probe->refused < 0 ? probe->refused : probe->error.status;
}

/* Begins a call of several; their instances. */
static void begin_many(st_probe *const *many, uint32_t count, const char *what,
                       const stapes_instance **instances)
{
    for (uint32_t i = 0; i < count; i++) {
        instances[i] = &many[i]->me;
        begin(many[i], what, false);
    }
    st_hook_stream(true);
}

/* Ends it: each says for itself how it failed, and the answer is the first one's. */
static int finish_many(st_probe *const *many, uint32_t count, int status)
{
    const char *what = many[0]->in;
    int         first = STAPES_OK;
    st_hook_stream(false);
    for (uint32_t i = 0; i < count; i++) {
        int own = st_probe_failure(many[i]);
        if (!first) first = own;
        (void)finish(many[i], own);
    }
    if (status < 0 && !first && status != STAPES_ECANCELED)
        st_probe_breach(many[0], "%s fails with status %d and no words (host->fail)", what, status);
    else if (first && status != first && status != STAPES_ECANCELED)
        st_probe_breach(many[0], "%s answers %d, but the first instance that failed had %d", what, status,
                        first);
    return status;
}

int st_probe_process_many(st_probe *const *many, const stapes_packet *const *packets, uint32_t count)
{
    const stapes_instance *instances[ST_PROBE_MANY] = {0};
    int                    status;
    begin_many(many, count, "process_many", instances);
    status = finish_many(many, count, many[0]->stage->process_many(instances, packets, count));
    for (uint32_t i = 0; i < count; i++)
        if (!st_probe_failure(many[i]) && status != STAPES_ECANCELED) promise(many[i], packets[i]);
    return status;
}

int st_probe_flush_many(st_probe *const *many, uint32_t count, int how)
{
    const stapes_instance *instances[ST_PROBE_MANY] = {0};
    begin_many(many, count, how == STAPES_FLUSH_SEGMENT ? "flush_many(segment)" : "flush_many(end)",
               instances);
    return finish_many(many, count, many[0]->stage->flush_many(instances, count, how));
}

int st_probe_flush(st_probe *probe, int how)
{
    int status = STAPES_OK;
    if (probe->stage->flush) {
        begin(probe, how == STAPES_FLUSH_SEGMENT ? "flush(segment)" : "flush(end)", false);
        status = probe->stage->flush(&probe->me, how);
        finish(probe, status);
    } else if (!probe->stage->open && probe->stage->state_size) {
        memset(probe->state->data, 0, probe->stage->state_size);
    }
    return status;
}

static uint32_t first_input(const st_probe *probe)
{
    uint32_t first = 0;
    while (first + 1 < probe->stage->n_inputs && !probe->inputs[first]) first++;
    return first;
}

int st_probe_event(st_probe *probe, uint32_t port, const stapes_event *event)
{
    if (event->type == STAPES_SEGMENT_END && port == first_input(probe)) {
        int status = st_probe_flush(probe, STAPES_FLUSH_SEGMENT);
        if (status < 0) return status;
    }
    return st_probe_event_flushed(probe, port, event);
}

int st_probe_event_flushed(st_probe *probe, uint32_t port, const stapes_event *event)
{
    st_guard *guard;
    int       status = STAPES_OK;
    uint32_t  first = first_input(probe);
    if (probe->stage->event) {
        guard = st_guard_make(sizeof *event, "an event");
        if (!guard) return STAPES_ENOMEM;
        memcpy(guard->data, event, sizeof *event);
        st_guard_lock(guard);
        begin(probe, "event", false);
        status = probe->stage->event(&probe->me, port, (const stapes_event *)(const void *)guard->data);
        finish(probe, status);
        st_guard_release(guard);
        if (status < 0) return status;
        if (status != STAPES_OK && status != STAPES_CONSUMED)
            st_probe_breach(probe, "event answers %d: STAPES_OK or STAPES_CONSUMED", status);
        if (status == STAPES_CONSUMED && event->type > STAPES_RECORDING_ABANDONED)
            st_probe_breach(probe, "event consumes an event of the unknown type %u: those are passed on",
                            event->type);
        if (status == STAPES_CONSUMED) return STAPES_OK;
    }
    if (port != first || event->type == STAPES_RECORDING_ABANDONED) return STAPES_OK;
    for (uint32_t i = 0; i < probe->stage->n_outputs; i++) {
        if (event->type == STAPES_RECORDING_BEGIN || event->type == STAPES_RECORDING_END)
            probe->last_start[i] = probe->last_end[i] = probe->promised[i] = INT64_MIN;
        st_record_event(&probe->sent, i, probe->segments[i], event);
        if (event->type == STAPES_SEGMENT_END) {
            probe->segments[i]++;
            probe->stable[i][0] = 0;
            probe->last_end[i] = INT64_MIN;
        }
    }
    return STAPES_OK;
}

void st_probe_close(st_probe *probe)
{
    int left;
    if (probe->opened && probe->stage->close) {
        begin(probe, "close", true);
        probe->stage->close(&probe->me);
        probe->in = NULL;
    }
    left = atomic_load(&probe->outstanding);
    if (probe->opened && left)
        st_probe_breach(probe,
                        "keeps %d packet%s for ever: each retain and each host->packet takes one release or "
                        "emit",
                        left, left > 1 ? "s" : "");
    pthread_mutex_lock(&probe->c->shared_mutex);
    for (st_suite_shared **at = &probe->c->shared; *at;) {
        st_suite_shared *one = *at;
        uint32_t         kept = 0;
        for (uint32_t i = 0; i < one->n_users; i++)
            if (one->users[i] != probe) one->users[kept++] = one->users[i];
        one->n_users = kept;
        if (kept) {
            at = &one->next;
            continue;
        }
        *at = one->next;
        if (one->destroy) one->destroy(one->object);
        free(one->key);
        free(one);
    }
    pthread_mutex_unlock(&probe->c->shared_mutex);
    for (uint32_t i = 0; i < probe->n_allocations; i++) free(probe->allocations[i]);
    free(probe->allocations);
    probe->allocations = NULL;
    probe->n_allocations = 0;
    if (probe->settings) st_guard_release(probe->settings);
    if (probe->state) st_guard_release(probe->state);
    probe->settings = probe->state = NULL;
    st_arena_close(&probe->arena);
}

/* ---- input packets
 * -------------------------------------------------------------------------------------------- */

st_guard *st_probe_packet(st_probe *probe, const stapes_format *format, uint32_t rows)
{
    st_guard      *guard = st_guard_packet((size_t)rows * st_record_row_size(format), "an input packet");
    stapes_packet *packet;
    if (!guard) return NULL;
    guard->owner = probe;
    atomic_fetch_add(&probe->outstanding, 1);
    packet = st_guard_head(guard);
    packet->format = format;
    packet->kind = format->kind;
    packet->columns = format->columns ? format->columns : 1;
    packet->rows = packet->capacity = rows;
    return guard;
}

void st_probe_drop(st_guard *guard) { st_probe_host.release(st_guard_head(guard)); }
