/* byte_stream.h - bytes of a file descriptor that may be a pipe: looked at before they are taken, and
 * given up soon when somebody cancels. */
#ifndef BYTE_STREAM_H
#define BYTE_STREAM_H

#include <stapes/stage.h>

typedef struct byte_stream {
    int                    fd; /* not owned; -1: only what is in the buffer */
    int                    problem;
    bool                   ended;
    const stapes_instance *me; /* asked whether to go on; or NULL */
    uint64_t               taken;
    size_t                 begin, end;
    unsigned char          buffer[1 << 16];
} byte_stream;

/* Ready to read from fd. */
void byte_stream_open(byte_stream *stream, int fd, const stapes_instance *me);

/* The next bytes without taking them: *bytes points to `return value` of them, at least `wanted` (at most
 * sizeof buffer) unless the stream ends before. After a failure: those there are, and `problem` is an
 * errno, ECANCELED when somebody asked to stop. */
size_t byte_stream_look(byte_stream *stream, size_t wanted, const unsigned char **bytes);

/* Copies up to `bytes` bytes; fewer only at the end or on failure. `to` NULL: skips them. */
uint64_t byte_stream_take(byte_stream *stream, void *to, uint64_t bytes);

#endif
