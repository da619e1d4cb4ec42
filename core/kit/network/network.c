/* network.c - the weights of a network of layers: taken out of a file, checked against each other; see
 * stapes/kit/network.h. */
#include "kit/network/weights.h"

#include "contract/error.h"

#include <stdio.h>
#include <stdlib.h>

static int open_layer(st_network_layer *to, const stapes_layer *layer, st_weights *weights, st_arena *arena)
{
    char weight[256], bias[256];
    to->layer = *layer;
    to->layer.name = NULL; /* the caller's */
    if (layer->kind != STAPES_LINEAR && layer->kind != STAPES_CONV1D) {
        to->recurrent = st_recurrent_open(layer, weights);
        return to->recurrent ? STAPES_OK : STAPES_EMODEL;
    }
    const char *dot = *layer->name ? "." : "";
    int         n = snprintf(weight, sizeof weight, "%s%sweight", layer->name, dot);
    if (n < 0 || (size_t)n >= sizeof weight)
        return st_error_set(weights->error, STAPES_EMODEL, "layer name '%.60s...' is too long", layer->name);
    (void)snprintf(bias, sizeof bias, "%s%sbias", layer->name, dot);
    weights->arena = arena;
    st_matrix_plan plan = {.name = weight,
                           .bias = layer->bias ? bias : NULL,
                           .out = layer->out,
                           .in = layer->in,
                           .kernel = layer->kind == STAPES_CONV1D ? layer->kernel : 0};
    return st_matrix_open(&to->matrix, weights, &plan);
}

/* How the rows of one more layer lie over the rows of the input. */
static int add_shape(stapes_network_shape *shape, const stapes_layer *layer, stapes_error *error)
{
    shape->out = st_layer_width(layer);
    if (layer->bidirectional && layer->kind != STAPES_LINEAR && layer->kind != STAPES_CONV1D)
        shape->bidirectional = true;
    if (layer->kind != STAPES_CONV1D) return STAPES_OK;
    uint32_t middle = (layer->kernel - 1) / 2, offset = middle > layer->padding ? middle - layer->padding : 0;
    uint64_t stride = (uint64_t)shape->stride * layer->stride;
    uint64_t reach =
        (uint64_t)shape->stride * (layer->kernel - 1 - layer->padding) + shape->offset + shape->ahead;
    if (stride > ST_LAYER_MOST_ROWS || reach > ST_LAYER_MOST_ROWS)
        return st_error_set(
            error, STAPES_EMODEL,
            "layer '%.100s': strides or kernels of all layers together reach over %llu input rows, "
            "allowed are %d",
            layer->name, (unsigned long long)(stride > reach ? stride : reach), ST_LAYER_MOST_ROWS);
    shape->offset += shape->stride * offset;
    shape->ahead = (uint32_t)reach - shape->offset;
    shape->stride = (uint32_t)stride;
    return STAPES_OK;
}

static int open_layers(stapes_network *n, const stapes_layer *layers, uint32_t count, st_weights *weights)
{
    int status;
    n->shape.in = layers[0].in;
    for (uint32_t i = 0; i < count; i++) weights->many_rows = weights->many_rows || layers[i].bidirectional;
    for (uint32_t i = 0; i < count; i++) {
        const stapes_layer *layer = layers + i;
        if ((status = st_layer_check(layer, weights->error)) < 0) return status;
        if (i && layer->in != n->shape.out)
            return st_error_set(weights->error, STAPES_EMODEL,
                                "layer '%.100s' takes %u numbers, layer '%.100s' before it gives %u",
                                layer->name, layer->in, layers[i - 1].name, n->shape.out);
        if ((status = add_shape(&n->shape, layer, weights->error)) < 0) return status;
        n->count = i + 1;
        if ((status = open_layer(n->layers + i, layer, weights, &n->arena)) < 0) return status;
    }
    return STAPES_OK;
}

static stapes_network *open_network(const stapes_layer *layers, uint32_t count, uint32_t ending,
                                    st_weights *weights)
{
    stapes_network *n = calloc(1, sizeof *n);
    int             status;
    if (n) n->layers = st_arena_take(&n->arena, count, sizeof *n->layers);
    if (!n || !n->layers) {
        status = st_error_set(weights->error, STAPES_ENOMEM, "no memory");
    } else if (!count) {
        status = st_error_set(weights->error, STAPES_EMODEL, "a network needs at least one layer");
    } else {
        n->shape = (stapes_network_shape){.size = sizeof n->shape, .stride = 1};
        n->ending = ending;
        status = open_layers(n, layers, count, weights);
        n->shape.parameters = weights->parameters;
    }
    if (status >= 0) return n;
    stapes_close_network(n);
    return NULL;
}

stapes_network *stapes_open_network(const stapes_layer *layers, uint32_t count, uint32_t ending,
                                    const stapes_tensors *tensors, stapes_error *error)
{
    st_weights weights = {.tensors = tensors, .error = error};
    return open_network(layers, count, ending, &weights);
}

static int refuse_others(const stapes_tensors *tensors, const unsigned char *used, stapes_error *error)
{
    uint32_t others = 0, first = 0;
    for (uint32_t i = stapes_count_tensors(tensors); i-- > 0;)
        if (!used[i]) {
            others++;
            first = i;
        }
    if (!others) return STAPES_OK;
    char more[60] = "";
    if (others > 1) (void)snprintf(more, sizeof more, " (nor do %u others)", others - 1);
    return st_error_set(
        error, STAPES_EMODEL,
        "%s: tensor '%.200s' belongs to no layer of model.yaml%s: the two files are not of one model",
        stapes_get_tensors_name(tensors), stapes_get_tensor(tensors, first)->name, more);
}

stapes_network *stapes_load_network(const stapes_model *model, stapes_error *error)
{
    st_arena        arena = {0};
    stapes_network *n = NULL;
    const char     *path = st_arena_format(&arena, "%s/weights.safetensors", model->folder);
    stapes_tensors *tensors = path ? stapes_open_tensors(path, error) : NULL;
    if (!path) st_error_set(error, STAPES_ENOMEM, "no memory");
    if (tensors) {
        st_weights weights = {.tensors = tensors, .error = error};
        weights.used = st_arena_take(&arena, stapes_count_tensors(tensors), 1);
        if (!weights.used) {
            st_error_set(error, STAPES_ENOMEM, "%s: no memory", path);
        } else {
            n = open_network(model->layers, model->n_layers, model->output, &weights);
            if (n && refuse_others(tensors, weights.used, error) < 0) {
                stapes_close_network(n);
                n = NULL;
            }
        }
    }
    stapes_close_tensors(tensors);
    st_arena_close(&arena);
    return n;
}

void stapes_close_network(stapes_network *network)
{
    if (!network) return;
    for (uint32_t i = 0; i < network->count; i++) stapes_close_recurrent(network->layers[i].recurrent);
    st_arena_close(&network->arena);
    free(network);
}

stapes_network_shape stapes_describe_network(const stapes_network *network) { return network->shape; }

uint64_t stapes_count_rows(const stapes_network *network, uint64_t rows)
{
    for (uint32_t i = 0; i < network->count && rows; i++) {
        const stapes_layer *layer = &network->layers[i].layer;
        if (layer->kind != STAPES_CONV1D) continue;
        rows += 2 * (uint64_t)layer->padding;
        rows = rows < layer->kernel ? 0 : (rows - layer->kernel) / layer->stride + 1;
    }
    return rows;
}
