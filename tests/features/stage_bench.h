/* stage_bench.h - a host for one stage of the plugin features: settings from text, packets collected. */
#ifndef STAGE_BENCH_H
#define STAGE_BENCH_H

#include "check.h"

#include <stapes/stage.h>

#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { MOST_ROWS = 4000, MOST_COLUMNS = 480 };

typedef struct bench {
    const stapes_stage *stage;
    stapes_instance     me;
    bool                set[64];
    char                words[1024], logged[1024];
    uint32_t            rows, columns;
    stapes_format       format;
    stapes_bounds       bounds;
    float               values[MOST_ROWS * MOST_COLUMNS];
    stapes_time         starts[MOST_ROWS];
} bench;

static bench *bench_of(const stapes_instance *me) { return me->runtime; }

STAPES_FORMAT_CHECK(3, 4) static int fail(const stapes_instance *me, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!*bench_of(me)->words) (void)vsnprintf(bench_of(me)->words, 1024, format, arguments);
    va_end(arguments);
    return status;
}

STAPES_FORMAT_CHECK(3, 4) static void keep_log(const stapes_instance *me, int level, const char *format, ...)
{
    va_list arguments;
    (void)level;
    va_start(arguments, format);
    (void)vsnprintf(bench_of(me)->logged, 1024, format, arguments);
    va_end(arguments);
}

static bool is_set(const stapes_instance *me, const char *parameter)
{
    const bench *b = bench_of(me);
    for (uint32_t i = 0; i < b->stage->n_parameters; i++)
        if (!strcmp(b->stage->parameters[i].name, parameter)) return b->set[i];
    return false;
}

static stapes_packet *new_packet(const stapes_instance *me, uint32_t port, uint32_t rows)
{
    bench         *b = bench_of(me);
    stapes_packet *packet = calloc(1, sizeof *packet);
    (void)port;
    packet->data = calloc((size_t)rows * b->format.columns, sizeof(float));
    packet->kind = STAPES_FRAMES;
    packet->rows = packet->capacity = rows;
    packet->columns = b->format.columns;
    packet->format = &b->format;
    return packet;
}

static int emit(const stapes_instance *me, uint32_t port, stapes_packet *packet)
{
    bench *b = bench_of(me);
    (void)port;
    if (b->rows + packet->rows <= MOST_ROWS) {
        memcpy(b->values + (size_t)b->rows * packet->columns, packet->data,
               (size_t)packet->rows * packet->columns * sizeof(float));
        for (uint32_t i = 0; i < packet->rows; i++)
            b->starts[b->rows + i] = packet->start + i * b->format.hop;
    }
    b->rows += packet->rows;
    free(packet->data);
    free(packet);
    return STAPES_OK;
}

static bool canceled(const stapes_instance *me)
{
    (void)me;
    return false;
}

static const stapes_host host = {.size = sizeof host,
                                 .fail = fail,
                                 .log = keep_log,
                                 .is_set = is_set,
                                 .packet = new_packet,
                                 .emit = emit,
                                 .canceled = canceled};

/* One value, by its row. */
static void set(bench *b, const char *name, const char *text)
{
    for (uint32_t i = 0; i < b->stage->n_parameters; i++) {
        const stapes_parameter *row = &b->stage->parameters[i];
        char                   *field = (char *)b->me.settings + row->offset;
        int32_t                 number = (int32_t)strtol(text, NULL, 10);
        float                   real = strtof(text, NULL);
        bool                    yes = !strcmp(text, "true");
        if (strcmp(row->name, name) != 0) continue;
        if (row->choices) {
            number = 0;
            for (const char *c = row->choices; strncmp(c, text, strlen(text)) != 0; c = strchr(c, '|') + 1)
                number++;
        }
        if (row->type == STAPES_INT) memcpy(field, &number, sizeof number);
        if (row->type == STAPES_FLOAT) memcpy(field, &real, sizeof real);
        if (row->type == STAPES_BOOL) memcpy(field, &yes, sizeof yes);
        if (row->type == STAPES_STRING) memcpy(field, &text, sizeof text);
        b->set[i] = true;
        return;
    }
    CHECK_TEXT(name, "a parameter of this stage");
}

/* name, value, name, value, ..., NULL. The status of open. */
static inline int begin(bench *b, const stapes_stage *stage, ...)
{
    va_list arguments;
    *b = (bench){.stage = stage};
    b->me = (stapes_instance){.host = &host, .name = "features", .runtime = b};
    b->me.settings = calloc(1, stage->settings_size);
    b->me.state = calloc(1, stage->state_size);
    for (uint32_t i = 0; i < stage->n_parameters; i++)
        if (stage->parameters[i].initial) set(b, stage->parameters[i].name, stage->parameters[i].initial);
    memset(b->set, 0, sizeof b->set);
    va_start(arguments, stage);
    for (const char *name = va_arg(arguments, const char *); name; name = va_arg(arguments, const char *))
        set(b, name, va_arg(arguments, const char *));
    va_end(arguments);
    return stage->open(&b->me);
}

static inline int configure_for(bench *b, const stapes_format *in)
{
    const stapes_format *const inputs[] = {in};
    stapes_format *const       outputs[] = {&b->format};
    b->format = (stapes_format){.size = sizeof b->format, .kind = STAPES_FRAMES};
    b->bounds = (stapes_bounds){.size = sizeof b->bounds};
    return b->stage->configure(&b->me, inputs, outputs, &b->bounds);
}

static inline int configure(bench *b, uint32_t rate, uint32_t channels)
{
    const stapes_format in = {.size = sizeof in, .kind = STAPES_AUDIO, .columns = channels, .rate = rate};
    return configure_for(b, &in);
}

static inline int push(bench *b, const float *samples, uint32_t rows, stapes_time start)
{
    stapes_packet packet = {
        .data = (void *)samples, .start = start, .kind = STAPES_AUDIO, .rows = rows, .columns = 1};
    packet.duration = stapes_time_of(rows, 16000);
    return b->stage->process(&b->me, 0, &packet);
}

static inline void end(bench *b)
{
    b->stage->close(&b->me);
    free((void *)b->me.settings);
    free(b->me.state);
}

static inline stapes_time at(double seconds) { return (stapes_time)llround(seconds * (double)STAPES_SECOND); }

/* The stage of that name, or NULL: said once. */
static inline const stapes_stage *find_stage(const char *name)
{
    void *plugin = dlopen(PLUGIN, RTLD_NOW | RTLD_LOCAL);
    void *symbol = plugin ? dlsym(plugin, STAPES_ENTRY_NAME) : NULL;
    const stapes_plugin *(*entry)(void) = NULL;
    CHECK(symbol != NULL);
    if (!symbol) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    memcpy(&entry, &symbol, sizeof entry);
    for (uint32_t i = 0; i < entry()->n_stages; i++)
        if (!strcmp(entry()->stages[i]->name, name)) return entry()->stages[i];
    CHECK_TEXT("no such stage", name);
    return NULL;
}

#endif
