/* bench_machine.c - what this machine can do at best: the floor under every row of the bench.
 *
 *   bench_machine        prints one JSON object
 *
 * Arithmetic: independent chains of fused multiply-adds and of int8 dot products, all in registers, in the
 * widest instructions there are. Reading: sums over memory that every thread has to itself, for working sets
 * from inside L1 to far outside L2. Each for one and for two threads at once, the sum of both. */
#include "bench_side.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { THREADS = 2, STEPS = 1 << 16, TRIES = 12 };
static const size_t SIZES[] = {24, 256, 512, 768, 1024, 1600, 2048, 3072, 4096, 8192, 32768}; /* KiB */

typedef struct kernels {
    const char *name;
    double (*fma)(void);                               /* float32 operations done */
    double (*dot)(void);                               /* int8 operations done */
    float (*read)(const float *numbers, size_t count); /* count: a multiple of 256 */
} kernels;

/* ---- kernels ---------------------------------------------------------------------------------------- */

static volatile float sink; /* what is computed must be kept */

/* Vectors of `bytes` in plain C with the compilers' own vector types: for any machine. */
typedef float   plain_floats __attribute__((vector_size(16)));
typedef int32_t plain_integers __attribute__((vector_size(16)));

static double plain_fma(void)
{
    plain_floats a[8], b = {0.999f, 0.999f, 0.999f, 0.999f};
    for (int k = 0; k < 8; k++) a[k] = b * (float)k;
    for (int i = 0; i < STEPS; i++)
        for (int k = 0; k < 8; k++) a[k] = a[k] * b + b;
    for (int k = 0; k < 8; k++) sink += a[k][0];
    return 2.0 * 4 * 8 * STEPS;
}

static double plain_dot(void)
{
    plain_integers a[8], b = {3, 5, 7, 9};
    for (int k = 0; k < 8; k++) a[k] = b * k;
    for (int i = 0; i < STEPS; i++)
        for (int k = 0; k < 8; k++) a[k] = a[k] * b + b;
    for (int k = 0; k < 8; k++) sink += (float)a[k][0];
    return 2.0 * 4 * 8 * STEPS;
}

static float plain_read(const float *numbers, size_t count)
{
    plain_floats sums[8] = {{0}};
    for (size_t i = 0; i < count; i += 32)
        for (size_t k = 0; k < 8; k++) sums[k] += *(const plain_floats *)(const void *)(numbers + i + 4 * k);
    float sum = 0;
    for (size_t k = 0; k < 8; k++) sum += sums[k][0];
    return sum;
}

#if defined(__x86_64__)
/* Ten chains, each in a variable of its own (gcc keeps an array of vectors in memory); the compiler takes
 * them for changed after each step, so that it neither drops nor joins operations. */
#define CHAIN_KERNEL(name, isa, type, start, step, lanes)                                                    \
    __attribute__((target(isa))) static double name(void)                                                    \
    {                                                                                                        \
        type b = start, a0 = b, a1 = b, a2 = b, a3 = b, a4 = b, a5 = b, a6 = b, a7 = b, a8 = b, a9 = b;      \
        __asm__ volatile("" : "+v"(b));                                                                      \
        for (int i = 0; i < STEPS; i++) {                                                                    \
            a0 = step(a0, b), a1 = step(a1, b), a2 = step(a2, b), a3 = step(a3, b), a4 = step(a4, b);        \
            a5 = step(a5, b), a6 = step(a6, b), a7 = step(a7, b), a8 = step(a8, b), a9 = step(a9, b);        \
            __asm__ volatile("" : "+v"(a0), "+v"(a1), "+v"(a2), "+v"(a3), "+v"(a4));                         \
            __asm__ volatile("" : "+v"(a5), "+v"(a6), "+v"(a7), "+v"(a8), "+v"(a9));                         \
        }                                                                                                    \
        return 2.0 * (lanes)*10 * STEPS;                                                                     \
    }
#define FMA_256(a, b) _mm256_fmadd_ps(a, b, b)
#define FMA_512(a, b) _mm512_fmadd_ps(a, b, b)
#define DOT_256(a, b)                                                                                        \
    _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_xor_si256(a, b), b), b))
#define DOT_512(a, b) _mm512_dpbusd_epi32(a, b, b)
CHAIN_KERNEL(avx2_fma, "avx2,fma", __m256, _mm256_set1_ps(0.999f), FMA_256, 8)
CHAIN_KERNEL(avx2_dot, "avx2", __m256i, _mm256_set1_epi8(3), DOT_256, 32)
CHAIN_KERNEL(avx512_fma, "avx512f", __m512, _mm512_set1_ps(0.999f), FMA_512, 16)
CHAIN_KERNEL(avx512_dot, "avx512f,avx512bw,avx512vnni", __m512i, _mm512_set1_epi8(3), DOT_512, 64)

