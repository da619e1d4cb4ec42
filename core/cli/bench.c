/* bench.c - `stapes bench`: each figure measured several times, its median, lowest and highest printed
 * with the machine. A figure measures one thing only, in the file that its name leads to (bench.h). */
#include "cli/bench.h"
#include "cli/hardware.h"
#include "cli/talk.h"
#include "plugin/parameter.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const st_bench_figure st_bench_figures[] = {
    {"startup", "ms", "a trivial pipeline in a process of its own, from fork to exit", 31, 1,
     st_bench_startup},
    {"gstreamer-startup", "ms", "the same with gst-launch-1.0 (fakesrc ! fakesink)", 11, 1,
     st_bench_gstreamer_startup},
    {"load", "ms", "a pipeline of ten stages read, checked, opened and closed in this process", 21, 1,
     st_bench_load},
    {"packet", "ns", "processor time of one packet and stage: a chain of 20 identities less one of 10", 15, 1,
     st_bench_packet},
    {"gstreamer-identity", "ns", "the same with gst-launch-1.0 (identity, silent, not in sync)", 5, 1,
     st_bench_gstreamer_identity},
    {"resample", "ms", "audio.resample, 60 s of 44.1 kHz to 16 kHz", 7, 1, st_bench_resample},
    {"logmel", "ms", "features.logmel, 60 s of audio at 16 kHz", 7, 1, st_bench_logmel},
    {"transcribe", "times real time", "the pipeline transcribe on the example recording", 5, 0,
     st_bench_transcribe},
};
const uint32_t st_bench_figures_count = STAPES_COUNT(st_bench_figures);

double st_bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Measures one figure and prints it. Returns 0, 1 (not possible here) or -1. */
static int measure(st_bench *b, const st_bench_figure *figure, uint32_t runs, bool json, bool *first)
{
    double   values[1000], unused;
    uint32_t threads = figure->threads;
    int      status = figure->measure(b, &unused); /* files and pages come in */
    if (!threads) threads = b->options.threads ? b->options.threads : (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    for (uint32_t i = 0; status == 0 && i < runs; i++) status = figure->measure(b, &values[i]);
    if (status != 0) return status;
    qsort(values, runs, sizeof values[0], by_value);
    {
        double median = runs % 2 ? values[runs / 2] : (values[runs / 2 - 1] + values[runs / 2]) / 2;
        if (json) {
            printf("%s\n  {\"name\": ", *first ? "" : ",");
            st_talk_json(stdout, figure->name);
            fputs(", \"unit\": ", stdout);
            st_talk_json(stdout, figure->unit);
            printf(", \"median\": %.6g, \"low\": %.6g, \"high\": %.6g, \"threads\": %u, \"runs\": %u}",
                   median, values[0], values[runs - 1], threads, runs);
        } else {
            printf("%-20s %10.4g %-16s %10.4g to %-10.4g %2u thread%s, %u runs\n", figure->name, median,
                   figure->unit, values[0], values[runs - 1], threads, threads == 1 ? " " : "s", runs);
        }
        *first = false;
        fflush(stdout);
    }
    return 0;
}

static const st_bench_figure *find(const st_call *call, const char *name)
{
    const char *names[64], *near;
    uint32_t    n = 0;
    for (uint32_t i = 0; i < st_bench_figures_count; i++)
        if (strcmp(st_bench_figures[i].name, name) == 0) return &st_bench_figures[i];
    for (; n < st_bench_figures_count && n < 64; n++) names[n] = st_bench_figures[n].name;
    near = st_parameter_nearest(name, names, n);
    if (near)
        st_call_wrong(call, "there is no figure '%s'; did you mean '%s'?", name, near);
    else
        st_call_wrong(call, "there is no figure '%s'", name);
    return NULL;
}

static bool is_wanted(const st_call *call, const st_bench_figure *figure)
{
    for (uint32_t i = 0; i < call->n_arguments; i++)
        if (strcmp(call->arguments[i], figure->name) == 0) return true;
    return call->n_arguments == 0;
}

int st_bench_command(st_call *call)
{
    st_bench    b = {.options = call->runtime};
    const char *text = st_call_value(call, "runs");
    bool        json = st_call_flag(call, "json"), first = true;
    char        machine[512];
    long        runs = 0;
    ssize_t     n = readlink("/proc/self/exe", b.program, sizeof b.program - 1);
    int         code = 0;
    if (n <= 0) {
        st_talk_error("/proc/self/exe cannot be read: what this program is called is not known");
        return 4;
    }
    for (uint32_t i = 0; i < call->n_arguments; i++)
        if (!find(call, call->arguments[i])) return 2;
    if (text) {
        char *end;
        runs = strtol(text, &end, 10);
        if (*end || runs < 1 || runs > 1000)
            return st_call_wrong(call, "--runs is a number 1 to 1000, not '%s'", text);
    }
    /* what was rejected while measuring is part of the figure's failure */
    b.options.rejected = NULL;
    st_talk_note("%s; median, lowest to highest", st_hardware_text(machine, sizeof machine));
    if (json) fputs("[", stdout);
    for (uint32_t i = 0; i < st_bench_figures_count; i++) {
        const st_bench_figure *figure = &st_bench_figures[i];
        int                    status;
        if (!is_wanted(call, figure)) continue;
        status = measure(&b, figure, runs ? (uint32_t)runs : figure->runs, json, &first);
        if (status == 0) continue;
        st_talk_note("%s: %s", figure->name, b.why);
        /* what was asked for by name and cannot be had is a failure */
        if (status < 0 || call->n_arguments) code = 4;
    }
    if (json) fputs("\n]\n", stdout);
    return code;
}
