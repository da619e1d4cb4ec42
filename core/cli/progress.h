/* progress.h - the line on the terminal that says how far a run has come: rewritten in place, gone
 * before anything else is printed and at the end. One at a time. */
#ifndef ST_PROGRESS_H
#define ST_PROGRESS_H

#include <stapes/runtime.h>

/* Begins it for this pipeline if standard error is a terminal; else nothing is ever shown.
 * `files`: how many inputs there are, 0 if that is not known. Sets receivers on the pipeline. */
void st_progress_begin(stapes_pipeline *pipeline, uint32_t files);

/* Takes the line away; it comes back a moment later. From any thread. */
void st_progress_hide(void);

/* Takes it away for good. */
void st_progress_end(void);

#endif
