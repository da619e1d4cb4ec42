/* safetensors.c - the reader of safetensors files; see stapes/kit/tensors.h.
 *
 * The format: 8 bytes, little-endian, the length of the header; the header, JSON padded with spaces; the
 * data. The header maps names to {dtype, shape, data_offsets: [begin, end)}, offsets counted from the
 * begin of the data; "__metadata__" maps words to words. Tensors lie side by side and fill the file. */
#include <stapes/kit/tensors.h>

#include "contract/arena.h"
#include "contract/error.h"
#include "kit/model/json.h"
#include "kit/model/mapping.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_BYTES = 8, MOST_HEADER = 16 << 20 };

struct stapes_tensors {
    st_arena       arena;
    st_mapping     mapping;
    const char    *name;
    stapes_tensor *items;
    uint32_t       count;
};

static const struct {
    const char *name;
    uint32_t    number, size;
} numbers[] = {{"F64", STAPES_F64, 8},    {"F32", STAPES_F32, 4},         {"F16", STAPES_F16, 2},
               {"BF16", STAPES_BF16, 2},  {"I64", STAPES_I64, 8},         {"I32", STAPES_I32, 4},
               {"I16", STAPES_I16, 2},    {"I8", STAPES_I8, 1},           {"U64", STAPES_U64, 8},
               {"U32", STAPES_U32, 4},    {"U16", STAPES_U16, 2},         {"U8", STAPES_U8, 1},
               {"BOOL", STAPES_BOOL8, 1}, {"F8_E4M3", STAPES_F8_E4M3, 1}, {"F8_E5M2", STAPES_F8_E5M2, 1}};

const char *stapes_name_number(uint32_t number)
{
    return number >= 1 && number <= STAPES_COUNT(numbers) ? numbers[number - 1].name : "?";
}

uint32_t stapes_size_number(uint32_t number)
{
    return number >= 1 && number <= STAPES_COUNT(numbers) ? numbers[number - 1].size : 0;
}

