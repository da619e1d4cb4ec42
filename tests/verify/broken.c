/* broken.c - stages that each break one promise of stage.h, one source built once for each FAULT: the
 * tests of the contract suite itself. Without a fault (FAULT 0) it is a good stage that smooths audio and
 * keeps a delay of some rows, so that there is something to break. */
#include <stapes/stage.h>

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NONE 0
#define WRITES_BEHIND 1
#define WRITES_BEFORE 2
#define DEPENDS_ON_CUTS 3
#define KEEPS_STATE 4
#define ALLOCATES 5
#define LEAKS_MEMORY 6
#define LEAKS_PACKET 7
#define LEAKS_THREAD 8
#define LEAKS_FILE 9
#define HANGS 10
#define IGNORES_CANCEL 11
#define CHANGES_INPUT 12
#define GOES_BACK 13
#define EXITS 14
#define SMALL_LATENCY 15
#define KEEPS_INPUT 16
#define SPEECHLESS 17
#define SWALLOWS_REFUSAL 18
#define DEPENDS_ON_THREADS 19
#define SHARES_STATE 20
#define CATCHES_NAN 21
#define PRINTS 22
#define NO_CHECK 23
#define CONSUMES_UNKNOWN 24
#define BAD_BATCH 25
#define LOCKS 26
#define USES_RELEASED 27
#define CHANGES_SETTINGS 28
#define OVERFLOWS_STATE 29
#define EMITS_AT_CONFIGURE 30
#define OVERLAPS 31
#define WRONG_FORMAT 32
#define ABORTS_ON_EMPTY 33
#define FLUSHES_SOME 34
#define MIXES_SEGMENTS 35
#define STOPS_AT_FIRST 36
#define HIDES_FAILURE 37
#define ALLOCATES_FOR_MANY 38
#define GOOD_BATCH 39
#define BATCH_IGNORES_CANCEL 40

enum { DELAY = 100, PARTS = 4 };

typedef struct settings {
    float strength;
} settings;

typedef struct state {
    float                last[8];         /* of each channel */
    float                held[DELAY * 8]; /* rows that wait */
    uint32_t             n_held, columns, rate;
    stapes_time          start; /* of the first row that waits */
    float               *room;
    const float         *input;
    uint32_t             input_rows, packets;
    const stapes_packet *kept;
} state;

#if FAULT == SHARES_STATE
static float shared_last[8];
#endif

static int open_stage(const stapes_instance *me)
{
    state *s = me->state;
#if FAULT == NO_CHECK
    s->room = malloc(1000 * sizeof(float));
    s->room[0] = 0;
    return STAPES_OK;
#else
    s->room = malloc(1000 * sizeof(float));
    if (!s->room) return me->host->fail(me, STAPES_ENOMEM, "no memory for %d numbers", 1000);
    if (!me->host->allocate(me, 100)) return STAPES_ENOMEM;
    return STAPES_OK;
#endif
}

static void reset(state *s)
{
#if FAULT == CATCHES_NAN
    for (int i = 0; i < 8; i++) s->last[i] *= 0.0f;
#else
    memset(s->last, 0, sizeof s->last);
#endif
    s->n_held = 0;
}

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    state *s = me->state;
    (void)outputs;
    if (inputs[0]->columns > 8 || !inputs[0]->rate) {
#if FAULT == SPEECHLESS
        return STAPES_EFORMAT;
#else
        return me->host->fail(me, STAPES_EFORMAT, "takes 1 to 8 channels, not %u", inputs[0]->columns);
#endif
    }
    s->columns = inputs[0]->columns;
    s->rate = inputs[0]->rate;
    reset(s);
#if FAULT == WRONG_FORMAT
    outputs[0]->kind = STAPES_TEXT;
#endif
#if FAULT == EMITS_AT_CONFIGURE
    stapes_packet *packet = me->host->packet(me, 0, 1);
    if (packet) me->host->release(packet);
#endif
    bounds->latency = stapes_time_of(DELAY, s->rate) + 1;
#if FAULT == SMALL_LATENCY
    bounds->latency = 0;
#elif FAULT == OVERLAPS || FAULT == GOES_BACK
    bounds->latency = 2 * STAPES_SECOND;
#endif
    return STAPES_OK;
}

