/* push_test.c - the embedding program's side (runtime.h): pushing audio, receiving packets, segments,
 * times, options, what may be called when, statistics and the trace. */
#include "check.h"
#include <stapes/runtime.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct heard {
    int64_t     rows;
    stapes_time last_end, first;
    int         begins, ends, packets;
    uint32_t    rate;
    int         answer; /* what the receiver returns */
} heard;

static int receive(void *user, const stapes_packet *packet)
{
    heard *h = user;
    if (packet->kind == STAPES_EVENT) {
        const stapes_event *event = packet->data;
        if (event->type == STAPES_SEGMENT_BEGIN) h->begins++;
        if (event->type == STAPES_SEGMENT_END) h->ends++;
        return STAPES_OK;
    }
    if (!h->packets++) h->first = packet->start;
    h->rows += packet->rows;
    h->rate = packet->format->rate;
    h->last_end = packet->start + packet->duration;
    return h->answer;
}

static stapes_pipeline *make(stapes_runtime *runtime, heard *h, const char *line)
{
    stapes_error     error = {0};
    stapes_pipeline *pipeline = stapes_parse_pipeline(runtime, line, "test", &error);
    CHECK_TEXT(error.text, "");
    if (pipeline) CHECK(stapes_set_receiver(pipeline, "identity", "out", receive, h, &error) == STAPES_OK);
    return pipeline;
}

static const char line[] = "app.audio ! app.identity ! app.discard";

