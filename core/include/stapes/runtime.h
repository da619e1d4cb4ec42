/* runtime.h - stapes inside a program of yours.
 *
 *   stapes_runtime  *r = stapes_open_runtime(NULL, &e);
 *   stapes_pipeline *p = stapes_load_pipeline(r, "transcribe", &e);
 *   stapes_set_option(p, "read.path", "a.wav", &e);
 *   stapes_run_pipeline(p, &e);
 *   stapes_close_pipeline(p);
 *   stapes_close_runtime(r);
 *
 * A runtime holds what pipelines share: plugins, models, worker threads. There may be several of each;
 * nothing is global. Every function that can fail takes an error record (or NULL), fills it with the
 * first cause and its place, and returns its status (enum stapes_status) or NULL. Strings given are
 * copied. The library never exits, never installs a signal handler and never prints.
 *
 * Threads: [owner] the one thread that uses this object at the time; [any] from any thread while the
 * object lives; [stream] called by the library, inside stapes_run_pipeline, stapes_push_audio and the
 * like, on the thread that called them.
 */
#ifndef STAPES_RUNTIME_H
#define STAPES_RUNTIME_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct stapes_runtime  stapes_runtime;
typedef struct stapes_pipeline stapes_pipeline;

/* How a runtime is set up; zero and NULL mean the usual. GROWS */
typedef struct stapes_runtime_options {
    uint32_t    size;
    uint32_t    threads;     /* workers for stapes_host.parallel, the caller counted; 0: one for each core */
    const char *plugin_path; /* folders with ':' between, looked at before all others */
    const char *pipeline_path; /* the same for pipeline files */
    const char *model_path;    /* the same for models */

    /* A line for people: level is an enum stapes_level, `from` the instance's name or "". [stream] */
    void (*message)(void *user, int level, const char *from, const char *text);

    /* A source gave up one of its inputs; the others go on. [stream] */
    void (*rejected)(void *user, const char *input, const char *text);
    void *user;
} stapes_runtime_options;

/* "1.2.3" of the library. [any] */
STAPES_EXPORT const char *stapes_version(void);

/* A runtime, owned by the caller. NULL with *error filled on failure. [owner] */
STAPES_EXPORT stapes_runtime *stapes_open_runtime(const stapes_runtime_options *options, stapes_error *error);

/* Closes it; all its pipelines must be closed. NULL is allowed. [owner] */
STAPES_EXPORT void stapes_close_runtime(stapes_runtime *runtime);

/* A pipeline from a file ("a.yaml", "./a", anything with a '/') or by name ("transcribe", looked for on
 * the pipeline path). Owned by the caller, who closes it before the runtime. All mistakes of the file
 * are in error->text, as far as it holds them; stapes_diagnose has the whole. [owner of runtime] */
STAPES_EXPORT stapes_pipeline *stapes_load_pipeline(stapes_runtime *runtime, const char *file_or_name,
                                                    stapes_error *error);

/* The same from text: YAML, or one line with '!' between stages. `name` stands for it in messages. */
STAPES_EXPORT stapes_pipeline *stapes_parse_pipeline(stapes_runtime *runtime, const char *text,
                                                     const char *name, stapes_error *error);

/* Every mistake of a pipeline file, name or text as people read it (place, line, caret, advice), or NULL
 * if there is none. The caller frees it with free(). Exactly one of file_or_name and text is not NULL.
 * [owner of runtime] */
STAPES_EXPORT char *stapes_diagnose(stapes_runtime *runtime, const char *file_or_name, const char *text);

/* Closes it, also half-way through. NULL is allowed. [owner] */
STAPES_EXPORT void stapes_close_pipeline(stapes_pipeline *pipeline);

/* Sets "stage.parameter", or an option that the pipeline declares, before the first run or push. Lists
 * are written with ',' between. [owner] */
STAPES_EXPORT int stapes_set_option(stapes_pipeline *pipeline, const char *name, const char *value,
                                    stapes_error *error);

