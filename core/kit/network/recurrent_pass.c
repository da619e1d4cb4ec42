/* recurrent_pass.c - one layer of a stack, in one direction, over some sequences of a batch.
 *
 * Blocks of steps: first the products of a block's inputs, many rows at once; then step after step what is
 * left to do, in one pass over the weights of the state: product, gates and cell of a few units at a time,
 * for all sequences that still run (kernels.h). The passes go over the weights forwards and backwards in
 * turn: what the nearest caches hold of the end of one is what the next begins with.
 *
 * Sequences are put in the order of their lengths, longest first: those that run are the first ones. */
#include "kit/network/recurrent.h"

#include <string.h>

enum {
    BLOCK_ROWS = 128, /* of inputs: their gates stay in the second cache beside the weights of the state */
    MOST_BLOCK = 128, /* steps */
    LINE = 16         /* floats of a cache line */
};

/* ---- room ------------------------------------------------------------------------------------------------
 */

/* Puts a * b * c floats, rounded up to whole lines for each of a, behind the total. */
static bool reserve(st_pass_plan *p, size_t *offset, size_t a, size_t b, size_t c)
{
    size_t n;
    if (__builtin_mul_overflow(b, c, &n) || n > PTRDIFF_MAX / 8) return false;
    n = (n + LINE - 1) / LINE * LINE;
    if (__builtin_mul_overflow(a, n, &n) || n > PTRDIFF_MAX / 8) return false;
    *offset = p->total;
    p->total += n;
    return p->total <= PTRDIFF_MAX / 8;
}

bool st_pass_make_plan(const st_cell *cell, uint32_t batch, uint32_t rows, st_pass_plan *p)
{
    size_t   b = batch, gates = cell->kind == STAPES_LSTM ? 4 : cell->kind == STAPES_GRU ? 3 : 1;
    uint32_t block = batch < BLOCK_ROWS ? BLOCK_ROWS / (batch ? batch : 1) : 1;
    size_t   pointers = 3 * sizeof(void *) / sizeof(float);
    *p = (st_pass_plan){0};
    if (block < 4) block = 4;
    if (block > MOST_BLOCK) block = MOST_BLOCK;
    p->block = rows < block ? rows : block;
    p->width = st_matrix_width(&cell->input);
    p->step = (st_matrix_width(&cell->state) / gates + LINE - 1) / LINE * LINE;
    if (p->step < cell->out) p->step = ((size_t)cell->out + LINE - 1) / LINE * LINE;
    p->q_input = st_matrix_room(&cell->input, p->block);
    p->q_state = st_matrix_room(&cell->state, 1);
    if (cell->projection.out && p->q_state < st_matrix_room(&cell->projection, 1))
        p->q_state = st_matrix_room(&cell->projection, 1);
    return reserve(p, &p->gates, b, p->block, p->width) && reserve(p, &p->h, b, 2, p->step) &&
           reserve(p, &p->c, b, 1, p->step) && reserve(p, &p->cells, b, 1, p->step) &&
           reserve(p, &p->rounded_input, b, 1, p->q_input) &&
           reserve(p, &p->rounded_state, b, 1, p->q_state) && reserve(p, &p->places, b, 1, pointers) &&
           reserve(p, &p->order, b, 1, 1);
}

/* ---- some sequences ---------------------------------------------------------------------------------------
 */

/* What one thread works with: `n` sequences in the order of their lengths. */
typedef struct work {
    const st_pass *pass;
    uint32_t       n;
    uint32_t      *order; /* (n): which of the batch */
    float         *gates; /* (n, block, width) */
    float         *h[2];  /* (n, step): before and after a step, in turn */
    float         *c;     /* (n, step) */
    float         *cells; /* (n, step): what is projected */
    float         *rounded_input, *rounded_state;
    const void   **rows[2]; /* (n): rows of h */
    const void   **q;       /* (n): rows of h as int8 */
} work;

static uint32_t length_of(const st_pass *p, uint32_t b)
{
    return p->run->lengths ? p->run->lengths[b] : p->run->rows;
}

