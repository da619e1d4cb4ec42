/* tree.c - see tree.h. libyaml's events with their marks become a tree. Not its own document loader:
 * that one drops duplicate keys and follows aliases, so that ten lines can become a thousand million. */
#include "pipeline/tree.h"

#include "contract/utf8.h"

#include <string.h>
#include <yaml.h>

typedef struct reader {
    st_notes      *notes;
    const st_page *page;
    yaml_parser_t  parser;
    uint32_t       n_values;
    bool           saw_alias;
    bool           stopped; /* a mistake after which nothing can be understood */
} reader;

st_tree *st_tree_make(st_notes *notes, int kind, st_spot spot, const char *text)
{
    st_tree *tree = st_arena_take(notes->arena, 1, sizeof *tree);
    if (!tree) {
        notes->no_memory = true;
        return NULL;
    }
    *tree = (st_tree){.kind = kind, .spot = spot, .text = text};
    return tree;
}

bool st_tree_put(st_notes *notes, st_tree *into, st_tree *key, st_tree *value)
{
    if (!value) return false;
    if (key) {
        for (uint32_t i = 0; i < into->n; i++) {
            if (strcmp(into->keys[i]->text, key->text) != 0) continue;
            st_notes_add(
                notes, key->spot, STAPES_EUSAGE, "'%s' stands here twice; the first is in %s %u: delete one",
                st_notes_word(notes, key->text),
                into->keys[i]->spot.mark.line == key->spot.mark.line ? "column" : "line",
                into->keys[i]->spot.mark.line == key->spot.mark.line ? into->keys[i]->spot.mark.column
                                                                     : into->keys[i]->spot.mark.line);
            return false;
        }
        st_tree **keys = st_notes_grow(notes, into->keys, into->n, &into->room_keys, sizeof *keys);
        if (!keys) return false;
        into->keys = keys;
        keys[into->n] = key;
    }
    st_tree **items = st_notes_grow(notes, into->items, into->n, &into->room_items, sizeof *items);
    if (!items) return false;
    into->items = items;
    items[into->n++] = value;
    return true;
}

const st_tree *st_tree_get(const st_tree *map, const char *key)
{
    for (uint32_t i = 0; map && map->kind == ST_TREE_MAP && i < map->n; i++)
        if (!strcmp(map->keys[i]->text, key)) return map->items[i];
    return NULL;
}

const char *st_tree_say(st_notes *notes, const st_tree *tree)
{
    switch (tree->kind) {
    case ST_TREE_SCALAR: return st_notes_text(notes, "'%s'", st_notes_word(notes, tree->text));
    case ST_TREE_LIST: return "a list";
    case ST_TREE_MAP: return "a map";
    default: return "nothing";
    }
}

/* ---- libyaml ----------------------------------------------------------------------------------- */

static st_spot spot_of(const reader *r, const yaml_mark_t *begin, const yaml_mark_t *end)
{
    st_spot spot = {.mark = {.file = r->page->file,
                             .line = (uint32_t)begin->line + 1,
                             .column = (uint32_t)begin->column + 1},
                    .width = 1};
    if (end && end->line == begin->line && end->column > begin->column)
        spot.width = (uint32_t)(end->column - begin->column);
    return spot;
}

/* The character at a mark: what libyaml's scanner could not read. */
static uint32_t character_at(const reader *r, const yaml_mark_t *mark)
{
    size_t   at = mark->line < r->page->n_lines ? r->page->lines[mark->line] : r->page->length;
    uint32_t code = 0;
    for (size_t column = 0; at < r->page->length; column++) {
        size_t n = st_utf8_next(r->page->text + at, r->page->length - at, &code);
        if (column == mark->column) return code;
        at += n ? n : 1;
    }
    return 0;
}

