/* recurrent.c - stacks of RNN, GRU and LSTM layers; see stapes/kit/network.h.
 *
 * Layer after layer; of a layer the two directions, and parts of a large batch, by as many threads as there
 * are (recurrent_pass.c has what one of them does). */
#include <stapes/kit/network.h>

#include "contract/arena.h"
#include "contract/error.h"
#include "kit/network/recurrent.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stapes_recurrent {
    stapes_layer layer;
    uint32_t     directions, out; /* out: of one direction */
    st_cell     *cells;           /* (layers, directions) */
    st_arena     arena;
};

/* ---- weights ---------------------------------------------------------------------------------------- */

static int open_cell(stapes_recurrent *r, st_weights *weights, uint32_t level, bool reverse, st_cell *cell)
{
    enum { INPUT, STATE, INPUT_BIAS, STATE_BIAS, PROJECTION, N };
    static const char *const kinds[N] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"};
    const stapes_layer      *layer = &r->layer;
    uint32_t                 gates = layer->kind == STAPES_LSTM ? 4 : layer->kind == STAPES_GRU ? 3 : 1;
    char                     names[N][256];
    st_matrix_plan           plan = {.out = gates * layer->hidden,
                                     .in = level ? r->out * r->directions : layer->in,
                                     .gates = gates,
                                     .order = gates > 1 ? ST_BY_GATES : ST_IN_ORDER};
    for (int i = 0; i < N; i++) {
        int n = snprintf(names[i], sizeof names[i], "%s%s%s_l%u%s", layer->name, *layer->name ? "." : "",
                         kinds[i], level, reverse ? "_reverse" : "");
        if (n < 0 || (size_t)n >= sizeof names[i])
            return st_error_set(weights->error, STAPES_EMODEL, "layer name '%.60s...' is too long",
                                layer->name);
    }
    cell->kind = layer->kind;
    cell->out = r->out;
    cell->relu = layer->activation == STAPES_RELU;
    plan.name = names[INPUT];
    plan.bias = layer->bias ? names[INPUT_BIAS] : NULL;
    int status = st_matrix_open(&cell->input, weights, &plan);
    if (status < 0) return status;
    plan.name = names[STATE];
    plan.bias = layer->bias ? names[STATE_BIAS] : NULL;
    plan.in = r->out;
    plan.few_rows = true;
    status = st_matrix_open(&cell->state, weights, &plan);
    if (status < 0 || !layer->projection) return status;
    plan = (st_matrix_plan){
        .name = names[PROJECTION], .out = layer->projection, .in = layer->hidden, .few_rows = true};
    return st_matrix_open(&cell->projection, weights, &plan);
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
    r->out = layer->projection ? layer->projection : layer->hidden;
    r->cells = st_arena_take(&r->arena, (size_t)layer->layers * r->directions, sizeof *r->cells);
    if (!r->cells) status = st_error_set(weights->error, STAPES_ENOMEM, "no memory");
    weights->arena = &r->arena;
    for (uint32_t l = 0; l < layer->layers && status >= 0; l++)
        for (uint32_t d = 0; d < r->directions && status >= 0; d++)
            status = open_cell(r, weights, l, d > 0, r->cells + l * r->directions + d);
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

/* ---- a call ---------------------------------------------------------------------------------------------
 */

/* The room of a call: first what the largest level's directions need, then, with several levels, a level's
 * outputs. False if it is more than memory can have. */
static bool plan_room(const stapes_recurrent *r, uint32_t batch, uint32_t rows, size_t *between,
                      size_t *total)
{
    size_t       most = 0, width = (size_t)r->out * r->directions, n = 0;
    st_pass_plan plan;
    for (uint32_t i = 0; i < r->layer.layers * r->directions; i++) {
        if (!st_pass_make_plan(r->cells + i, batch, rows, &plan)) return false;
        if (plan.total > most) most = plan.total;
    }
    if (r->layer.layers > 1 &&
        (__builtin_mul_overflow((size_t)batch * rows, width, &n) || n > PTRDIFF_MAX / 8))
        return false;
    *between = most * r->directions;
    *total = *between + n;
    return *total <= PTRDIFF_MAX / 8;
}

size_t stapes_recurrent_room(const stapes_recurrent *recurrent, uint32_t batch, uint32_t rows)
{
    size_t between, total;
    return plan_room(recurrent, batch, rows, &between, &total) ? total : 0;
}

/* One level: its directions, each in `parts` of the batch, each part by a team. */
typedef struct job {
    st_pass     passes[2];
    st_team     teams[2];
    uint32_t    batch, parts, directions, first; /* `first` of the directions */
    atomic_bool canceled;
} job;

static int run_range(job *j, uint32_t direction, uint32_t part)
{
    uint64_t batch = j->batch;
    return st_pass_run(&j->passes[direction], (uint32_t)(batch * part / j->parts),
                       (uint32_t)(batch * (part + 1) / j->parts));
}

/* First those that lead or work alone, part after part, then the members of the teams. */
static void run_part(void *argument, uint32_t i)
{
    job     *j = argument;
    uint32_t leaders = j->directions * j->parts, direction = j->first + i / j->parts % j->directions;
    st_team *team = j->passes[direction].team;
    if (i >= leaders) {
        st_team_join(team, i / leaders);
        return;
    }
    if (!atomic_load_explicit(&j->canceled, memory_order_relaxed) &&
        run_range(j, direction, i % j->parts) == STAPES_ECANCELED)
        atomic_store_explicit(&j->canceled, true, memory_order_relaxed);
    if (team) st_team_end(team);
}

/* How a level is divided among threads.
 *
 * Where the weights of a state are larger than what one processor's nearest caches hold, each thread takes a
 * share of the units, and with fewer threads than two for each direction one direction follows the other.
 * Otherwise the directions run side by side, and where there are more threads, parts of the batch; but not so
 * many that a part has few sequences, since each part reads all weights. */
typedef struct division {
    uint32_t at_once; /* directions */
    uint32_t parts, team;
} division;

static division divide(const stapes_recurrent *r, const st_cell *cell, const stapes_recurrent_run *run)
{
    enum { FEW = 4, LARGE = 1 << 20, LEAST_SHARE = 1 << 18 };
    /* with several sequences arithmetic is what counts, unless the weights come from far */
    uint64_t                large = run->batch < FEW ? LARGE : 2 * LARGE;
    const stapes_callbacks *callbacks = run->callbacks;
    uint32_t                threads = callbacks && callbacks->parallel ? callbacks->threads : 1;
    uint64_t                bytes = st_matrix_bytes(&cell->state);
    division                d = {r->directions, 1, 1};
    if (threads > 1 && bytes > large) {
        if (threads < 2 * r->directions) d.at_once = 1;
        d.team = threads / d.at_once;
        if (d.team > bytes / LEAST_SHARE) d.team = (uint32_t)(bytes / LEAST_SHARE);
        if (d.team > ST_TEAM_MOST) d.team = ST_TEAM_MOST;
        return d;
    }
    d.parts = (threads + r->directions - 1) / r->directions;
    if (d.parts > run->batch / FEW) d.parts = run->batch / FEW;
    if (!d.parts) d.parts = 1;
    return d;
}

/* All of a level; false if it was canceled. */
static bool run_level(job *j, division d, const stapes_callbacks *callbacks)
{
    uint32_t directions = j->directions;
    j->parts = d.parts;
    for (uint32_t i = 0; d.team > 1 && i < directions; i++) {
        st_team_open(&j->teams[i], d.team);
        j->passes[i].team = &j->teams[i];
    }
    j->directions = d.at_once;
    for (j->first = 0; j->first < directions; j->first += d.at_once) {
        uint32_t items = d.at_once * d.parts * d.team;
        if (callbacks && callbacks->parallel && items > 1)
            callbacks->parallel(callbacks->user, items, run_part, j);
        else
            for (uint32_t i = 0; i < items; i++) run_part(j, i);
    }
    return !atomic_load(&j->canceled);
}

int stapes_run_recurrent(const stapes_recurrent *recurrent, const stapes_recurrent_run *run)
{
    const stapes_recurrent *r = recurrent;
    uint32_t                directions = r->directions, levels = r->layer.layers;
    size_t                  batch = run->batch, width = (size_t)r->out * directions, between, total;
    const float            *x = run->x;
    if (!plan_room(r, run->batch, run->rows, &between, &total)) return STAPES_ENOMEM;
    for (size_t b = 0; run->lengths && b < batch; b++)
        if (run->lengths[b] > run->rows) return STAPES_ECONTRACT;

    for (uint32_t level = 0; level < levels; level++) {
        /* the outputs of levels alternate between two places so that the last one's are in y */
        float       *y = (levels - 1 - level) % 2 ? run->room + between : run->y;
        st_pass_plan plans[2];
        job          j = {.batch = run->batch, .directions = directions};
        for (uint32_t d = 0; d < directions; d++) {
            size_t         index = (size_t)level * directions + d;
            const st_cell *cell = r->cells + index;
            (void)st_pass_make_plan(cell, run->batch, run->rows, &plans[d]);
            j.passes[d] = (st_pass){
                .cell = cell,
                .run = run,
                .plan = &plans[d],
                .x = x,
                .y = y + (size_t)d * r->out,
                .y_step = width,
                .h = run->h ? run->h + index * batch * r->out : NULL,
                .c = run->c && cell->kind == STAPES_LSTM ? run->c + index * batch * r->layer.hidden : NULL,
                .room = run->room + d * (between / directions),
                .reverse = d > 0};
        }
        if (!run_level(&j, divide(r, j.passes[0].cell, run), run->callbacks)) return STAPES_ECANCELED;
        for (size_t b = 0; run->lengths && b < batch; b++)
            memset(y + (b * run->rows + run->lengths[b]) * width, 0,
                   (run->rows - run->lengths[b]) * width * sizeof *y);
        x = y;
    }
    return STAPES_OK;
}