/* Longest first, else as they are. */
static void put_in_order(work *w, uint32_t first)
{
    for (uint32_t i = 0; i < w->n; i++) {
        uint32_t b = first + i, at = i;
        for (; at > 0 && length_of(w->pass, w->order[at - 1]) < length_of(w->pass, b); at--)
            w->order[at] = w->order[at - 1];
        w->order[at] = b;
    }
}

static uint32_t running(const work *w, uint32_t step)
{
    uint32_t n = w->n;
    while (n && length_of(w->pass, w->order[n - 1]) <= step) n--;
    return n;
}

/* A place of b's own in the room, from a part that has `floats` for each sequence. */
static float *place(const st_pass *p, size_t offset, uint32_t b, size_t floats)
{
    return p->room + offset + b * ((floats + LINE - 1) / LINE * LINE);
}

static void begin(work *w, const st_pass *p, uint32_t first, uint32_t end)
{
    const st_pass_plan *plan = p->plan;
    size_t              hidden = p->cell->kind == STAPES_LSTM ? p->cell->state.out / 4 : 0;
    *w = (work){.pass = p, .n = end - first};
    w->order = (uint32_t *)(void *)place(p, plan->order, first, 1);
    w->gates = place(p, plan->gates, first, plan->block * plan->width);
    w->h[0] = place(p, plan->h, first, 2 * plan->step);
    w->h[1] = w->h[0] + w->n * plan->step;
    w->c = place(p, plan->c, first, plan->step);
    w->cells = place(p, plan->cells, first, plan->step);
    w->rounded_input = place(p, plan->rounded_input, first, plan->q_input);
    w->rounded_state = place(p, plan->rounded_state, first, plan->q_state);
    w->rows[0] = (const void **)(void *)place(p, plan->places, first, 3 * sizeof(void *) / sizeof(float));
    w->rows[1] = w->rows[0] + w->n;
    w->q = w->rows[1] + w->n;
    put_in_order(w, first);
    memset(w->h[0], 0, 2 * w->n * plan->step * sizeof(float));
    memset(w->c, 0, w->n * plan->step * sizeof(float));
    for (uint32_t i = 0; i < w->n; i++) {
        size_t b = w->order[i];
        w->rows[0][i] = w->h[0] + i * plan->step;
        w->rows[1][i] = w->h[1] + i * plan->step;
        if (plan->q_state) w->q[i] = w->rounded_state + i * (plan->q_state - 1);
        if (p->h) memcpy(w->h[0] + i * plan->step, p->h + b * p->cell->out, p->cell->out * sizeof(float));
        if (p->c) memcpy(w->c + i * plan->step, p->c + b * hidden, hidden * sizeof(float));
    }
}

/* Row of sequence b at a step. */
static size_t row_of(const st_pass *p, uint32_t b, uint32_t step)
{
    return (size_t)b * p->run->rows + (p->reverse ? length_of(p, b) - 1 - step : step);
}

/* A piece of work whose panels the team divides. */
typedef struct piece {
    const st_cell *cell;
    st_rows        rows; /* of inputs; or */
    const st_step *step;
    float *const  *y;
    size_t         width;
    float         *room;
    const st_team *team; /* or NULL */
} piece;

static void compute_share(void *argument, uint32_t share)
{
    const piece *p = argument;
    size_t       count = p->step ? p->step->weights->panels_count : p->cell->input.packed.panels_count;
    size_t       first = p->team ? st_team_first(p->team, count, share) : 0;
    size_t       end = p->team ? st_team_first(p->team, count, share + 1) : count;
    if (!p->step) {
        st_matrix_multiply(&p->cell->input, &p->rows, first, end, p->y, p->width, p->room);
        return;
    }
    st_step s = *p->step;
    s.first = first;
    s.end = end;
    switch (p->cell->kind) {
    case STAPES_RNN: p->cell->state.kernels->rnn(&s); break;
    case STAPES_GRU: p->cell->state.kernels->gru(&s); break;
    default: p->cell->state.kernels->lstm(&s); break;
    }
}

static void compute(const work *w, piece *p)
{
    st_team *team = w->pass->team;
    p->cell = w->pass->cell;
    p->team = team;
    if (team)
        st_team_run(team, compute_share, p);
    else
        compute_share(p, 0);
}