char *stapes_write_shape(uint32_t rank, const uint64_t *shape, char *text, size_t size)
{
    size_t used = 0;
    for (uint32_t i = 0; i < rank && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%llu", i ? ", " : "(", (unsigned long long)shape[i]);
        if (n > 0) used += (size_t)n;
    }
    if (used < size) (void)snprintf(text + used, size - used, rank ? ")" : "()");
    return text;
}

static int read_number(const st_json *entry, stapes_tensor *tensor, stapes_error *error)
{
    const st_json *dtype = st_json_get(entry, "dtype");
    if (!dtype || dtype->type != ST_JSON_STRING)
        return st_error_set(error, STAPES_EMODEL, "tensor '%.200s': dtype is %s, expected a string",
                            tensor->name, st_json_type_name(dtype));
    for (uint32_t i = 0; i < STAPES_COUNT(numbers); i++)
        if (!strcmp(dtype->text, numbers[i].name)) tensor->number = numbers[i].number;
    if (!tensor->number)
        return st_error_set(
            error, STAPES_EMODEL,
            "tensor '%.200s': dtype '%.40s' is unknown, allowed are F64 F32 F16 BF16 I64 I32 I16 I8 "
            "U64 U32 U16 U8 BOOL F8_E4M3 F8_E5M2",
            tensor->name, dtype->text);
    return STAPES_OK;
}

static int read_shape(const st_json *entry, stapes_tensor *tensor, stapes_error *error)
{
    const st_json *shape = st_json_get(entry, "shape");
    if (!shape || shape->type != ST_JSON_ARRAY)
        return st_error_set(error, STAPES_EMODEL, "tensor '%.200s': shape is %s, expected an array",
                            tensor->name, st_json_type_name(shape));
    if (shape->count > STAPES_TENSOR_RANK)
        return st_error_set(error, STAPES_EMODEL,
                            "tensor '%.200s': has %u dimensions, at most %d are allowed", tensor->name,
                            shape->count, STAPES_TENSOR_RANK);
    tensor->count = 1;
    for (const st_json *item = shape->first; item; item = item->next) {
        if (!item->is_whole)
            return st_error_set(error, STAPES_EMODEL,
                                "tensor '%.200s': shape has an item that is no whole number", tensor->name);
        tensor->shape[tensor->rank++] = item->whole;
        if (item->whole && tensor->count > UINT64_MAX / item->whole)
            return st_error_set(error, STAPES_EMODEL, "tensor '%.200s': shape is more than 2^64 numbers",
                                tensor->name);
        tensor->count *= item->whole;
    }
    if (tensor->count > UINT64_MAX / stapes_size_number(tensor->number))
        return st_error_set(error, STAPES_EMODEL, "tensor '%.200s': shape is more than 2^64 bytes",
                            tensor->name);
    tensor->bytes = tensor->count * stapes_size_number(tensor->number);
    return STAPES_OK;
}

/* `data`: the file's data begins there, `before` bytes behind the file's begin, and has `size` bytes. */
static int read_place(const st_json *entry, stapes_tensor *tensor, const char *data, uint64_t before,
                      uint64_t size, stapes_error *error)
{
    char           text[200];
    const st_json *offsets = st_json_get(entry, "data_offsets");
    const st_json *begin =
        offsets && offsets->type == ST_JSON_ARRAY && offsets->count == 2 ? offsets->first : NULL;
    if (!begin || !begin->is_whole || !begin->next->is_whole)
        return st_error_set(error, STAPES_EMODEL, "tensor '%.200s': data_offsets is not two whole numbers",
                            tensor->name);
    uint64_t from = begin->whole, to = begin->next->whole;
    if (from > to)
        return st_error_set(error, STAPES_EMODEL,
                            "tensor '%.200s' begins at byte %llu and ends before it, at %llu", tensor->name,
                            (unsigned long long)from, (unsigned long long)to);
    if (to > size)
        return st_error_set(
            error, STAPES_EMODEL,
            "tensor '%.200s' ends at byte %llu, the file has %llu: it was cut short or is damaged",
            tensor->name, (unsigned long long)(to > UINT64_MAX - before ? UINT64_MAX : to + before),
            (unsigned long long)(size + before));
    if (to - from != tensor->bytes)
        return st_error_set(error, STAPES_EMODEL,
                            "tensor '%.200s' has %llu bytes of data, its shape %s of %s needs %llu",
                            tensor->name, (unsigned long long)(to - from),
                            stapes_write_shape(tensor->rank, tensor->shape, text, sizeof text),
                            stapes_name_number(tensor->number), (unsigned long long)tensor->bytes);
    tensor->data = data + from;
    return STAPES_OK;
}

static int check_metadata(const st_json *entry, stapes_error *error)
{
    if (entry->type != ST_JSON_OBJECT)
        return st_error_set(error, STAPES_EMODEL, "__metadata__ is %s, expected an object",
                            st_json_type_name(entry));
    for (const st_json *item = entry->first; item; item = item->next)
        if (item->type != ST_JSON_STRING)
            return st_error_set(error, STAPES_EMODEL, "__metadata__: '%.200s' is %s, expected a string",
                                item->key, st_json_type_name(item));
    return STAPES_OK;
}

static int by_place(const void *a, const void *b)
{
    const stapes_tensor *x = a, *y = b;
    if (x->data != y->data) return (const char *)x->data < (const char *)y->data ? -1 : 1;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? -1 : 1) : 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const stapes_tensor *)a)->name, ((const stapes_tensor *)b)->name);
}

/* Each tensor begins where the one before ended, and the last one ends with the file. */
static int check_filled(const stapes_tensors *t, const char *data, uint64_t size, stapes_error *error)
{
    const char *end = data;
    for (uint32_t i = 0; i < t->count; i++) {
        const char *begin = t->items[i].data;
        if (begin < end)
            return st_error_set(error, STAPES_EMODEL,
                                "tensor '%.200s': its data overlap those of tensor '%.200s'",
                                t->items[i].name, t->items[i - 1].name);
        if (begin > end)
            return st_error_set(error, STAPES_EMODEL,
                                "%llu bytes before the data of tensor '%.200s' belong to none",
                                (unsigned long long)(begin - end), t->items[i].name);
        end = begin + t->items[i].bytes;
    }
    if ((uint64_t)(end - data) != size)
        return st_error_set(error, STAPES_EMODEL, "the last %llu bytes belong to no tensor",
                            (unsigned long long)(size - (uint64_t)(end - data)));
    return STAPES_OK;
}