/* What libyaml says, and what it means to somebody who writes a pipeline. */
static const char *plain_words(reader *r, const char *problem, const yaml_mark_t *mark)
{
    static const struct {
        const char *problem, *words;
    } table[] = {
        {"mapping values are not allowed in this context",
         "a ':' cannot stand here: indent the line like its neighbours, or quote a value that has ': ' in "
         "it"},
        {"did not find expected key",
         "expected 'name: value', indented like the lines before: check indentation, quotes and brackets"},
        {"did not find expected '-' indicator", "expected '- ' as in the list before: check the indentation"},
        {"could not find expected ':'", "expected ':' after this name: write 'name: value'"},
        {"did not find expected ',' or '}'", "expected ',' or '}': a brace that was opened is not closed"},
        {"did not find expected ',' or ']'", "expected ',' or ']': a bracket that was opened is not closed"},
        {"found unexpected end of stream",
         "these quotes are not closed: put the same at the end of the value"},
        {"did not find expected node content", "expected a value here"},
        {"block sequence entries are not allowed in this context",
         "a list item '- ' cannot stand here: give it a line of its own"},
        {"did not find expected <document start>", "the pipeline ended before this: check the indentation"},
        {"found unknown escape character",
         "unknown escape in \"...\": write '\\\\' for '\\', or use '...' quotes"},
    };
    if (!problem) return "this is no YAML";
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (!strcmp(problem, table[i].problem)) return table[i].words;
    if (!strcmp(problem, "found character that cannot start any token")) {
        uint32_t code = character_at(r, mark);
        if (code == '\t') return "a tab cannot indent YAML: use blanks";
        if (code > 0x20 && code < 0x7f)
            return st_notes_text(r->notes, "a value cannot begin with '%c': put it in quotes", (int)code);
    }
    return st_notes_text(r->notes, "this is no YAML: %s", problem);
}

static void syntax_error(reader *r)
{
    const yaml_parser_t *p = &r->parser;
    yaml_mark_t          mark = p->problem_mark;
    r->stopped = true;
    if (p->error == YAML_MEMORY_ERROR) {
        r->notes->no_memory = true;
        return;
    }
    if (p->error == YAML_READER_ERROR) mark = p->mark;
    if (p->problem && !strcmp(p->problem, "found unexpected end of stream")) mark = p->context_mark;
    const char *words = plain_words(r, p->problem, &mark), *begun = "";
    if (p->context && p->context_mark.line != mark.line && mark.line > p->context_mark.line)
        begun = st_notes_text(r->notes, " (what it belongs to begins in line %zu)", p->context_mark.line + 1);
    st_spot spot = spot_of(r, &mark, NULL);
    if (spot.mark.line > r->page->n_lines) { /* the end of the text: after its last character */
        const size_t *lines = r->page->lines;
        spot.mark.line = r->page->n_lines;
        size_t length = lines[spot.mark.line] - lines[spot.mark.line - 1];
        while (length && st_utf8_break(r->page->text + lines[spot.mark.line] - 1, 1)) {
            length--;
            break;
        }
        spot.mark.column = st_utf8_count(r->page->text + lines[spot.mark.line - 1], length) + 1;
    }
    st_notes_add(r->notes, spot, STAPES_EUSAGE, "%s%s", words, begun);
}

static bool next_event(reader *r, yaml_event_t *event)
{
    memset(event, 0, sizeof *event);
    if (r->stopped || r->notes->too_many || r->notes->no_memory) return false;
    if (yaml_parser_parse(&r->parser, event)) return true;
    syntax_error(r);
    return false;
}

static void refuse_decoration(reader *r, const yaml_char_t *anchor, const yaml_char_t *tag,
                              const yaml_event_t *event)
{
    st_spot spot = spot_of(r, &event->start_mark, NULL);
    if (anchor) {
        spot.width = st_utf8_count((const char *)anchor, strlen((const char *)anchor)) + 1;
        st_notes_add(r->notes, spot, STAPES_EUSAGE,
                     "anchor '&%s': pipeline files have no anchors and aliases; write the value out where it "
                     "is needed",
                     st_notes_word(r->notes, (const char *)anchor));
    } else if (tag) {
        st_notes_add(
            r->notes, spot, STAPES_EUSAGE,
            "a tag ('!...') has no meaning in a pipeline file: delete it, or put the value in quotes");
    }
}

static bool is_null(const yaml_event_t *event)
{
    const char *text = (const char *)event->data.scalar.value;
    return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (!*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
            !strcmp(text, "NULL"));
}

static st_tree *read_value(reader *r, yaml_event_t *event, unsigned depth);

/* Items until the list or map ends; an item that is a mistake is left out. */
static void read_items(reader *r, st_tree *into, unsigned depth)
{
    yaml_event_t event;
    bool         is_map = into->kind == ST_TREE_MAP;
    while (next_event(r, &event)) {
        if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return;
        }
        st_tree *key = NULL, *value;
        bool     good = true;
        if (is_map) {
            key = read_value(r, &event, depth);
            if (key && key->kind == ST_TREE_NULL) {
                key->kind = ST_TREE_SCALAR;
                key->text = "";
            }
            if (key && key->kind != ST_TREE_SCALAR && key->kind != ST_TREE_BAD)
                st_notes_add(r->notes, key->spot, STAPES_EUSAGE, "a name must stand before ':', found %s",
                             st_tree_say(r->notes, key));
            good = key && key->kind == ST_TREE_SCALAR;
            if (!next_event(r, &event)) return;
        }
        value = read_value(r, &event, depth);
        if (good && value) st_tree_put(r->notes, into, key, value);
    }
}