/* The same for a parameter that is a list, items as they are, commas and all. [owner] */
STAPES_EXPORT int stapes_set_option_list(stapes_pipeline *pipeline, const char *name,
                                         const char *const *values, uint32_t count, stapes_error *error);

/* Called for each packet, events too, that leaves output `port` of `stage` (NULL: "out"), or that
 * reaches the stage `stage` if it has no output. The packet is good until the call returns. A negative answer
 * stops the pipeline with that status. */
typedef int stapes_receive(void *user, const stapes_packet *packet); /* [stream] */

/* Sets the one function for this port; NULL takes it away. Before the first run or push. [owner] */
STAPES_EXPORT int stapes_set_receiver(stapes_pipeline *pipeline, const char *stage, const char *port,
                                      stapes_receive *receive, void *user, stapes_error *error);

/* Opens all stages, so that what can fail fails now; run and push do it otherwise. [owner] */
STAPES_EXPORT int stapes_prepare_pipeline(stapes_pipeline *pipeline, stapes_error *error);

/* Runs the sources until they end, then flushes. STAPES_EINPUT if some inputs were rejected and the
 * others are done; STAPES_ECANCELED after stapes_cancel_pipeline. A pipeline runs once. [owner] */
STAPES_EXPORT int stapes_run_pipeline(stapes_pipeline *pipeline, stapes_error *error);

/* Instead of run, for a pipeline whose source is the stage `app.audio`: samples (frames x channels,
 * -1 to 1) go through at once, on this thread. The first one opens the stages; another rate or number of
 * channels needs stapes_end_segment before it. STAPES_EFORMAT and STAPES_EINPUT: a stage could not take this
 * segment, it was given up, and the next push begins another. [owner] */
STAPES_EXPORT int stapes_push_audio(stapes_pipeline *pipeline, const float *samples, uint32_t frames,
                                    uint32_t channels, uint32_t rate, stapes_error *error);

/* A piece of speech ended: what is held back comes out. The next push begins another. [owner] */
STAPES_EXPORT int stapes_end_segment(stapes_pipeline *pipeline, stapes_error *error);

/* Nothing comes any more. [owner] */
STAPES_EXPORT int stapes_end_audio(stapes_pipeline *pipeline, stapes_error *error);

/* Asks a running pipeline to stop: the call under way returns STAPES_ECANCELED soon, and so does every
 * later one. Safe in a signal handler. [any] */
STAPES_EXPORT void stapes_cancel_pipeline(stapes_pipeline *pipeline);

/* What one stage did. GROWS */
typedef struct stapes_stage_stats {
    uint32_t    size;
    uint32_t    reserved;
    const char *name;                    /* in the pipeline; lives as long as it */
    const char *stage;                   /* "features.logmel" */
    uint64_t    packets_in, packets_out; /* events not counted */
    uint64_t    rows_out;
    double      seconds;     /* in this stage alone; 0 unless measuring was asked for */
    stapes_time latency;     /* as configured */
    stapes_time latency_sum; /* from the source through this stage, along the slowest way */
} stapes_stage_stats;

/* Measures times from now on (two clock readings a call). Before the first run or push. [owner] */
STAPES_EXPORT void stapes_measure_pipeline(stapes_pipeline *pipeline);

/* The number of stages; `stats` of stage `index` filled if both are good. [owner] */
STAPES_EXPORT uint32_t stapes_get_stats(const stapes_pipeline *pipeline, uint32_t index,
                                        stapes_stage_stats *stats);

/* Media time that the sources have sent so far, in all recordings; for the real-time factor and for
 * progress. [any] */
STAPES_EXPORT stapes_time stapes_get_progress(const stapes_pipeline *pipeline);

/* Writes a trace for chrome://tracing or Perfetto to `path` when the pipeline is closed: a span for each
 * call of a stage, recognised words on the audio's axis. Before the first run or push. [owner] */
STAPES_EXPORT int stapes_trace_pipeline(stapes_pipeline *pipeline, const char *path, stapes_error *error);

#ifdef __cplusplus
}
#endif
#endif
