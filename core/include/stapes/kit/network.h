/* network.h - recurrent and feed-forward networks, as torch.nn computes them.
 *
 * The weights (stapes_network, stapes_recurrent) are constant and shared; what belongs to one sequence is
 * a stream, or states and room that the caller gives. Every sum of a product runs over the inner
 * dimension in one order, whatever the number of rows: so a row's result does not depend on the batch, on
 * the cut into calls, or on the thread.
 *
 * Shapes are row-major; T rows of time, B sequences, F numbers of input, H of hidden state, P = projection
 * or H, L layers of the stack, D directions (1 or 2).
 */
#ifndef STAPES_KIT_NETWORK_H
#define STAPES_KIT_NETWORK_H

#include <stapes/kit/callbacks.h>
#include <stapes/kit/model.h>
#include <stapes/kit/tensors.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- one recurrent stack ---------------------------------------------------------------------- */

/* A stack of RNN, GRU or LSTM layers; constant. */
typedef struct stapes_recurrent stapes_recurrent;

/* Takes the stack's weights, converted to float32, out of `tensors` (which may be closed afterwards). An
 * empty name means tensors without a prefix ("weight_ih_l0"). Owned by the caller. NULL: the error names
 * file, tensor, what was found and needed. [control] */
STAPES_EXPORT stapes_recurrent *stapes_open_recurrent(const stapes_layer   *layer,
                                                      const stapes_tensors *tensors, stapes_error *error);

/* NULL is allowed. [control] */
STAPES_EXPORT void stapes_close_recurrent(stapes_recurrent *recurrent);

/* What one call computes; zero and NULL mean the usual. */
typedef struct stapes_recurrent_run {
    uint32_t        batch;   /* B, at least 1 */
    uint32_t        rows;    /* T */
    const uint32_t *lengths; /* (B), each at most T; NULL: all T. As pack_padded_sequence: a sequence's
                                reverse direction starts at its own last row */
    const float *x;          /* (B, T, F) */
    float       *y;          /* (B, T, D*P): forward, then reverse; zero behind each length. Not x */
    float       *h;          /* (L*D, B, P): the initial state, replaced by the last; NULL: zero, not kept */
    float       *c;          /* (L*D, B, H): the same for LSTM's cell */
    float       *room;       /* stapes_recurrent_room() floats, aligned to 64; overwritten */
    const stapes_callbacks *callbacks; /* or NULL */
} stapes_recurrent_run;

/* Floats of room for a call of B sequences of T rows; 0 if that is more than memory can have. [any] */
STAPES_EXPORT size_t stapes_recurrent_room(const stapes_recurrent *recurrent, uint32_t batch, uint32_t rows);

/* For each layer and time, with sigma the logistic function and (*) products of elements:
 *   RNN   h' = tanh or relu(W_ih x + b_ih + W_hh h + b_hh)
 *   GRU   r, z = sigma(W_ih x + b_ih + W_hh h + b_hh); n = tanh(W_in x + b_in + r (*) (W_hn h + b_hn))
 *         h' = (1 - z) (*) n + z (*) h
 *   LSTM  i, f, o = sigma(...); g = tanh(...); c' = f (*) c + i (*) g; h' = W_hr (o (*) tanh(c')), or
 *         without projection o (*) tanh(c')
 * Rows of weights are ordered as in torch: r z n; i f g o. STAPES_OK, STAPES_ECANCELED,
 * STAPES_ECONTRACT for a length above T, STAPES_ENOMEM where the room would be 0. [stream] */
STAPES_EXPORT int stapes_run_recurrent(const stapes_recurrent *recurrent, const stapes_recurrent_run *run);

/* ---- a network of layers -------------------------------------------------------------------------- */

/* Layers one after the other, with their weights; constant. */
typedef struct stapes_network stapes_network;

/* Takes the weights out of `tensors` (which may be closed afterwards). Each layer's `in` must be what the
 * one before gives. `output`: enum stapes_ending. Owned by the caller. [control] */
