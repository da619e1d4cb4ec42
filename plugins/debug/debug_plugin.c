/* debug_plugin.c - stages that look at what passes: debug.dump writes it, debug.show draws it. */
#include "debug_stages.h"

STAPES_PLUGIN("debug", "1.0.0", "MIT", &debug_dump, &debug_show);
