/* recurrent_rows.c - rows on their way through the network, of one instance or of several in one batch.
 *
 * A network without bidirectional layers computes each packet as it comes, its states carried on. One with
 * them needs the whole segment: its rows are kept, in memory taken once for the longest segment allowed,
 * and computed at the segment's end. So the first is batched in process_many, the second in flush_many.
 *
 * Time. Output row n stands where input row n x stride + offset stands, so subsampling loses no precision.
 * Where a packet does not begin where the last one ended, the rows before it are finished like a segment:
 * a network cannot know what was between. */
#include "recurrent_rows.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef recurrent_settings settings;
typedef recurrent_state    state;

/* Rows of one stream in one call, of all streams of a batch, and of a packet; instances at once. */
enum { STREAM_ROWS = 64, BATCH_ROWS = 512, PACKET_ROWS = 256, AT_ONCE = 64 };

int recurrent_rows_take_memory(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    stapes_error    error = {0};
    size_t          floats;
    stapes_close_stream(s->stream);
    free(s->held);
    s->stream = NULL;
    s->held = NULL;
    s->most = BATCH_ROWS;
    if (s->shape.bidirectional) {
        double rows = (double)my->longest / stapes_seconds(s->hop) + 1.0;
        if (rows > (double)INT32_MAX)
            return me->host->fail(me, STAPES_EUSAGE, "longest: %g s are %.0f rows, at most %d are possible",
                                  (double)my->longest, rows, INT32_MAX);
        s->most = (uint32_t)rows;
        if (__builtin_mul_overflow((size_t)s->most, (size_t)s->shape.in * sizeof(float), &floats) ||
            !(s->held = malloc(floats)))
            return me->host->fail(me, STAPES_ENOMEM,
                                  "no memory for segments of %g s: take a smaller 'longest'",
                                  (double)my->longest);
    }
    s->stream = stapes_open_stream(s->shared->network, s->most, &error);
    if (s->stream) return STAPES_OK;
    return me->host->fail(me, error.status, "%s%s", error.text,
                          s->shape.bidirectional ? ": take a smaller 'longest'" : "");
}

void recurrent_rows_begin_again(state *s)
{
    s->begun = false;
    s->n_held = 0;
    s->rows_in = s->rows_out = 0;
    if (s->stream) stapes_reset_stream(s->stream);
}

/* ---- the network ---------------------------------------------------------------------------------- */

/* The instances of a call. */
typedef struct group {
    const stapes_instance *const *many;
    uint32_t                      count;
} group;

static bool canceled(void *user)
{
    const group *g = user;
    for (uint32_t i = 0; i < g->count; i++)
        if (g->many[i]->host->canceled(g->many[i])) return true;
    return false;
}

static void parallel(void *user, uint32_t count, void (*work)(void *argument, uint32_t i), void *argument)
{
    const stapes_instance *me = ((const group *)user)->many[0];
    me->host->parallel(me, count, work, argument);
}

static uint32_t threads(const stapes_instance *me)
{
    bool knows = me->host->size > offsetof(stapes_host, threads) && me->host->threads; /* since minor 1 */
    return knows ? me->host->threads(me) : 0;
}

