/* stage_bench.c - see stage_bench.h. Objects that stages share are one for all benches of the process. */
#include "stage_bench.h"

#include "runtime/engine.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bench *bench_of(const stapes_instance *me) { return me->runtime; }

STAPES_FORMAT_CHECK(3, 4) static int fail(const stapes_instance *me, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!*bench_of(me)->words) (void)vsnprintf(bench_of(me)->words, 1024, format, arguments);
    va_end(arguments);
    return status;
}

STAPES_FORMAT_CHECK(3, 4) static void drop_log(const stapes_instance *me, int level, const char *format, ...)
{
    (void)me;
    (void)level;
    (void)format;
}

/* ---- packets -------------------------------------------------------------------------------------- */

static size_t row_size(const stapes_format *format)
{
    if (format->kind == STAPES_TEXT) return 1;
    return format->kind == STAPES_TOKENS ? sizeof(stapes_token) : format->columns * sizeof(float);
}

static stapes_packet *new_packet(const stapes_instance *me, uint32_t port, uint32_t rows)
{
    const stapes_format *format = &bench_of(me)->formats[port];
    stapes_packet       *packet = calloc(1, sizeof *packet);
    size_t               bytes = rows * row_size(format);
    if (!packet || !(packet->data = aligned_alloc(64, (bytes + 64) / 64 * 64))) abort();
    packet->kind = format->kind;
    packet->rows = packet->capacity = rows;
    packet->columns = format->columns;
    packet->format = format;
    return packet;
}

static void keep_rows(bench *b, const stapes_packet *packet)
{
    if (b->rows + packet->rows > b->room) {
        b->room = 2 * ((size_t)b->rows + packet->rows);
        b->values = realloc(b->values, b->room * row_size(packet->format));
        b->starts = realloc(b->starts, b->room * sizeof *b->starts);
        if (!b->values || !b->starts) abort();
    }
    memcpy(b->values + (size_t)b->rows * packet->columns, packet->data,
           packet->rows * row_size(packet->format));
    for (uint32_t i = 0; i < packet->rows; i++)
        b->starts[b->rows + i] = packet->start + i * packet->format->hop;
    b->rows += packet->rows;
}

static int emit(const stapes_instance *me, uint32_t port, stapes_packet *packet)
{
    bench *b = bench_of(me);
    (void)port;
    if (packet->kind == STAPES_TEXT) {
        const stapes_text *text = packet->data;
        b->last = *text;
        (void)snprintf(b->text, sizeof b->text, "%s", text->text);
        b->text_start = packet->start;
        b->text_end = packet->start + packet->duration;
        b->n_texts++;
    } else if (packet->kind == STAPES_TOKENS) {
        if (b->n_tokens + packet->rows <= BENCH_TOKENS)
            memcpy(b->tokens + b->n_tokens, packet->data, packet->rows * sizeof(stapes_token));
        b->n_tokens += packet->rows;
    } else {
        keep_rows(b, packet);
    }
    free(packet->data);
    free(packet);
    return b->refuse && --b->refuse == 0 ? STAPES_EPIPE : STAPES_OK;
}

/* ---- what is shared ------------------------------------------------------------------------------- */

static struct shared {
    char  key[4200];
    void *object;
    void (*destroy)(void *object);
    const bench *users[256];
    uint32_t     n_users;
} all_shared[4];

static int share(const stapes_instance *me, const char *key,
                 int (*make)(const stapes_instance *me, void *argument, void **object),
                 void (*destroy)(void *object), void *argument, void **object)
{
    struct shared *one = NULL;
    for (size_t i = 0; i < STAPES_COUNT(all_shared); i++)
        if (all_shared[i].n_users && !strcmp(all_shared[i].key, key)) one = &all_shared[i];
    for (size_t i = 0; i < STAPES_COUNT(all_shared) && !one; i++)
        if (!all_shared[i].n_users) one = &all_shared[i];
    if (!one || one->n_users == STAPES_COUNT(one->users) || strlen(key) >= sizeof one->key ||
        strncmp(key, "recurrent:", 10) != 0)
        return fail(me, STAPES_ECONTRACT, "the key '%s' is not one for this host", key);
    if (!one->n_users) {
        int status = make(me, argument, &one->object);
        if (status < 0) return status;
        memcpy(one->key, key, strlen(key) + 1);
        one->destroy = destroy;
    }
    one->users[one->n_users++] = bench_of(me);
    *object = one->object;
    return STAPES_OK;
}

static void leave_shared(const bench *b)
{
    for (size_t i = 0; i < STAPES_COUNT(all_shared); i++) {
        struct shared *one = &all_shared[i];
        uint32_t       kept = 0;
        for (uint32_t k = 0; k < one->n_users; k++)
            if (one->users[k] != b) one->users[kept++] = one->users[k];
        if (one->n_users && !kept) one->destroy(one->object);
        one->n_users = kept;
    }
}

