/* old_plugin.c - a plugin as it was written for ABI 1.0: it uses every structure and most functions. It is
 * compiled with the header as it was then (1.0/stapes/stage.h), and plugin-1.0-x86_64.so beside it is what
 * a compiler made of it then. Both must load and keep the contract for ever: never change this file, never
 * rebuild the other (make_binary says how it was made). */
#include <stapes/stage.h>

typedef struct settings {
    bool           on;
    int32_t        count, way;
    float          gain;
    const char    *label;
    stapes_ints    ints;
    stapes_floats  floats;
    stapes_strings strings;
} settings;

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, on, "yes", "whether it does anything"),
    STAPES_PARAMETER(settings, count, "3", "how many", .least = 1, .greatest = 9, .unit = "rows"),
    STAPES_PARAMETER(settings, way, "second", "which one", .choices = "first|second"),
    STAPES_PARAMETER(settings, gain, "0.5", "what comes out for what goes in", .least = 0, .greatest = 4),
    STAPES_PARAMETER(settings, label, "a label", "any text", .flags = STAPES_IS_ADVANCED),
    STAPES_PARAMETER(settings, ints, "1,2,3", "whole numbers"),
    STAPES_PARAMETER(settings, floats, "0.5,0.25", "numbers"),
    STAPES_PARAMETER(settings, strings, "a,b", "texts"),
};

static const stapes_port audio_in[] = {
    {.name = "in", .kinds = STAPES_KIND(STAPES_AUDIO), .help = "any rate, 1 to 64 channels"}};
static const stapes_port audio_out[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_AUDIO)}};

/* ---- old.gain: rows ------------------------------------------------------------------------------------ */

static int rows(const stapes_instance *me, const float *in, float *out, uint32_t n, uint32_t columns)
{
    const settings *s = me->settings;
    bool good = s->on && s->count == 3 && s->way == 1 && s->ints.count == 3 && s->ints.items[2] == 3 &&
                s->floats.count == 2 && s->floats.items[1] == 0.25f && s->strings.count == 2 &&
                s->strings.items[1][0] == 'b' && s->label[2] == 'l';
    if (!good) return me->host->fail(me, STAPES_ECONTRACT, "the settings are not what they were");
    for (size_t i = 0; i < (size_t)n * columns; i++) out[i] = in[i] * s->gain;
    return STAPES_OK;
}

static const stapes_stage gain = {
    .size = sizeof(stapes_stage),
    .name = "old.gain",
    .summary = "scales audio",
    STAPES_INPUTS(audio_in),
    STAPES_OUTPUTS(audio_out),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .rows = rows,
};

/* ---- old.delay: state, latency, flush, events, shared objects --------------------------------------------
 */

enum { MOST_COLUMNS = 64 };

typedef struct state {
    float      *held; /* one row */
    int        *shared;
    uint32_t    columns, rate;
    bool        holds;
    stapes_time start;
} state;

static int make(const stapes_instance *me, void *argument, void **object)
{
    (void)me;
    *object = argument;
    return STAPES_OK;
}

static int the_object = 7;

static int open_delay(const stapes_instance *me)
{
    state *s = me->state;
    void  *object = 0;
    int    status = me->host->share(me, "old/number", make, 0, &the_object, &object);
    if (status < 0) return status;
    s->shared = object;
    s->held = me->host->allocate(me, MOST_COLUMNS * sizeof(float));
    if (!s->held) return STAPES_ENOMEM;
    if (me->host->extension(me, "nobody.has/1"))
        return me->host->fail(me, STAPES_ECONTRACT, "an extension from nowhere");
    me->host->log(me, STAPES_DEBUG, "opened, with %d", *s->shared);
    return STAPES_OK;
}

static int configure_delay(const stapes_instance *me, const stapes_format *const *inputs,
                           stapes_format *const *outputs, stapes_bounds *bounds)
{
    state *s = me->state;
    if (inputs[0]->columns > MOST_COLUMNS)
        return me->host->fail(me, STAPES_EFORMAT, "takes 1 to %d channels, not %u", MOST_COLUMNS,
                              inputs[0]->columns);
    s->columns = outputs[0]->columns;
    s->rate = outputs[0]->rate;
    s->holds = false;
    bounds->latency = stapes_time_of(1, s->rate) + 1;
    return STAPES_OK;
}

static int send_held(const stapes_instance *me)
{
    state         *s = me->state;
    stapes_packet *packet = me->host->packet(me, 0, 1);
    if (!packet) return STAPES_ENOMEM;
    for (uint32_t c = 0; c < s->columns; c++) ((float *)packet->data)[c] = s->held[c];
    packet->start = s->start;
    s->holds = false;
    return me->host->emit(me, 0, packet);
}

