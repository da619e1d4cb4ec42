/* model.c - model folders opened: model.yaml and the vocabulary read and checked against each other; see
 * stapes/kit/model.h. */
#include <stapes/kit/features.h>
#include <stapes/kit/model.h>

#include "contract/error.h"
#include "kit/model/mapping.h"
#include "kit/model/model_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct folder_model {
    stapes_model about; /* first: what the caller has is a pointer to it */
    st_arena     arena;
} folder_model;

static int copy_text(const st_yaml *yaml, yaml_node_t *root, const char *key, const char **to)
{
    char         what[100];
    yaml_node_t *node = st_yaml_get(yaml, root, key);
    *to = "";
    if (!node) return STAPES_OK;
    (void)snprintf(what, sizeof what, "%s: ", key);
    const char *text = st_yaml_text(yaml, node, what);
    if (!text) return STAPES_EMODEL;
    *to = st_arena_string(yaml->arena, text);
    return *to ? STAPES_OK : st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
}

static int check_version(const st_yaml *yaml, yaml_node_t *root)
{
    yaml_node_t *node = st_yaml_get(yaml, root, "stapes-model");
    uint32_t     version;
    if (!node)
        return st_yaml_fail(yaml, root,
                            "key 'stapes-model' is missing: a model of this kind begins with "
                            "'stapes-model: 1'");
    if (st_yaml_number(yaml, node, "stapes-model: ", &version) < 0) return STAPES_EMODEL;
    if (version != 1)
        return st_yaml_fail(yaml, node,
                            "stapes-model: is version %u, this program reads version 1: take a newer one",
                            version);
    return STAPES_OK;
}

int st_model_read_features(const st_yaml *yaml, yaml_node_t *map, stapes_model *model)
{
    stapes_features_options  options;
    stapes_features_settings computed;
    stapes_error             error = {0};
    int                      status = st_yaml_check_map(yaml, map, "features: ", NULL, 0);
    if (status < 0) return status;
    uint32_t        count = st_yaml_count(map);
    stapes_setting *settings = st_arena_take(yaml->arena, count, sizeof *settings);
    char           *recipe = st_arena_take(yaml->arena, STAPES_RECIPE_TEXT, 1);
    if (!settings || !recipe) return st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
    stapes_features_options_init(&options);
    for (uint32_t i = 0; i < count; i++) {
        yaml_node_t *node = st_yaml_value(yaml, map, i);
        const char  *text = st_yaml_text(yaml, node, "features: ");
        if (!text) return STAPES_EMODEL;
        settings[i] = (stapes_setting){.key = st_arena_string(yaml->arena, st_yaml_key(yaml, map, i)),
                                       .value = st_arena_string(yaml->arena, text),
                                       .line = st_yaml_line(node)};
        if (!settings[i].key || !settings[i].value)
            return st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
        if (stapes_features_options_set(&options, settings[i].key, settings[i].value, &error) < 0)
            return st_yaml_fail(yaml, node, "features: %s", error.text);
    }
    if (stapes_features_resolve(&options, &computed, &error) < 0)
        return st_yaml_fail(yaml, map, "features: %s", error.text);
    if (stapes_features_columns(&computed) != model->in)
        return st_yaml_fail(
            yaml, map, "features: give %u numbers a row (%u %s x %u rows), layer '%s' takes %u",
            stapes_features_columns(&computed), stapes_features_columns(&computed) / computed.stack,
            computed.kind == STAPES_FEATURES_LOGMEL ? "mels"
            : computed.kind == STAPES_FEATURES_MFCC ? "coefficients"
                                                    : "lines",
            computed.stack, model->layers[0].name, model->in);
    model->features = settings;
    model->n_features = count;
    model->recipe = stapes_features_recipe(&computed, recipe);
    return STAPES_OK;
}

/* vocabulary, blank and output, which belong together. */
static int read_labels_part(const st_yaml *yaml, yaml_node_t *root, stapes_model *model,
                            const char **vocabulary)
{
    yaml_node_t *output = st_yaml_get(yaml, root, "output"), *node = st_yaml_get(yaml, root, "vocabulary");
    yaml_node_t *blank = st_yaml_get(yaml, root, "blank");
    if (!output) return st_yaml_fail(yaml, root, "key 'output' is missing, allowed are log_softmax and none");
    const char *text = st_yaml_text(yaml, output, "output: ");
    if (!text) return STAPES_EMODEL;
    if (!strcmp(text, "log_softmax"))
        model->output = STAPES_ENDS_LOG_SOFTMAX;
    else if (strcmp(text, "none") != 0)
        return st_yaml_fail(yaml, output, "output: found '%.60s', allowed are log_softmax and none", text);
    if (!node && model->output == STAPES_ENDS_LOG_SOFTMAX)
        return st_yaml_fail(yaml, root, "key 'vocabulary' is missing: log_softmax gives scores of labels");
    if (!node && blank) return st_yaml_fail(yaml, blank, "blank: there is no vocabulary");
    if (!node) return STAPES_OK;
    if (!(*vocabulary = st_yaml_text(yaml, node, "vocabulary: "))) return STAPES_EMODEL;
    if (!**vocabulary || strchr(*vocabulary, '/'))
        return st_yaml_fail(
            yaml, node, "vocabulary: '%.100s' is not the name of a file in the model's folder", *vocabulary);
    if (!(*vocabulary = st_arena_string(yaml->arena, *vocabulary)))
        return st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
    if (blank && st_yaml_number(yaml, blank, "blank: ", &model->vocabulary.blank) < 0) return STAPES_EMODEL;
    if (model->vocabulary.blank >= model->out)
        return st_yaml_fail(yaml, blank ? blank : root,
                            "blank: %u is out of range, the network gives labels 0 to %u",
                            model->vocabulary.blank, model->out - 1);
    return STAPES_OK;
}

