/* bench_product.h - the same product for every side: x (rows, in), weights (out, in), y (rows, out). */
#ifndef BENCH_PRODUCT_H
#define BENCH_PRODUCT_H

#include "bench_side.h"

typedef struct bench_product {
    uint32_t out, in, rows;
    float   *weights, *x, *y;
} bench_product;

/* Sizes from --out, --in and --rows, numbers from a fixed seed. */
static inline bench_product bench_open_product(int argc, char **argv)
{
    bench_product p = {.out = bench_number(argc, argv, "out", 1280),
                       .in = bench_number(argc, argv, "in", 640),
                       .rows = bench_number(argc, argv, "rows", 100)};
    size_t        weights = (size_t)p.out * p.in, x = (size_t)p.rows * p.in;
    uint64_t      seed = 9;
    p.weights = bench_floats(weights);
    p.x = bench_floats(x);
    p.y = bench_floats((size_t)p.rows * p.out);
    for (size_t i = 0; i < weights; i++) p.weights[i] = bench_random(&seed);
    for (size_t i = 0; i < x; i++) p.x[i] = bench_random(&seed);
    return p;
}

#endif
