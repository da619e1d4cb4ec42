/* folder.h - whole folders: made beside their place and put there by one rename, copied, removed. */
#ifndef ST_FOLDER_H
#define ST_FOLDER_H

#include "contract/arena.h"
#include <stapes/stage.h>

/* A folder being made. Zeroed: none. */
typedef struct st_folder {
    const char *path;      /* where it will be, absolute, links followed */
    const char *temporary; /* where it is until then; NULL: not there */
    bool        replaces;  /* something is at `path` */
} st_folder;

/* Looks whether `path` may become a folder, and fills in folder->path and replaces. With `replace`, a folder
 * that holds `mark` or is empty may be there. Nothing is made. */
int st_folder_look(st_folder *folder, const char *path, bool replace, const char *mark, st_arena *arena,
                   stapes_error *error);

/* Whether absolute path `inner` is `outer` or lies inside it. */
bool st_folder_holds(const char *outer, const char *inner);

/* Makes folder->temporary beside folder->path. */
int st_folder_begin(st_folder *folder, st_arena *arena, stapes_error *error);

/* Gives it its name; what had it before is removed. */
int st_folder_end(st_folder *folder, stapes_error *error);

/* Removes what was made, if st_folder_end did not succeed. */
void st_folder_drop(st_folder *folder);

/* Names that were not copied. */
typedef struct st_folder_rest {
    const char **names;
    uint32_t     count;
} st_folder_rest;

/* Copies the files of `from` and of the folders in it to the folder `to`, without those at the top that
 * are called one of `but` (NULL ends it). Hidden files, files of more than 64 MiB, links to folders and what
 * is no file are left out: their names go to rest. */
int st_folder_copy(const char *from, const char *to, const char *const *but, st_arena *arena,
                   st_folder_rest *rest, stapes_error *error);

#endif