static void test_push(stapes_runtime *runtime)
{
    heard            h = {0};
    stapes_error     error = {0};
    static float     samples[48000 * 2];
    stapes_pipeline *p = make(runtime, &h, line);
    stapes_measure_pipeline(p);
    CHECK(stapes_push_audio(p, samples, 16000, 1, 16000, &error) == STAPES_OK);
    CHECK(stapes_push_audio(p, samples, 8000, 1, 16000, &error) == STAPES_OK);
    CHECK(h.rows == 24000 && h.begins == 1 && h.last_end == STAPES_SECOND * 3 / 2);
    /* another rate inside a segment is refused, and the segment goes on */
    CHECK(stapes_push_audio(p, samples, 10, 2, 48000, &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "48000 Hz and 2 channels, the segment began with 16000 Hz and 1");
    stapes_close_pipeline(p);

    h = (heard){0};
    error = (stapes_error){0};
    p = make(runtime, &h, line);
    CHECK(stapes_push_audio(p, samples, 16000, 1, 16000, &error) == STAPES_OK);
    CHECK(stapes_end_segment(p, &error) == STAPES_OK);
    CHECK(stapes_end_segment(p, &error) == STAPES_OK); /* nothing to end: nothing is sent */
    CHECK(h.begins == 1 && h.ends == 1);
    CHECK(stapes_push_audio(p, samples, 48000, 2, 48000, &error) == STAPES_OK);
    CHECK(h.rate == 48000 && h.rows == 64000 && h.last_end == 2 * STAPES_SECOND); /* time goes on */
    CHECK(stapes_end_audio(p, &error) == STAPES_OK);
    CHECK(h.begins == 2 && h.ends == 2);
    CHECK(stapes_get_progress(p) == 2 * STAPES_SECOND);
    CHECK(stapes_push_audio(p, samples, 1, 1, 16000, &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "ended already");
    stapes_stage_stats stats = {.size = sizeof stats};
    CHECK(stapes_get_stats(p, 1, &stats) == 3);
    CHECK_TEXT(stats.stage, "app.identity");
    CHECK(stats.rows_out == 64000 && stats.packets_in == stats.packets_out);
    stapes_close_pipeline(p);
}

static void test_refusals(stapes_runtime *runtime)
{
    heard            h = {0};
    stapes_error     error = {0};
    float            sample = 0;
    stapes_pipeline *p = make(runtime, &h, line);
    CHECK(stapes_run_pipeline(p, &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "use stapes_push_audio, not run");
    stapes_close_pipeline(p);

    error = (stapes_error){0};
    p = make(runtime, &h, "app.silence seconds=0.5 ! app.identity ! app.discard");
    CHECK(stapes_push_audio(p, &sample, 1, 1, 16000, &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "whose only source is app.audio, this one has 'silence' (app.silence)");
    stapes_close_pipeline(p);

    error = (stapes_error){0};
    p = make(runtime, &h, "app.silence ! app.identity ! app.discard");
    CHECK(stapes_set_option(p, "silence.seconds", "0.25", &error) == STAPES_OK);
    CHECK(stapes_set_option(p, "silence.secnods", "0.25", &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "seconds");
    error = (stapes_error){0};
    CHECK(stapes_set_receiver(p, "nobody", NULL, receive, &h, &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "no stage of this pipeline is called 'nobody'");
    error = (stapes_error){0};
    h = (heard){0};
    CHECK(stapes_run_pipeline(p, &error) == STAPES_OK);
    CHECK(h.rows == 4000 && h.last_end == STAPES_SECOND / 4);
    CHECK(stapes_run_pipeline(p, &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "has run already");
    CHECK(stapes_set_option(p, "silence.seconds", "1", NULL) == STAPES_EUSAGE);
    stapes_close_pipeline(p);

    error = (stapes_error){0};
    CHECK(stapes_parse_pipeline(runtime, "app.silnce ! app.discard", "mine", &error) == NULL);
    CHECK_HAS(error.text, "app.silence");
    char *all = stapes_diagnose(runtime, NULL, "app.silence secs=1 ! app.nothing");
    CHECK_HAS(all, "secs");
    CHECK_HAS(all, "app.nothing");
    free(all);
}

static void test_receiver_stops(stapes_runtime *runtime)
{
    heard            h = {.answer = STAPES_ESYSTEM};
    stapes_error     error = {0};
    stapes_pipeline *p = make(runtime, &h, "app.silence seconds=10 ! app.identity ! app.discard");
    CHECK(stapes_run_pipeline(p, &error) == STAPES_ESYSTEM && h.packets == 1);
    stapes_close_pipeline(p);
    /* a recording that the receiver refuses is given up alone */
    h = (heard){.answer = STAPES_EINPUT};
    p = make(runtime, &h, line);
    float samples[100] = {0};
    CHECK(stapes_push_audio(p, samples, 100, 1, 8000, &error) == STAPES_EINPUT);
    h.answer = STAPES_OK;
    CHECK(stapes_push_audio(p, samples, 100, 1, 8000, &error) == STAPES_OK);
    CHECK(h.begins == 2);
    stapes_cancel_pipeline(p);
    CHECK(stapes_push_audio(p, samples, 100, 1, 8000, &error) == STAPES_ECANCELED);
    CHECK(stapes_end_audio(p, &error) == STAPES_ECANCELED);
    stapes_close_pipeline(p);
}

/* Keeps the starts: they may not go back, and both branches must be whole. */
typedef struct order {
    stapes_time last;
    int         packets, back, begins;
} order;

static int watch(void *user, const stapes_packet *packet)
{
    order *o = user;
    if (packet->kind == STAPES_EVENT) {
        o->begins += ((const stapes_event *)packet->data)->type == STAPES_SEGMENT_BEGIN;
        return STAPES_OK;
    }
    o->back += packet->start < o->last;
    o->last = packet->start;
    o->packets++;
    return STAPES_OK;
}

static void test_branches(stapes_runtime *runtime)
{
    static const char yaml[] = "name: branches\nstages:\n"
                               "  - source: {use: app.silence, seconds: 2, packet: 500}\n"
                               "  - one: {use: app.identity, from: source}\n"
                               "  - two: {use: app.identity, from: source}\n"
                               "  - both: {use: app.merge, from: {in: one, side: two}}\n"
                               "  - end: {use: app.discard, from: both}\n";
    order             o = {0};
    stapes_error      error = {0};
    stapes_pipeline  *p = stapes_parse_pipeline(runtime, yaml, "branches", &error);
    CHECK_TEXT(error.text, "");
    if (!p) return;
    CHECK(stapes_set_receiver(p, "both", "out", watch, &o, &error) == STAPES_OK);
    CHECK(stapes_run_pipeline(p, &error) == STAPES_OK);
    CHECK(o.packets == 2 * 64 && o.back == 0 && o.begins == 1);
    stapes_close_pipeline(p);
}

static void test_trace(stapes_runtime *runtime)
{
    heard            h = {0};
    stapes_error     error = {0};
    char             path[] = "/tmp/stapes-trace-XXXXXX", text[65536] = "";
    int              fd = mkstemp(path);
    stapes_pipeline *p = make(runtime, &h, "app.silence ! app.identity ! app.discard");
    CHECK(fd >= 0 && close(fd) == 0);
    CHECK(stapes_trace_pipeline(p, path, &error) == STAPES_OK);
    CHECK(stapes_run_pipeline(p, &error) == STAPES_OK);
    stapes_close_pipeline(p);
    FILE *file = fopen(path, "r");
    CHECK(file && fread(text, 1, sizeof text - 1, file) > 100);
    if (file) fclose(file);
    CHECK_HAS(text, "\"name\":\"process\",\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":");
    CHECK_HAS(text, "\"args\":{\"name\":\"identity\"}");
    CHECK(remove(path) == 0);
    p = make(runtime, &h, line);
    CHECK(stapes_trace_pipeline(p, "/nowhere/at/all.json", &error) == STAPES_ESYSTEM);
    CHECK_HAS(error.text, "/nowhere/at/all.json: the trace cannot be written: No such file or directory");
    stapes_close_pipeline(p);
    /* a device is written to, never replaced by a file */
    p = make(runtime, &h, "app.silence ! app.identity ! app.discard");
    CHECK(stapes_trace_pipeline(p, "/dev/null", &error) == STAPES_OK);
    CHECK(stapes_run_pipeline(p, NULL) == STAPES_OK);
    stapes_close_pipeline(p);
    struct stat null;
    CHECK(stat("/dev/null", &null) == 0 && S_ISCHR(null.st_mode));
}

int main(void)
{
    stapes_error    error = {0};
    stapes_runtime *runtime = stapes_open_runtime(NULL, &error);
    CHECK_TEXT(error.text, "");
    test_push(runtime);
    test_refusals(runtime);
    test_receiver_stops(runtime);
    test_branches(runtime);
    test_trace(runtime);
    stapes_close_runtime(runtime);
    return check_done();
}
