/* rounding.c - see rounding.h. */
#include "kit/product/rounding.h"

#include <float.h>
#include <math.h>

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
