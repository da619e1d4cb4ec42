/* rounding.c - see rounding.h. */
#include "kit/quantize/rounding.h"

#include <float.h>
#include <math.h>
#include <string.h>

static uint32_t bits_of(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

uint16_t st_rounding_f16(float number)
{
    uint32_t bits = bits_of(number), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
    uint32_t half;
    if (size < 0x38800000u) { /* below 2^-14: steps of 2^-24; the last one up is 2^-14 itself */
        half = (uint32_t)lrintf(fabsf(number) * 0x1p24f);
    } else {
        /* 13 bits less, a half of the last one added, a tie only where it is odd; exponents of 127 become 15
         */
        half = ((size + 0xfffu + (size >> 13 & 1u)) >> 13) - (112u << 10);
    }
    return (uint16_t)(sign | half);
}

uint16_t st_rounding_bf16(float number)
{
    uint32_t bits = bits_of(number);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float st_rounding_scale(float largest)
{
    float scale = largest / 127.0f;
    if (largest == 0.0f) return 1.0f;
    return scale < FLT_MIN ? FLT_MIN : scale;
}

int8_t st_rounding_int8(float number, float scale)
{
    long nearest = lrintf(number / scale);
    return (int8_t)(nearest > 127 ? 127 : nearest < -127 ? -127 : nearest);
}
