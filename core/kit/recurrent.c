/* recurrent.c - stacks of RNN, GRU and LSTM layers; see stapes/kit/network.h.
 *
 * A layer and direction is computed in blocks of steps: first the products of a block's inputs, many rows
 * at once, then step after step the products of the states, for all sequences that are still running. */
#include <stapes/kit/network.h>

#include "contract/arena.h"
#include "contract/error.h"
#include "kit/recurrent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 }; /* steps */

typedef struct part {
    st_matrix input, state, projection; /* the last: .panels NULL without */
} part;

struct stapes_recurrent {
    stapes_layer layer;
    uint32_t     directions, gates, out; /* out: of one direction */
    part        *parts;                  /* (layers, directions) */
    st_arena     arena;
};

/* ---- weights ---------------------------------------------------------------------------------------- */

static int open_part(stapes_recurrent *r, st_weights *weights, uint32_t level, bool reverse, part *p)
{
    enum { INPUT, STATE, INPUT_BIAS, STATE_BIAS, PROJECTION, N };
    static const char *const kinds[N] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"};
    const stapes_layer      *layer = &r->layer;
    uint32_t                 in = level ? r->out * r->directions : layer->in, rows = r->gates * layer->hidden;
    char                     names[N][256];
    int                      status;
    for (int i = 0; i < N; i++) {
        int n = snprintf(names[i], sizeof names[i], "%s%s%s_l%u%s", layer->name, *layer->name ? "." : "",
                         kinds[i], level, reverse ? "_reverse" : "");
        if (n < 0 || (size_t)n >= sizeof names[i])
            return st_error_set(weights->error, STAPES_EMODEL, "layer name '%.60s...' is too long",
                                layer->name);
    }
    status =
        st_matrix_open(&p->input, weights, names[INPUT], layer->bias ? names[INPUT_BIAS] : NULL, rows, in, 0);
    if (status < 0) return status;
    status = st_matrix_open(&p->state, weights, names[STATE], layer->bias ? names[STATE_BIAS] : NULL, rows,
                            r->out, 0);
    if (status < 0 || !layer->projection) return status;
    return st_matrix_open(&p->projection, weights, names[PROJECTION], NULL, layer->projection, layer->hidden,
                          0);
}

stapes_recurrent *st_recurrent_open(const stapes_layer *layer, st_weights *weights)
{
    stapes_recurrent *r = calloc(1, sizeof *r);
    int               status = STAPES_OK;
    if (!r) {
        st_error_set(weights->error, STAPES_ENOMEM, "no memory");
        return NULL;
    }
    r->layer = *layer;
    r->directions = layer->bidirectional ? 2 : 1;
    r->gates = layer->kind == STAPES_LSTM ? 4 : layer->kind == STAPES_GRU ? 3 : 1;
    r->out = layer->projection ? layer->projection : layer->hidden;
    r->parts = st_arena_take(&r->arena, (size_t)layer->layers * r->directions, sizeof *r->parts);
    if (!r->parts) status = st_error_set(weights->error, STAPES_ENOMEM, "no memory");
    weights->arena = &r->arena;
    for (uint32_t l = 0; l < layer->layers && status >= 0; l++)
        for (uint32_t d = 0; d < r->directions && status >= 0; d++)
            status = open_part(r, weights, l, d > 0, r->parts + l * r->directions + d);
    r->layer.name = NULL; /* the caller's */
    if (status >= 0) return r;
    stapes_close_recurrent(r);
    return NULL;
}

stapes_recurrent *stapes_open_recurrent(const stapes_layer *layer, const stapes_tensors *tensors,
                                        stapes_error *error)
{
    st_weights weights = {.tensors = tensors, .error = error};
    return st_layer_check(layer, error) < 0 ? NULL : st_recurrent_open(layer, &weights);
}

void stapes_close_recurrent(stapes_recurrent *recurrent)
{
    if (!recurrent) return;
    st_arena_close(&recurrent->arena);
    free(recurrent);
}

/* ---- room ------------------------------------------------------------------------------------------- */

/* Offsets of the parts of a call's room, in floats. */
typedef struct plan {
    size_t gates, sums, cells, h, c, between, total;
} plan;

