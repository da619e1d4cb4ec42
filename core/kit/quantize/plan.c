/* plan.c - see plan.h. Numbers are read twice, a piece at a time, so that a file of any size needs no memory
 * but that of its scales. */
#include "kit/quantize/plan.h"

#include "contract/error.h"
#include "kit/model/tensors_writer.h"
#include "kit/product/half.h"
#include "kit/product/matrix.h"
#include "kit/product/rounding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 }; /* numbers */

static bool is_canceled(const stapes_callbacks *callbacks)
{
    return callbacks && callbacks->canceled && callbacks->canceled(callbacks->user);
}

static bool is_weight(const stapes_tensor *tensor) { return tensor->rank >= 2; }

/* Numbers of one output; the whole of a tensor without dimensions. */
static uint64_t width_of(const stapes_tensor *tensor)
{
    return tensor->rank && tensor->shape[0] ? tensor->count / tensor->shape[0] : tensor->count;
}

/* ---- looking at the numbers ------------------------------------------------------------------------------
 */

static int fail_number(const stapes_tensor *tensor, uint64_t at, float number, const char *words,
                       stapes_error *error)
{
    uint64_t width = width_of(tensor);
    return st_error_set(error, STAPES_EMODEL, "tensor '%.200s': number %llu of output %llu is %g, %s",
                        tensor->name, (unsigned long long)(at % width), (unsigned long long)(at / width),
                        (double)number, words);
}

/* Largest |number| of `count` numbers from `first`, all of which must be finite and below `end`. */
static int look_at(const stapes_tensor *tensor, uint64_t first, uint64_t count, float end, const char *words,
                   float *largest, stapes_error *error)
{
    float piece[PIECE];
    for (uint64_t done = 0; done < count;) {
        uint64_t n = count - done < PIECE ? count - done : PIECE;
        (void)stapes_convert_tensor(tensor, first + done, n, piece);
        for (uint64_t i = 0; i < n; i++) {
            float size = fabsf(piece[i]);
            if (!isfinite(piece[i]))
                return fail_number(tensor, first + done + i, piece[i], "weights must be finite", error);
            if (size >= end) return fail_number(tensor, first + done + i, piece[i], words, error);
            if (size > *largest) *largest = size;
        }
        done += n;
    }
    return STAPES_OK;
}

static int look_at_tensor(const stapes_tensor *tensor, uint32_t number, float *scales,
                          stapes_quantized_tensor *about, stapes_error *error)
{
    bool        weight = is_weight(tensor);
    float       end = weight && number == STAPES_F16    ? ST_ROUNDING_F16_END
                      : weight && number == STAPES_BF16 ? ST_ROUNDING_BF16_END
                                                        : INFINITY;
    const char *words = number == STAPES_F16 ? "F16 holds numbers up to 65504: take bf16 or int8"
                                             : "BF16 holds numbers up to 3.39e+38: take int8";
    uint64_t    outputs = scales ? tensor->shape[0] : 1, width = scales ? width_of(tensor) : tensor->count;
    float       all = 0.0f;
    for (uint64_t o = 0; o < outputs; o++) {
        float largest = 0.0f;
        int   status = look_at(tensor, o * width, width, end, words, &largest, error);
        if (status < 0) return status;
        if (scales) scales[o] = st_rounding_scale(largest);
        if (largest > all) all = largest;
    }
    about->largest = (double)all;
    return STAPES_OK;
}

/* ---- the plan ----------------------------------------------------------------------------------------- */

static int add(st_plan *plan, const stapes_tensor *source, const char *name, uint32_t number, uint32_t rank,
               stapes_quantized_tensor *about, float *scales, stapes_error *error)
{
    st_plan_entry *entry = plan->entries + plan->count++;
    *entry = (st_plan_entry){.tensor = *source, .source = source, .scales = scales, .about = about};
    entry->tensor.name = name;
    entry->tensor.number = number;
    entry->tensor.rank = rank;
    entry->tensor.data = NULL;
    if (!name) return st_error_set(error, STAPES_ENOMEM, "no memory");
    if (!st_tensors_writer_measure(&entry->tensor))
        return st_error_set(error, STAPES_EMODEL, "tensor '%.200s' is too large", name);
    about->bytes_after += entry->tensor.bytes;
    return STAPES_OK;
}

