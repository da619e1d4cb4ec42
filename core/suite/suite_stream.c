/* suite_stream.c - tests of the contract suite about the stream: what comes out depends on what went in
 * and on nothing else. */
#include "suite/drive.h"

#include <stdio.h>
#include <string.h>

/* Runs both plans and compares what came out. */
static void same(st_case *c, const st_plan *a, const char *doing_a, uint32_t a_first, const st_plan *b,
                 const char *doing_b, uint32_t b_first)
{
    st_record x = {0}, y = {0};
    char      words[500];
    if (st_drive_good(c, a, doing_a, &x) && st_drive_good(c, b, doing_b, &y) &&
        !st_record_same(&y, b_first, &x, a_first, false, words, sizeof words))
        st_suite_fail(c, "%s gives something else than %s: %s", doing_b, doing_a, words);
    st_record_clear(&x);
    st_record_clear(&y);
}

/* The second segment after one of another format, which a stage may refuse (a file that began with one
 * format takes no other). */
static void after_another_format(st_case *c, uint32_t combination, const st_plan *fresh)
{
    st_plan      plan = *fresh;
    stapes_error why = {0};
    plan.first = 0;
    plan.n_segments = 2;
    plan.combinations[0] = (combination + 1) % c->n_combinations;
    if (plan.combinations[0] == combination || c->verdict == ST_FAILED) return;
    int status = st_drive_run(c, &plan, "a second segment of another format", NULL, &why);
    if (status == STAPES_EFORMAT || status == STAPES_EINPUT) return;
    same(c, fresh, "a fresh instance", 0, &plan, "the second segment, after one of another format,", 1);
}

/* ---- life ------------------------------------------------------------------------------------------------
 */

/* One life with only some of its parts. */
static void short_life(st_case *c, bool opened, bool configured, bool flushed, const char *doing)
{
    st_probe             probe;
    const stapes_format *formats[ST_SUITE_PORTS];
    int                  status;
    if (c->verdict == ST_FAILED || st_probe_make(c, &probe, "probe") < 0) return;
    status = opened ? st_probe_open(&probe) : STAPES_OK;
    if (status >= 0 && configured) {
        st_drive_formats(c, 0, formats);
        status = st_probe_configure(&probe, formats);
    }
    if (status >= 0 && flushed) status = st_probe_flush(&probe, STAPES_FLUSH_SEGMENT);
    if (status >= 0 && flushed) status = st_probe_flush(&probe, STAPES_FLUSH_SEGMENT);
    if (status >= 0 && flushed) status = st_probe_flush(&probe, STAPES_FLUSH_END);
    if (status < 0) st_suite_fail(c, "%s: fails with status %d: %s", doing, status, probe.error.text);
    st_probe_close(&probe);
    (void)st_probe_broken(&probe, doing);
    st_record_clear(&probe.sent);
}

/* Segments without any packet, one of them between two others. */
static void empty_segments(st_case *c)
{
    st_probe             probe;
    const stapes_format *formats[ST_SUITE_PORTS];
    stapes_event         event = {.size = sizeof event};
    int                  status;
    if (c->verdict == ST_FAILED || st_probe_make(c, &probe, "probe") < 0) return;
    st_drive_formats(c, 0, formats);
    status = st_probe_open(&probe);
    if (status >= 0) status = st_probe_configure(&probe, formats);
    for (uint32_t i = 0; i < 3 && status >= 0; i++) {
        event.segment = i;
        event.position = (stapes_time)i * STAPES_SECOND;
        for (uint32_t port = 0; port < c->stage->n_inputs && status >= 0; port++) {
            event.type = STAPES_SEGMENT_BEGIN;
            status = st_probe_event(&probe, port, &event);
        }
        for (uint32_t port = 0; port < c->stage->n_inputs && status >= 0; port++) {
            event.type = STAPES_SEGMENT_END;
            status = st_probe_event(&probe, port, &event);
        }
    }
    if (status >= 0) status = st_probe_flush(&probe, STAPES_FLUSH_END);
    if (status < 0)
        st_suite_fail(c, "segments without a packet: fails with status %d: %s", status, probe.error.text);
    st_probe_close(&probe);
    (void)st_probe_broken(&probe, "segments without a packet");
    st_record_clear(&probe.sent);
}

void st_suite_life(st_case *c)
{
    short_life(c, true, false, false, "open and close");
    short_life(c, true, true, false, "open, configure and close");
    short_life(c, true, true, true, "open, configure, flush(segment) twice, flush(end), close");
    empty_segments(c);
    for (uint32_t k = 0; k < c->n_combinations && c->verdict != ST_FAILED; k++) {
        st_plan plan = st_drive_plan(c, k);
        plan.seconds = 0;
        plan.n_segments = 3;
        (void)st_drive_good(c, &plan, "segments of one row", NULL);
    }
}

