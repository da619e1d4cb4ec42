/* matrix.c - weights taken out of tensors or memory, converted and packed; see matrix.h. */
#include "kit/product/matrix.h"

#include "contract/error.h"
#include "kit/product/half.h"
#include "kit/product/rounding.h"

#include <stapes/kit/product.h>

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- packing ---------------------------------------------------------------------------------------------
 */

/* The rows of a matrix, one at a time. */
typedef struct source {
    const stapes_tensor *tensor; /* or NULL: */
    const float         *floats; /* (out, in) */
    const float         *scale;  /* int8 in `tensor`: (out) */
    const float         *bias;   /* (out) or NULL */
    uint32_t             out, width;
    uint32_t             in, kernel; /* of the tensor */
    uint32_t             gates, order;
    uint32_t             rounded; /* STAPES_F16, STAPES_BF16: kept as float32, but with that one's values */
    const st_backend    *library; /* or NULL */
} source;

/* The row of the source at a place of the panels, or UINT32_MAX behind the last one. */
static uint32_t row_at(const source *s, const st_packed *w, uint32_t lanes, uint32_t panel, uint32_t vector,
                       uint32_t lane)
{
    uint64_t row;
    if (s->order == ST_BY_GATES) {
        uint32_t units = s->out / s->gates, unit = panel * lanes + lane;
        return unit < units ? vector * units + unit : UINT32_MAX;
    }
    row = ((uint64_t)panel * w->vectors + vector) * lanes + lane;
    return row < s->out ? (uint32_t)row : UINT32_MAX;
}

/* Row `o` as float32, for int8 as whole numbers; torch has in, then kernel, a matrix kernel, then in. */
static void read_row(const source *s, uint32_t o, float *work, float *row)
{
    if (!s->tensor) {
        memcpy(row, s->floats + (size_t)o * s->width, s->width * sizeof *row);
        return;
    }
    (void)stapes_convert_tensor(s->tensor, (uint64_t)o * s->width, s->width, s->kernel ? work : row);
    for (size_t i = 0; s->kernel && i < s->width; i++) row[i] = work[i % s->in * s->kernel + i / s->in];
}

/* A row of float32 to whole numbers of int8; their scale. Of a row with a number that is not finite all are 0
 * and the scale is NaN: so is what it gives. */
static float round_row(float *row, size_t n)
{
    float most = 0;
    bool  finite = true;
    for (size_t i = 0; i < n; i++) {
        finite &= isfinite(row[i]) != 0;
        most = fmaxf(most, fabsf(row[i]));
    }
    float scale = st_rounding_scale(most);
    for (size_t i = 0; i < n; i++) row[i] = finite ? (float)st_rounding_int8(row[i], scale) : 0.0f;
    return finite ? scale : NAN;
}

/* The nearest values that float16 or bfloat16 have; nothing for other numbers. */
static void round_to_half(uint32_t number, float *row, size_t n)
{
    for (size_t i = 0; number == STAPES_F16 && i < n; i++) row[i] = st_half_to(st_half_from(row[i]));
    for (size_t i = 0; number == STAPES_BF16 && i < n; i++)
        row[i] = st_half_brain_to(st_half_brain_from(row[i]));
}

/* Where things of a matrix go. */
typedef struct target {
    void    *panels;
    float   *bias, *scale;
    int32_t *sums;
} target;

static void put_row(const st_packed *w, const target *to, uint32_t lanes, size_t at, const float *row,
                    size_t n)
{
    size_t across = (size_t)(w->vectors == 3 ? 3 : 2) * lanes, strip = at / across, place = at % across;
    size_t first = strip * w->in * across;
    switch (w->number) {
    case STAPES_F16:
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)to->panels)[first + i * across + place] = st_half_from(row[i]);
        break;
    case STAPES_BF16:
        if (place < 2 * (size_t)lanes) place = place % lanes * 2 + place / lanes;
        for (size_t i = 0; i < n; i++)
            ((uint16_t *)to->panels)[first + i * across + place] = st_half_brain_from(row[i]);
        break;
    case STAPES_I8:
        for (size_t i = 0; i < n; i++) {
            size_t group = i / ST_KERNELS_GROUP, j = i % ST_KERNELS_GROUP;
            ((int8_t *)to->panels)[first + (group * across + place) * ST_KERNELS_GROUP + j] = (int8_t)row[i];
            to->sums[at] += (int32_t)row[i];
        }
        break;
    default:
        for (size_t i = 0; i < n; i++) ((float *)to->panels)[first + i * across + place] = row[i];
        break;
    }
}

/* Vectors of a panel. Three keep tiles of many rows busiest (fewest instructions for each product) but pad
 * more, and leave threads uneven shares where there are few panels; so three from sixteen panels on. */
