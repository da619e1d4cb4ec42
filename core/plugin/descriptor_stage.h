/* descriptor_stage.h - is the description of one stage sane? */
#ifndef ST_DESCRIPTOR_STAGE_H
#define ST_DESCRIPTOR_STAGE_H

#include "contract/arena.h"
#include <stapes/stage.h>

/* Checks a stage that was copied in. STAPES_EMODEL with words that name the stage. The arena is used for
 * trying the defaults. */
int st_descriptor_check_stage(const stapes_stage *stage, st_arena *arena, stapes_error *error);

/* Whether `word` is not empty and of [a-z0-9_] and the characters of `others`. */
bool st_descriptor_is_word(const char *word, const char *others);

/* Whether `line` is not empty and one line of printable text. */
bool st_descriptor_is_line(const char *line);

#endif
