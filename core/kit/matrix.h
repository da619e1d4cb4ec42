/* matrix.h - weights as the kernels want them, and the product of rows with them.
 *
 * One output number is one sum over the inner dimension, from its first term to its last, the bias added at
 * the end; lanes of a vector are different outputs. So the number of rows, the place of a row among others
 * and the width of the machine's vectors change nothing. */
#ifndef ST_MATRIX_H
#define ST_MATRIX_H

#include "kit/stored.h"

/* Weights (out, in) in panels of ST_MATRIX_LANES outputs: panel p holds, for each input, the weights of
 * outputs p * ST_MATRIX_LANES ... side by side, zeros behind the last. Lives in an arena. */
enum { ST_MATRIX_LANES = 16 };
typedef struct st_matrix {
    const float *panels;
    const float *bias; /* (out) or NULL */
    uint32_t     in, out;
} st_matrix;

/* Tensor `name` of shape (out, in), or with kernel > 0 (out, in, kernel): then an input row of the matrix is
 * kernel rows of `in` numbers, one after the other. bias: its name, or NULL. Status, with words. */
int st_matrix_open(st_matrix *matrix, st_weights *weights, const char *name, const char *bias, uint32_t out,
                   uint32_t in, uint32_t kernel);

/* y (rows, out) = x (rows, in) W^T + bias; row r of x begins at x + r * x_step (rows may overlap), of y at
 * y + r * y_step. y is apart from x. */
void st_matrix_product(const st_matrix *matrix, const float *x, size_t x_step, size_t rows, float *y,
                       size_t y_step);

#endif
