/* deltas.c - see stapes/kit/deltas.h.
 *
 * A derivative of degree d of a polynomial of degree d is the same all over its rows. So librosa's fit at an
 * end, evaluated at the rows near it, is what the first row in from there has: no other weights are needed.
 */
#include <stapes/kit/deltas.h>

#include "contract/error.h"

#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 256, MOST_WIDTH = 255 };

struct stapes_deltas {
    stapes_deltas_settings settings;
    uint32_t               columns, half;
    int64_t                reach[2];   /* rows to either side that derivative 1, 2 takes in */
    double                *weights[2]; /* (2 reach + 1) */
    double                *sums;       /* (columns) */
    float                 *rows;       /* (capacity, columns): those from `base` on, of `total` */
    int64_t                base, total, next, capacity;
    bool                   ended;
};

int stapes_deltas_check(const stapes_deltas_settings *s, stapes_error *error)
{
    if (s->size != sizeof *s)
        return st_error_set(error, STAPES_EUSAGE, "settings of deltas of %u bytes, this library's have %zu",
                            s->size, sizeof *s);
    if (s->style != STAPES_DELTAS_KALDI && s->style != STAPES_DELTAS_LIBROSA)
        return st_error_set(error, STAPES_EUSAGE, "deltas of a style that this library lacks");
    if (s->width < 3 || s->width > MOST_WIDTH || s->width % 2 == 0)
        return st_error_set(error, STAPES_EUSAGE, "width of %u rows: allowed are odd numbers from 3 to 255",
                            s->width);
    if (s->order < 1 || s->order > 2)
        return st_error_set(error, STAPES_EUSAGE, "order %u: allowed are 1 and 2", s->order);
    return STAPES_OK;
}

uint32_t stapes_deltas_columns(const stapes_deltas_settings *s, uint32_t columns)
{
    return columns * (s->order + (s->keep ? 1 : 0));
}

uint32_t stapes_deltas_latency(const stapes_deltas_settings *s)
{
    /* librosa: row 0 has what the row in the middle of the first width has */
    return s->style == STAPES_DELTAS_LIBROSA ? s->width - 1 : s->width / 2 * s->order;
}

/* ---- weights ----------------------------------------------------------------------------------------- */

/* sum of k^power for k from -half to half */
static double powers(int64_t half, int power)
{
    double sum = 0;
    for (int64_t k = -half; k <= half; k++) sum += power == 4 ? (double)(k * k * k * k) : (double)(k * k);
    return sum;
}

/* The slope of the line of least squares. */
static void fill_first(int64_t half, double *weights)
{
    for (int64_t k = -half; k <= half; k++) weights[k + half] = (double)k / powers(half, 2);
}

/* librosa: twice the leading coefficient of the parabola. Kaldi: the first derivative of the first. */
static void fill_second(const stapes_deltas *d, double *weights)
{
    int64_t half = d->half;
    double  n = d->settings.width, s2 = powers(half, 2), s4 = powers(half, 4);
    if (d->settings.style == STAPES_DELTAS_LIBROSA) {
        for (int64_t k = -half; k <= half; k++)
            weights[k + half] = 2 * (n * (double)(k * k) - s2) / (n * s4 - s2 * s2);
        return;
    }
    for (uint32_t i = 0; i < d->settings.width; i++)
        for (uint32_t k = 0; k < d->settings.width; k++)
            weights[i + k] += d->weights[0][i] * d->weights[0][k];
}

/* ---- open, close ------------------------------------------------------------------------------------- */

static bool take_all(stapes_deltas *d)
{
    int64_t reach = 0;
    for (uint32_t i = 0; i < d->settings.order; i++) {
        bool wide = i && d->settings.style == STAPES_DELTAS_KALDI;
        reach = d->reach[i] = wide ? 2 * (int64_t)d->half : d->half;
        d->weights[i] = calloc((size_t)(2 * reach + 1), sizeof *d->weights[i]);
        if (!d->weights[i]) return false;
        if (i)
            fill_second(d, d->weights[i]);
        else
            fill_first(d->half, d->weights[i]);
    }
    /* What the next row looks back to, and at an end as far again; what it waits for; and a piece. */
    d->capacity = 2 * reach + d->settings.width + stapes_deltas_latency(&d->settings) + AT_ONCE;
    d->sums = calloc(d->columns, sizeof *d->sums);
    if ((size_t)d->capacity > SIZE_MAX / sizeof(float) / d->columns) return false;
    d->rows = calloc((size_t)d->capacity * d->columns, sizeof *d->rows);
    return d->sums && d->rows;
}