int st_model_read_yaml(const st_yaml *yaml, yaml_node_t *root, stapes_model *model, const char **vocabulary)
{
    static const char *const keys[] = {"stapes-model", "name",   "summary",    "licence", "features",
                                       "network",      "output", "vocabulary", "blank"};
    int                      status = check_version(yaml, root);
    *vocabulary = NULL;
    if (status >= 0) status = st_yaml_check_map(yaml, root, "", keys, STAPES_COUNT(keys));
    if (status >= 0) status = copy_text(yaml, root, "name", &model->name);
    if (status >= 0) status = copy_text(yaml, root, "summary", &model->summary);
    if (status >= 0) status = copy_text(yaml, root, "licence", &model->licence);
    if (status < 0) return status;
    if (!*model->name) return st_yaml_fail(yaml, root, "key 'name' is missing");

    yaml_node_t *network = st_yaml_get(yaml, root, "network"),
                *features = st_yaml_get(yaml, root, "features");
    if (!network) return st_yaml_fail(yaml, root, "key 'network' is missing");
    status = st_model_read_layers(yaml, network, model);
    if (status >= 0 && features) status = st_model_read_features(yaml, features, model);
    if (status >= 0) status = read_labels_part(yaml, root, model, vocabulary);
    return status;
}

/* Words for a folder without model.yaml. */
static int fail_other(const char *folder, st_arena *arena, stapes_error *error)
{
    struct stat about;
    const char *config = st_arena_format(arena, "%s/config.json", folder);
    if (stat(folder, &about) != 0)
        return st_error_set(error, STAPES_EMODEL, "%s: %s", folder, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return st_error_set(
            error, STAPES_EMODEL,
            "%s: is a file, expected a model folder: one with model.yaml, weights.safetensors and "
            "the vocabulary",
            folder);
    if (config && stat(config, &about) == 0)
        return st_error_set(
            error, STAPES_EMODEL,
            "%s: is laid out as Hugging Face does (config.json), expected a folder with model.yaml, "
            "weights.safetensors and the vocabulary",
            folder);
    return st_error_set(error, STAPES_EMODEL,
                        "%s: has no model.yaml: a model folder holds model.yaml, weights.safetensors and the "
                        "vocabulary",
                        folder);
}

static int read_vocabulary(stapes_model *model, const char *file, st_arena *arena, stapes_error *error)
{
    enum { MOST = 16 << 20 };
    size_t size;
    char  *path = st_arena_format(arena, "%s/%s", model->folder, file);
    if (!path) return st_error_set(error, STAPES_ENOMEM, "no memory");
    char *text = st_mapping_read(path, MOST, arena, &size, error);
    if (!text) return STAPES_EMODEL; /* the record has the true status */
    int status = st_model_read_labels(path, text, size, &model->vocabulary, arena, error);
    if (status < 0) return status;
    if (model->vocabulary.count != model->out)
        return st_error_set(error, STAPES_EMODEL,
                            "%s: has %u labels, layer '%s' of model.yaml gives scores of %u", path,
                            model->vocabulary.count, model->layers[model->n_layers - 1].name, model->out);
    return STAPES_OK;
}

static int read_folder(folder_model *m, const char *folder, stapes_error *error)
{
    struct stat about;
    size_t      size;
    const char *vocabulary;
    st_yaml     yaml = {.error = error, .arena = &m->arena};
    m->about.folder = st_arena_string(&m->arena, folder);
    yaml.path = st_arena_format(&m->arena, "%s/model.yaml", folder);
    if (!m->about.folder || !yaml.path) return st_error_set(error, STAPES_ENOMEM, "no memory");
    if (stat(yaml.path, &about) != 0 && (errno == ENOENT || errno == ENOTDIR))
        return fail_other(folder, &m->arena, error);
    char        *text = st_mapping_read(yaml.path, ST_YAML_MOST, &m->arena, &size, error);
    yaml_node_t *root = text ? st_yaml_open(&yaml, text, size) : NULL;
    if (!root) return STAPES_EMODEL; /* the record has the true status */
    int status = st_model_read_yaml(&yaml, root, &m->about, &vocabulary);
    st_yaml_close(&yaml);
    return status >= 0 && vocabulary ? read_vocabulary(&m->about, vocabulary, &m->arena, error) : status;
}

const stapes_model *stapes_open_model(const char *folder, stapes_error *error)
{
    folder_model *m = calloc(1, sizeof *m);
    if (!m) {
        st_error_set(error, STAPES_ENOMEM, "%s: no memory", folder);
        return NULL;
    }
    m->about.size = sizeof m->about;
    if (read_folder(m, folder, error) >= 0) return &m->about;
    stapes_close_model(&m->about);
    return NULL;
}

void stapes_close_model(const stapes_model *model)
{
    if (!model) return;
    folder_model *m = (folder_model *)(uintptr_t)model;
    st_arena_close(&m->arena);
    free(m);
}
