/* parameter.c - see parameter.h. Here values are read and checked; parameter_text.c tells them to
 * people. Numbers are read in the C locale whatever the program has set, so that a pipeline file means
 * the same everywhere. */
#include "plugin/parameter.h"

#include "contract/error.h"
#include "plugin/choice.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_TEXT = 400 }; /* bytes of a value that a message quotes */

const stapes_parameter *st_parameter_find(const stapes_stage *stage, const char *name)
{
    for (uint32_t i = 0; i < stage->n_parameters; i++)
        if (!strcmp(stage->parameters[i].name, name)) return &stage->parameters[i];
    return NULL;
}

int st_parameter_defaults(const stapes_stage *stage, void *settings, st_arena *arena, stapes_error *error)
{
    if (stage->settings_size) memset(settings, 0, stage->settings_size);
    for (uint32_t i = 0; i < stage->n_parameters; i++) {
        const stapes_parameter *row = &stage->parameters[i];
        int                     status;
        if (row->type == STAPES_STRING) {
            const char *empty = "";
            memcpy((char *)settings + row->offset, &empty, sizeof empty);
        }
        if (!row->initial) continue;
        status = st_parameter_set(row, settings, row->initial, arena, error);
        if (status < 0) {
            st_error_within(error, "stage '%s': default", stage->name);
            return status;
        }
    }
    return STAPES_OK;
}

/* ---- one item ------------------------------------------------------------------------------------- */

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* [text, end) without the white space around it. */
static const char *trim(const char *text, const char **end)
{
    while (text < *end && is_space(*text)) text++;
    while (*end > text && is_space((*end)[-1])) (*end)--;
    return text;
}

/* How many of `unit` make one of the family's base, families told apart by `family`. */
static bool known_unit(const char *unit, size_t length, int *family, double *scale)
{
    static const struct {
        const char *name;
        int         family;
        double      scale;
    } units[] = {{"s", 1, 1e6},     {"ms", 1, 1e3},     {"us", 1, 1},      {"min", 1, 60e6},
                 {"Hz", 2, 1},      {"kHz", 2, 1e3},    {"MHz", 2, 1e6},   {"bytes", 3, 1},
                 {"KiB", 3, 1024.}, {"MiB", 3, 0x1p20}, {"GiB", 3, 0x1p30}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i].name) == length && !strncasecmp(units[i].name, unit, length)) {
            *family = units[i].family;
            *scale = units[i].scale;
            return true;
        }
    return false;
}

/* A number with an optional unit from [text, end), in units of the row. */
static int read_number(const stapes_parameter *row, const char *text, const char *end, double *value,
                       stapes_error *error)
{
    char        copy[128], *rest;
    const char *first = trim(text, &end);
    size_t      length = (size_t)(end - first), digits;
    int         shown = length > MOST_TEXT ? MOST_TEXT : (int)length;
    locale_t    locale;

    digits = length && (first[0] == '-' || first[0] == '+');
    if (length < digits + 1 || length >= sizeof copy || !memchr("0123456789.", first[digits], 11))
        return st_error_set(error, STAPES_EUSAGE, "%s: '%.*s' is no number", row->name, shown, first);
    memcpy(copy, first, length);
    copy[length] = 0;
    rest = copy + digits;
    if (rest[0] == '0' && (rest[1] == 'x' || rest[1] == 'X')) {
        rest = copy; /* hexadecimal: strtod would take it */
    } else {
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
        if (!locale) return st_error_set(error, STAPES_ENOMEM, "%s: no memory", row->name);
        *value = strtod_l(copy, &rest, locale);
        freelocale(locale);
    }
    if (rest == copy)
        return st_error_set(error, STAPES_EUSAGE, "%s: '%.*s' is no number", row->name, shown, first);
    while (is_space(*rest)) rest++;
    if (*rest) {
        int    ours, theirs;
        double to, from;
        if (!row->unit || strlen(rest) > 8)
            return st_error_set(error, STAPES_EUSAGE, "%s: '%.*s' is no number", row->name, shown, first);
        if (strcmp(rest, row->unit)) {
            if (!known_unit(row->unit, strlen(row->unit), &ours, &to) ||
                !known_unit(rest, strlen(rest), &theirs, &from) || ours != theirs)
                return st_error_set(error, STAPES_EUSAGE, "%s: '%.*s': the unit here is %s, not '%s'",
                                    row->name, shown, first, row->unit, rest);
            *value = from >= to ? *value * (from / to) : *value / (to / from);
        }
    }
    return STAPES_OK;
}

