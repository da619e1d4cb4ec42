/* stream.c - one sequence on its way through a network; see stapes/kit/network.h.
 *
 * Layer after layer computes all rows of a call. A convolution keeps the rows that later kernels still
 * reach; a recurrent layer keeps its states. Everything is allocated when the stream is opened. */
#include "kit/weights.h"

#include "contract/error.h"

#include <stapes/kit/functions.h>

#include <stdlib.h>
#include <string.h>

/* What one layer keeps from call to call. */
typedef struct kept {
    float   *rows; /* conv1d: (capacity, in), the first n of them held from before */
    uint32_t n, skip;
    float   *h, *c; /* recurrent: (L*D, 1, P), (L*D, 1, H) */
    size_t   h_size, c_size;
} kept;

struct stapes_stream {
    const stapes_network *network;
    uint32_t              capacity; /* input rows of a call */
    bool                  begun;
    kept                 *layers;
    float                *out[2]; /* outputs of layers, in turn */
    float                *room;
    st_arena              arena; /* of `layers` */
    void                **blocks;
    uint32_t              n_blocks;
};

/* ---- memory ------------------------------------------------------------------------------------------- */

/* a * b floats, aligned to 64, not touched; 0 of them are one. Owned by the stream. */
static float *take(stapes_stream *s, size_t a, size_t b, size_t *total)
{
    size_t n;
    void  *block = NULL;
    if (__builtin_mul_overflow(a, b, &n) || n > PTRDIFF_MAX / 8) {
        *total = SIZE_MAX;
        return NULL;
    }
    *total = *total > SIZE_MAX / 2 ? *total : *total + n * sizeof(float);
    if (posix_memalign(&block, 64, (n ? n : 1) * sizeof(float)) != 0) return NULL;
    return s->blocks[s->n_blocks++] = block;
}

/* Most rows that a layer gives for one call of `rows` rows. */
static size_t most_rows(const stapes_layer *layer, size_t rows)
{
    if (layer->kind != STAPES_CONV1D) return rows;
    return (rows + layer->kernel + 2 * (size_t)layer->padding) / layer->stride + 1;
}

static bool take_all(stapes_stream *s, size_t *total)
{
    const stapes_network *n = s->network;
    size_t                rows = s->capacity, widest = 0, room = 0;
    for (uint32_t i = 0; i < n->count; i++) {
        const stapes_layer *layer = &n->layers[i].layer;
        kept               *k = s->layers + i;
        size_t              directions = layer->bidirectional ? 2 : 1;
        if (layer->kind == STAPES_CONV1D) {
            size_t held = rows + layer->kernel + 2 * (size_t)layer->padding;
            if (!(k->rows = take(s, held, layer->in, total))) return false;
        } else if (layer->kind != STAPES_LINEAR) {
            size_t needed = stapes_recurrent_room(n->layers[i].recurrent, 1, (uint32_t)rows);
            k->h_size = layer->layers * directions * (layer->projection ? layer->projection : layer->hidden);
            k->c_size = layer->layers * directions * layer->hidden;
            if (!needed) *total = SIZE_MAX;
            if (!needed || !(k->h = take(s, k->h_size, 1, total)) || !(k->c = take(s, k->c_size, 1, total)))
                return false;
            if (needed > room) room = needed;
        }
        rows = most_rows(layer, rows);
        if (layer->kind == STAPES_CONV1D || layer->kind == STAPES_LINEAR) {
            size_t needed = st_matrix_room(&n->layers[i].matrix, rows);
            if (needed > room) room = needed;
        }
        size_t out;
        if (rows > UINT32_MAX || __builtin_mul_overflow(rows, (size_t)st_layer_width(layer), &out)) {
            *total = SIZE_MAX;
            return false;
        }
        if (out > widest) widest = out;
    }
    return (s->out[0] = take(s, widest, 1, total)) && (s->out[1] = take(s, widest, 1, total)) &&
           (s->room = take(s, room, 1, total));
}

stapes_stream *stapes_open_stream(const stapes_network *network, uint32_t rows, stapes_error *error)
{
    stapes_stream *s = calloc(1, sizeof *s);
    size_t         total = 0;
    if (s) {
        s->network = network;
        s->capacity = rows ? rows : 1;
        s->layers = st_arena_take(&s->arena, network->count, sizeof *s->layers);
        s->blocks = st_arena_take(&s->arena, 3 * (size_t)network->count + 3, sizeof *s->blocks);
    }
    if (s && s->layers && s->blocks && take_all(s, &total)) {
        stapes_reset_stream(s);
        return s;
    }
    st_error_set(error, STAPES_ENOMEM, "no memory for %u rows at once in a network (over %.0f MB)", rows,
                 (double)total / 1e6);
    stapes_close_stream(s);
    return NULL;
}

