/* suite_fault.c - tests of the contract suite in which something goes wrong: memory ends, nobody takes
 * what comes out, somebody asks to stop, the input is not what one would wish. */
#include "suite/drive.h"
#include "suite/hook.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- memory ----------------------------------------------------------------------------------------------
 */

enum { MOST_FAILURES = 300 };

void st_suite_memory(st_case *c)
{
    st_plan   plan = st_drive_plan(c, 0);
    st_record before = {0}, after = {0};
    uint64_t  total, step;
    char      doing[100], words[500];
    plan.seconds = 0.2;
    plan.n_segments = 2;
    plan.cut = ST_TENTH;
    st_hook_fail_at(0);
    if (!st_drive_good(c, &plan, "with enough memory", &before)) return;
    total = st_hook_allocations();
    step = total > MOST_FAILURES ? total / MOST_FAILURES + 1 : 1;
    for (uint64_t n = 1; n <= total && c->verdict != ST_FAILED && st_suite_now() < c->until;
         n += n < MOST_FAILURES / 2 ? 1 : step) {
        (void)snprintf(doing, sizeof doing, "allocation %llu of %llu failing", (unsigned long long)n,
                       (unsigned long long)total);
        (void)snprintf(c->doing, sizeof c->doing, "%s", doing);
        st_hook_fail_at(n);
        (void)st_drive_run(c, &plan, doing, NULL, NULL); /* with words, or it managed without */
    }
    st_hook_fail_at(0);
    (void)snprintf(c->doing, sizeof c->doing, "once memory is there again");
    if (c->verdict != ST_FAILED && st_drive_good(c, &plan, c->doing, &after) &&
        !st_record_same(&after, 0, &before, 0, false, words, sizeof words))
        st_suite_fail(c, "after allocations that failed it gives something else: %s", words);
    st_record_clear(&before);
    st_record_clear(&after);
}

/* ---- refusals
 * ---------------------------------------------------------------------------------------------- */

void st_suite_refusals(st_case *c)
{
    st_plan   plan = st_drive_plan(c, 0);
    st_record all = {0};
    uint32_t  total;
    plan.n_segments = 2;
    plan.cut = ST_TENTH;
    if (!st_drive_good(c, &plan, "an ordinary stream", &all)) return;
    total = all.count;
    st_record_clear(&all);
    for (uint32_t n = 1; n <= total && n <= 40 && c->verdict != ST_FAILED && st_suite_now() < c->until; n++) {
        char doing[100];
        (void)snprintf(doing, sizeof doing, "emit %u answers STAPES_EPIPE", n);
        (void)snprintf(c->doing, sizeof c->doing, "%s", doing);
        plan.refuse_emit = n;
        (void)st_drive_run(c, &plan, doing, NULL, NULL); /* the probe sees whether the answer comes back */
    }
}

/* ---- cancellation
 * -------------------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define SANITIZED 0
#endif
#if SANITIZED
#define MOST_WAIT 8.0
#else
#define MOST_WAIT 1.0 /* seconds from the wish to the return */
#endif

typedef struct stopper {
    st_probe      *probes;
    uint32_t       count;
    double         delay;
    _Atomic double at;
} stopper;

static void *stop_later(void *argument)
{
    stopper        *one = argument;
    struct timespec pause = {0, (long)(one->delay * 1e9)};
    (void)nanosleep(&pause, NULL);
    one->at = st_suite_now();
    for (uint32_t i = 0; i < one->count; i++) atomic_store(&one->probes[i].canceled, true);
    return NULL;
}

enum { STOPPED = 3 }; /* instances that are called together */