stapes_deltas *stapes_deltas_open(const stapes_deltas_settings *settings, uint32_t columns,
                                  stapes_error *error)
{
    if (stapes_deltas_check(settings, error) < 0) return NULL;
    if (!columns || columns > UINT32_MAX / 3) {
        (void)st_error_set(error, STAPES_EUSAGE, "deltas of rows of %u numbers: allowed are 1 to %u", columns,
                           UINT32_MAX / 3);
        return NULL;
    }
    stapes_deltas *d = calloc(1, sizeof *d);
    if (d) {
        d->settings = *settings;
        d->columns = columns;
        d->half = settings->width / 2;
        if (take_all(d)) return d;
    }
    (void)st_error_set(error, STAPES_ENOMEM, "no memory for deltas of %u columns over %u rows", columns,
                       settings->width);
    stapes_deltas_close(d);
    return NULL;
}

void stapes_deltas_close(stapes_deltas *d)
{
    if (!d) return;
    free(d->weights[0]);
    free(d->weights[1]);
    free(d->sums);
    free(d->rows);
    free(d);
}

void stapes_deltas_reset(stapes_deltas *d)
{
    d->base = d->total = d->next = 0;
    d->ended = false;
}

/* ---- rows in ----------------------------------------------------------------------------------------- */

/* Forgets rows that no later one looks back to: the next one, or, should the end come now, the last ones. */
static void forget(stapes_deltas *d)
{
    int64_t keep = d->next - d->reach[d->settings.order - 1], end = d->total - d->settings.width;
    if (end < keep) keep = end;
    if (keep <= d->base) return;
    memmove(d->rows, d->rows + (size_t)(keep - d->base) * d->columns,
            (size_t)(d->total - keep) * d->columns * sizeof *d->rows);
    d->base = keep;
}

size_t stapes_deltas_push(stapes_deltas *d, const float *rows, size_t count)
{
    if (d->ended || !count) return 0;
    if (d->total - d->base == d->capacity) forget(d);
    size_t room = (size_t)(d->capacity - (d->total - d->base)), n = count < room ? count : room;
    memcpy(d->rows + (size_t)(d->total - d->base) * d->columns, rows, n * d->columns * sizeof *rows);
    d->total += (int64_t)n;
    return n;
}

void stapes_deltas_flush(stapes_deltas *d) { d->ended = true; }

/* ---- rows out ---------------------------------------------------------------------------------------- */

size_t stapes_deltas_ready(const stapes_deltas *d)
{
    int64_t end = d->total, width = d->settings.width;
    if (!d->ended) {
        end -= d->reach[d->settings.order - 1];
        if (d->settings.style == STAPES_DELTAS_LIBROSA && d->total < width) end = 0;
    }
    return end > d->next ? (size_t)(end - d->next) : 0;
}

/* out (columns): derivative `order` + 1 of row t */
static void derive(const stapes_deltas *d, int64_t t, uint32_t order, float *out)
{
    int64_t reach = d->reach[order], last = d->total - 1;
    if (d->settings.style == STAPES_DELTAS_LIBROSA && d->total >= d->settings.width) {
        if (t > last - reach) t = last - reach;
        if (t < reach) t = reach;
    }
    memset(d->sums, 0, d->columns * sizeof *d->sums);
    for (int64_t k = -reach; k <= reach; k++) {
        int64_t      place = t + k < 0 ? 0 : t + k > last ? last : t + k;
        const float *row = d->rows + (size_t)(place - d->base) * d->columns;
        double       weight = d->weights[order][k + reach];
        for (uint32_t c = 0; c < d->columns; c++) d->sums[c] += weight * (double)row[c];
    }
    for (uint32_t c = 0; c < d->columns; c++) out[c] = (float)d->sums[c];
}

size_t stapes_deltas_pull(stapes_deltas *d, float *out, size_t most)
{
    size_t n = stapes_deltas_ready(d);
    if (n > most) n = most;
    for (size_t i = 0; i < n; i++, d->next++) {
        if (d->settings.keep) {
            memcpy(out, d->rows + (size_t)(d->next - d->base) * d->columns, d->columns * sizeof *out);
            out += d->columns;
        }
        for (uint32_t order = 0; order < d->settings.order; order++, out += d->columns)
            derive(d, d->next, order, out);
    }
    return n;
}
