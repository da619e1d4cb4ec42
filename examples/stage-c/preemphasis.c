/* preemphasis.c - a stage for stapes: y[n] = x[n] - coefficient * x[n - 1], each channel for itself. */
#include <stapes/stage.h>

typedef struct settings {
    float coefficient;
} settings;

typedef struct state {
    float last[64]; /* of each channel; zeroed by stapes where a segment begins */
} state;

static const stapes_parameter parameters[] = {STAPES_PARAMETER(
    settings, coefficient, "0.97", "share of the last sample that is taken away", .least = 0, .greatest = 1)};
static const stapes_port      in[] = {{"in", STAPES_KIND(STAPES_AUDIO), 0, "up to 64 channels"}};
static const stapes_port      out[] = {{"out", STAPES_KIND(STAPES_AUDIO), 0, NULL}};

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    (void)bounds; /* no latency: what goes in comes out at once */
    if (inputs[0]->columns > 64)
        return me->host->fail(me, STAPES_EFORMAT, "got %u channels, takes up to 64", inputs[0]->columns);
    *outputs[0] = *inputs[0];
    return STAPES_OK;
}

static int rows(const stapes_instance *me, const float *x, float *y, uint32_t n, uint32_t channels)
{
    const settings *set = me->settings;
    state          *s = me->state;
    for (size_t i = 0; i < (size_t)n * channels; i++) {
        y[i] = x[i] - set->coefficient * s->last[i % channels];
        s->last[i % channels] = x[i];
    }
    return STAPES_OK;
}

static const stapes_stage filter = {.size = sizeof(stapes_stage),
                                    .name = "preemphasis.filter",
                                    .summary = "lifts high frequencies (pre-emphasis)",
                                    STAPES_INPUTS(in),
                                    STAPES_OUTPUTS(out),
                                    STAPES_PARAMETERS(parameters),
                                    .settings_size = sizeof(settings),
                                    .state_size = sizeof(state),
                                    .configure = configure,
                                    .rows = rows};
STAPES_PLUGIN("preemphasis", "0.1.0", "MIT", &filter);
