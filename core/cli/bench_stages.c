/* bench_stages.c - the figures of stages, by the runtime's own measurement (so that what stands beside the
 * stage in the pipeline does not count), and of the pipeline `transcribe` as a whole. */
#include "cli/bench.h"
#include "plugin/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failed(st_bench *b, const stapes_error *error, int status)
{
    (void)snprintf(b->why, sizeof b->why, "%s", error->text);
    return status;
}

/* Milliseconds that `stage` takes in the pipeline `text`. 1 if the stage is not there. */
static int time_stage(st_bench *b, const char *text, const char *stage, double *ms)
{
    stapes_error       error = {0};
    stapes_stage_stats stats = {.size = sizeof stats};
    stapes_runtime    *runtime = stapes_open_runtime(&b->options, &error);
    stapes_pipeline   *pipeline = runtime ? stapes_parse_pipeline(runtime, text, "bench", &error) : NULL;
    int                status = pipeline ? 0 : 1;
    *ms = 0;
    if (pipeline) {
        stapes_measure_pipeline(pipeline);
        if (stapes_run_pipeline(pipeline, &error) < 0) status = -1;
        for (uint32_t i = 0; i < stapes_get_stats(pipeline, i, &stats); i++)
            if (strcmp(stats.stage, stage) == 0) *ms += stats.seconds * 1e3;
    }
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(runtime);
    return status ? failed(b, &error, status) : 0;
}

int st_bench_logmel(st_bench *b, double *ms)
{
    return time_stage(b, "app.silence seconds=60 rate=16000 ! features.logmel mels=80 ! app.discard",
                      "features.logmel", ms);
}

int st_bench_resample(st_bench *b, double *ms)
{
    return time_stage(b, "app.silence seconds=60 rate=44100 ! audio.resample rate=16000 ! app.discard",
                      "audio.resample", ms);
}

/* The example recording: beside the pipelines in the package, and in the source tree, where the build
 * tree's pipelines are a link to. */
static const char *recording(st_arena *arena)
{
    uint32_t           count = 0;
    const char *const *folders = st_place_folders(ST_PIPELINES, NULL, arena, &count);
    for (uint32_t i = 0; folders && i < count; i++) {
        const char *path = st_arena_format(arena, "%s/../examples/audio/stapes.flac", folders[i]);
        if (path && access(path, R_OK) == 0) return path;
    }
    return NULL;
}

int st_bench_transcribe(st_bench *b, double *factor)
{
    stapes_error     error = {0};
    st_arena         arena = {0};
    stapes_runtime  *runtime = NULL;
    stapes_pipeline *pipeline = NULL;
    const char      *path = recording(&arena);
    const char      *paths[32];
    double           begin;
    int              status = -1;
    if (!path) {
        (void)snprintf(b->why, sizeof b->why, "the example recording is not installed");
        st_arena_close(&arena);
        return 1;
    }
    for (size_t i = 0; i < STAPES_COUNT(paths); i++) paths[i] = path;
    runtime = stapes_open_runtime(&b->options, &error);
    if (runtime) pipeline = stapes_load_pipeline(runtime, "transcribe", &error);
    if (pipeline && stapes_set_option_list(pipeline, "read.path", paths, STAPES_COUNT(paths), &error) >= 0 &&
        stapes_set_option(pipeline, "write.path", "/dev/null", &error) >= 0 &&
        stapes_prepare_pipeline(pipeline, &error) >= 0) {
        begin = st_bench_now();
        status = stapes_run_pipeline(pipeline, &error) < 0 ? -1 : 0;
        *factor = stapes_seconds(stapes_get_progress(pipeline)) / (st_bench_now() - begin);
    }
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(runtime);
    st_arena_close(&arena);
    return status ? failed(b, &error, status) : 0;
}
