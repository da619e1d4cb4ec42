/* lanes_body.h - the passes of lanes.h, compiled once for each instruction set by lanes_PATH.c. PATH is its
 * name. Sums have one order on a path; -ffp-contract=off, so what is fused is written so. */
#include "kit/features/lanes.h"

#include <math.h>
#include <string.h>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
#define ROWS 8
#elif defined(__AVX2__)
#define ROWS 4
#else
#define ROWS 2
#endif

typedef double  vd __attribute__((vector_size(ROWS * sizeof(double)), may_alias));
typedef float   vs __attribute__((vector_size(ROWS * sizeof(float)), may_alias));
typedef int32_t vw __attribute__((vector_size(ROWS * sizeof(int32_t)), may_alias));
typedef float   vs_any __attribute__((vector_size(ROWS * sizeof(float)), aligned(4), may_alias));
typedef double  vd_any __attribute__((vector_size(ROWS * sizeof(double)), aligned(8), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vd all(double x) { return x - (vd){0}; }
/* With AVX-512 the compiler makes four instructions of __builtin_convertvector. */
INLINE vd wide(vs x)
{
#if defined(__AVX512F__)
    return (vd)_mm512_cvtps_pd((__m256)x);
#else
    return __builtin_convertvector(x, vd);
#endif
}
INLINE vs narrow(vd x)
{
#if defined(__AVX512F__)
    return (vs)_mm512_cvtpd_ps((__m512d)x);
#else
    return __builtin_convertvector(x, vs);
#endif
}
INLINE vs select_of(vw mask, vs a, vs b) { return (vs)(((vw)a & mask) | ((vw)b & ~mask)); }

/* a * b + c; c - a * b */
INLINE vd add_product(vd a, vd b, vd c)
{
#if defined(__AVX512F__)
    return (vd)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX2__)
    return (vd)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
    return a * b + c;
#endif
}
INLINE vd less_product(vd a, vd b, vd c)
{
#if defined(__AVX512F__)
    return (vd)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif defined(__AVX2__)
    return (vd)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
    return c - a * b;
#endif
}

INLINE vd root(vd x)
{
#if defined(__AVX512F__)
    return (vd)_mm512_sqrt_pd((__m512d)x);
#elif defined(__AVX2__)
    return (vd)_mm256_sqrt_pd((__m256d)x);
#else
    for (int i = 0; i < ROWS; i++) x[i] = sqrt(x[i]);
    return x;
#endif
}

/* ---- rows to lanes and back ------------------------------------------------------------------------- */

/* SOME samples of all rows at once: what one register of 128 bits holds, for two registers of rows where the
 * vectors are longer, so that nothing has to cross from one half to the other. */
#if ROWS == 8
enum { SOME = 4 };
#define LOW 0, 8, 1, 9, 4, 12, 5, 13
#define HIGH 2, 10, 3, 11, 6, 14, 7, 15
#elif ROWS == 4
enum { SOME = 4 };
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
#else
enum { SOME = 2 };
#define LOW 0, 2
#define HIGH 1, 3
#endif

/* In each half of SOME lanes: a[i][k] becomes a[k][i]. */
INLINE void transpose(vs a[SOME])
{
    _Pragma("GCC unroll 2") for (int round = 1; round < SOME; round *= 2)
    {
        vs b[SOME];
        _Pragma("GCC unroll 2") for (int i = 0; i < SOME / 2; i++)
        {
            b[2 * i] = __builtin_shufflevector(a[i], a[i + SOME / 2], LOW);
            b[2 * i + 1] = __builtin_shufflevector(a[i], a[i + SOME / 2], HIGH);
        }
        _Pragma("GCC unroll 4") for (int i = 0; i < SOME; i++) a[i] = b[i];
    }
}

/* a[k] = sample i + k of all rows */
INLINE void load_samples(const float *const *x, uint32_t i, vs a[SOME])
{
    _Pragma("GCC unroll 4") for (int r = 0; r < SOME; r++)
#if ROWS == 8
        a[r] = (vs)_mm256_loadu2_m128(x[r + SOME] + i, x[r] + i);
#else
        a[r] = *(const vs_any *)(x[r] + i);
#endif
    transpose(a);
}

/* rows[r][k] ... rows[r][k + SOME - 1] = a[..][r] */
INLINE void store_samples(vs a[SOME], uint32_t k, float *const *rows)
{
    transpose(a);
    _Pragma("GCC unroll 4") for (int r = 0; r < SOME; r++)
#if ROWS == 8
        _mm256_storeu2_m128(rows[r + SOME] + k, rows[r] + k, (__m256)a[r]);
#else
        * (vs_any *)(rows[r] + k) = a[r];
#endif
}

static void turn_rows(const float *x, uint32_t n, float *const *rows)
{
    uint32_t k = 0;
    for (; k + SOME <= n; k += SOME) {
        vs a[SOME];
        _Pragma("GCC unroll 4") for (uint32_t i = 0; i < SOME; i++) a[i] = ((const vs *)x)[k + i];
        store_samples(a, k, rows);
    }
    for (; k < n; k++)
        for (uint32_t r = 0; r < ROWS; r++) rows[r][k] = x[k * ROWS + r];
}

/* ---- windows ---------------------------------------------------------------------------------------- */

#if ROWS == 8
#define HALF_TURN(v) __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3)
#define QUARTER_TURN(v) __builtin_shufflevector(v, v, 2, 3, 4, 5, 6, 7, 0, 1)
#define LAST_TURN(v) __builtin_shufflevector(v, v, 1, 2, 3, 4, 5, 6, 7, 0)
#elif ROWS == 4
#define HALF_TURN(v)                                                                                         \
    (vd) { 0 }
#define QUARTER_TURN(v) __builtin_shufflevector(v, v, 2, 3, 0, 1)
#define LAST_TURN(v) __builtin_shufflevector(v, v, 1, 2, 3, 0)
#else
#define HALF_TURN(v)                                                                                         \
    (vd) { 0 }
#define QUARTER_TURN(v)                                                                                      \
    (vd) { 0 }
#define LAST_TURN(v) __builtin_shufflevector(v, v, 1, 0)
#endif

/* 32 sums side by side, whatever the path, then the upper half of them added to the lower until one is left:
 * chains enough to hide an addition's latency, and one order. */
INLINE double sum_of(const float *x, uint32_t n)
{
    enum { SUMS = 32, VECTORS = SUMS / ROWS };
    vd       v[VECTORS] = {0};
    vs       rest = {0};
    uint32_t i = 0;
    for (; i + SUMS <= n; i += SUMS)
        _Pragma("GCC unroll 16") for (uint32_t k = 0; k < VECTORS; k++) v[k] +=
            wide(*(const vs_any *)(x + i + k * ROWS));
    _Pragma("GCC unroll 16") for (uint32_t k = 0; k < VECTORS; k++, i += ROWS)
    {
        if (i + ROWS <= n) {
            v[k] += wide(*(const vs_any *)(x + i));
        } else {
            for (uint32_t r = 0; i + r < n; r++) rest[r] = x[i + r];
            v[k] += wide(rest);
            break;
        }
    }
    _Pragma("GCC unroll 4") for (uint32_t half = VECTORS / 2; half; half /= 2)
        _Pragma("GCC unroll 8") for (uint32_t k = 0; k < half; k++) v[k] += v[k + half];
    if (ROWS > 4) v[0] += HALF_TURN(v[0]);
    if (ROWS > 2) v[0] += QUARTER_TURN(v[0]);
    return (v[0] + LAST_TURN(v[0]))[0];
}

static void window_rows(const st_window *w, const float *const *x, double *z)
{
    const uint32_t *places = w->places + w->offset;
    const double   *shape = w->shape;
    vd             *out = (vd *)z, mean = {0}, last = {0}, slope = all(w->preemphasis);
    uint32_t        n = w->count, i = 0;
    for (uint32_t k = 0; k < w->offset; k++) out[w->places[k]] = (vd){0};
    for (uint32_t k = w->offset + n; k < w->length; k++) out[w->places[k]] = (vd){0};
    if (w->remove_dc)
        for (int r = 0; r < ROWS; r++) mean[r] = sum_of(x[r], n) / n;
    for (int r = 0; r < ROWS; r++) last[r] = (double)x[r][0]; /* before the first sample lies the same */
    last -= mean;
    for (; i + SOME <= n; i += SOME) {
        vs a[SOME];
        load_samples(x, i, a);
        _Pragma("GCC unroll 4") for (uint32_t k = 0; k < SOME; k++)
        {
            vd now = wide(a[k]) - mean;
            out[places[i + k]] = less_product(slope, last, now) * shape[i + k];
            last = now;
        }
    }
    for (; i < n; i++) {
        vd now = {0};
        for (int r = 0; r < ROWS; r++) now[r] = (double)x[r][i];
        now -= mean;
        out[places[i]] = less_product(slope, last, now) * shape[i];
        last = now;
    }
}

/* ---- transforms ------------------------------------------------------------------------------------- */

typedef struct number {
    vd re, im;
} number;

INLINE number plus(number a, number b) { return (number){a.re + b.re, a.im + b.im}; }
INLINE number minus(number a, number b) { return (number){a.re - b.re, a.im - b.im}; }
INLINE number times(number a, const double w[2])
{
    return (number){less_product(a.im, all(w[1]), a.re * w[0]), add_product(a.im, all(w[0]), a.re * w[1])};
}
/* a - i b */
INLINE number minus_i(number a, number b) { return (number){a.re + b.im, a.im - b.re}; }
INLINE number plus_i(number a, number b) { return (number){a.re - b.im, a.im + b.re}; }
/* a + c b */
INLINE number add_scaled(number a, double c, number b)
{
    return (number){add_product(b.re, all(c), a.re), add_product(b.im, all(c), a.im)};
}

/* One butterfly over numbers `step` apart; turns NULL: none. */
INLINE void butterfly(uint32_t radix, number *z, uint32_t step, const double *turns)
{
    const double root3 = 0.86602540378443864676, c1 = 0.30901699437494742410, c2 = -0.80901699437494742410,
                 s1 = 0.95105651629515357212, s2 = 0.58778525229247312917;
    number a[5];
    _Pragma("GCC unroll 5") for (uint32_t q = 0; q < radix; q++)
    {
        a[q] = z[q * step];
        if (q && turns) a[q] = times(a[q], turns + 2 * (q - 1));
    }
    switch (radix) {
    case 2: {
        z[0] = plus(a[0], a[1]);
        z[step] = minus(a[0], a[1]);
        return;
    }
    case 3: {
        number sum = plus(a[1], a[2]), difference = minus(a[1], a[2]), middle = add_scaled(a[0], -0.5, sum);
        number side = {difference.re * root3, difference.im * root3};
        z[0] = plus(a[0], sum);
        z[step] = minus_i(middle, side);
        z[2 * step] = plus_i(middle, side);
        return;
    }
    case 4: {
        number sum = plus(a[0], a[2]), difference = minus(a[0], a[2]);
        number sum2 = plus(a[1], a[3]), difference2 = minus(a[1], a[3]);
        z[0] = plus(sum, sum2);
        z[step] = minus_i(difference, difference2);
        z[2 * step] = minus(sum, sum2);
        z[3 * step] = plus_i(difference, difference2);
        return;
    }
    default: {
        number sum = plus(a[1], a[4]), difference = minus(a[1], a[4]);
        number sum2 = plus(a[2], a[3]), difference2 = minus(a[2], a[3]);
        number even = add_scaled(add_scaled(a[0], c1, sum), c2, sum2);
        number even2 = add_scaled(add_scaled(a[0], c2, sum), c1, sum2);
        number odd = add_scaled((number){difference.re * s1, difference.im * s1}, s2, difference2);
        number odd2 = add_scaled((number){difference.re * s2, difference.im * s2}, -s1, difference2);
        z[0] = plus(a[0], plus(sum, sum2));
        z[step] = minus_i(even, odd);
        z[2 * step] = minus_i(even2, odd2);
        z[3 * step] = plus_i(even2, odd2);
        z[4 * step] = plus_i(even, odd);
    }
    }
}

INLINE void pass_of(uint32_t radix, const st_fft_pass *pass, number *z)
{
    uint32_t length = pass->length, whole = radix * length;
    for (uint32_t g = 0; g < pass->groups; g++) butterfly(radix, z + g * whole, length, NULL);
    for (uint32_t k = 1; k < length; k++) {
        const double *turns = pass->turns + (size_t)2 * (radix - 1) * k;
        for (uint32_t g = 0; g < pass->groups; g++) butterfly(radix, z + g * whole + k, length, turns);
    }
}

static void pass_rows(const st_fft_pass *pass, double *z)
{
    switch (pass->radix) {
    case 2: pass_of(2, pass, (number *)z); break;
    case 3: pass_of(3, pass, (number *)z); break;
    case 4: pass_of(4, pass, (number *)z); break;
    default: pass_of(5, pass, (number *)z);
    }
}

static void split_rows(uint32_t m, const double *turns, double *z)
{
    number *x = (number *)z, first = x[0];
    x[0] = (number){(first.re + first.im) * 2.0, (vd){0}};
    x[m] = (number){(first.re - first.im) * 2.0, (vd){0}};
    for (uint32_t k = 1; k <= m - k; k++) {
        number a = x[k], b = {x[m - k].re, -x[m - k].im}, even = plus(a, b);
        number odd = times(minus(a, b), turns + 2 * k), up = minus_i(even, odd), down = plus_i(even, odd);
        x[k] = up;
        x[m - k] = (number){down.re, -down.im};
    }
}

static void mix_rows(const double *x, bool real, const double *factors, const uint32_t *order, uint32_t count,
                     uint32_t total, bool conjugate, double *out)
{
    for (uint32_t k = 0; k < total; k++) {
        number *place = (number *)out + (order ? order[k] : k), y = {{0}, {0}};
        if (k < count) {
            y.re = ((const vd *)x)[real ? k : 2 * k];
            if (!real) y.im = ((const vd *)x)[2 * k + 1];
            y = times(y, factors + 2 * (size_t)k);
        }
        if (conjugate) y.im = -y.im;
        *place = y;
    }
}

/* ---- lines to values -------------------------------------------------------------------------------- */

INLINE vd power_of(const number *x, bool magnitude)
{
    vd power = add_product(x->re, x->re, x->im * x->im);
    return magnitude ? root(power) : power;
}

INLINE void filter_by(const st_filters *f, const number *x, bool magnitude, vs *sums)
{
    const double *weights = f->weights;
    vd            falling, rising = {0};
    for (uint32_t s = 0; s <= f->count; s++) {
        falling = rising;
        rising = (vd){0};
        for (uint32_t k = f->edges[s]; k < f->edges[s + 1]; k++, weights += 2) {
            vd power = power_of(x + k, magnitude);
            falling = add_product(power, all(weights[0]), falling);
            rising = add_product(power, all(weights[1]), rising);
        }
        if (s) sums[s - 1] = narrow(falling);
    }
}

static void filter_rows(const st_filters *filters, const double *z, bool magnitude, float *sums)
{
    if (magnitude)
        filter_by(filters, (const number *)z, true, (vs *)sums);
    else
        filter_by(filters, (const number *)z, false, (vs *)sums);
}

static void power_rows(const double *z, uint32_t lines, bool magnitude, float *y)
{
    for (uint32_t k = 0; k < lines; k++) ((vs *)y)[k] = narrow(power_of((const number *)z + k, magnitude));
}

static void parts_rows(const double *z, uint32_t lines, float *y)
{
    for (uint32_t k = 0; k < 2 * lines; k++) ((vs *)y)[k] = narrow(((const vd *)z)[k]);
}

/* The polynomial is the one nearest to log(1 + x) / x from sqrt(1/2) to sqrt(2), 1.4e-10 off at most (by
 * Chebyshev's fit): so a result is the nearest float32 or, once in some hundred, the one beside it. */
INLINE vs log_of(vs x, vd scale, bool small)
{
    static const double c[] = {-0.058456724433231132, 0.10636543110263606,  -0.10898112452802973,
                               0.11042735891945316,   -0.12410885664537417, 0.1428379840574676,
                               -0.16670383652896659,  0.20000169637636298,  -0.24999936585799871,
                               0.33333330846283687,   -0.50000000308455473, 1.000000000048012};
    vw                  tiny = {0};
    vs                  lifted = x;
    if (small) {
        tiny = x < 0x1p-126f; /* subnormal */
        lifted = select_of(tiny, x * 0x1p23f, x);
    }
    vw bits = (vw)lifted, exponent = (bits - 0x3f3504f3) >> 23;
    vd m = wide((vs)(bits - (exponent << 23))) - 1.0, y = all(c[0]);
    _Pragma("GCC unroll 16") for (size_t i = 1; i < sizeof c / sizeof *c; i++) y =
        add_product(y, m, all(c[i]));
    exponent -= tiny & 23;
    y = add_product(m, y, __builtin_convertvector(exponent, vd) * 0.69314718055994530942) * scale;
    vw finite = ((vw)x & 0x7f800000) < 0x7f800000;
    return select_of(finite, narrow(y), x);
}

static void log_rows(float *x, uint32_t n, float floor, float offset, double scale)
{
    vs *y = (vs *)x, least = floor - (vs){0};
    if (floor + offset < 0x1p-126f)
        for (uint32_t k = 0; k < n; k++)
            y[k] = log_of(select_of(y[k] < least, least, y[k]) + offset, all(scale), true);
    else
        for (uint32_t k = 0; k < n; k++)
            y[k] = log_of(select_of(y[k] < least, least, y[k]) + offset, all(scale), false);
}

static void multiply_row(const double *weights, const float *x, uint32_t n, uint32_t out, float *y)
{
    uint32_t width = (out + ST_LANES_MOST - 1) / ST_LANES_MOST * ST_LANES_MOST;
    for (uint32_t o = 0; o < out; o += ROWS) {
        vd sum = {0};
        for (uint32_t k = 0; k < n; k++)
            sum = add_product(all((double)x[k]), *(const vd_any *)(weights + (size_t)k * width + o), sum);
        vs narrowed = narrow(sum);
        memcpy(y + o, &narrowed, (out - o < ROWS ? out - o : ROWS) * sizeof *y);
    }
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define TEXT_(a) #a
#define TEXT(a) TEXT_(a)

const st_lanes JOIN(st_lanes_, PATH) = {.name = TEXT(PATH),
                                        .rows = ROWS,
                                        .window = window_rows,
                                        .pass = pass_rows,
                                        .split = split_rows,
                                        .mix = mix_rows,
                                        .filter = filter_rows,
                                        .power = power_rows,
                                        .parts = parts_rows,
                                        .log = log_rows,
                                        .turn = turn_rows,
                                        .multiply = multiply_row};