STAPES_EXPORT stapes_network *stapes_open_network(const stapes_layer *layers, uint32_t count, uint32_t output,
                                                  const stapes_tensors *tensors, stapes_error *error);

/* The network of a model folder: opens weights.safetensors, takes every tensor, and refuses a file that
 * lacks one or has others. [control] */
STAPES_EXPORT stapes_network *stapes_load_network(const stapes_model *model, stapes_error *error);

/* NULL is allowed. [control] */
STAPES_EXPORT void stapes_close_network(stapes_network *network);

/* How rows of the output lie over rows of the input. GROWS */
typedef struct stapes_network_shape {
    uint32_t size;
    uint32_t in, out;       /* numbers of a row */
    uint32_t stride;        /* output row n stands at input row n * stride + offset */
    uint32_t offset;        /* the middle of the kernels */
    uint32_t ahead;         /* input rows behind the one it stands at that an output row needs */
    bool     bidirectional; /* nothing comes before the whole segment is there */
    uint64_t parameters;    /* numbers of all weights */
} stapes_network_shape;

/* [any] */
STAPES_EXPORT stapes_network_shape stapes_describe_network(const stapes_network *network);

/* The number of output rows of a segment of T input rows, as torch.nn.Conv1d counts them. [any] */
STAPES_EXPORT uint64_t stapes_count_rows(const stapes_network *network, uint64_t rows);

/* One sequence on its way through a network: states, kept rows, and room. */
typedef struct stapes_stream stapes_stream;

/* `rows`: the most input rows of one call; of a bidirectional network the most rows of a segment. (Of
 * streams computed together: see stapes_run_streams.) Memory
 * is taken here and not later (large parts are touched only when used). NULL: the error says how much
 * there would have been to take. Lives no longer than the network. [control] */
STAPES_EXPORT stapes_stream *stapes_open_stream(const stapes_network *network, uint32_t rows,
                                                stapes_error *error);

/* NULL is allowed. [control] */
STAPES_EXPORT void stapes_close_stream(stapes_stream *stream);

/* Forgets what was: the next row is a segment's first. [stream] */
STAPES_EXPORT void stapes_reset_stream(stapes_stream *stream);

/* x (T, in): the next rows of the segment; `last`: there are no more (T may be 0), and the stream is reset
 * afterwards. A bidirectional network takes a segment in one call with `last`. Returns the number of
 * output rows (0 or more) and puts the output (rows, out) into *y, good until the next call; or
 * STAPES_ECANCELED, STAPES_ECONTRACT for more rows than opened for or a bidirectional segment in pieces.
 * callbacks: or NULL. [stream] */
STAPES_EXPORT int64_t stapes_run_stream(stapes_stream *stream, const float *x, uint32_t rows, bool last,
                                        const float **y, const stapes_callbacks *callbacks);

/* One of several streams that are computed together; the last two fields are found. */
typedef struct stapes_stream_run {
    stapes_stream *stream;
    const float   *x; /* (rows, in), and the next two as stapes_run_stream takes them */
    uint32_t       rows;
    bool           last;
    uint32_t       out_rows;
    const float   *y; /* (out_rows, out), good until the next call with any of these streams */
} stapes_stream_run;

/* The same as stapes_run_stream for each of `count` different streams of one network, and the same bits: all
 * of them go through each layer together, so that its weights are read once. They are computed in the
 * memory of their longest, in several batches where the number of streams times the most rows of one is
 * above the rows which that was opened for. STAPES_OK; STAPES_ECONTRACT as there, or where a stream comes
 * twice or is of another network: nothing was computed; STAPES_ECANCELED: reset the streams. [stream] */
STAPES_EXPORT int stapes_run_streams(stapes_stream_run *runs, uint32_t count,
                                     const stapes_callbacks *callbacks);

#ifdef __cplusplus
}
#endif
#endif
