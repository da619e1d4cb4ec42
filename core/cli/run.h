/* run.h - a pipeline on its way: loaded by name, file or one-liner, with options of the command line. */
#ifndef ST_RUN_H
#define ST_RUN_H

#include "cli/call.h"
#include "pipeline/graph.h"

/* Loads what `what` names into a runtime set up by the call. NULL after *error was filled. */
stapes_pipeline *st_run_load(stapes_runtime *runtime, const char *what, stapes_error *error);

/* Whether the words are a pipeline in one line rather than a name or a file. */
bool st_run_is_line(const char *what);

/* Lets Ctrl-C and SIGTERM cancel this pipeline (a second Ctrl-C ends the program at once); NULL: back to
 * what the signals did before. */
void st_run_catch(stapes_pipeline *pipeline);

/* The exit code of a run that ended with `status`: 75 if SIGTERM ended it. */
int st_run_code(int status);

#endif
