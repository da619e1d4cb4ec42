/* drive.c - see drive.h. */
#include "suite/drive.h"

#include "contract/format.h"

#include <stdio.h>
#include <string.h>

st_plan st_drive_plan(const st_case *c, uint32_t combination)
{
    st_plan plan = {.n_segments = 1, .seconds = 1.31, .content = c->seed, .random = c->seed ^ 0x5bd1e995};
    for (uint32_t i = 0; i < ST_DRIVE_SEGMENTS; i++) plan.combinations[i] = combination;
    return plan;
}

void st_drive_formats(const st_case *c, uint32_t combination, const stapes_format **formats)
{
    for (uint32_t i = 0; i < c->stage->n_inputs; i++) {
        const stapes_format *format = &c->combinations[combination].inputs[i];
        formats[i] = format->kind ? format : NULL;
    }
}

const char *st_drive_format_text(const st_case *c, uint32_t combination, char *text, size_t size)
{
    return st_format_text(&c->combinations[combination].inputs[0], text, size);
}

/* Feeds of one segment; its number decides what is in it. */
static bool make_feeds(st_probe *probe, const st_plan *plan, uint32_t index, st_feed *feeds)
{
    uint32_t    number = plan->first + index;
    stapes_time step = (stapes_time)((plan->seconds + 1.0) * 100) * (STAPES_SECOND / 100);
    stapes_time start = plan->recordings ? 0 : plan->start + step * number;
    for (uint32_t i = 0; i < probe->stage->n_inputs; i++)
        if (probe->inputs[i] &&
            !st_feed_make(&feeds[i], &probe->c->combinations[plan->combinations[index]].inputs[i],
                          plan->seconds, start, plan->content + number * 7919 + i, plan->flavours[index]))
            return false;
    return true;
}

static int one_segment(st_probe *probe, const st_plan *plan, uint32_t index)
{
    st_feed feeds[ST_SUITE_PORTS];
    int     status;
    memset(feeds, 0, sizeof feeds);
    if (!make_feeds(probe, plan, index, feeds)) {
        st_suite_fail(probe->c, "no memory for the input");
        status = STAPES_ENOMEM;
    } else {
        status = st_feed_segment(probe, feeds, plan->first + index, plan->cut, plan->random + index);
    }
    for (uint32_t i = 0; i < probe->stage->n_inputs; i++) st_feed_free(&feeds[i]);
    return status;
}

/* A source, until it has no more. */
static int run_source(st_probe *probe)
{
    int status = st_probe_configure(probe, NULL);
    while (status >= 0 && status != STAPES_END) {
        status = st_probe_process(probe, 0, NULL);
        if (st_suite_now() < probe->c->until || status < 0) continue;
        st_suite_skip(probe->c, "it did not end by itself within the time of a test");
        return STAPES_ECANCELED;
    }
    return status;
}

int st_drive_stream(st_probe *probe, const st_plan *plan)
{
    int status = STAPES_OK;
    if (!probe->stage->n_inputs) return run_source(probe);
    for (uint32_t i = 0; i < plan->n_segments && status >= 0; i++) {
        bool other = i == 0 || plan->combinations[i] != plan->combinations[i - 1];
        if (other || plan->reconfigure) {
            const stapes_format *formats[ST_SUITE_PORTS];
            st_drive_formats(probe->c, plan->combinations[i], formats);
            status = st_probe_configure(probe, formats);
        }
        if (status >= 0 && (i == 0 || plan->recordings))
            status = st_feed_recording(probe, STAPES_RECORDING_BEGIN, 0);
        if (status >= 0) status = one_segment(probe, plan, i);
        if (status >= 0 && (i + 1 == plan->n_segments || plan->recordings))
            status = st_feed_recording(probe, STAPES_RECORDING_END,
                                       probe->last_end[0] > 0 ? probe->last_end[0] : 0);
    }
    return status < 0 || plan->goes_on ? status : st_probe_flush(probe, STAPES_FLUSH_END);
}

int st_drive_run(st_case *c, const st_plan *plan, const char *doing, st_record *sent, stapes_error *words)
{
    st_probe probe;
    int      status = st_probe_make(c, &probe, "probe");
    if (status < 0) return status;
    probe.parallel = plan->parallel;
    probe.refuse_emit = plan->refuse_emit;
    status = st_probe_open(&probe);
    if (status >= 0) status = st_drive_stream(&probe, plan);
    if (words) *words = probe.error;
    st_probe_close(&probe);
    if (probe.sent.incomplete) st_suite_fail(c, "no memory for what the stage sends");
    (void)st_probe_broken(&probe, doing);
    if (sent)
        *sent = probe.sent;
    else
        st_record_clear(&probe.sent);
    return status;
}

bool st_drive_good(st_case *c, const st_plan *plan, const char *doing, st_record *sent)
{
    stapes_error words = {0};
    st_record    own = {0};
    int          status = st_drive_run(c, plan, doing, &own, &words);
    if (status < 0) st_suite_fail(c, "%s: fails with status %d: %s", doing, status, words.text);
    if (sent)
        *sent = own;
    else
        st_record_clear(&own);
    return c->verdict != ST_FAILED;
}
