/* loader.h - one shared object, loaded into this process or looked at in another. */
#ifndef ST_LOADER_H
#define ST_LOADER_H

#include "contract/arena.h"
#include "plugin/registry.h"

/* A plugin that is loaded. */
typedef struct st_loaded {
    void     *handle; /* of dlopen; NULL for what is built in */
    st_arena  arena;
    st_plugin plugin;
} st_loaded;

/* Loads and checks the file. On failure nothing stays loaded, the floating-point mode of the thread is
 * what it was, and the words begin with the path. */
int st_loader_open(const char *path, st_loaded *loaded, stapes_error *error);

/* Takes what is built in, checked like any other. */
int st_loader_adopt(const stapes_plugin *about, st_loaded *loaded, stapes_error *error);

/* Unloads it. A zeroed one is allowed. */
void st_loader_close(st_loaded *loaded);

/* Loads the file in a child process and tells what it found: never fails but without memory (NULL). */
const st_listed *st_loader_look(const char *path, double seconds, st_arena *arena);

#endif