static int emit_rows(const stapes_instance *me, const float *y, uint32_t rows)
{
    state *s = me->state;
    for (uint32_t n; rows > 0; rows -= n, y += (size_t)n * s->shape.out) {
        n = rows < PACKET_ROWS ? rows : PACKET_ROWS;
        stapes_packet *packet = me->host->packet(me, 0, n);
        if (!packet) return STAPES_ENOMEM;
        memcpy(packet->data, y, (size_t)n * s->shape.out * sizeof *y);
        packet->start = s->origin + (s->rows_out * s->shape.stride + s->shape.offset) * s->hop;
        s->rows_out += n;
        int status = me->host->emit(me, 0, packet);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

/* What one instance wants computed, and how that ended. */
typedef struct job {
    const float *x;
    uint32_t     rows;
    bool         last, wanted;
    int          status;
} job;

/* Computes what is wanted of each of the group's instances, all in one go, and emits what comes out. */
static void compute(const group *g, job *jobs)
{
    stapes_stream_run runs[AT_ONCE];
    uint32_t          who[AT_ONCE], n = 0;
    for (uint32_t i = 0; i < g->count; i++) {
        const state *s = g->many[i]->state;
        if (!jobs[i].wanted) continue;
        who[n] = i;
        runs[n++] = (stapes_stream_run){
            .stream = s->stream, .x = jobs[i].x, .rows = jobs[i].rows, .last = jobs[i].last};
    }
    if (!n) return;
    int status = stapes_run_streams(runs, n,
                                    &(stapes_callbacks){.canceled = canceled,
                                                        .parallel = parallel,
                                                        .user = (void *)(uintptr_t)g,
                                                        .threads = threads(g->many[0])});
    for (uint32_t k = 0; k < n; k++) {
        const stapes_instance *me = g->many[who[k]];
        job                   *j = jobs + who[k];
        if (status >= 0)
            j->status = emit_rows(me, runs[k].y, runs[k].out_rows);
        else
            j->status = me->host->fail(
                me, status, status == STAPES_ECANCELED ? "canceled" : "the network refused its input");
    }
}

static int first_failure(const job *jobs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (jobs[i].status < 0) return jobs[i].status;
    return STAPES_OK;
}

/* ---- segments ------------------------------------------------------------------------------------- */

/* What is held of each comes out; then everything is as at the begin. At most AT_ONCE instances. */
static int finish(const stapes_instance *const *many, uint32_t count)
{
    group g = {many, count};
    job   jobs[AT_ONCE] = {0};
    for (uint32_t i = 0; i < count; i++) {
        const state *s = many[i]->state;
        jobs[i] = (job){.x = s->held, .rows = s->n_held, .last = true, .wanted = s->begun};
    }
    compute(&g, jobs);
    for (uint32_t i = 0; i < count; i++) recurrent_rows_begin_again(many[i]->state);
    return first_failure(jobs, count);
}

int recurrent_rows_flush_many(const stapes_instance *const *many, uint32_t count, int how)
{
    int first = STAPES_OK;
    (void)how;
    for (uint32_t from = 0; from < count; from += AT_ONCE) {
        int status = finish(many + from, count - from < AT_ONCE ? count - from : AT_ONCE);
        if (first >= 0) first = status;
    }
    return first;
}

int recurrent_rows_flush(const stapes_instance *me, int how)
{
    return recurrent_rows_flush_many(&me, 1, how);
}

static int hold(const stapes_instance *me, const float *x, uint32_t rows)
{
    state *s = me->state;
    if (rows > s->most - s->n_held) {
        const settings *my = me->settings;
        recurrent_rows_begin_again(s); /* nothing is to be computed of it */
        return me->host->fail(me, STAPES_EINPUT,
                              "a segment is longer than %g s; model '%s' needs whole segments in memory: set "
                              "'longest' higher, or cut the recording at its pauses before this stage",
                              (double)my->longest, s->shared->model->name);
    }
    memcpy(s->held + (size_t)s->n_held * s->shape.in, x, (size_t)rows * s->shape.in * sizeof *x);
    s->n_held += rows;
    return STAPES_OK;
}

/* ---- packets -------------------------------------------------------------------------------------- */

/* Sees where a packet lies, and keeps it where the segment has to be whole. */
static int take(const stapes_instance *me, const stapes_packet *packet)
{
    state      *s = me->state;
    stapes_time apart = s->begun ? packet->start - (s->origin + s->rows_in * s->hop) : 0;
    if (!packet->rows) return STAPES_OK;
    if (apart > s->hop / 2 || apart < -(s->hop / 2)) {
        int status = finish(&me, 1);
        if (status < 0) return status;
    }
    if (!s->begun) {
        s->begun = true;
        s->origin = packet->start;
    }
    s->rows_in += packet->rows;
    return s->shape.bidirectional ? hold(me, packet->data, packet->rows) : STAPES_OK;
}

/* At most AT_ONCE instances: as many rows of each at a time as their batch has room for. */
static int process_some(const stapes_instance *const *many, const stapes_packet *const *packets,
                        uint32_t count)
{
    group    g = {many, count};
    job      jobs[AT_ONCE] = {0};
    uint32_t done[AT_ONCE] = {0}, left, most;
    for (uint32_t i = 0; i < count; i++) {
        const state *s = many[i]->state;
        jobs[i].status = take(many[i], packets[i]);
        if (s->shape.bidirectional) done[i] = packets[i]->rows; /* held */
    }
    for (;;) {
        left = 0;
        for (uint32_t i = 0; i < count; i++) {
            jobs[i].wanted = jobs[i].status >= 0 && done[i] < packets[i]->rows;
            left += jobs[i].wanted;
        }
        if (!left) return first_failure(jobs, count);
        most = BATCH_ROWS / left < STREAM_ROWS ? BATCH_ROWS / left : STREAM_ROWS;
        for (uint32_t i = 0; i < count; i++) {
            const state *s = many[i]->state;
            uint32_t     rows = packets[i]->rows - done[i];
            if (!jobs[i].wanted) continue;
            jobs[i].x = (const float *)packets[i]->data + (size_t)done[i] * s->shape.in;
            jobs[i].rows = rows < most ? rows : most;
            done[i] += jobs[i].rows;
        }
        compute(&g, jobs);
    }
}

int recurrent_rows_process_many(const stapes_instance *const *many, const stapes_packet *const *packets,
                                uint32_t count)
{
    int first = STAPES_OK;
    for (uint32_t from = 0; from < count; from += AT_ONCE) {
        int status =
            process_some(many + from, packets + from, count - from < AT_ONCE ? count - from : AT_ONCE);
        if (first >= 0) first = status;
    }
    return first;
}

int recurrent_rows_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)port;
    return recurrent_rows_process_many(&me, &packet, 1);
}
