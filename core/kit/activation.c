/* activation.c - activations and log-softmax, through the C library's expf, tanhf and logf. */
#include "kit/activation.h"

#include <stapes/kit/network.h>

void st_activation_apply(uint32_t kind, float *x, size_t count)
{
    switch (kind) {
    case STAPES_RELU:
        for (size_t i = 0; i < count; i++) x[i] = st_activation_relu(x[i]);
        break;
    case STAPES_TANH:
        for (size_t i = 0; i < count; i++) x[i] = tanhf(x[i]);
        break;
    case STAPES_SIGMOID:
        for (size_t i = 0; i < count; i++) x[i] = st_activation_sigmoid(x[i]);
        break;
    default: break;
    }
}

void stapes_log_softmax(const float *x, float *y, size_t rows, size_t columns)
{
    if (!columns) return;
    for (size_t r = 0; r < rows; r++, x += columns, y += columns) {
        float most = x[0];
        for (size_t i = 1; i < columns; i++)
            if (x[i] > most || isnan(x[i])) most = x[i];
        double sum = (double)expf(x[0] - most); /* many small terms: in double, their order costs nothing */
        for (size_t i = 1; i < columns; i++) sum += (double)expf(x[i] - most);
        float log_sum = (float)log(sum);
        for (size_t i = 0; i < columns; i++) y[i] = x[i] - most - log_sum;
    }
}
