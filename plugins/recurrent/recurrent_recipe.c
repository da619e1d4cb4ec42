/* recurrent_recipe.c - see recurrent_recipe.h. A recipe is a line of words, most of them key=value. */
#include "recurrent_recipe.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

typedef struct out {
    char  *text;
    size_t size, used;
} out;

static void put(out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(out *o, const char *format, ...)
{
    va_list arguments;
    if (o->used >= o->size) return;
    va_start(arguments, format);
    int n = vsnprintf(o->text + o->used, o->size - o->used, format, arguments);
    va_end(arguments);
    if (n > 0) o->used += (size_t)n;
}

/* The next word at *at, moved behind it; its length, 0 at the end. */
static int next_word(const char **at, const char **word)
{
    *at += strspn(*at, " ");
    *word = *at;
    *at += strcspn(*at, " ");
    return (int)(*at - *word);
}

/* Bytes up to and with the '=', or the whole word. */
static int key_length(const char *word, int length)
{
    const char *equals = memchr(word, '=', (size_t)length);
    return equals ? (int)(equals - word) + 1 : length;
}

/* The word of a recipe with the same key, or NULL. */
static const char *find(const char *recipe, const char *key, int length, int *found)
{
    const char *word;
    while ((*found = next_word(&recipe, &word)) > 0)
        if (key_length(word, *found) == length && !memcmp(word, key, (size_t)length)) return word;
    return NULL;
}

char *recurrent_recipe_compare(const char *found, const char *needed, char *text, size_t size)
{
    out         o = {.text = text, .size = size};
    const char *at = needed, *word, *other;
    int         length, n;
    text[0] = 0;
    while ((length = next_word(&at, &word)) > 0) {
        other = find(found, word, key_length(word, length), &n);
        if (other && n == length && !memcmp(other, word, (size_t)n)) continue;
        if (other)
            put(&o, "%s%.*s where %.*s is needed", o.used ? "; " : "", n, other, length, word);
        else
            put(&o, "%s%.*s is lacking", o.used ? "; " : "", length, word);
    }
    for (at = found; (length = next_word(&at, &word)) > 0;)
        if (!find(needed, word, key_length(word, length), &n))
            put(&o, "%s%.*s is too much", o.used ? "; " : "", length, word);
    if (!o.used) put(&o, "the order of their words");
    return text;
}
