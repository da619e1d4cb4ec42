/* product.h - weights packed for the machine at hand, and the product of rows with them.
 *
 * A row's result is the same bits whatever the number of rows, their neighbours and the threads.
 */
#ifndef STAPES_KIT_PRODUCT_H
#define STAPES_KIT_PRODUCT_H

#include <stapes/kit/callbacks.h>
#include <stapes/kit/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Weights (out, in); constant. */
typedef struct stapes_matrix stapes_matrix;

/* weights (out, in) row-major, bias (out) or NULL: both are copied. number: what is kept of the weights:
 * STAPES_F32; STAPES_F16 or STAPES_BF16, rounded to nearest, sums in float32; STAPES_I8, an output's weights
 * in steps of a 127th of its largest, each input row rounded the same way, sums exact. A size of zero is
 * allowed. Owned by the caller. NULL: no memory, with words. [control] */
STAPES_EXPORT stapes_matrix *stapes_open_matrix(const float *weights, const float *bias, uint32_t out,
                                                uint32_t in, uint32_t number, stapes_error *error);

/* NULL is allowed. [control] */
STAPES_EXPORT void stapes_close_matrix(stapes_matrix *matrix);

/* Floats of room for a product of so many rows. [any] */
STAPES_EXPORT size_t stapes_matrix_room(const stapes_matrix *matrix, size_t rows);

/* y (rows, out) = x (rows, in) W^T + bias. Row r of x begins at x + r * x_step (rows may overlap), of y at
 * y + r * y_step. y is apart from x. room: stapes_matrix_room() floats, aligned to 64, overwritten; NULL
 * where that is 0. callbacks: parallel is used where it pays; or NULL. [stream] */
STAPES_EXPORT void stapes_multiply(const stapes_matrix *matrix, const float *x, size_t x_step, size_t rows,
                                   float *y, size_t y_step, float *room, const stapes_callbacks *callbacks);

#ifdef __cplusplus
}
#endif
#endif
