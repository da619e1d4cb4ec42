/* ffmpeg_pipe.h - what libsndfile cannot read, decoded by the program ffmpeg into a WAV stream. */
#ifndef FFMPEG_PIPE_H
#define FFMPEG_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct ffmpeg_pipe {
    pid_t process; /* 0: none */
    int   wav;     /* its output, 0: none */
    int   words;   /* what it says, a file without a name, 0: none */
} ffmpeg_pipe;

enum ffmpeg_answer { FFMPEG_RUNS, FFMPEG_MISSING, FFMPEG_FAILED };

/* Starts it on the open file `from` (read by name, so that it may seek). On failure nothing is left, and
 * for FFMPEG_FAILED `why` says why. */
int ffmpeg_pipe_open(ffmpeg_pipe *ffmpeg, int from, char *why, size_t size);

/* After its output has ended: true if it was content; false with its last words in `why`. */
bool ffmpeg_pipe_end(ffmpeg_pipe *ffmpeg, char *why, size_t size);

/* Ends it wherever it is; nothing is left. */
void ffmpeg_pipe_close(ffmpeg_pipe *ffmpeg);

/* "ffmpeg -i 'a.m4a' 'a.wav'", quoted for a shell. Returns text. */
char *ffmpeg_pipe_command(const char *path, char *text, size_t size);

#endif
