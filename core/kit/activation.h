/* activation.h - functions of single numbers and rows. */
#ifndef ST_ACTIVATION_H
#define ST_ACTIVATION_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

static inline float st_activation_sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* As torch.relu: a NaN stays one. */
static inline float st_activation_relu(float x) { return x < 0.0f ? 0.0f : x; }

/* x (count) by kind (enum stapes_activation), in place. */
void st_activation_apply(uint32_t kind, float *x, size_t count);

#endif
