/* numbers.h - functions of libstapes-kit for commands that compute.
 *
 * The program does not link the kit: its libraries cost start-up time that every other command would pay
 * for nothing. The first call here loads it, from where plugins find it. It stays loaded. */
#ifndef ST_NUMBERS_H
#define ST_NUMBERS_H

#include <stapes/stage.h>

/* Puts the function `name` of the kit into *function, a pointer to such a function:
 *
 *   __typeof__(&stapes_open_model) open_model;
 *   status = st_numbers_get("stapes_open_model", &open_model, &error);
 *
 * The headers of stapes/kit give the types. STAPES_EMODEL, with words that say what to do: there is no kit,
 * it cannot be loaded, or it is older than the program. */
int st_numbers_get(const char *name, void *function, stapes_error *error);

/* Where the kit was loaded from, or NULL, with words as above. */
const char *st_numbers_path(stapes_error *error);

#endif
