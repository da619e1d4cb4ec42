/* probe_host.c - the host that stages under test see: each function checks that it may be called now, on
 * this thread, with these arguments, and does what stage.h says (see probe.h). */
#include "suite/probe.h"

#include "contract/error.h"
#include "contract/format.h"
#include "plugin/parameter.h"
#include "suite/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static st_probe *probe_of(const stapes_instance *me) { return me->runtime; }

enum { CONTROL = 1, STREAM = 2, MOST_BYTES = 1 << 30 };

/* Whether the call is one that the function's tag allows. */
static bool may(st_probe *probe, const char *function, int tags)
{
    if (!probe->in) {
        st_probe_breach(probe, "calls host->%s outside of any call of the stage", function);
        return false;
    }
    if (!(tags & (probe->control ? CONTROL : STREAM)))
        st_probe_breach(probe, "%s calls host->%s, which is only for %s", probe->in, function,
                        probe->control ? "process, rows, event and flush" : "open, configure and close");
    else if (probe->in_parallel || !pthread_equal(probe->thread, pthread_self()))
        st_probe_breach(probe, "%s calls host->%s from the work of host->parallel or from another thread",
                        probe->in, function);
    else if (probe->refused < 0)
        st_probe_breach(probe, "%s goes on with host->%s after emit answered %d", probe->in, function,
                        probe->refused);
    return true;
}

static int fail(const stapes_instance *me, int status, const char *format, ...)
{
    st_probe *probe = probe_of(me);
    va_list   arguments;
    va_start(arguments, format);
    if (probe->error.status == 0)
        (void)vsnprintf(probe->error.text, sizeof probe->error.text, format, arguments);
    va_end(arguments);
    if (status >= 0)
        st_probe_breach(probe, "%s calls host->fail with status %d, which is no failure",
                        probe->in ? probe->in : "?", status);
    else if (!probe->error.status && !probe->error.text[0])
        st_probe_breach(probe, "%s calls host->fail with no words", probe->in ? probe->in : "?");
    if (!probe->error.status) probe->error.status = status;
    return status;
}

static void say(const stapes_instance *me, int level, const char *format, ...)
{
    st_probe *probe = probe_of(me);
    va_list   arguments;
    if (level < STAPES_DEBUG || level > STAPES_WARNING)
        st_probe_breach(probe, "calls host->log with level %d", level);
    if (!probe->c->options->verbose) return;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", me->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static void *allocate(const stapes_instance *me, size_t bytes)
{
    st_probe *probe = probe_of(me);
    void    **grown, *memory = NULL;
    may(probe, "allocate", CONTROL);
    if (bytes <= MOST_BYTES && !st_hook_fails()) memory = aligned_alloc(64, (bytes + 127) / 64 * 64);
    grown = memory ? realloc(probe->allocations, (probe->n_allocations + 1) * sizeof *grown) : NULL;
    if (!grown) {
        free(memory);
        fail(me, STAPES_ENOMEM, "no memory for %zu bytes", bytes);
        return NULL;
    }
    probe->allocations = grown;
    grown[probe->n_allocations++] = memory;
    return memset(memory, 0, (bytes + 127) / 64 * 64);
}

static bool is_set(const stapes_instance *me, const char *parameter)
{
    st_probe               *probe = probe_of(me);
    const stapes_parameter *row = st_parameter_find(probe->stage, parameter);
    may(probe, "is_set", CONTROL);
    if (!row)
        st_probe_breach(probe, "asks host->is_set for '%s', which is none of its parameters", parameter);
    return row && (size_t)(row - probe->stage->parameters) < STAPES_COUNT(probe->set) &&
           probe->set[row - probe->stage->parameters];
}

static stapes_packet *packet(const stapes_instance *me, uint32_t port, uint32_t rows)
{
    st_probe            *probe = probe_of(me);
    const stapes_format *format = &probe->formats[port < ST_SUITE_PORTS ? port : 0];
    st_guard            *guard;
    stapes_packet       *made;
    may(probe, "packet", STREAM);
    if (port >= probe->stage->n_outputs || !probe->known[port]) {
        st_probe_breach(probe, "asks for a packet of output %u, which has no format", port);
        fail(me, STAPES_ECONTRACT, "output %u has no format", port);
        return NULL;
    }
    guard = st_hook_fails()
                ? NULL
                : st_guard_packet((size_t)rows * st_record_row_size(format), "a packet that it made");
    if (!guard) {
        fail(me, STAPES_ENOMEM, "no memory for a packet of %u rows", rows);
        return NULL;
    }
    guard->owner = probe;
    atomic_fetch_add(&probe->outstanding, 1);
    made = st_guard_head(guard);
    made->format = format;
    made->kind = format->kind;
    made->columns = format->columns ? format->columns : 1;
    made->rows = made->capacity = rows;
    guard->made = *made;
    /* what a stage does not fill is seen, and differs from run to run */
    memset(guard->data, (int)(atomic_fetch_add(&probe->c->filling, 1) & 0x7f), guard->bytes);
    return made;
}

static void retain(const stapes_packet *given)
{
    st_guard *guard = st_guard_of(given);
    if (guard) atomic_fetch_add(&guard->references, 1);
}

static void release(const stapes_packet *given)
{
    st_guard *guard = st_guard_of(given);
    st_probe *probe = guard ? guard->owner : NULL;
    if (!guard || atomic_fetch_sub(&guard->references, 1) != 1) return;
    if (!st_guard_whole(guard)) st_probe_breach(probe, "something was written outside %s", guard->what);
    atomic_fetch_sub(&probe->outstanding, 1);
    st_guard_release(guard);
}

/* ---- what is emitted
 * -------------------------------------------------------------------------------------------- */

static bool inside(const st_guard *guard, const void *at, size_t bytes)
{
    return (const char *)at >= guard->data && bytes <= guard->bytes &&
           (size_t)((const char *)at - guard->data) <= guard->bytes - bytes;
}

/* A terminated string inside the packet? */
static bool string_inside(const st_guard *guard, const char *text)
{
    return text && inside(guard, text, 1) &&
           memchr(text, 0, (size_t)(guard->data + guard->bytes - text)) != NULL;
}

static bool is_utf8(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        int more = *at < 0x80                  ? 0
                   : *at >= 0xc2 && *at < 0xe0 ? 1
                   : *at >= 0xe0 && *at < 0xf0 ? 2
                   : *at >= 0xf0 && *at < 0xf5 ? 3
                                               : -1;
        if (more < 0) return false;
        for (at++; more; more--, at++)
            if ((*at & 0xc0) != 0x80) return false;
    }
    return true;
}

