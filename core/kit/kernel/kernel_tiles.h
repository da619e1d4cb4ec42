/* kernel_tiles.h - the products of a few rows with one panel of weights, all sums in registers.
 *
 * A tile is `rows` rows by `vectors` vectors of outputs. Sums go to memory (rows, vectors * LANES) and from
 * there at once, while they are in the nearest cache, to whoever finishes them. For a single row two panels
 * are computed together: the sums of one would wait for each other. */
#ifndef ST_KERNEL_TILES_H
#define ST_KERNEL_TILES_H

#include "kit/kernel/kernels.h"
#include "kit/kernel/vectors.h"

#include <stapes/kit/tensors.h>

/* Rows of the largest tile: as many as the registers hold. */
#if defined(__AVX512F__)
enum { TILE_ROWS = 6 };
#elif defined(__AVX2__)
enum { TILE_ROWS = 3 };
#else
enum { TILE_ROWS = 2 };
#endif

/* Rows by panels: either is one. */
typedef void tile_function(const void *const *panels, const void *const *x, size_t n, void *sums);

enum { KEEPS_F32, KEEPS_F16, KEEPS_BF16, KEEPS_I8, KEPT };

INLINE vf tile_weights(int kept, const char *p, size_t i)
{
#if HAS_HALVES
    if (kept == KEEPS_F16) return vf_load_f16((const uint16_t *)p + i);
    if (kept == KEEPS_BF16) return vf_load_bf16((const uint16_t *)p + i);
#else
    (void)kept;
#endif
    return vf_load((const float *)p + i);
}

INLINE void tile_float(int kept, size_t panels, size_t rows, size_t vectors, const void *const *w,
                       const void *const *x, size_t n, float *sums)
{
    size_t       size = kept == KEEPS_F32 ? 4 : 2;
    vf           s[8 * ST_KERNELS_VECTORS] = {{0}};
    const char  *p[2] = {w[0], w[panels - 1]};
    const float *in[8];
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) in[r] = x[r];
    for (size_t k = 0; k < n; k++) {
#pragma GCC unroll 2
        for (size_t a = 0; a < panels; a++) {
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++) {
                vf weights = tile_weights(kept, p[a], v * LANES);
#pragma GCC unroll 8
                for (size_t r = 0; r < rows; r++) {
                    vf *sum = &s[(a * rows + r) * vectors + v];
                    *sum = vf_fma(vf_all(in[r][k]), weights, *sum);
                }
            }
            p[a] += vectors * LANES * size;
        }
    }
#pragma GCC unroll 32
    for (size_t i = 0; i < panels * rows * vectors; i++) vf_store(sums + i * LANES, s[i]);
}

/* Four products of int8, added to the lane's sum. */
INLINE vi tile_dot(vi sum, vi weights, vi x)
{
#if defined(__AVX512F__)
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)weights);
#elif defined(__AVX2__)
    /* |x| times the weight with x's sign: at most 2 * 127 * 127, which int16 holds */
    __m256i pairs =
        _mm256_maddubs_epi16(_mm256_abs_epi8((__m256i)x), _mm256_sign_epi8((__m256i)weights, (__m256i)x));
    return sum + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
    for (int j = 0; j < 32; j += 8) sum += (weights << (24 - j) >> 24) * (x << (24 - j) >> 24);
    return sum;
#endif
}

INLINE void tile_int8(size_t panels, size_t rows, size_t vectors, const void *const *w, const void *const *x,
                      size_t n, int32_t *sums)
{
    vi          s[8 * ST_KERNELS_VECTORS] = {{0}};
    const char *p[2] = {w[0], w[panels - 1]};
    const char *in[8];
#pragma GCC unroll 8
    for (size_t r = 0; r < rows; r++) in[r] = x[r];
    for (size_t k = 0; k < n; k += ST_KERNELS_GROUP) {
#pragma GCC unroll 2
        for (size_t a = 0; a < panels; a++) {
#pragma GCC unroll 4
            for (size_t v = 0; v < vectors; v++) {
                vi weights;
                memcpy(&weights, p[a] + v * sizeof weights, sizeof weights);
#pragma GCC unroll 8
                for (size_t r = 0; r < rows; r++) {
                    int32_t four;
                    memcpy(&four, in[r] + k, sizeof four);
                    vi *sum = &s[(a * rows + r) * vectors + v];
                    *sum = tile_dot(*sum, weights, vi_all(four));
                }
            }
            p[a] += vectors * sizeof(vi);
        }
    }
    memcpy(sums, s, panels * rows * vectors * sizeof(vi));
}