static int plan_tensor(st_plan *plan, const stapes_tensor *source, uint32_t number,
                       stapes_quantized_tensor *about, st_arena *arena, stapes_error *error)
{
    float *scales = NULL;
    if (source->number == STAPES_I8)
        return st_error_set(
            error, STAPES_EUSAGE,
            "tensor '%.200s' is I8: these weights are quantised already, take those that they "
            "were made of",
            source->name);
    if (source->number < STAPES_F64 || source->number > STAPES_BF16)
        return st_error_set(error, STAPES_EMODEL, "tensor '%.200s' is %s, allowed are F32, F16, BF16 and F64",
                            source->name, stapes_name_number(source->number));
    if (number == STAPES_I8 && is_weight(source) && width_of(source) > ST_MATRIX_MOST_INT8)
        return st_error_set(error, STAPES_EMODEL,
                            "tensor '%.200s' has %llu inputs, int8 weights may have %d: take bf16 or f16",
                            source->name, (unsigned long long)width_of(source), ST_MATRIX_MOST_INT8);
    *about = (stapes_quantized_tensor){.name = st_arena_string(arena, source->name),
                                       .count = source->count,
                                       .bytes_before = source->bytes,
                                       .number_before = source->number,
                                       .number_after = is_weight(source) ? number : STAPES_F32};
    if (about->number_after == STAPES_I8) {
        scales = st_arena_take(arena, (size_t)source->shape[0], sizeof *scales);
        if (!scales) return st_error_set(error, STAPES_ENOMEM, "no memory");
    }
    int status = add(plan, source, about->name, about->number_after, source->rank, about, scales, error);
    if (status >= 0 && scales) {
        const char *name = st_arena_format(arena, "%s_scale", source->name);
        status = add(plan, source, name, STAPES_F32, 1, about, scales, error);
        plan->entries[plan->count - 1].is_scale = true;
    }
    return status < 0 ? status : look_at_tensor(source, number, scales, about, error);
}

/* Wide numbers first, so that each tensor's data are aligned; then by name. */
static int by_width(const void *a, const void *b)
{
    const stapes_tensor *x = &((const st_plan_entry *)a)->tensor, *y = &((const st_plan_entry *)b)->tensor;
    uint32_t             size_x = stapes_size_number(x->number), size_y = stapes_size_number(y->number);
    return size_x != size_y ? (size_x > size_y ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const st_plan_entry *)a)->tensor.name, ((const st_plan_entry *)b)->tensor.name);
}

static int check_names(const st_plan *plan, stapes_error *error)
{
    for (uint32_t i = 1; i < plan->count; i++)
        if (!strcmp(plan->entries[i].tensor.name, plan->entries[i - 1].tensor.name))
            return st_error_set(error, STAPES_EMODEL,
                                "tensor '%.200s' is there already, where the scales of another would be put",
                                plan->entries[i].tensor.name);
    return STAPES_OK;
}

static int finish(st_plan *plan, st_arena *arena, stapes_error *error)
{
    uint64_t       data;
    stapes_tensor *tensors = st_arena_take(arena, plan->count, sizeof *tensors);
    if (!tensors) return st_error_set(error, STAPES_ENOMEM, "no memory");
    if (plan->count) qsort(plan->entries, plan->count, sizeof *plan->entries, by_name);
    int status = check_names(plan, error);
    if (status < 0) return status;
    if (plan->count) qsort(plan->entries, plan->count, sizeof *plan->entries, by_width);
    for (uint32_t i = 0; i < plan->count; i++) tensors[i] = plan->entries[i].tensor;
    plan->header = st_tensors_writer_header(tensors, plan->count, arena, &plan->header_bytes, &data);
    if (!plan->header || __builtin_add_overflow(data, plan->header_bytes, &plan->bytes))
        return st_error_set(error, STAPES_ENOMEM, "no memory");
    return STAPES_OK;
}

