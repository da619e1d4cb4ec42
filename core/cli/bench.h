/* bench.h - the figures of `stapes bench`: what each measures, and the table of all. */
#ifndef ST_BENCH_H
#define ST_BENCH_H

#include "cli/call.h"

#include <stdint.h>

typedef struct st_bench {
    stapes_runtime_options options;
    char                   program[4096]; /* the path of this program */
    char                   why[1024];     /* why a figure cannot be measured here, or failed */
} st_bench;

/* One measurement. 0, 1 (cannot be measured here: b->why says why) or -1 (failed: b->why). */
typedef int st_bench_measure(st_bench *b, double *value);

typedef struct st_bench_figure {
    const char       *name;
    const char       *unit;
    const char       *help;
    uint32_t          runs;    /* measured, after one that is thrown away */
    uint32_t          threads; /* 0: as many as --threads says */
    st_bench_measure *measure;
} st_bench_figure;

extern const st_bench_figure st_bench_figures[];
extern const uint32_t        st_bench_figures_count;

/* bench_runtime.c: the runtime itself, and GStreamer beside it */
int st_bench_startup(st_bench *b, double *ms);
int st_bench_packet(st_bench *b, double *ns);
int st_bench_load(st_bench *b, double *ms);
int st_bench_gstreamer_startup(st_bench *b, double *ms);
int st_bench_gstreamer_identity(st_bench *b, double *ns);

/* bench_stages.c: stages and pipelines, as the runtime's own clock measures them */
int st_bench_logmel(st_bench *b, double *ms);
int st_bench_resample(st_bench *b, double *ms);
int st_bench_transcribe(st_bench *b, double *factor);

/* Seconds of the monotonic clock. */
double st_bench_now(void);

#endif
