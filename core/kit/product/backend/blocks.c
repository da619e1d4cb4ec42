/* blocks.c - a library's product of rows that lie anywhere; see backend.h. */
#include "kit/product/backend/backend.h"

#include <string.h>

/* A number of floats rounded up to whole lines of the cache. */
static size_t lines(size_t n) { return (n + 15) / 16 * 16; }

size_t st_blocks_room(const st_backend *backend, size_t out, size_t in)
{
    if (out > INT32_MAX || in > INT32_MAX) return SIZE_MAX;
    if (in > SIZE_MAX / 32 / backend->block || out > SIZE_MAX / 32 / backend->block) return SIZE_MAX;
    return lines(backend->block * in) + lines(backend->block * out);
}

void st_blocks_multiply(const st_backend *backend, const float *weights, const float *bias, size_t out,
                        size_t in, const float *const *x, size_t rows, float *const *y, size_t written,
                        float *room)
{
    size_t block = backend->block;
    float *from = room, *to = room + lines(block * in);
    if (in) {
        for (size_t r = 0; r < rows; r++) memcpy(from + r * in, x[r], in * sizeof *from);
        memset(from + rows * in, 0, (block - rows) * in * sizeof *from);
        backend->product(weights, out, in, from, block, to);
    } else {
        memset(to, 0, rows * out * sizeof *to);
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < written; o++) y[r][o] = to[r * out + o] + bias[o];
}
