/* fuzz_safetensors.c - files of weights: what is accepted is read to its last number, offered to a network
 * (also with int8 weights and their scales), and quantised: what comes of that is a file that a network
 * takes, if it took the first. */
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

/* Whether a network takes the tensors; then it computes, too. */
static bool run_network(const stapes_tensors *tensors)
{
    static const stapes_layer layers[] = {
        {.name = "front", .kind = STAPES_CONV1D, .in = 2, .out = 2, .kernel = 2, .stride = 1, .bias = true},
        {.name = "gru", .kind = STAPES_GRU, .in = 2, .hidden = 1, .layers = 1, .bias = true},
        {.name = "head", .kind = STAPES_LINEAR, .in = 1, .out = 3, .bias = true}};
    stapes_error    error = {0};
    stapes_network *n =
        stapes_open_network(layers, STAPES_COUNT(layers), STAPES_ENDS_LOG_SOFTMAX, tensors, &error);
    stapes_stream *s = n ? stapes_open_stream(n, 4, &error) : NULL;
    const float    x[8] = {0.5f}, *y;
    bool           taken = n != NULL;
    if (!n && (!error.status || !error.text[0])) __builtin_trap(); /* refused without words */
    if (s && stapes_run_stream(s, x, 4, true, &y, NULL) != 3) __builtin_trap();
    stapes_close_stream(s);
    stapes_close_network(n);
    return taken;
}

static void quantize(const stapes_tensors *tensors, uint32_t number, bool taken)
{
    const stapes_tensor *all[64];
    uint32_t             count = stapes_count_tensors(tensors);
    size_t               bytes;
    stapes_error         error = {0};
    if (count > STAPES_COUNT(all)) return;
    for (uint32_t i = 0; i < count; i++) {
        all[i] = stapes_get_tensor(tensors, i);
        /* numbers without bytes cost time (a shape with a zero in it), and scales memory */
        if (all[i]->shape[0] > 1 << 20 || all[i]->count > 1 << 20) return;
    }
    void *file = stapes_quantize_tensors(all, count, number, &bytes, NULL, &error);
    if (!file && (!error.status || !error.text[0])) __builtin_trap();
    stapes_tensors *t = file ? stapes_read_tensors(file, bytes, "quantised", &error) : NULL;
    if (file && !t) __builtin_trap(); /* what we write we read */
    if (t && taken && !run_network(t)) __builtin_trap();
    stapes_close_tensors(t);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
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
    bool taken = run_network(t);
    quantize(t, STAPES_I8, taken);
    quantize(t, STAPES_BF16, taken);
    quantize(t, STAPES_F16, taken);
    stapes_close_tensors(t);
    return 0;
}
