/* kernel_tiles.h - the products of a few rows with one strip of weights, all sums in registers.
 *
 * A panel of weights is one or two strips, each two or three vectors of outputs wide: so narrow that a tile
 * has many rows, and so reads a weight seldom. Sums go to memory and from there at once, while they are in
 * the nearest cache, to whoever finishes them. A single row is multiplied with all strips of one or two
 * panels together: the sums of one strip would wait for each other. */
#ifndef ST_KERNEL_TILES_H
#define ST_KERNEL_TILES_H

#include "kit/product/kernel/kernels.h"
#include "kit/product/kernel/vectors.h"

#include <stapes/kit/tensors.h>

/* Rows of the largest tile of strips of two and of three vectors: as many as the registers hold. */
#if defined(__AVX512F__)
enum { ROWS_OF_2 = 12, ROWS_OF_3 = 8 };
#elif defined(__AVX2__)
enum { ROWS_OF_2 = 6, ROWS_OF_3 = 4 };
#else
enum { ROWS_OF_2 = 4, ROWS_OF_3 = 2 };
#endif

/* Inputs from[0] ... from[0] + n - 1 of several rows x with one strip, or of one row with several strips; or
 * two parts of a row with a strip, from from[0] and from[1] on: `apart`. The sums of row r, or of strip a, go
 * to to[r] or to[a]: added to start[0] or start[a], or where that is NULL to what is there. */
typedef void tile_function(const void *const *strips, const void *const *x, const size_t *from, size_t n,
                           const void *const *start, void *const *to);

enum { KEEPS_F32, KEEPS_F16, KEEPS_BF16, KEEPS_I8, KEPT };
enum { MOST_SUMS = 24 };

/* Vector v of a strip's weights for one input. */
INLINE vf tile_weights(int kept, const void *p, size_t v)
{
#if HAS_HALVES
    if (kept == KEEPS_F16) return vf_load_f16((const uint16_t *)p + v * LANES);
    if (kept == KEEPS_BF16 && v < 2) { /* two vectors in one, see kernels.h */
        vi both = vi_load(p);
        return (vf)(v ? both & vi_all(-0x10000) : both << 16);
    }
    if (kept == KEEPS_BF16) return vf_load_bf16((const uint16_t *)p + v * LANES);
#else
    (void)kept;
#endif
    return vf_load((const float *)p + v * LANES);
}

INLINE void tile_float(int kept, size_t strips, size_t rows, size_t vectors, bool apart, const void *const *w,
                       const void *const *x, const size_t *from, size_t n, const void *const *start,
                       void *const *to)
{
    size_t       size = kept == KEEPS_F32 ? 4 : 2;
    vf           s[MOST_SUMS] = {{0}};
    const char  *p[4];
    const float *in[12];
#pragma GCC unroll 4
    for (size_t a = 0; a < strips; a++)
        p[a] = (const char *)w[a] + from[apart ? a : 0] * vectors * LANES * size;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) in[r] = (const float *)x[r] + from[0];
    if (apart) in[1] = (const float *)x[0] + from[1];
#pragma GCC unroll 2
    for (size_t k = 0; k < n; k++) {
#pragma GCC unroll 4
        for (size_t a = 0; a < strips; a++) {
            vf weights[3];
#pragma GCC unroll 3
            for (size_t v = 0; v < vectors; v++) weights[v] = tile_weights(kept, p[a], v);
#pragma GCC unroll 12
            for (size_t r = 0; r < rows; r++) {
                vf one = vf_all(in[apart ? a : r][k]);
#pragma GCC unroll 3
                for (size_t v = 0; v < vectors; v++) {
                    vf *sum = &s[(a * rows + r) * vectors + v];
                    *sum = vf_fma(one, weights[v], *sum);
                }
            }
            p[a] += vectors * LANES * size;
        }
    }
#pragma GCC unroll 4
    for (size_t a = 0; a < strips; a++)
