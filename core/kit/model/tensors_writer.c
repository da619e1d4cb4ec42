/* tensors_writer.c - see tensors_writer.h. */
#include "kit/model/tensors_writer.h"

#include <stdio.h>
#include <string.h>

enum { LENGTH_BYTES = 8, ALIGNMENT = 64 };

bool st_tensors_writer_measure(stapes_tensor *tensor)
{
    tensor->count = 1;
    for (uint32_t i = 0; i < tensor->rank; i++)
        if (__builtin_mul_overflow(tensor->count, tensor->shape[i], &tensor->count)) return false;
    return !__builtin_mul_overflow(tensor->count, stapes_size_number(tensor->number), &tensor->bytes);
}

/* Where text is put; counts only while `text` is NULL. */
typedef struct place {
    char  *text;
    size_t used;
} place;

static void put(place *to, const char *text, size_t length)
{
    if (to->text) memcpy(to->text + to->used, text, length);
    to->used += length;
}

static void put_number(place *to, uint64_t number)
{
    char text[24];
    put(to, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)number));
}

static void put_words(place *to, const char *words) { put(to, words, strlen(words)); }

/* A string of JSON; names are UTF-8. */
static void put_name(place *to, const char *name)
{
    put_words(to, "\"");
    for (; *name; name++) {
        char escape[8];
        if (*name == '"' || *name == '\\') put(to, "\\", 1);
        if ((unsigned char)*name < 0x20)
            put(to, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", (unsigned)*name));
        else
            put(to, name, 1);
    }
    put_words(to, "\"");
}

static bool put_header(place *to, const stapes_tensor *tensors, uint32_t count, uint64_t *data)
{
    *data = 0;
    put_words(to, "{");
    for (uint32_t i = 0; i < count; i++) {
        if (i) put_words(to, ",");
        put_name(to, tensors[i].name);
        put_words(to, ":{\"dtype\":\"");
        put_words(to, stapes_name_number(tensors[i].number));
        put_words(to, "\",\"shape\":[");
        for (uint32_t d = 0; d < tensors[i].rank; d++) {
            if (d) put_words(to, ",");
            put_number(to, tensors[i].shape[d]);
        }
        put_words(to, "],\"data_offsets\":[");
        put_number(to, *data);
        if (__builtin_add_overflow(*data, tensors[i].bytes, data)) return false;
        put_words(to, ",");
        put_number(to, *data);
        put_words(to, "]}");
    }
    put_words(to, "}");
    return true;
}

char *st_tensors_writer_header(const stapes_tensor *tensors, uint32_t count, st_arena *arena, size_t *size,
                               uint64_t *data)
{
    place to = {0};
    if (!put_header(&to, tensors, count, data)) return NULL;
    *size = (LENGTH_BYTES + to.used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    char *header = st_arena_take(arena, *size, 1);
    if (!header) return NULL;
    for (int i = 0; i < LENGTH_BYTES; i++) header[i] = (char)((uint64_t)(*size - LENGTH_BYTES) >> 8 * i);
    memset(header + LENGTH_BYTES, ' ', *size - LENGTH_BYTES);
    to = (place){.text = header + LENGTH_BYTES};
    (void)put_header(&to, tensors, count, data);
    return header;
}
