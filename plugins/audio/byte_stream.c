/* byte_stream.c - bytes of a file descriptor that may be a pipe. A read may block for as long as nobody
 * writes; poll with a time limit before it lets a cancelled pipeline return. */
#include "byte_stream.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { PATIENCE_MS = 50 };

void byte_stream_open(byte_stream *stream, int fd, const stapes_instance *me)
{
    stream->fd = fd;
    stream->problem = 0;
    stream->ended = fd < 0;
    stream->me = me;
    stream->taken = 0;
    stream->begin = stream->end = 0;
}

/* One read into the free end of the buffer. */
static void fill(byte_stream *stream)
{
    struct pollfd wait = {.fd = stream->fd, .events = POLLIN};
    while (!stream->ended) {
        if (stream->me && stream->me->host->canceled(stream->me)) {
            stream->problem = ECANCELED;
            break;
        }
        int ready = poll(&wait, 1, PATIENCE_MS);
        if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
        ssize_t got =
            ready < 0 ? -1
                      : read(stream->fd, stream->buffer + stream->end, sizeof stream->buffer - stream->end);
        if (got > 0) {
            stream->end += (size_t)got;
            return;
        }
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got < 0) stream->problem = errno;
        break;
    }
    stream->ended = true;
}

size_t byte_stream_look(byte_stream *stream, size_t wanted, const unsigned char **bytes)
{
    if (wanted > sizeof stream->buffer) wanted = sizeof stream->buffer;
    if (sizeof stream->buffer - stream->begin < wanted || stream->begin == stream->end) {
        memmove(stream->buffer, stream->buffer + stream->begin, stream->end - stream->begin);
        stream->end -= stream->begin;
        stream->begin = 0;
    }
    while (stream->end - stream->begin < wanted && !stream->ended) fill(stream);
    *bytes = stream->buffer + stream->begin;
    return stream->end - stream->begin;
}

uint64_t byte_stream_take(byte_stream *stream, void *to, uint64_t bytes)
{
    uint64_t done = 0;
    while (done < bytes) {
        const unsigned char *from;
        size_t               there = byte_stream_look(stream, 1, &from);
        if (there == 0) break;
        if (there > bytes - done) there = (size_t)(bytes - done);
        if (to) memcpy((unsigned char *)to + done, from, there);
        stream->begin += there;
        done += there;
    }
    stream->taken += done;
    return done;
}
