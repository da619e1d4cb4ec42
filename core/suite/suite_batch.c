/* suite_batch.c - the test of the contract suite about several instances in one call: process_many and
 * flush_many against process and flush one at a time, also where one of the instances fails. */
#include "suite/drive.h"
#include "suite/hook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 5, SEGMENTS = 4, SINGLES = 2 };

/* One instance that is called together with others, and one that gets the same by itself. */
typedef struct lane {
    st_probe together, alone;
    st_feed  feed; /* of the segment under way; no rows: none */
    uint32_t done;
    bool     down; /* failed as it was to: gets nothing more */
} lane;

/* ---- parts of a segment --------------------------------------------------------------------------- */

static int open_one(st_case *c, uint32_t combination, st_probe *probe)
{
    const stapes_format *formats[ST_SUITE_PORTS];
    int                  status = st_probe_open(probe);
    st_drive_formats(c, combination, formats);
    return status < 0 ? status : st_probe_configure(probe, formats);
}

/* The begin or end of a segment of input 0, which is flushed already. */
static int tell(st_probe *probe, const lane *l, uint32_t type, uint32_t number)
{
    bool         end = type == STAPES_SEGMENT_END;
    stapes_event event = {.size = sizeof event,
                          .type = type,
                          .position = st_feed_time(&l->feed, end ? l->feed.rows : 0),
                          .segment = number,
                          .name = "suite"};
    return st_probe_event_flushed(probe, 0, &event);
}

/* A segment of one instance by itself, in one packet. */
static int run_alone(lane *l, uint32_t number)
{
    bool text = l->feed.format.kind == STAPES_TEXT;
    int  status = tell(&l->alone, l, STAPES_SEGMENT_BEGIN, number);
    for (uint32_t at = 0, n; at < l->feed.rows && status >= 0; at += n) {
        st_guard *guard = st_feed_packet(&l->alone, &l->feed, at, n = text ? 1 : l->feed.rows);
        if (!guard) return STAPES_ENOMEM;
        status = st_probe_process(&l->alone, 0, st_guard_head(guard));
        st_probe_drop(guard);
    }
    if (status >= 0) status = st_probe_flush(&l->alone, STAPES_FLUSH_SEGMENT);
    return status < 0 ? status : tell(&l->alone, l, STAPES_SEGMENT_END, number);
}

/* Lanes that were to fail and did go down; any other failure is the answer. */
static int take_down(lane *const *lanes, uint32_t count, int status)
{
    bool told = false;
    for (uint32_t i = 0; i < count; i++) {
        int own = st_probe_failure(&lanes[i]->together);
        if (own == STAPES_EPIPE) told = lanes[i]->down = true;
        if (own < 0 && own != STAPES_EPIPE) return own;
    }
    return told ? STAPES_OK : status;
}

/* The next packet of each lane that has one, in one call. Returns how many, or a failure. */
static int run_round(st_case *c, lane *const *lanes, uint32_t count, bool whole)
{
    st_probe            *taking[MANY];
    lane                *used[MANY];
    st_guard            *guards[MANY];
    const stapes_packet *packets[MANY];
    uint32_t             n = 0;
    int                  status = STAPES_OK;
    for (uint32_t i = 0; i < count; i++) {
        lane    *l = lanes[i];
        uint64_t random = c->seed + l->done + i;
        if (l->down || l->done >= l->feed.rows) continue;
        uint32_t rows = st_feed_piece(&l->feed,
                                      whole   ? ST_WHOLE
                                      : i % 2 ? ST_RANDOM
                                              : ST_TENTH,
                                      l->done, 0, &random);
        guards[n] = st_feed_packet(&l->together, &l->feed, l->done, rows);
        if (!guards[n]) {
            status = STAPES_ENOMEM;
            break;
        }
        packets[n] = st_guard_head(guards[n]);
        taking[n] = &l->together;
        used[n++] = l;
        l->done += rows;
    }
    if (n && status >= 0 && c->stage->process_many)
        status = take_down(used, n, st_probe_process_many(taking, packets, n));
    for (uint32_t i = 0; i < n && status >= 0 && !c->stage->process_many; i++)
        status = take_down(used + i, 1, st_probe_process(taking[i], 0, packets[i]));
    for (uint32_t i = 0; i < n; i++) st_probe_drop(guards[i]);
    return status < 0 ? status : (int)n;
}

