/* steady.c - whether a row's bits depend on its place among the rows; see backend.h.
 *
 * OpenBLAS' Haswell kernels take rows in groups of 12, 8 and 4 that add up in different orders: of 32 equal
 * rows 20 had other bits than the first. So no library is trusted; products of odd sizes, with inner
 * dimensions below and above the pieces that libraries cut it into (256 to 768), show on the machine at
 * hand with how many rows at once all places are equal. */
#include "kit/product/backend/backend.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 64, MOST_OUT = 331, MOST_IN = 811 };

/* Numbers that are no sums of few powers of two, so that another order of a sum shows. */
static void fill(float *x, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(int32_t)seed * (1.0f / 2147483648.0f);
    }
}

typedef struct trial {
    float *weights, *x, *moved, *y, *again;
} trial;

/* The same rows each one place further, then the first alone among zeros. */
static bool is_steady(st_backend_product *product, const trial *t, size_t out, size_t in, size_t rows)
{
    size_t line = in * sizeof(float), result = out * sizeof(float);
    product(t->weights, out, in, t->x, rows, t->y);
    memcpy(t->moved + in, t->x, (rows - 1) * line);
    memcpy(t->moved, t->x + (rows - 1) * in, line);
    product(t->weights, out, in, t->moved, rows, t->again);
    if (memcmp(t->again + out, t->y, (rows - 1) * result) != 0 ||
        memcmp(t->again, t->y + (rows - 1) * out, result) != 0)
        return false;
    memcpy(t->moved, t->x, line);
    memset(t->moved + in, 0, (rows - 1) * line);
    product(t->weights, out, in, t->moved, rows, t->again);
    return memcmp(t->again, t->y, result) == 0;
}

uint32_t st_steady_find(st_backend_product *product)
{
    static const struct {
        size_t out, in;
    } sizes[] = {{1, 1}, {13, 37}, {128, 257}, {64, 512}, {MOST_OUT, 97}, {51, MOST_IN}};
    size_t   numbers = MOST_OUT * MOST_IN + 2 * MOST_ROWS * MOST_IN + 2 * MOST_ROWS * MOST_OUT + 5 * 16;
    float   *all = aligned_alloc(64, (numbers * sizeof *all + 63) / 64 * 64), *at = all;
    uint32_t rows = 0;
    trial    t = {0};
    if (!all) return 0;
    float **const parts[] = {&t.weights, &t.x, &t.moved, &t.y, &t.again};
    const size_t room[] = {MOST_OUT * MOST_IN, MOST_ROWS * MOST_IN, MOST_ROWS * MOST_IN, MOST_ROWS * MOST_OUT,
                           MOST_ROWS * MOST_OUT};
    for (size_t i = 0; i < 5; i++) {
        *parts[i] = at;
        at += (room[i] + 15) / 16 * 16;
    }
    fill(t.weights, room[0], 1);
    fill(t.x, room[1], 2);
    for (rows = MOST_ROWS; rows >= 4; rows /= 2) {
        size_t i = 0;
        while (i < sizeof sizes / sizeof sizes[0] && is_steady(product, &t, sizes[i].out, sizes[i].in, rows))
            i++;
        if (i == sizeof sizes / sizeof sizes[0]) break;
    }
    free(all);
    return rows >= 4 ? rows : 0;
}