static uint32_t panel_vectors(const source *s, uint32_t lanes)
{
    if (s->order == ST_BY_GATES) return s->gates;
    return s->out >= 16 * 3 * lanes ? 3 : 2;
}

/* STAPES_OK or STAPES_ENOMEM, without words. w->number says what is kept. */
static int pack(st_matrix *m, const source *s, uint32_t number, const st_kernels *kernels, st_arena *arena)
{
    uint32_t  lanes = kernels->lanes, vectors = panel_vectors(s, lanes);
    uint32_t  across = lanes * vectors, units = s->order == ST_BY_GATES ? lanes : across;
    uint64_t  count = ((uint64_t)(s->order == ST_BY_GATES ? s->out / s->gates : s->out) + units - 1) / units;
    size_t    one = number == STAPES_I8 ? 1 : number == STAPES_F32 ? sizeof(float) : sizeof(uint16_t), bytes;
    uint32_t  group = number == STAPES_I8 ? ST_KERNELS_GROUP : 1;
    st_packed w = {.number = number, .vectors = vectors, .panels_count = (uint32_t)count};
    target    to;
    if ((uint64_t)s->width + group > UINT32_MAX || count * across > UINT32_MAX) return STAPES_ENOMEM;
    w.in = (s->width + group - 1) / group * group;
    if (__builtin_mul_overflow((size_t)w.in * across, (size_t)count, &bytes) ||
        bytes > SIZE_MAX / sizeof(float))
        return STAPES_ENOMEM;
    /* one more: an empty matrix has panels too */
    to.panels = st_arena_take(arena, bytes + 1, one);
    to.bias = st_arena_take(arena, (size_t)count * across + 1, sizeof(float));
    to.scale = number == STAPES_I8 ? st_arena_take(arena, (size_t)count * across + 1, sizeof(float)) : NULL;
    to.sums = number == STAPES_I8 ? st_arena_take(arena, (size_t)count * across + 1, sizeof(int32_t)) : NULL;
    float *row = malloc(2 * ((size_t)s->width + 1) * sizeof *row), *work = row ? row + s->width : NULL;
    if (!to.panels || !to.bias || (number == STAPES_I8 && (!to.scale || !to.sums)) || !row) {
        free(row);
        return STAPES_ENOMEM;
    }
    for (uint32_t at = 0; at < (uint32_t)count * across; at++) {
        uint32_t o = row_at(s, &w, lanes, at / across, at % across / lanes, at % lanes);
        if (o == UINT32_MAX) continue;
        read_row(s, o, work, row);
        if (number == STAPES_I8) to.scale[at] = s->scale ? s->scale[o] : round_row(row, s->width);
        round_to_half(s->rounded, row, s->width);
        if (s->library)
            memcpy((float *)to.panels + (size_t)at * s->width, row, s->width * sizeof *row);
        else
            put_row(&w, &to, lanes, at, row, s->width);
        if (s->bias) to.bias[at] = s->bias[o];
    }
    free(row);
    w.panels = to.panels;
    w.bias = to.bias;
    w.scale = to.scale;
    w.sums = to.sums;
    *m = (st_matrix){.packed = w, .kernels = kernels, .library = s->library, .in = s->width, .out = s->out};
    return STAPES_OK;
}

/* The library for a matrix of this process, or NULL. Where nobody asked for one it takes the matrices that
 * meet many rows; see backend/backend.c. */
static const st_backend *choose_library(uint32_t number, bool few_rows, bool many_rows)
{
    const st_backend_choice *choice = number == STAPES_F32 && !few_rows ? st_backend_choose() : NULL;
    return choice && (choice->asked || many_rows) ? choice->library : NULL;
}

/* ---- from tensors
 * ------------------------------------------------------------------------------------------
 */

/* float16 and bfloat16 stay so where float32 would not fit into a processor's own caches: there, memory is
 * what a product of few rows waits for. Elsewhere the widening would be. */
static uint32_t number_to_keep(const stapes_tensor *tensor, const st_matrix_plan *plan,
                               const st_kernels *kernels)
{
    enum { NEAR = 1 << 20 };
    bool half = tensor->number == STAPES_F16 || tensor->number == STAPES_BF16;
    if (tensor->number == STAPES_I8) return STAPES_I8;
    return half && plan->few_rows && kernels->halves && tensor->count > NEAR / sizeof(float) ? tensor->number
                                                                                             : STAPES_F32;
}

/* The most bytes that packing may need: panels of the widest vectors. */
static int reserve(st_weights *weights, const st_matrix_plan *plan, uint32_t number, uint64_t width)
{
    uint64_t across = (uint64_t)ST_KERNELS_MOST_LANES * ST_KERNELS_VECTORS;
    uint64_t one = number == STAPES_I8 ? 1 : number == STAPES_F32 ? sizeof(float) : sizeof(uint16_t);
    return st_stored_reserve(weights, plan->name, (plan->out + across - 1) / across * across * one, width);
}

