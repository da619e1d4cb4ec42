/* yaml_map.c - see yaml_map.h. */
#include "kit/model/yaml_map.h"

#include "contract/error.h"

#include <stdio.h>
#include <string.h>

uint32_t st_yaml_line(const yaml_node_t *node) { return (uint32_t)node->start_mark.line + 1; }

int st_yaml_fail(const st_yaml *yaml, const yaml_node_t *where, const char *format, ...)
{
    char    words[900];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return st_error_set(yaml->error, STAPES_EMODEL, "%s:%u: %s", yaml->path, st_yaml_line(where), words);
}

static int fail_parse(const st_yaml *yaml, const yaml_parser_t *parser)
{
    if (parser->error == YAML_MEMORY_ERROR) return st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
    if (parser->error == YAML_READER_ERROR)
        return st_error_set(yaml->error, STAPES_EMODEL, "%s: byte %zu: %s", yaml->path,
                            parser->problem_offset, parser->problem ? parser->problem : "is no text");
    char context[200] = "";
    if (parser->context)
        (void)snprintf(context, sizeof context, " %s that began in line %zu", parser->context,
                       parser->context_mark.line + 1);
    return st_error_set(yaml->error, STAPES_EMODEL, "%s:%zu:%zu: %s%s", yaml->path,
                        parser->problem_mark.line + 1, parser->problem_mark.column + 1,
                        parser->problem ? parser->problem : "is no YAML", context);
}

/* Whether nothing but the end follows the document. */
static bool is_alone(st_yaml *yaml, yaml_parser_t *parser)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second)) {
        fail_parse(yaml, parser);
        return false;
    }
    yaml_node_t *root = yaml_document_get_root_node(&second);
    if (root) st_yaml_fail(yaml, root, "a second document begins here, expected one");
    yaml_document_delete(&second);
    return !root;
}

yaml_node_t *st_yaml_open(st_yaml *yaml, const char *text, size_t size)
{
    yaml_parser_t parser;
    yaml_node_t  *root = NULL;
    if (!yaml_parser_initialize(&parser)) {
        st_error_set(yaml->error, STAPES_ENOMEM, "no memory");
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    if (!yaml_parser_load(&parser, &yaml->document)) {
        fail_parse(yaml, &parser);
    } else {
        root = yaml_document_get_root_node(&yaml->document);
        if (!root)
            st_error_set(yaml->error, STAPES_EMODEL, "%s: is empty", yaml->path);
        else if (root->type != YAML_MAPPING_NODE)
            st_yaml_fail(yaml, root, "expected a map of keys and values");
        if (!root || root->type != YAML_MAPPING_NODE || !is_alone(yaml, &parser)) {
            yaml_document_delete(&yaml->document);
            root = NULL;
        }
    }
    yaml_parser_delete(&parser);
    return root;
}

void st_yaml_close(st_yaml *yaml) { yaml_document_delete(&yaml->document); }

static yaml_node_t *node_at(const st_yaml *yaml, int index)
{
    return yaml_document_get_node((yaml_document_t *)(uintptr_t)&yaml->document, index); /* only reads */
}

uint32_t st_yaml_count(const yaml_node_t *map)
{
    return (uint32_t)(map->data.mapping.pairs.top - map->data.mapping.pairs.start);
}

const char *st_yaml_key(const st_yaml *yaml, const yaml_node_t *map, uint32_t n)
{
    return (const char *)node_at(yaml, map->data.mapping.pairs.start[n].key)->data.scalar.value;
}

yaml_node_t *st_yaml_value(const st_yaml *yaml, const yaml_node_t *map, uint32_t n)
{
    return node_at(yaml, map->data.mapping.pairs.start[n].value);
}

yaml_node_t *st_yaml_get(const st_yaml *yaml, const yaml_node_t *map, const char *key)
{
    for (uint32_t i = 0; i < st_yaml_count(map); i++)
        if (!strcmp(st_yaml_key(yaml, map, i), key)) return st_yaml_value(yaml, map, i);
    return NULL;
}

/* "a, b, c" of the names. */
static char *join(const char *const *names, uint32_t count, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < count && used < size; i++) {
        int n = snprintf(text + used, size - used, "%s%s", i ? ", " : "", names[i]);
        if (n > 0) used += (size_t)n;
    }
    return text;
}

static bool is_among(const char *word, const char *const *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!strcmp(word, names[i])) return true;
    return false;
}

int st_yaml_check_map(const st_yaml *yaml, yaml_node_t *node, const char *what, const char *const *allowed,
                      uint32_t count)
{
    enum { MOST_KEYS = 1000 };
    char names[500];
    if (node->type != YAML_MAPPING_NODE) return st_yaml_fail(yaml, node, "%sexpected a map", what);
    if (st_yaml_count(node) > MOST_KEYS)
        return st_yaml_fail(yaml, node, "%shas over %d keys", what, MOST_KEYS);
    for (uint32_t i = 0; i < st_yaml_count(node); i++) {
        yaml_node_t *key = node_at(yaml, node->data.mapping.pairs.start[i].key);
        const char  *text = st_yaml_text(yaml, key, what);
        if (!text) return STAPES_EMODEL;
        if (allowed && !is_among(text, allowed, count))
            return st_yaml_fail(yaml, key, "%skey '%.60s' is unknown, allowed are %s", what, text,
                                join(allowed, count, names, sizeof names));
        for (uint32_t j = 0; j < i; j++)
            if (!strcmp(st_yaml_key(yaml, node, j), text))
                return st_yaml_fail(yaml, key, "%skey '%.60s' was given before, in line %u", what, text,
                                    st_yaml_line(node_at(yaml, node->data.mapping.pairs.start[j].key)));
    }
    return STAPES_OK;
}

const char *st_yaml_text(const st_yaml *yaml, const yaml_node_t *node, const char *what)
{
    if (node->type != YAML_SCALAR_NODE) {
        st_yaml_fail(yaml, node, "%sexpected a word or number", what);
        return NULL;
    }
    const char *text = (const char *)node->data.scalar.value;
    if (strlen(text) == node->data.scalar.length) return text;
    st_yaml_fail(yaml, node, "%shas a zero byte", what);
    return NULL;
}

int st_yaml_number(const st_yaml *yaml, const yaml_node_t *node, const char *what, uint32_t *value)
{
    const char *text = st_yaml_text(yaml, node, what);
    uint64_t    number = 0;
    if (!text) return STAPES_EMODEL;
    for (const char *c = text; *c && number <= UINT32_MAX; c++)
        number = *c >= '0' && *c <= '9' ? number * 10 + (uint64_t)(*c - '0') : UINT64_MAX;
    if (!*text || number > UINT32_MAX)
        return st_yaml_fail(yaml, node, "%sfound '%.60s', expected a whole number", what, text);
    *value = (uint32_t)number;
    return STAPES_OK;
}

int st_yaml_bool(const st_yaml *yaml, const yaml_node_t *node, const char *what, bool *value)
{
    const char *text = st_yaml_text(yaml, node, what);
    if (!text) return STAPES_EMODEL;
    *value = !strcmp(text, "true");
    if (*value || !strcmp(text, "false")) return STAPES_OK;
    return st_yaml_fail(yaml, node, "%sfound '%.60s', expected true or false", what, text);
}
