/* stream_layers.c - the rows of several streams go through the layers together; see stream.h.
 *
 * Between layers the rows lie as (streams, most rows of one, numbers): a recurrent layer computes all
 * sequences in one batch, and where each has few rows, a product reads its weights once for all of them.
 * Rows are independent of their neighbours, so each stream gets the bits that it would get alone. */
#include "kit/network/stream.h"

#include <stapes/kit/functions.h>

#include <string.h>

/* Up to so many rows of each stream a product is computed of all rows at once, also of those behind the end
 * of a shorter stream; those cost less than reading the weights again. */
enum { FEW_ROWS = 16 };

/* The batch on its way. */
typedef struct batch {
    stapes_stream_run *const *runs;
    stapes_stream            *first; /* whose memory is used */
    uint32_t                  count;
    uint32_t                  most;                 /* T: rows from one stream's begin to the next one's */
    uint32_t                  rows[ST_STREAM_MOST]; /* of each stream */
    const stapes_callbacks   *callbacks;
} batch;

size_t st_stream_most_rows(const stapes_layer *layer, size_t rows, size_t streams)
{
    if (layer->kind != STAPES_CONV1D) return rows;
    return (rows + streams * (layer->kernel + 2 * (size_t)layer->padding)) / layer->stride + streams;
}

static void activate(uint32_t kind, float *x, size_t count)
{
    switch (kind) {
    case STAPES_RELU: stapes_relu(x, x, count); break;
    case STAPES_TANH: stapes_tanh(x, x, count); break;
    case STAPES_SIGMOID: stapes_sigmoid(x, x, count); break;
    default: break;
    }
}

/* Rows that lie side by side from stream *i on, which moves behind them. */
static size_t next_piece(const batch *b, uint32_t *i)
{
    uint32_t from = *i, end = from;
    size_t   rows = 0;
    if (b->most <= FEW_ROWS) end = b->count - 1;
    while (end + 1 < b->count && b->rows[end] == b->most) end++;
    rows = (size_t)(end - from) * b->most + (b->most <= FEW_ROWS ? b->most : b->rows[end]);
    *i = end + 1;
    return rows;
}

/* x (streams, T, in) -> y (streams, T, out) */
static void run_linear(const batch *b, const st_network_layer *l, const float *x, float *y)
{
    size_t in = l->layer.in, out = l->layer.out;
    for (uint32_t i = 0; i < b->count;) {
        size_t at = (size_t)i * b->most, rows = next_piece(b, &i);
        st_matrix_product(&l->matrix, x + at * in, in, rows, y + at * out, out, b->first->room, b->callbacks);
        activate(l->layer.activation, y + at * out, rows * out);
    }
}

/* ---- convolution ---------------------------------------------------------------------------------- */

/* Puts rows behind those that are held; returns how many rows come out. */
static uint32_t take_rows(const stapes_layer *layer, st_stream_kept *k, const float *x, uint32_t rows,
                          bool last)
{
    size_t   in = layer->in;
    uint32_t skip = k->skip < rows ? k->skip : rows;
    if (rows > skip) memcpy(k->rows + k->n * in, x + skip * in, (rows - skip) * in * sizeof *x);
    k->n += rows - skip;
    k->skip -= skip;
    if (last) {
        /* zeros that lie under a gap between kernels need not be dropped: no kernel follows */
        memset(k->rows + k->n * in, 0, layer->padding * in * sizeof *x);
        k->n += layer->padding;
        if (k->skip) return 0;
    }
    return k->n < layer->kernel ? 0 : (k->n - layer->kernel) / layer->stride + 1;
}

/* Drops the rows that n kernels were computed of. */
static void drop_rows(const stapes_layer *layer, st_stream_kept *k, uint32_t n)
{
    size_t   in = layer->in;
    uint32_t used = n * layer->stride;
    if (used > k->n) {
        k->skip = used - k->n;
        used = k->n;
    }
    k->n -= used;
    memmove(k->rows, k->rows + used * in, k->n * in * sizeof *k->rows);
}

/* held rows -> y (streams, T, out), stream after stream */
static void convolve_each(const batch *b, uint32_t layer, const st_network_layer *l, float *y)
{
    size_t step = (size_t)l->layer.stride * l->layer.in, out = l->layer.out;
    for (uint32_t i = 0; i < b->count; i++, y += b->most * out) {
        size_t n = b->rows[i];
        st_matrix_product(&l->matrix, b->runs[i]->stream->layers[layer].rows, step, n, y, out, b->first->room,
                          b->callbacks);
        activate(l->layer.activation, y, n * out);
        memset(y + n * out, 0, (b->most - n) * out * sizeof *y);
    }
}

/* The same for few rows: what their kernels see is copied together, for one product. */
static void convolve_windows(const batch *b, uint32_t layer, const st_network_layer *l, float *y)
{
    size_t step = (size_t)l->layer.stride * l->layer.in, size = (size_t)l->layer.kernel * l->layer.in;
    size_t rows = (size_t)b->count * b->most, out = l->layer.out;
    float *to = b->first->windows;
    for (uint32_t i = 0; i < b->count; i++) {
        const float *held = b->runs[i]->stream->layers[layer].rows;
        for (uint32_t r = 0; r < b->most; r++, to += size)
            if (r < b->rows[i])
                memcpy(to, held + r * step, size * sizeof *to);
            else
                memset(to, 0, size * sizeof *to);
    }
    st_matrix_product(&l->matrix, b->first->windows, size, rows, y, out, b->first->room, b->callbacks);
    activate(l->layer.activation, y, rows * out);
}

