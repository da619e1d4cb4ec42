/* fuzz_model_yaml.c - model.yaml; and the same bytes as a vocabulary. */
#include "fuzz.h"
#include "kit/model/model_file.h"

#include <string.h>

static void read_model(const char *text, size_t size)
{
    st_arena     arena = {0};
    stapes_error error = {0};
    stapes_model model = {.size = sizeof model};
    const char  *vocabulary;
    st_yaml      yaml = {.path = "input", .error = &error, .arena = &arena};
    yaml_node_t *root = size <= ST_YAML_MOST ? st_yaml_open(&yaml, text, size) : NULL;
    if (root) {
        int status = st_model_read_yaml(&yaml, root, &model, &vocabulary);
        if (status < 0 && !error.status) __builtin_trap(); /* refused without words */
        if (status >= 0 && (!model.n_layers || !model.out || !*model.name)) __builtin_trap();
        st_yaml_close(&yaml);
    }
    st_arena_close(&arena);
}

static void read_labels(const char *text, size_t size)
{
    st_arena          arena = {0};
    stapes_error      error = {0};
    stapes_vocabulary labels = {0};
    size_t            length = 0;
    if (st_model_read_labels("input", text, size, &labels, &arena, &error) >= 0) {
        for (uint32_t i = 0; i < labels.count; i++) length += strlen(labels.labels[i]) + 1;
        if (length != size && length != size + 1) __builtin_trap(); /* a byte got lost */
    } else if (!error.status) {
        __builtin_trap(); /* refused without words */
    }
    st_arena_close(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_model((const char *)data, size);
    read_labels((const char *)data, size);
    return 0;
}
