/* descriptor.h - what a plugin says of itself, copied into structures of our size and checked. */
#ifndef ST_DESCRIPTOR_H
#define ST_DESCRIPTOR_H

#include "contract/arena.h"
#include "plugin/registry.h"

/* Copies `theirs` (the plugin's own) with all its stages and parameter rows into zeroed structures of
 * our size in the arena and checks everything that later code relies on. Strings, ports and functions
 * stay the plugin's. STAPES_EMODEL with words: ABI, layout, or what is wrong with which stage. */
int st_descriptor_read(const stapes_plugin *theirs, st_plugin *ours, st_arena *arena, stapes_error *error);

#endif
