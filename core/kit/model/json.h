/* json.h - a strict reader of JSON (RFC 8259) into a tree.
 *
 * For what comes from outside: UTF-8 is checked, keys of an object are unique, depth and number of values
 * are bounded, nothing may follow the value. Everything lives in the arena that is given. */
#ifndef ST_JSON_H
#define ST_JSON_H

#include "contract/arena.h"
#include <stapes/stage.h>

enum st_json_type {
    ST_JSON_NULL,
    ST_JSON_BOOL,
    ST_JSON_NUMBER,
    ST_JSON_STRING,
    ST_JSON_ARRAY,
    ST_JSON_OBJECT
};

enum { ST_JSON_DEPTH = 64, ST_JSON_VALUES = 1 << 20 };

typedef struct st_json {
    const char           *key;   /* in an object, else NULL */
    const char           *text;  /* string: without escapes, terminated, no zero byte inside */
    const struct st_json *first; /* array, object: its values in order, */
    const struct st_json *next;  /* and the one behind this */
    double                number;
    uint64_t              whole; /* number: its value where is_whole */
    uint32_t              count; /* array, object */
    uint16_t              type;
    bool                  is_true;
    bool                  is_whole; /* a number written without sign, fraction and exponent, below 2^64 */
} st_json;

/* The value that the text is. NULL: error says the byte (from 0), what was found and what may stand there. */
const st_json *st_json_parse(const char *text, size_t size, st_arena *arena, stapes_error *error);

/* The value of that key, or NULL; also where `object` is NULL or none. */
const st_json *st_json_get(const st_json *object, const char *key);

/* "an object", "a string", ... for messages. */
const char *st_json_type_name(const st_json *value);

#endif
