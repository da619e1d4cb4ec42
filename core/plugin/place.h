/* place.h - where things lie: folders of plugins, pipelines and models, for the installed package and
 * the build tree alike (both have lib/stapes/plugins and share/stapes/{pipelines,models}). */
#ifndef ST_PLACE_H
#define ST_PLACE_H

#include "contract/arena.h"
#include <stapes/stage.h>

enum st_place_kind { ST_PLUGINS, ST_PIPELINES, ST_MODELS };

/* Folders in the order in which they are searched: `extra` (':' between, or NULL), the environment
 * ($STAPES_PLUGIN_PATH, $STAPES_PIPELINE_PATH, $STAPES_MODEL_PATH), the user's, the package's. Those
 * that do not exist are included. NULL without memory. */
const char *const *st_place_folders(int kind, const char *extra, st_arena *arena, uint32_t *count);

/* The folder of the model called `name` or, if it has a '/' or is a folder, that folder itself. NULL:
 * error says where it was looked for, what is there, and the nearest name. */
const char *st_place_model(const char *extra, const char *name, st_arena *arena, stapes_error *error);

/* The path of the pipeline file called `name`; the same rules ("a.yaml" and anything with '/' is a path). */
const char *st_place_pipeline(const char *extra, const char *name, st_arena *arena, stapes_error *error);

/* Names of all pipelines or models found (file names without .yaml; folders), sorted, each once. */
const char *const *st_place_names(int kind, const char *extra, st_arena *arena, uint32_t *count);

#endif
