/* trace.h - what happened when, for chrome://tracing and Perfetto (the JSON of trace events): a span for
 * each call of a stage on the axis of the clock, recognised words on the axis of the audio. Kept in memory
 * up to a limit, written when the pipeline is closed. */
#ifndef ST_TRACE_H
#define ST_TRACE_H

#include <stapes/stage.h>

typedef struct st_trace st_trace;

/* The file is made now, so that a bad path is known before the work. */
st_trace *st_trace_open(const char *path, stapes_error *error);

/* A call of instance number `track`, nanoseconds of the monotonic clock; `what` is a constant string. */
void st_trace_span(st_trace *trace, uint32_t track, const char *what, int64_t begin, int64_t end);

/* The words of a final text. */
void st_trace_words(st_trace *trace, const char *recording, const stapes_text *text);

/* Writes and frees. `names` are those of the tracks. */
int st_trace_close(st_trace *trace, const char *const *names, uint32_t n_names, stapes_error *error);

#endif