void stapes_close_stream(stapes_stream *stream)
{
    if (!stream) return;
    for (uint32_t i = 0; i < stream->n_blocks; i++) free(stream->blocks[i]);
    st_arena_close(&stream->arena);
    free(stream);
}

void stapes_reset_stream(stapes_stream *stream)
{
    stream->begun = false;
    for (uint32_t i = 0; i < stream->network->count; i++) {
        const stapes_layer *layer = &stream->network->layers[i].layer;
        kept               *k = stream->layers + i;
        k->n = k->skip = 0;
        if (k->rows) {
            k->n = layer->padding;
            memset(k->rows, 0, (size_t)layer->padding * layer->in * sizeof(float));
        }
        if (k->h) memset(k->h, 0, k->h_size * sizeof(float));
        if (k->c) memset(k->c, 0, k->c_size * sizeof(float));
    }
}

/* ---- layers ------------------------------------------------------------------------------------------- */

/* x (rows, in) -> y; returns the rows of y */
static uint32_t convolve(stapes_stream *s, uint32_t i, const float *x, uint32_t rows, bool last, float *y,
                         const stapes_callbacks *callbacks)
{
    const st_network_layer *l = s->network->layers + i;
    kept                   *k = s->layers + i;
    const stapes_layer     *layer = &l->layer;
    size_t                  in = layer->in;
    uint32_t                skip = k->skip < rows ? k->skip : rows, n, used;
    if (rows > skip) memcpy(k->rows + k->n * in, x + skip * in, (rows - skip) * in * sizeof *x);
    k->n += rows - skip;
    k->skip -= skip;
    if (last) {
        /* zeros that lie under a gap between kernels need not be dropped: no kernel follows */
        memset(k->rows + k->n * in, 0, layer->padding * in * sizeof *x);
        k->n += layer->padding;
        if (k->skip) return 0;
    }
    n = k->n < layer->kernel ? 0 : (k->n - layer->kernel) / layer->stride + 1;
    st_matrix_product(&l->matrix, k->rows, layer->stride * in, n, y, layer->out, s->room, callbacks);
    used = n * layer->stride;
    if (used > k->n) {
        k->skip = used - k->n;
        used = k->n;
    }
    k->n -= used;
    memmove(k->rows, k->rows + used * in, k->n * in * sizeof *x);
    return n;
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

static int run_layer(stapes_stream *s, uint32_t i, const float *x, uint32_t *rows, bool last, float *y,
                     const stapes_callbacks *callbacks)
{
    const st_network_layer *l = s->network->layers + i;
    kept                   *k = s->layers + i;
    switch (l->layer.kind) {
    case STAPES_LINEAR:
        st_matrix_product(&l->matrix, x, l->layer.in, *rows, y, l->layer.out, s->room, callbacks);
        break;
    case STAPES_CONV1D: *rows = convolve(s, i, x, *rows, last, y, callbacks); break;
    default: {
        stapes_recurrent_run run = {.batch = 1,
                                    .rows = *rows,
                                    .x = x,
                                    .y = y,
                                    .h = k->h,
                                    .c = k->c,
                                    .room = s->room,
                                    .callbacks = callbacks};
        return *rows ? stapes_run_recurrent(l->recurrent, &run) : STAPES_OK;
    }
    }
    activate(l->layer.activation, y, (size_t)*rows * l->layer.out);
    return STAPES_OK;
}

int64_t stapes_run_stream(stapes_stream *stream, const float *x, uint32_t rows, bool last, const float **y,
                          const stapes_callbacks *callbacks)
{
    const stapes_network *n = stream->network;
    *y = stream->out[0];
    if (rows > stream->capacity || (n->shape.bidirectional && (stream->begun || !last)))
        return STAPES_ECONTRACT;
    if (!rows && !stream->begun) return 0; /* a segment without rows: not even padding comes out */
    stream->begun = true;
    for (uint32_t i = 0; i < n->count; i++) {
        if (callbacks && callbacks->canceled && callbacks->canceled(callbacks->user)) return STAPES_ECANCELED;
        float *out = stream->out[i % 2];
        int    status = run_layer(stream, i, x, &rows, last, out, callbacks);
        if (status < 0) return status;
        x = *y = out;
    }
    if (n->ending == STAPES_ENDS_LOG_SOFTMAX) {
        float *out = stream->out[(n->count - 1) % 2];
        stapes_log_softmax(out, out, rows, n->shape.out);
    }
    if (last) stapes_reset_stream(stream);
    return rows;
}
