/* model_notes.h - what a quantised model folder says about itself, in model.yaml and in its card. */
#ifndef ST_MODEL_NOTES_H
#define ST_MODEL_NOTES_H

#include "contract/arena.h"
#include <stapes/kit/quantize.h>

/* Copies model.yaml from folder `from` to folder `to`, "; int8 weights" behind its summary, all else as it
 * is. */
int st_model_notes_yaml(const char *from, const char *to, uint32_t number, st_arena *arena,
                        stapes_error *error);

/* Copies CARD.md, or begins one, and puts behind it what was done to the model `name`. */
int st_model_notes_card(const char *from, const char *to, const char *name, uint32_t number,
                        const stapes_quantize_report *report, st_arena *arena, stapes_error *error);

#endif
