/* normalize.c - see normalize.h. */
#include "kit/features/normalize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double least_deviation = 1e-5;

void st_normalize_utterance(float *rows, size_t count, uint32_t columns, double *work)
{
    double *mean = work, *number = mean + columns, *deviation = number + columns;
    memset(work, 0, 3 * (size_t)columns * sizeof *work);
    for (size_t t = 0; t < count; t++) {
        const float *row = rows + t * columns;
        for (uint32_t c = 0; c < columns; c++) {
            if (!isfinite(row[c])) continue;
            mean[c] += (double)row[c];
            number[c] += 1;
        }
    }
    for (uint32_t c = 0; c < columns; c++)
        if (number[c] > 0) mean[c] /= number[c];
    for (size_t t = 0; t < count; t++) {
        const float *row = rows + t * columns;
        for (uint32_t c = 0; c < columns; c++) {
            double far = (double)row[c] - mean[c];
            if (isfinite(far)) deviation[c] += far * far;
        }
    }
    for (uint32_t c = 0; c < columns; c++) {
        deviation[c] = number[c] > 0 ? sqrt(deviation[c] / number[c]) : 0;
        if (deviation[c] < least_deviation) deviation[c] = least_deviation;
    }
    for (size_t t = 0; t < count; t++) {
        float *row = rows + t * columns;
        for (uint32_t c = 0; c < columns; c++) row[c] = (float)(((double)row[c] - mean[c]) / deviation[c]);
    }
}

void st_normalize_whisper(float *rows, size_t count, uint32_t columns)
{
    size_t n = count * columns;
    float  greatest = -INFINITY;
    for (size_t i = 0; i < n; i++)
        if (isfinite(rows[i]) && rows[i] > greatest) greatest = rows[i];
    float least = greatest - 8.0f;
    for (size_t i = 0; i < n; i++) rows[i] = ((rows[i] < least ? least : rows[i]) + 4.0f) / 4.0f;
}

/* ---- running ------------------------------------------------------------------------------------- */

struct st_running {
    uint32_t columns, slots, warmup;
    uint64_t pushed; /* rows of this segment */
    uint32_t due;    /* rows that the next pull writes */
    float   *ring;   /* (slots, columns): row t of the segment in slot t % slots */
    double  *sums, *squares, *numbers;
};

st_running *st_running_open(uint32_t columns, uint32_t span, uint32_t warmup)
{
    st_running *r = calloc(1, sizeof *r);
    if (!r) return NULL;
    r->columns = columns;
    r->slots = span + 1;
    r->warmup = warmup;
    r->ring = calloc((size_t)r->slots * columns, sizeof *r->ring);
    r->sums = calloc((size_t)columns * 3, sizeof *r->sums);
    if (!r->ring || !r->sums) {
        st_running_close(r);
        return NULL;
    }
    r->squares = r->sums + columns;
    r->numbers = r->squares + columns;
    return r;
}

void st_running_close(st_running *r)
{
    if (!r) return;
    free(r->ring);
    free(r->sums);
    free(r);
}

void st_running_reset(st_running *r)
{
    r->pushed = 0;
    r->due = 0;
    memset(r->sums, 0, (size_t)r->columns * 3 * sizeof *r->sums);
}

/* Adds a row to the statistics, or takes it away with sign -1. */
static void count_row(st_running *r, const float *row, double sign)
{
    for (uint32_t c = 0; c < r->columns; c++) {
        double value = (double)row[c];
        if (!isfinite(value)) continue;
        r->sums[c] += sign * value;
        r->squares[c] += sign * value * value;
        r->numbers[c] += sign;
    }
}

uint32_t st_running_push(st_running *r, const float *row)
{
    float *slot = r->ring + (size_t)(r->pushed % r->slots) * r->columns;
    if (r->pushed >= r->slots) count_row(r, slot, -1);
    memcpy(slot, row, r->columns * sizeof *row);
    count_row(r, slot, 1);
    r->pushed++;
    r->due = r->pushed < r->warmup ? 0 : r->pushed == r->warmup ? r->warmup : 1;
    return r->due;
}

uint32_t st_running_flush(st_running *r)
{
    r->due = r->pushed < r->warmup ? (uint32_t)r->pushed : 0;
    return r->due;
}

void st_running_pull(st_running *r, float *out)
{
    for (uint32_t i = 0; i < r->due; i++) {
        const float *row = r->ring + (size_t)((r->pushed - r->due + i) % r->slots) * r->columns;
        for (uint32_t c = 0; c < r->columns; c++) {
            double n = r->numbers[c], mean = n > 0 ? r->sums[c] / n : 0;
            double variance = n > 0 ? r->squares[c] / n - mean * mean : 0;
            double deviation = variance > 0 ? sqrt(variance) : 0;
            if (deviation < least_deviation) deviation = least_deviation;
            *out++ = (float)(((double)row[c] - mean) / deviation);
        }
    }
    r->due = 0;
}
