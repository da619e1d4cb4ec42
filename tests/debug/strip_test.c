/* strip_test.c - what debug.show keeps in bounded memory: buckets that lengthen hold the same as if they had
 * been long from the begin, and holes stay holes. */
#include "check.h"
#include "strip.h"

#include <math.h>

enum { ROWS = 1000, COLUMNS = 3, HOP = 1000 };

static float values[ROWS * COLUMNS];

static void test_range(void)
{
    strip s;
    CHECK(strip_open(&s, STRIP_RANGE, COLUMNS, HOP, 16));
    for (uint32_t i = 0; i < ROWS; i += 7) {
        uint32_t rows = ROWS - i < 7 ? ROWS - i : 7;
        strip_add(&s, values + i * COLUMNS, rows, 5 * HOP + i * HOP, rows * HOP);
    }
    CHECK(s.length == 64 * HOP && s.used == 16 && s.origin == 5 * HOP && s.end == (5 + ROWS) * HOP);
    for (uint32_t k = 0; k < s.used; k++) {
        for (uint32_t c = 0; c < COLUMNS; c++) {
            float least = INFINITY, greatest = -INFINITY;
            for (uint32_t t = k * 64; t < k * 64 + 64 && t < ROWS; t++) {
                least = fminf(least, values[t * COLUMNS + c]);
                greatest = fmaxf(greatest, values[t * COLUMNS + c]);
            }
            CHECK(s.a[k * COLUMNS + c] == least && s.b[k * COLUMNS + c] == greatest);
        }
    }
    strip_clear(&s, HOP);
    CHECK(s.used == 0 && s.length == HOP);
    strip_close(&s);
}

static void test_mean_and_holes(void)
{
    strip s;
    CHECK(strip_open(&s, STRIP_MEAN, 1, HOP, 8));
    float ones[4] = {1, 2, 3, 4}, nan = NAN;
    strip_add(&s, ones, 4, 0, 4 * HOP);
    strip_add(&s, ones, 4, 40 * HOP, 4 * HOP);
    strip_add(&s, &nan, 1, 44 * HOP, HOP);
    CHECK(s.length == 8 * HOP && s.used == 6);
    CHECK(s.rows[0] == 4 && s.a[0] == 10.0f);
    for (uint32_t k = 1; k < 5; k++) CHECK(s.rows[k] == 0);
    CHECK(s.rows[5] == 5 && s.a[5] == 10.0f);
    strip_add(&s, ones, 4, -HOP * 8, 4 * HOP);
    CHECK(s.rows[0] == 4);
    strip_close(&s);
}

static void test_best(void)
{
    enum { LABELS = 30 };
    strip s;
    float row[LABELS];
    CHECK(strip_open(&s, STRIP_BEST, LABELS, HOP, 4));
    for (int t = 0; t < 8; t++) {
        for (int c = 0; c < LABELS; c++) row[c] = -10.0f - (float)c;
        row[t] = -0.1f * (float)(t + 1);
        row[20] = -1.5f;
        strip_add(&s, row, 1, t * HOP, HOP);
    }
    CHECK(s.length == 2 * HOP && s.used == 4);
    for (int k = 0; k < 4; k++) {
        const int32_t *labels = s.labels + k * STRIP_LABELS;
        const float   *best = s.a + k * STRIP_LABELS;
        CHECK(labels[0] == 2 * k && labels[1] == 2 * k + 1 && labels[2] == 20);
        CHECK(best[0] == -0.1f * (float)(2 * k + 1) && best[2] == -1.5f);
        for (int i = 0; i < STRIP_LABELS; i++)
            for (int j = 0; j < i; j++) CHECK(labels[i] != labels[j] && best[j] >= best[i]);
    }
    strip_close(&s);
}

int main(void)
{
    unsigned seed = 3;
    for (size_t i = 0; i < STAPES_COUNT(values); i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = (float)(seed >> 8) / (float)(1u << 24) - 0.5f;
    }
    test_range();
    test_mean_and_holes();
    test_best();
    return check_done();
}
