/* vocabulary.c - the labels of a model: a line each, unique, UTF-8, hashed as they lie in the file. */
#include "kit/model/model_file.h"

#include "contract/error.h"
#include "contract/utf8.h"
#include <stapes/kit/hash.h>

#include <stdlib.h>
#include <string.h>

enum { MOST_LABELS = 1 << 20 };

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_unique(const char *path, const char *const *labels, uint32_t count, stapes_error *error)
{
    const char **sorted = malloc(count * sizeof *sorted), *twice = NULL;
    if (!sorted) return st_error_set(error, STAPES_ENOMEM, "%s: no memory", path);
    memcpy(sorted, labels, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, by_text);
    for (uint32_t i = 1; i < count && !twice; i++)
        if (!strcmp(sorted[i - 1], sorted[i])) twice = sorted[i];
    free(sorted);
    if (!twice) return STAPES_OK;
    return st_error_set(error, STAPES_EMODEL, "%s: label '%.60s' stands there twice", path, twice);
}

/* One line of `length` bytes as label number `n`. */
static int check_line(const char *path, const char *line, size_t length, uint32_t n, stapes_error *error)
{
    if (!length) return st_error_set(error, STAPES_EMODEL, "%s:%u: is empty, expected a label", path, n + 1);
    if (line[length - 1] == '\r')
        return st_error_set(error, STAPES_EMODEL,
                            "%s:%u: ends with a carriage return, expected a newline only", path, n + 1);
    if (!st_utf8_is_valid(line, length) || memchr(line, 0, length))
        return st_error_set(error, STAPES_EMODEL, "%s:%u: is no UTF-8 text", path, n + 1);
    return STAPES_OK;
}

int st_model_read_labels(const char *path, const char *text, size_t size, stapes_vocabulary *vocabulary,
                         st_arena *arena, stapes_error *error)
{
    size_t lines = size && text[size - 1] != '\n' ? 1 : 0;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    if (lines < 1 || lines > MOST_LABELS)
        return st_error_set(error, STAPES_EMODEL, "%s: has %zu lines, allowed are 1 to %d", path, lines,
                            MOST_LABELS);
    const char **labels = st_arena_take(arena, lines, sizeof *labels);
    char        *copy = st_arena_string_n(arena, text, size);
    (void)stapes_hash_bytes(text, size, vocabulary->hash);
    if (!labels || !copy) return st_error_set(error, STAPES_ENOMEM, "%s: no memory", path);
    for (uint32_t n = 0; n < lines; n++) {
        char  *end = memchr(copy, '\n', size);
        size_t length = end ? (size_t)(end - copy) : size;
        int    status = check_line(path, copy, length, n, error);
        if (status < 0) return status;
        copy[length] = 0;
        labels[n] = copy;
        copy += end ? length + 1 : length;
        size -= end ? length + 1 : length;
    }
    vocabulary->labels = labels;
    vocabulary->count = (uint32_t)lines;
    return check_unique(path, labels, vocabulary->count, error);
}
