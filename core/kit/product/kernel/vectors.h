/* vectors.h - the few words in which the kernels are written, once for each instruction set.
 *
 * kernel_body.h is compiled several times, each time with other flags: for AVX-512, for AVX2, and for what
 * every machine of an architecture has (SSE2 on x86-64; NEON or plain C elsewhere, as the compiler sees
 * fit). Arithmetic is the compiler's own on vectors; here stands what has no operator, and the one place
 * where paths may differ in the last bits: a product and a sum are one rounding where the machine has it
 * (fused), two elsewhere. */
#ifndef ST_VECTORS_H
#define ST_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX2__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif

typedef float    vf __attribute__((vector_size(LANES * sizeof(float))));
typedef int32_t  vi __attribute__((vector_size(LANES * sizeof(int32_t))));
typedef uint32_t vu __attribute__((vector_size(LANES * sizeof(uint32_t))));
/* The same at any address. */
typedef float   vf_any __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int32_t vi_any __attribute__((vector_size(LANES * sizeof(int32_t)), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vf   vf_load(const float *p) { return *(const vf_any *)p; }
INLINE void vf_store(float *p, vf v) { *(vf_any *)p = v; }
INLINE vi   vi_load(const void *p) { return *(const vi_any *)p; }
INLINE void vi_store(void *p, vi v) { *(vi_any *)p = v; }
INLINE vf   vf_all(float x) { return x - (vf){0}; }
INLINE vi   vi_all(int32_t x) { return x - (vi){0}; }

/* a * b + c */
INLINE vf vf_fma(vf a, vf b, vf c)
{
#if defined(__AVX512F__)
    return (vf)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
    return (vf)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

/* Lane by lane a < b ? a : b, so b where either is NaN. */
INLINE vf vf_min(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_min_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
    return (vf)_mm_min_ps((__m128)a, (__m128)b);
#else
    vi less = a < b;
    return (vf)(((vi)a & less) | ((vi)b & ~less));
#endif
}

/* Lane by lane a > b ? a : b, so b where either is NaN. */
INLINE vf vf_max(vf a, vf b)
{
#if defined(__AVX512F__)
    return (vf)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX2__)
    return (vf)_mm256_max_ps((__m256)a, (__m256)b);
#elif defined(__x86_64__)
    return (vf)_mm_max_ps((__m128)a, (__m128)b);
#else
    vi more = a > b;
    return (vf)(((vi)a & more) | ((vi)b & ~more));
#endif
}

/* Lane by lane: a where the lane of `mask` is -1, b where it is 0. */
INLINE vf vf_select(vi mask, vf a, vf b) { return (vf)(((vi)a & mask) | ((vi)b & ~mask)); }

/* The first n lanes from memory, zeros behind them; n below LANES. */
INLINE vf vf_load_some(const float *p, size_t n)
{
    vf v = {0};
    memcpy(&v, p, n * sizeof *p);
    return v;
}

INLINE void vf_store_some(float *p, vf v, size_t n) { memcpy(p, &v, n * sizeof *p); }

/* Lanes of int32 as float. */
INLINE vf vf_of(vi v) { return __builtin_convertvector(v, vf); }

#if defined(__AVX512F__) || defined(__AVX2__)
#define HAS_HALVES 1 /* float16 and bfloat16 weights are widened as they are read */
INLINE vf vf_load_f16(const uint16_t *p)
{
#if defined(__AVX512F__)
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
#else
    return (vf)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
#endif
}

INLINE vf vf_load_bf16(const uint16_t *p)
{
#if defined(__AVX512F__)
    return (vf)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16);
#else
    return (vf)_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16);
#endif
}
#else
#define HAS_HALVES 0 /* widened when they are packed: the same values */
#endif

#endif
