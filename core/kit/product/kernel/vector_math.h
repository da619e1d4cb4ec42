/* vector_math.h - exp, log, tanh, the logistic function and erf of a vector of float32.
 *
 * tests/unit/functions_test.c measures the errors that stapes/kit/functions.h states, over all of float32
 * in steps. Constants that split ln 2, and the polynomials of exp and log, are those of Cephes (Moshier);
 * tanh and erf are the rational minimax forms of Eigen. A NaN stays one; nothing traps. */
#ifndef ST_VECTOR_MATH_H
#define ST_VECTOR_MATH_H

#include "kit/product/kernel/vectors.h"

/* c[0] x^(n-1) + ... + c[n-1] */
#define POLYNOMIAL(x, c)                                                                                     \
    __extension__({                                                                                          \
        vf sum_ = vf_all((c)[0]);                                                                            \
        _Pragma("GCC unroll 16") for (size_t i_ = 1; i_ < sizeof(c) / sizeof((c)[0]); i_++) sum_ =           \
            vf_fma(sum_, (x), vf_all((c)[i_]));                                                              \
        sum_;                                                                                                \
    })

/* 2^n for lanes -126 to 127 */
INLINE vf vf_power_of_two(vi n) { return (vf)((n + 127) << 23); }

/* Below -103.97 it is 0, above 88.72 infinity; subnormal results are given. */
INLINE vf vf_exp(vf x)
{
    static const float c[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                              4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
    const float        big = 12582912.0f; /* 1.5 * 2^23: what is added to it loses its fraction */
    x = vf_min(vf_all(89.0f), vf_max(vf_all(-104.0f), x));
    vf shifted = vf_fma(x, vf_all(1.44269504088896341f), vf_all(big)), n = shifted - big;
    vi whole = (vi)shifted - 0x4b400000, half = whole >> 1;
    vf r = vf_fma(n, vf_all(-0.693359375f), x);
    r = vf_fma(n, vf_all(2.12194440e-4f), r);
    vf y = vf_fma(POLYNOMIAL(r, c), r * r, r) + 1.0f;
    /* in two steps: 2^128 and 2^-149 are no factors that float32 has */
    return y * vf_power_of_two(half) * vf_power_of_two(whole - half);
}

INLINE vf vf_size(vf x) { return (vf)((vi)x & INT32_MAX); }

INLINE vi vf_is_nan(vf x) { return (vi)vf_size(x) > 0x7f800000; }

/* 1 / (1 + exp(-x)), below 0 as exp(x) / (1 + exp(x)) so that nothing overflows: numerator and denominator,
 * which is between 1 and 2. */
INLINE vf vf_sigmoid_fraction(vf x, vf *denominator)
{
    vf e = vf_exp((vf)((vi)x | INT32_MIN));
    *denominator = 1.0f + e;
    return vf_select(x < 0.0f, e, vf_all(1.0f));
}

INLINE vf vf_sigmoid(vf x)
{
    vf down, up = vf_sigmoid_fraction(x, &down);
    return up / down;
}

#define TANH_MOST 7.90531110763549805f /* from there on it is 1 in float32 */

/* tanh as a numerator and a denominator, within 1e-6 of 1 where it should be 1 and perhaps beyond. */
INLINE vf vf_tanh_fraction(vf x, vf *denominator)
{
    static const float up[] = {-2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f,
                               5.12229709037114e-08f,  1.48572235717979e-05f, 6.37261928875436e-04f,
                               4.89352455891786e-03f};
    static const float down[] = {1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f,
                                 4.89352518554385e-03f};
    vf                 y = vf_min(vf_all(TANH_MOST), vf_max(vf_all(-TANH_MOST), x)), square = y * y;
    *denominator = POLYNOMIAL(square, down);
    return y * POLYNOMIAL(square, up);
}

INLINE vf vf_tanh(vf x)
{
    /* there it is x, and x times the fraction would be subnormal too soon */
    vi tiny = vf_size(x) < 4e-4f;
    vf down, up = vf_tanh_fraction(x, &down), ratio = up / down;
    vf one = (vf)(((vi)x & INT32_MIN) | (vi)vf_all(1.0f));
    ratio = vf_select(vf_size(ratio) > 1.0f, one, ratio);
    return vf_select(tiny, x, vf_select(vf_size(x) >= TANH_MOST, one, ratio));
}

INLINE vf vf_erf(vf x)
{
    static const float up[] = {-2.72614225801306e-10f, 2.77068142495902e-08f,  -2.10102402082508e-06f,
                               -5.69250639462346e-05f, -7.34990630326855e-04f, -2.95459980854025e-03f,
                               -1.60960333262415e-02f};
    static const float down[] = {-1.45660718464996e-05f, -2.13374055278905e-04f, -1.68282697438203e-03f,
                                 -7.37332916720468e-03f, -1.42647390514189e-02f};
    vi                 tiny = vf_size(x) < 1e-4f;
    vf                 y = vf_min(vf_all(4.0f), vf_max(vf_all(-4.0f), x)), square = y * y;
    return vf_select(tiny, x * 1.12837916709551257f, y * POLYNOMIAL(square, up) / POLYNOMIAL(square, down));
}

/* Natural logarithm: -infinity for 0, NaN below it. */
INLINE vf vf_log(vf x)
{
    static const float c[] = {7.0376836292e-2f,  -1.1514610310e-1f, 1.1676998740e-1f,
                              -1.2420140846e-1f, 1.4249322787e-1f,  -1.6668057665e-1f,
                              2.0000714765e-1f,  -2.4999993993e-1f, 3.3333331174e-1f};
    const vi           infinity = vi_all(0x7f800000);
    vi                 tiny = x < 1.17549435e-38f; /* subnormal: lifted by 2^23 first */
    vf                 lifted = vf_select(tiny, x * 8388608.0f, x);
    vi                 bits = (vi)lifted, exponent = (bits >> 23) - 126 - (tiny & 23);
    vf                 m = (vf)((bits & 0x007fffff) | 0x3f000000), e; /* 0.5 to 1 */
    vi                 low = m < 0.707106781186547524f;
    e = vf_of(exponent + low);
    m = m + vf_select(low, m, vf_all(0.0f)) - 1.0f;
    vf z = m * m, y = POLYNOMIAL(m, c) * m * z;
    y = vf_fma(e, vf_all(-2.12194440e-4f), y);
    y = vf_fma(z, vf_all(-0.5f), y);
    y = vf_fma(e, vf_all(0.693359375f), m + y);
    y = vf_select((vi)x == infinity, x, y);
    y = vf_select(x == 0.0f, (vf)(infinity | INT32_MIN), y);
    /* what is below zero or no number */
    return vf_select((x < 0.0f) | vf_is_nan(x), x * vf_select(x < 0.0f, (vf)(infinity | 0x400000), x), y);
}

#endif
