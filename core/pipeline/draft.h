/* draft.h - a pipeline while it is read: what graph.c, scope.c, assign.c and wire.c work on, one after
 * the other. Inside core/pipeline only.
 *
 * A *scope* is one pipeline text: its list of entries, its options. An *entry* is one item of `stages:`,
 * which becomes a *part* (one stage) or, with `use: pipeline.NAME`, a scope inside the scope. Parts of
 * all scopes stand in one list, in the order in which they were written; when everything is checked they
 * are put in order and become the nodes of the graph. */
#ifndef ST_DRAFT_H
#define ST_DRAFT_H

#include "pipeline/tree.h"

enum {
    ST_DRAFT_MOST = 1000, /* entries of a pipeline, sub-pipelines included */
    ST_DRAFT_DEEPEST = 16 /* sub-pipelines inside one another */
};

typedef struct st_entry {
    const char      *name; /* within its scope; "" where it could not be read */
    st_spot          spot; /* of the name, or of the stage where it has none */
    const char      *uses; /* "family.what" or "pipeline.NAME", or NULL */
    st_spot          uses_spot;
    const st_tree   *parameters; /* a map, `use` and `from` among them, or NULL */
    const st_tree   *from;       /* or NULL: the entry before */
    struct st_part  *part;       /* the stage, or NULL */
    struct st_scope *sub;        /* the sub-pipeline, or NULL. Neither: a mistake was told already */
} st_entry;

typedef struct st_part {
    st_node          node; /* inputs[].node: index among the parts */
    st_spot          spot;
    struct st_scope *scope;
    uint32_t         index; /* among the parts */
    int32_t          place; /* among the nodes, once in order; -1 before */
    bool             used;  /* some output is */
    bool             doubt; /* its inputs depend on something that was a mistake */
    uint32_t        *kinds; /* of each output, as far as known */
    st_spot         *input_spots;
} st_part;

/* An option or argument in the making: targets are parts. */
typedef struct st_setter {
    st_option option;
    uint32_t *parts; /* part for each target; target_nodes once in order */
    uint32_t  room_targets, room_parts;
} st_setter;

typedef struct st_scope {
    struct st_scope *outer;  /* or NULL */
    const char      *prefix; /* of the nodes' names: "" or "asr." */
    const char      *name, *summary;
    const st_page   *page;
    st_entry        *entries;
    uint32_t         n_entries, room_entries;
    st_setter       *setters; /* options, then the argument if has_argument */
    uint32_t         n_setters, room_setters;
    bool             has_argument;
    uint32_t         depth;
} st_scope;

/* The graph that the outside sees comes first; the rest stays for st_graph_set and st_graph_finish. */
typedef struct st_draft {
    st_graph        graph;
    st_notes        notes;
    st_registry    *registry;
    st_graph_places places;
    st_scope       *scope;
    st_part       **parts;
    uint32_t        n_parts, room_parts, n_entries;
    bool            lost;   /* some `from` names nothing: who is unused cannot be told */
    uint32_t        n_read; /* mistakes of the reading; st_graph_finish starts again after them */
} st_draft;

/* ---- scope.c: what the text says ---------------------------------------------------------------------- */

/* The pipeline in `tree`. NULL only without memory. */
st_scope *st_scope_read(st_draft *draft, st_scope *outer, const char *prefix, const st_page *page,
                        const st_tree *tree);

/* The entry of that name, or NULL; `length` bytes of it. */
st_entry *st_scope_find(const st_scope *scope, const char *name, size_t length);

/* The option or argument of that name, or NULL. */
st_setter *st_scope_setter(const st_scope *scope, const char *name);

/* "; did you mean 'x'?" for the name of an entry. */
const char *st_scope_nearest(st_draft *draft, const st_scope *scope, const char *name);

/* ---- assign.c: parameters and options ---------------------------------------------------------------------
 */

/* The parameters of an entry that has become a part or a scope. */
void st_assign_entry(st_draft *draft, st_scope *scope, st_entry *entry);

/* `options:` and `arguments:` of a scope whose entries are there. Either may be NULL. */
void st_assign_setters(st_draft *draft, st_scope *scope, const st_tree *options, const st_tree *arguments);

/* What a name on the command line sets: "node.parameter" or an option; a mistake goes to error. */
typedef struct st_target {
    st_part                *part;
    const stapes_parameter *row;
    const st_setter        *setter; /* instead of both */
} st_target;
int st_assign_target(st_draft *draft, const st_scope *scope, const char *name, st_target *target,
                     stapes_error *error);

/* The part's name as a message at this place calls it: inside its own file without sub-pipelines. */
const char *st_assign_name(const st_part *part, st_mark mark);

/* Sets a parameter of a part from text, or from items if text is NULL. */
int st_assign_value(st_draft *draft, st_part *part, const stapes_parameter *row, const char *text,
                    const char *const *items, uint32_t n_items, st_mark mark, stapes_error *error);

/* ---- wire.c: connections
 * -------------------------------------------------------------------------------------- */

/* Connects the entries of all scopes and tells what is unconnected, goes in a circle or does not fit. */
void st_wire_scope(st_draft *draft, st_scope *scope);
void st_wire_check(st_draft *draft);

/* ---- remedy.c: stages that would help
 * -------------------------------------------------------------------------- */

/* "; put features.logmel between them", for outputs of kinds `from` before inputs of kinds `to`, or
 * that nothing is known that does it. Looks at the plugins in use first, then (slowly, this is the path of
 * errors) at all that can be found. */
const char *st_remedy_between(st_draft *draft, uint32_t from, uint32_t to);

/* The name of a sink that takes one of these kinds, or of a source that gives one; NULL if none is known. */
const char *st_remedy_sink(st_draft *draft, uint32_t kinds);
const char *st_remedy_source(st_draft *draft, uint32_t kinds);

#endif