/* Puts a part of a * b * c floats behind the total. False if it would be too large. */
static bool reserve(plan *p, size_t *offset, size_t a, size_t b, size_t c)
{
    size_t n;
    if (__builtin_mul_overflow(a, b, &n) || __builtin_mul_overflow(n, c, &n) || n > PTRDIFF_MAX / 8)
        return false;
    *offset = p->total;
    p->total += (n + 15) / 16 * 16;
    return p->total <= PTRDIFF_MAX / 8;
}

static bool make_plan(const stapes_recurrent *r, uint32_t batch, uint32_t rows, plan *p)
{
    size_t b = batch, hidden = r->layer.hidden, width = r->gates * hidden;
    *p = (plan){0};
    return reserve(p, &p->gates, b, rows < BLOCK ? rows : BLOCK, width) &&
           reserve(p, &p->sums, b, width, 1) && reserve(p, &p->cells, b, hidden, 1) &&
           reserve(p, &p->h, b, r->out, 1) && reserve(p, &p->c, b, hidden, 1) &&
           reserve(p, &p->between, r->layer.layers > 1 ? b : 0, rows, (size_t)r->out * r->directions);
}

size_t stapes_recurrent_room(const stapes_recurrent *recurrent, uint32_t batch, uint32_t rows)
{
    plan p;
    return make_plan(recurrent, batch, rows, &p) ? p.total : 0;
}

/* ---- one step of one sequence -------------------------------------------------------------------------- */

/* x, s (hidden): the input's and the state's share of the sum; h (hidden) becomes the new state */
static void rnn_step(uint32_t n, bool relu, const float *x, const float *s, float *h)
{
    for (uint32_t j = 0; j < n; j++) {
        float sum = x[j] + s[j];
        h[j] = relu ? st_activation_relu(sum) : tanhf(sum);
    }
}

/* x, s (3 * hidden): r z n */
static void gru_step(uint32_t n, const float *x, const float *s, float *h)
{
    for (uint32_t j = 0; j < n; j++) {
        float reset = st_activation_sigmoid(x[j] + s[j]);
        float update = st_activation_sigmoid(x[n + j] + s[n + j]);
        float fresh = tanhf(x[2 * n + j] + reset * s[2 * n + j]);
        h[j] = (1.0f - update) * fresh + update * h[j];
    }
}

/* x, s (4 * hidden): i f g o; out (hidden): what the cell shows */
static void lstm_step(uint32_t n, const float *x, const float *s, float *c, float *out)
{
    for (uint32_t j = 0; j < n; j++) {
        float in = st_activation_sigmoid(x[j] + s[j]);
        float keep = st_activation_sigmoid(x[n + j] + s[n + j]);
        float fresh = tanhf(x[2 * n + j] + s[2 * n + j]);
        float show = st_activation_sigmoid(x[3 * n + j] + s[3 * n + j]);
        c[j] = keep * c[j] + in * fresh;
        out[j] = show * tanhf(c[j]);
    }
}

/* ---- one layer and direction -----------------------------------------------------------------------------
 */

typedef struct pass {
    const stapes_recurrent     *r;
    const stapes_recurrent_run *run;
    const part                 *p;
    bool                        reverse;
    uint32_t                    in;    /* numbers of an input row */
    const float                *x;     /* (B, T, in) */
    float                      *y;     /* (B, T, D*P), at this direction's first column */
    float                      *h, *c; /* (B, P), (B, H) */
    float                      *gates; /* (B, block, G*H) */
    float                      *sums;  /* (B, G*H) */
    float                      *cells; /* (B, H) */
} pass;

static uint32_t length_of(const pass *q, uint32_t b)
{
    return q->run->lengths ? q->run->lengths[b] : q->run->rows;
}

/* Steps of sequence b within the block at `from`, and the first of their rows. */
static uint32_t steps_of(const pass *q, uint32_t b, uint32_t from, uint32_t *row)
{
    uint32_t length = length_of(q, b), left = length > from ? length - from : 0,
             n = left < BLOCK ? left : BLOCK;
    *row = q->reverse ? left - n : from;
    return n;
}

static void compute_inputs(const pass *q, uint32_t from)
{
    size_t width = q->p->input.out, block = q->run->rows < BLOCK ? q->run->rows : BLOCK;
    for (uint32_t b = 0; b < q->run->batch; b++) {
        uint32_t     row, n = steps_of(q, b, from, &row);
        const float *x = q->x + ((size_t)b * q->run->rows + row) * q->in;
        st_matrix_product(&q->p->input, x, q->in, n, q->gates + b * block * width, width);
    }
}

