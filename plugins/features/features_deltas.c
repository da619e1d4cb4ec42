/* features_deltas.c - the stage features.deltas: derivatives of frames over time, beside them or instead. The
 * numbers are the kit's (stapes/kit/deltas.h).
 *
 * A row that comes out has the place of the row that came in. Rows that do not follow on one another (a
 * packet starts half a hop or more off the end of the one before) are no neighbours: what is behind the gap
 * begins afresh, as a segment does. */
#include "features_audio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    int32_t style, order, width;
    bool    keep;
} settings;

typedef struct state {
    stapes_deltas_settings settings;
    stapes_deltas         *deltas;
    uint32_t               columns; /* of a row that comes in */
    char                  *recipe;
    stapes_time            hop;
    bool                   begun;   /* a stretch of rows */
    stapes_time            origin;  /* of its first */
    int64_t                in, out; /* rows of it */
} state;

enum { ROWS_AT_ONCE = 1024 };

static int open_deltas(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    stapes_error    error = {0};
    s->settings = (stapes_deltas_settings){.size = sizeof s->settings,
                                           .style = my->style,
                                           .width = (uint32_t)my->width,
                                           .order = (uint32_t)my->order,
                                           .keep = my->keep};
    if (!my->width) s->settings.width = my->style == STAPES_DELTAS_KALDI ? 5 : 9;
    if (stapes_deltas_check(&s->settings, &error) < 0)
        return me->host->fail(me, error.status, "%s", error.text);
    return STAPES_OK;
}

/* The input's line and what was done to it. */
static int write_recipe(const stapes_instance *me, const char *input)
{
    static const char *const styles[] = {"kaldi", "librosa"};
    state                   *s = me->state;
    const char              *before = input ? input : "frames";
    size_t                   room = strlen(before) + 100;
    char                    *line = malloc(room);
    if (!line) return me->host->fail(me, STAPES_ENOMEM, "no memory");
    (void)snprintf(line, room, "%s deltas=%s width=%u order=%u keep=%s", before, styles[s->settings.style],
                   s->settings.width, s->settings.order, s->settings.keep ? "true" : "false");
    free(s->recipe);
    s->recipe = line;
    return STAPES_OK;
}

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    state               *s = me->state;
    const stapes_format *in = inputs[0];
    stapes_error         error = {0};
    if (in->hop <= 0)
        return me->host->fail(me, STAPES_EFORMAT,
                              "the input's rows lie on no grid (hop 0): derivatives over time need one");
    if (!s->deltas || s->columns != in->columns) {
        stapes_deltas_close(s->deltas);
        s->deltas = stapes_deltas_open(&s->settings, in->columns, &error);
        if (!s->deltas) return me->host->fail(me, error.status, "%s", error.text);
        s->columns = in->columns;
    }
    s->hop = in->hop;
    int status = write_recipe(me, in->recipe);
    if (status < 0) return status;
    outputs[0]->columns = stapes_deltas_columns(&s->settings, in->columns);
    outputs[0]->hop = in->hop;
    outputs[0]->recipe = s->recipe;
    if (__builtin_mul_overflow(in->hop, (stapes_time)stapes_deltas_latency(&s->settings), &bounds->latency))
        return me->host->fail(me, STAPES_EFORMAT, "the hop of %g s is too long", stapes_seconds(in->hop));
    return STAPES_OK;
}

static int emit_ready(const stapes_instance *me)
{
    state *s = me->state;
    for (size_t ready; (ready = stapes_deltas_ready(s->deltas)) > 0;) {
        uint32_t       rows = (uint32_t)(ready < ROWS_AT_ONCE ? ready : ROWS_AT_ONCE);
        stapes_packet *packet = me->host->packet(me, 0, rows);
        if (!packet) return STAPES_ENOMEM;
        (void)stapes_deltas_pull(s->deltas, packet->data, rows);
        packet->start = s->origin + s->out * s->hop;
        s->out += rows;
        int status = me->host->emit(me, 0, packet);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

/* A stretch of rows has ended. */
static int finish(const stapes_instance *me)
{
    state *s = me->state;
    if (!s->begun) return STAPES_OK;
    stapes_deltas_flush(s->deltas);
    int status = emit_ready(me);
    stapes_deltas_reset(s->deltas);
    s->begun = false;
    s->in = s->out = 0;
    return status;
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state       *s = me->state;
    const float *rows = packet->data;
    size_t       left = packet->rows;
    stapes_time  apart = s->begun ? packet->start - (s->origin + s->in * s->hop) : 0;
    (void)port;
    if (apart >= s->hop - s->hop / 2 || -apart >= s->hop - s->hop / 2) {
        int status = finish(me);
        if (status < 0) return status;
    }
    if (!s->begun) s->origin = packet->start;
    s->begun = true;
    while (left) {
        size_t n = stapes_deltas_push(s->deltas, rows, left);
        rows += n * s->columns;
        left -= n;
        s->in += (int64_t)n;
        int status = emit_ready(me);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    (void)how;
    return finish(me);
}

static void close_deltas(const stapes_instance *me)
{
    state *s = me->state;
    stapes_deltas_close(s->deltas);
    free(s->recipe);
    s->deltas = NULL;
    s->recipe = NULL;
}

static const stapes_port inputs[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_FRAMES)}};
static const stapes_port outputs[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_FRAMES)}};

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, style, "kaldi",
                     "whose derivatives (they differ in the second one and at the ends of a segment)",
                     .choices = "kaldi|librosa"),
    STAPES_PARAMETER(settings, order, "2", "1: the first derivative, 2: and the second", .least = 1,
                     .greatest = 2),
    STAPES_PARAMETER(
        settings, width, "0",
        "rows that a derivative looks at, an odd number; 0: the style's own (kaldi 5, librosa 9)",
        .unit = "rows", .least = 0, .greatest = 255),
    STAPES_PARAMETER(settings, keep, "true", "the rows themselves stand before their derivatives", ),
};

const stapes_stage features_deltas_stage = {
    .size = sizeof features_deltas_stage,
    .name = "features.deltas",
    .summary = "frames get their first and second derivatives over time beside them",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_deltas,
    .configure = configure,
    .process = process,
    .flush = flush,
    .close = close_deltas,
};
