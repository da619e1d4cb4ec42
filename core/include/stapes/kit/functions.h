/* functions.h - functions of many numbers at once, on the machine's widest vectors.
 *
 * y may be x. The errors stand for all of float32, against the function in double precision rounded once, on
 * every path of the processor (tests/unit/functions_test.c measures them); ulp is the distance of two
 * neighbouring float32 at the result. A NaN gives a NaN; an infinity the function's limit there.
 */
#ifndef STAPES_KIT_FUNCTIONS_H
#define STAPES_KIT_FUNCTIONS_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 0 below -103.97, infinity above 88.72; within 2 ulp. [any] */
STAPES_EXPORT void stapes_exp(const float *x, float *y, size_t count);

/* Natural logarithm: -infinity for 0, NaN below; within 2 ulp. [any] */
STAPES_EXPORT void stapes_log(const float *x, float *y, size_t count);

/* Within 6 ulp, never beyond 1. [any] */
STAPES_EXPORT void stapes_tanh(const float *x, float *y, size_t count);

/* The logistic function 1 / (1 + exp(-x)): within 4 ulp. [any] */
STAPES_EXPORT void stapes_sigmoid(const float *x, float *y, size_t count);

/* x below 0 becomes 0. [any] */
STAPES_EXPORT void stapes_relu(const float *x, float *y, size_t count);

/* The error function: within 8 ulp. [any] */
STAPES_EXPORT void stapes_erf(const float *x, float *y, size_t count);

/* x / 2 * (1 + erf(x / sqrt 2)) (Hendrycks and Gimpel 2016): within 4e-7 * max(1, |x|). [any] */
STAPES_EXPORT void stapes_gelu(const float *x, float *y, size_t count);

/* y (rows, columns) = x - log(sum(exp(x))) of each row, computed from the row's largest value. A row with a
 * NaN or without any finite value becomes NaN. [any] */
STAPES_EXPORT void stapes_log_softmax(const float *x, float *y, size_t rows, size_t columns);

/* y (rows, columns) = exp(x) / sum(exp(x)) of each row; the same for NaN. [any] */
STAPES_EXPORT void stapes_softmax(const float *x, float *y, size_t rows, size_t columns);

/* y (rows, columns) = (x - mean) / sqrt(variance + epsilon) * scale + bias of each row, the variance divided
 * by columns; scale, bias (columns), or NULL for 1 and 0. Ba, Kiros and Hinton 2016. [any] */
STAPES_EXPORT void stapes_layer_norm(const float *x, const float *scale, const float *bias, float epsilon,
                                     float *y, size_t rows, size_t columns);

#ifdef __cplusplus
}
#endif
#endif
