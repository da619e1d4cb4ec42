/* model_layers.c - the list `network:` of model.yaml: one table says which keys which layer has. */
#include "kit/model/model_file.h"

#include "contract/error.h"
#include "kit/network/recurrent.h"

#include <stdio.h>
#include <string.h>

static const char *const kinds[] = {"linear", "conv1d", "rnn", "gru", "lstm"}; /* from STAPES_LINEAR = 1 */
static const char *const activations[] = {"none", "relu", "tanh", "sigmoid"};

#define BIT(kind) (1u << (kind))
#define PLAIN (BIT(STAPES_LINEAR) | BIT(STAPES_CONV1D))
#define RECURRENT (BIT(STAPES_RNN) | BIT(STAPES_GRU) | BIT(STAPES_LSTM))

enum value { NUMBER, BOOL, ACTIVATION, SPECIAL };

/* A key: which kinds of layers have it, which need it, and where it is kept. */
static const struct row {
    const char *key;
    enum value  value;
    uint32_t    kinds, needed;
    size_t      offset;
} rows[] = {{"layer", SPECIAL, PLAIN | RECURRENT, PLAIN | RECURRENT, 0},
            {"name", SPECIAL, PLAIN | RECURRENT, PLAIN | RECURRENT, 0},
            {"in", NUMBER, PLAIN | RECURRENT, PLAIN | RECURRENT, offsetof(stapes_layer, in)},
            {"out", NUMBER, PLAIN, PLAIN, offsetof(stapes_layer, out)},
            {"kernel", NUMBER, BIT(STAPES_CONV1D), BIT(STAPES_CONV1D), offsetof(stapes_layer, kernel)},
            {"stride", NUMBER, BIT(STAPES_CONV1D), 0, offsetof(stapes_layer, stride)},
            {"padding", NUMBER, BIT(STAPES_CONV1D), 0, offsetof(stapes_layer, padding)},
            {"activation", ACTIVATION, PLAIN, 0, offsetof(stapes_layer, activation)},
            {"hidden", NUMBER, RECURRENT, RECURRENT, offsetof(stapes_layer, hidden)},
            {"layers", NUMBER, RECURRENT, 0, offsetof(stapes_layer, layers)},
            {"bidirectional", BOOL, RECURRENT, 0, offsetof(stapes_layer, bidirectional)},
            {"projection", NUMBER, BIT(STAPES_LSTM), 0, offsetof(stapes_layer, projection)},
            {"nonlinearity", ACTIVATION, BIT(STAPES_RNN), 0, offsetof(stapes_layer, activation)},
            {"bias", BOOL, PLAIN | RECURRENT, 0, offsetof(stapes_layer, bias)}};

static int read_choice(const st_yaml *yaml, yaml_node_t *node, const char *what, const char *const *names,
                       uint32_t count, uint32_t *index)
{
    char        allowed[200] = "";
    size_t      used = 0;
    const char *text = st_yaml_text(yaml, node, what);
    if (!text) return STAPES_EMODEL;
    for (*index = 0; *index < count; ++*index)
        if (!strcmp(text, names[*index])) return STAPES_OK;
    for (uint32_t i = 0; i < count && used < sizeof allowed; i++)
        used += (size_t)snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", names[i]);
    return st_yaml_fail(yaml, node, "%sfound '%.60s', allowed are %s", what, text, allowed);
}

static int read_kind(const st_yaml *yaml, yaml_node_t *map, stapes_layer *layer)
{
    yaml_node_t *node = st_yaml_get(yaml, map, "layer");
    uint32_t     index;
    if (!node) return st_yaml_fail(yaml, map, "network: key 'layer' is missing");
    int status = read_choice(yaml, node, "layer: ", kinds, STAPES_COUNT(kinds), &index);
    layer->kind = index + 1;
    return status;
}

/* Names begin the names of tensors; they are shown and searched for, nothing else. */
static int read_name(const st_yaml *yaml, yaml_node_t *map, stapes_layer *layer)
{
    enum { MOST = 200 };
    yaml_node_t *node = st_yaml_get(yaml, map, "name");
    const char  *text;
    if (!node) return st_yaml_fail(yaml, map, "layer %s: key 'name' is missing", kinds[layer->kind - 1]);
    if (!(text = st_yaml_text(yaml, node, "name: "))) return STAPES_EMODEL;
    size_t length = strlen(text);
    if (!length || length > MOST ||
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != length)
        return st_yaml_fail(
            yaml, node, "name: '%.60s': allowed are 1 to %d letters, digits, '_', '-' and '.'", text, MOST);
    layer->name = st_arena_string(yaml->arena, text);
    return layer->name ? STAPES_OK : st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
}

