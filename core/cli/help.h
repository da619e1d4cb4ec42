/* help.h - help from the tables. */
#ifndef ST_HELP_H
#define ST_HELP_H

#include "cli/call.h"
#include "pipeline/graph.h"

#include <stdio.h>

/* What `stapes` alone says. Returns 0. */
int st_help_short(void);

/* The page of one command. Returns 0. */
int st_help_print(const st_command *command);

/* The page of a pipeline as a command. Returns 0. */
int st_help_pipeline(st_call *call, const st_graph *graph);

#endif
