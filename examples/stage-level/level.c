/* level.c - a stage for stapes: how loud audio is, in dB, once in every hop. */
#include <stapes/stage.h>

#include <math.h>

typedef struct settings {
    float hop; /* ms */
} settings;

typedef struct state {
    uint32_t    channels, rate, length; /* of a hop, in sample frames */
    uint32_t    have;                   /* sample frames of the hop that is begun */
    stapes_time start;                  /* of that hop */
    double      energy;
} state;

static const stapes_parameter parameters[] = {STAPES_PARAMETER(settings, hop, "10", "one value for so long",
                                                               .unit = "ms", .least = 1, .greatest = 1000)};
static const stapes_port      in[] = {{"in", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static const stapes_port      out[] = {{"out", STAPES_KIND(STAPES_FRAMES), 0, "one column: dB"}};

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    const settings *set = me->settings;
    state          *s = me->state;
    s->channels = inputs[0]->columns;
    s->rate = inputs[0]->rate;
    s->length = (uint32_t)((double)set->hop / 1000.0 * s->rate);
    if (!s->length)
        return me->host->fail(me, STAPES_EFORMAT, "hop: %g ms is less than a sample at %u Hz", set->hop,
                              s->rate);
    outputs[0]->columns = 1;
    outputs[0]->hop = stapes_time_of(s->length, s->rate);
    outputs[0]->recipe = "level db";
    bounds->latency = outputs[0]->hop;
    return STAPES_OK;
}

/* Sends what was gathered since the hop began. */
static int send(const stapes_instance *me)
{
    state         *s = me->state;
    stapes_packet *packet = me->host->packet(me, 0, 1);
    if (!packet) return STAPES_ENOMEM;
    *(float *)packet->data = (float)(10.0 * log10(s->energy / ((double)s->have * s->channels) + 1e-10));
    packet->start = s->start;
    packet->duration = stapes_time_of(s->have, s->rate);
    s->have = 0;
    s->energy = 0;
    return me->host->emit(me, 0, packet);
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state       *s = me->state;
    const float *x = packet->data;
    (void)port; /* there is only one */
    for (uint32_t i = 0; i < packet->rows; i++) {
        if (!s->have) s->start = packet->start + stapes_time_of(i, s->rate);
        for (uint32_t c = 0; c < s->channels; c++, x++) s->energy += (double)*x * (double)*x;
        if (++s->have < s->length) continue;
        int status = send(me);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    const state *s = me->state;
    (void)how; /* at the end of a segment and at the end of all alike */
    return s->have ? send(me) : STAPES_OK;
}

static const stapes_stage level = {.size = sizeof(stapes_stage),
                                   .name = "level.db",
                                   .summary = "how loud it is, in dB",
                                   STAPES_INPUTS(in),
                                   STAPES_OUTPUTS(out),
                                   STAPES_PARAMETERS(parameters),
                                   .settings_size = sizeof(settings),
                                   .state_size = sizeof(state),
                                   .configure = configure,
                                   .process = process,
                                   .flush = flush};
STAPES_PLUGIN("level", "1.0.0", "MIT", &level);
