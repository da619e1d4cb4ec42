/* stored.c - see stored.h. Files are taken for hostile: a scale of zero, NaN or infinity would make numbers
 * that nobody can trace back to it. */
#include "kit/product/stored.h"

#include "contract/amount.h"
#include "contract/error.h"

#include <float.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- memory ------------------------------------------------------------------------------------------- */

int st_stored_fail_memory(const st_weights *weights, const char *name, uint64_t bytes)
{
    char text[ST_AMOUNT_TEXT];
    return st_error_set(weights->error, STAPES_ENOMEM, "%s: no memory for tensor '%.200s', it needs %s",
                        stapes_get_tensors_name(weights->tensors), name, st_amount_write(bytes, text));
}

int st_stored_reserve(st_weights *weights, const char *name, uint64_t count, uint64_t size)
{
    char     needed[ST_AMOUNT_TEXT], all[ST_AMOUNT_TEXT], there[ST_AMOUNT_TEXT];
    long     pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    uint64_t bytes, memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_MAX;
    if (__builtin_mul_overflow(count, size, &bytes) ||
        __builtin_add_overflow(weights->bytes, bytes, &weights->bytes))
        weights->bytes = bytes = UINT64_MAX;
    if (weights->bytes <= memory && bytes <= PTRDIFF_MAX) return STAPES_OK;
    return st_error_set(
        weights->error, STAPES_ENOMEM,
        "%s: tensor '%.200s' needs %s of memory, with those before it %s, and this machine has %s: take a "
        "smaller model",
        stapes_get_tensors_name(weights->tensors), name, st_amount_write(bytes, needed),
        st_amount_write(weights->bytes, all), st_amount_write(memory, there));
}

/* ---- tensors ------------------------------------------------------------------------------------------ */

static void mark_used(st_weights *weights, const stapes_tensor *tensor)
{
    if (weights->used) weights->used[tensor - stapes_get_tensor(weights->tensors, 0)] = 1;
}

const stapes_tensor *st_stored_find_plain(st_weights *weights, const char *name, uint32_t rank,
                                          const uint64_t *shape)
{
    const stapes_tensor *tensor = stapes_expect_tensor(weights->tensors, name, rank, shape, weights->error);
    if (!tensor) return NULL;
    mark_used(weights, tensor);
    weights->parameters += tensor->count;
    return tensor;
}

static bool has_shape(const stapes_tensor *tensor, uint32_t rank, const uint64_t *shape)
{
    return tensor->rank == rank && !memcmp(tensor->shape, shape, rank * sizeof *shape);
}

/* Reads scales (out) and looks at each. */
static int read_scales(st_weights *weights, const stapes_tensor *tensor, st_stored *found)
{
    const char *file = stapes_get_tensors_name(weights->tensors);
    float      *scales = st_arena_take(weights->arena, tensor->count, sizeof *scales);
    if (!scales) return st_stored_fail_memory(weights, tensor->name, tensor->bytes);
    (void)stapes_convert_tensor(tensor, 0, tensor->count, scales);
    for (uint64_t i = 0; i < tensor->count; i++)
        if (!(scales[i] > 0.0f && scales[i] <= FLT_MAX / 127.0f)) /* NaN is neither */
            return st_error_set(
                weights->error, STAPES_EMODEL,
                "%s: tensor '%.200s': the scale of output %llu is %g, allowed are numbers above 0 "
                "up to %g",
                file, tensor->name, (unsigned long long)i, (double)scales[i], (double)(FLT_MAX / 127.0f));
    found->scales = scales;
    return STAPES_OK;
}

static int find_scales(st_weights *weights, const char *name, uint64_t out, st_stored *found)
{
    char        scale[300], text[200];
    const char *file = stapes_get_tensors_name(weights->tensors);
    (void)snprintf(scale, sizeof scale, "%s_scale", name);
    const stapes_tensor *tensor = stapes_find_tensor(weights->tensors, scale);
    if (found->tensor->number != STAPES_I8) {
        if (!tensor) return STAPES_OK;
        return st_error_set(
            weights->error, STAPES_EMODEL,
            "%s: tensor '%.200s' gives scales, and tensor '%.200s' is %s: only I8 weights have "
            "scales",
            file, scale, name, stapes_name_number(found->tensor->number));
    }
    if (!tensor)
        return st_error_set(
            weights->error, STAPES_EMODEL,
            "%s: tensor '%.200s' is missing: tensor '%.200s' is I8, its scales would be F32 of "
            "shape (%llu)",
            file, scale, name, (unsigned long long)out);
    if (!has_shape(tensor, 1, &out))
        return st_error_set(weights->error, STAPES_EMODEL,
                            "%s: tensor '%.200s' has shape %s, expected (%llu), a scale for each output",
                            file, scale, stapes_write_shape(tensor->rank, tensor->shape, text, sizeof text),
                            (unsigned long long)out);
    if (tensor->number != STAPES_F32)
        return st_error_set(weights->error, STAPES_EMODEL, "%s: tensor '%.200s' is %s, scales are F32", file,
                            scale, stapes_name_number(tensor->number));
    mark_used(weights, tensor);
    return read_scales(weights, tensor, found);
}

int st_stored_find(st_weights *weights, const char *name, uint32_t rank, const uint64_t *shape,
                   st_stored *found)
{
    const stapes_tensor *tensor = stapes_find_tensor(weights->tensors, name);
    *found = (st_stored){0};
    if (tensor && tensor->number == STAPES_I8 && has_shape(tensor, rank, shape)) {
        mark_used(weights, tensor);
        weights->parameters += tensor->count;
    } else if (tensor && tensor->number > STAPES_BF16 && has_shape(tensor, rank, shape)) {
        return st_error_set(weights->error, STAPES_EMODEL,
                            "%s: tensor '%.200s' is %s, allowed are F32, F16, BF16, F64 and I8 with scales",
                            stapes_get_tensors_name(weights->tensors), name,
                            stapes_name_number(tensor->number));
    } else {
        tensor = st_stored_find_plain(weights, name, rank, shape); /* with words for all else */
    }
    if (!tensor) return STAPES_EMODEL;
    found->tensor = tensor;
    return find_scales(weights, name, shape[0], found);
}

int st_stored_check(const st_weights *weights, const st_stored *weight)
{
    const stapes_tensor *tensor = weight->tensor;
    const void          *at = tensor->number == STAPES_I8 && tensor->count
                                  ? memchr(tensor->data, 0x80, (size_t)tensor->bytes)
                                  : NULL;
    if (!at) return STAPES_OK;
    uint64_t place = (uint64_t)((const char *)at - (const char *)tensor->data);
    return st_error_set(
        weights->error, STAPES_EMODEL,
        "%s: tensor '%.200s' has the number -128 at output %llu, int8 weights are -127 to 127",
        stapes_get_tensors_name(weights->tensors), tensor->name,
        (unsigned long long)(place / (tensor->count / tensor->shape[0])));
}