int st_matrix_open(st_matrix *matrix, st_weights *weights, const st_matrix_plan *plan)
{
    uint64_t          shape[] = {plan->out, plan->in, plan->kernel};
    uint64_t          width = (uint64_t)plan->in * (plan->kernel ? plan->kernel : 1);
    const st_kernels *kernels = weights->kernels ? weights->kernels : st_kernels_get();
    st_stored         weight;
    source            s = {.out = plan->out,
                           .width = (uint32_t)width,
                           .in = plan->in,
                           .kernel = plan->kernel,
                           .gates = plan->gates,
                           .order = plan->order};
    float            *bias = NULL;
    int               status = st_stored_find(weights, plan->name, plan->kernel ? 3 : 2, shape, &weight);
    if (status < 0) return status;
    uint32_t number = number_to_keep(weight.tensor, plan, kernels);
    if ((status = reserve(weights, plan, number, width)) < 0) return status;
    if ((status = st_stored_check(weights, &weight)) < 0) return status;
    if (number == STAPES_I8 && width > ST_MATRIX_MOST_INT8)
        return st_error_set(weights->error, STAPES_EMODEL,
                            "%s: tensor '%.200s' has %llu inputs, int8 weights may have %d",
                            stapes_get_tensors_name(weights->tensors), plan->name, (unsigned long long)width,
                            ST_MATRIX_MOST_INT8);
    if (plan->bias) {
        const stapes_tensor *tensor = st_stored_find_plain(weights, plan->bias, 1, shape);
        if (!tensor) return STAPES_EMODEL;
        bias = malloc(plan->out * sizeof *bias);
        if (!bias) return st_stored_fail_memory(weights, plan->bias, plan->out * sizeof *bias);
        (void)stapes_convert_tensor(tensor, 0, plan->out, bias);
    }
    s.tensor = weight.tensor;
    s.library = choose_library(number, plan->few_rows, weights->many_rows);
    s.scale = weight.scales;
    s.bias = bias;
    status = width > UINT32_MAX ? STAPES_ENOMEM : pack(matrix, &s, number, kernels, weights->arena);
    if (status < 0) st_stored_fail_memory(weights, plan->name, width * plan->out * sizeof(float));
    free(bias);
    return status;
}

/* ---- matrices of other people's
 * ----------------------------------------------------------------------------
 */

struct stapes_matrix {
    st_matrix about;
    st_arena  arena;
};

stapes_matrix *st_matrix_open_by(const st_kernels *kernels, const st_backend *library, const float *weights,
                                 const float *bias, uint32_t out, uint32_t in, uint32_t number,
                                 stapes_error *error)
{
    source s = {.floats = weights, .bias = bias, .out = out, .width = in, .in = in, .library = library};
    stapes_matrix *m;
    if (number != STAPES_F32 && number != STAPES_F16 && number != STAPES_BF16 && number != STAPES_I8) {
        st_error_set(error, STAPES_EUSAGE, "weights are kept as F32, F16, BF16 or I8, not as %s",
                     stapes_name_number(number));
        return NULL;
    }
    if (number == STAPES_I8 && in > ST_MATRIX_MOST_INT8) {
        st_error_set(error, STAPES_EUSAGE, "%u inputs, int8 weights may have %d", in, ST_MATRIX_MOST_INT8);
        return NULL;
    }
    if ((number == STAPES_F16 || number == STAPES_BF16) && !kernels->halves) {
        s.rounded = number;
        number = STAPES_F32;
    }
    m = calloc(1, sizeof *m);
    if (m && pack(&m->about, &s, number, kernels, &m->arena) >= 0) return m;
    st_error_set(error, STAPES_ENOMEM, "no memory for a matrix of %u x %u", out, in);
    stapes_close_matrix(m);
    return NULL;
}

stapes_matrix *stapes_open_matrix(const float *weights, const float *bias, uint32_t out, uint32_t in,
                                  uint32_t number, stapes_error *error)
{
    return st_matrix_open_by(st_kernels_get(), choose_library(number, false, false), weights, bias, out, in,
                             number, error);
}

void stapes_close_matrix(stapes_matrix *matrix)
{
    if (!matrix) return;
    st_arena_close(&matrix->arena);
    free(matrix);
}

size_t stapes_matrix_room(const stapes_matrix *matrix, size_t rows)
{
    return st_matrix_room(&matrix->about, rows);
}

void stapes_multiply(const stapes_matrix *matrix, const float *x, size_t x_step, size_t rows, float *y,
                     size_t y_step, float *room, const stapes_callbacks *callbacks)
{
    st_matrix_product(&matrix->about, x, x_step, rows, y, y_step, room, callbacks);
}
