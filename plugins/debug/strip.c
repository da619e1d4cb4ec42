/* strip.c - see strip.h. */
#include "strip.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 1 << 23 };

static uint32_t width_of(const strip *s) { return s->way == STRIP_BEST ? STRIP_LABELS : s->columns; }

bool strip_open(strip *s, int way, uint32_t columns, stapes_time row, uint32_t most_buckets)
{
    *s = (strip){.way = way, .columns = columns};
    uint32_t width = width_of(s), fit = MOST_VALUES / (width ? width : 1);
    s->capacity = most_buckets < fit ? most_buckets : fit;
    if (s->capacity < 2) s->capacity = 2;
    s->capacity &= ~1u;
    size_t values = (size_t)s->capacity * width;
    s->rows = calloc(s->capacity, sizeof *s->rows);
    s->a = calloc(values, sizeof *s->a);
    if (way == STRIP_RANGE) s->b = calloc(values, sizeof *s->b);
    if (way == STRIP_BEST) s->labels = calloc(values, sizeof *s->labels);
    strip_clear(s, row);
    return s->rows && s->a && (way != STRIP_RANGE || s->b) && (way != STRIP_BEST || s->labels);
}

void strip_close(strip *s)
{
    free(s->rows);
    free(s->a);
    free(s->b);
    free(s->labels);
    *s = (strip){0};
}

void strip_clear(strip *s, stapes_time row)
{
    s->used = 0;
    s->origin = s->end = 0;
    s->length = row > 0 ? row : STAPES_SECOND / 100;
    if (s->rows) memset(s->rows, 0, s->capacity * sizeof *s->rows);
}

/* One label into the short list of a bucket, best first, each once. */
static void keep_label(float *best, int32_t *labels, int32_t label, float score)
{
    int place = 0, last = STRIP_LABELS - 1;
    while (place < STRIP_LABELS && labels[place] >= 0 && best[place] >= score && labels[place] != label)
        place++;
    if (place == STRIP_LABELS || (labels[place] == label && best[place] >= score)) return;
    for (int k = place; k < STRIP_LABELS; k++)
        if (labels[k] == label) last = k;
    for (int k = last; k > place; k--) {
        labels[k] = labels[k - 1];
        best[k] = best[k - 1];
    }
    labels[place] = label;
    best[place] = score;
}

static void begin_bucket(strip *s, uint32_t bucket)
{
    uint32_t width = width_of(s);
    float   *a = s->a + (size_t)bucket * width;
    for (uint32_t c = 0; c < width; c++) {
        a[c] = s->way == STRIP_RANGE ? INFINITY : 0.0f;
        if (s->b) s->b[(size_t)bucket * width + c] = -INFINITY;
        if (s->labels) s->labels[(size_t)bucket * width + c] = -1;
    }
}

static void add_row(strip *s, uint32_t bucket, const float *row)
{
    uint32_t width = width_of(s);
    float   *a = s->a + (size_t)bucket * width, *b = s->b ? s->b + (size_t)bucket * width : NULL;
    if (!s->rows[bucket]++) begin_bucket(s, bucket);
    for (uint32_t c = 0; c < s->columns; c++) {
        float value = row[c];
        if (s->way == STRIP_BEST) {
            if (!isnan(value)) keep_label(a, s->labels + (size_t)bucket * width, (int32_t)c, value);
        } else if (isfinite(value) && s->way == STRIP_MEAN) {
            a[c] += value;
        } else if (isfinite(value)) {
            if (value < a[c]) a[c] = value;
            if (value > b[c]) b[c] = value;
        }
    }
}

/* Joins bucket `from` into `to`. */
static void join(strip *s, uint32_t to, uint32_t from)
{
    uint32_t width = width_of(s);
    size_t   i = (size_t)to * width, j = (size_t)from * width;
    if (!s->rows[from]) return;
    if (!s->rows[to]) {
        memmove(s->a + i, s->a + j, width * sizeof *s->a);
        if (s->b) memmove(s->b + i, s->b + j, width * sizeof *s->b);
        if (s->labels) memmove(s->labels + i, s->labels + j, width * sizeof *s->labels);
    } else {
        for (uint32_t c = 0; c < width; c++) {
            if (s->way == STRIP_BEST) {
                if (s->labels[j + c] >= 0) keep_label(s->a + i, s->labels + i, s->labels[j + c], s->a[j + c]);
            } else if (s->way == STRIP_MEAN) {
                s->a[i + c] += s->a[j + c];
            } else {
                if (s->a[j + c] < s->a[i + c]) s->a[i + c] = s->a[j + c];
                if (s->b[j + c] > s->b[i + c]) s->b[i + c] = s->b[j + c];
            }
        }
    }
    s->rows[to] += s->rows[from];
    s->rows[from] = 0;
}

/* Makes each bucket twice as long. */
static void lengthen(strip *s)
{
    for (uint32_t k = 1; k < s->capacity; k++) join(s, k / 2, k);
    s->length *= 2;
    s->used = (s->used + 1) / 2;
}

void strip_add(strip *s, const float *values, uint32_t rows, stapes_time start, stapes_time duration)
{
    if (!rows) return;
    if (!s->used) s->origin = start;
    for (uint32_t i = 0; i < rows; i++) {
        /* In two steps: duration x i could be too large for a long packet of short rows. */
        stapes_time place = start + duration / rows * i + duration % rows * i / rows;
        if (place < s->origin) continue;
        while ((place - s->origin) / s->length >= s->capacity) lengthen(s);
        uint32_t bucket = (uint32_t)((place - s->origin) / s->length);
        add_row(s, bucket, values + (size_t)i * s->columns);
        if (bucket >= s->used) s->used = bucket + 1;
    }
    if (start + duration > s->end) s->end = start + duration;
}