/* ---- the rest of the host ------------------------------------------------------------------------- */

static bool canceled(const stapes_instance *me)
{
    bench *b = bench_of(me);
    return b->canceled || (b->cancel_at && ++b->asked >= b->cancel_at);
}

static void parallel(const stapes_instance *me, uint32_t count, void (*work)(void *argument, uint32_t i),
                     void *argument)
{
    st_workers *workers = bench_of(me)->workers;
    if (workers)
        st_workers_run(workers, count, work, argument);
    else
        for (uint32_t i = count; i-- > 0;) work(argument, i); /* in whatever order */
}

static uint32_t threads(const stapes_instance *me)
{
    const st_workers *workers = bench_of(me)->workers;
    return workers ? st_workers_threads(workers) : 1;
}

void *bench_open_workers(uint32_t count) { return st_workers_open(count); }
void  bench_close_workers(void *workers) { st_workers_close(workers); }

static const stapes_host host = {.size = sizeof host,
                                 .fail = fail,
                                 .log = drop_log,
                                 .packet = new_packet,
                                 .emit = emit,
                                 .share = share,
                                 .parallel = parallel,
                                 .canceled = canceled,
                                 .threads = threads};

/* ---- calls ---------------------------------------------------------------------------------------- */

int bench_open(bench *b, const char *file, const char *model, float longest)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const stapes_plugin *(*entry)(void) = NULL;
    void *symbol = library ? dlsym(library, STAPES_ENTRY_NAME) : NULL;
    memcpy(&entry, &symbol, sizeof entry);
    memset(b, 0, sizeof *b);
    if (!entry) return STAPES_ESYSTEM;
    b->stage = entry()->stages[0];
    char *settings = calloc(1, b->stage->settings_size);
    void *state = aligned_alloc(64, (b->stage->state_size + 63) / 64 * 64);
    if (!settings || !state) abort();
    memset(state, 0, b->stage->state_size);
    for (uint32_t i = 0; i < b->stage->n_parameters; i++) {
        const stapes_parameter *row = b->stage->parameters + i;
        if (row->type == STAPES_STRING) memcpy(settings + row->offset, &model, sizeof model);
        if (row->type == STAPES_FLOAT) memcpy(settings + row->offset, &longest, sizeof longest);
    }
    b->me =
        (stapes_instance){.host = &host, .settings = settings, .state = state, .name = "test", .runtime = b};
    return b->stage->open(&b->me);
}

void bench_close(bench *b)
{
    if (!b->stage) return;
    b->stage->close(&b->me);
    leave_shared(b);
    free((void *)(uintptr_t)b->me.settings);
    free(b->me.state);
    free(b->values);
    free(b->starts);
}

int bench_configure(bench *b, const stapes_format *in)
{
    stapes_format *outs[2] = {b->formats, b->formats + 1};
    for (uint32_t i = 0; i < b->stage->n_outputs; i++) {
        uint32_t kind = 0;
        while (!(b->stage->outputs[i].kinds & STAPES_KIND(kind))) kind++;
        b->formats[i] = (stapes_format){.size = sizeof(stapes_format), .kind = kind};
    }
    b->words[0] = 0;
    return b->stage->configure(&b->me, &in, outs, &b->bounds);
}

const char *bench_recipe(const char *file, const char *model, char *text, size_t size)
{
    static bench  b;
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = 1, .hop = STAPES_SECOND};
    const char   *found = NULL;
    if (bench_open(&b, file, model, 1) >= 0 && bench_configure(&b, &in) == STAPES_EFORMAT &&
        strstr(b.words, "does not say how its features were made"))
        found = strstr(b.words, "logmel ");
    (void)snprintf(text, size, "%s", found ? found : "");
    bench_close(&b);
    return text;
}

stapes_packet bench_packet(const stapes_format *in, stapes_time start, const float *data, uint32_t rows)
{
    return (stapes_packet){.format = in,
                           .data = (void *)(uintptr_t)data,
                           .start = start,
                           .duration = rows * in->hop,
                           .kind = in->kind,
                           .rows = rows,
                           .columns = in->columns,
                           .capacity = rows};
}

int bench_push(bench *b, const stapes_format *in, stapes_time start, const float *data, uint32_t rows)
{
    stapes_packet packet = bench_packet(in, start, data, rows);
    return b->stage->process(&b->me, 0, &packet);
}

int bench_flush(bench *b) { return b->stage->flush(&b->me, STAPES_FLUSH_SEGMENT); }

int bench_event(bench *b, uint32_t type, uint32_t segment)
{
    stapes_event event = {.size = sizeof event, .type = type, .segment = segment};
    return b->stage->event(&b->me, 0, &event);
}
