/* object.h - what the file of a shared object says without being loaded. */
#ifndef ST_OBJECT_H
#define ST_OBJECT_H

#include <stapes/stage.h>

/* Whether dlopen may be tried: a readable ELF shared object for this machine, with all of its segments
 * inside the file (dlopen of one that was cut short ends the process with SIGBUS). STAPES_EMODEL with
 * words that do not name the file. */
int st_object_check(const char *path, stapes_error *error);

#endif
