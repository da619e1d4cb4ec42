/* engine.h - the inside of a running pipeline.
 *
 * One thread runs all: a stage that emits calls the stages after it directly, so a packet goes down to
 * the sinks while it is still in the cache, and nothing waits in queues. Only a stage of several inputs
 * has queues (join.c), because what belongs together in time must be brought together.
 *
 *   pipeline.c   the public functions: load, set, run, push, cancel
 *   engine.c     instances opened, configured, flushed and closed; failures and recordings given up
 *   flow.c       packets, events and marks on their way; the hot path
 *   join.c       the queues of stages with several inputs
 *   pool.c       memory of packets
 *   host.c       the table of functions that stages see
 *   runtime.c    what pipelines share: registry, objects (share.c), threads (workers.c)
 *   trace.c      spans for Perfetto
 *   builtin.c    the stages app.*
 */
#ifndef ST_ENGINE_H
#define ST_ENGINE_H

#include "contract/arena.h"
#include "contract/error.h"
#include "pipeline/graph.h"
#include "runtime/pool.h"
#include "runtime/trace.h"
#include <stapes/runtime.h>

#include <stdatomic.h>

typedef struct st_engine   st_engine;
typedef struct st_instance st_instance;

typedef struct st_edge {
    st_instance *to;
    uint32_t     port;
} st_edge;

typedef struct st_output {
    const stapes_format *format; /* interned; NULL until configured or announced */
    st_edge             *edges;
    uint32_t             n_edges;
    bool                 marks;      /* a stage of several inputs hangs below */
    stapes_time          last_start; /* of what was emitted in this recording */
    stapes_time          promised;   /* nothing that starts before comes any more */
    stapes_receive      *receive;
    void                *user;
} st_output;

/* What waits at one input of a stage with several. */
typedef struct st_queue {
    const stapes_packet **items; /* ring */
    uint32_t              size, first, count;
    uint64_t              epoch;      /* recordings that ended in what was taken out */
    uint64_t              seen;       /* recordings that ended in what was put in */
    stapes_time           progress;   /* nothing that starts before comes in epoch `seen` */
    bool                  at_barrier; /* a segment end was met and waits for the others */
    bool                  ended;
} st_queue;

typedef struct st_held st_held; /* an object of share.c that this instance asked for */

typedef struct st_instance {
    stapes_instance       me;
    st_engine            *engine;
    const st_node        *node;
    const stapes_stage   *stage;
    st_output            *outputs;
    const stapes_format **input_formats; /* NULL where unconnected or not yet known */
    st_queue             *queues;        /* of a stage with several connected inputs, else NULL */
    uint32_t              n_connected;
    uint32_t              first_connected;
    stapes_time           latency, latency_sum;
    st_held              *held;
    void                **allocations; /* of host->allocate */
    uint32_t              n_allocations, room_allocations;
    bool                  opened;       /* open was called: close must be */
    bool                  configured;   /* with the formats that the inputs have now */
    bool                  stale;        /* an input's format changed */
    bool                  finished;     /* a source that returned STAPES_END */
    bool                  in_segment;   /* between its segment begin and end */
    bool                  in_recording; /* of a source */
    stapes_receive       *receive;      /* of a sink */
    void                 *user;
    uint64_t              packets_in, packets_out, rows_out;
    int64_t               nanoseconds;
} st_instance;

/* Formats that were in use, each once: packets point to them. */
typedef struct st_formats {
    struct st_formats *next;
    stapes_format      format;
} st_formats;

struct st_engine {
    stapes_runtime      *runtime;
    st_graph            *graph;
    st_instance         *instances; /* in the order of the graph's nodes */
    uint32_t             n_instances;
    st_arena             arena;
    st_formats          *formats;
    st_pool              pool;
    stapes_error         error; /* of the call under way; the first cause wins */
    atomic_int           canceled;
    int                  stopped;   /* the status that ended all, 0 while it goes on */
    int                  giving_up; /* the status that a recording failed with, until the source is back */
    bool                 muted;     /* what is emitted is thrown away */
    bool                 measuring; /* times or trace wanted */
    st_instance         *running;   /* whose time it is */
    int64_t              since;     /* nanoseconds */
    st_trace            *trace;
    _Atomic(stapes_time) media;            /* sent by the sources, summed over recordings */
    char                 recording[512];   /* name of the recording under way, "" if none */
    uint64_t completed, rejected, misfits; /* recordings; misfits were rejected for their format */
};

