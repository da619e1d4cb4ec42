/* old_plugin_1_1.c - a plugin as it was written for ABI 1.1: it asks for minor 1 and uses what came with it
 * (flush_many, host->threads). It is compiled with the header as it was then (1.1/stapes/stage.h), and
 * plugin-1.1-x86_64.so is what a compiler made of it then. What stands in old_plugin.c holds here too:
 * never change this file, never rebuild the other. */
#define STAPES_ABI_MINOR 1u
#include <stapes/stage.h>

enum { MOST_COLUMNS = 64, PARTS = 4 };

/* Keeps a segment's loudest row, by the sum of squares, and sends it at the segment's end. */
typedef struct state {
    float       row[MOST_COLUMNS];
    float       loudest;
    uint32_t    columns;
    bool        holds;
    stapes_time start;
} state;

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    state *s = me->state;
    (void)outputs;
    if (inputs[0]->columns > MOST_COLUMNS)
        return me->host->fail(me, STAPES_EFORMAT, "takes 1 to %d columns, not %u", MOST_COLUMNS,
                              inputs[0]->columns);
    if (me->host->size < sizeof(stapes_host) || me->host->minor < 1)
        return me->host->fail(me, STAPES_ECONTRACT, "the host is older than ABI 1.1");
    s->columns = inputs[0]->columns;
    s->holds = false;
    bounds->latency = STAPES_WHOLE_SEGMENT;
    return STAPES_OK;
}

/* The loudest row of a part of a packet. */
typedef struct search {
    const float *rows;
    uint32_t     count, columns, found[PARTS];
    float        loudest[PARTS];
} search;

static void look(void *argument, uint32_t part)
{
    search  *all = argument;
    uint32_t from = all->count * part / PARTS, end = all->count * (part + 1) / PARTS;
    all->loudest[part] = -1.0f;
    for (uint32_t row = from; row < end; row++) {
        float sum = 0.0f;
        for (uint32_t c = 0; c < all->columns; c++) {
            float x = all->rows[(size_t)row * all->columns + c];
            sum += x * x;
        }
        if (sum > all->loudest[part]) {
            all->loudest[part] = sum;
            all->found[part] = row;
        }
    }
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *s = me->state;
    search all = {.rows = packet->data, .count = packet->rows, .columns = s->columns};
    (void)port;
    if (me->host->threads(me) > 1)
        me->host->parallel(me, PARTS, look, &all);
    else
        for (uint32_t part = 0; part < PARTS; part++) look(&all, part);
    for (uint32_t part = 0; part < PARTS; part++) {
        uint32_t row = all.found[part];
        if (all.loudest[part] < 0.0f || (s->holds && all.loudest[part] <= s->loudest)) continue;
        for (uint32_t c = 0; c < s->columns; c++) s->row[c] = all.rows[(size_t)row * s->columns + c];
        s->loudest = all.loudest[part];
        s->start = packet->start + row * packet->format->hop;
        s->holds = true;
    }
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    state         *s = me->state;
    stapes_packet *packet = s->holds ? me->host->packet(me, 0, 1) : 0;
    bool           held = s->holds;
    (void)how;
    s->holds = false;
    if (!held) return STAPES_OK;
    if (!packet) return STAPES_ENOMEM;
    for (uint32_t c = 0; c < s->columns; c++) ((float *)packet->data)[c] = s->row[c];
    packet->start = s->start;
    return me->host->emit(me, 0, packet);
}

static int process_many(const stapes_instance *const *many, const stapes_packet *const *packets,
                        uint32_t count)
{
    int first = STAPES_OK;
    for (uint32_t i = 0; i < count; i++) {
        int status = process(many[i], 0, packets[i]);
        if (first >= 0) first = status;
    }
    return first;
}

static int flush_many(const stapes_instance *const *many, uint32_t count, int how)
{
    int first = STAPES_OK;
    for (uint32_t i = 0; i < count; i++) {
        int status = flush(many[i], how);
        if (first >= 0) first = status;
    }
    return first;
}

static const stapes_port in[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_FRAMES)}};
static const stapes_port out[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_FRAMES)}};

static const stapes_stage loudest = {
    .size = sizeof(stapes_stage),
    .name = "old.loudest",
    .summary = "the loudest row of each segment",
    STAPES_INPUTS(in),
    STAPES_OUTPUTS(out),
    .state_size = sizeof(state),
    .configure = configure,
    .process = process,
    .flush = flush,
    .process_many = process_many,
    .flush_many = flush_many,
};

STAPES_PLUGIN("old", "1.1.0", "MIT", &loudest);