static int run_flush(st_case *c, lane *const *lanes, uint32_t count, int how)
{
    st_probe *taking[MANY];
    lane     *used[MANY];
    uint32_t  n = 0;
    int       status = STAPES_OK;
    for (uint32_t i = 0; i < count; i++)
        if (!lanes[i]->down) {
            taking[n] = &lanes[i]->together;
            used[n++] = lanes[i];
        }
    if (n && c->stage->flush_many) return take_down(used, n, st_probe_flush_many(taking, n, how));
    for (uint32_t i = 0; i < n && status >= 0; i++)
        status = take_down(used + i, 1, st_probe_flush(taking[i], how));
    return status;
}

/* A segment of several lanes, in this order. */
static int run_together(st_case *c, lane *const *lanes, uint32_t count, uint32_t number, bool whole)
{
    int status = STAPES_OK, n = 1;
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        lanes[i]->done = 0;
        status = tell(&lanes[i]->together, lanes[i], STAPES_SEGMENT_BEGIN, number);
    }
    while (n > 0 && status >= 0) status = n = run_round(c, lanes, count, whole);
    if (status >= 0) status = run_flush(c, lanes, count, STAPES_FLUSH_SEGMENT);
    for (uint32_t i = 0; i < count && status >= 0; i++)
        if (!lanes[i]->down) status = tell(&lanes[i]->together, lanes[i], STAPES_SEGMENT_END, number);
    return status;
}

/* ---- lives ---------------------------------------------------------------------------------------- */

static bool make_lanes(st_case *c, uint32_t combination, lane *lanes, uint32_t count)
{
    int status = STAPES_OK;
    for (uint32_t i = 0; i < count; i++)
        if (st_probe_make(c, &lanes[i].together, "one of several") < 0 ||
            st_probe_make(c, &lanes[i].alone, "one alone") < 0)
            return false;
    for (uint32_t i = 0; i < count && status >= 0; i++) {
        status = open_one(c, combination, &lanes[i].together);
        if (status >= 0) status = open_one(c, combination, &lanes[i].alone);
    }
    if (status < 0) st_suite_fail(c, "open or configure fails with status %d", status);
    return status >= 0;
}

static void close_lanes(lane *lanes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        st_probe *both[] = {&lanes[i].together, &lanes[i].alone};
        for (uint32_t k = 0; k < 2; k++) {
            if (!both[k]->c) continue;
            st_probe_close(both[k]);
            (void)st_probe_broken(both[k], "several instances in one call");
            st_record_clear(&both[k]->sent);
        }
        st_feed_free(&lanes[i].feed);
    }
}

/* A feed for segment `number` of lane i; in one segment or another a lane gets nothing. */
static bool fill(st_case *c, uint32_t combination, lane *l, uint32_t i, uint32_t number)
{
    st_feed_free(&l->feed);
    memset(&l->feed, 0, sizeof l->feed);
    if (!st_feed_make(&l->feed, &c->combinations[combination].inputs[0],
                      0.11 + 0.4 * ((i + 2 * number) % MANY), (stapes_time)(3 * number) * STAPES_SECOND,
                      c->seed + i + MANY * number, ST_ORDINARY))
        return false;
    if (number % 3 && i == number % MANY) l->feed.rows = 0;
    return true;
}

static const char *names_of(const stapes_stage *stage)
{
    if (!stage->flush_many) return "process_many";
    return stage->process_many ? "process_many and flush_many" : "flush_many";
}

