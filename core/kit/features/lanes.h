/* lanes.h - the passes over a block of windows, one table of them for each instruction set.
 *
 * A block is `rows` windows, and they are the lanes of a vector: number k of all of them stands together,
 * x[k][rows]. So nothing is shuffled inside a transform, a line's weight is one number for all lanes, and
 * what comes out for a window depends neither on its lane nor on its neighbours. All of it is float64 until
 * the sum of a filter (docs/decisions/0007). lanes_body.h is compiled once for each path; between paths the
 * last bits of a float64 may differ (a product and a sum are rounded once where the machine can). */
#ifndef ST_LANES_H
#define ST_LANES_H

#include <stdbool.h>
#include <stdint.h>

enum { ST_LANES_MOST = 8 }; /* rows of a block on any path */

/* One pass of a transform: `groups` times `radix` transforms of `length` become one, in place. */
typedef struct st_fft_pass {
    uint32_t      radix, length, groups; /* radix 2, 3, 4 or 5 */
    const double *turns;                 /* (length, radix - 1, 2): exp(-2 pi i q k / (radix length)) */
} st_fft_pass;

/* How a window of samples becomes the input of a transform. */
typedef struct st_window {
    uint32_t        count;  /* samples */
    uint32_t        offset; /* where it begins in the transform's input */
    uint32_t        length; /* of that input; zeros around the window */
    const uint32_t *places; /* (length) sample i goes to number places[i] of the block */
    const double   *shape;  /* (count) */
    double          preemphasis;
    bool            remove_dc;
} st_window;

/* Filters that overlap as triangles do: a line lies in the falling side of one and the rising side of the
 * next. */
typedef struct st_filters {
    uint32_t        count;
    const uint32_t *edges;   /* (count + 2): side s has lines edges[s] ... edges[s + 1] - 1 */
    const double   *weights; /* (edges[count + 1] - edges[0], 2): in the falling filter s - 1, the rising s */
} st_filters;

typedef struct st_lanes {
    const char *name; /* as in st_kernels */
    uint32_t    rows;

    /* z (length, rows) in the places' order = shape * pre-emphasis of (x - mean); x[r]: the samples of
     * window r */
    void (*window)(const st_window *window, const float *const *x, double *z);

    /* z (M, 2, rows), real and imaginary parts, in the passes' order of places -> its transform in order */
    void (*pass)(const st_fft_pass *pass, double *z);

    /* The transform of M complex numbers, each two reals in turn, into that of 2 M reals: z (M, 2, rows) ->
     * z (M + 1, 2, rows), twice what it is; turns (M / 2 + 1, 2): exp(-2 pi i k / (2 M)) */
    void (*split)(uint32_t m, const double *turns, double *z);

    /* out[order[k]] (order NULL: out[k]) = x[k] * factors[k] for k below count, or its conjugate; 0 from
     * there to `total`. x (count, 2, rows), or (count, rows) if real; factors (count, 2) */
    void (*mix)(const double *x, bool real, const double *factors, const uint32_t *order, uint32_t count,
                uint32_t total, bool conjugate, double *out);

    /* sums (count, rows): of power, or of magnitude, by the weights, each from its lowest line up */
    void (*filter)(const st_filters *filters, const double *z, bool magnitude, float *sums);

    /* y (lines, rows): power, or magnitude */
    void (*power)(const double *z, uint32_t lines, bool magnitude, float *y);

    /* y (2 lines, rows): real and imaginary parts in turn */
    void (*parts)(const double *z, uint32_t lines, float *y);

    /* x (n, rows) = log(max(x, floor) + offset) * scale, rounded once */
    void (*log)(float *x, uint32_t n, float floor, float offset, double scale);

    /* rows[r][k] = x[k][r] for k below n */
    void (*turn)(const float *x, uint32_t n, float *const *rows);

    /* y (out) = sum over k of x[k] * weights[k], weights (n, out rounded up to ST_LANES_MOST), float64
     * sums */
    void (*multiply)(const double *weights, const float *x, uint32_t n, uint32_t out, float *y);
} st_lanes;

/* The table of the path that this process takes (kit/product/kernel/kernels.h); the one of a path's name, or
 * NULL if this machine or build lacks it. [any] */
const st_lanes *st_lanes_get(void);
const st_lanes *st_lanes_find(const char *name);

extern const st_lanes st_lanes_baseline;
#ifdef __x86_64__
extern const st_lanes st_lanes_avx2;
extern const st_lanes st_lanes_avx512;
#endif

#endif
