/* matrix.c - weights converted and packed; see matrix.h. */
#include "kit/matrix.h"

#include "contract/error.h"

#include <stapes/kit/product.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int open_bias(st_matrix *matrix, st_weights *weights, const char *name)
{
    uint64_t             shape[] = {matrix->out};
    const stapes_tensor *tensor = st_stored_find_plain(weights, name, 1, shape);
    float               *bias = tensor ? st_arena_take(weights->arena, matrix->out, sizeof *bias) : NULL;
    if (!tensor) return STAPES_EMODEL;
    if (!bias) return st_stored_fail_memory(weights, name, matrix->out * sizeof *bias);
    (void)stapes_convert_tensor(tensor, 0, matrix->out, bias);
    matrix->bias = bias;
    return STAPES_OK;
}

int st_matrix_open(st_matrix *matrix, st_weights *weights, const char *name, const char *bias, uint32_t out,
                   uint32_t in, uint32_t kernel)
{
    uint64_t  shape[] = {out, in, kernel}, width = (uint64_t)in * (kernel ? kernel : 1);
    size_t    panels = (out + (size_t)ST_MATRIX_LANES - 1) / ST_MATRIX_LANES, n = (size_t)width;
    st_stored weight;
    int       status = st_stored_find(weights, name, kernel ? 3 : 2, shape, &weight);
    if (status >= 0)
        status = st_stored_reserve(weights, name, panels * ST_MATRIX_LANES * sizeof(float), width);
    if (status >= 0) status = st_stored_check(weights, &weight);
    if (status < 0) return status;
    if (width > UINT32_MAX) return st_stored_fail_memory(weights, name, width * out * sizeof(float));
    float *packed = st_arena_take(weights->arena, panels * ST_MATRIX_LANES * n, sizeof *packed);
    float *row = malloc(n * sizeof *row);
    if (!packed || !row) {
        free(row);
        return st_stored_fail_memory(weights, name, panels * ST_MATRIX_LANES * n * sizeof *packed);
    }
    for (uint32_t o = 0; o < out; o++) {
        float *to = packed + o / ST_MATRIX_LANES * (n * ST_MATRIX_LANES) + o % ST_MATRIX_LANES;
        float  scale = weight.scales ? weight.scales[o] : 1.0f;
        (void)stapes_convert_tensor(weight.tensor, (uint64_t)o * n, n, row);
        for (size_t i = 0; i < n; i++) { /* torch: in, then kernel; here: kernel, then in */
            size_t from = kernel ? i % in * kernel + i / in : i;
            to[i * ST_MATRIX_LANES] = row[from] * scale;
        }
    }
    free(row);
    *matrix = (st_matrix){.panels = packed, .in = (uint32_t)n, .out = out};
    return bias ? open_bias(matrix, weights, bias) : STAPES_OK;
}

/* ---- matrices of other people's ---------------------------------------------------------------------------
 */

struct stapes_matrix {
    st_matrix about;
    st_arena  arena;
};

stapes_matrix *stapes_open_matrix(const float *weights, const float *bias, uint32_t out, uint32_t in,
                                  uint32_t number, stapes_error *error)
{
    size_t         panels = (out + (size_t)ST_MATRIX_LANES - 1) / ST_MATRIX_LANES;
    stapes_matrix *m = NULL;
    float         *packed = NULL, *own = NULL;
    (void)number;
    if (!in || panels * ST_MATRIX_LANES <= SIZE_MAX / sizeof(float) / in) m = calloc(1, sizeof *m);
    if (m) packed = st_arena_take(&m->arena, panels * ST_MATRIX_LANES * in + 1, sizeof *packed);
    if (packed && bias) own = st_arena_take(&m->arena, out + (size_t)1, sizeof *own);
    if (!packed || (bias && !own)) {
        st_error_set(error, STAPES_ENOMEM, "no memory for a matrix of %u x %u", out, in);
        stapes_close_matrix(m);
        return NULL;
    }
    for (size_t o = 0; o < out; o++)
        for (size_t i = 0; i < in; i++)
            packed[(o / ST_MATRIX_LANES * in + i) * ST_MATRIX_LANES + o % ST_MATRIX_LANES] =
                weights[o * in + i];
    if (own) memcpy(own, bias, out * sizeof *own);
    m->about = (st_matrix){.panels = packed, .bias = own, .in = in, .out = out};
    return m;
}

void stapes_close_matrix(stapes_matrix *matrix)
{
    if (!matrix) return;
    st_arena_close(&matrix->arena);
    free(matrix);
}

size_t stapes_matrix_room(const stapes_matrix *matrix, size_t rows)
{
    (void)matrix;
    (void)rows;
    return 0;
}

void stapes_multiply(const stapes_matrix *matrix, const float *x, size_t x_step, size_t rows, float *y,
                     size_t y_step, float *room, const stapes_callbacks *callbacks)
{
    (void)room;
    (void)callbacks;
    st_matrix_product(&matrix->about, x, x_step, rows, y, y_step);
}
