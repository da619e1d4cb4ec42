/* parameter.h - parameter rows: values read from text, checked, and kept in settings. */
#ifndef ST_PARAMETER_H
#define ST_PARAMETER_H

#include "contract/arena.h"
#include <stapes/stage.h>

/* The row of that name, or NULL. */
const stapes_parameter *st_parameter_find(const stapes_stage *stage, const char *name);

/* Fills settings with all defaults (required ones stay zero, strings ""). */
int st_parameter_defaults(const stapes_stage *stage, void *settings, st_arena *arena, stapes_error *error);

/* Reads one value (a list: items with ',' between) into the row's field. Words on failure say what was
 * found, type, range or choices, unit, and the nearest choice: "0.5x is no number", "hop: 0 is out of
 * range, allowed are 1 to 1000 ms". Numbers may carry the row's unit ("25ms", "16 kHz"); bools are
 * true/false/yes/no/on/off/1/0. Strings are copied into the arena. */
int st_parameter_set(const stapes_parameter *row, void *settings, const char *text, st_arena *arena,
                     stapes_error *error);
int st_parameter_set_list(const stapes_parameter *row, void *settings, const char *const *items,
                          uint32_t count, st_arena *arena, stapes_error *error);

/* The value in settings as one would write it. Returns text. */
char *st_parameter_text(const stapes_parameter *row, const void *settings, char *text, size_t size);

/* "number 0 to 1 (dB)", "one of kaldi, whisper", "list of file names": what a row takes. Returns text. */
char *st_parameter_takes(const stapes_parameter *row, char *text, size_t size);

/* "are 0 to 1", "is 3 and above": a range in words, after "allowed". Returns text. */
char *st_parameter_range(double least, double greatest, char *text, size_t size);

/* The candidate nearest to `word` (edit distance, swaps counted as one), or NULL if none is near enough
 * to be meant. For "did you mean". */
const char *st_parameter_nearest(const char *word, const char *const *candidates, uint32_t count);

#endif
