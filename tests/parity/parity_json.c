/* parity_json.c - JSON by libyaml: each JSON text is a YAML text too, and the library is here anyway. */
#include "parity_json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct parity_json {
    yaml_document_t document;
};

static int fail(stapes_error *error, const char *path, unsigned long line, const char *words)
{
    error->status = STAPES_EINPUT;
    if (line)
        snprintf(error->text, sizeof error->text, "%s:%lu: %s", path, line, words);
    else
        snprintf(error->text, sizeof error->text, "%s: %s", path, words);
    return error->status;
}

parity_json *parity_json_open(const char *path, stapes_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fail(error, path, 0, strerror(errno));
        return NULL;
    }
    parity_json  *json = calloc(1, sizeof *json);
    yaml_parser_t parser;
    if (!json || !yaml_parser_initialize(&parser)) {
        fail(error, path, 0, "out of memory");
        free(json);
        fclose(file);
        return NULL;
    }
    yaml_parser_set_input_file(&parser, file);
    if (!yaml_parser_load(&parser, &json->document)) {
        fail(error, path, (unsigned long)parser.problem_mark.line + 1,
             parser.problem ? parser.problem : "not JSON");
        free(json);
        json = NULL;
    }
    yaml_parser_delete(&parser);
    fclose(file);
    return json;
}

void parity_json_close(parity_json *json)
{
    if (!json) return;
    yaml_document_delete(&json->document);
    free(json);
}

static yaml_node_t *member(const parity_json *json, yaml_node_t *object, const char *name)
{
    yaml_document_t *document = (yaml_document_t *)&json->document;
    if (!object || object->type != YAML_MAPPING_NODE) return NULL;
    for (yaml_node_pair_t *pair = object->data.mapping.pairs.start; pair < object->data.mapping.pairs.top;
         pair++) {
        yaml_node_t *key = yaml_document_get_node(document, pair->key);
        if (key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, name) == 0)
            return yaml_document_get_node(document, pair->value);
    }
    return NULL;
}

const char *parity_json_text(const parity_json *json, const char *within, const char *name)
{
    yaml_node_t *object = yaml_document_get_root_node((yaml_document_t *)&json->document);
    if (within) object = member(json, object, within);
    yaml_node_t *node = member(json, object, name);
    return node && node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}