/* The value that begins with this event, which is deleted. NULL where there was a mistake. */
static st_tree *read_value(reader *r, yaml_event_t *event, unsigned depth)
{
    st_tree *tree = NULL;
    st_spot  spot = spot_of(r, &event->start_mark, &event->end_mark);
    if (++r->n_values > ST_TREE_MOST || depth > ST_TREE_DEEPEST) {
        if (depth > ST_TREE_DEEPEST)
            st_notes_add(r->notes, spot, STAPES_EUSAGE, "more than %d lists and maps inside one another",
                         ST_TREE_DEEPEST);
        else
            st_notes_add(r->notes, spot, STAPES_EUSAGE, "more than %d values in one pipeline file",
                         ST_TREE_MOST);
        r->stopped = true;
        yaml_event_delete(event);
        return NULL;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        refuse_decoration(r, event->data.scalar.anchor, event->data.scalar.tag, event);
        tree = st_tree_make(r->notes, is_null(event) ? ST_TREE_NULL : ST_TREE_SCALAR, spot,
                            st_notes_text(r->notes, "%s", (const char *)event->data.scalar.value));
        if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
            st_notes_add(r->notes, spot, STAPES_EUSAGE, "a value cannot have \\0 in it");
        break;
    case YAML_SEQUENCE_START_EVENT:
        refuse_decoration(r, event->data.sequence_start.anchor, event->data.sequence_start.tag, event);
        tree = st_tree_make(r->notes, ST_TREE_LIST, spot, NULL);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_decoration(r, event->data.mapping_start.anchor, event->data.mapping_start.tag, event);
        tree = st_tree_make(r->notes, ST_TREE_MAP, spot, NULL);
        break;
    case YAML_ALIAS_EVENT:
        tree = st_tree_make(r->notes, ST_TREE_BAD, spot, NULL);
        if (r->saw_alias) break; /* one is enough */
        r->saw_alias = true;
        st_notes_add(r->notes, spot, STAPES_EUSAGE,
                     "alias '*%s': pipeline files have no anchors and aliases; write the value out",
                     st_notes_word(r->notes, (const char *)event->data.alias.anchor));
        break;
    default: break;
    }
    yaml_event_delete(event);
    if (tree && (tree->kind == ST_TREE_LIST || tree->kind == ST_TREE_MAP)) read_items(r, tree, depth + 1);
    return tree;
}

/* Events before the first value and after it: only one document. */
static st_tree *read_document(reader *r)
{
    st_tree     *tree = NULL;
    yaml_event_t event;
    while (next_event(r, &event)) {
        yaml_event_type_t type = event.type;
        if (type == YAML_DOCUMENT_START_EVENT && tree) {
            st_notes_add(r->notes, spot_of(r, &event.start_mark, &event.end_mark), STAPES_EUSAGE,
                         "a second document begins here; a pipeline file has one");
            r->stopped = true;
        }
        if (type == YAML_STREAM_START_EVENT || type == YAML_STREAM_END_EVENT ||
            type == YAML_DOCUMENT_START_EVENT || type == YAML_DOCUMENT_END_EVENT)
            yaml_event_delete(&event);
        else
            tree = read_value(r, &event, 0);
        if (type == YAML_STREAM_END_EVENT) break;
    }
    return tree;
}

st_tree *st_tree_read(st_notes *notes, const st_page *page)
{
    reader   r = {.notes = notes, .page = page};
    uint32_t before = notes->n;
    if (!yaml_parser_initialize(&r.parser)) {
        notes->no_memory = true;
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)page->text, page->length);
    st_tree *tree = read_document(&r);
    yaml_parser_delete(&r.parser);
    if (r.stopped || notes->no_memory) return NULL;
    if (!tree && notes->n == before) {
        st_spot nowhere = {.mark = {.file = page->file}};
        st_notes_add(notes, nowhere, STAPES_EUSAGE,
                     "is empty: a pipeline has 'stages:' and below it a list, '- audio.file' and so on");
    }
    return tree;
}
