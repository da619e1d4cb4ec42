/* output.h - results, written whole or not at all: under a temporary name in the same folder, synced and
 * renamed when complete. "-" is standard output, and what is no regular file (a device, a named pipe) is
 * written as it is. */
#ifndef STAPES_KIT_OUTPUT_H
#define STAPES_KIT_OUTPUT_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One file being written. Zeroed: none; end and drop leave it so. */
typedef struct stapes_output {
    bool  open;
    bool  temporary_made;
    int   fd;        /* whoever wants to may write and seek here */
    char *path;      /* the final name, links followed; "standard output" for "-" */
    char *temporary; /* the name while it is being written */
} stapes_output;

/* Begins to write `path`. STAPES_ESYSTEM with words (no such folder, permission, a full disk),
 * STAPES_EUSAGE for a folder. [control] [stream] of a sink */
STAPES_EXPORT int stapes_begin_output(stapes_output *output, const char *path, stapes_error *error);

/* Appends all of `bytes` bytes. STAPES_EPIPE when the reader has closed the pipe (no signal is raised),
 * STAPES_ESYSTEM with words otherwise. [stream] of a sink */
STAPES_EXPORT int stapes_write_output(stapes_output *output, const void *data, size_t bytes,
                                      stapes_error *error);

/* Syncs what was written and gives it its name; on failure nothing is left. [control] [stream] of a sink */
STAPES_EXPORT int stapes_end_output(stapes_output *output, stapes_error *error);

/* Gives it up: nothing is left, and a file that had the name before keeps it. Nothing happens where
 * nothing was begun. [control] [stream] of a sink */
STAPES_EXPORT void stapes_drop_output(stapes_output *output);

#ifdef __cplusplus
}
#endif
#endif
