/* tree.h - values as they were written: scalars, lists and maps, each with its place. What YAML and a
 * one-liner have in common, before anybody asks what it means. */
#ifndef ST_TREE_H
#define ST_TREE_H

#include "pipeline/notes.h"

enum st_tree_kind {
    ST_TREE_NULL,
    ST_TREE_SCALAR,
    ST_TREE_LIST,
    ST_TREE_MAP,
    ST_TREE_BAD /* a mistake that was told: nothing more to say about it */
};

enum {
    ST_TREE_DEEPEST = 16, /* maps and lists inside one another */
    ST_TREE_MOST = 20000  /* values in one text */
};

typedef struct st_tree {
    int              kind;
    st_spot          spot;
    const char      *text;  /* scalar */
    struct st_tree **keys;  /* map: scalars */
    struct st_tree **items; /* list and map; scalar of a one-liner: its pieces between ',', or none */
    uint32_t         n, room_keys, room_items;
} st_tree;

/* The value of a YAML text. NULL with a mistake if the text is empty or no YAML. Keys that stand twice,
 * anchors, aliases and tags are mistakes too, but leave a tree. */
st_tree *st_tree_read(st_notes *notes, const st_page *page);

/* A value without anything in it; text may be NULL. NULL without memory. */
st_tree *st_tree_make(st_notes *notes, int kind, st_spot spot, const char *text);

/* Appends to a list (key NULL) or a map. A key that is there already is a mistake. False without memory
 * or if it was one. */
bool st_tree_put(st_notes *notes, st_tree *into, st_tree *key, st_tree *value);

/* The value of a key, or NULL. */
const st_tree *st_tree_get(const st_tree *map, const char *key);

/* "a list", "a map", "nothing", "'text'": for "found ...". */
const char *st_tree_say(st_notes *notes, const st_tree *tree);

#endif