static int out_of_range(const stapes_parameter *row, const char *text, const char *end, double least,
                        double greatest, stapes_error *error)
{
    char range[100];
    int  shown;
    text = trim(text, &end);
    shown = end - text > MOST_TEXT ? MOST_TEXT : (int)(end - text);
    return st_error_set(error, STAPES_EUSAGE, "%s: %.*s is out of range, allowed %s%s%s", row->name, shown,
                        text, st_parameter_range(least, greatest, range, sizeof range), row->unit ? " " : "",
                        row->unit ? row->unit : "");
}

/* Keeps `value` as an int32 or float if it is whole where it must be, and in range. */
static int keep_number(const stapes_parameter *row, bool whole, const char *text, const char *end,
                       double value, void *field, stapes_error *error)
{
    double least = row->least, greatest = row->greatest;
    if (least == 0 && greatest == 0) {
        least = whole ? INT32_MIN : -(double)FLT_MAX;
        greatest = whole ? INT32_MAX : (double)FLT_MAX;
    }
    if (whole) {
        int32_t number;
        if (value != floor(value)) {
            text = trim(text, &end);
            return st_error_set(error, STAPES_EUSAGE, "%s: %.*s is no whole number", row->name,
                                (int)(end - text), text);
        }
        if (!(value >= least && value <= greatest && value >= INT32_MIN && value <= INT32_MAX))
            return out_of_range(row, text, end, fmax(least, INT32_MIN), fmin(greatest, INT32_MAX), error);
        number = (int32_t)value;
        memcpy(field, &number, sizeof number);
    } else {
        float number;
        if (!(value >= least && value <= greatest && fabs(value) <= (double)FLT_MAX))
            return out_of_range(row, text, end, least, greatest, error);
        number = (float)value;
        memcpy(field, &number, sizeof number);
    }
    return STAPES_OK;
}

static int read_bool(const stapes_parameter *row, const char *text, bool *value, stapes_error *error)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    const char              *end = text + strlen(text), *first = trim(text, &end);
    for (uint32_t i = 0; i < STAPES_COUNT(words); i++)
        if (strlen(words[i]) == (size_t)(end - first) &&
            !strncasecmp(first, words[i], (size_t)(end - first))) {
            *value = i % 2;
            return STAPES_OK;
        }
    return st_error_set(error, STAPES_EUSAGE, "%s: '%.*s' is neither true nor false (yes, no, on, off, 1, 0)",
                        row->name, end - first > MOST_TEXT ? MOST_TEXT : (int)(end - first), first);
}

/* The index of the choice that [text, text + length) names. */
static int read_choice(const stapes_parameter *row, const char *text, size_t length, int32_t *index,
                       stapes_error *error)
{
    char        all[400], word[80];
    const char *candidates[64], *near;
    char        names[64][40];
    uint32_t    count = st_choice_count(row->choices);
    for (uint32_t i = 0; i < count; i++) {
        size_t      n;
        const char *name = st_choice_at(row->choices, i, &n);
        if (n == length && !memcmp(name, text, n)) {
            *index = (int32_t)i;
            return STAPES_OK;
        }
    }
    if (count > 64) count = 64;
    for (uint32_t i = 0; i < count; i++) {
        st_choice_copy(row->choices, i, names[i], sizeof names[i]);
        candidates[i] = names[i];
    }
    if (length >= sizeof word) length = sizeof word - 1;
    memcpy(word, text, length);
    word[length] = 0;
    near = st_parameter_nearest(word, candidates, count);
    return st_error_set(error, STAPES_EUSAGE, "%s: '%s' is not one of %s%s%s%s", row->name, word,
                        st_choice_all(row->choices, all, sizeof all), near ? "; did you mean '" : "",
                        near ? near : "", near ? "'?" : "");
}

/* ---- values ----------------------------------------------------------------------------------------- */

static int no_memory(const stapes_parameter *row, stapes_error *error)
{
    return st_error_set(error, STAPES_ENOMEM, "%s: no memory", row->name);
}