static void check_text(st_probe *probe, uint32_t port, const st_guard *guard)
{
    const stapes_text *text = (const void *)guard->data;
    const char        *wrong = NULL;
    size_t             length, kept = strlen(probe->stable[port]);
    if (guard->bytes < sizeof *text || text->size < sizeof *text || text->size > guard->bytes)
        wrong = "is smaller than stapes_text";
    else if (!string_inside(guard, text->text))
        wrong = "has its words outside its packet, or not terminated";
    else if (!is_utf8(text->text))
        wrong = "is not UTF-8";
    else if (text->n_words && !inside(guard, text->words, (size_t)text->n_words * sizeof *text->words))
        wrong = "has its list of words outside its packet";
    else if (text->n_alternatives &&
             !inside(guard, (const void *)text->alternatives, (size_t)text->n_alternatives * sizeof(char *)))
        wrong = "has its list of alternatives outside its packet";
    for (uint32_t i = 0; !wrong && i < text->n_words; i++) {
        if (!string_inside(guard, text->words[i].text))
            wrong = "has a word outside its packet";
        else if (text->words[i].end < text->words[i].start)
            wrong = "has a word that ends before it starts";
        else if (!(text->words[i].confidence <= 1.0f))
            wrong = "has a confidence above 1, or NaN";
    }
    for (uint32_t i = 0; !wrong && i < text->n_alternatives; i++)
        if (!string_inside(guard, text->alternatives[i])) wrong = "has an alternative outside its packet";
    if (!wrong) {
        length = strlen(text->text);
        if (text->stable > length || ((unsigned char)text->text[text->stable] & 0xc0) == 0x80)
            wrong = "says that more is stable than there is, or ends that inside a character";
        else if (kept && strncmp(text->text, probe->stable[port], kept))
            wrong = "changes what an earlier revision had called stable";
        else if (text->final > 1)
            wrong = "has a `final` that is neither 0 nor 1";
    }
    if (wrong) {
        st_probe_breach(probe, "%s emits a text that %s", probe->in, wrong);
        return;
    }
    length = text->stable < sizeof probe->stable[port] ? text->stable : sizeof probe->stable[port] - 1;
    memcpy(probe->stable[port], text->text, length);
    probe->stable[port][length] = 0;
    if (text->final) probe->stable[port][0] = 0;
}