int st_plan_make(st_plan *plan, const stapes_tensor *const *sources, uint32_t count, uint32_t number,
                 const stapes_callbacks *callbacks, st_arena *arena, stapes_error *error)
{
    int status = STAPES_OK;
    *plan = (st_plan){.entries = st_arena_take(arena, 2 * (size_t)count, sizeof *plan->entries),
                      .about = st_arena_take(arena, count, sizeof *plan->about)};
    if (!plan->entries || !plan->about) return st_error_set(error, STAPES_ENOMEM, "no memory");
    for (uint32_t i = 0; i < count && status >= 0; i++)
        status = is_canceled(callbacks)
                     ? st_error_set(error, STAPES_ECANCELED, "interrupted")
                     : plan_tensor(plan, sources[i], number, plan->about + i, arena, error);
    return status < 0 ? status : finish(plan, arena, error);
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* Where bytes go: into memory, or, if there is none, into a file, many at a time. */
typedef struct place {
    char          *memory;
    stapes_output *output;
    size_t         used;
    char           buffer[1 << 16];
} place;

static int flush(place *to, stapes_error *error)
{
    int status = to->used ? stapes_write_output(to->output, to->buffer, to->used, error) : STAPES_OK;
    to->used = 0;
    return status;
}

static int put(place *to, const void *bytes, size_t count, stapes_error *error)
{
    int status = STAPES_OK;
    if (to->memory) {
        memcpy(to->memory, bytes, count);
        to->memory += count;
    } else if (count > sizeof to->buffer) {
        status = flush(to, error);
        if (status >= 0) status = stapes_write_output(to->output, bytes, count, error);
    } else {
        if (count > sizeof to->buffer - to->used) status = flush(to, error);
        memcpy(to->buffer + to->used, bytes, count);
        to->used += count;
    }
    return status;
}

/* What rounding did so far. */
typedef struct tally {
    double worst, errors, numbers; /* the last two: sums of squares */
} tally;

static void round_piece(const float *from, uint64_t count, uint32_t number, float scale, void *to, tally *t)
{
    for (uint64_t i = 0; i < count; i++) {
        float rounded = from[i];
        if (number == STAPES_I8) {
            int8_t q = st_rounding_int8(from[i], scale);
            ((int8_t *)to)[i] = q;
            rounded = (float)q * scale;
        } else if (number == STAPES_BF16) {
            uint16_t bits = st_half_brain_from(from[i]);
            ((uint16_t *)to)[i] = bits;
            rounded = st_half_brain_to(bits);
        } else if (number == STAPES_F16) {
            uint16_t bits = st_half_from(from[i]);
            ((uint16_t *)to)[i] = bits;
            rounded = st_half_to(bits);
        } else {
            ((float *)to)[i] = rounded;
        }
        double error = (double)rounded - (double)from[i];
        t->worst = fmax(t->worst, fabs(error));
        t->errors += error * error;
        t->numbers += (double)from[i] * (double)from[i];
    }
}

static int write_tensor(const st_plan_entry *entry, place *to, stapes_error *error)
{
    const stapes_tensor *source = entry->source;
    float                piece[PIECE], rounded[PIECE];
    uint64_t             step = entry->scales ? width_of(source) : PIECE; /* a piece has one scale */
    tally                t = {0};
    if (entry->is_scale) return put(to, entry->scales, entry->tensor.bytes, error);
    for (uint64_t at = 0; at < source->count;) {
        uint64_t n = source->count - at < PIECE ? source->count - at : PIECE;
        uint64_t left = step - at % step;
        float    scale = entry->scales ? entry->scales[at / step] : 1.0f;
        if (n > left) n = left;
        (void)stapes_convert_tensor(source, at, n, piece);
        round_piece(piece, n, entry->tensor.number, scale, rounded, &t);
        int status = put(to, rounded, n * stapes_size_number(entry->tensor.number), error);
        if (status < 0) return status;
        at += n;
    }
    entry->about->error = t.worst;
    entry->about->noise = t.numbers > 0.0 ? sqrt(t.errors / t.numbers) : 0.0;
    return STAPES_OK;
}

int st_plan_write(const st_plan *plan, char *memory, stapes_output *output, const stapes_callbacks *callbacks,
                  stapes_error *error)
{
    place to;
    to.memory = memory;
    to.output = output;
    to.used = 0;
    int status = put(&to, plan->header, plan->header_bytes, error);
    for (uint32_t i = 0; i < plan->count && status >= 0; i++)
        status = is_canceled(callbacks) ? st_error_set(error, STAPES_ECANCELED, "interrupted")
                                        : write_tensor(plan->entries + i, &to, error);
    return status < 0 || memory ? status : flush(&to, error);
}