#define READ_KERNEL(name, isa, type, lanes, zero, load, join)                                                \
    __attribute__((target(isa))) static float name(const float *numbers, size_t count)                       \
    {                                                                                                        \
        type a0 = zero(), a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0;                     \
        for (const float *n = numbers, *end = n + count; n < end; n += 8 * (lanes)) {                        \
            a0 = join(a0, load(n)), a1 = join(a1, load(n + (lanes)));                                        \
            a2 = join(a2, load(n + 2 * (lanes))), a3 = join(a3, load(n + 3 * (lanes)));                      \
            a4 = join(a4, load(n + 4 * (lanes))), a5 = join(a5, load(n + 5 * (lanes)));                      \
            a6 = join(a6, load(n + 6 * (lanes))), a7 = join(a7, load(n + 7 * (lanes)));                      \
        }                                                                                                    \
        a0 = join(join(join(a0, a1), join(a2, a3)), join(join(a4, a5), join(a6, a7)));                       \
        float parts[lanes];                                                                                  \
        memcpy(parts, &a0, sizeof parts);                                                                    \
        return parts[0];                                                                                     \
    }
READ_KERNEL(avx2_read, "avx2", __m256, 8, _mm256_setzero_ps, _mm256_load_ps, _mm256_max_ps)
READ_KERNEL(avx512_read, "avx512f", __m512, 16, _mm512_setzero_ps, _mm512_load_ps, _mm512_max_ps)

#endif

static kernels choose(void)
{
    kernels k = {"plain", plain_fma, plain_dot, plain_read};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        k = (kernels){"avx2", avx2_fma, avx2_dot, avx2_read};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw"))
        k.name = "avx512", k.fma = avx512_fma, k.read = avx512_read;
    if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vnni"))
        k.name = "avx512 with vnni", k.dot = avx512_dot;
#endif
    return k;
}

/* ---- measuring ---------------------------------------------------------------------------------------- */

enum what { FMA, DOT, READ };

typedef struct job {
    const kernels *kernels;
    enum what      what;
    size_t         count; /* READ: numbers of the working set */
    atomic_uint   *waiting;
    float          kept; /* what was computed must be kept */
    double         best; /* operations or bytes a second */
} job;

static void *measure(void *argument)
{
    job   *j = argument;
    size_t bytes = j->what == READ ? j->count * sizeof(float) : 64;
    float *numbers = aligned_alloc(64, bytes);
    if (!numbers) bench_fail("no memory for %zu bytes", bytes);
    memset(numbers, 0, bytes);
    atomic_fetch_sub(j->waiting, 1);
    while (atomic_load(j->waiting) > 0) {
    }
    for (int t = 0; t < TRIES; t++) {
        double done = 0, begin = bench_now(), seconds;
        do {
            if (j->what == READ) {
                for (size_t n = 0; n < 1u << 20; n += j->count) { /* the clock costs as much as 24 KiB */
                    j->kept += j->kernels->read(numbers, j->count);
                    done += (double)j->count * sizeof *numbers;
                }
            } else
                done += j->what == FMA ? j->kernels->fma() : j->kernels->dot();
            seconds = bench_now() - begin;
        } while (seconds < 4e-3);
        if (done / seconds > j->best) j->best = done / seconds;
    }
    free(numbers);
    return NULL;
}

/* The sum over so many threads at once, in units of 1e9 a second. */
static double rate(const kernels *k, enum what what, size_t count, unsigned threads)
{
    pthread_t   others[THREADS];
    job         jobs[THREADS];
    atomic_uint waiting = threads;
    double      sum = 0;
    for (unsigned i = 0; i < threads; i++) {
        jobs[i] = (job){.kernels = k, .what = what, .count = count, .waiting = &waiting};
        if (i && pthread_create(&others[i], NULL, measure, &jobs[i]) != 0) bench_fail("no thread");
    }
    measure(&jobs[0]);
    for (unsigned i = 0; i < threads; i++) {
        if (i) pthread_join(others[i], NULL);
        sum += jobs[i].best;
    }
    return sum * 1e-9;
}

int main(void)
{
    kernels k = choose();
    printf("{\"instructions\": \"%s\"", k.name);
    for (unsigned threads = 1; threads <= THREADS; threads++) {
        printf(",\n \"%u\": {\"float32\": %.1f, \"int8\": %.1f, \"read\": {", threads,
               rate(&k, FMA, 0, threads), rate(&k, DOT, 0, threads));
        for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++)
            printf("%s\"%zu\": %.1f", i ? ", " : "", SIZES[i], rate(&k, READ, SIZES[i] * 256, threads));
        printf("}}");
    }
    printf("}\n");
    return 0;
}