static stapes_time length_of(const stapes_packet *given)
{
    const stapes_format *format = given->format;
    if (format->kind == STAPES_AUDIO) return stapes_time_of(given->rows, format->rate);
    if (format->kind == STAPES_FRAMES || format->kind == STAPES_SCORES) return format->hop * given->rows;
    return 0;
}

/* The place of a packet against those before it and against what was promised. */
static void check_place(st_probe *probe, uint32_t port, const stapes_packet *given)
{
    const stapes_format *format = given->format;
    bool                 grid = format->kind == STAPES_AUDIO ||
                ((format->kind == STAPES_FRAMES || format->kind == STAPES_SCORES) && format->hop);
    stapes_time row = format->kind == STAPES_AUDIO ? stapes_time_of(1, format->rate) + 1 : format->hop;
    double      start = stapes_seconds(given->start);
    stapes_time length = length_of(given);
    const char *in = probe->in;
    if (given->start < probe->last_start[port])
        st_probe_breach(probe, "%s emits a packet that starts at %.6f s after one that started at %.6f s", in,
                        start, stapes_seconds(probe->last_start[port]));
    else if (given->start < probe->promised[port])
        st_probe_breach(
            probe,
            "%s emits a packet that starts at %.6f s, but nothing before %.6f s was to come any more: "
            "the latency that configure gave is too small, or a mark was wrong",
            in, start, stapes_seconds(probe->promised[port]));
    else if (grid && given->start + 1 < probe->last_end[port])
        st_probe_breach(
            probe, "%s emits a packet that starts at %.6f s, inside the one before it, which ends at %.6f s",
            in, start, stapes_seconds(probe->last_end[port]));
    else if (given->duration < 0)
        st_probe_breach(probe, "%s emits a packet of negative duration", in);
    else if (grid && given->duration && (given->duration - length > row || length - given->duration > row))
        st_probe_breach(probe, "%s emits a packet of %.6f s whose rows last %.6f s", in,
                        stapes_seconds(given->duration), stapes_seconds(length));
    probe->last_start[port] = given->start;
    if (grid) probe->last_end[port] = given->start + (given->duration ? given->duration : length);
}

static void check_tokens(st_probe *probe, const stapes_packet *given)
{
    const stapes_token *tokens = given->data;
    for (uint32_t i = 0; i < given->rows; i++)
        if (tokens[i].end < tokens[i].start)
            st_probe_breach(probe, "%s emits a token that ends before it starts", probe->in);
}

static void check_head(st_probe *probe, uint32_t port, const st_guard *guard, const stapes_packet *given)
{
    const stapes_packet *made = &guard->made;
    const char          *wrong = NULL;
    bool                 ours = guard->made.format != NULL;
    if (ours &&
        (given->format != made->format || given->kind != made->kind || given->columns != made->columns ||
         given->capacity != made->capacity || given->data != made->data))
        wrong = "whose format, kind, columns, capacity or data it changed";
    else if (!st_format_equal(given->format, &probe->formats[port]))
        wrong = "of another format than the port's";
    else if (given->rows > given->capacity)
        wrong = "with more rows than it asked for";
    else if (!st_guard_whole(guard))
        wrong = "beside whose data it wrote";
    if (wrong) st_probe_breach(probe, "%s emits a packet %s", probe->in, wrong);
}

/* What emit and event answer now: 0, or a refusal that is planned or asked for. */
static int answer(st_probe *probe)
{
    int status = STAPES_OK;
    if (atomic_load(&probe->canceled)) status = STAPES_ECANCELED;
    if (probe->refuse_emit && --probe->refuse_emit == 0) status = STAPES_EPIPE;
    if (status < 0) probe->refused = status;
    return status;
}

