/* mapping.h - a file as memory: mapped for reading, or small ones read whole. */
#ifndef ST_MAPPING_H
#define ST_MAPPING_H

#include "contract/arena.h"
#include <stapes/stage.h>

typedef struct st_mapping {
    const void *data; /* NULL for an empty file */
    size_t      size;
} st_mapping;

/* Maps a regular file. Fails with words that end in what to do; the caller adds no path. */
int  st_mapping_open(st_mapping *mapping, const char *path, stapes_error *error);
void st_mapping_close(st_mapping *mapping);

/* The whole of a regular file of at most `most` bytes, copied and terminated; its length in *size. */
char *st_mapping_read(const char *path, size_t most, st_arena *arena, size_t *size, stapes_error *error);

#endif