/* A long segment of each, in one packet, through the calls for several. */
static int run_together(st_probe *probes, const st_feed *feed)
{
    const stapes_stage  *stage = probes[0].stage;
    st_probe            *many[STOPPED];
    st_guard            *guards[STOPPED] = {0};
    const stapes_packet *packets[STOPPED];
    int                  status = STAPES_OK;
    for (uint32_t i = 0; i < STOPPED && status >= 0; i++) {
        guards[i] = st_feed_packet(&probes[i], feed, 0, feed->format.kind == STAPES_TEXT ? 1 : feed->rows);
        if (!guards[i]) {
            status = STAPES_ENOMEM;
            break;
        }
        many[i] = &probes[i];
        packets[i] = st_guard_head(guards[i]);
        if (!stage->process_many) status = st_probe_process(many[i], 0, packets[i]);
    }
    if (status >= 0 && stage->process_many) status = st_probe_process_many(many, packets, STOPPED);
    for (uint32_t i = 0; i < STOPPED; i++)
        if (guards[i]) st_probe_drop(guards[i]);
    if (status >= 0 && stage->flush_many) return st_probe_flush_many(many, STOPPED, STAPES_FLUSH_SEGMENT);
    for (uint32_t i = 0; i < STOPPED && status >= 0; i++)
        status = st_probe_flush(many[i], STAPES_FLUSH_SEGMENT);
    return status;
}

static bool refused_any(const st_probe *probes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (probes[i].refused < 0) return true;
    return false;
}

static int run_one(const st_case *c, st_probe *probe, const st_feed *feeds)
{
    int status = STAPES_OK;
    if (c->stage->n_inputs) return st_feed_segment(probe, feeds, 0, ST_WHOLE, c->seed);
    while (status >= 0 && status != STAPES_END) status = st_probe_process(probe, 0, NULL);
    return status;
}

/* A long segment in one packet, of one instance or of several in one call, stopped after `delay` seconds. */
static void stop_after(st_case *c, double delay, uint32_t count)
{
    st_probe             probes[STOPPED];
    st_feed              feeds[ST_SUITE_PORTS];
    const stapes_format *formats[ST_SUITE_PORTS];
    stopper              one = {.probes = probes, .count = count, .delay = delay};
    pthread_t            thread;
    double               waited;
    int                  status = STAPES_OK;
    uint32_t             n = 0;
    memset(feeds, 0, sizeof feeds);
    st_drive_formats(c, 0, formats);
    for (; n < count && status >= 0 && st_probe_make(c, &probes[n], "probe") >= 0; n++) {
        status = st_probe_open(&probes[n]);
        if (status >= 0) status = st_probe_configure(&probes[n], formats);
    }
    for (uint32_t i = 0; i < c->stage->n_inputs && status >= 0; i++)
        if (formats[i] && !st_feed_make(&feeds[i], formats[i], 30, 0, c->seed, ST_ORDINARY))
            status = STAPES_ENOMEM;
    if (status < 0) {
        st_suite_fail(c, "before anybody stops it: fails with status %d: %s", status,
                      n ? probes[n - 1].error.text : "");
    } else if (n == count && pthread_create(&thread, NULL, stop_later, &one)) {
        st_suite_skip(c, "no thread to be had");
    } else if (n == count) {
        status = count > 1 ? run_together(probes, &feeds[0]) : run_one(c, &probes[0], feeds);
        double returned = st_suite_now();
        (void)pthread_join(thread, NULL);
        waited = returned - one.at;
        if (waited > MOST_WAIT)
            st_suite_fail(
                c,
                "asked to stop %.0f ms into a segment of 30 s%s, it returned %.1f s later, allowed is %g s: "
                "look at host->canceled now and then",
                delay * 1000, count > 1 ? " of each of several instances" : "", waited, MOST_WAIT);
        else if (status < 0 && status != STAPES_ECANCELED && !refused_any(probes, count))
            st_suite_fail(c, "asked to stop, it answers %d (%s) and not STAPES_ECANCELED", status,
                          probes[0].error.text);
    }
    for (uint32_t i = 0; i < n; i++) {
        st_probe_close(&probes[i]);
        (void)st_probe_broken(&probes[i], "asked to stop");
        st_record_clear(&probes[i].sent);
    }
    for (uint32_t i = 0; i < c->stage->n_inputs; i++) st_feed_free(&feeds[i]);
}

