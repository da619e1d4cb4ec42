/* stored.h - the weights of a matrix as a file stores them: found, checked, and what they will take. */
#ifndef ST_STORED_H
#define ST_STORED_H

#include "contract/arena.h"
#include <stapes/kit/tensors.h>

/* Where weights come from, and which tensors were asked for. */
typedef struct st_weights {
    const stapes_tensors    *tensors;
    st_arena                *arena;
    unsigned char           *used; /* one for each tensor, or NULL */
    uint64_t                 parameters;
    uint64_t                 bytes;     /* of memory promised by st_stored_reserve */
    const struct st_kernels *kernels;   /* NULL: those of this process */
    bool                     many_rows; /* they meet whole segments at once */
    stapes_error            *error;
} st_weights;

/* Weights of one matrix: numbers of floating point, or I8 with a scale for each output, the weight being
 * number * scale[output]. */
typedef struct st_stored {
    const stapes_tensor *tensor; /* F32, F16, BF16, F64 or I8 */
    const float *scales; /* (out) with I8, in the arena: each above 0, its 127-fold finite; else NULL */
} st_stored;

/* The tensor `name` of exactly this shape (out first), and with I8 its scales, NAME_scale. Not looked at are
 * the numbers (st_stored_check does). Status, with words that name file, tensor, what was found and what is
 * allowed. */
int st_stored_find(st_weights *weights, const char *name, uint32_t rank, const uint64_t *shape,
                   st_stored *found);

/* Whether I8 numbers are -127 to 127. */
int st_stored_check(const st_weights *weights, const st_stored *weight);

/* A tensor of floating point numbers of this shape, such as a bias; NULL with words. */
const stapes_tensor *st_stored_find_plain(st_weights *weights, const char *name, uint32_t rank,
                                          const uint64_t *shape);

/* Asks for `count` times `size` bytes of memory for tensor `name`, before they are taken. STAPES_ENOMEM with
 * words where that is more than the machine has, together with what was promised before. */
int st_stored_reserve(st_weights *weights, const char *name, uint64_t count, uint64_t size);

/* "no memory for tensor ...", with what it needs. Returns STAPES_ENOMEM. */
int st_stored_fail_memory(const st_weights *weights, const char *name, uint64_t bytes);

#endif
