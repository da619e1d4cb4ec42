/* deltas_test.c - derivatives over rows: known curves, ends, every cut, what is waited for, refusals. That
 * they are librosa's and Kaldi's is checked against tests/reference. */
#include "check.h"

#include <stapes/kit/deltas.h>

#include <math.h>
#include <stdlib.h>

enum { ROWS = 700, COLUMNS = 5 };

static uint32_t seed = 1;
static uint32_t draw(void) { return seed = seed * 1664525u + 1013904223u; }

static stapes_deltas_settings settings_of(int style, uint32_t width, uint32_t order, int keep)
{
    return (stapes_deltas_settings){
        .size = sizeof(stapes_deltas_settings), .style = style, .width = width, .order = order, .keep = keep};
}

/* Pieces of `piece` rows; 0: of random lengths. Returns the rows that came out. */
static size_t run(stapes_deltas *d, const float *x, size_t count, size_t piece, float *y, size_t wide)
{
    size_t rows = 0;
    for (size_t left = count; left;) {
        size_t n = piece ? piece : draw() % 400 + 1;
        n = stapes_deltas_push(d, x, n < left ? n : left);
        CHECK(n > 0);
        if (!n) return 0;
        x += n * COLUMNS;
        left -= n;
        CHECK(stapes_deltas_ready(d) <= count);
        rows += stapes_deltas_pull(d, y + rows * wide, ROWS);
    }
    stapes_deltas_flush(d);
    CHECK(stapes_deltas_push(d, x, 1) == 0);
    while (stapes_deltas_ready(d)) rows += stapes_deltas_pull(d, y + rows * wide, 3);
    stapes_deltas_reset(d);
    return rows;
}

static void test_cuts(void)
{
    static const uint32_t widths[] = {3, 5, 9, 255};
    static const size_t   lengths[] = {0, 1, 2, 8, 9, 10, 255, 300, ROWS};
    static float          x[ROWS * COLUMNS], one[ROWS * COLUMNS * 3], two[ROWS * COLUMNS * 3];
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = (float)(draw() >> 8) / (float)(1u << 23) - 1.0f;
    for (int style = 0; style < 2; style++)
        for (uint32_t w = 0; w < STAPES_COUNT(widths); w++)
            for (uint32_t order = 1; order <= 2; order++) {
                stapes_deltas_settings s = settings_of(style, widths[w], order, w != 1);
                size_t                 wide = stapes_deltas_columns(&s, COLUMNS);
                stapes_deltas         *d = stapes_deltas_open(&s, COLUMNS, NULL);
                CHECK(d && wide == COLUMNS * (order + (w != 1)));
                for (size_t k = 0; d && k < STAPES_COUNT(lengths); k++) {
                    CHECK(run(d, x, lengths[k], 1, one, wide) == lengths[k]);
                    CHECK(run(d, x, lengths[k], 0, two, wide) == lengths[k]);
                    CHECK(!memcmp(one, two, lengths[k] * wide * sizeof(float)));
                    CHECK(run(d, x, lengths[k], ROWS, two, wide) == lengths[k]);
                    CHECK(!memcmp(one, two, lengths[k] * wide * sizeof(float)));
                }
                stapes_deltas_close(d);
            }
}

/* Of a parabola librosa's are exact inside; of a line both styles' are, and Kaldi's ends know no more rows.
 */
static void test_curves(void)
{
    enum { N = 40 };
    float x[N * COLUMNS], y[N * COLUMNS * 3];
    for (int t = 0; t < N; t++)
        for (int c = 0; c < COLUMNS; c++) x[t * COLUMNS + c] = 0.5f * (float)(c * t * t) + 3.0f * (float)t;
    for (int style = 0; style < 2; style++) {
        stapes_deltas_settings s = settings_of(style, 7, 2, 1);
        stapes_deltas         *d = stapes_deltas_open(&s, COLUMNS, NULL);
        CHECK(d && run(d, x, N, 11, y, 3 * COLUMNS) == N);
        stapes_deltas_close(d);
        for (int t = 0; t < N; t++) {
            const float *row = y + t * 3 * COLUMNS;
            CHECK(!memcmp(row, x + t * COLUMNS, COLUMNS * sizeof *x));
            if (t < 6 || t >= N - 6) continue;
            for (int c = 0; c < COLUMNS; c++) {
                CHECK(fabsf(row[COLUMNS + c] - (float)(c * t + 3)) < 1e-4f);
                CHECK(fabsf(row[2 * COLUMNS + c] - (float)c) < 1e-4f);
            }
        }
        /* column 0 is a line of slope 3 */
        float first = y[COLUMNS], last = y[(N - 1) * 3 * COLUMNS + COLUMNS];
        if (style == STAPES_DELTAS_LIBROSA)
            CHECK(fabsf(first - 3.0f) < 1e-5f && fabsf(last - 3.0f) < 1e-5f);
        else
            CHECK(fabsf(first - 3.0f * 14 / 28) < 1e-5f && fabsf(last - first) < 1e-5f);
    }
}

