/* stream.h - a stream as the kit's own files see it, and the step that computes several of them. */
#ifndef ST_STREAM_H
#define ST_STREAM_H

#include "kit/network/weights.h"

/* Streams in one batch: beyond so many rows a product gains nothing from more of them. */
enum { ST_STREAM_MOST = 16 };

/* Numbers of a kernel up to which a batch of few rows copies its windows together. */
enum { ST_STREAM_WINDOW = 1 << 14 };

/* What one layer keeps from call to call. */
typedef struct st_stream_kept {
    float   *rows; /* conv1d: (capacity, in), the first n of them held from before */
    uint32_t n, skip;
    float   *h, *c; /* recurrent: (L*D, 1, P), (L*D, 1, H) */
    size_t   h_size, c_size;
} st_stream_kept;

struct stapes_stream {
    const stapes_network *network;
    uint32_t              capacity; /* input rows of a call; of a batch: streams times the most rows of one */
    uint32_t              most;     /* streams of a batch that is computed in this one's memory */
    bool                  begun;
    bool                  taken; /* by the call under way */
    st_stream_kept       *layers;
    float                *out[2];  /* outputs of layers, in turn */
    float                *states;  /* of a batch in one recurrent layer */
    float                *windows; /* of a batch in one convolution: (ST_STREAM_MOST, kernel, in) */
    float                *room;
    st_arena              arena; /* of `layers` */
    void                **blocks;
    uint32_t              n_blocks;
};

/* Most rows that a layer gives for a call of `streams` streams with `rows` rows together. */
size_t st_stream_most_rows(const stapes_layer *layer, size_t rows, size_t streams);

/* Computes one batch in the memory of the first stream: 1 to its `most` streams of one network, each of them
 * begun and with rows that fit. Fills y and out_rows. STAPES_OK, STAPES_ECANCELED, or what
 * stapes_run_recurrent answers. stream_layers.c */
int st_stream_layers_run(stapes_stream_run *const *runs, uint32_t count, const stapes_callbacks *callbacks);

#endif