static int process_delay(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *s = me->state;
    int    status = s->holds ? send_held(me) : STAPES_OK;
    (void)port;
    if (status < 0) return status;
    if (me->host->canceled(me)) return STAPES_ECANCELED;
    if (packet->rows > 1) {
        stapes_packet *out = me->host->packet(me, 0, packet->rows - 1);
        if (!out) return STAPES_ENOMEM;
        for (size_t i = 0; i < (size_t)(packet->rows - 1) * s->columns; i++)
            ((float *)out->data)[i] = ((const float *)packet->data)[i];
        out->start = packet->start;
        status = me->host->emit(me, 0, out);
        if (status < 0) return status;
    }
    for (uint32_t c = 0; c < s->columns; c++)
        s->held[c] = ((const float *)packet->data)[(size_t)(packet->rows - 1) * s->columns + c];
    s->start = packet->start + stapes_time_of(packet->rows - 1, s->rate);
    s->holds = true;
    return STAPES_OK;
}

static int flush_delay(const stapes_instance *me, int how)
{
    state *s = me->state;
    (void)how;
    return s->holds ? send_held(me) : STAPES_OK;
}

static int event_delay(const stapes_instance *me, uint32_t port, const stapes_event *event)
{
    (void)me, (void)port;
    return event->type == STAPES_TRIGGER ? STAPES_CONSUMED : STAPES_OK;
}

static const stapes_stage delay = {
    .size = sizeof(stapes_stage),
    .name = "old.delay",
    .summary = "keeps one row back",
    STAPES_INPUTS(audio_in),
    STAPES_OUTPUTS(audio_out),
    .state_size = sizeof(state),
    .open = open_delay,
    .configure = configure_delay,
    .process = process_delay,
    .event = event_delay,
    .flush = flush_delay,
};

/* ---- old.source and old.pass: announcing, passing packets on
 * ----------------------------------------------- */

static int process_source(const stapes_instance *me, uint32_t port, const stapes_packet *nothing)
{
    uint32_t     *turn = me->state;
    stapes_format format = {.size = sizeof format, .kind = STAPES_AUDIO, .columns = 1, .rate = 16000};
    stapes_event  event = {.size = sizeof event, .type = STAPES_RECORDING_BEGIN, .name = "old"};
    int           status = STAPES_OK;
    (void)port, (void)nothing;
    if (me->host->canceled(me)) return STAPES_ECANCELED;
    if (*turn == 0) {
        status = me->host->announce(me, 0, &format);
        if (status >= 0) status = me->host->event(me, 0, &event);
        event.type = STAPES_SEGMENT_BEGIN;
        if (status >= 0) status = me->host->event(me, 0, &event);
    } else if (*turn <= 3) {
        stapes_packet *packet = me->host->packet(me, 0, 160);
        if (!packet) return STAPES_ENOMEM;
        for (uint32_t i = 0; i < 160; i++) ((float *)packet->data)[i] = (float)i / 160.0f;
        packet->start = stapes_time_of((int64_t)(*turn - 1) * 160, 16000);
        status = me->host->emit(me, 0, packet);
    } else {
        if (*turn > 4) return STAPES_END;
        event.position = stapes_time_of(480, 16000);
        event.type = STAPES_SEGMENT_END;
        status = me->host->event(me, 0, &event);
        event.type = STAPES_RECORDING_END;
        if (status >= 0) status = me->host->event(me, 0, &event);
    }
    ++*turn;
    return status;
}

static const stapes_stage source = {
    .size = sizeof(stapes_stage),
    .name = "old.source",
    .summary = "30 ms of a ramp",
    STAPES_OUTPUTS(audio_out),
    .state_size = sizeof(uint32_t),
    .process = process_source,
};

static const stapes_port any_in[] = {{.name = "in", .kinds = STAPES_ANY_DATA},
                                     {.name = "more", .kinds = STAPES_ANY_DATA, .flags = STAPES_OPTIONAL}};
static const stapes_port any_out[] = {{.name = "out", .kinds = STAPES_ANY_DATA}};

static int configure_pass(const stapes_instance *me, const stapes_format *const *inputs,
                          stapes_format *const *outputs, stapes_bounds *bounds)
{
    (void)bounds;
    if (!inputs[0]) return me->host->fail(me, STAPES_EFORMAT, "needs its first input");
    *outputs[0] = *inputs[0];
    return STAPES_OK;
}

static int process_pass(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    union {
        const stapes_packet *in;
        stapes_packet       *out;
    } same = {.in = packet};
    if (port) return STAPES_OK;
    me->host->retain(packet);
    return me->host->emit(me, 0, same.out);
}

static const stapes_stage pass = {
    .size = sizeof(stapes_stage),
    .name = "old.pass",
    .summary = "passes its first input on",
    STAPES_INPUTS(any_in),
    STAPES_OUTPUTS(any_out),
    .configure = configure_pass,
    .process = process_pass,
};

STAPES_PLUGIN("old", "1.0.0", "MIT", &gain, &delay, &source, &pass);
