/* parity_network.c - cases of recurrent stacks, of the layers around them, and of whole networks. */
#include "parity_kinds.h"

#include <string.h>

/* The layer that parameters "cell", "hidden", "layers", "bidirectional" tell. */
static stapes_layer recurrent_layer(parity_case *c, const char *name, uint32_t inputs)
{
    const char  *cell = parity_word(c, "cell");
    stapes_layer layer = {
        .name = name,
        .kind = strcmp(cell, "lstm") == 0  ? STAPES_LSTM
                : strcmp(cell, "gru") == 0 ? STAPES_GRU
                                           : STAPES_RNN,
        .in = inputs,
        .hidden = parity_integer(c, "hidden"),
        .layers = parity_integer(c, "layers"),
        .activation = strcmp(cell, "rnn_tanh") == 0   ? STAPES_TANH
                      : strcmp(cell, "rnn_relu") == 0 ? STAPES_RELU
                                                      : STAPES_IDENTITY,
        .bidirectional = parity_flag(c, "bidirectional"),
        .bias = true,
    };
    layer.out = layer.hidden;
    return layer;
}

/* ---- recurrent ------------------------------------------------------------------------------------- */

/* What one case of the kind "recurrent" is made of: as in network.h. */
typedef struct stack {
    stapes_recurrent *recurrent;
    bool              has_cell;
    uint32_t          batch, rows, in, out, hidden, slices; /* out = D*P, slices = L*D */
    const uint32_t   *lengths;
    const float      *x;
    float            *y;      /* (B, T, D*P) */
    parity_tensor     h0, c0; /* data NULL: zero */
    float            *h, *c;  /* states, (L*D, B, P) and (L*D, B, H) */
    size_t            h_count, c_count;
} stack;

static void start(stack *s)
{
    memset(s->h, 0, s->h_count * sizeof *s->h);
    memset(s->c, 0, s->c_count * sizeof *s->c);
    if (s->h0.data) memcpy(s->h, s->h0.data, s->h_count * sizeof *s->h);
    if (s->c0.data) memcpy(s->c, s->c0.data, s->c_count * sizeof *s->c);
}

/* Rows first ... first + rows - 1 of x (B, T, F) into the same rows of y, the state carried on. */
static void run_piece(parity_case *c, stack *s, uint32_t first, uint32_t rows, const uint32_t *lengths)
{
    float *x = parity_memory(c, (size_t)s->batch * rows * s->in, sizeof *x);
    float *y = parity_memory(c, (size_t)s->batch * rows * s->out, sizeof *y);
    for (size_t b = 0; b < s->batch; b++)
        memcpy(x + b * rows * s->in, s->x + (b * s->rows + first) * s->in, (size_t)rows * s->in * sizeof *x);
    stapes_recurrent_run run = {
        .batch = s->batch,
        .rows = rows,
        .lengths = lengths,
        .x = x,
        .y = y,
        .h = s->h,
        .c = s->has_cell ? s->c : NULL,
        .room = parity_memory(c, stapes_recurrent_room(s->recurrent, s->batch, rows), sizeof(float)),
    };
    int status = stapes_run_recurrent(s->recurrent, &run);
    if (status != STAPES_OK) {
        parity_fail(c, "stapes_run_recurrent returned %d", status);
        return;
    }
    for (size_t b = 0; b < s->batch; b++)
        memcpy(s->y + (b * s->rows + first) * s->out, y + b * rows * s->out,
               (size_t)rows * s->out * sizeof *y);
}

static void run_whole(parity_case *c, stack *s, parity_result *result)
{
    start(s);
    run_piece(c, s, 0, s->rows, s->lengths);
    parity_compare(c, result, "output.y", s->y, (size_t)s->batch * s->rows * s->out);
    parity_compare(c, result, "output.hn", s->h, s->h_count);
    if (s->has_cell) parity_compare(c, result, "output.cn", s->c, s->c_count);
}

static void run_in_pieces(parity_case *c, stack *s, parity_result *result)
{
    size_t         n_pieces;
    const int64_t *pieces = parity_integers(c, "input.pieces", &n_pieces);
    float         *h = parity_memory(c, n_pieces * s->h_count, sizeof *h);
    float         *cell = parity_memory(c, n_pieces * s->c_count, sizeof *cell);
    uint32_t       row = 0;
    start(s);
    for (size_t i = 0; i < n_pieces; i++) {
        if (pieces[i] < 0 || pieces[i] > s->rows - row) {
            parity_fail(c, "input.pieces do not add up to the %u frames: make the case again", s->rows);
            return;
        }
        run_piece(c, s, row, (uint32_t)pieces[i], NULL);
        row += (uint32_t)pieces[i];
        memcpy(h + i * s->h_count, s->h, s->h_count * sizeof *h);
        memcpy(cell + i * s->c_count, s->c, s->c_count * sizeof *cell);
    }
    parity_compare(c, result, "output.y", s->y, (size_t)s->batch * s->rows * s->out);
    parity_compare(c, result, "output.pieces_h", h, n_pieces * s->h_count);
    if (s->has_cell) parity_compare(c, result, "output.pieces_c", cell, n_pieces * s->c_count);
}