#pragma GCC unroll 12
        for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 3
            for (size_t v = 0; v < vectors; v++) {
                float       *there = (float *)to[a + r] + v * LANES;
                const float *base = start[a] ? (const float *)start[a] + v * LANES : there;
                vf_store(there, vf_load(base) + s[(a * rows + r) * vectors + v]);
            }
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

INLINE void tile_int8(size_t strips, size_t rows, size_t vectors, bool apart, const void *const *w,
                      const void *const *x, const size_t *from, size_t n, const void *const *start,
                      void *const *to)
{
    vi          s[MOST_SUMS] = {{0}};
    const char *p[4], *in[12];
#pragma GCC unroll 4
    for (size_t a = 0; a < strips; a++) p[a] = (const char *)w[a] + from[apart ? a : 0] * vectors * LANES;
#pragma GCC unroll 12
    for (size_t r = 0; r < rows; r++) in[r] = (const char *)x[r] + from[0];
    if (apart) in[1] = (const char *)x[0] + from[1];
    for (size_t k = 0; k < n; k += ST_KERNELS_GROUP) {
#pragma GCC unroll 4
        for (size_t a = 0; a < strips; a++) {
            vi weights[3];
#pragma GCC unroll 3
            for (size_t v = 0; v < vectors; v++) weights[v] = vi_load(p[a] + v * sizeof(vi));
#pragma GCC unroll 12
            for (size_t r = 0; r < rows; r++) {
                int32_t four;
                memcpy(&four, in[apart ? a : r] + k, sizeof four);
#pragma GCC unroll 3
                for (size_t v = 0; v < vectors; v++) {
                    vi *sum = &s[(a * rows + r) * vectors + v];
                    *sum = tile_dot(*sum, weights[v], vi_all(four));
                }
            }
            p[a] += vectors * sizeof(vi);
        }
    }
#pragma GCC unroll 4
    for (size_t a = 0; a < strips; a++)
#pragma GCC unroll 12
        for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 3
            for (size_t v = 0; v < vectors; v++) {
                int32_t       *there = (int32_t *)to[a + r] + v * LANES;
                const int32_t *base = start[a] ? (const int32_t *)start[a] + v * LANES : there;
                vi_store(there, vi_load(base) + s[(a * rows + r) * vectors + v]);
            }
}

#define TILE_NAMED(kept, named, strips, rows, vectors, apart)                                                \
    static void named(const void *const *w, const void *const *x, const size_t *from, size_t n,              \
                      const void *const *start, void *const *to)                                             \
    {                                                                                                        \
        if (kept == KEEPS_I8)                                                                                \
            tile_int8(strips, rows, vectors, apart, w, x, from, n, start, to);                               \
        else                                                                                                 \
            tile_float(kept, strips, rows, vectors, apart, w, x, from, n, start, to);                        \
    }
