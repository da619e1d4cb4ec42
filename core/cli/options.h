/* options.h - the options and the argument of a pipeline as rows like those of a command, so that they
 * are parsed, helped and completed the same way. */
#ifndef ST_OPTIONS_H
#define ST_OPTIONS_H

#include "cli/call.h"
#include "pipeline/graph.h"

/* A row for each option of the graph. NULL without memory. */
const st_command_option *st_options_rows(const st_graph *graph, st_arena *arena, uint32_t *count);

/* The positional argument as the help shows it ("FILE..."), "" if there is none. */
const char *st_options_argument(const st_graph *graph, st_arena *arena);

/* Whether the argument must be given: it has no default, and nothing else has set what it sets. */
bool st_options_argument_required(const st_graph *graph);

/* Whether the argument takes several words. */
bool st_options_argument_many(const st_graph *graph);

/* What the shell offers for a value of this parameter. */
int st_options_completes(const stapes_parameter *row);

#endif
