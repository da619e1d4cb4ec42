/* probe.h - one instance of a stage under test, on a host that watches every call: for the contract
 * suite. What breaks a promise of stage.h is kept as the probe's breach, the first one only. */
#ifndef ST_PROBE_H
#define ST_PROBE_H

#include "suite/guard.h"
#include "suite/record.h"
#include "suite/suite.h"

enum { ST_PROBE_MANY = 8 }; /* most instances in one call */

enum st_probe_parallel { ST_SERIAL, ST_BACKWARDS, ST_THREADS };

typedef struct st_probe {
    stapes_instance      me;
    st_case             *c;
    const stapes_stage  *stage;
    st_arena             arena; /* texts of settings */
    st_guard            *settings, *state;
    bool                 set[256]; /* parameters that --set gave */
    stapes_format        input_formats[ST_SUITE_PORTS], formats[ST_SUITE_PORTS];
    const stapes_format *inputs[ST_SUITE_PORTS]; /* NULL: unconnected */
    bool                 known[ST_SUITE_PORTS];  /* output formats */
    stapes_bounds        bounds;
    st_record            sent;
    void               **allocations;
    uint32_t             n_allocations;
    bool                 opened, configured;

    /* of each output, since its recording began */
    stapes_time last_start[ST_SUITE_PORTS], last_end[ST_SUITE_PORTS], promised[ST_SUITE_PORTS];
    uint32_t    segments[ST_SUITE_PORTS];    /* ended */
    char        stable[ST_SUITE_PORTS][512]; /* the begin of the segment's text that may not change */
    uint32_t    revision[ST_SUITE_PORTS];
    bool        in_recording, in_segment;

    /* how this host behaves */
    int         parallel;    /* enum st_probe_parallel */
    uint32_t    refuse_emit; /* the n-th emit or event answers STAPES_EPIPE; 0: none */
    atomic_bool canceled;

    /* the call under way */
    const char  *in;
    bool         control, in_parallel;
    pthread_t    thread;
    int          refused; /* what emit answered */
    stapes_error error;   /* words of host->fail */

    atomic_int outstanding; /* packets */
    uint32_t   rejected;
    char       breach[500];
} st_probe;

/* A new instance with settings from the options. Negative: a required parameter is missing or an option
 * is wrong, and the case is marked as skipped or failed; nothing is to be closed then. */
int st_probe_make(st_case *c, st_probe *probe, const char *name);

/* Calls of the stage, each checked; they return what the stage did. configure: formats of the inputs, NULL
 * where unconnected. */
int st_probe_open(st_probe *probe);
int st_probe_configure(st_probe *probe, const stapes_format *const *inputs);
int st_probe_process(st_probe *probe, uint32_t port, const stapes_packet *packet);
int st_probe_process_many(st_probe *const *many, const stapes_packet *const *packets, uint32_t count);
int st_probe_flush(st_probe *probe, int how);
int st_probe_flush_many(st_probe *const *many, uint32_t count, int how);

/* How this instance failed in the last call: what emit answered it, or the status of its words; or 0. */
int st_probe_failure(const st_probe *probe);

/* An event on an input as the runtime brings it: on the first connected input flush before the end of a
 * segment; then the stage's own function; then, of the first input, on to the outputs. */
int st_probe_event(st_probe *probe, uint32_t port, const stapes_event *event);

/* The same without the flush: that was done. */
int st_probe_event_flushed(st_probe *probe, uint32_t port, const stapes_event *event);

/* Closes (if it was opened), checks that nothing is left, and releases all but the record. */
void st_probe_close(st_probe *probe);

/* An input packet with room for `rows` rows (bytes for texts and bytes), to be filled, then locked with
 * st_guard_lock; NULL without memory. */
st_guard *st_probe_packet(st_probe *probe, const stapes_format *format, uint32_t rows);

/* Drops the suite's reference of an input packet. */
void st_probe_drop(st_guard *guard);

/* Keeps the first breach. */
void st_probe_breach(st_probe *probe, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);

/* Passes a breach on to the case, with `doing` before it. True if there was one. */
bool st_probe_broken(st_probe *probe, const char *doing);

extern const stapes_host st_probe_host; /* probe_host.c */

#endif
