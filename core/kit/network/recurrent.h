/* recurrent.h - what the kit's own files share about recurrent layers. */
#ifndef ST_RECURRENT_H
#define ST_RECURRENT_H

#include "kit/network/team.h"
#include "kit/product/matrix.h"
#include <stapes/kit/network.h>

/* Sizes that a layer may have, so that products of a few of them fit into 64 bits. */
enum { ST_LAYER_MOST_WIDTH = 1 << 20, ST_LAYER_MOST_ROWS = 1 << 16, ST_LAYER_MOST_LAYERS = 256 };

/* Whether the fields make sense together; words begin with the layer's name. */
int st_layer_check(const stapes_layer *layer, stapes_error *error);

/* Numbers of one output row. */
uint32_t st_layer_width(const stapes_layer *layer);

/* stapes_open_recurrent for a layer that was checked. Sets weights->arena. */
stapes_recurrent *st_recurrent_open(const stapes_layer *layer, st_weights *weights);

/* ---- one layer of a stack, in one direction
 * ---------------------------------------------------------------- */

typedef struct st_cell {
    st_matrix input, state, projection; /* the last: out 0 without */
    uint32_t  kind, out;                /* out: of one direction */
    bool      relu;
} st_cell;

/* Where things lie in the room of a call, in floats from its begin; all are linear in the sequences, so that
 * threads can take some of them each. Made by st_pass_plan. */
typedef struct st_pass_plan {
    uint32_t block;   /* steps whose inputs are computed at once */
    size_t   step;    /* floats of a state's row */
    size_t   width;   /* floats of a row of gates */
    size_t   q_input; /* floats of room for a block's inputs (as int8, or a library's) */
    size_t   q_state; /* floats of a state as int8, its scale with it */
    size_t   gates, h, c, cells, rounded_input, rounded_state, places, order, total;
} st_pass_plan;

typedef struct st_pass {
    const st_cell              *cell;
    const stapes_recurrent_run *run;
    const st_pass_plan         *plan;
    const float                *x; /* (B, T, in) */
    float                      *y; /* row t of sequence b at y + (b * T + t) * y_step */
    size_t                      y_step;
    float                      *h, *c; /* (B, P), (B, H): first states, replaced by the last; or NULL */
    float                      *room;  /* plan->total floats */
    bool                        reverse;
    st_team                    *team; /* led by who runs this; or NULL */
} st_pass;

/* False if it would be more than memory can have. */
bool st_pass_make_plan(const st_cell *cell, uint32_t batch, uint32_t rows, st_pass_plan *plan);

/* Sequences first ... end - 1 of the batch. STAPES_OK or STAPES_ECANCELED. */
int st_pass_run(const st_pass *pass, uint32_t first, uint32_t end);

#endif