#define TILE(kept, name, strips, rows, vectors)                                                              \
    TILE_NAMED(kept, tile_##name##_##strips##_##rows##_##vectors, strips, rows, vectors, false)
/* One row by two parts of a strip, by four strips, two or one; more rows by one. */
#define TILES_OF_ROW(kept, name)                                                                             \
    TILE_NAMED(kept, tile_##name##_parts_2, 2, 1, 2, true)                                                   \
    TILE_NAMED(kept, tile_##name##_parts_3, 2, 1, 3, true)                                                   \
    TILE(kept, name, 4, 1, 2)                                                                                \
    TILE(kept, name, 2, 1, 2)                                                                                \
    TILE(kept, name, 1, 1, 2) TILE(kept, name, 2, 1, 3) TILE(kept, name, 1, 1, 3)
#define ROW_OF_2(name)                                                                                       \
    tile_##name##_parts_2, tile_##name##_4_1_2, tile_##name##_2_1_2, tile_##name##_1_1_2, tile_##name##_1_2_2
#define ROW_OF_3(name)                                                                                       \
    tile_##name##_parts_3, NULL, tile_##name##_2_1_3, tile_##name##_1_1_3, tile_##name##_1_2_3
#if defined(__AVX512F__)
#define TILES(kept, name)                                                                                    \
    TILES_OF_ROW(kept, name)                                                                                 \
    TILE(kept, name, 1, 2, 2)                                                                                \
    TILE(kept, name, 1, 3, 2)                                                                                \
    TILE(kept, name, 1, 4, 2)                                                                                \
    TILE(kept, name, 1, 5, 2)                                                                                \
    TILE(kept, name, 1, 6, 2)                                                                                \
    TILE(kept, name, 1, 7, 2)                                                                                \
    TILE(kept, name, 1, 8, 2)                                                                                \
    TILE(kept, name, 1, 9, 2)                                                                                \
    TILE(kept, name, 1, 10, 2)                                                                               \
    TILE(kept, name, 1, 11, 2)                                                                               \
    TILE(kept, name, 1, 12, 2)                                                                               \
    TILE(kept, name, 1, 2, 3)                                                                                \
    TILE(kept, name, 1, 3, 3)                                                                                \
    TILE(kept, name, 1, 4, 3)                                                                                \
    TILE(kept, name, 1, 5, 3) TILE(kept, name, 1, 6, 3) TILE(kept, name, 1, 7, 3) TILE(kept, name, 1, 8, 3)
#define TABLE_OF_2(name)                                                                                     \
    ROW_OF_2(name), tile_##name##_1_3_2, tile_##name##_1_4_2, tile_##name##_1_5_2, tile_##name##_1_6_2,      \
        tile_##name##_1_7_2, tile_##name##_1_8_2, tile_##name##_1_9_2, tile_##name##_1_10_2,                 \
        tile_##name##_1_11_2, tile_##name##_1_12_2
#define TABLE_OF_3(name)                                                                                     \
    ROW_OF_3(name), tile_##name##_1_3_3, tile_##name##_1_4_3, tile_##name##_1_5_3, tile_##name##_1_6_3,      \
        tile_##name##_1_7_3, tile_##name##_1_8_3
#elif defined(__AVX2__)
#define TILES(kept, name)                                                                                    \
    TILES_OF_ROW(kept, name)                                                                                 \
    TILE(kept, name, 1, 2, 2)                                                                                \
    TILE(kept, name, 1, 3, 2)                                                                                \
    TILE(kept, name, 1, 4, 2)                                                                                \
    TILE(kept, name, 1, 5, 2)                                                                                \
    TILE(kept, name, 1, 6, 2) TILE(kept, name, 1, 2, 3) TILE(kept, name, 1, 3, 3) TILE(kept, name, 1, 4, 3)
#define TABLE_OF_2(name)                                                                                     \
    ROW_OF_2(name), tile_##name##_1_3_2, tile_##name##_1_4_2, tile_##name##_1_5_2, tile_##name##_1_6_2
#define TABLE_OF_3(name) ROW_OF_3(name), tile_##name##_1_3_3, tile_##name##_1_4_3
#else
#define TILES(kept, name)                                                                                    \
    TILES_OF_ROW(kept, name)                                                                                 \
    TILE(kept, name, 1, 2, 2)                                                                                \
    TILE(kept, name, 1, 3, 2) TILE(kept, name, 1, 4, 2) TILE(kept, name, 1, 2, 3)
#define TABLE_OF_2(name) ROW_OF_2(name), tile_##name##_1_3_2, tile_##name##_1_4_2
#define TABLE_OF_3(name) ROW_OF_3(name)
#endif

TILES(KEEPS_F32, f32)
#if HAS_HALVES
TILES(KEEPS_F16, f16)
TILES(KEEPS_BF16, bf16)
#endif
TILES(KEEPS_I8, i8)

/* One row by two parts of a strip, by four strips, by two; then n rows by one strip, at MANY - 1 + n. */
enum { BY_PARTS, BY_FOUR, BY_TWO, MANY };
#define TILE_TABLE(name)                                                                                     \
    {                                                                                                        \
        {TABLE_OF_2(name)}, { TABLE_OF_3(name) }                                                             \
    }

static tile_function *const tiles[KEPT][2][MANY + ROWS_OF_2] = {[KEEPS_F32] = TILE_TABLE(f32),
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
    return tiles[kept][w->vectors == 3];
}

#endif
