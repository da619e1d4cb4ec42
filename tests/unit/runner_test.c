/* runner_test.c - the runner on graphs made by hand of scripted stages: order of packets and events,
 * joins, formats that change, recordings given up, failures, cancellation, steady memory. */
#include "check.h"
#include "runtime/engine.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- scripted stages -------------------------------------------------------------------------------- */

enum act { RECORDING, FORMAT, SEGMENT, AUDIO, END_SEGMENT, END_RECORDING, REJECT, BACKWARDS };

typedef struct step {
    int         act;
    uint32_t    value; /* AUDIO: rows; FORMAT: rate */
    const char *name;
} step;

typedef struct script {
    const step *steps;
    uint32_t    count;
} script; /* settings of the source */

typedef struct progress {
    uint32_t next, rate;
    int64_t  frames;
} progress;

static int source_event(const stapes_instance *me, uint32_t type, const char *name)
{
    const progress *p = me->state;
    stapes_event    event = {.size = sizeof event, .type = type, .name = name};
    event.position = p->rate ? stapes_time_of(p->frames, p->rate) : 0;
    return me->host->event(me, 0, &event);
}

static int source_process(const stapes_instance *me, uint32_t port, const stapes_packet *unused)
{
    const script *set = me->settings;
    progress     *p = me->state;
    (void)port, (void)unused;
    if (p->next == set->count) return STAPES_END;
    const step   *s = &set->steps[p->next++];
    stapes_format format = {.size = sizeof format, .kind = STAPES_AUDIO, .columns = 1, .rate = s->value};
    int           status = STAPES_OK;
    switch (s->act) {
    case RECORDING: p->frames = 0; return source_event(me, STAPES_RECORDING_BEGIN, s->name);
    case FORMAT:
        p->rate = s->value;
        status = me->host->announce(me, 0, &format);
        if (status == STAPES_EINPUT) {
            me->host->reject(me, s->name, NULL);
            return STAPES_OK;
        }
        return status;
    case SEGMENT: return source_event(me, STAPES_SEGMENT_BEGIN, NULL);
    case BACKWARDS: p->frames = 0; /* fall through */
    case AUDIO: {
        stapes_packet *out = me->host->packet(me, 0, s->value);
        if (!out) return STAPES_ENOMEM;
        for (uint32_t i = 0; i < s->value; i++) ((float *)out->data)[i] = (float)(p->frames + i);
        out->start = stapes_time_of(p->frames, p->rate);
        p->frames += s->value;
        status = me->host->emit(me, 0, out);
        if (status == STAPES_EINPUT) /* on to the next recording */
            while (p->next < set->count && set->steps[p->next].act != RECORDING) p->next++;
        return status;
    }
    case END_SEGMENT: return source_event(me, STAPES_SEGMENT_END, NULL);
    case END_RECORDING: return source_event(me, STAPES_RECORDING_END, NULL);
    default: me->host->reject(me, s->name, "is %s", "bad"); return STAPES_OK;
    }
}

/* Doubles; fails on request at a sample value; counts its flushes. */
typedef struct double_settings {
    float   fails_at;
    int32_t status;
    int32_t open_status;
} double_settings;

typedef struct counts {
    int opens, configures, closes, segments, ends, abandoned;
} counts;
static counts doubled;

static int double_open(const stapes_instance *me)
{
    const double_settings *set = me->settings;
    doubled.opens++;
    if (!me->host->allocate(me, 1000)) return STAPES_ENOMEM;
    return set->open_status ? me->host->fail(me, set->open_status, "cannot open") : STAPES_OK;
}

static int double_configure(const stapes_instance *me, const stapes_format *const *inputs,
                            stapes_format *const *outputs, stapes_bounds *bounds)
{
    (void)bounds;
    doubled.configures++;
    outputs[0]->rate = inputs[0]->rate;
    if (inputs[0]->rate == 99) return me->host->fail(me, STAPES_EFORMAT, "99 Hz is odd");
    return STAPES_OK;
}

static int double_process(const stapes_instance *me, uint32_t port, const stapes_packet *in)
{
    const double_settings *set = me->settings;
    const float           *x = in->data;
    stapes_packet         *out = me->host->packet(me, port, in->rows);
    if (!out) return STAPES_ENOMEM;
    out->start = in->start;
    for (uint32_t i = 0; i < in->rows; i++) {
        ((float *)out->data)[i] = 2 * x[i];
        if (set->status && x[i] == set->fails_at) {
            me->host->release(out);
            return me->host->fail(me, set->status, "does not like %g", (double)x[i]);
        }
    }
    return me->host->emit(me, 0, out);
}

