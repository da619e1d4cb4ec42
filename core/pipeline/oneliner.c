/* oneliner.c - see oneliner.h. */
#include "pipeline/oneliner.h"

#include "contract/utf8.h"

#include <string.h>

/* One word without its quotes. `plain[i]` tells whether byte i stood outside quotes and escapes: only
 * such ones divide (= @ , : !). */
typedef struct word {
    size_t begin, end; /* in the page */
    char  *text;
    bool  *plain;
    size_t length;
    bool   quoted; /* something in it was */
} word;

typedef struct reader {
    st_notes      *notes;
    const st_page *page;
    size_t         at;
} reader;

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool st_oneliner_is(const char *text)
{
    if (!strncmp(text, "\xef\xbb\xbf", 3)) text += 3;
    while (is_blank(*text)) text++;
    if (!*text || strchr("#%-{[\"'&*|>", *text)) return false;
    while (*text && !is_blank(*text) && *text != ':') text++;
    while (*text && *text != ':' && is_blank(*text) && *text != '\n') text++;
    return !(*text == ':' && (!text[1] || is_blank(text[1])));
}

static void put(word *w, char c, bool plain)
{
    w->plain[w->length] = plain;
    w->text[w->length++] = c;
}

/* The next word; false at the end of the text or without memory. */
static bool next_word(reader *r, word *w)
{
    const char *text = r->page->text;
    size_t      end = r->page->length, at = r->at;
    while (at < end && is_blank(text[at])) at++;
    *w = (word){.begin = at};
    if (at == end) return false;
    size_t most = at;
    char   quote = 0;
    for (; most < end && (quote || !is_blank(text[most])); most++) { /* an upper bound of its length */
        if (text[most] == '\\' && quote != '\'' && most + 1 < end)
            most++;
        else if (quote ? text[most] == quote : text[most] == '\'' || text[most] == '"')
            quote = quote ? 0 : text[most];
    }
    w->text = st_arena_take(r->notes->arena, most - at + 1, 1);
    w->plain = st_arena_take(r->notes->arena, most - at + 1, sizeof *w->plain);
    if (!w->text || !w->plain) {
        r->notes->no_memory = true;
        return false;
    }
    size_t opened = 0;
    for (quote = 0; at < most; at++) {
        char c = text[at];
        if (c == '\\' && quote != '\'' && at + 1 < most) {
            char next = text[at + 1];
            if (quote == '"' && next != '"' && next != '\\')
                put(w, c, false);
            else
                put(w, text[++at], false);
            w->quoted = true;
        } else if (quote ? c == quote : c == '\'' || c == '"') {
            opened = at;
            quote = quote ? 0 : c;
            w->quoted = true;
        } else {
            put(w, c, quote == 0);
        }
    }
    if (quote)
        st_notes_add(r->notes, st_notes_spot(r->page, opened, most), STAPES_EUSAGE,
                     "this quote is not closed: put %c at the end of the value", quote);
    r->at = w->end = most;
    return true;
}

static bool is_separator(const word *w) { return w->length == 1 && w->text[0] == '!' && w->plain[0]; }

/* The first plain `c` in a word, or its length. */
static size_t find(const word *w, size_t from, char c)
{
    while (from < w->length && !(w->text[from] == c && w->plain[from])) from++;
    return from;
}

/* Bytes of the page from part of a word; of a quoted word, the whole. */
static st_spot spot_of(const reader *r, const word *w, size_t begin, size_t end)
{
    if (w->quoted) return st_notes_spot(r->page, w->begin, w->end);
    return st_notes_spot(r->page, w->begin + begin, w->begin + end);
}

static st_tree *scalar(reader *r, const word *w, size_t begin, size_t end)
{
    return st_tree_make(r->notes, ST_TREE_SCALAR, spot_of(r, w, begin, end),
                        st_notes_text(r->notes, "%.*s", (int)(end - begin), w->text + begin));
}

/* What stands after '='. With quotes and ',' in it, the pieces are kept too. */
static st_tree *read_value(reader *r, const word *w, size_t begin)
{
    st_tree *value = scalar(r, w, begin, w->length);
    if (!value || !w->quoted || find(w, begin, ',') == w->length) return value;
    for (size_t from = begin; from <= w->length;) {
        size_t comma = find(w, from, ',');
        st_tree_put(r->notes, value, NULL, scalar(r, w, from, comma));
        from = comma + 1;
    }
    return value;
}

