/* plan.h - what a quantised file will hold, known before its first byte is written. */
#ifndef ST_PLAN_H
#define ST_PLAN_H

#include "contract/arena.h"
#include <stapes/kit/output.h>
#include <stapes/kit/quantize.h>

/* One tensor of the new file. */
typedef struct st_plan_entry {
    stapes_tensor            tensor; /* as it will be; without data */
    const stapes_tensor     *source;
    const float             *scales; /* (outputs); NULL: none */
    stapes_quantized_tensor *about;
    bool                     is_scale; /* the scales themselves */
} st_plan_entry;

/* Everything lives in the arena that st_plan_make gets. */
typedef struct st_plan {
    st_plan_entry           *entries; /* in the order of the file */
    uint32_t                 count;
    char                    *header;
    size_t                   header_bytes;
    uint64_t                 bytes; /* of the file */
    stapes_quantized_tensor *about; /* one for each source */
} st_plan;

/* Looks at all numbers of the sources. Status, with words that begin with the tensor. */
int st_plan_make(st_plan *plan, const stapes_tensor *const *sources, uint32_t count, uint32_t number,
                 const stapes_callbacks *callbacks, st_arena *arena, stapes_error *error);

/* Writes the file into `memory`, plan->bytes bytes, or, if that is NULL, into `output`; the errors of
 * rounding go to plan->about. */
int st_plan_write(const st_plan *plan, char *memory, stapes_output *output, const stapes_callbacks *callbacks,
                  stapes_error *error);

#endif
