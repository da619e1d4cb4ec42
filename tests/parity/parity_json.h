/* parity_json.h - members of a JSON object in a file, by path. */
#ifndef PARITY_JSON_H
#define PARITY_JSON_H

#include <stapes/stage.h>

typedef struct parity_json parity_json;

/* Reads the file. NULL on failure, the words in error. Free with parity_json_close; NULL is fine there. */
parity_json *parity_json_open(const char *path, stapes_error *error);
void         parity_json_close(parity_json *json);

/* A scalar's text: member `name` of the top object, or of its member `within` where that is not NULL.
 * NULL if there is none. Lives as long as json. */
const char *parity_json_text(const parity_json *json, const char *within, const char *name);

#endif
