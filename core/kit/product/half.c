/* half.c - see half.h. */
#include "kit/product/half.h"

#include <string.h>

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static float from_bits(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The upper part of `bits` above `cut`, rounded to nearest, ties to even. */
static uint32_t round_off(uint32_t bits, uint32_t cut)
{
    uint32_t rest = bits & ((1u << cut) - 1), middle = 1u << (cut - 1), kept = bits >> cut;
    return kept + (rest > middle || (rest == middle && (kept & 1)));
}

uint16_t st_half_from(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    if (size > 0x7f800000u) return (uint16_t)(sign | 0x7e00u);
    if (size >= 0x47800000u) return (uint16_t)(sign | 0x7c00u);                           /* 65536 and more */
    if (size >= 0x38800000u) return (uint16_t)(sign | round_off(size - 0x38000000u, 13)); /* may carry over */
    if (size < 0x33000000u) return (uint16_t)sign; /* below half of the least subnormal */
    uint32_t exponent = size >> 23;
    return (uint16_t)(sign | round_off((size & 0x7fffffu) | 0x800000u, 126 - exponent));
}

/* A subnormal is its fraction times 2^-24, exact in float32. */
float st_half_to(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 31u, fraction = half & 0x3ffu;
    if (exponent == 0) {
        float value = (float)fraction * 0x1p-24f;
        return sign ? -value : value;
    }
    exponent = exponent == 31 ? 255 : exponent + 112;
    return from_bits(sign | exponent << 23 | fraction << 13);
}

uint16_t st_half_brain_from(float value)
{
    uint32_t bits = bits_of(value);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)round_off(bits, 16);
}

float st_half_brain_to(uint16_t half) { return from_bits((uint32_t)half << 16); }