static int double_event(const stapes_instance *me, uint32_t port, const stapes_event *event)
{
    (void)me, (void)port;
    if (event->type == STAPES_RECORDING_ABANDONED) doubled.abandoned++;
    return STAPES_OK;
}

static int double_flush(const stapes_instance *me, int how)
{
    (void)me;
    if (how == STAPES_FLUSH_SEGMENT)
        doubled.segments++;
    else
        doubled.ends++;
    return STAPES_OK;
}

static void double_close(const stapes_instance *me)
{
    (void)me;
    doubled.closes++;
}

/* Holds one packet back: it comes out with the next one or at the flush. */
typedef struct holder {
    const stapes_packet *held;
} holder;

static int hold_configure(const stapes_instance *me, const stapes_format *const *inputs,
                          stapes_format *const *outputs, stapes_bounds *bounds)
{
    (void)me, (void)inputs, (void)outputs;
    bounds->latency = STAPES_SECOND;
    return STAPES_OK;
}

static int hold_flush(const stapes_instance *me, int how)
{
    holder *h = me->state;
    (void)how;
    const stapes_packet *held = h->held;
    h->held = NULL;
    return held ? me->host->emit(me, 0, (stapes_packet *)(uintptr_t)held) : STAPES_OK;
}

static int hold_process(const stapes_instance *me, uint32_t port, const stapes_packet *in)
{
    (void)port;
    int status = hold_flush(me, STAPES_FLUSH_SEGMENT);
    me->host->retain(in);
    ((holder *)me->state)->held = in;
    return status;
}

static int hold_open(const stapes_instance *me)
{
    (void)me;
    return STAPES_OK;
}

static void hold_close(const stapes_instance *me)
{
    const holder *h = me->state;
    if (h->held) me->host->release(h->held);
}

/* Writes what it gets into a line of text. */
static char story[20000];

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void tell(const char *format, ...)
{
    size_t  used = strlen(story);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(story + used, sizeof story - used, format, arguments);
    va_end(arguments);
}

static int tell_process(const stapes_instance *me, uint32_t port, const stapes_packet *in)
{
    (void)me;
    tell("%c%g+%u ", 'a' + (int)port, (double)((const float *)in->data)[0], in->rows);
    return STAPES_OK;
}

static int tell_event(const stapes_instance *me, uint32_t port, const stapes_event *event)
{
    static const char *const names[] = {"?", "R", "r", "S", "s", "", "", "", "", "", "", "X"};
    (void)me;
    tell("%s%s%s ", names[event->type], port ? "'" : "", event->name ? event->name : "");
    return STAPES_OK;
}

static int tell_flush(const stapes_instance *me, int how)
{
    (void)me;
    tell(how == STAPES_FLUSH_SEGMENT ? "| " : "||");
    return STAPES_OK;
}

