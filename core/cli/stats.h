/* stats.h - what each stage did, as a table. */
#ifndef ST_STATS_H
#define ST_STATS_H

#include <stapes/runtime.h>

#include <stdio.h>

/* After a run that was measured; `wall` seconds is how long it took. */
void st_stats_print(FILE *file, const stapes_pipeline *pipeline, double wall);

#endif
