/* json.c - see json.h. Recursive descent, bounded in depth; numbers through the C locale, so that a program
 * in a locale of decimal commas reads the same. */
#include "kit/model/json.h"

#include "contract/error.h"
#include "contract/utf8.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    const char   *text;
    size_t        size, at;
    st_arena     *arena;
    stapes_error *error;
    locale_t      c_locale;
    uint32_t      values;
} reader;

static bool read_value(reader *r, st_json *value, uint32_t depth);

static bool fail(reader *r, const char *expected)
{
    if (r->at >= r->size) {
        st_error_set(r->error, STAPES_EMODEL, "byte %zu: the text ends, expected %s", r->size, expected);
        return false;
    }
    unsigned char c = (unsigned char)r->text[r->at];
    if (c > 32 && c < 127)
        st_error_set(r->error, STAPES_EMODEL, "byte %zu: found '%c', expected %s", r->at, c, expected);
    else
        st_error_set(r->error, STAPES_EMODEL, "byte %zu: found byte 0x%02x, expected %s", r->at, c, expected);
    return false;
}

static bool fail_memory(reader *r)
{
    st_error_set(r->error, STAPES_ENOMEM, "no memory");
    return false;
}

static void skip_space(reader *r)
{
    while (r->at < r->size && strchr(" \t\n\r", r->text[r->at]) && r->text[r->at]) r->at++;
}

static bool take(reader *r, char c)
{
    if (r->at >= r->size || r->text[r->at] != c) return false;
    r->at++;
    return true;
}

static bool read_word(reader *r, const char *word)
{
    size_t length = strlen(word);
    if (r->size - r->at < length || memcmp(r->text + r->at, word, length) != 0)
        return fail(r, "null, true or false");
    r->at += length;
    return true;
}

static size_t skip_digits(reader *r)
{
    size_t from = r->at;
    while (r->at < r->size && r->text[r->at] >= '0' && r->text[r->at] <= '9') r->at++;
    return r->at - from;
}

static bool read_number(reader *r, st_json *value)
{
    enum { MOST = 400 };
    size_t from = r->at, digits;
    bool   whole = !take(r, '-');
    if (take(r, '0'))
        digits = 1;
    else
        digits = skip_digits(r);
    if (!digits) return fail(r, "a digit");
    if (take(r, '.')) {
        whole = false;
        if (!skip_digits(r)) return fail(r, "a digit");
    }
    if (r->at < r->size && (r->text[r->at] == 'e' || r->text[r->at] == 'E')) {
        whole = false;
        r->at++;
        if (!take(r, '+')) (void)take(r, '-');
        if (!skip_digits(r)) return fail(r, "a digit");
    }
    char   copy[MOST + 1];
    size_t length = r->at - from;
    if (length > MOST) {
        r->at = from;
        return fail(r, "a number of at most 400 digits");
    }
    memcpy(copy, r->text + from, length);
    copy[length] = 0;
    if (!r->c_locale) r->c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!r->c_locale) return fail_memory(r);
    value->type = ST_JSON_NUMBER;
    value->number = strtod_l(copy, NULL, r->c_locale);
    value->is_whole = whole;
    for (size_t i = 0; value->is_whole && i < length; i++) {
        uint64_t digit = (uint64_t)(copy[i] - '0');
        value->is_whole = value->whole <= (UINT64_MAX - digit) / 10;
        value->whole = value->whole * 10 + digit;
    }
    if (!value->is_whole) value->whole = 0;
    return true;
}

/* Four hexadecimal digits. */
static bool read_hex(reader *r, uint32_t *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        char c = r->at < r->size ? r->text[r->at] : 0;
        if (c >= '0' && c <= '9')
            *unit = *unit * 16 + (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *unit = *unit * 16 + (uint32_t)(c - 'a') + 10;
        else if (c >= 'A' && c <= 'F')
            *unit = *unit * 16 + (uint32_t)(c - 'A') + 10;
        else
            return fail(r, "a hexadecimal digit");
    }
    return true;
}

