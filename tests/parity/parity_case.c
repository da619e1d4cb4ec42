/* parity_case.c - reads a reference case and compares with it. */
#include "parity_case.h"

#include "parity_json.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct block {
    struct block *next;
    void         *memory;
} block;

struct parity_case {
    parity_json    *json;
    stapes_tensors *tensors;
    double          absolute, relative; /* the tolerance */
    stapes_tensors *quantized;          /* weights, or NULL: those of the case */
    void           *quantized_file;
    double          typical; /* allowed in the mean of output.y; 0: as far as each may be */
    stapes_error    error;
    block          *blocks;
};

/* The first words stay. */
static void set(stapes_error *error, const char *format, va_list arguments)
{
    if (error->status) return;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    error->status = STAPES_EINPUT;
}

static void fail(stapes_error *error, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);

static void fail(stapes_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(error, format, arguments);
    va_end(arguments);
}

void parity_fail(parity_case *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set(&c->error, format, arguments);
    va_end(arguments);
}

static double read_number(const char *text, bool *good)
{
    char  *end = NULL;
    double value = text ? strtod(text, &end) : 0.0;
    *good = text && end != text && *end == 0;
    return *good ? value : 0.0;
}

parity_case *parity_open(const char *folder, const char *name, stapes_error *error)
{
    char path[4096];
    bool good_absolute, good_relative;

    parity_case *c = calloc(1, sizeof *c);
    if (!c) {
        fail(error, "%s: out of memory", name);
        return NULL;
    }
    snprintf(path, sizeof path, "%s/%s/case.json", folder, name);
    c->json = parity_json_open(path, error);
    if (!c->json) goto failed;
    c->absolute = read_number(parity_json_text(c->json, "tolerance", "absolute"), &good_absolute);
    c->relative = read_number(parity_json_text(c->json, "tolerance", "relative"), &good_relative);
    if (!parity_kind(c) || !good_absolute || !good_relative) {
        fail(error,
             "%s: lacks \"kind\", or \"tolerance\" with \"absolute\" and \"relative\": make the case again",
             path);
        goto failed;
    }
    snprintf(path, sizeof path, "%s/%s/case.safetensors", folder, name);
    c->tensors = stapes_open_tensors(path, error);
    if (!c->tensors) goto failed;
    return c;

failed:
    parity_close(c);
    return NULL;
}

void parity_close(parity_case *c)
{
    if (!c) return;
    for (block *b = c->blocks, *next; b; b = next) {
        next = b->next;
        free(b->memory);
        free(b);
    }
    stapes_close_tensors(c->quantized);
    free(c->quantized_file);
    stapes_close_tensors(c->tensors);
    parity_json_close(c->json);
    free(c);
}

const char *parity_kind(const parity_case *c) { return parity_json_text(c->json, NULL, "kind"); }

stapes_error *parity_error(parity_case *c) { return &c->error; }

bool parity_failed(const parity_case *c) { return c->error.status != 0; }

const stapes_tensors *parity_tensors(const parity_case *c)
{
    return c->quantized ? c->quantized : c->tensors;
}

bool parity_quantize(parity_case *c, uint32_t number, double largest, double typical)
{
    uint32_t              all = stapes_count_tensors(c->tensors), count = 0;
    size_t                bytes;
    const stapes_tensor **weights = parity_memory(c, all, sizeof *weights);
    for (uint32_t i = 0; i < all; i++) {
        const stapes_tensor *tensor = stapes_get_tensor(c->tensors, i);
        if (!strncmp(tensor->name, "weight.", strlen("weight."))) weights[count++] = tensor;
    }
    c->typical = c->absolute + typical;
    c->absolute += largest;
    c->quantized_file = stapes_quantize_tensors(weights, count, number, &bytes, NULL, &c->error);
    if (c->quantized_file)
        c->quantized = stapes_read_tensors(c->quantized_file, bytes, "quantised weights", &c->error);
    return c->quantized != NULL;
}

void *parity_memory(parity_case *c, size_t count, size_t size)
{
    const size_t line = 64;
    block       *b = malloc(sizeof *b);
    if (b && count <= (SIZE_MAX - line) / size)
        b->memory = aligned_alloc(line, (count * size / line + 1) * line);
    if (!b || count > (SIZE_MAX - line) / size || !b->memory) {
        fputs("stapes-parity: out of memory\n", stderr);
        exit(2);
    }
    memset(b->memory, 0, count * size);
    b->next = c->blocks;
    c->blocks = b;
    return b->memory;
}

/* ---- parameters ---------------------------------------------------------------------------------- */

const char *parity_word(parity_case *c, const char *name)
{
    const char *text = parity_json_text(c->json, "parameters", name);
    if (!text) parity_fail(c, "case.json has no parameter '%s': make the case again", name);
    return text ? text : "";
}

double parity_number(parity_case *c, const char *name)
{
    bool        good;
    const char *text = parity_word(c, name);
    double      value = read_number(text, &good);
    if (!good) parity_fail(c, "case.json: parameter '%s' is '%s', a number is needed", name, text);
    return value;
}

uint32_t parity_integer(parity_case *c, const char *name)
{
    double value = parity_number(c, name);
    if (!(value >= 0.0 && value <= 1e9 && value == floor(value))) {
        parity_fail(c, "case.json: parameter '%s' is %g, 0 to 1e9 without a fraction is needed", name, value);
        return 0;
    }
    return (uint32_t)value;
}

bool parity_flag(parity_case *c, const char *name)
{
    const char *text = parity_word(c, name);
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
        parity_fail(c, "case.json: parameter '%s' is '%s', true or false is needed", name, text);
    return strcmp(text, "true") == 0;
}

/* ---- tensors --------------------------------------------------------------------------------------- */

