/* stream.c - sequences on their way through a network; see stapes/kit/network.h.
 *
 * Layer after layer computes all rows of a call. A convolution keeps the rows that later kernels still
 * reach; a recurrent layer keeps its states. Everything is allocated when the stream is opened. Streams that
 * are computed together use the memory of the longest: what serves one long sequence serves as many rows of
 * several shorter ones, so a batch needs no memory of its own. */
#include "kit/network/stream.h"

#include "contract/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- memory --------------------------------------------------------------------------------------- */

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

/* Room for any batch whose streams times rows are at most `rows`; 0 if that is more than memory can have. */
static size_t room_of(const stapes_recurrent *recurrent, uint32_t most, size_t rows)
{
    size_t room = 0;
    for (uint32_t streams = 1; streams <= most; streams++) {
        size_t needed = stapes_recurrent_room(recurrent, streams, (uint32_t)(rows / streams));
        if (!needed) return 0;
        if (needed > room) room = needed;
    }
    return room;
}

/* `rows`: of a single stream's call; `all`: of a batch. */
static bool take_layer(stapes_stream *s, uint32_t i, size_t rows, size_t all, size_t *room, size_t *states,
                       size_t *total)
{
    const st_network_layer *l = s->network->layers + i;
    const stapes_layer     *layer = &l->layer;
    st_stream_kept         *k = s->layers + i;
    size_t                  parts = (size_t)layer->layers * (layer->bidirectional ? 2 : 1), needed;
    if (layer->kind == STAPES_LINEAR) return true;
    if (layer->kind == STAPES_CONV1D)
        return (k->rows = take(s, rows + layer->kernel + 2 * (size_t)layer->padding, layer->in, total));
    needed = room_of(l->recurrent, s->most, all);
    k->h_size = parts * (layer->projection ? layer->projection : layer->hidden);
    k->c_size = parts * layer->hidden;
    if (!needed) *total = SIZE_MAX;
    if (needed > *room) *room = needed;
    if (k->h_size + k->c_size > *states) *states = k->h_size + k->c_size;
    return needed && (k->h = take(s, k->h_size, 1, total)) && (k->c = take(s, k->c_size, 1, total));
}

static bool take_all(stapes_stream *s, size_t *total)
{
    const stapes_network *n = s->network;
    size_t                rows = s->capacity, all = rows, widest = 0, room = 0, states = 0, window = 0, out;
    if (s->most > 1 && __builtin_mul_overflow(rows, (size_t)n->shape.in, &widest)) widest = SIZE_MAX;
    for (uint32_t i = 0; i < n->count; i++) {
        const stapes_layer *layer = &n->layers[i].layer;
        if (!take_layer(s, i, rows, all, &room, &states, total)) return false;
        size_t numbers = (size_t)layer->kernel * layer->in;
        if (layer->kind == STAPES_CONV1D && numbers <= ST_STREAM_WINDOW && numbers > window) window = numbers;
        rows = st_stream_most_rows(layer, rows, 1);
        all = st_stream_most_rows(layer, all, s->most);
        if (layer->kind == STAPES_CONV1D || layer->kind == STAPES_LINEAR) {
            size_t needed = st_matrix_room(&n->layers[i].matrix, all);
            if (needed > room) room = needed;
        }
        if (all > UINT32_MAX || __builtin_mul_overflow(all, (size_t)st_layer_width(layer), &out)) {
            *total = SIZE_MAX;
            return false;
        }
        if (out > widest) widest = out;
    }
    return (s->out[0] = take(s, widest, 1, total)) && (s->out[1] = take(s, widest, 1, total)) &&
           (s->states = take(s, s->most > 1 ? s->most : 0, states, total)) &&
           (s->windows = take(s, s->most > 1 ? ST_STREAM_MOST : 0, window, total)) &&
           (s->room = take(s, room, 1, total));
}

