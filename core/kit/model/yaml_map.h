/* yaml_map.h - small YAML files of maps, lists and scalars, read with libyaml; errors say file, line and
 * what is allowed. */
#ifndef ST_YAML_MAP_H
#define ST_YAML_MAP_H

#include "contract/arena.h"
#include <stapes/stage.h>

#include <yaml.h>

enum { ST_YAML_MOST = 1 << 20 }; /* bytes */

typedef struct st_yaml {
    const char     *path; /* for messages */
    stapes_error   *error;
    st_arena       *arena;
    yaml_document_t document;
} st_yaml;

/* Reads one document of `size` bytes whose root is a map. NULL with words; close is to be called only after
 * success. yaml->path, error and arena are set by the caller. */
yaml_node_t *st_yaml_open(st_yaml *yaml, const char *text, size_t size);
void         st_yaml_close(st_yaml *yaml);

/* Puts "path:line: " and the words into the error. Returns STAPES_EMODEL. */
int st_yaml_fail(const st_yaml *yaml, const yaml_node_t *where, const char *format, ...)
    STAPES_FORMAT_CHECK(3, 4);

/* Line of a node, from 1. */
uint32_t st_yaml_line(const yaml_node_t *node);

/* Whether a node is a map with unique scalar keys, each of them in allowed (`count` names; NULL: any). `what`
 * is put before the words ("features: "). */
int st_yaml_check_map(const st_yaml *yaml, yaml_node_t *node, const char *what, const char *const *allowed,
                      uint32_t count);

/* The value of that key, or NULL. */
yaml_node_t *st_yaml_get(const st_yaml *yaml, const yaml_node_t *map, const char *key);

/* The number of pairs of a map; the n-th one. */
uint32_t     st_yaml_count(const yaml_node_t *map);
const char  *st_yaml_key(const st_yaml *yaml, const yaml_node_t *map, uint32_t n);
yaml_node_t *st_yaml_value(const st_yaml *yaml, const yaml_node_t *map, uint32_t n);

/* The text of a scalar without a zero byte; `what` as above. NULL with words. Lives as long as the document.
 */
const char *st_yaml_text(const st_yaml *yaml, const yaml_node_t *node, const char *what);

/* A whole number from 0 to 4294967295; true or false. */
int st_yaml_number(const st_yaml *yaml, const yaml_node_t *node, const char *what, uint32_t *value);
int st_yaml_bool(const st_yaml *yaml, const yaml_node_t *node, const char *what, bool *value);

#endif
