/* rounding.h - one number rounded to int8, and what 16 bits hold (half.h rounds to those). Numbers are
 * finite. */
#ifndef ST_ROUNDING_H
#define ST_ROUNDING_H

#include <stdint.h>

/* Numbers of at least this size become infinite: half a step above the largest that F16 (65504) and BF16
 * hold. */
#define ST_ROUNDING_F16_END 65520.0f
#define ST_ROUNDING_BF16_END 0x1.ffp127f

/* The scale of an output whose largest |weight| this is: largest / 127, but never below the smallest normal
 * number, and 1 where all weights are zero. */
float st_rounding_scale(float largest);

/* The number -127 to 127 whose scale-fold is nearest. */
int8_t st_rounding_int8(float number, float scale);

#endif
