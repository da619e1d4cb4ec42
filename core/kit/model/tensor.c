/* tensor.c - one tensor: expected with its shape, converted to float32; see stapes/kit/tensors.h. */
#include <stapes/kit/tensors.h>

#include "contract/error.h"
#include "kit/product/half.h"

#include <string.h>

const stapes_tensor *stapes_expect_tensor(const stapes_tensors *tensors, const char *name, uint32_t rank,
                                          const uint64_t *shape, stapes_error *error)
{
    char                 found[200], needed[200];
    const char          *file = stapes_get_tensors_name(tensors);
    const stapes_tensor *tensor = stapes_find_tensor(tensors, name);
    (void)stapes_write_shape(rank, shape, needed, sizeof needed);
    if (!tensor) {
        st_error_set(error, STAPES_EMODEL, "%s: tensor '%.200s' is missing, its shape would be %s", file,
                     name, needed);
        return NULL;
    }
    if (tensor->rank != rank || memcmp(tensor->shape, shape, rank * sizeof *shape) != 0) {
        st_error_set(error, STAPES_EMODEL, "%s: tensor '%.200s' has shape %s, expected %s", file, name,
                     stapes_write_shape(tensor->rank, tensor->shape, found, sizeof found), needed);
        return NULL;
    }
    if (tensor->number < STAPES_F64 || tensor->number > STAPES_BF16) {
        st_error_set(error, STAPES_EMODEL, "%s: tensor '%.200s' is %s, allowed are F32, F16, BF16 and F64",
                     file, name, stapes_name_number(tensor->number));
        return NULL;
    }
    return tensor;
}

#define CONVERT(type, expression)                                                                            \
    for (uint64_t i = 0; i < count; i++) {                                                                   \
        type value;                                                                                          \
        memcpy(&value, at + i * sizeof value, sizeof value);                                                 \
        out[i] = (expression);                                                                               \
    }                                                                                                        \
    return true

bool stapes_convert_tensor(const stapes_tensor *tensor, uint64_t first, uint64_t count, float *out)
{
    if (first > tensor->count || count > tensor->count - first) return false;
    const char *at = (const char *)tensor->data + first * stapes_size_number(tensor->number);
    switch (tensor->number) {
    case STAPES_F32: memcpy(out, at, count * sizeof *out); return true;
    case STAPES_F16: CONVERT(uint16_t, st_half_to(value));
    case STAPES_BF16: CONVERT(uint16_t, st_half_brain_to(value));
    case STAPES_F64: CONVERT(double, (float)value);
    case STAPES_I64: CONVERT(int64_t, (float)value);
    case STAPES_I32: CONVERT(int32_t, (float)value);
    case STAPES_I16: CONVERT(int16_t, (float)value);
    case STAPES_I8: CONVERT(int8_t, (float)value);
    case STAPES_U64: CONVERT(uint64_t, (float)value);
    case STAPES_U32: CONVERT(uint32_t, (float)value);
    case STAPES_U16: CONVERT(uint16_t, (float)value);
    case STAPES_U8: CONVERT(uint8_t, (float)value);
    case STAPES_BOOL8: CONVERT(uint8_t, value ? 1.0f : 0.0f);
    default: return false;
    }
}
