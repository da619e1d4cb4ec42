/* count_stage.c - a plugin for the tests of sources and text sinks: test.count turns each segment of audio
 * into a text with its number of rows, channels and rate, and two words. */
#include <stapes/stage.h>

#include <stdio.h>
#include <string.h>

typedef struct state {
    int64_t       rows;
    uint32_t      segment;
    stapes_format format;
    stapes_time   start;
} state;

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    state *my = me->state;
    my->format = *inputs[0];
    outputs[0]->kind = STAPES_TEXT;
    bounds->latency = STAPES_WHOLE_SEGMENT;
    return STAPES_OK;
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *my = me->state;
    (void)port;
    if (my->rows == 0) my->start = packet->start;
    my->rows += packet->rows;
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    state *my = me->state;
    if (how != STAPES_FLUSH_SEGMENT || my->rows == 0) return STAPES_OK;
    stapes_packet *packet = me->host->packet(me, 0, sizeof(stapes_text) + 2 * sizeof(stapes_word) + 200);
    if (!packet) return STAPES_ENOMEM;
    stapes_text *text = packet->data;
    stapes_word *words = (stapes_word *)(text + 1);
    char        *bytes = (char *)(words + 2);
    stapes_time  length = stapes_time_of(my->rows, my->format.rate);
    *text = (stapes_text){
        .size = sizeof *text, .segment = my->segment++, .final = 1, .n_words = 2, .words = words};
    snprintf(bytes, 100, "%lld", (long long)my->rows);
    snprintf(bytes + 100, 100, "%lld x %u at %u Hz", (long long)my->rows, my->format.columns,
             my->format.rate);
    text->text = bytes + 100;
    words[0] =
        (stapes_word){.text = bytes, .start = my->start, .end = my->start + length / 2, .confidence = 0.5f};
    words[1] = (stapes_word){
        .text = "x", .start = my->start + length / 2, .end = my->start + length, .confidence = -1};
    packet->start = my->start;
    packet->duration = length;
    my->rows = 0;
    return me->host->emit(me, 0, packet);
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    (void)port;
    if (what->type == STAPES_RECORDING_BEGIN) ((state *)me->state)->segment = 0;
    return STAPES_OK;
}

static const stapes_port  in[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_AUDIO)}};
static const stapes_port  out[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_TEXT)}};
static const stapes_stage count = {.size = sizeof(stapes_stage),
                                   .name = "test.count",
                                   .summary = "says how many samples each segment has",
                                   STAPES_INPUTS(in),
                                   STAPES_OUTPUTS(out),
                                   .state_size = sizeof(state),
                                   .configure = configure,
                                   .process = process,
                                   .event = event,
                                   .flush = flush};

STAPES_PLUGIN("test", "1.0.0", "MIT", &count);