parity_tensor parity_try(parity_case *c, const char *name, uint32_t rank)
{
    parity_tensor        result = {0};
    const stapes_tensor *tensor = stapes_find_tensor(c->tensors, name);
    if (!tensor) return result;
    if (tensor->number != STAPES_F32 || tensor->rank != rank) {
        char shape[128];
        parity_fail(c, "case.safetensors: tensor '%s' is %s %s, F32 with %u dimensions is needed", name,
                    stapes_name_number(tensor->number),
                    stapes_write_shape(tensor->rank, tensor->shape, shape, sizeof shape), rank);
        return result;
    }
    result.count = (size_t)tensor->count;
    result.data = parity_memory(c, result.count, sizeof *result.data);
    if (!stapes_convert_tensor(tensor, 0, tensor->count, result.data))
        parity_fail(c, "case.safetensors: tensor '%s' cannot be read", name);
    for (uint32_t i = 0; i < rank; i++) result.shape[i] = (size_t)tensor->shape[i];
    return result;
}

parity_tensor parity_get(parity_case *c, const char *name, uint32_t rank)
{
    parity_tensor result = parity_try(c, name, rank);
    if (!result.data) parity_fail(c, "case.safetensors has no tensor '%s': make the case again", name);
    return result;
}

size_t parity_count(const parity_case *c, const char *name)
{
    const stapes_tensor *tensor = stapes_find_tensor(c->tensors, name);
    return tensor ? (size_t)tensor->count : 0;
}

const int64_t *parity_integers(parity_case *c, const char *name, size_t *count)
{
    *count = 0;
    const stapes_tensor *tensor = stapes_find_tensor(c->tensors, name);
    if (!tensor || (tensor->number != STAPES_I64 && tensor->number != STAPES_I32)) {
        parity_fail(c, "case.safetensors has no integers '%s': make the case again", name);
        return NULL;
    }
    *count = (size_t)tensor->count;
    int64_t *list = parity_memory(c, *count, sizeof *list);
    for (size_t i = 0; i < *count; i++) {
        if (tensor->number == STAPES_I64) {
            memcpy(&list[i], (const char *)tensor->data + i * sizeof(int64_t), sizeof(int64_t));
        } else {
            int32_t value;
            memcpy(&value, (const char *)tensor->data + i * sizeof value, sizeof value);
            list[i] = value;
        }
    }
    return list;
}

/* ---- comparison -------------------------------------------------------------------------------------- */

/* Keeps the first reason. */
static void refuse(parity_result *result, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);

static void refuse(parity_result *result, const char *format, ...)
{
    result->met = false;
    if (result->words[0]) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result->words, sizeof result->words, format, arguments);
    va_end(arguments);
}

/* The reference tensor `name`, if it has `count` values; else the result is refused. */
static const stapes_tensor *expected(parity_case *c, parity_result *result, const char *name, size_t count)
{
    const stapes_tensor *tensor = stapes_find_tensor(c->tensors, name);
    if (!tensor) {
        refuse(result, "case.safetensors has no tensor '%s': make the case again", name);
    } else if (tensor->count != count) {
        char shape[128];
        refuse(result, "%s: ours has %zu values, the reference %llu %s", name, count,
               (unsigned long long)tensor->count,
               stapes_write_shape(tensor->rank, tensor->shape, shape, sizeof shape));
        tensor = NULL;
    }
    return tensor;
}

void parity_compare(parity_case *c, parity_result *result, const char *name, const float *ours, size_t count)
{
    if (!expected(c, result, name, count)) return;
    const stapes_tensor *tensor = stapes_find_tensor(c->tensors, name);
    parity_tensor        theirs = parity_get(c, name, tensor->rank);
    if (!theirs.data) return;
    size_t worst = 0;
    double worst_share = -1.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        double r = (double)ours[i], e = (double)theirs.data[i];
        double difference = r == e ? 0.0 : fabs(r - e);
        double allowed = c->absolute + c->relative * fabs(e);
        double share = difference == 0.0 ? 0.0 : isfinite(e) ? difference / allowed : INFINITY;
        if (isnan(r)) difference = share = INFINITY;
        squares += difference * difference;
        if (difference > result->largest) result->largest = difference;
        if (share > worst_share) {
            worst = i;
            worst_share = share;
        }
    }
    if (worst_share > result->share) result->share = worst_share;
    if (worst_share > 1.0)
        refuse(result, "%s[%zu] of %zu is %.9g, the reference %.9g, %.2g apart, %.2g allowed", name, worst,
               count, (double)ours[worst], (double)theirs.data[worst],
               fabs((double)ours[worst] - (double)theirs.data[worst]),
               c->absolute + c->relative * fabs((double)theirs.data[worst]));
    if (!count || c->typical == 0.0 || strcmp(name, "output.y") != 0) return;
    double mean = sqrt(squares / (double)count);
    if (!(mean / c->typical <= result->share)) result->share = mean / c->typical;
    if (!(mean <= c->typical))
        refuse(result, "%s: differences of %.2g in the root of the mean square, %.2g allowed", name, mean,
               c->typical);
}

void parity_compare_ids(parity_case *c, parity_result *result, const char *name, const int64_t *ours,
                        size_t count)
{
    if (!result->has_ids) result->has_ids = result->ids_equal = true;
    if (!expected(c, result, name, count)) {
        result->ids_equal = false;
        return;
    }
    size_t         n;
    const int64_t *theirs = parity_integers(c, name, &n);
    for (size_t i = 0; theirs && i < n; i++) {
        if (ours[i] != theirs[i]) {
            result->ids_equal = false;
            refuse(result, "%s[%zu] of %zu is %lld, the reference %lld", name, i, n, (long long)ours[i],
                   (long long)theirs[i]);
            return;
        }
    }
}