stapes_stream *stapes_open_stream(const stapes_network *network, uint32_t rows, stapes_error *error)
{
    stapes_stream *s = calloc(1, sizeof *s);
    size_t         total = 0;
    if (s) {
        s->network = network;
        s->capacity = rows ? rows : 1;
        s->most = s->capacity < ST_STREAM_MOST ? s->capacity : ST_STREAM_MOST;
        s->layers = st_arena_take(&s->arena, network->count, sizeof *s->layers);
        s->blocks = st_arena_take(&s->arena, 3 * (size_t)network->count + 5, sizeof *s->blocks);
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
        st_stream_kept     *k = stream->layers + i;
        k->n = k->skip = 0;
        if (k->rows) {
            k->n = layer->padding;
            memset(k->rows, 0, (size_t)layer->padding * layer->in * sizeof(float));
        }
        if (k->h) memset(k->h, 0, k->h_size * sizeof(float));
        if (k->c) memset(k->c, 0, k->c_size * sizeof(float));
    }
}

/* ---- calls ---------------------------------------------------------------------------------------- */

enum { AT_ONCE = 64 }; /* runs that are put in order together */

/* Whether all runs may be computed: nothing is, otherwise. */
static int check(stapes_stream_run *runs, uint32_t count)
{
    uint32_t n = 0;
    int      status = STAPES_OK;
    for (; n < count; n++) {
        stapes_stream *s = runs[n].stream;
        if (s->taken || s->network != runs[0].stream->network || runs[n].rows > s->capacity ||
            (s->network->shape.bidirectional && (s->begun || !runs[n].last))) {
            status = STAPES_ECONTRACT;
            break;
        }
        s->taken = true;
    }
    while (n-- > 0) runs[n].stream->taken = false;
    return status;
}

/* Those that have something to compute, the longest first; the others are done with that. */
static uint32_t sort(stapes_stream_run *runs, uint32_t count, stapes_stream_run **sorted)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < count; i++) {
        stapes_stream_run *run = runs + i;
        uint32_t           at = n;
        run->y = run->stream->out[0];
        run->out_rows = 0;
        if (!run->rows && !run->stream->begun) continue; /* without rows not even padding comes out */
        run->stream->begun = true;
        for (; at > 0 && sorted[at - 1]->rows < run->rows; at--) sorted[at] = sorted[at - 1];
        sorted[at] = run;
        n++;
    }
    return n;
}

/* How many of `count` runs, the longest first, go into the next batch. */
static uint32_t next_batch(stapes_stream_run *const *sorted, uint32_t count)
{
    const stapes_stream *first = sorted[0]->stream;
    uint32_t             most = sorted[0]->rows ? first->capacity / sorted[0]->rows : first->most, batches;
    if (most > first->most) most = first->most;
    batches = (count + most - 1) / most;
    return (count + batches - 1) / batches; /* 5 and 4, where 8 and 1 would do */
}

int stapes_run_streams(stapes_stream_run *runs, uint32_t count, const stapes_callbacks *callbacks)
{
    stapes_stream_run *sorted[AT_ONCE];
    int                status = check(runs, count);
    for (uint32_t from = 0; from < count && status >= 0; from += AT_ONCE) {
        uint32_t n = sort(runs + from, count - from < AT_ONCE ? count - from : AT_ONCE, sorted);
        for (uint32_t at = 0, batch; at < n && status >= 0; at += batch) {
            batch = next_batch(sorted + at, n - at);
            status = st_stream_layers_run(sorted + at, batch, callbacks);
        }
    }
    return status;
}

int64_t stapes_run_stream(stapes_stream *stream, const float *x, uint32_t rows, bool last, const float **y,
                          const stapes_callbacks *callbacks)
{
    stapes_stream_run run = {.stream = stream, .x = x, .rows = rows, .last = last};
    int               status = stapes_run_streams(&run, 1, callbacks);
    *y = status < 0 ? stream->out[0] : run.y;
    return status < 0 ? status : (int64_t)run.out_rows;
}
