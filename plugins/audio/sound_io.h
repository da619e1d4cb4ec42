/* sound_io.h - libsndfile on a file descriptor of ours. Not its own sf_open_fd: where it does not know a
 * file it closes the descriptor, also one that it was told not to close (1.2.0), and what went wrong
 * while it wrote is lost. */
#ifndef SOUND_IO_H
#define SOUND_IO_H

#include <sndfile.h>

typedef struct sound_io {
    int fd;      /* not owned; a regular file, from its begin */
    int problem; /* the first errno of reading or writing */
} sound_io;

/* Opens; `io` must live as long as the answer. NULL: sf_strerror(NULL) says why. */
SNDFILE *sound_io_open(sound_io *io, int fd, int mode, SF_INFO *info);

#endif
