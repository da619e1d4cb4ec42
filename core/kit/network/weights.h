/* weights.h - a network as its own files see it: the weights of its layers. */
#ifndef ST_WEIGHTS_H
#define ST_WEIGHTS_H

#include "kit/network/recurrent.h"

typedef struct st_network_layer {
    stapes_layer      layer;     /* name NULL */
    st_matrix         matrix;    /* linear, conv1d */
    stapes_recurrent *recurrent; /* the others */
} st_network_layer;

struct stapes_network {
    st_arena             arena;
    st_network_layer    *layers;
    uint32_t             count;
    uint32_t             ending; /* enum stapes_ending */
    stapes_network_shape shape;
};

#endif