static const stapes_port audio_in[] = {{"in", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static const stapes_port audio_two[] = {{"in", STAPES_KIND(STAPES_AUDIO), 0, NULL},
                                        {"side", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static const stapes_port frames_in[] = {{"in", STAPES_KIND(STAPES_FRAMES), 0, NULL}};
static const stapes_port audio_out[] = {{"out", STAPES_KIND(STAPES_AUDIO), 0, NULL}};

static const stapes_stage source_stage = {.size = sizeof(stapes_stage),
                                          .name = "test.source",
                                          .summary = "plays a script",
                                          STAPES_OUTPUTS(audio_out),
                                          .state_size = sizeof(progress),
                                          .process = source_process};
static const stapes_stage double_stage = {.size = sizeof(stapes_stage),
                                          .name = "test.double",
                                          .summary = "doubles",
                                          STAPES_INPUTS(audio_in),
                                          STAPES_OUTPUTS(audio_out),
                                          .open = double_open,
                                          .configure = double_configure,
                                          .process = double_process,
                                          .event = double_event,
                                          .flush = double_flush,
                                          .close = double_close};
static const stapes_stage hold_stage = {.size = sizeof(stapes_stage),
                                        .name = "test.hold",
                                        .summary = "is late",
                                        STAPES_INPUTS(audio_in),
                                        STAPES_OUTPUTS(audio_out),
                                        .state_size = sizeof(holder),
                                        .open = hold_open,
                                        .configure = hold_configure,
                                        .process = hold_process,
                                        .flush = hold_flush,
                                        .close = hold_close};
static const stapes_stage tell_stage = {.size = sizeof(stapes_stage),
                                        .name = "test.tell",
                                        .summary = "tells",
                                        STAPES_INPUTS(audio_in),
                                        .process = tell_process,
                                        .event = tell_event,
                                        .flush = tell_flush};
static const stapes_stage join_stage = {.size = sizeof(stapes_stage),
                                        .name = "test.join",
                                        .summary = "tells of two",
                                        STAPES_INPUTS(audio_two),
                                        .process = tell_process,
                                        .event = tell_event,
                                        .flush = tell_flush};
static const stapes_stage frames_stage = {.size = sizeof(stapes_stage),
                                          .name = "test.frames",
                                          .summary = "wants frames",
                                          STAPES_INPUTS(frames_in),
                                          .process = tell_process};

/* ---- a graph by hand ---------------------------------------------------------------------------------- */

typedef struct plan {
    const stapes_stage *stage;
    const void         *settings;
    int32_t             from[2]; /* node of each input */
} plan;

typedef struct bench {
    stapes_runtime runtime;
    st_graph       graph;
    st_node        nodes[8];
    st_input       inputs[8][2];
    char           names[8][2];
    st_engine      engine;
} bench;

static char rejected_words[4000];

static void on_rejected(void *user, const char *input, const char *text)
{
    size_t used = strlen(rejected_words);
    (void)user;
    (void)snprintf(rejected_words + used, sizeof rejected_words - used, "%s: %s; ", input, text);
}

static bench *set_up(const plan *plans, uint32_t count)
{
    bench *b = calloc(1, sizeof *b);
    story[0] = rejected_words[0] = 0;
    doubled = (counts){0};
    b->runtime.options.rejected = on_rejected;
    b->runtime.share = st_share_open();
    b->runtime.workers = st_workers_open(1);
    b->graph.nodes = b->nodes;
    b->graph.n_nodes = count;
    for (uint32_t i = 0; i < count; i++) {
        b->names[i][0] = (char)('A' + i);
        for (uint32_t p = 0; p < 2; p++) b->inputs[i][p].node = plans[i].from[p];
        b->nodes[i] = (st_node){.name = b->names[i],
                                .stage = plans[i].stage,
                                .settings = (void *)(uintptr_t)plans[i].settings,
                                .inputs = b->inputs[i]};
    }
    b->engine.runtime = &b->runtime;
    b->engine.graph = &b->graph;
    CHECK(st_engine_build(&b->engine) == STAPES_OK);
    return b;
}

/* As stapes_run_pipeline does with the first node as the only source. */
static int run(bench *b)
{
    st_engine *engine = &b->engine;
    int        status = st_engine_open(engine);
    while (status >= 0 && status != STAPES_END) {
        status = st_flow_step(&engine->instances[0]);
        if (engine->giving_up) {
            st_engine_abandon(engine, engine->recording[0] ? engine->recording : "?", NULL);
            status = STAPES_OK;
        }
    }
    return status < 0 ? status : st_engine_end(engine);
}

static void tear_down(bench *b)
{
    st_engine_close(&b->engine);
    CHECK(b->engine.pool.outstanding == 0);
    st_workers_close(b->runtime.workers);
    st_share_close(b->runtime.share);
    free(b);
}

/* Runs and compares the story; returns the status and the failure's words. */
static int play(const plan *plans, uint32_t count, const char *expected, char *words, size_t size)
{
    bench *b = set_up(plans, count);
    int    status = run(b);
    CHECK_TEXT(story, expected);
    if (words) (void)snprintf(words, size, "%s", b->engine.error.text);
    tear_down(b);
    return status;
}

static const double_settings fine = {0};

#define SCRIPT(...)                                                                                          \
    &(const script) { (const step[]){__VA_ARGS__}, sizeof((const step[]){__VA_ARGS__}) / sizeof(step) }

/* ---- tests --------------------------------------------------------------------------------------------- */

static void test_chain(void)
{
    const plan plans[] = {
        {&source_stage,
         SCRIPT({RECORDING, 0, "x"}, {FORMAT, 8000, "x"}, {SEGMENT, 0, NULL}, {AUDIO, 3, NULL},
                {AUDIO, 2, NULL}, {END_SEGMENT, 0, NULL}, {END_RECORDING, 0, NULL}),
         {-1, -1}},
        {&double_stage, &fine, {0, -1}},
        {&tell_stage, NULL, {1, -1}}};
    CHECK(play(plans, 3, "Rx S a0+3 a6+2 | s r ||", NULL, 0) == STAPES_OK);
    CHECK(doubled.opens == 1 && doubled.closes == 1 && doubled.configures == 1);
    CHECK(doubled.segments == 1 && doubled.ends == 1);
}

static void test_join(void)
{
    const script *s =
        SCRIPT({RECORDING, 0, "x"}, {FORMAT, 10, "x"}, {SEGMENT, 0, NULL}, {AUDIO, 3, NULL}, {AUDIO, 2, NULL},
               {AUDIO, 4, NULL}, {END_SEGMENT, 0, NULL}, {SEGMENT, 0, NULL}, {AUDIO, 1, NULL},
               {END_SEGMENT, 0, NULL}, {END_RECORDING, 0, NULL}, {RECORDING, 0, "y"}, {SEGMENT, 0, NULL},
               {AUDIO, 2, NULL}, {END_SEGMENT, 0, NULL}, {END_RECORDING, 0, NULL});
    /* one branch doubles at once, the other is one packet late: the order is that of time all the same */
    const char *expected = "Rx S a0+3 R'x S' b0+3 a6+2 b3+2 a10+4 b5+4 | s s' S a18+1 S' b9+1 | s s' r r' "
                           "Ry S a0+2 R'y S' b0+2 | s s' r r' ||";
    const plan  late_side[] = {{&source_stage, s, {-1, -1}},
                               {&double_stage, &fine, {0, -1}},
                               {&hold_stage, NULL, {0, -1}},
                               {&join_stage, NULL, {1, 2}}};
    CHECK(play(late_side, 4, expected, NULL, 0) == STAPES_OK);
    const plan direct[] = {
        {&source_stage, s, {-1, -1}}, {&double_stage, &fine, {0, -1}}, {&join_stage, NULL, {1, 0}}};
    CHECK(play(direct, 3, expected, NULL, 0) == STAPES_OK);
    bench *b = set_up(late_side, 4);
    CHECK(run(b) == STAPES_OK);
    CHECK(b->engine.instances[3].latency_sum == STAPES_SECOND);
    tear_down(b);
}

static void test_given_up(void)
{
    const double_settings picky = {.fails_at = 4, .status = STAPES_EINPUT};
    const plan            plans[] = {
                   {&source_stage,
                    SCRIPT({RECORDING, 0, "x"}, {FORMAT, 8000, "x"}, {SEGMENT, 0, NULL}, {AUDIO, 3, NULL},
                           {AUDIO, 3, NULL}, {AUDIO, 3, NULL}, {END_SEGMENT, 0, NULL}, {END_RECORDING, 0, NULL},
                           {RECORDING, 0, "y"}, {FORMAT, 99, "y"}, {RECORDING, 0, "z"}, {REJECT, 0, "z"},
                           {RECORDING, 0, "w"}, {FORMAT, 8000, "w"}, {SEGMENT, 0, NULL}, {AUDIO, 2, NULL},
                           {END_SEGMENT, 0, NULL}, {END_RECORDING, 0, NULL}),
                    {-1, -1}},
                   {&double_stage, &picky, {0, -1}},
                   {&tell_stage, NULL, {1, -1}}};
    /* each given up recording: the flush goes nowhere, then every stage hears of it */
    CHECK(play(plans, 3, "Rx S a0+3 | Xx Ry | Xy Rz | Xz Rw S a0+2 | s r ||", NULL, 0) == STAPES_OK);
    CHECK(doubled.abandoned == 3);
    CHECK_HAS(rejected_words, "x: stage 'B' (test.double): does not like 4; ");
    CHECK_HAS(rejected_words, "y: stage 'B' (test.double): 'A' (test.source) gives audio, 99 Hz, 1 channel: "
                              "99 Hz is odd; ");
    CHECK_HAS(rejected_words, "z: is bad; ");
}

static void test_failures(void)
{
    char                  words[1100];
    const double_settings broken = {.fails_at = 4, .status = STAPES_EMODEL};
    const double_settings closed = {.open_status = STAPES_EMODEL};
    const script *s = SCRIPT({RECORDING, 0, "x"}, {FORMAT, 8000, "x"}, {SEGMENT, 0, NULL}, {AUDIO, 3, NULL},
                             {AUDIO, 3, NULL}, {AUDIO, 3, NULL});
    const plan    ends[] = {
           {&source_stage, s, {-1, -1}}, {&double_stage, &broken, {0, -1}}, {&tell_stage, NULL, {1, -1}}};
    CHECK(play(ends, 3, "Rx S a0+3 ", words, sizeof words) == STAPES_EMODEL);
    CHECK_TEXT(words, "stage 'B' (test.double): does not like 4");
    const plan never[] = {
        {&source_stage, s, {-1, -1}}, {&double_stage, &closed, {0, -1}}, {&tell_stage, NULL, {1, -1}}};
    CHECK(play(never, 3, "", words, sizeof words) == STAPES_EMODEL);
    CHECK_TEXT(words, "stage 'B' (test.double): cannot open");
    CHECK(doubled.opens == 1 && doubled.closes == 1);

    const plan back[] = {
        {&source_stage,
         SCRIPT({FORMAT, 8000, "x"}, {AUDIO, 3, NULL}, {AUDIO, 3, NULL}, {BACKWARDS, 3, NULL}),
         {-1, -1}},
        {&tell_stage, NULL, {0, -1}}};
    CHECK(play(back, 2, "a0+3 a3+3 ", words, sizeof words) == STAPES_ECONTRACT);
    CHECK_HAS(words, "stage 'A' (test.source): emits a packet that starts before the one before it");
    const plan inside[] = {
        {&source_stage, SCRIPT({FORMAT, 8000, "x"}, {SEGMENT, 0, NULL}, {FORMAT, 16000, "x"}), {-1, -1}},
        {&tell_stage, NULL, {0, -1}}};
    CHECK(play(inside, 2, "S ", words, sizeof words) == STAPES_ECONTRACT);
    CHECK_HAS(words, "inside a segment");
    const plan early[] = {{&source_stage, SCRIPT({AUDIO, 3, NULL}), {-1, -1}}, {&tell_stage, NULL, {0, -1}}};
    CHECK(play(early, 2, "", words, sizeof words) == STAPES_ECONTRACT);
    CHECK_HAS(words, "which has no format");
    const plan kinds[] = {{&source_stage, SCRIPT({FORMAT, 8000, "x"}), {-1, -1}},
                          {&frames_stage, NULL, {0, -1}}};
    CHECK(play(kinds, 2, "", words, sizeof words) == STAPES_OK);
    CHECK_HAS(rejected_words, "input 'in' takes frames, but 'A' gives audio, 8000 Hz, 1 channel");
}

static int cancel_at_6(void *user, const stapes_packet *packet)
{
    if (packet->kind == STAPES_AUDIO && ((const float *)packet->data)[0] >= 6)
        atomic_store(&((st_engine *)user)->canceled, 1);
    return STAPES_OK;
}

static int refuse(void *user, const stapes_packet *packet)
{
    (void)user;
    return packet->kind == STAPES_AUDIO ? STAPES_EPIPE : STAPES_OK;
}

static void test_canceled(void)
{
    const plan plans[] = {{&source_stage,
                           SCRIPT({FORMAT, 8000, "x"}, {SEGMENT, 0, NULL}, {AUDIO, 3, NULL}, {AUDIO, 3, NULL},
                                  {AUDIO, 3, NULL}, {AUDIO, 3, NULL}, {END_SEGMENT, 0, NULL}),
                           {-1, -1}},
                          {&hold_stage, NULL, {0, -1}},
                          {&tell_stage, NULL, {1, -1}}};
    bench     *b = set_up(plans, 3);
    b->engine.instances[0].outputs[0].receive = cancel_at_6;
    b->engine.instances[0].outputs[0].user = &b->engine;
    CHECK(run(b) == STAPES_ECANCELED);
    CHECK_TEXT(story, "S a0+3 "); /* what was held when it was canceled is released by close */
    tear_down(b);
    b = set_up(plans, 3);
    b->engine.instances[2].receive = refuse;
    CHECK(run(b) == STAPES_EPIPE);
    CHECK_TEXT(story, "S ");
    tear_down(b);
}

static void test_steady(void)
{
    enum { PACKETS = 5000 };
    step *steps = calloc(PACKETS + 2, sizeof *steps);
    steps[0] = (step){FORMAT, 8000, "x"};
    for (int i = 1; i <= PACKETS; i++) steps[i] = (step){AUDIO, 160, NULL};
    const script s = {steps, PACKETS + 1};
    const plan   plans[] = {{&source_stage, &s, {-1, -1}},
                            {&double_stage, &fine, {0, -1}},
                            {&hold_stage, NULL, {1, -1}},
                            {&double_stage, &fine, {2, -1}},
                            {&tell_stage, NULL, {3, -1}}};
    bench       *b = set_up(plans, 5);
    CHECK(run(b) == STAPES_OK);
    CHECK(b->engine.pool.made <= 8);
    CHECK(b->engine.instances[4].packets_in == PACKETS && b->engine.instances[3].rows_out == PACKETS * 160);
    CHECK(b->engine.media == STAPES_SECOND * PACKETS * 160 / 8000);
    tear_down(b);
    free(steps);
}

int main(void)
{
    test_chain();
    test_join();
    test_given_up();
    test_failures();
    test_canceled();
    test_steady();
    return check_done();
}