static void compare(st_case *c, lane *l, const char *beside)
{
    char words[500];
    if (st_probe_broken(&l->together, names_of(c->stage))) return; /* nothing is recorded after that */
    if (!st_record_same(&l->together.sent, 0, &l->alone.sent, 0, false, words, sizeof words))
        st_suite_fail(c, "%s%s: something else than one at a time: %s", names_of(c->stage), beside, words);
}

/* Segments of different lengths in which the order and the number of instances change. */
static void several(st_case *c, uint32_t combination, lane *lanes)
{
    int         status = STAPES_OK;
    const char *words;
    bool        counts = st_suite_counts(c, &words);
    if (!make_lanes(c, combination, lanes, MANY)) return;
    for (uint32_t s = 0; s < SEGMENTS && status >= 0; s++) {
        lane *order[MANY];
        for (uint32_t i = 0; i < MANY; i++) {
            if (!fill(c, combination, &lanes[i], i, s)) {
                st_suite_fail(c, "no memory for the input");
                return;
            }
            order[s % 2 ? MANY - 1 - i : i] = &lanes[i];
        }
        (void)snprintf(c->doing, sizeof c->doing, "%s, segment %u", names_of(c->stage), s);
        st_hook_reset();
        if (s == SINGLES)
            for (uint32_t i = 0; i < MANY && status >= 0; i++)
                status = run_together(c, order + i, 1, s, false);
        else
            status = run_together(c, order, MANY, s, false);
        if (counts && s + 1 == SEGMENTS && status >= 0) st_suite_check_counts(c, c->doing);
        for (uint32_t i = 0; i < MANY && status >= 0; i++) status = run_alone(&lanes[i], s);
    }
    if (status >= 0) status = run_flush(c, (lane *[]){lanes, lanes + 1}, 2, STAPES_FLUSH_END);
    if (status < 0) st_suite_fail(c, "%s: fails with status %d", c->doing, status);
    for (uint32_t i = 0; i < MANY && status >= 0; i++) compare(c, &lanes[i], "");
}

/* What the second one of three emits is refused: the others come out as ever. */
static void one_fails(st_case *c, uint32_t combination, lane *lanes)
{
    enum { COUNT = 3, FAILS = 1 };
    lane *order[COUNT];
    int   status = STAPES_OK;
    if (!make_lanes(c, combination, lanes, COUNT)) return;
    lanes[FAILS].together.refuse_emit = 1;
    (void)snprintf(c->doing, sizeof c->doing, "%s where one of three is refused an emit", names_of(c->stage));
    for (uint32_t i = 0; i < COUNT; i++) {
        order[i] = &lanes[i];
        if (!fill(c, combination, &lanes[i], i, 0)) return;
    }
    status = run_together(c, order, COUNT, 0, true);
    for (uint32_t i = 0; i < COUNT && status >= 0; i++) status = run_alone(&lanes[i], 0);
    if (status < 0) st_suite_fail(c, "%s: fails with status %d", c->doing, status);
    for (uint32_t i = 0; i < COUNT && status >= 0; i++)
        if (!lanes[i].down) compare(c, &lanes[i], " beside one that fails");
}

void st_suite_batch(st_case *c)
{
    lane *lanes;
    if (!c->stage->process_many && !c->stage->flush_many) {
        st_suite_skip(c, "it has neither process_many nor flush_many");
        return;
    }
    if (!(lanes = calloc(MANY, sizeof *lanes))) {
        st_suite_fail(c, "no memory");
        return;
    }
    for (uint32_t k = 0; k < c->n_combinations && c->verdict != ST_FAILED; k++)
        for (uint32_t part = 0; part < 2 && c->verdict != ST_FAILED; part++) {
            memset(lanes, 0, MANY * sizeof *lanes);
            if (part)
                one_fails(c, k, lanes);
            else
                several(c, k, lanes);
            close_lanes(lanes, MANY);
        }
    free(lanes);
}
