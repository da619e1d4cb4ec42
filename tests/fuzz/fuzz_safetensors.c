/* fuzz_safetensors.c - files of weights: what is accepted is read to its last number, and offered to a
 * network. */
#include "fuzz.h"
#include <stapes/kit.h>

#include <stdlib.h>
#include <string.h>

/* Each number of a tensor, a few at a time. */
static void read_all(const stapes_tensor *tensor)
{
    float numbers[64];
    if (tensor->count > 1 << 20) return; /* no more than the file can hold, unless it has no bytes */
    for (uint64_t at = 0; at < tensor->count; at += 64) {
        uint64_t n = tensor->count - at < 64 ? tensor->count - at : 64;
        (void)stapes_convert_tensor(tensor, at, n, numbers);
    }
    if (stapes_convert_tensor(tensor, tensor->count, 1, numbers)) __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const stapes_layer layers[] = {
        {.name = "front", .kind = STAPES_CONV1D, .in = 2, .out = 2, .kernel = 2, .stride = 1, .bias = true},
        {.name = "gru", .kind = STAPES_GRU, .in = 2, .hidden = 1, .layers = 1, .bias = true},
        {.name = "head", .kind = STAPES_LINEAR, .in = 1, .out = 3, .bias = true}};
    stapes_error    error = {0};
    stapes_tensors *t = stapes_read_tensors(data, size, "input", &error);
    if (!t) {
        if (!error.status || strncmp(error.text, "input: ", 7) != 0)
            __builtin_trap(); /* refused without words */
        return 0;
    }
    for (uint32_t i = 0; i < stapes_count_tensors(t); i++) {
        const stapes_tensor *tensor = stapes_get_tensor(t, i);
        if (stapes_find_tensor(t, tensor->name) != tensor) __builtin_trap();
        read_all(tensor);
    }
    stapes_network *n = stapes_open_network(layers, STAPES_COUNT(layers), STAPES_ENDS_LOG_SOFTMAX, t, &error);
    stapes_stream  *s = n ? stapes_open_stream(n, 4, &error) : NULL;
    const float     x[8] = {0.5f}, *y;
    if (s && stapes_run_stream(s, x, 4, true, &y, NULL) != 3) __builtin_trap();
    stapes_close_stream(s);
    stapes_close_network(n);
    stapes_close_tensors(t);
    return 0;
}
