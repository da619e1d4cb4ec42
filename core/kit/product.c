/* product.c - the product of rows with packed weights; see matrix.h.
 *
 * Vectors of four lanes, written with the compilers' vector types: they become SSE2, NEON or plain
 * arithmetic, the same numbers on each. Two rows share each load of weights; a single row keeps four sums
 * under way, which hides the latency of the additions. */
#include "kit/matrix.h"

#include <string.h>

enum { WIDTH = 4, VECTORS = ST_MATRIX_LANES / WIDTH };
typedef float lanes __attribute__((vector_size(16), may_alias));
_Static_assert(VECTORS == 4, "the kernels below are written for four vectors a panel");

/* out (16) = sum over i of x[i] * panel[i] */
static void one_row(const lanes *panel, const float *x, size_t n, lanes out[VECTORS])
{
    lanes a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0};
    for (size_t i = 0; i < n; i++, panel += VECTORS) {
        float v = x[i];
        a0 += panel[0] * v;
        a1 += panel[1] * v;
        a2 += panel[2] * v;
        a3 += panel[3] * v;
    }
    out[0] = a0;
    out[1] = a1;
    out[2] = a2;
    out[3] = a3;
}

/* The same for two rows. */
static void two_rows(const lanes *panel, const float *x, const float *y, size_t n, lanes out[2 * VECTORS])
{
    lanes a0 = {0}, a1 = {0}, a2 = {0}, a3 = {0}, b0 = {0}, b1 = {0}, b2 = {0}, b3 = {0};
    for (size_t i = 0; i < n; i++, panel += VECTORS) {
        float v = x[i], w = y[i];
        lanes p0 = panel[0], p1 = panel[1], p2 = panel[2], p3 = panel[3];
        a0 += p0 * v;
        a1 += p1 * v;
        a2 += p2 * v;
        a3 += p3 * v;
        b0 += p0 * w;
        b1 += p1 * w;
        b2 += p2 * w;
        b3 += p3 * w;
    }
    out[0] = a0;
    out[1] = a1;
    out[2] = a2;
    out[3] = a3;
    out[4] = b0;
    out[5] = b1;
    out[6] = b2;
    out[7] = b3;
}

static void store(const lanes sums[VECTORS], const float *bias, size_t count, float *y)
{
    float values[ST_MATRIX_LANES];
    memcpy(values, sums, sizeof values);
    for (size_t i = 0; i < count; i++) y[i] = bias ? values[i] + bias[i] : values[i];
}

void st_matrix_product(const st_matrix *matrix, const float *x, size_t x_step, size_t rows, float *y,
                       size_t y_step)
{
    size_t n = matrix->in;
    lanes  sums[2 * VECTORS];
    for (size_t o = 0; o < matrix->out; o += ST_MATRIX_LANES) {
        const lanes *panel = (const lanes *)(matrix->panels + o * n);
        const float *bias = matrix->bias ? matrix->bias + o : NULL;
        size_t       count = matrix->out - o < ST_MATRIX_LANES ? matrix->out - o : ST_MATRIX_LANES, r = 0;
        for (; r + 2 <= rows; r += 2) {
            two_rows(panel, x + r * x_step, x + (r + 1) * x_step, n, sums);
            store(sums, bias, count, y + r * y_step + o);
            store(sums + VECTORS, bias, count, y + (r + 1) * y_step + o);
        }
        if (r < rows) {
            one_row(panel, x + r * x_step, n, sums);
            store(sums, bias, count, y + r * y_step + o);
        }
    }
}