/* ---- time
 * -------------------------------------------------------------------------------------------------- */

void st_suite_time(st_case *c)
{
    for (uint32_t k = 0; k < c->n_combinations; k++) {
        static const int cuts[] = {ST_WHOLE, ST_ROWS_OF_ONE, ST_HUGE, ST_RANDOM, ST_TENTH};
        for (uint32_t i = 0; i < STAPES_COUNT(cuts); i++) {
            char      words[400];
            st_record sent = {0};
            st_plan   plan = st_drive_plan(c, k);
            plan.cut = cuts[i];
            plan.n_segments = 3;
            plan.start = 1000 * STAPES_SECOND; /* nobody counts from 0 */
            if (st_drive_good(c, &plan, "a recording of three segments", &sent) &&
                st_record_has_nan(&sent, words, sizeof words))
                st_suite_fail(c, "%s", words);
            st_record_clear(&sent);
            if (c->verdict == ST_FAILED || st_suite_now() > c->until) return;
        }
    }
}

/* ---- cuts
 * -------------------------------------------------------------------------------------------------- */

void st_suite_cuts(st_case *c)
{
    static const struct {
        int         cut;
        const char *doing;
    } cuts[] = {{ST_WHOLE, "the same once more"},
                {ST_TENTH, "input cut into tenths of a second"},
                {ST_SEVENS, "input cut into packets of 7 rows"},
                {ST_ROWS_OF_ONE, "input cut into packets of 1 row"},
                {ST_PRIMES, "input cut into packets of prime lengths"},
                {ST_HUGE, "input cut into 1 row, all but two, and 1 row"},
                {ST_RANDOM, "input cut at random"}};
    static const double lengths[] = {1.31, 0.037, 0.52};
    for (uint32_t k = 0; k < c->n_combinations; k++)
        for (uint32_t l = 0; l < STAPES_COUNT(lengths); l++) {
            st_plan   whole = st_drive_plan(c, k);
            st_record expected = {0};
            whole.seconds = lengths[l];
            whole.n_segments = 2;
            if (!st_drive_good(c, &whole, "input in one packet", &expected)) c->until = 0;
            for (uint32_t i = 0;
                 i < STAPES_COUNT(cuts) && c->verdict != ST_FAILED && st_suite_now() < c->until; i++) {
                st_plan   plan = whole;
                st_record found = {0};
                char      words[500], format[200];
                plan.cut = cuts[i].cut;
                if (st_drive_good(c, &plan, cuts[i].doing, &found) &&
                    !st_record_same(&found, 0, &expected, 0, false, words, sizeof words))
                    st_suite_fail(c, "%s gives something else than input in one packet (%s): %s",
                                  cuts[i].doing, st_drive_format_text(c, k, format, sizeof format), words);
                st_record_clear(&found);
            }
            st_record_clear(&expected);
            if (c->verdict == ST_FAILED) return;
        }
}

void st_suite_threads(st_case *c)
{
    for (uint32_t k = 0; k < c->n_combinations && c->verdict != ST_FAILED; k++) {
        st_plan one = st_drive_plan(c, k), other = one;
        other.parallel = ST_BACKWARDS;
        same(c, &one, "host->parallel in order", 0, &other, "host->parallel backwards", 0);
        other.parallel = ST_THREADS;
        for (int again = 0; again < 3 && c->verdict != ST_FAILED; again++)
            same(c, &one, "host->parallel on one thread", 0, &other, "host->parallel on three threads", 0);
    }
}

/* ---- reset
 * --------------------------------------------------------------------------------------------------- */

void st_suite_reset(st_case *c)
{
    for (uint32_t k = 0; k < c->n_combinations && c->verdict != ST_FAILED; k++) {
        st_plan fresh = st_drive_plan(c, k), second = fresh;
        fresh.first = 1;
        second.n_segments = 2;
        same(c, &fresh, "a fresh instance", 0, &second, "the second segment of an instance", 1);
        second.reconfigure = true;
        same(c, &fresh, "a fresh instance", 0, &second, "the second segment, after another configure,", 1);
        second.reconfigure = false;
        fresh.recordings = second.recordings = true;
        same(c, &fresh, "a fresh instance", 0, &second, "the second recording of an instance", 1);
        fresh.recordings = second.recordings = false;
        after_another_format(c, k, &fresh);
        second = fresh;
        second.first = 0;
        second.n_segments = 2;
        second.cut = ST_SEVENS;
        same(c, &fresh, "a fresh instance", 0, &second, "the second segment, cut into sevens,", 1);
    }
}

/* ---- several instances
 * --------------------------------------------------------------------------------------- */

typedef struct runner {
    st_case  *c;
    st_plan   plan;
    st_record sent;
    bool      good;
} runner;

static void *run(void *argument)
{
    runner *one = argument;
    one->good = st_drive_good(one->c, &one->plan, "two instances at once", &one->sent);
    return NULL;
}