static void smooth(state *s, const settings *set, const float *in, float *out, uint32_t rows)
{
    float *last = s->last;
#if FAULT == SHARES_STATE
    last = shared_last;
#endif
    for (uint32_t i = 0; i < rows; i++)
        for (uint32_t c = 0; c < s->columns; c++) {
            float x = in[i * s->columns + c];
#if FAULT != CATCHES_NAN
            if (!isfinite(x)) x = 0;
#endif
            last[c] = set->strength * last[c] + x;
            out[i * s->columns + c] = last[c];
        }
}

#if FAULT == DEPENDS_ON_THREADS
typedef struct sum {
    float total;
} sum;
static void add_part(void *argument, uint32_t i)
{
    sum *all = argument;
    all->total = all->total * 0.5f + (float)i; /* the order shows */
}
#endif

/* The rows that waited and the new ones, less those that wait from now on. */
static int send(const stapes_instance *me, const float *in, uint32_t rows, stapes_time start, uint32_t keep)
{
    const settings *set = me->settings;
    state          *s = me->state;
    uint32_t        total = s->n_held + rows, out_rows, c = s->columns;
    stapes_packet  *packet;
    float          *out;
    int             status;
    (void)set;
    if (total <= keep) {
        if (!s->n_held) s->start = start;
        if (rows) memcpy(s->held + s->n_held * c, in, (size_t)rows * c * sizeof *in);
        s->n_held = total;
        return STAPES_OK;
    }
    out_rows = total - keep;
    packet = me->host->packet(me, 0, out_rows);
    if (!packet) return STAPES_ENOMEM;
    out = packet->data;
    packet->start = s->n_held ? s->start : start;
    /* held rows first, then of the input as many as go out */
    uint32_t from_held = out_rows < s->n_held ? out_rows : s->n_held, from_input = out_rows - from_held;
    smooth(s, set, s->held, out, from_held);
    smooth(s, set, in, out + (size_t)from_held * c, from_input);
    uint32_t left = s->n_held - from_held;
    memmove(s->held, s->held + (size_t)from_held * c, (size_t)left * c * sizeof *in);
    if (rows - from_input)
        memcpy(s->held + (size_t)left * c, in + (size_t)from_input * c,
               (size_t)(rows - from_input) * c * sizeof *in);
    s->start = packet->start + stapes_time_of(out_rows, s->rate);
    s->n_held = left + rows - from_input;
#if FAULT == WRITES_BEHIND
    out[(size_t)out_rows * c] = 1.0f;
#elif FAULT == WRITES_BEFORE
    out[-1] = 1.0f;
#elif FAULT == GOES_BACK
    if (s->packets == 2) packet->start -= STAPES_SECOND;
#elif FAULT == OVERLAPS
    packet->start -= stapes_time_of(10, s->rate) * (s->packets > 1 ? 1 : 0);
#elif FAULT == DEPENDS_ON_THREADS
    sum all = {0};
    me->host->parallel(me, PARTS, add_part, &all);
    out[0] += all.total;
#elif FAULT == DEPENDS_ON_CUTS
    out[0] *= 0.5f;
#endif
    status = me->host->emit(me, 0, packet);
#if FAULT == USES_RELEASED
    if (status >= 0) out[0] = 3.0f;
#elif FAULT == SWALLOWS_REFUSAL
    status = STAPES_OK;
#endif
    return status;
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *s = me->state;
    (void)port;
    s->packets++;
#if FAULT == ALLOCATES
    void *volatile piece = malloc(100);
    free(piece);
#elif FAULT == LEAKS_PACKET
    if (s->packets == 2) me->host->retain(packet);
#elif FAULT == CHANGES_INPUT
    ((float *)packet->data)[0] = 0;
#elif FAULT == HANGS
    while (packet->rows > 7) (void)usleep(1000);
#elif FAULT == IGNORES_CANCEL
    if (packet->rows > 100000) (void)sleep(TOO_LONG);
#elif FAULT == EXITS
    if (s->packets == 3) exit(0);
#elif FAULT == KEEPS_INPUT
    if (s->input && s->input_rows) s->last[0] += s->input[0];
    s->input = packet->data;
    s->input_rows = packet->rows;
#elif FAULT == PRINTS
    if (s->packets == 1) printf("hello\n");
#elif FAULT == LOCKS
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    (void)pthread_mutex_lock(&mutex);
    (void)pthread_mutex_unlock(&mutex);
#elif FAULT == CHANGES_SETTINGS
    ((settings *)me->settings)->strength = 1.0f;
#elif FAULT == OVERFLOWS_STATE
    volatile char *state_bytes = me->state;
    state_bytes[sizeof(state)] = 1;
#endif
    return send(me, packet->data, packet->rows, packet->start, DELAY);
}