/* The inputs' share of the steps from `from` on. */
static void compute_inputs(const work *w, uint32_t from)
{
    const st_pass      *p = w->pass;
    const st_pass_plan *plan = p->plan;
    const float        *x[ST_MATRIX_CHUNK];
    const void         *at[ST_MATRIX_CHUNK];
    float              *y[ST_MATRIX_CHUNK];
    size_t              n = 0, in = p->cell->input.in;
    for (uint32_t i = 0, count = running(w, from); i < count; i++) {
        uint32_t b = w->order[i], left = length_of(p, b) - from;
        uint32_t steps = left < plan->block ? left : plan->block;
        for (uint32_t step = 0; step < steps; step++) {
            x[n] = p->x + row_of(p, b, from + step) * in;
            y[n++] = w->gates + ((size_t)i * plan->block + step) * plan->width;
            if (n < ST_MATRIX_CHUNK && !(i + 1 == count && step + 1 == steps)) continue;
            piece inputs = {.rows = st_matrix_prepare(&p->cell->input, x, n, at, w->rounded_input),
                            .y = y,
                            .width = plan->width,
                            .room = w->rounded_input};
            compute(w, &inputs);
            n = 0;
        }
    }
}

static void compute_step(const work *w, uint32_t from, uint32_t step, uint32_t count)
{
    const st_pass      *p = w->pass;
    const st_cell      *cell = p->cell;
    const st_pass_plan *plan = p->plan;
    float              *now = w->h[step % 2], *next = w->h[(step + 1) % 2];
    bool                projects = cell->projection.out > 0, bytes = cell->state.packed.number == STAPES_I8;
    float              *scale = bytes ? w->rounded_state + w->n * (plan->q_state - 1) : NULL;
    st_step             s = {.weights = &cell->state.packed,
                             .state = {bytes ? w->q : w->rows[step % 2], scale, count},
                             .gates = w->gates + (size_t)(step - from) * plan->width,
                             .gates_step = plan->block * plan->width,
                             .was = now,
                             .c = w->c,
                             .out = projects ? w->cells : next,
                             .step = plan->step,
                             .backwards = step % 2,
                             .relu = cell->relu};
    for (uint32_t i = 0; bytes && i < count; i++)
        cell->state.kernels->quantize(now + i * plan->step, cell->state.in,
                                      w->rounded_state + i * (plan->q_state - 1), scale + i);
    compute(w, &(piece){.step = &s});
    if (projects)
        st_matrix_product(&cell->projection, w->cells, plan->step, count, next, plan->step, w->rounded_state,
                          NULL);
}

/* Outputs of a step, and the last states of sequences that end with it. */
static void keep(const work *w, uint32_t step, uint32_t count)
{
    const st_pass *p = w->pass;
    size_t         out = p->cell->out, hidden = p->c ? p->cell->state.out / 4 : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t     b = w->order[i];
        const float *h = w->h[(step + 1) % 2] + i * p->plan->step;
        memcpy(p->y + row_of(p, b, step) * p->y_step, h, out * sizeof *h);
        if (step + 1 < length_of(p, b)) continue;
        if (p->h) memcpy(p->h + b * out, h, out * sizeof *h);
        if (p->c) memcpy(p->c + b * hidden, w->c + i * p->plan->step, hidden * sizeof *h);
    }
}

int st_pass_run(const st_pass *pass, uint32_t first, uint32_t end)
{
    const stapes_callbacks *callbacks = pass->run->callbacks;
    uint32_t                block = pass->plan->block, rows = pass->run->rows;
    work                    w;
    begin(&w, pass, first, end);
    for (uint32_t from = 0; from < rows && running(&w, from); from += block) {
        if (callbacks && callbacks->canceled && callbacks->canceled(callbacks->user)) return STAPES_ECANCELED;
        compute_inputs(&w, from);
        for (uint32_t step = from, count; step < rows && step - from < block; step++) {
            if (!(count = running(&w, step))) break;
            compute_step(&w, from, step, count);
            keep(&w, step, count);
        }
    }
    return STAPES_OK;
}
