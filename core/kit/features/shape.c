/* shape.c - see shape.h. Symmetric ones reach their end value at both ends, periodic ones would at n. */
#include "kit/features/shape.h"

#include <stapes/kit/features.h>

#include <math.h>

static double at(int32_t type, uint32_t i, uint32_t n)
{
    const double pi = 3.14159265358979323846;
    bool         periodic = type == STAPES_WINDOW_HANN_PERIODIC || type == STAPES_WINDOW_HAMMING_PERIODIC;
    double       angle = 2.0 * pi * i / (periodic ? n : n - 1);
    switch (type) {
    case STAPES_WINDOW_POVEY: return pow(0.5 - 0.5 * cos(angle), 0.85);
    case STAPES_WINDOW_HAMMING:
    case STAPES_WINDOW_HAMMING_PERIODIC: return 0.54 - 0.46 * cos(angle);
    case STAPES_WINDOW_BLACKMAN: return 0.42 - 0.5 * cos(angle) + 0.08 * cos(2.0 * angle);
    case STAPES_WINDOW_RECTANGLE: return 1.0;
    default: return 0.5 - 0.5 * cos(angle);
    }
}

void st_shape_fill(int32_t type, double scale, double *shape, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) shape[i] = scale * at(type, i, n);
}
