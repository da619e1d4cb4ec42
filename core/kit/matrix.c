/* matrix.c - weights converted and packed; see matrix.h. */
#include "kit/matrix.h"

#include "contract/error.h"

#include <stdint.h>
#include <stdlib.h>

static const stapes_tensor *find(st_weights *weights, const char *name, uint32_t rank, const uint64_t *shape)
{
    const stapes_tensor *tensor = stapes_expect_tensor(weights->tensors, name, rank, shape, weights->error);
    if (tensor) {
        if (weights->used) weights->used[tensor - stapes_get_tensor(weights->tensors, 0)] = 1;
        weights->parameters += tensor->count;
    }
    return tensor;
}

static int fail_memory(st_weights *weights, const char *name)
{
    return st_error_set(weights->error, STAPES_ENOMEM, "%s: no memory for tensor '%s'",
                        stapes_get_tensors_name(weights->tensors), name);
}

static int open_bias(st_matrix *matrix, st_weights *weights, const char *name)
{
    uint64_t             shape[] = {matrix->out};
    const stapes_tensor *tensor = find(weights, name, 1, shape);
    float               *bias = tensor ? st_arena_take(weights->arena, matrix->out, sizeof *bias) : NULL;
    if (!tensor) return STAPES_EMODEL;
    if (!bias) return fail_memory(weights, name);
    (void)stapes_convert_tensor(tensor, 0, matrix->out, bias);
    matrix->bias = bias;
    return STAPES_OK;
}

int st_matrix_open(st_matrix *matrix, st_weights *weights, const char *name, const char *bias, uint32_t out,
                   uint32_t in, uint32_t kernel)
{
    uint64_t             shape[] = {out, in, kernel}, width = (uint64_t)in * (kernel ? kernel : 1);
    const stapes_tensor *tensor = find(weights, name, kernel ? 3 : 2, shape);
    if (!tensor) return STAPES_EMODEL;
    size_t panels = (out + (size_t)ST_MATRIX_LANES - 1) / ST_MATRIX_LANES, n = (size_t)width;
    if (width > UINT32_MAX || panels * ST_MATRIX_LANES > SIZE_MAX / n) return fail_memory(weights, name);
    float *packed = st_arena_take(weights->arena, panels * ST_MATRIX_LANES * n, sizeof *packed);
    float *row = malloc(n * sizeof *row);
    if (!packed || !row) {
        free(row);
        return fail_memory(weights, name);
    }
    for (uint32_t o = 0; o < out; o++) {
        float *to = packed + o / ST_MATRIX_LANES * (n * ST_MATRIX_LANES) + o % ST_MATRIX_LANES;
        (void)stapes_convert_tensor(tensor, (uint64_t)o * n, n, row);
        for (size_t i = 0; i < n; i++) { /* torch: in, then kernel; here: kernel, then in */
            size_t from = kernel ? i % in * kernel + i / in : i;
            to[i * ST_MATRIX_LANES] = row[from];
        }
    }
    free(row);
    *matrix = (st_matrix){.panels = packed, .in = (uint32_t)n, .out = out};
    return bias ? open_bias(matrix, weights, bias) : STAPES_OK;
}
