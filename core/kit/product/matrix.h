/* matrix.h - weights as the kernels want them, and the product of rows with them.
 *
 * What is kept: float32; float16 or bfloat16, widened as they are read, where few rows meet many weights and
 * memory is what counts; int8 with a step for each output, the rows rounded the same way as they come.
 *
 * Products of float32 may be a library's (backend/backend.h): then the panels are the weights row after row,
 * (st_matrix_width, in), and all rows that ever meet the matrix go through the library, so that their bits
 * do not depend on how many come together. */
#ifndef ST_MATRIX_H
#define ST_MATRIX_H

#include "kit/product/backend/backend.h"
#include "kit/product/kernel/kernels.h"
#include "kit/product/stored.h"
#include <stapes/kit/callbacks.h>

/* Rows that one call of a kernel gets at most. */
enum { ST_MATRIX_CHUNK = 144 };

/* The inner dimension of int8 weights: what sums of int32 hold. */
enum { ST_MATRIX_MOST_INT8 = 1 << 17 };

/* Weights (out, in). Lives in an arena. */
typedef struct st_matrix {
    st_packed         packed;
    const st_kernels *kernels;
    const st_backend *library; /* NULL: the kit's own kernels */
    uint32_t          in, out;
} st_matrix;

/* How the outputs lie in the panels. */
enum st_order {
    ST_IN_ORDER = 0, /* one after the other */
    ST_BY_GATES      /* out = gates x units; a panel has `lanes` units, gate after gate */
};

/* What a matrix is made of. */
typedef struct st_matrix_plan {
    const char *name, *bias; /* tensors: the bias' NULL without */
    uint32_t    out, in;
    uint32_t    kernel; /* 0, or the tensor is (out, in, kernel): an input row of the matrix is then kernel
                           rows of `in` numbers, one after the other */
    uint32_t gates;     /* ST_BY_GATES: 3 or 4 */
    uint32_t order;     /* enum st_order */
    bool     few_rows;  /* float16 and bfloat16 tensors stay so */
} st_matrix_plan;

/* Status, with words. */
int st_matrix_open(st_matrix *matrix, st_weights *weights, const st_matrix_plan *plan);

/* Outputs with those that pad the last panel. */
size_t st_matrix_width(const st_matrix *matrix);

/* Bytes of the packed weights. */
size_t st_matrix_bytes(const st_matrix *matrix);

/* Floats of room that a product of so many rows needs: 0 but for int8 and libraries. SIZE_MAX / 8 and more:
 * too many. */
size_t st_matrix_room(const st_matrix *matrix, size_t rows);

/* y (rows, out) = x (rows, in) W^T + bias; row r of x begins at x + r * x_step (rows may overlap), of y at
 * y + r * y_step. y is apart from x. room: aligned to 64. callbacks: or NULL. */
void st_matrix_product(const st_matrix *matrix, const float *x, size_t x_step, size_t rows, float *y,
                       size_t y_step, float *room, const stapes_callbacks *callbacks);

/* In two parts, for at most ST_MATRIX_CHUNK rows at any place: first the rows as the kernels want them (`at`
 * and `room` must live as long), then outputs of panels first ... end - 1 (a library computes all with the
 * first). `out`: how many outputs of each row are written, at most st_matrix_width. */
st_rows st_matrix_prepare(const st_matrix *matrix, const float *const *x, size_t rows, const void **at,
                          float *room);
void    st_matrix_multiply(const st_matrix *matrix, const st_rows *rows, size_t first, size_t end,
                           float *const *y, size_t out, float *room);

/* The i-th of so many even parts of n things begins here. */
size_t st_matrix_part(size_t n, size_t parts, size_t i);

/* stapes_open_matrix by these kernels and this library (NULL: without). */
struct stapes_matrix *st_matrix_open_by(const st_kernels *kernels, const st_backend *library,
                                        const float *weights, const float *bias, uint32_t out, uint32_t in,
                                        uint32_t number, stapes_error *error);

#endif