#define TILE(kept, name, panels, rows, vectors)                                                              \
    static void tile_##name##_##panels##_##rows##_##vectors(const void *const *w, const void *const *x,      \
                                                            size_t n, void *sums)                            \
    {                                                                                                        \
        if (kept == KEEPS_I8)                                                                                \
            tile_int8(panels, rows, vectors, w, x, n, sums);                                                 \
        else                                                                                                 \
            tile_float(kept, panels, rows, vectors, w, x, n, sums);                                          \
    }
#define TILES_OF_ROWS(kept, name, rows) TILE(kept, name, 1, rows, 3) TILE(kept, name, 1, rows, 4)
#if defined(__AVX512F__)
#define TILES_OF_MANY(kept, name)                                                                            \
    TILES_OF_ROWS(kept, name, 2)                                                                             \
    TILES_OF_ROWS(kept, name, 3)                                                                             \
    TILES_OF_ROWS(kept, name, 4) TILES_OF_ROWS(kept, name, 5) TILES_OF_ROWS(kept, name, 6)
#define ROW_OF_MANY(name, vectors)                                                                           \
    tile_##name##_1_2_##vectors, tile_##name##_1_3_##vectors, tile_##name##_1_4_##vectors,                   \
        tile_##name##_1_5_##vectors, tile_##name##_1_6_##vectors
#elif defined(__AVX2__)
#define TILES_OF_MANY(kept, name) TILES_OF_ROWS(kept, name, 2) TILES_OF_ROWS(kept, name, 3)
#define ROW_OF_MANY(name, vectors) tile_##name##_1_2_##vectors, tile_##name##_1_3_##vectors
#else
#define TILES_OF_MANY(kept, name) TILES_OF_ROWS(kept, name, 2)
#define ROW_OF_MANY(name, vectors) tile_##name##_1_2_##vectors
#endif
#define TILES(kept, name)                                                                                    \
    TILES_OF_ROWS(kept, name, 1)                                                                             \
    TILE(kept, name, 2, 1, 3) TILE(kept, name, 2, 1, 4) TILES_OF_MANY(kept, name)

TILES(KEEPS_F32, f32)
#if HAS_HALVES
TILES(KEEPS_F16, f16)
TILES(KEEPS_BF16, bf16)
#endif
TILES(KEEPS_I8, i8)

/* Of one panel width: two panels by one row, then one panel by 1, 2, ... rows. */
#define TILE_ROW(name, vectors)                                                                              \
    {                                                                                                        \
        tile_##name##_2_1_##vectors, tile_##name##_1_1_##vectors, ROW_OF_MANY(name, vectors)                 \
    }
#define TILE_TABLE(name)                                                                                     \
    {                                                                                                        \
        TILE_ROW(name, 3), TILE_ROW(name, 4)                                                                 \
    }

static tile_function *const tiles[KEPT][2][1 + TILE_ROWS] = {[KEEPS_F32] = TILE_TABLE(f32),
#if HAS_HALVES
                                                             [KEEPS_F16] = TILE_TABLE(f16),
                                                             [KEEPS_BF16] = TILE_TABLE(bf16),
#endif
                                                             [KEEPS_I8] = TILE_TABLE(i8)};

static tile_function *const *tile_functions(const st_packed *w)
{
    int kept = w->number == STAPES_I8     ? KEEPS_I8
               : w->number == STAPES_F16  ? KEEPS_F16
               : w->number == STAPES_BF16 ? KEEPS_BF16
                                          : KEEPS_F32;
    return tiles[kept][w->vectors - 3];
}

#endif
