/* features_run.h - features of a whole segment in one call, for unit tests: settings from text, samples in
 * pieces, rows collected. */
#ifndef FEATURES_RUN_H
#define FEATURES_RUN_H

#include "check.h"

#include <stapes/kit/features.h>

#include <math.h>
#include <stdlib.h>

enum { MOST_ROWS = 4096 };

typedef struct result {
    size_t rows, columns;
    float  values[MOST_ROWS * 320];
} result;

static uint32_t        seed = 1;
static inline uint32_t draw(void) { return seed = seed * 1664525u + 1013904223u; }
static inline float    noise(void) { return (float)(draw() >> 8) / (float)(1u << 23) - 1.0f; }

static inline void pull_all(stapes_features *l, result *r)
{
    size_t ready = stapes_features_ready(l), most = MOST_ROWS - r->rows;
    while (ready && most) {
        size_t n = stapes_features_pull(l, r->values + r->rows * r->columns, draw() % 3 + 1);
        r->rows += n;
        ready = stapes_features_ready(l);
        most = MOST_ROWS - r->rows;
        if (!n) break;
    }
}

/* Pieces of `piece` samples; 0: of random lengths. */
static inline void segment(stapes_features *l, const stapes_features_settings *s, const float *x,
                           size_t count, size_t piece, result *r)
{
    r->rows = 0;
    r->columns = stapes_features_columns(s);
    while (count) {
        size_t n = piece ? piece : draw() % 900;
        if (n > count) n = count;
        CHECK(stapes_features_push(l, x, n) == STAPES_OK);
        x += n;
        count -= n;
        pull_all(l, r);
    }
    CHECK(stapes_features_flush(l) == STAPES_OK);
    pull_all(l, r);
    CHECK(stapes_features_ready(l) == 0);
    stapes_features_reset(l);
}

static inline void compute(const stapes_features_settings *s, const float *x, size_t count, size_t piece,
                           result *r)
{
    stapes_error     error = {0};
    stapes_features *l = stapes_features_open(s, &error);
    CHECK(l != NULL);
    if (!l) return;
    segment(l, s, x, count, piece, r);
    stapes_features_close(l);
}

static inline bool equal(const result *a, const result *b)
{
    return a->rows == b->rows && a->columns == b->columns &&
           !memcmp(a->values, b->values, a->rows * a->columns * sizeof(float));
}

/* "style=kaldi mels=80 ..." resolved. */
static inline int resolve(const char *text, stapes_features_settings *s, stapes_error *error)
{
    stapes_features_options options;
    char                    copy[256], *rest = copy;
    stapes_features_options_init(&options);
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        if (value) *value++ = 0;
        int status = stapes_features_options_set(&options, word, value ? value : "", error);
        if (status < 0) return status;
    }
    return stapes_features_resolve(&options, s, error);
}

static inline stapes_features_settings settings_of(const char *text)
{
    stapes_features_settings s = {0};
    stapes_error             error = {0};
    CHECK(resolve(text, &s, &error) == STAPES_OK);
    CHECK_TEXT(error.text, "");
    return s;
}

static inline const char *recipe_of(const char *text)
{
    static char              line[STAPES_RECIPE_TEXT];
    stapes_features_settings s = settings_of(text);
    return stapes_features_recipe(&s, line);
}

#endif
