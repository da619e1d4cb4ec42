/* tensors.h - safetensors files: mapped, checked whole before anything is looked at.
 *
 * A file is an 8-byte length, a JSON header, and the data of its tensors. Everything in it is taken for
 * hostile: names are unique, shapes multiply without overflow, each tensor's bytes are inside the file,
 * no two overlap, nothing is left over.
 */
#ifndef STAPES_KIT_TENSORS_H
#define STAPES_KIT_TENSORS_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

enum stapes_number {
    STAPES_F64 = 1,
    STAPES_F32,
    STAPES_F16,
    STAPES_BF16,
    STAPES_I64,
    STAPES_I32,
    STAPES_I16,
    STAPES_I8,
    STAPES_U64,
    STAPES_U32,
    STAPES_U16,
    STAPES_U8,
    STAPES_BOOL8,
    STAPES_F8_E4M3,
    STAPES_F8_E5M2
};

enum { STAPES_TENSOR_RANK = 8 };

/* One tensor of a file, row-major, little-endian. Lives as long as the file is open. */
typedef struct stapes_tensor {
    const char *name;
    const void *data;  /* at any address: not aligned */
    uint64_t    count; /* of numbers: the product of the shape, 1 without dimensions */
    uint64_t    bytes;
    uint64_t    shape[STAPES_TENSOR_RANK];
    uint32_t    rank;
    uint32_t    number; /* enum stapes_number */
} stapes_tensor;

/* The tensors of one file; constant. */
typedef struct stapes_tensors stapes_tensors;

/* Maps a file and checks it. Owned by the caller. NULL: the error says file, tensor, what was found and
 * what is allowed. The file must not be cut short while it is open. [control] */
STAPES_EXPORT stapes_tensors *stapes_open_tensors(const char *path, stapes_error *error);

/* The same for a file that is in memory already, which must live as long; `name` stands for it in errors.
 * [control] */
STAPES_EXPORT stapes_tensors *stapes_read_tensors(const void *data, size_t bytes, const char *name,
                                                  stapes_error *error);

/* NULL is allowed. [control] */
STAPES_EXPORT void stapes_close_tensors(stapes_tensors *tensors);

/* The path or name it was opened with. [any] */
STAPES_EXPORT const char *stapes_get_tensors_name(const stapes_tensors *tensors);

/* How many there are; the one at `index`, sorted by name, or NULL. [any] */
STAPES_EXPORT uint32_t             stapes_count_tensors(const stapes_tensors *tensors);
STAPES_EXPORT const stapes_tensor *stapes_get_tensor(const stapes_tensors *tensors, uint32_t index);

/* The tensor of that name, or NULL. [any] */
STAPES_EXPORT const stapes_tensor *stapes_find_tensor(const stapes_tensors *tensors, const char *name);

/* The tensor of that name if it has floating point numbers and exactly this shape. NULL: the error says
 * file, tensor, shape found and shape needed. [any] */
STAPES_EXPORT const stapes_tensor *stapes_expect_tensor(const stapes_tensors *tensors, const char *name,
                                                        uint32_t rank, const uint64_t *shape,
                                                        stapes_error *error);

/* out (count): the numbers first ... first + count - 1 as float32: F32, F16, BF16 as they are, F64 and
 * integers rounded. False if they are outside or of a type that has no conversion (F8). [any] */
STAPES_EXPORT bool stapes_convert_tensor(const stapes_tensor *tensor, uint64_t first, uint64_t count,
                                         float *out);

/* "F16", "I64", ... or "?"; bytes of one number, or 0. [any] */
STAPES_EXPORT const char *stapes_name_number(uint32_t number);
STAPES_EXPORT uint32_t    stapes_size_number(uint32_t number);

/* "(1280, 320)" of a shape. Returns text. [any] */
STAPES_EXPORT char *stapes_write_shape(uint32_t rank, const uint64_t *shape, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
