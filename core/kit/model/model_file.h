/* model_file.h - the parts of a model folder's reader. */
#ifndef ST_MODEL_FILE_H
#define ST_MODEL_FILE_H

#include "kit/model/yaml_map.h"
#include <stapes/kit/model.h>

/* Reads the list `network:` into model->layers, n_layers, in and out. */
int st_model_read_layers(const st_yaml *yaml, yaml_node_t *list, stapes_model *model);

/* Reads the map `features:` into model->features and, if it makes sense, model->recipe. */
int st_model_read_features(const st_yaml *yaml, yaml_node_t *map, stapes_model *model);

/* Reads everything of model.yaml but the vocabulary, whose file name goes to *vocabulary (NULL: none). */
int st_model_read_yaml(const st_yaml *yaml, yaml_node_t *root, stapes_model *model, const char **vocabulary);

/* Labels of a text, one a line; `path` for messages. */
int st_model_read_labels(const char *path, const char *text, size_t size, stapes_vocabulary *vocabulary,
                         st_arena *arena, stapes_error *error);

#endif