static int flush(const stapes_instance *me, int how)
{
    state *s = me->state;
    int    status;
    (void)how;
#if FAULT == ABORTS_ON_EMPTY
    if (!s->n_held) *(volatile int *)0 = 0;
#endif
    status = s->n_held ? send(me, NULL, 0, 0, 0) : STAPES_OK;
#if FAULT == KEEPS_STATE
    s->n_held = 0;
#else
    reset(s);
#endif
    s->packets = 0;
    return status;
}

#if FAULT == CONSUMES_UNKNOWN
static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    (void)me, (void)port;
    return what->type > STAPES_DEVICE_BACK ? STAPES_CONSUMED : STAPES_OK;
}
#endif

#if FAULT == LEAKS_THREAD
static void *sleeper(void *argument)
{
    (void)sleep(1000);
    return argument;
}
#endif

static void close_stage(const stapes_instance *me)
{
    state *s = me->state;
#if FAULT == LEAKS_THREAD
    pthread_t thread;
    if (!pthread_create(&thread, NULL, sleeper, NULL)) (void)pthread_detach(thread);
#elif FAULT == LEAKS_FILE
    (void)!open("/dev/null", O_RDONLY);
#endif
#if FAULT != LEAKS_MEMORY
    free(s->room);
#else
    (void)s;
#endif
}

#if FAULT == BAD_BATCH
static int process_many(const stapes_instance *const *many, const stapes_packet *const *packets,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        /* all of them with the state of the first */
        int status = process(many[i], 0, packets[i]);
        if (status < 0) return status;
        if (i) memcpy(((state *)many[i]->state)->last, ((state *)many[0]->state)->last, sizeof(float) * 8);
    }
    return STAPES_OK;
}
#endif

#if FAULT >= FLUSHES_SOME
static int process_many(const stapes_instance *const *many, const stapes_packet *const *packets,
                        uint32_t count)
{
    int first = STAPES_OK;
    for (uint32_t i = 0; i < count; i++) {
        int status = process(many[i], 0, packets[i]);
        if (!first) first = status;
#if FAULT == STOPS_AT_FIRST
        if (status < 0) return status;
#endif
    }
#if FAULT == HIDES_FAILURE
    first = STAPES_OK;
#endif
    return first;
}

static int flush_many(const stapes_instance *const *many, uint32_t count, int how)
{
    int first = STAPES_OK;
#if FAULT == ALLOCATES_FOR_MANY
    void *volatile piece = malloc(count);
    free(piece);
#elif FAULT == FLUSHES_SOME
    if (count > 1) count--;
#elif FAULT == BATCH_IGNORES_CANCEL
    if (count > 1) (void)sleep(TOO_LONG);
#endif
    for (uint32_t i = 0; i < count; i++) {
#if FAULT == MIXES_SEGMENTS
        memcpy(((state *)many[i]->state)->last, ((state *)many[0]->state)->last, sizeof(float) * 8);
        if (i) ((state *)many[i]->state)->held[0] = ((state *)many[0]->state)->held[0];
#endif
        int status = flush(many[i], how);
        if (!first) first = status;
    }
    return first;
}
#endif

static const stapes_port inputs[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_AUDIO)}};
static const stapes_port outputs[] = {
    {.name = "out", .kinds = STAPES_KIND(STAPES_AUDIO) | STAPES_KIND(STAPES_FRAMES)}};
static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, strength, "0.5", "of the smoothing", .least = 0, .greatest = 1),
};

static const stapes_stage stage = {
    .size = sizeof(stapes_stage),
    .name = "broken.smooth",
    .summary = "smooths, and breaks one promise",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_stage,
    .configure = configure,
    .process = process,
    .flush = flush,
    .close = close_stage,
#if FAULT == CONSUMES_UNKNOWN
    .event = event,
#endif
#if FAULT == BAD_BATCH || FAULT >= FLUSHES_SOME
    .process_many = process_many,
#endif
#if FAULT >= FLUSHES_SOME
    .flush_many = flush_many,
#endif
};

STAPES_PLUGIN("broken", "1.0.0", "MIT", &stage);