/* Step `step` of sequences first ... end - 1, all still running; the block began at `from`. */
static void compute_step(const pass *q, uint32_t from, uint32_t step, uint32_t first, uint32_t end)
{
    const stapes_layer *layer = &q->r->layer;
    size_t hidden = layer->hidden, width = q->p->state.out, out = q->r->out, y_step = out * q->r->directions;
    size_t block = q->run->rows < BLOCK ? q->run->rows : BLOCK, count = end - first;
    float *h = q->h + first * out;
    bool   projects = layer->projection > 0;
    st_matrix_product(&q->p->state, h, out, count, q->sums + first * width, width);
    for (uint32_t b = first; b < end; b++) {
        uint32_t     row, n = steps_of(q, b, from, &row), at = step - from;
        const float *x = q->gates + (b * block + (q->reverse ? n - 1 - at : at)) * width;
        const float *s = q->sums + b * width;
        float       *state = q->h + b * out;
        switch (layer->kind) {
        case STAPES_RNN: rnn_step(layer->hidden, layer->activation == STAPES_RELU, x, s, state); break;
        case STAPES_GRU: gru_step(layer->hidden, x, s, state); break;
        default:
            lstm_step(layer->hidden, x, s, q->c + b * hidden, projects ? q->cells + b * hidden : state);
            break;
        }
    }
    if (projects) st_matrix_product(&q->p->projection, q->cells + first * hidden, hidden, count, h, out);
    for (uint32_t b = first; b < end; b++) {
        size_t row = q->reverse ? length_of(q, b) - 1 - step : step;
        memcpy(q->y + ((size_t)b * q->run->rows + row) * y_step, q->h + b * out, out * sizeof(float));
    }
}

static int run_pass(const pass *q)
{
    const stapes_recurrent_run *run = q->run;
    for (uint32_t from = 0; from < run->rows; from += BLOCK) {
        if (run->callbacks && run->callbacks->canceled && run->callbacks->canceled(run->callbacks->user))
            return STAPES_ECANCELED;
        uint32_t left = run->rows - from, n = left < BLOCK ? left : BLOCK;
        compute_inputs(q, from);
        for (uint32_t step = from; step < from + n; step++)
            for (uint32_t b = 0, first; b < run->batch; b++) {
                for (first = b; b < run->batch && length_of(q, b) > step;) b++;
                if (b > first) compute_step(q, from, step, first, b);
            }
    }
    return STAPES_OK;
}

int stapes_run_recurrent(const stapes_recurrent *recurrent, const stapes_recurrent_run *run)
{
    const stapes_recurrent *r = recurrent;
    uint32_t                directions = r->directions, levels = r->layer.layers;
    size_t                  batch = run->batch, width = (size_t)r->out * directions, hidden = r->layer.hidden;
    plan                    p;
    const float            *x = run->x;
    if (!make_plan(r, run->batch, run->rows, &p)) return STAPES_ENOMEM;
    for (size_t b = 0; run->lengths && b < batch; b++)
        if (run->lengths[b] > run->rows) return STAPES_ECONTRACT;

    for (uint32_t level = 0; level < levels; level++) {
        /* the outputs of levels alternate between two places so that the last one's are in y */
        float *y = (levels - 1 - level) % 2 ? run->room + p.between : run->y;
        for (uint32_t d = 0; d < directions; d++) {
            size_t index = (size_t)level * directions + d;
            pass   q = {.r = r,
                        .run = run,
                        .p = r->parts + index,
                        .reverse = d > 0,
                        .in = r->parts[index].input.in,
                        .x = x,
                        .y = y + d * r->out,
                        .h = run->h ? run->h + index * batch * r->out : run->room + p.h,
                        .c = run->c ? run->c + index * batch * hidden : run->room + p.c,
                        .gates = run->room + p.gates,
                        .sums = run->room + p.sums,
                        .cells = run->room + p.cells};
            if (!run->h) memset(q.h, 0, batch * r->out * sizeof *q.h);
            if (!run->c) memset(q.c, 0, batch * hidden * sizeof *q.c);
            int status = run_pass(&q);
            if (status < 0) return status;
        }
        for (size_t b = 0; run->lengths && b < batch; b++)
            memset(y + (b * run->rows + run->lengths[b]) * width, 0,
                   (run->rows - run->lengths[b]) * width * sizeof *y);
        x = y;
    }
    return STAPES_OK;
}