/* x (streams, T, in) -> y (streams, new T, out) */
static void run_convolution(batch *b, uint32_t layer, const st_network_layer *l, const float *x, float *y)
{
    size_t   in = l->layer.in;
    uint32_t most = 0;
    for (uint32_t i = 0; i < b->count; i++) {
        st_stream_kept *k = b->runs[i]->stream->layers + layer;
        b->rows[i] = take_rows(&l->layer, k, x + (size_t)i * b->most * in, b->rows[i], b->runs[i]->last);
        if (b->rows[i] > most) most = b->rows[i];
    }
    b->most = most;
    if (b->count > 1 && b->count * most <= ST_STREAM_MOST && l->layer.kernel * in <= ST_STREAM_WINDOW)
        convolve_windows(b, layer, l, y);
    else
        convolve_each(b, layer, l, y);
    for (uint32_t i = 0; i < b->count; i++)
        drop_rows(&l->layer, b->runs[i]->stream->layers + layer, b->rows[i]);
}

/* ---- recurrent layers ----------------------------------------------------------------------------- */

/* Copies states between those of the streams, (parts, n) each, and those of the batch, (parts, streams, n).
 */
static void move_states(const batch *b, uint32_t layer, bool cells, float *all, size_t parts, bool back)
{
    for (uint32_t i = 0; i < b->count; i++) {
        st_stream_kept *k = b->runs[i]->stream->layers + layer;
        float          *own = cells ? k->c : k->h;
        size_t          n = (cells ? k->c_size : k->h_size) / parts;
        for (size_t part = 0; part < parts; part++) {
            float *there = all + (part * b->count + i) * n;
            memcpy(back ? own + part * n : there, back ? there : own + part * n, n * sizeof *all);
        }
    }
}

/* x (streams, T, in) -> y (streams, T, D*P) */
static int run_recurrent(const batch *b, uint32_t layer, const st_network_layer *l, const float *x, float *y)
{
    st_stream_kept      *k = b->first->layers + layer;
    size_t               parts = (size_t)l->layer.layers * (l->layer.bidirectional ? 2 : 1);
    stapes_recurrent_run run = {.batch = b->count,
                                .rows = b->most,
                                .x = x,
                                .y = y,
                                .h = k->h,
                                .c = k->c,
                                .room = b->first->room,
                                .callbacks = b->callbacks};
    if (b->count > 1) {
        run.lengths = b->rows;
        run.h = b->first->states;
        run.c = run.h + b->count * k->h_size;
        move_states(b, layer, false, run.h, parts, false);
        move_states(b, layer, true, run.c, parts, false);
    }
    int status = stapes_run_recurrent(l->recurrent, &run);
    if (b->count > 1 && status >= 0) {
        move_states(b, layer, false, run.h, parts, true);
        move_states(b, layer, true, run.c, parts, true);
    }
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------------ */

/* The input rows of all streams, as layers want them; of a single stream they lie so already. */
static const float *gather(const batch *b, float *to)
{
    size_t in = b->first->network->shape.in;
    if (b->count == 1) return b->runs[0]->x;
    for (uint32_t i = 0; i < b->count; i++, to += b->most * in) {
        size_t n = b->rows[i] * in;
        if (n) memcpy(to, b->runs[i]->x, n * sizeof *to);
        memset(to + n, 0, (b->most * in - n) * sizeof *to);
    }
    return to - b->count * b->most * in;
}

static int run_layer(batch *b, uint32_t layer, const float *x, float *y)
{
    const st_network_layer *l = b->first->network->layers + layer;
    switch (l->layer.kind) {
    case STAPES_LINEAR: run_linear(b, l, x, y); return STAPES_OK;
    case STAPES_CONV1D: run_convolution(b, layer, l, x, y); return STAPES_OK;
    default: return b->most ? run_recurrent(b, layer, l, x, y) : STAPES_OK;
    }
}

int st_stream_layers_run(stapes_stream_run *const *runs, uint32_t count, const stapes_callbacks *callbacks)
{
    batch b = {.runs = runs, .first = runs[0]->stream, .count = count, .callbacks = callbacks};
    const stapes_network *n = b.first->network;
    for (uint32_t i = 0; i < count; i++) {
        b.rows[i] = runs[i]->rows;
        if (b.rows[i] > b.most) b.most = b.rows[i];
    }
    const float *x = gather(&b, b.first->out[1]);
    for (uint32_t i = 0; i < n->count; i++) {
        if (callbacks && callbacks->canceled && callbacks->canceled(callbacks->user)) return STAPES_ECANCELED;
        int status = run_layer(&b, i, x, b.first->out[i % 2]);
        if (status < 0) return status;
        x = b.first->out[i % 2];
    }
    float *y = b.first->out[(n->count - 1) % 2];
    for (uint32_t i = 0; i < count; i++) {
        float *own = y + (size_t)i * b.most * n->shape.out;
        if (n->ending == STAPES_ENDS_LOG_SOFTMAX) stapes_log_softmax(own, own, b.rows[i], n->shape.out);
        runs[i]->y = own;
        runs[i]->out_rows = b.rows[i];
        if (runs[i]->last) stapes_reset_stream(runs[i]->stream);
    }
    return STAPES_OK;
}