static int set_list(const stapes_parameter *row, void *field, const char *const *items, const size_t *lengths,
                    uint32_t count, st_arena *arena, stapes_error *error)
{
    size_t width = row->type == STAPES_STRINGS ? sizeof(char *) : 4;
    char  *values = st_arena_take(arena, count, width);
    if (!values) return no_memory(row, error);
    for (uint32_t i = 0; i < count; i++) {
        void       *value = values + width * i;
        const char *end = items[i] + lengths[i];
        int32_t     choice;
        double      number;
        int         status = STAPES_OK;
        if (row->type == STAPES_STRINGS) {
            const char *copy = st_arena_string_n(arena, items[i], lengths[i]);
            if (!copy) return no_memory(row, error);
            memcpy(value, &copy, sizeof copy);
            if (row->choices) status = read_choice(row, items[i], lengths[i], &choice, error);
        } else {
            status = read_number(row, items[i], end, &number, error);
            if (status >= 0)
                status = keep_number(row, row->type == STAPES_INTS, items[i], end, number, value, error);
        }
        if (status < 0) return status;
    }
    /* the three list structures look the same: a count, a pointer */
    memcpy((char *)field + offsetof(stapes_ints, count), &count, sizeof count);
    memcpy((char *)field + offsetof(stapes_ints, items), &values, sizeof values);
    return STAPES_OK;
}

static int set_scalar(const stapes_parameter *row, void *field, const char *text, st_arena *arena,
                      stapes_error *error)
{
    const char *end = text + strlen(text), *first, *copy;
    double      number;
    int32_t     choice;
    bool        truth = false;
    int         status;
    switch (row->type) {
    case STAPES_BOOL:
        status = read_bool(row, text, &truth, error);
        if (status >= 0) memcpy(field, &truth, sizeof truth);
        return status;
    case STAPES_INT:
        if (row->choices) {
            first = trim(text, &end);
            status = read_choice(row, first, (size_t)(end - first), &choice, error);
            if (status >= 0) memcpy(field, &choice, sizeof choice);
            return status;
        }
        status = read_number(row, text, end, &number, error);
        return status < 0 ? status : keep_number(row, true, text, end, number, field, error);
    case STAPES_FLOAT:
        status = read_number(row, text, end, &number, error);
        return status < 0 ? status : keep_number(row, false, text, end, number, field, error);
    default:
        if (row->choices) {
            status = read_choice(row, text, (size_t)(end - text), &choice, error);
            if (status < 0) return status;
        }
        copy = st_arena_string(arena, text);
        if (!copy) return no_memory(row, error);
        memcpy(field, &copy, sizeof copy);
        return STAPES_OK;
    }
}

static bool is_list(const stapes_parameter *row)
{
    return row->type == STAPES_INTS || row->type == STAPES_FLOATS || row->type == STAPES_STRINGS;
}

int st_parameter_set_list(const stapes_parameter *row, void *settings, const char *const *items,
                          uint32_t count, st_arena *arena, stapes_error *error)
{
    void   *field = (char *)settings + row->offset;
    size_t *lengths;
    if (!is_list(row)) {
        if (count == 1) return set_scalar(row, field, items[0], arena, error);
        return st_error_set(error, STAPES_EUSAGE, "%s: takes one value, not a list of %u", row->name, count);
    }
    lengths = st_arena_take(arena, count, sizeof *lengths);
    if (!lengths) return no_memory(row, error);
    for (uint32_t i = 0; i < count; i++) lengths[i] = strlen(items[i]);
    return set_list(row, field, items, lengths, count, arena, error);
}

int st_parameter_set(const stapes_parameter *row, void *settings, const char *text, st_arena *arena,
                     stapes_error *error)
{
    void        *field = (char *)settings + row->offset;
    const char  *end = text + strlen(text), *first = text;
    const char **items;
    size_t      *lengths;
    uint32_t     count = 0, most = 1;
    if (!is_list(row)) return set_scalar(row, field, text, arena, error);

    first = trim(text, &end);
    if (first == end) return set_list(row, field, NULL, NULL, 0, arena, error);
    for (const char *at = first; at < end; at++) most += *at == ',';
    items = st_arena_take(arena, most, sizeof *items);
    lengths = st_arena_take(arena, most, sizeof *lengths);
    if (!items || !lengths) return no_memory(row, error);
    for (const char *at = first; at <= end; at++) {
        const char *stop;
        if (at < end && *at != ',') continue;
        stop = at;
        items[count] = trim(first, &stop);
        lengths[count] = (size_t)(stop - items[count]);
        if (!lengths[count])
            return st_error_set(error, STAPES_EUSAGE, "%s: item %u of the list '%.*s' is empty", row->name,
                                count + 1, MOST_TEXT, text);
        count++;
        first = at + 1;
    }
    return set_list(row, field, items, lengths, count, arena, error);
}