/* from=NAME.PORT stays a scalar, from=PORT:NAME.PORT,... becomes a map. */
static st_tree *read_from(reader *r, const word *w, size_t begin)
{
    if (find(w, begin, ':') == w->length) return scalar(r, w, begin, w->length);
    st_tree *map = st_tree_make(r->notes, ST_TREE_MAP, spot_of(r, w, begin, w->length), NULL);
    for (size_t from = begin; map && from <= w->length;) {
        size_t comma = find(w, from, ','), colon = find(w, from, ':');
        if (colon >= comma) {
            st_notes_add(r->notes, spot_of(r, w, from, comma), STAPES_EUSAGE,
                         "expected PORT:NAME or PORT:NAME.PORT between the commas of from=");
        } else {
            st_tree *key = scalar(r, w, from, colon);
            if (key) st_tree_put(r->notes, map, key, scalar(r, w, colon + 1, comma));
        }
        from = comma + 1;
    }
    return map;
}

static void read_parameter(reader *r, const word *w, st_tree *map)
{
    size_t equals = find(w, 0, '=');
    if (equals == w->length || equals == 0) {
        bool bang = find(w, 0, '!') < w->length;
        st_notes_add(r->notes, spot_of(r, w, 0, w->length), STAPES_EUSAGE,
                     bang ? "'%s': write '!' with a blank on each side"
                          : "'%s' is no parameter: write name=value, or '!' before the next stage",
                     st_notes_word(r->notes, w->text));
        return;
    }
    st_tree *key = scalar(r, w, 0, equals);
    if (!key) return;
    bool from = !strcmp(key->text, "from");
    st_tree_put(r->notes, map, key, from ? read_from(r, w, equals + 1) : read_value(r, w, equals + 1));
}

/* [NAME@]FAMILY.WHAT as the map {NAME: {use: FAMILY.WHAT}} or {FAMILY.WHAT: {}}; *inside is the inner map. */
static st_tree *read_stage(reader *r, const word *w, st_tree **inside)
{
    size_t   sign = find(w, 0, '@');
    bool     named = sign < w->length;
    st_spot  spot = spot_of(r, w, 0, w->length);
    st_tree *map = st_tree_make(r->notes, ST_TREE_MAP, spot, NULL);
    *inside = st_tree_make(r->notes, ST_TREE_MAP, spot, NULL);
    st_tree *key = scalar(r, w, 0, named ? sign : w->length);
    if (!map || !*inside || !key) return NULL;
    if (named) {
        st_tree *use = st_tree_make(r->notes, ST_TREE_SCALAR, spot, "use");
        if (use) st_tree_put(r->notes, *inside, use, scalar(r, w, sign + 1, w->length));
    }
    st_tree_put(r->notes, map, key, *inside);
    return map;
}

st_tree *st_oneliner_read(st_notes *notes, const st_page *page)
{
    reader   r = {.notes = notes, .page = page};
    st_spot  begin = st_notes_spot(page, 0, 0);
    st_tree *map = st_tree_make(notes, ST_TREE_MAP, begin, NULL);
    st_tree *key = st_tree_make(notes, ST_TREE_SCALAR, begin, "stages");
    st_tree *stages = st_tree_make(notes, ST_TREE_LIST, begin, NULL), *inside = NULL;
    word     w, last = {0};
    bool     expected = true; /* a stage */
    if (!map || !key || !stages || !st_tree_put(notes, map, key, stages)) return NULL;
    while (!notes->no_memory && !notes->too_many && next_word(&r, &w)) {
        if (is_separator(&w)) {
            if (expected)
                st_notes_add(notes, spot_of(&r, &w, 0, 1), STAPES_EUSAGE,
                             stages->n ? "no stage between '!' and '!'" : "no stage before the first '!'");
            expected = true;
        } else if (expected) {
            st_tree_put(notes, stages, NULL, read_stage(&r, &w, &inside));
            expected = false;
        } else if (inside) {
            read_parameter(&r, &w, inside);
        }
        last = w;
    }
    if (notes->no_memory) return NULL;
    if (expected && last.end)
        st_notes_add(notes, spot_of(&r, &last, 0, 1), STAPES_EUSAGE, "no stage after the last '!'");
    else if (expected)
        st_notes_add(notes, begin, STAPES_EUSAGE, "is empty: a pipeline is 'STAGE ! STAGE ...'");
    return map;
}