static int emit(const stapes_instance *me, uint32_t port, stapes_packet *given)
{
    st_probe *probe = probe_of(me);
    st_guard *guard = st_guard_of(given);
    int       status;
    may(probe, "emit", STREAM);
    if (!guard) {
        st_probe_breach(probe, "%s emits what is no packet of this host", probe->in);
        return probe->refused = STAPES_ECONTRACT;
    }
    if (port >= probe->stage->n_outputs || !probe->known[port]) {
        st_probe_breach(probe, "%s emits to output %u, which has no format", probe->in, port);
        release(given);
        return probe->refused = STAPES_ECONTRACT;
    }
    check_head(probe, port, guard, given);
    if (!probe->breach[0]) {
        check_place(probe, port, given);
        if (given->kind == STAPES_TEXT) check_text(probe, port, guard);
        if (given->kind == STAPES_TOKENS) check_tokens(probe, given);
    }
    if (!probe->breach[0]) {
        stapes_packet copy = *given;
        if (!copy.duration) copy.duration = length_of(given);
        st_hook_pause(true);
        st_record_packet(&probe->sent, port, probe->segments[port], &copy);
        st_hook_pause(false);
    }
    status = answer(probe);
    release(given);
    return status;
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *given)
{
    st_probe *probe = probe_of(me);
    may(probe, "event", STREAM);
    if (port >= probe->stage->n_outputs || !given || given->size < offsetof(stapes_event, segment)) {
        st_probe_breach(probe, "%s sends an event to output %u that is none (its size is %u)", probe->in,
                        port, given ? given->size : 0);
        return probe->refused = STAPES_ECONTRACT;
    }
    if (!probe->stage->n_inputs) {
        const char *wrong = NULL;
        switch (given->type) {
        case STAPES_RECORDING_BEGIN:
            if (probe->in_recording) wrong = "begins a recording inside one";
            probe->in_recording = true;
            break;
        case STAPES_RECORDING_END:
            if (!probe->in_recording || probe->in_segment)
                wrong = "ends a recording that has not begun, or inside a segment";
            probe->in_recording = false;
            break;
        case STAPES_SEGMENT_BEGIN:
            if (probe->in_segment) wrong = "begins a segment inside one";
            probe->in_segment = true;
            break;
        case STAPES_SEGMENT_END:
            if (!probe->in_segment) wrong = "ends a segment that has not begun";
            probe->in_segment = false;
            break;
        default: break;
        }
        if (wrong) st_probe_breach(probe, "%s %s", probe->in, wrong);
    }
    if (given->type == STAPES_RECORDING_BEGIN || given->type == STAPES_RECORDING_END)
        probe->last_start[port] = probe->last_end[port] = probe->promised[port] = INT64_MIN;
    st_hook_pause(true);
    st_record_event(&probe->sent, port, probe->segments[port], given);
    st_hook_pause(false);
    if (given->type == STAPES_SEGMENT_END) {
        probe->segments[port]++;
        probe->stable[port][0] = 0;
        probe->last_end[port] = INT64_MIN;
    }
    return answer(probe);
}

static int mark(const stapes_instance *me, uint32_t port, stapes_time position)
{
    st_probe *probe = probe_of(me);
    may(probe, "mark", STREAM);
    if (port >= probe->stage->n_outputs) {
        st_probe_breach(probe, "%s marks output %u, which there is not", probe->in, port);
        return STAPES_ECONTRACT;
    }
    if (position > probe->promised[port]) probe->promised[port] = position;
    return STAPES_OK;
}

static int announce(const stapes_instance *me, uint32_t port, const stapes_format *format)
{
    st_probe *probe = probe_of(me);
    may(probe, "announce", STREAM);
    if (probe->stage->n_inputs || port >= probe->stage->n_outputs) {
        st_probe_breach(probe, "%s announces a format on output %u: only sources may, on theirs", probe->in,
                        port);
        return fail(me, STAPES_ECONTRACT, "only sources announce formats");
    }
    if (probe->in_segment && probe->known[port] && !st_format_equal(format, &probe->formats[port]))
        st_probe_breach(probe, "%s announces another format inside a segment", probe->in);
    if (!(probe->stage->outputs[port].kinds & STAPES_KIND(format->kind & 31u)))
        st_probe_breach(probe, "%s announces %s, which is not among the kinds of the output", probe->in,
                        st_format_kind_name(format->kind));
    probe->formats[port] = (stapes_format){.size = sizeof(stapes_format)};
    memcpy(&probe->formats[port], format,
           format->size && format->size < sizeof *format ? format->size : sizeof *format);
    probe->formats[port].recipe = st_suite_keep(probe->c, format->recipe);
    probe->formats[port].vocabulary = st_suite_keep(probe->c, format->vocabulary);
    probe->known[port] = true;
    return STAPES_OK;
}

