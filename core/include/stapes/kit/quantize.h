/* quantize.h - models with smaller numbers: weights rounded to int8, bfloat16 or float16.
 *
 * Weights are the tensors of two dimensions or more, their first dimension that of the outputs. As int8 a
 * weight is number * scale[output]: numbers I8, -127 to 127, in the tensor of the same name and shape; scales
 * F32 of shape (outputs) in NAME_scale, the largest weight of the output / 127, or 1 where all are zero.
 * As BF16 and F16 they are rounded to nearest, ties to even. All other tensors, the biases, become F32.
 */
#ifndef STAPES_KIT_QUANTIZE_H
#define STAPES_KIT_QUANTIZE_H

#include <stapes/kit/callbacks.h>
#include <stapes/kit/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What became of one tensor. */
typedef struct stapes_quantized_tensor {
    const char *name;
    uint64_t    count;                       /* of its numbers */
    uint64_t    bytes_before, bytes_after;   /* with its scales */
    uint32_t    number_before, number_after; /* enum stapes_number */
    double      largest;                     /* |number| before */
    double      error;                       /* largest |number after - number before| */
    double      noise; /* root of (sum of squared errors / sum of squared numbers before); 0 of zeros */
} stapes_quantized_tensor;

/* What was done. GROWS */
typedef struct stapes_quantize_report {
    uint32_t                       size;
    uint32_t                       n_tensors;
    const stapes_quantized_tensor *tensors;                   /* sorted by name */
    uint64_t                       parameters;                /* numbers of all tensors, scales not counted */
    uint64_t                       bytes_before, bytes_after; /* of the files of weights */
    const char *const             *left_out;                  /* files of the folder that were not copied */
    uint32_t                       n_left_out;
} stapes_quantize_report;

/* NULL is allowed. [control] */
STAPES_EXPORT void stapes_close_quantize_report(const stapes_quantize_report *report);

typedef struct stapes_quantize_options {
    uint32_t                number;    /* STAPES_I8, STAPES_BF16 or STAPES_F16 */
    bool                    replace;   /* a model folder that is there */
    const stapes_callbacks *callbacks; /* or NULL; canceled is looked at between tensors */
} stapes_quantize_options;

/* Writes the model of `folder` with smaller weights to the folder `out`, whole or not at all: it is made
 * beside `out` and renamed when it loads. model.yaml, vocabulary, card and other files up to 64 MiB are
 * copied, the summary and the card say what was done. *report, owned by the caller, may be NULL.
 * STAPES_EUSAGE: `out` is there (or, with replace, no model folder), is inside `folder` or around it, or the
 * weights are int8 already. STAPES_EMODEL: the model is wrong, has weights that are not finite, or too large
 * for the type. STAPES_ESYSTEM: no such place, no space. Nothing is left behind. [control] */
STAPES_EXPORT int stapes_quantize_model(const char *folder, const char *out,
                                        const stapes_quantize_options *options,
                                        const stapes_quantize_report **report, stapes_error *error);

/* The same for tensors in memory: a safetensors file of *bytes bytes, for stapes_read_tensors. Freed by the
 * caller with free(). `report` may be NULL. NULL: the error names the tensor. [control] */
STAPES_EXPORT void *stapes_quantize_tensors(const stapes_tensor *const *tensors, uint32_t count,
                                            uint32_t number, size_t *bytes,
                                            const stapes_quantize_report **report, stapes_error *error);

#ifdef __cplusplus
}
#endif
#endif
