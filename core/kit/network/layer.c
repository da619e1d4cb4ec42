/* layer.c - what a layer may be. */
#include "kit/network/recurrent.h"

#include "contract/error.h"

static int check_range(const stapes_layer *layer, const char *what, uint32_t value, uint32_t least,
                       uint32_t most, stapes_error *error)
{
    if (value >= least && value <= most) return STAPES_OK;
    return st_error_set(error, STAPES_EMODEL, "layer '%.100s': %s: %u is out of range, allowed are %u to %u",
                        layer->name, what, value, least, most);
}

static int check_convolution(const stapes_layer *layer, stapes_error *error)
{
    int status = check_range(layer, "kernel", layer->kernel, 1, ST_LAYER_MOST_ROWS, error);
    if (status >= 0) status = check_range(layer, "stride", layer->stride, 1, ST_LAYER_MOST_ROWS, error);
    /* beyond half a kernel, output rows would stand before the segment */
    if (status >= 0) status = check_range(layer, "padding", layer->padding, 0, layer->kernel / 2, error);
    return status;
}

static int check_recurrent(const stapes_layer *layer, stapes_error *error)
{
    int status = check_range(layer, "hidden", layer->hidden, 1, ST_LAYER_MOST_WIDTH, error);
    if (status >= 0) status = check_range(layer, "layers", layer->layers, 1, ST_LAYER_MOST_LAYERS, error);
    if (status < 0) return status;
    if (layer->projection && layer->kind != STAPES_LSTM)
        return st_error_set(error, STAPES_EMODEL, "layer '%.100s': projection: only lstm has one",
                            layer->name);
    if (layer->projection >= layer->hidden)
        return st_error_set(error, STAPES_EMODEL, "layer '%.100s': projection: %u, must be below hidden, %u",
                            layer->name, layer->projection, layer->hidden);
    if (layer->kind == STAPES_RNN && layer->activation != STAPES_TANH && layer->activation != STAPES_RELU)
        return st_error_set(error, STAPES_EMODEL, "layer '%.100s': nonlinearity: allowed are tanh and relu",
                            layer->name);
    return STAPES_OK;
}

int st_layer_check(const stapes_layer *layer, stapes_error *error)
{
    int status = check_range(layer, "in", layer->in, 1, ST_LAYER_MOST_WIDTH, error);
    if (status < 0) return status;
    switch (layer->kind) {
    case STAPES_LINEAR: return check_range(layer, "out", layer->out, 1, ST_LAYER_MOST_WIDTH, error);
    case STAPES_CONV1D:
        status = check_range(layer, "out", layer->out, 1, ST_LAYER_MOST_WIDTH, error);
        return status < 0 ? status : check_convolution(layer, error);
    case STAPES_RNN:
    case STAPES_GRU:
    case STAPES_LSTM: return check_recurrent(layer, error);
    default:
        return st_error_set(error, STAPES_EMODEL, "layer '%.100s': unknown kind %u", layer->name,
                            layer->kind);
    }
}

uint32_t st_layer_width(const stapes_layer *layer)
{
    if (layer->kind == STAPES_LINEAR || layer->kind == STAPES_CONV1D) return layer->out;
    return (layer->projection ? layer->projection : layer->hidden) * (layer->bidirectional ? 2 : 1);
}
