/* new.h - the files that `stapes new` writes, carried in the program: those of examples/stage-c and
 * examples/stage-cpp, which the tests build. */
#ifndef ST_NEW_H
#define ST_NEW_H

#include <stddef.h>

typedef struct st_new_file {
    const char *name; /* "stage-c/preemphasis.c" */
    const char *text; /* terminated */
    size_t      size;
} st_new_file;

extern const st_new_file st_new_files[];
extern const unsigned    st_new_files_count;

#endif
