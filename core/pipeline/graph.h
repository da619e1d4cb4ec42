/* graph.h - a pipeline as it was written, checked and put in order: what the runner runs.
 *
 * st_graph_read reads YAML or a one-liner, resolves `use:` and sub-pipelines, finds stages in the
 * registry (loading their plugins), sets parameters, connects ports and orders the nodes. All mistakes
 * of the text are collected in one list, each with its place. A graph with mistakes has no nodes and no
 * options. docs/pipelines.md is the reference of what can be written. */
#ifndef ST_GRAPH_H
#define ST_GRAPH_H

#include "contract/arena.h"
#include "plugin/registry.h"

typedef struct st_mark {
    const char *file;         /* or the name given for text */
    uint32_t    line, column; /* from 1; 0: no place */
} st_mark;

/* One mistake. */
typedef struct st_mistake {
    st_mark     mark;
    int         status; /* STAPES_EUSAGE, STAPES_EFORMAT, STAPES_EMODEL */
    const char *text;   /* what was found and what was expected, the nearest name, the remedy */
    const char *line;   /* the line of the text, or NULL */
    uint32_t    width;  /* how many characters the caret underlines, at least 1 */
} st_mistake;

typedef struct st_input {
    int32_t  node; /* index of the node it comes from, -1: unconnected */
    uint32_t port; /* output of that node */
    st_mark  mark; /* where it was connected */
} st_input;

typedef struct st_node {
    const char         *name;
    const stapes_stage *stage;
    void               *settings;  /* stage->settings_size bytes, complete */
    bool               *set;       /* for each parameter: given by file, option or command line */
    st_mark            *set_marks; /* where */
    st_input           *inputs;    /* stage->n_inputs of them */
    st_mark             mark;
} st_node;

/* A word of the command line: `options` are --name VALUE, the one argument is FILE... */
typedef struct st_option {
    const char                    *name;
    const char                    *help;
    const char                    *initial; /* as written; NULL: the stages' own defaults hold */
    uint32_t                       n_targets;
    const uint32_t                *target_nodes; /* node index for each target */
    const stapes_parameter *const *target_parameters;
    st_mark                        mark;
} st_option;

typedef struct st_graph {
    st_arena    arena; /* all below lives here */
    const char *name;
    const char *summary;
    const char *file;
    st_node    *nodes; /* every input comes from an earlier node */
    uint32_t    n_nodes;
    st_option  *options;
    uint32_t    n_options;
    st_option  *argument; /* the positional one (`arguments:`), or NULL */
    st_mistake *mistakes; /* file by file in the order of their places; none: the graph is good */
    uint32_t    n_mistakes;
    const char *model_path; /* as given */
} st_graph;

/* Where names are looked for; strings must outlive the graph. */
typedef struct st_graph_places {
    const char *pipeline_path, *model_path; /* extra folders, or NULL */
} st_graph_places;

/* Reads the file, or `text` under the name `file`. Never NULL but without memory; mistakes are inside. */
st_graph *st_graph_read(st_registry *registry, const st_graph_places *places, const char *file,
                        const char *text, stapes_error *error);
void      st_graph_close(st_graph *graph);

/* Sets "node.parameter", "subpipeline.node.parameter", or an option or the argument. */
int st_graph_set(st_graph *graph, const char *name, const char *value, stapes_error *error);
int st_graph_set_list(st_graph *graph, const char *name, const char *const *values, uint32_t count,
                      stapes_error *error);

/* What can be known only once everything is set: required parameters, models resolved to their folders
 * (STAPES_IS_MODEL; an option's default counts). The first mistake with its place goes to error, all of
 * them to graph->mistakes; after more was set it may be called again. */
int st_graph_finish(st_graph *graph, stapes_error *error);

/* The same for a pipeline that is looked at and not run: a required parameter that an option or the
 * argument sets may still be missing. */
int st_graph_check(st_graph *graph, stapes_error *error);

/* The index of the node, or -1. */
int32_t st_graph_find(const st_graph *graph, const char *name);

/* All mistakes as people read them; malloc'd, NULL if there are none. */
char *st_graph_explain(const st_graph *graph);

/* The graph for Graphviz; malloc'd. */
char *st_graph_dot(const st_graph *graph);

#endif
