/* output.c - results, written whole or not at all.
 *
 * Why a temporary name in the same folder: rename replaces a file at once only within one file system.
 * Why SIGPIPE is held back: a library may not change what signals do in its program, but a write to a
 * closed pipe would end the program before it could say anything. So the signal is blocked for this
 * thread while it writes, and one that came is taken before it is let through. */
#include "contract/error.h"
#include <stapes/kit/output.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ATTEMPTS = 1000 };

static int system_failure(stapes_error *error, const char *path, int code)
{
    if (code == EPIPE) return st_error_set(error, STAPES_EPIPE, "%s: nobody reads any more", path);
    return st_error_set(error, STAPES_ESYSTEM, "%s: cannot be written: %s", path, strerror(code));
}

/* "no such folder: 'out'" says more than "No such file or directory". */
static int open_failure(stapes_error *error, const char *path, int code)
{
    const char *slash = strrchr(path, '/');
    if (code == ENOENT && slash)
        return st_error_set(error, STAPES_ESYSTEM, "%s: there is no folder '%.*s'", path,
                            slash == path ? 1 : (int)(slash - path), path);
    return system_failure(error, path, code);
}

/* A free name beside the final one. */
static int open_temporary(stapes_output *output, stapes_error *error)
{
    static atomic_uint serial;
    size_t             size = strlen(output->path) + 48;
    output->temporary = malloc(size);
    if (!output->temporary) return st_error_set(error, STAPES_ENOMEM, "%s: no memory", output->path);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        snprintf(output->temporary, size, "%s.part-%ld-%u", output->path, (long)getpid(),
                 atomic_fetch_add(&serial, 1));
        output->fd = open(output->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (output->fd >= 0) {
            output->temporary_made = true;
            return STAPES_OK;
        }
        if (errno != EEXIST) break;
    }
    return open_failure(error, output->path, errno);
}

int stapes_begin_output(stapes_output *output, const char *path, stapes_error *error)
{
    struct stat about;
    int         status = STAPES_OK;
    memset(output, 0, sizeof *output);
    output->fd = -1;
    if (strcmp(path, "-") == 0) {
        output->path = strdup("standard output");
        output->fd = STDOUT_FILENO;
    } else {
        /* Through links: the file that they lead to is replaced, not the link. */
        output->path = realpath(path, NULL);
        if (!output->path) output->path = strdup(path);
    }
    if (!output->path) {
        status = st_error_set(error, STAPES_ENOMEM, "%s: no memory", path);
    } else if (output->fd >= 0) {
        status = STAPES_OK;
    } else if (*path == '\0') {
        status = st_error_set(error, STAPES_EUSAGE, "the name of the file to write is empty");
    } else if (stat(output->path, &about) != 0) {
        status = errno == ENOENT ? open_temporary(output, error) : open_failure(error, output->path, errno);
    } else if (S_ISDIR(about.st_mode)) {
        status = st_error_set(error, STAPES_EUSAGE, "%s: is a folder; give a file", path);
    } else if (S_ISREG(about.st_mode)) {
        status = open_temporary(output, error);
    } else {
        output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
        if (output->fd < 0) status = open_failure(error, output->path, errno);
    }
    output->open = true;
    if (status != STAPES_OK) stapes_drop_output(output);
    return status;
}

/* 0 or an errno. */
static int write_all(int fd, const unsigned char *data, size_t bytes)
{
    while (bytes > 0) {
        ssize_t done = write(fd, data, bytes);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return done < 0 ? errno : ENOSPC;
        data += done;
        bytes -= (size_t)done;
    }
    return 0;
}

int stapes_write_output(stapes_output *output, const void *data, size_t bytes, stapes_error *error)
{
    static const struct timespec at_once = {0, 0};
    sigset_t                     pipe_signal, before, waiting;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&waiting);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    int code = write_all(output->fd, data, bytes);
    if (code == EPIPE && !sigismember(&waiting, SIGPIPE)) {
        while (sigtimedwait(&pipe_signal, NULL, &at_once) < 0 && errno == EINTR) continue;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code ? system_failure(error, output->path, code) : STAPES_OK;
}

int stapes_end_output(stapes_output *output, stapes_error *error)
{
    int code = 0;
    if (!output->open) return STAPES_OK;
    if (output->temporary_made) {
        if (fsync(output->fd) != 0 && errno != EINVAL && errno != ENOTSUP) code = errno;
        if (close(output->fd) != 0 && code == 0 && errno != EINTR) code = errno;
        output->fd = -1;
        if (code == 0 && rename(output->temporary, output->path) != 0) code = errno;
        output->temporary_made = code != 0;
    }
    int status = code ? system_failure(error, output->path, code) : STAPES_OK;
    stapes_drop_output(output);
    return status;
}

void stapes_drop_output(stapes_output *output)
{
    if (output->open) {
        if (output->fd >= 0 && output->fd != STDOUT_FILENO) close(output->fd);
        if (output->temporary_made) unlink(output->temporary);
        free(output->temporary);
        free(output->path);
    }
    memset(output, 0, sizeof *output);
    output->fd = -1;
}
