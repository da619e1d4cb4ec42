/* bench_runtime.c - the figures of the runtime itself: start, load, what a packet costs; and the same of
 * GStreamer where it is installed, in the same way and in the same run. Starting is measured by the wall
 * clock, what a packet costs by processor time, which other work on the machine disturbs less. */
#include "cli/bench.h"
#include "cli/program.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Runs a program: milliseconds from start to end, and seconds of processor time. */
static int time_program(st_bench *b, const char *const *words, double *ms, double *cpu)
{
    double begin = st_bench_now();
    int    code = st_program_run(words, NULL, 0, cpu);
    *ms = (st_bench_now() - begin) * 1e3;
    if (code == 0) return 0;
    (void)snprintf(b->why, sizeof b->why, "%s ended with %d", words[0], code);
    return -1;
}

int st_bench_startup(st_bench *b, double *ms)
{
    const char *const words[] = {b->program, "run", "app.silence seconds=0 ! app.discard", NULL};
    return time_program(b, words, ms, NULL);
}

/* A chain of `identities` between source and sink, each with a name of its own. */
static int chain_text(char *text, size_t size, uint32_t identities, const char *source)
{
    size_t used = (size_t)snprintf(text, size, "%s", source);
    for (uint32_t i = 0; i < identities && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, " ! app.identity");
    if (used < size) used += (size_t)snprintf(text + used, size - used, " ! app.discard");
    return used < size ? 0 : -1;
}

static int failed(st_bench *b, const stapes_error *error)
{
    (void)snprintf(b->why, sizeof b->why, "%s", error->text);
    return -1;
}

/* Seconds of processor time of this thread, which carries all data. */
static double cpu_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Processor time of the run of a chain or, with run false, wall time of its coming and going. */
static int run_chain(st_bench *b, uint32_t identities, const char *source, bool run, double *seconds)
{
    char             text[2048];
    stapes_error     error = {0};
    stapes_runtime  *runtime;
    stapes_pipeline *pipeline;
    double           begin;
    int              status = 0;
    if (chain_text(text, sizeof text, identities, source)) return -1;
    runtime = stapes_open_runtime(&b->options, &error);
    if (!runtime) return failed(b, &error);
    begin = st_bench_now();
    pipeline = stapes_parse_pipeline(runtime, text, "bench", &error);
    if (pipeline) status = stapes_prepare_pipeline(pipeline, &error);
    if (pipeline && run && status >= 0) {
        begin = cpu_now();
        status = stapes_run_pipeline(pipeline, &error);
        *seconds = cpu_now() - begin;
    }
    stapes_close_pipeline(pipeline);
    if (!run) *seconds = st_bench_now() - begin;
    stapes_close_runtime(runtime);
    return error.status < 0 || status < 0 ? failed(b, &error) : 0;
}

int st_bench_load(st_bench *b, double *ms)
{
    double seconds = 0;
    int    status = run_chain(b, 8, "app.silence seconds=0", false, &seconds);
    *ms = seconds * 1e3;
    return status;
}

int st_bench_packet(st_bench *b, double *ns)
{
    enum { PACKETS = 100000, FEW = 10, MANY = 20 };
    /* 16 sample frames a packet at 16 kHz: 100 s are 100,000 packets */
    static const char source[] = "app.silence seconds=100 rate=16000 packet=16";
    double            few = 0, many = 0;
    int               status = run_chain(b, FEW, source, true, &few);
    if (status == 0) status = run_chain(b, MANY, source, true, &many);
    *ns = (many - few) * 1e9 / PACKETS / (MANY - FEW);
    return status;
}

/* ---- GStreamer ---- */

static int need_gstreamer(st_bench *b)
{
    if (st_program_exists("gst-launch-1.0")) return 0;
    (void)snprintf(b->why, sizeof b->why,
                   "gst-launch-1.0 is not installed: sudo apt install gstreamer1.0-tools");
    return 1;
}

int st_bench_gstreamer_startup(st_bench *b, double *ms)
{
    const char *const words[] = {"gst-launch-1.0", "-q", "fakesrc", "num-buffers=1", "!", "fakesink", NULL};
    int               status = need_gstreamer(b);
    return status ? status : time_program(b, words, ms, NULL);
}

int st_bench_gstreamer_identity(st_bench *b, double *ns)
{
    enum { BUFFERS = 300000, MANY = 10 };
    const char *words[64] = {"gst-launch-1.0", "-q", "fakesrc", "num-buffers=300000", "!", "fakesink", NULL};
    double      none = 0, many = 0, ms;
    int         n = 4, status = need_gstreamer(b);
    if (status || (status = time_program(b, words, &ms, &none))) return status;
    for (int i = 0; i < MANY; i++) {
        words[n++] = "!";
        words[n++] = "identity";
    }
    words[n++] = "!";
    words[n++] = "fakesink";
    words[n] = NULL;
    status = time_program(b, words, &ms, &many);
    *ns = (many - none) * 1e9 / BUFFERS / MANY;
    return status;
}
