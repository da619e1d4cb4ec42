/* recurrent.h - what the kit's own files share about layers. */
#ifndef ST_RECURRENT_H
#define ST_RECURRENT_H

#include "kit/activation.h"
#include "kit/matrix.h"
#include <stapes/kit/network.h>

/* Sizes that a layer may have, so that products of a few of them fit into 64 bits. */
enum { ST_LAYER_MOST_WIDTH = 1 << 20, ST_LAYER_MOST_ROWS = 1 << 16, ST_LAYER_MOST_LAYERS = 256 };

/* Whether the fields make sense together; words begin with the layer's name. */
int st_layer_check(const stapes_layer *layer, stapes_error *error);

/* Numbers of one output row. */
uint32_t st_layer_width(const stapes_layer *layer);

/* stapes_open_recurrent for a layer that was checked. Sets weights->arena. */
stapes_recurrent *st_recurrent_open(const stapes_layer *layer, st_weights *weights);

#endif