void parity_recurrent(parity_case *c, parity_result *result)
{
    stapes_layer layer = recurrent_layer(c, "weight", parity_integer(c, "input"));
    layer.bias = parity_flag(c, "bias");
    layer.projection = parity_integer(c, "projection");
    if (layer.projection) layer.out = layer.projection;
    parity_tensor  x = parity_get(c, "input.x", 3);
    size_t         n_lengths;
    const int64_t *given = parity_integers(c, "input.lengths", &n_lengths);
    if (parity_failed(c)) return;

    stack s = {
        .has_cell = layer.kind == STAPES_LSTM,
        .batch = (uint32_t)x.shape[0],
        .rows = (uint32_t)x.shape[1],
        .in = layer.in,
        .out = layer.out * (layer.bidirectional ? 2 : 1),
        .hidden = layer.hidden,
        .slices = layer.layers * (layer.bidirectional ? 2 : 1),
        .x = x.data,
        .h0 = parity_try(c, "input.h0", 3),
        .c0 = parity_try(c, "input.c0", 3),
    };
    s.h_count = (size_t)s.slices * s.batch * layer.out;
    s.c_count = s.has_cell ? (size_t)s.slices * s.batch * s.hidden : 0;
    uint32_t *lengths = parity_memory(c, s.batch, sizeof *lengths);
    for (size_t i = 0; i < s.batch && i < n_lengths; i++) lengths[i] = (uint32_t)given[i];
    s.lengths = lengths;
    s.y = parity_memory(c, (size_t)s.batch * s.rows * s.out, sizeof *s.y);
    s.h = parity_memory(c, s.h_count, sizeof *s.h);
    s.c = parity_memory(c, s.c_count, sizeof *s.c);
    if (x.shape[2] != layer.in || n_lengths != s.batch || (s.h0.data && s.h0.count != s.h_count) ||
        (s.c0.data && s.c0.count != s.c_count)) {
        parity_fail(c, "case.safetensors: input.x, lengths, h0 and c0 do not fit the parameters");
        return;
    }
    s.recurrent = stapes_open_recurrent(&layer, parity_tensors(c), parity_error(c));
    if (!s.recurrent) return;
    run_whole(c, &s, result);
    if (parity_count(c, "input.pieces")) run_in_pieces(c, &s, result);
    stapes_close_recurrent(s.recurrent);
}

/* ---- layers and networks ----------------------------------------------------------------------------- */

static uint32_t activation(parity_case *c)
{
    const char *word = parity_word(c, "activation");
    return strcmp(word, "relu") == 0   ? STAPES_RELU
           : strcmp(word, "tanh") == 0 ? STAPES_TANH
                                       : STAPES_IDENTITY;
}

/* Runs input.x through the layers as one segment, and compares. */
static void run_layers(parity_case *c, parity_result *result, const stapes_layer *layers, uint32_t count,
                       uint32_t output)
{
    parity_tensor x = parity_get(c, "input.x", 2);
    if (parity_failed(c)) return;
    stapes_stream  *stream = NULL;
    stapes_network *network = stapes_open_network(layers, count, output, parity_tensors(c), parity_error(c));
    if (network) stream = stapes_open_stream(network, (uint32_t)x.shape[0], parity_error(c));
    if (stream) {
        const float *y = NULL;
        int64_t      rows = stapes_run_stream(stream, x.data, (uint32_t)x.shape[0], true, &y, NULL);
        if (rows < 0)
            parity_fail(c, "stapes_run_stream returned %lld", (long long)rows);
        else
            parity_compare(c, result, "output.y", y, (size_t)rows * stapes_describe_network(network).out);
    }
    stapes_close_stream(stream);
    stapes_close_network(network);
}

void parity_linear(parity_case *c, parity_result *result)
{
    stapes_layer layer = {.name = "weight",
                          .kind = STAPES_LINEAR,
                          .in = parity_integer(c, "input"),
                          .out = parity_integer(c, "output"),
                          .activation = activation(c),
                          .bias = parity_flag(c, "bias")};
    run_layers(c, result, &layer, 1, STAPES_ENDS_PLAIN);
}

void parity_convolution(parity_case *c, parity_result *result)
{
    stapes_layer layer = {.name = "weight",
                          .kind = STAPES_CONV1D,
                          .in = parity_integer(c, "input"),
                          .out = parity_integer(c, "output"),
                          .kernel = parity_integer(c, "kernel"),
                          .stride = parity_integer(c, "stride"),
                          .padding = parity_integer(c, "padding"),
                          .activation = activation(c),
                          .bias = parity_flag(c, "bias")};
    run_layers(c, result, &layer, 1, STAPES_ENDS_PLAIN);
}

void parity_log_softmax(parity_case *c, parity_result *result)
{
    parity_tensor x = parity_get(c, "input.x", 2);
    if (parity_failed(c)) return;
    stapes_log_softmax(x.data, x.data, x.shape[0], x.shape[1]);
    parity_compare(c, result, "output.y", x.data, x.count);
}

void parity_network(parity_case *c, parity_result *result)
{
    uint32_t     front = parity_integer(c, "front");
    stapes_layer layers[3] = {
        {.name = "weight.front",
         .kind = STAPES_CONV1D,
         .in = parity_integer(c, "input"),
         .out = front,
         .kernel = parity_integer(c, "kernel"),
         .stride = parity_integer(c, "stride"),
         .padding = parity_integer(c, "padding"),
         .activation = activation(c),
         .bias = true},
        recurrent_layer(c, "weight.recurrent", front),
        {.name = "weight.head", .kind = STAPES_LINEAR, .out = parity_integer(c, "labels"), .bias = true},
    };
    layers[2].in = layers[1].out * (layers[1].bidirectional ? 2 : 1);
    run_layers(c, result, layers, 3, STAPES_ENDS_LOG_SOFTMAX);
}
