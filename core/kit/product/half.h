/* half.h - float16 and bfloat16: from float32, rounded to nearest, ties to even; and back. */
#ifndef ST_HALF_H
#define ST_HALF_H

#include <stdint.h>

/* IEEE binary16: what is too large becomes infinity. */
uint16_t st_half_from(float value);
float    st_half_to(uint16_t half);

/* The upper half of a float32. A NaN stays one. */
uint16_t st_half_brain_from(float value);
float    st_half_brain_to(uint16_t half);

#endif
