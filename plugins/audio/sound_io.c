/* sound_io.c - libsndfile on a file descriptor of ours. */
#include "sound_io.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static sf_count_t length(void *user)
{
    const sound_io *io = user;
    struct stat     about;
    return fstat(io->fd, &about) == 0 ? about.st_size : -1;
}

static sf_count_t seek(sf_count_t offset, int whence, void *user)
{
    const sound_io *io = user;
    return lseek(io->fd, offset, whence);
}

static sf_count_t tell(void *user)
{
    const sound_io *io = user;
    return lseek(io->fd, 0, SEEK_CUR);
}

/* All bytes, or all up to the end or a problem. */
static sf_count_t read_all(void *to, sf_count_t bytes, void *user)
{
    sound_io  *io = user;
    sf_count_t done = 0;
    while (done < bytes) {
        ssize_t got = read(io->fd, (char *)to + done, (size_t)(bytes - done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && !io->problem) io->problem = errno;
        if (got <= 0) break;
        done += got;
    }
    return done;
}

static sf_count_t write_all(const void *from, sf_count_t bytes, void *user)
{
    sound_io  *io = user;
    sf_count_t done = 0;
    while (done < bytes) {
        ssize_t put = write(io->fd, (const char *)from + done, (size_t)(bytes - done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0 && !io->problem) io->problem = put < 0 ? errno : ENOSPC;
        if (put <= 0) break;
        done += put;
    }
    return done;
}

SNDFILE *sound_io_open(sound_io *io, int fd, int mode, SF_INFO *info)
{
    static const SF_VIRTUAL_IO functions = {length, seek, read_all, write_all, tell};
    io->fd = fd;
    io->problem = 0;
    return sf_open_virtual((SF_VIRTUAL_IO *)&functions, mode, info, io);
}
