/* made_weights.h - tensors made by a test, as a safetensors file in memory, and numbers from a seed. */
#ifndef MADE_WEIGHTS_H
#define MADE_WEIGHTS_H

#include "check.h"

#include <stapes/kit.h>

#include <stdlib.h>

typedef struct made_file {
    char   header[8000];
    float  data[20000];
    size_t count;
} made_file;

/* Tensor `name` of shape (a), (a, b) or (a, b, c). */
static inline void made_add(made_file *f, const char *name, uint32_t a, uint32_t b, uint32_t c,
                            const float *values)
{
    size_t count = (size_t)a * (b ? b : 1) * (c ? c : 1), used = strlen(f->header);
    char   shape[60];
    (void)snprintf(shape, sizeof shape, c ? "%u,%u,%u" : b ? "%u,%u" : "%u", a, b, c);
    (void)snprintf(f->header + used, sizeof f->header - used,
                   "%c\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", used ? ',' : '{',
                   name, shape, f->count * 4, (f->count + count) * 4);
    memcpy(f->data + f->count, values, count * sizeof *values);
    f->count += count;
}

/* The caller closes the tensors and frees *bytes. */
static inline stapes_tensors *made_finish(made_file *f, char **bytes)
{
    stapes_error error = {0};
    size_t       length = strlen(f->header) + 1, size = 8 + length + f->count * 4;
    f->header[length - 1] = '}';
    *bytes = calloc(1, size);
    if (!*bytes) return NULL;
    for (size_t i = 0; i < 8; i++) (*bytes)[i] = (char)((uint64_t)length >> 8 * i);
    memcpy(*bytes + 8, f->header, length);
    memcpy(*bytes + 8 + length, f->data, f->count * 4);
    stapes_tensors *t = stapes_read_tensors(*bytes, size, "made here", &error);
    CHECK_TEXT(error.text, "");
    return t;
}

/* Numbers -1 to 1. */
static inline void made_draw(float *x, size_t count, uint32_t seed)
{
    for (size_t i = 0; i < count; i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
}

#endif