/* A row is out as soon as the rows that it was said to wait for are there, and one of them needs them all. */
static void test_latency(void)
{
    static float x[ROWS * COLUMNS], y[3 * COLUMNS];
    for (int style = 0; style < 2; style++)
        for (uint32_t order = 1; order <= 2; order++) {
            stapes_deltas_settings s = settings_of(style, 9, order, 1);
            stapes_deltas         *d = stapes_deltas_open(&s, COLUMNS, NULL);
            int64_t                worst = -1, out = 0;
            for (int64_t n = 0; d && n < 300; n++) {
                CHECK(stapes_deltas_push(d, x, 1) == 1);
                while (stapes_deltas_ready(d)) {
                    if (n - out > worst) worst = n - out;
                    out += (int64_t)stapes_deltas_pull(d, y, 1);
                }
            }
            CHECK(worst == stapes_deltas_latency(&s));
            stapes_deltas_close(d);
        }
}

/* Where nothing is pulled, rows are taken as far as there is room, and none is lost. */
static void test_full(void)
{
    static float           x[4000 * COLUMNS], y[4000 * 2 * COLUMNS];
    stapes_deltas_settings s = settings_of(STAPES_DELTAS_KALDI, 5, 1, 1);
    stapes_deltas         *d = stapes_deltas_open(&s, COLUMNS, NULL);
    size_t                 taken = 0, rows = 0;
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = (float)(i / COLUMNS);
    for (int i = 0; d && i < 5; i++) taken += stapes_deltas_push(d, x + taken * COLUMNS, 1000);
    CHECK(taken >= 256 && taken < 1000);
    while (d && taken < 4000) {
        rows += stapes_deltas_pull(d, y + rows * 2 * COLUMNS, 4000);
        taken += stapes_deltas_push(d, x + taken * COLUMNS, 4000 - taken);
    }
    if (d) stapes_deltas_flush(d);
    rows += d ? stapes_deltas_pull(d, y + rows * 2 * COLUMNS, 4000) : 0;
    CHECK(rows == 4000);
    for (size_t t = 2; t + 2 < rows; t++)
        CHECK(y[t * 2 * COLUMNS] == (float)t && fabsf(y[t * 2 * COLUMNS + COLUMNS] - 1.0f) < 1e-6f);
    stapes_deltas_close(d);
}

static void test_not_finite(void)
{
    enum { N = 60 };
    float                  x[N * COLUMNS] = {0}, y[N * COLUMNS * 2];
    stapes_deltas_settings s = settings_of(STAPES_DELTAS_LIBROSA, 9, 1, 1);
    stapes_deltas         *d = stapes_deltas_open(&s, COLUMNS, NULL);
    x[30 * COLUMNS + 2] = NAN;
    x[45 * COLUMNS + 3] = INFINITY;
    CHECK(d && run(d, x, N, 4, y, 2 * COLUMNS) == N);
    for (int t = 0; t < N; t++)
        for (int c = 0; c < COLUMNS; c++) {
            bool near = (c == 2 && abs(t - 30) <= 4) || (c == 3 && abs(t - 45) <= 4);
            CHECK(isfinite(y[(t * 2 + 1) * COLUMNS + c]) == !near);
        }
    stapes_deltas_close(d);
}

static void test_refusals(void)
{
    static const struct {
        stapes_deltas_settings settings;
        uint32_t               columns;
        const char            *words;
    } wrong[] = {
        {{.size = sizeof(stapes_deltas_settings), .width = 4, .order = 1},
         3,
         "width of 4 rows: allowed are odd"},
        {{.size = sizeof(stapes_deltas_settings), .width = 1, .order = 1}, 3, "width of 1 rows"},
        {{.size = sizeof(stapes_deltas_settings), .width = 257, .order = 1}, 3, "from 3 to 255"},
        {{.size = sizeof(stapes_deltas_settings), .width = 5, .order = 3}, 3, "order 3: allowed are 1 and 2"},
        {{.size = sizeof(stapes_deltas_settings), .width = 5}, 3, "order 0"},
        {{.size = sizeof(stapes_deltas_settings), .style = 2, .width = 5, .order = 1},
         3,
         "a style that this"},
        {{.size = 4, .width = 5, .order = 1}, 3, "settings of deltas of 4 bytes"},
        {{.size = sizeof(stapes_deltas_settings), .width = 5, .order = 1}, 0, "deltas of rows of 0 numbers"},
    };
    for (size_t i = 0; i < STAPES_COUNT(wrong); i++) {
        stapes_error error = {0};
        CHECK(stapes_deltas_open(&wrong[i].settings, wrong[i].columns, &error) == NULL);
        CHECK(error.status == STAPES_EUSAGE);
        CHECK_HAS(error.text, wrong[i].words);
    }
    stapes_deltas_close(NULL);
}

int main(void)
{
    test_cuts();
    test_curves();
    test_latency();
    test_full();
    test_not_finite();
    test_refusals();
    return check_done();
}
