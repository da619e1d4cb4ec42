/* kernels.h - the inner loops, one table of them for each instruction set.
 *
 * Weights lie in strips, two or three vectors of outputs wide, so that a step along the inner dimension reads
 * on where the last one ended. The terms of an output are added up in one order, in parts of equal length
 * whatever the number of rows; lanes are different outputs. So neither the number of rows nor their place
 * changes a bit of a row's result, on one path. Between paths float32 sums differ in the last bits (a product
 * and a sum are rounded once with AVX2 and AVX-512, twice in the baseline); int8 sums are exact on all. */
#ifndef ST_KERNELS_H
#define ST_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ST_KERNELS_MOST_LANES = 16, ST_KERNELS_VECTORS = 4, ST_KERNELS_GROUP = 4 };

/* Weights as the kernels want them. A panel is one strip of two or three vectors, or two strips of two,
 * one behind the other. A strip holds for each input its vectors of `lanes` numbers, of bfloat16 the first
 * two lane by lane beside each other (a shift and a mask make float32 of them); for int8 for each group of
 * ST_KERNELS_GROUP inputs (zeros behind the last), lane after lane the group's weights. What belongs to an
 * output (scale, sums, bias) stands in the same order, zeros for the lanes behind the last. */
typedef struct st_packed {
    const void    *panels;
    const float   *bias;
    const float   *scale;  /* int8: an output's step; else NULL */
    const int32_t *sums;   /* int8: an output's weights, added up */
    uint32_t       number; /* STAPES_F32, F16, BF16 or I8 */
    uint32_t       in;
    uint32_t       vectors; /* 2, 3 or 4 */
    uint32_t       panels_count;
} st_packed;

/* Rows of numbers to multiply with weights: float32, or for int8 weights what `quantize` made of them. */
typedef struct st_rows {
    const void *const *x;     /* (count) */
    const float       *scale; /* int8: (count) */
    size_t             count;
} st_rows;

/* One step of a recurrent layer for the sequences that run. A panel holds the gates of `lanes` units, or of
 * 2 * lanes units where there is one gate; what has `hidden` numbers is padded to that. */
typedef struct st_step {
    const st_packed *weights; /* of the state */
    st_rows          state;   /* h before this step */
    const float     *gates; /* the inputs' share: of row r at gates + r * gates_step, in the panels' order */
    const float     *was;   /* GRU: h before this step, float32, row r at was + r * step */
    float           *c;     /* LSTM's cell, replaced; row r at c + r * step */
    float           *out;   /* h after it, or what LSTM's cell shows; row r at out + r * step */
    size_t           gates_step, step;
    size_t           first, end; /* of the panels; */
    bool             backwards;  /* from the last to the first */
    bool             relu;       /* RNN: instead of tanh */
} st_step;

enum st_function {
    ST_EXP,
    ST_LOG,
    ST_TANH,
    ST_SIGMOID,
    ST_RELU,
    ST_ERF,
    ST_GELU, /* x / 2 * (1 + erf(x / sqrt 2)) */
    ST_FUNCTIONS
};

typedef struct st_kernels {
    const char *name;   /* "avx512" */
    uint32_t    lanes;  /* floats of a vector */
    bool        halves; /* float16 and bfloat16 weights stay so in panels */

    /* q (n, rounded up to a group) and scale: x = q * scale, |q| at most 127, ties to even. A row with a
     * number that is not finite has scale NaN. How q is kept is the path's own. */
    void (*quantize)(const float *x, size_t n, void *q, float *scale);

    /* y[r][o] = sum over i of rows[r][i] * weights[o][i] + bias[o] for outputs below `out` of panels first
     * ... end - 1 */
    void (*multiply)(const st_packed *weights, const st_rows *rows, size_t first, size_t end, float *const *y,
                     size_t out);

    void (*rnn)(const st_step *step);
    void (*gru)(const st_step *step);
    void (*lstm)(const st_step *step);

    /* y (n) = f(x); y may be x */
    void (*functions[ST_FUNCTIONS])(const float *x, float *y, size_t n);

    /* of one row; y may be x. log_softmax: x - log(sum(exp(x))); softmax: exp(x) / sum(exp(x)) */
    void (*log_softmax)(const float *x, float *y, size_t n);
    void (*softmax)(const float *x, float *y, size_t n);
    /* (x - mean) / sqrt(variance + epsilon) * scale + bias; scale and bias may be NULL */
    void (*layer_norm)(const float *x, const float *scale, const float *bias, float epsilon, float *y,
                       size_t n);
} st_kernels;

/* The path of this process: the best that the machine has, or the one that STAPES_CPU names (an unknown
 * name, or one that the machine lacks, is passed over; see st_kernels_problem). [any] */
const st_kernels *st_kernels_get(void);

/* What is wrong with STAPES_CPU, or NULL. [any] */
const char *st_kernels_problem(void);

/* The path of that name if this machine can run it, or NULL; the i-th path that it can run, best first, or
 * NULL. [any] */
const st_kernels *st_kernels_find(const char *name);
const st_kernels *st_kernels_list(uint32_t i);

extern const st_kernels st_kernels_baseline;
#ifdef __x86_64__
extern const st_kernels st_kernels_avx2;
extern const st_kernels st_kernels_avx512;
#endif

#endif
