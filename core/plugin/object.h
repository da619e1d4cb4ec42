/* object.h - what the file of a shared object says without being loaded. */
#ifndef ST_OBJECT_H
#define ST_OBJECT_H

#include <stapes/stage.h>

/* Whether dlopen may be tried: a readable ELF shared object for this machine, with all of its segments
 * inside the file (dlopen of one that was cut short ends the process with SIGBUS). STAPES_EMODEL with
 * words that do not name the file. */
int st_object_check(const char *path, stapes_error *error);

/* Calls `found` with the name of each symbol that the object wants from others (its table of dynamic
 * symbols). Fails with words where there is no such table. */
int st_object_imports(const char *path, void (*found)(void *user, const char *name), void *user,
                      stapes_error *error);

#endif