static void reject(const stapes_instance *me, const char *input, const char *format, ...)
{
    st_probe *probe = probe_of(me);
    may(probe, "reject", STREAM);
    (void)format;
    if (probe->stage->n_inputs)
        st_probe_breach(probe, "%s calls host->reject, which is for sources", probe->in);
    if (!input) st_probe_breach(probe, "%s rejects an input without its name", probe->in);
    probe->rejected++;
    probe->in_recording = probe->in_segment = false;
    probe->refused = 0;
    for (uint32_t i = 0; i < ST_SUITE_PORTS; i++)
        probe->last_start[i] = probe->last_end[i] = probe->promised[i] = INT64_MIN;
}

static int share(const stapes_instance *me, const char *key,
                 int (*make)(const stapes_instance *me, void *argument, void **object),
                 void (*destroy)(void *object), void *argument, void **object)
{
    st_probe        *probe = probe_of(me);
    st_case         *c = probe->c;
    const char      *plugin = c->loaded.plugin.about.name;
    st_suite_shared *one;
    int              status = STAPES_OK;
    bool             mine = false;
    may(probe, "share", CONTROL);
    if (strncmp(key, plugin, strlen(plugin)))
        st_probe_breach(probe, "shares an object as '%.80s': keys begin with the name of the plugin, '%s'",
                        key, plugin);
    pthread_mutex_lock(&c->shared_mutex);
    for (one = c->shared; one && strcmp(one->key, key);) one = one->next;
    if (!one) {
        st_hook_pause(true);
        one = calloc(1, sizeof *one);
        if (one) one->key = strdup(key);
        st_hook_pause(false);
        if (!one || !one->key) {
            free(one);
            status = fail(me, STAPES_ENOMEM, "no memory");
            goto done;
        }
        status = make(me, argument, &one->object);
        if (status < 0) {
            free(one->key);
            free(one);
            goto done;
        }
        one->destroy = destroy;
        one->next = c->shared;
        c->shared = one;
    }
    for (uint32_t i = 0; i < one->n_users; i++)
        if (one->users[i] == probe) mine = true;
    if (!mine && one->n_users < STAPES_COUNT(one->users)) one->users[one->n_users++] = probe;
    *object = one->object;
done:
    pthread_mutex_unlock(&c->shared_mutex);
    return status;
}

/* ---- work on several threads
 * -------------------------------------------------------------------------------------- */

typedef struct crowd {
    void (*work)(void *argument, uint32_t i);
    void       *argument;
    uint32_t    count;
    atomic_uint next;
} crowd;

static void *worker(void *argument)
{
    crowd *all = argument;
    for (uint32_t i; (i = atomic_fetch_add(&all->next, 1)) < all->count;) all->work(all->argument, i);
    return NULL;
}

static void parallel(const stapes_instance *me, uint32_t count, void (*work)(void *argument, uint32_t i),
                     void *argument)
{
    st_probe *probe = probe_of(me);
    crowd     all = {.work = work, .argument = argument, .count = count};
    pthread_t threads[2];
    uint32_t  n_threads = 0;
    may(probe, "parallel", CONTROL | STREAM);
    probe->in_parallel = true;
    if (probe->parallel == ST_THREADS)
        while (n_threads < 2 && !pthread_create(&threads[n_threads], NULL, worker, &all)) n_threads++;
    if (probe->parallel == ST_BACKWARDS)
        for (uint32_t i = count; i-- > 0;) work(argument, i);
    else
        worker(&all);
    for (uint32_t i = 0; i < n_threads; i++) (void)pthread_join(threads[i], NULL);
    probe->in_parallel = false;
}

static uint32_t count_threads(const stapes_instance *me)
{
    may(probe_of(me), "threads", CONTROL | STREAM);
    return probe_of(me)->parallel == ST_THREADS ? 3 : 1;
}

static bool canceled(const stapes_instance *me) { return atomic_load(&probe_of(me)->canceled); }

static const void *extension(const stapes_instance *me, const char *name)
{
    may(probe_of(me), "extension", CONTROL);
    (void)name;
    return NULL; /* this host has no further families of functions */
}

const stapes_host st_probe_host = {
    .size = sizeof(stapes_host),
    .minor = STAPES_ABI_MINOR_LATEST,
    .fail = fail,
    .log = say,
    .allocate = allocate,
    .is_set = is_set,
    .packet = packet,
    .emit = emit,
    .retain = retain,
    .release = release,
    .event = event,
    .mark = mark,
    .announce = announce,
    .reject = reject,
    .share = share,
    .parallel = parallel,
    .canceled = canceled,
    .extension = extension,
    .threads = count_threads,
};