/* What stands behind a backslash, as UTF-8 at *out. */
static bool read_escape(reader *r, char **out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    char              c = r->at < r->size ? r->text[r->at] : 0;
    const char       *found = c ? strchr(names, c) : NULL;
    uint32_t          code, low;
    if (found) {
        r->at++;
        *(*out)++ = values[found - names];
        return true;
    }
    if (!take(r, 'u')) return fail(r, "an escape: one of \" \\ / b f n r t u");
    if (!read_hex(r, &code)) return false;
    if (code >= 0xd800 && code < 0xdc00) {
        if (!take(r, '\\') || !take(r, 'u') || !read_hex(r, &low))
            return fail(r, "the second surrogate \\uDC00 to \\uDFFF");
        if (low < 0xdc00 || low > 0xdfff) return fail(r, "a second surrogate before this");
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if ((code >= 0xdc00 && code < 0xe000) || code == 0) {
        return fail(r, "neither \\u0000 nor a lone surrogate before this");
    }
    *out = st_utf8_write(code, *out);
    return true;
}

/* A string, the quote already seen as next. No escape is shorter than what it stands for. */
static const char *read_string(reader *r)
{
    size_t end = ++r->at;
    while (end < r->size && r->text[end] != '"') end += r->text[end] == '\\' ? 2 : 1;
    char *text = st_arena_take(r->arena, (end < r->size ? end : r->size) - r->at + 1, 1), *out = text;
    if (!text) {
        fail_memory(r);
        return NULL;
    }
    while (r->at < r->size && r->text[r->at] != '"') {
        unsigned char c = (unsigned char)r->text[r->at];
        size_t        length = 1;
        if (c == '\\') {
            r->at++;
            if (!read_escape(r, &out)) return NULL;
            continue;
        }
        if (c < 32 || (c >= 128 && !(length = st_utf8_length(r->text + r->at, r->size - r->at)))) {
            fail(r, c < 32 ? "an escape for this control character" : "UTF-8");
            return NULL;
        }
        memcpy(out, r->text + r->at, length);
        out += length;
        r->at += length;
    }
    *out = 0;
    if (!take(r, '"')) {
        fail(r, "'\"' at the end of a string");
        return NULL;
    }
    return text;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const st_json *const *)a)->key, (*(const st_json *const *)b)->key);
}

static bool keys_are_unique(reader *r, const st_json *object)
{
    if (object->count < 2) return true;
    const st_json **sorted = malloc(object->count * sizeof *sorted), *twice = NULL;
    uint32_t        n = 0;
    if (!sorted) return fail_memory(r);
    for (const st_json *v = object->first; v; v = v->next) sorted[n++] = v;
    qsort(sorted, n, sizeof *sorted, by_key);
    for (uint32_t i = 1; i < n && !twice; i++)
        if (!strcmp(sorted[i - 1]->key, sorted[i]->key)) twice = sorted[i];
    free(sorted);
    if (twice)
        st_error_set(r->error, STAPES_EMODEL,
                     "byte %zu: the object that ends here has the key '%.200s' twice", r->at, twice->key);
    return !twice;
}

/* An array or an object, its bracket already seen as next. */
static bool read_list(reader *r, st_json *value, uint32_t depth)
{
    bool            is_object = r->text[r->at++] == '{';
    char            closing = is_object ? '}' : ']';
    const st_json **link = &value->first;
    value->type = is_object ? ST_JSON_OBJECT : ST_JSON_ARRAY;
    if (depth >= ST_JSON_DEPTH) {
        r->at--;
        return fail(r, "at most 64 levels");
    }
    skip_space(r);
    if (take(r, closing)) return true;
    for (;;) {
        st_json *item = st_arena_take(r->arena, 1, sizeof *item);
        if (!item) return fail_memory(r);
        skip_space(r);
        if (is_object) {
            if (r->at >= r->size || r->text[r->at] != '"') return fail(r, "a key in quotes");
            if (!(item->key = read_string(r))) return false;
            skip_space(r);
            if (!take(r, ':')) return fail(r, "':'");
        }
        if (!read_value(r, item, depth + 1)) return false;
        *link = item;
        link = &item->next;
        value->count++;
        skip_space(r);
        if (take(r, closing)) break;
        if (!take(r, ',')) return fail(r, is_object ? "',' or '}'" : "',' or ']'");
    }
    return !is_object || keys_are_unique(r, value);
}

static bool read_value(reader *r, st_json *value, uint32_t depth)
{
    skip_space(r);
    if (++r->values > ST_JSON_VALUES) return fail(r, "at most 1048576 values");
    char c = r->at < r->size ? r->text[r->at] : 0;
    switch (c) {
    case '{':
    case '[': return read_list(r, value, depth);
    case '"': value->type = ST_JSON_STRING; return (value->text = read_string(r)) != NULL;
    case 't':
    case 'f':
        value->type = ST_JSON_BOOL;
        value->is_true = c == 't';
        return read_word(r, c == 't' ? "true" : "false");
    case 'n': return read_word(r, "null");
    default:
        if (c == '-' || (c >= '0' && c <= '9')) return read_number(r, value);
        return fail(r, "a value");
    }
}

const st_json *st_json_parse(const char *text, size_t size, st_arena *arena, stapes_error *error)
{
    reader   r = {.text = text, .size = size, .arena = arena, .error = error};
    st_json *value = st_arena_take(arena, 1, sizeof *value);
    bool     good = value ? read_value(&r, value, 0) : fail_memory(&r);
    if (good) {
        skip_space(&r);
        if (r.at < size) good = fail(&r, "nothing after the value");
    }
    if (r.c_locale) freelocale(r.c_locale);
    return good ? value : NULL;
}

const st_json *st_json_get(const st_json *object, const char *key)
{
    if (!object || object->type != ST_JSON_OBJECT) return NULL;
    for (const st_json *v = object->first; v; v = v->next)
        if (!strcmp(v->key, key)) return v;
    return NULL;
}

const char *st_json_type_name(const st_json *value)
{
    static const char *const names[] = {"null",     "true or false", "a number",
                                        "a string", "an array",      "an object"};
    return value && value->type < STAPES_COUNT(names) ? names[value->type] : "nothing";
}
