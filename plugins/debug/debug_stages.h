/* debug_stages.h - the stages of this plugin. */
#ifndef DEBUG_STAGES_H
#define DEBUG_STAGES_H

#include <stapes/stage.h>

extern const stapes_stage debug_dump, debug_show;

#endif