static int read_entries(stapes_tensors *t, const st_json *header, const char *data, uint64_t before,
                        uint64_t size, stapes_error *error)
{
    int status;
    if (header->type != ST_JSON_OBJECT)
        return st_error_set(error, STAPES_EMODEL, "header is %s, expected an object",
                            st_json_type_name(header));
    t->items = st_arena_take(&t->arena, header->count, sizeof *t->items);
    if (!t->items) return st_error_set(error, STAPES_ENOMEM, "no memory");
    for (const st_json *entry = header->first; entry; entry = entry->next) {
        if (!strcmp(entry->key, "__metadata__")) {
            if ((status = check_metadata(entry, error)) < 0) return status;
            continue;
        }
        stapes_tensor *tensor = t->items + t->count++;
        tensor->name = entry->key;
        if (entry->type != ST_JSON_OBJECT)
            return st_error_set(error, STAPES_EMODEL, "tensor '%.200s' is %s, expected an object",
                                tensor->name, st_json_type_name(entry));
        if (entry->count != 3)
            return st_error_set(error, STAPES_EMODEL,
                                "tensor '%.200s' has %u keys, expected dtype, shape and data_offsets",
                                tensor->name, entry->count);
        if ((status = read_number(entry, tensor, error)) < 0) return status;
        if ((status = read_shape(entry, tensor, error)) < 0) return status;
        if ((status = read_place(entry, tensor, data, before, size, error)) < 0) return status;
    }
    if (t->count) qsort(t->items, t->count, sizeof *t->items, by_place);
    if ((status = check_filled(t, data, size, error)) < 0) return status;
    if (t->count) qsort(t->items, t->count, sizeof *t->items, by_name);
    return STAPES_OK;
}

static int read_file(stapes_tensors *t, const unsigned char *bytes, size_t size, stapes_error *error)
{
    uint64_t length = 0;
    if (size < LENGTH_BYTES)
        return st_error_set(
            error, STAPES_EMODEL,
            "has %zu bytes, a safetensors file begins with the 8 bytes of its header's length", size);
    for (int i = LENGTH_BYTES - 1; i >= 0; i--) length = length << 8 | bytes[i];
    if (length > size - LENGTH_BYTES)
        return st_error_set(
            error, STAPES_EMODEL,
            "header ends at byte %llu, the file has %zu: it was cut short or is no safetensors file",
            (unsigned long long)(length > UINT64_MAX - 8 ? UINT64_MAX : length + 8), size);
    if (length > MOST_HEADER)
        return st_error_set(error, STAPES_EMODEL, "header has %llu bytes, at most %d are allowed",
                            (unsigned long long)length, MOST_HEADER);
    const char *text = (const char *)bytes + LENGTH_BYTES;
    if (length && *text != '{')
        return st_error_set(error, STAPES_EMODEL,
                            "header does not begin with '{': this is no safetensors file");
    const st_json *header = st_json_parse(text, (size_t)length, &t->arena, error);
    if (!header) {
        st_error_within(error, "header");
        return STAPES_EMODEL; /* the record has the true one */
    }
    return read_entries(t, header, text + length, length + LENGTH_BYTES, size - LENGTH_BYTES - length, error);
}

static stapes_tensors *open_mapped(st_mapping mapping, bool owned, const char *name, stapes_error *error)
{
    stapes_tensors *t = calloc(1, sizeof *t);
    int             status = STAPES_ENOMEM;
    if (!t) {
        st_error_set(error, STAPES_ENOMEM, "no memory");
    } else if (!(t->name = st_arena_string(&t->arena, name))) {
        st_error_set(error, STAPES_ENOMEM, "no memory");
    } else {
        status = read_file(t, mapping.data, mapping.size, error);
    }
    if (t && owned) t->mapping = mapping;
    if (status == STAPES_OK) return t;
    st_error_within(error, "%s", name);
    if (!t && owned) st_mapping_close(&mapping);
    stapes_close_tensors(t);
    return NULL;
}

stapes_tensors *stapes_open_tensors(const char *path, stapes_error *error)
{
    st_mapping mapping;
    if (st_mapping_open(&mapping, path, error) < 0) return NULL;
    return open_mapped(mapping, true, path, error);
}

stapes_tensors *stapes_read_tensors(const void *data, size_t bytes, const char *name, stapes_error *error)
{
    return open_mapped((st_mapping){.data = data, .size = bytes}, false, name, error);
}

void stapes_close_tensors(stapes_tensors *tensors)
{
    if (!tensors) return;
    st_mapping_close(&tensors->mapping);
    st_arena_close(&tensors->arena);
    free(tensors);
}

const char *stapes_get_tensors_name(const stapes_tensors *tensors) { return tensors->name; }

uint32_t stapes_count_tensors(const stapes_tensors *tensors) { return tensors->count; }

const stapes_tensor *stapes_get_tensor(const stapes_tensors *tensors, uint32_t index)
{
    return index < tensors->count ? tensors->items + index : NULL;
}

const stapes_tensor *stapes_find_tensor(const stapes_tensors *tensors, const char *name)
{
    stapes_tensor key = {.name = name};
    return tensors->count ? bsearch(&key, tensors->items, tensors->count, sizeof key, by_name) : NULL;
}
