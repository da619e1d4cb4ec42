/* parameter_text.c - parameter rows told to people: values, what a row takes, and what was probably
 * meant (the rest of parameter.h). */
#include "contract/arena.h"
#include "plugin/choice.h"
#include "plugin/parameter.h"

#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Appends to text[*used..size), cutting what does not fit. */
static void append(char *text, size_t size, size_t *used, const char *format, ...) STAPES_FORMAT_CHECK(4, 5);
static void append(char *text, size_t size, size_t *used, const char *format, ...)
{
    va_list arguments;
    int     n;
    if (*used + 1 >= size) return;
    va_start(arguments, format);
    n = vsnprintf(text + *used, size - *used, format, arguments);
    va_end(arguments);
    if (n > 0) *used = (size_t)n < size - *used ? *used + (size_t)n : size - 1;
}

/* The shortest decimal that reads back as the same float. */
static void append_float(char *text, size_t size, size_t *used, float value)
{
    char short_form[40];
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(short_form, sizeof short_form, "%.*g", digits, (double)value);
        if (strtof(short_form, NULL) == value) break;
    }
    append(text, size, used, "%s", short_form);
}

static void append_value(const stapes_parameter *row, const char *field, char *text, size_t size,
                         size_t *used)
{
    union {
        bool           truth;
        int32_t        number;
        float          real;
        const char    *string;
        stapes_ints    ints;
        stapes_floats  floats;
        stapes_strings strings;
    } value;
    char name[80];
    switch (row->type) {
    case STAPES_BOOL:
        memcpy(&value.truth, field, sizeof value.truth);
        append(text, size, used, "%s", value.truth ? "true" : "false");
        break;
    case STAPES_INT:
        memcpy(&value.number, field, sizeof value.number);
        if (row->choices && value.number >= 0 && (uint32_t)value.number < st_choice_count(row->choices))
            append(text, size, used, "%s",
                   st_choice_copy(row->choices, (uint32_t)value.number, name, sizeof name));
        else
            append(text, size, used, "%d", (int)value.number);
        break;
    case STAPES_FLOAT:
        memcpy(&value.real, field, sizeof value.real);
        append_float(text, size, used, value.real);
        break;
    case STAPES_STRING:
        memcpy(&value.string, field, sizeof value.string);
        append(text, size, used, "%s", value.string ? value.string : "");
        break;
    case STAPES_INTS:
        memcpy(&value.ints, field, sizeof value.ints);
        for (uint32_t i = 0; i < value.ints.count; i++)
            append(text, size, used, "%s%d", i ? "," : "", (int)value.ints.items[i]);
        break;
    case STAPES_FLOATS:
        memcpy(&value.floats, field, sizeof value.floats);
        for (uint32_t i = 0; i < value.floats.count; i++) {
            append(text, size, used, "%s", i ? "," : "");
            append_float(text, size, used, value.floats.items[i]);
        }
        break;
    default:
        memcpy(&value.strings, field, sizeof value.strings);
        for (uint32_t i = 0; i < value.strings.count; i++)
            append(text, size, used, "%s%s", i ? "," : "", value.strings.items[i]);
    }
}

/* Decimal points as in C while `work` runs on this thread, whatever the program has set. */
static locale_t plain_locale(locale_t *before)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    *before = plain ? uselocale(plain) : (locale_t)0;
    return plain;
}

static void restore_locale(locale_t plain, locale_t before)
{
    if (!plain) return;
    uselocale(before);
    freelocale(plain);
}

char *st_parameter_text(const stapes_parameter *row, const void *settings, char *text, size_t size)
{
    size_t   used = 0;
    locale_t before, plain = plain_locale(&before);
    if (size) text[0] = 0;
    append_value(row, (const char *)settings + row->offset, text, size, &used);
    restore_locale(plain, before);
    return text;
}

char *st_parameter_range(double least, double greatest, char *text, size_t size)
{
    locale_t before, plain = plain_locale(&before);
    if (isinf(greatest))
        (void)snprintf(text, size, isinf(least) ? "are all" : "is %.9g and above", least);
    else if (isinf(least))
        (void)snprintf(text, size, "is %.9g and below", greatest);
    else
        (void)snprintf(text, size, "are %.10g to %.10g", least, greatest);
    restore_locale(plain, before);
    return text;
}

char *st_parameter_takes(const stapes_parameter *row, char *text, size_t size)
{
    static const char *const singular[] = {"?",    "true or false", "whole number", "number",
                                           "text", "whole number",  "number",       "text"};
    const char              *what = row->type < STAPES_COUNT(singular) ? singular[row->type] : singular[0];
    bool                     list = row->type >= STAPES_INTS;
    size_t                   used = 0;
    char                     all[400], range[100];
    if (size) text[0] = 0;
    if (row->choices) {
        append(text, size, &used, "%s%s", list ? "list, each one of " : "one of ",
               st_choice_all(row->choices, all, sizeof all));
        return text;
    }
    if (row->flags & (STAPES_IS_INPUT_FILE | STAPES_IS_OUTPUT_FILE))
        what = "file name";
    else if (row->flags & STAPES_IS_MODEL)
        what = "model";
    append(text, size, &used, "%s%s%s", list ? "list of " : "", what, list ? "s" : "");
    if ((row->flags & STAPES_IS_MODEL) && !list) append(text, size, &used, " (name or folder)");
    if (row->least != 0 || row->greatest != 0) {
        /* "are 0 to 1" without its verb */
        const char *words = st_parameter_range(row->least, row->greatest, range, sizeof range);
        words = strchr(words, ' ');
        append(text, size, &used, "%s", words ? words : "");
    }
    if (row->unit) append(text, size, &used, " (%s)", row->unit);
    return text;
}

/* ---- the nearest name --------------------------------------------------------------------------------- */

enum { LONGEST = 96 };

static uint32_t least_of(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Edit distance in which swapped neighbours count one (optimal string alignment). */
static uint32_t distance(const char *a, size_t n, const char *b, size_t m)
{
    uint32_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++) rows[0][j] = (uint32_t)j;
    for (size_t i = 1; i <= n; i++) {
        uint32_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        now[0] = (uint32_t)i;
        for (size_t j = 1; j <= m; j++) {
            now[j] = least_of(least_of(last[j], now[j - 1]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = least_of(now[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

const char *st_parameter_nearest(const char *word, const char *const *candidates, uint32_t count)
{
    const char *near = NULL;
    size_t      length = strlen(word);
    uint32_t    best = length < 3 ? 1 : (uint32_t)(length + 1) / 3;
    if (!length || length > LONGEST) return NULL;
    for (uint32_t i = 0; i < count; i++) {
        size_t   other = strlen(candidates[i]);
        uint32_t far;
        if (other > LONGEST || other + best < length || length + best < other) continue;
        far = distance(word, length, candidates[i], other);
        if (far >= other || far > best || (near && far == best)) continue;
        best = far;
        near = candidates[i];
    }
    /* a part of a name ("logmel", "chan") is meant too, where nothing is near */
    for (uint32_t i = 0; !near && length >= 3 && i < count; i++)
        if (strstr(candidates[i], word)) near = candidates[i];
    return near;
}