void st_suite_cancel(st_case *c)
{
    static const double delays[] = {0, 0.005, 0.05, 0.2};
    bool                many = c->stage->process_many || c->stage->flush_many;
    for (uint32_t i = 0; i < STAPES_COUNT(delays) && c->verdict != ST_FAILED; i++) {
        stop_after(c, delays[i], 1);
        if (many && c->verdict != ST_FAILED) stop_after(c, delays[i], STOPPED);
    }
}

/* ---- odd input
 * ------------------------------------------------------------------------------------------------- */

/* An odd recording, which may be refused with words, then an ordinary one: that must come out as from a
 * fresh instance. */
static void odd_then_ordinary(st_case *c, uint32_t combination, int flavour, const char *what)
{
    st_plan   odd = st_drive_plan(c, combination), ordinary = odd;
    st_probe  probe;
    st_record fresh = {0};
    char      words[500], doing[120];
    int       status;
    (void)snprintf(doing, sizeof doing, "input with %s", what);
    (void)snprintf(c->doing, sizeof c->doing, "%s", doing);
    odd.flavours[0] = flavour;
    odd.cut = ordinary.cut = ST_TENTH;
    odd.recordings = ordinary.recordings = odd.goes_on = true;
    ordinary.first = 1;
    if (!st_drive_good(c, &ordinary, "ordinary input", &fresh) || st_probe_make(c, &probe, "probe") < 0)
        return;
    status = st_probe_open(&probe);
    if (status >= 0) status = st_drive_stream(&probe, &odd);
    if (status < 0 && status != STAPES_EINPUT && status != STAPES_EFORMAT) {
        st_suite_fail(
            c, "%s: fails with status %d (%s): only STAPES_EINPUT gives up this recording and not the others",
            doing, status, probe.error.text);
    } else {
        if (status < 0) { /* as the runtime does when a recording is given up */
            stapes_event event = {.size = sizeof event, .type = STAPES_RECORDING_ABANDONED, .name = "odd"};
            (void)st_probe_flush(&probe, STAPES_FLUSH_SEGMENT);
            (void)st_probe_event(&probe, 0, &event);
        }
        st_record_clear(&probe.sent);
        memset(probe.segments, 0, sizeof probe.segments);
        for (uint32_t i = 0; i < ST_SUITE_PORTS; i++)
            probe.last_start[i] = probe.last_end[i] = probe.promised[i] = INT64_MIN;
        status = st_drive_stream(&probe, &ordinary);
        if (st_probe_broken(&probe, doing))
            status = STAPES_ECONTRACT; /* told already */
        else if (status < 0)
            st_suite_fail(c, "ordinary input after %s: fails with status %d: %s", doing, status,
                          probe.error.text);
        else if (!st_record_same(&probe.sent, 0, &fresh, 0, false, words, sizeof words))
            st_suite_fail(c, "ordinary input after %s gives something else than in a fresh instance: %s",
                          doing, words);
    }
    st_probe_close(&probe);
    (void)st_probe_broken(&probe, doing);
    st_record_clear(&probe.sent);
    st_record_clear(&fresh);
}

void st_suite_numbers(st_case *c)
{
    static const struct {
        int         flavour;
        const char *what;
    } odd[] = {{ST_SILENT, "nothing but zeros"}, {ST_NAN, "NaN"},
               {ST_INFINITE, "infinities"},      {ST_TINY, "denormal numbers"},
               {ST_LOUD, "numbers up to 1e30"},  {ST_ODD, "odd ids, empty texts and times that stand still"}};
    for (uint32_t k = 0; k < c->n_combinations; k++)
        for (uint32_t i = 0; i < STAPES_COUNT(odd) && c->verdict != ST_FAILED && st_suite_now() < c->until;
             i++)
            odd_then_ordinary(c, k, odd[i].flavour, odd[i].what);
}