void st_suite_instances(st_case *c)
{
    for (uint32_t k = 0; k < c->n_combinations && c->verdict != ST_FAILED; k++) {
        runner    both[2];
        pthread_t thread;
        char      words[500];
        for (uint32_t i = 0; i < 2; i++) {
            both[i] = (runner){.c = c, .plan = st_drive_plan(c, (k + i) % c->n_combinations)};
            both[i].plan.content += 100 * i;
            both[i].plan.cut = ST_TENTH;
            both[i].plan.n_segments = 3;
        }
        if (pthread_create(&thread, NULL, run, &both[1])) {
            st_suite_skip(c, "no thread to be had");
            return;
        }
        run(&both[0]);
        (void)pthread_join(thread, NULL);
        for (uint32_t i = 0; i < 2 && c->verdict != ST_FAILED; i++) {
            st_record alone = {0};
            if (st_drive_good(c, &both[i].plan, "one instance alone", &alone) &&
                !st_record_same(&both[i].sent, 0, &alone, 0, false, words, sizeof words))
                st_suite_fail(c, "beside another instance it gives something else than alone: %s", words);
            st_record_clear(&alone);
        }
        for (uint32_t i = 0; i < 2; i++) st_record_clear(&both[i].sent);
    }
}

/* ---- events
 * ---------------------------------------------------------------------------------------------------- */

void st_suite_events(st_case *c)
{
    static const uint32_t types[] = {STAPES_RECORDING_BEGIN, STAPES_SEGMENT_BEGIN, STAPES_SPEECH_BEGIN,
                                     STAPES_TRIGGER,         STAPES_GAP,           STAPES_DEVICE_LOST,
                                     STAPES_DEVICE_BACK,     STAPES_SPEECH_END,    4711,
                                     STAPES_SEGMENT_END,     STAPES_RECORDING_END};
    st_probe              probe;
    const stapes_format  *formats[ST_SUITE_PORTS];
    st_feed               feeds[ST_SUITE_PORTS];
    int                   status;
    uint32_t              begun = 0, ended = 0;
    if (st_probe_make(c, &probe, "probe") < 0) return;
    memset(feeds, 0, sizeof feeds);
    st_drive_formats(c, 0, formats);
    status = st_probe_open(&probe);
    if (status >= 0) status = st_probe_configure(&probe, formats);
    for (uint32_t i = 0; i < c->stage->n_inputs && status >= 0; i++)
        if (!st_feed_make(&feeds[i], formats[i], 1.5, 0, c->seed + i, ST_ORDINARY)) status = STAPES_ENOMEM;
    for (uint32_t i = 0; i < STAPES_COUNT(types) && status >= 0; i++) {
        for (uint32_t port = 0; port < c->stage->n_inputs && status >= 0; port++) {
            uint32_t     row = feeds[port].rows * i / STAPES_COUNT(types);
            uint32_t     next = feeds[port].rows * (i + 1) / STAPES_COUNT(types);
            stapes_event event = {.size = sizeof event,
                                  .type = types[i],
                                  .position = st_feed_time(&feeds[port], row),
                                  .length = types[i] == STAPES_GAP ? STAPES_SECOND / 100 : 0,
                                  .name = i % 2 ? NULL : "an event"};
            status = st_probe_event(&probe, port, &event);
            if (status < 0 || next <= row || i == 0 || i + 2 >= STAPES_COUNT(types)) continue;
            if (feeds[port].format.kind == STAPES_TEXT) next = row + 1;
            st_guard *guard = st_feed_packet(&probe, &feeds[port], row, next - row);
            if (!guard) break;
            status = st_probe_process(&probe, port, st_guard_head(guard));
            st_probe_drop(guard);
        }
    }
    if (status >= 0) {
        stapes_event event = {
            .size = sizeof event, .type = STAPES_RECORDING_ABANDONED, .name = "a recording"};
        status = st_probe_event(&probe, 0, &event);
    }
    if (status >= 0) status = st_probe_flush(&probe, STAPES_FLUSH_END);
    if (status < 0)
        st_suite_fail(c, "a stream with all events: fails with status %d: %s", status, probe.error.text);
    for (uint32_t i = 0; i < probe.sent.count; i++) {
        const st_sent *item = &probe.sent.items[i];
        if (item->port) continue;
        begun += item->event == STAPES_SEGMENT_BEGIN;
        ended += item->event == STAPES_SEGMENT_END;
        if (ended > begun) st_suite_fail(c, "a segment ends on its output that has not begun there");
    }
    if (begun != ended) st_suite_fail(c, "%u segments begin on its output, %u end", begun, ended);
    st_probe_close(&probe);
    (void)st_probe_broken(&probe, "a stream with all events");
    st_record_clear(&probe.sent);
    for (uint32_t i = 0; i < c->stage->n_inputs; i++) st_feed_free(&feeds[i]);
}