/* ---- engine.c ---- */

/* Makes the instances of a finished graph. */
int  st_engine_build(st_engine *engine);
int  st_engine_open(st_engine *engine);      /* open and first configure of every instance */
int  st_engine_configure(st_engine *engine); /* all stale instances, in order */
int  st_engine_end(st_engine *engine);       /* flush(end), in order */
void st_engine_close(st_engine *engine);     /* also half-built */

/* The format, interned. NULL without memory. */
const stapes_format *st_engine_format(st_engine *engine, const stapes_format *format);

/* Gives the recording under way up: what it left in the stages is flushed into nothing, and each stage
 * is told. The program hears of it with `words`, or those of the failure that was met. Called when no
 * stage but a source is at work. */
void st_engine_abandon(st_engine *engine, const char *input, const char *words);

/* A call of a stage has failed: gives it words if it had none, and the place, and decides what it means:
 * STAPES_EINPUT and STAPES_EFORMAT end the recording under way, all else ends the run. Returns the status
 * that goes up to the source. */
int st_engine_failed(st_instance *instance, int status);

/* ---- flow.c ---- */

int st_flow_emit(st_instance *instance, uint32_t port, stapes_packet *packet);
int st_flow_event(st_instance *instance, uint32_t port, const stapes_event *event);
int st_flow_mark(st_instance *instance, uint32_t port, stapes_time position);
int st_flow_flush(st_instance *instance, int how);

/* What a stage gets from an input, without queues: join.c calls these in the right order. */
int st_flow_take(st_instance *instance, uint32_t port, const stapes_packet *packet);
int st_flow_take_event(st_instance *instance, uint32_t port, const stapes_packet *packet);

/* One call of a source's process. */
int st_flow_step(st_instance *instance);

/* ---- join.c ---- */

int  st_join_put(st_instance *instance, uint32_t port, const stapes_packet *packet); /* retains */
int  st_join_mark(st_instance *instance, uint32_t port, stapes_time position);
int  st_join_end(st_instance *instance);   /* nothing comes any more: what waits goes through */
void st_join_clear(st_instance *instance); /* what waits is thrown away */

/* ---- pipeline.c ---- */

/* What the pipeline was read from: its nodes, options and argument, for programs that show them. */
const st_graph *st_pipeline_graph(const stapes_pipeline *pipeline);

/* ---- host.c ---- */

extern const stapes_host st_host_table;

static inline st_instance *st_instance_of(const stapes_instance *me) { return me->runtime; }

/* ---- shared by pipelines: runtime.c, share.c, workers.c ---- */

typedef struct st_share   st_share;
typedef struct st_workers st_workers;

struct stapes_runtime {
    stapes_runtime_options options;
    st_arena               arena;
    st_registry           *registry;
    st_share              *share;
    st_workers            *workers;
};

st_share *st_share_open(void);
void      st_share_close(st_share *share);
int       st_share_get(st_share *share, st_instance *instance, const char *key,
                       int (*make)(const stapes_instance *me, void *argument, void **object),
                       void (*destroy)(void *object), void *argument, void **object);
void      st_share_release(st_share *share, st_instance *instance); /* all that it asked for */

st_workers *st_workers_open(uint32_t threads); /* 0: one for each core; they start when first used */
void        st_workers_close(st_workers *workers);
void        st_workers_run(st_workers *workers, uint32_t count, void (*work)(void *argument, uint32_t i),
                           void *argument);
uint32_t    st_workers_threads(const st_workers *workers);

extern const stapes_plugin st_builtin_plugin;

/* A push source's way in (builtin.c): the instance is of the stage app.audio. */
int st_builtin_push(st_instance *instance, const float *samples, uint32_t frames, uint32_t channels,
                    uint32_t rate);
int st_builtin_end_segment(st_instance *instance);
extern const stapes_stage st_builtin_audio;

#endif