static int read_row(const st_yaml *yaml, yaml_node_t *map, const struct row *row, stapes_layer *layer)
{
    char         what[300];
    yaml_node_t *node = st_yaml_get(yaml, map, row->key);
    void        *field = (char *)layer + row->offset;
    if (!node && row->needed & BIT(layer->kind))
        return st_yaml_fail(yaml, map, "layer '%s': key '%s' is missing", layer->name, row->key);
    if (!node || row->value == SPECIAL) return STAPES_OK;
    (void)snprintf(what, sizeof what, "layer '%s': %s: ", layer->name, row->key);
    switch (row->value) {
    case NUMBER: return st_yaml_number(yaml, node, what, field);
    case BOOL: return st_yaml_bool(yaml, node, what, field);
    default: return read_choice(yaml, node, what, activations, STAPES_COUNT(activations), field);
    }
}

static int read_layer(const st_yaml *yaml, yaml_node_t *map, stapes_layer *layer)
{
    const char  *allowed[STAPES_COUNT(rows)];
    char         what[100];
    uint32_t     count = 0;
    stapes_error error = {0};
    int          status = st_yaml_check_map(yaml, map, "network: ", NULL, 0);
    *layer = (stapes_layer){.stride = 1, .layers = 1, .bias = true};
    if (status < 0 || (status = read_kind(yaml, map, layer)) < 0) return status;
    if (layer->kind == STAPES_RNN) layer->activation = STAPES_TANH;
    for (uint32_t i = 0; i < STAPES_COUNT(rows); i++)
        if (rows[i].kinds & BIT(layer->kind)) allowed[count++] = rows[i].key;
    (void)snprintf(what, sizeof what, "layer %s: ", kinds[layer->kind - 1]);
    if ((status = st_yaml_check_map(yaml, map, what, allowed, count)) < 0) return status;
    if ((status = read_name(yaml, map, layer)) < 0) return status;
    for (uint32_t i = 0; i < STAPES_COUNT(rows) && status >= 0; i++)
        if (rows[i].kinds & BIT(layer->kind)) status = read_row(yaml, map, rows + i, layer);
    if (status < 0) return status;
    return st_layer_check(layer, &error) < 0 ? st_yaml_fail(yaml, map, "%s", error.text) : STAPES_OK;
}

int st_model_read_layers(const st_yaml *yaml, yaml_node_t *list, stapes_model *model)
{
    enum { MOST = 1000 };
    if (list->type != YAML_SEQUENCE_NODE)
        return st_yaml_fail(yaml, list, "network: expected a list of layers");
    ptrdiff_t count = list->data.sequence.items.top - list->data.sequence.items.start;
    if (count < 1 || count > MOST)
        return st_yaml_fail(yaml, list, "network: %td layers, allowed are 1 to %d", count, MOST);
    stapes_layer *layers = st_arena_take(yaml->arena, (size_t)count, sizeof *layers);
    if (!layers) return st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
    for (ptrdiff_t i = 0; i < count; i++) {
        yaml_node_t *map = yaml_document_get_node((yaml_document_t *)(uintptr_t)&yaml->document,
                                                  list->data.sequence.items.start[i]);
        int          status = read_layer(yaml, map, layers + i);
        if (status < 0) return status;
        for (ptrdiff_t j = 0; j < i; j++)
            if (!strcmp(layers[i].name, layers[j].name))
                return st_yaml_fail(yaml, map, "name: another layer is '%s' already", layers[i].name);
        if (i && layers[i].in != st_layer_width(layers + i - 1))
            return st_yaml_fail(yaml, map, "layer '%s': in: found %u, layer '%s' before it gives %u numbers",
                                layers[i].name, layers[i].in, layers[i - 1].name,
                                st_layer_width(layers + i - 1));
    }
    model->layers = layers;
    model->n_layers = (uint32_t)count;
    model->in = layers[0].in;
    model->out = st_layer_width(layers + count - 1);
    return STAPES_OK;
}
