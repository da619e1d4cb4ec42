/* functions.c - functions of many numbers, by this process' path; see stapes/kit/functions.h. */
#include <stapes/kit/functions.h>

#include "kit/product/kernel/kernels.h"

#define FUNCTION(name, which)                                                                                \
    void stapes_##name(const float *x, float *y, size_t count)                                               \
    {                                                                                                        \
        st_kernels_get()->functions[which](x, y, count);                                                     \
    }
FUNCTION(exp, ST_EXP)
FUNCTION(log, ST_LOG)
FUNCTION(tanh, ST_TANH)
FUNCTION(sigmoid, ST_SIGMOID)
FUNCTION(relu, ST_RELU)
FUNCTION(erf, ST_ERF)
FUNCTION(gelu, ST_GELU)

void stapes_log_softmax(const float *x, float *y, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows && columns; r++)
        st_kernels_get()->log_softmax(x + r * columns, y + r * columns, columns);
}

void stapes_softmax(const float *x, float *y, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows && columns; r++)
        st_kernels_get()->softmax(x + r * columns, y + r * columns, columns);
}

void stapes_layer_norm(const float *x, const float *scale, const float *bias, float epsilon, float *y,
                       size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows && columns; r++)
        st_kernels_get()->layer_norm(x + r * columns, scale, bias, epsilon, y + r * columns, columns);
}
