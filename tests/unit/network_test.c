/* network_test.c - layers against the equations written out, and what must not change a bit: the batch, the
 * cut into calls, a second run. (Whole networks against torch: tests/parity.) */
#include "made_weights.h"

#include <math.h>
#include <stdlib.h>

#define MODELS STAPES_SOURCE_DIR "/tests/data/models"

static bool near(float a, double b) { return fabs((double)a - b) <= 1e-6; }

static double sigma(double x) { return 1.0 / (1.0 + exp(-x)); }

/* ---- one step of each cell, written out ----------------------------------------------------------- */

static const float w_ih[] = {0.5f, -0.25f, 1.0f, 0.75f}, w_hh[] = {0.3f, 0.6f, -0.9f, 0.2f};
static const float b_ih[] = {0.1f, 0.2f, -0.3f, 0.4f}, b_hh[] = {-0.2f, 0.5f, 0.7f, -0.1f};

static void run_cell(uint32_t kind, uint32_t activation, float x, float *h, float *c, float *y)
{
    static float         room[20000] __attribute__((aligned(64))); /* a library's blocks too */
    stapes_error         error = {0};
    char                *bytes;
    made_file            f = {.count = 0};
    uint32_t             gates = kind == STAPES_LSTM ? 4 : kind == STAPES_GRU ? 3 : 1;
    stapes_layer         layer = {.name = "", .kind = kind, .in = 1, .hidden = 1, .layers = 1, .bias = true};
    stapes_recurrent_run run = {.batch = 1, .rows = 1, .x = &x, .y = y, .h = h, .c = c, .room = room};
    layer.activation = activation;
    made_add(&f, "weight_ih_l0", gates, 1, 0, w_ih);
    made_add(&f, "weight_hh_l0", gates, 1, 0, w_hh);
    made_add(&f, "bias_ih_l0", gates, 0, 0, b_ih);
    made_add(&f, "bias_hh_l0", gates, 0, 0, b_hh);
    stapes_tensors   *t = made_finish(&f, &bytes);
    stapes_recurrent *r = stapes_open_recurrent(&layer, t, &error);
    CHECK_TEXT(error.text, "");
    CHECK(r && stapes_recurrent_room(r, 1, 1) <= STAPES_COUNT(room) &&
          stapes_run_recurrent(r, &run) == STAPES_OK);
    stapes_close_recurrent(r);
    stapes_close_tensors(t);
    free(bytes);
}

static void check_cells(void)
{
    double x = 2.0, h = 0.5, c = -0.75, a[4], s[4];
    float  new_h = 0.5f, new_c = -0.75f, y = 9.0f;
    for (int i = 0; i < 4; i++) {
        a[i] = (double)w_ih[i] * x + (double)b_ih[i];
        s[i] = (double)w_hh[i] * h + (double)b_hh[i];
    }
    run_cell(STAPES_LSTM, 0, 2.0f, &new_h, &new_c, &y);
    c = sigma(a[1] + s[1]) * c + sigma(a[0] + s[0]) * tanh(a[2] + s[2]);
    CHECK(near(new_c, c) && near(new_h, sigma(a[3] + s[3]) * tanh(c)) && y == new_h);

    new_h = 0.5f;
    run_cell(STAPES_GRU, 0, 2.0f, &new_h, NULL, &y);
    double reset = sigma(a[0] + s[0]), update = sigma(a[1] + s[1]), fresh = tanh(a[2] + reset * s[2]);
    CHECK(near(new_h, (1 - update) * fresh + update * h) && y == new_h);

    new_h = 0.5f;
    run_cell(STAPES_RNN, STAPES_TANH, 2.0f, &new_h, NULL, &y);
    CHECK(near(new_h, tanh(a[0] + s[0])) && y == new_h);
    new_h = 0.5f;
    run_cell(STAPES_RNN, STAPES_RELU, -2.0f, &new_h, NULL, &y);
    CHECK(y == 0.0f);

    run_cell(STAPES_LSTM, 0, 2.0f, NULL, NULL, &y); /* without a state: from zero */
    c = sigma(a[0] - 0.2) * tanh(a[2] + 0.7);
    CHECK(near(y, sigma(a[3] - 0.1) * tanh(c)));
}

/* ---- convolution, also with gaps between kernels -------------------------------------------------- */

static void check_convolution(uint32_t kernel, uint32_t stride, uint32_t padding, uint32_t rows)
{
    enum { IN = 2, OUT = 3, MOST = 40 };
    float          weight[OUT * IN * 8], bias[OUT] = {0.5f, -1.0f, 2.0f}, x[MOST * IN], expected[MOST * OUT];
    uint32_t       n = rows + 2 * padding < kernel ? 0 : (rows + 2 * padding - kernel) / stride + 1;
    made_file      f = {.count = 0};
    char          *bytes;
    const float   *y;
    stapes_error   error = {0};
    stapes_layer   layer = {.name = "c", .kind = STAPES_CONV1D, .in = IN, .out = OUT, .bias = true};
    const uint32_t cuts[] = {1, 2, 3, 5, MOST};
    for (uint32_t i = 0; i < OUT * IN * kernel; i++) weight[i] = (float)(i % 7) - 3.0f;
    for (uint32_t i = 0; i < rows * IN; i++) x[i] = (float)(i * i % 11) - 5.0f;
    for (uint32_t j = 0; j < n; j++)
        for (uint32_t o = 0; o < OUT; o++) {
            float sum = bias[o]; /* small whole numbers: exact in any order */
            for (uint32_t k = 0; k < kernel; k++)
                for (uint32_t i = 0; i < IN; i++) {
                    uint32_t at = j * stride + k;
                    if (at >= padding && at < rows + padding)
                        sum += weight[(o * IN + i) * kernel + k] * x[(at - padding) * IN + i];
                }
            expected[j * OUT + o] = sum;
        }
    layer.kernel = kernel;
    layer.stride = stride;
    layer.padding = padding;
    made_add(&f, "c.weight", OUT, IN, kernel, weight);
    made_add(&f, "c.bias", OUT, 0, 0, bias);
    stapes_tensors *t = made_finish(&f, &bytes);
    stapes_network *net = stapes_open_network(&layer, 1, STAPES_ENDS_PLAIN, t, &error);
    stapes_stream  *s = net ? stapes_open_stream(net, MOST, &error) : NULL;
    CHECK_TEXT(error.text, "");
    CHECK(net && stapes_count_rows(net, rows) == (rows ? n : 0));
    for (uint32_t c = 0; s && c < STAPES_COUNT(cuts); c++) {
        uint32_t found = 0;
        bool     equal = true;
        for (uint32_t at = 0; at < rows; at += cuts[c]) {
            uint32_t piece = rows - at < cuts[c] ? rows - at : cuts[c];
            int64_t  got = stapes_run_stream(s, x + at * IN, piece, false, &y, NULL);
            CHECK(got >= 0 && found + got <= n);
            if (got > 0) equal &= !memcmp(y, expected + found * OUT, (size_t)got * OUT * sizeof *y);
            found += (uint32_t)(got > 0 ? got : 0);
        }
        int64_t got = stapes_run_stream(s, NULL, 0, true, &y, NULL);
        CHECK(got >= 0 && found + got == (rows ? n : 0));
        if (got > 0 && found + got == n)
            equal &= !memcmp(y, expected + found * OUT, (size_t)got * OUT * sizeof *y);
        CHECK(equal);
    }
    stapes_close_stream(s);
    stapes_close_network(net);
    stapes_close_tensors(t);
    free(bytes);
}

/* ---- the same bits -------------------------------------------------------------------------------- */

static void check_cuts(void)
{
    enum { ROWS = 173, IN = 8, OUT = 29 };
    static float        x[ROWS * IN], whole[ROWS * OUT], pieces[ROWS * OUT];
    const uint32_t      cuts[] = {1, 2, 7, 64, ROWS};
    stapes_error        error = {0};
    const float        *y;
    const stapes_model *m = stapes_open_model(MODELS "/tiny-uni", &error);
    stapes_network     *n = m ? stapes_load_network(m, &error) : NULL;
    stapes_stream      *s = n ? stapes_open_stream(n, ROWS, &error) : NULL;
    CHECK_TEXT(error.text, "");
    if (!s) return;
    made_draw(x, STAPES_COUNT(x), 1);
    CHECK(stapes_run_stream(s, NULL, 0, true, &y, NULL) == 0);
    int64_t rows = stapes_run_stream(s, x, ROWS, true, &y, NULL);
    CHECK(rows == (int64_t)stapes_count_rows(n, ROWS) && rows == 87);
    memcpy(whole, y, (size_t)rows * OUT * sizeof *y);
    double sum = 0.0;
    for (int i = 0; i < OUT; i++) sum += exp((double)whole[i]);
    CHECK(fabs(sum - 1.0) < 1e-5);
    for (uint32_t c = 0; c < STAPES_COUNT(cuts); c++) {
        int64_t found = 0;
        for (uint32_t at = 0; at < ROWS; at += cuts[c]) {
            uint32_t piece = ROWS - at < cuts[c] ? ROWS - at : cuts[c];
            int64_t  got = stapes_run_stream(s, x + at * IN, piece, at + piece == ROWS, &y, NULL);
            CHECK(got >= 0 && found + got <= rows);
            if (got < 0 || found + got > rows) return;
            memcpy(pieces + found * OUT, y, (size_t)got * OUT * sizeof *y);
            found += got;
        }
        CHECK(found == rows && !memcmp(pieces, whole, (size_t)rows * OUT * sizeof *y));
    }
    CHECK(stapes_run_stream(s, x, ROWS + 1, true, &y, NULL) == STAPES_ECONTRACT);
    stapes_close_stream(s);
    stapes_close_network(n);
    stapes_close_model(m);
}

static bool always(void *user)
{
    ++*(int *)user;
    return true;
}

static void check_bidirectional(void)
{
    enum { ROWS = 50, IN = 24, OUT = 29 };
    static float        x[ROWS * IN], first[ROWS * OUT];
    stapes_error        error = {0};
    int                 asked = 0;
    const float        *y;
    const stapes_model *m = stapes_open_model(MODELS "/tiny-bi", &error);
    stapes_network     *n = m ? stapes_load_network(m, &error) : NULL;
    stapes_stream      *s = n ? stapes_open_stream(n, ROWS, &error) : NULL;
    CHECK_TEXT(error.text, "");
    if (!s) return;
    made_draw(x, STAPES_COUNT(x), 2);
    CHECK(stapes_run_stream(s, x, ROWS, false, &y, NULL) == STAPES_ECONTRACT);
    CHECK(stapes_run_stream(s, x, ROWS, true, &y, NULL) == ROWS);
    memcpy(first, y, sizeof first);
    CHECK(stapes_run_stream(s, x, ROWS, true, &y, &(stapes_callbacks){.canceled = always, .user = &asked}) ==
              STAPES_ECANCELED &&
          asked == 1);
    stapes_reset_stream(s);
    CHECK(stapes_run_stream(s, x, ROWS, true, &y, NULL) == ROWS);
    CHECK(!memcmp(first, y, sizeof first));
    stapes_close_stream(s);
    stapes_close_network(n);
    stapes_close_model(m);
}

/* Five sequences at once, of lengths about the block of 64 steps, and each alone. */
static void check_batch(void)
{
    enum { B = 5, T = 130, IN = 24, H = 16, D = 2 };
    const uint32_t    lengths[B] = {65, 0, 130, 1, 64};
    static float      x[B * T * IN], y[B * T * D * H], alone[T * D * H], h[4 * B * H], h1[4 * H];
    stapes_error      error = {0};
    stapes_layer      layer = {.name = "lstm",
                               .kind = STAPES_LSTM,
                               .in = IN,
                               .hidden = H,
                               .layers = 2,
                               .bidirectional = true,
                               .bias = true};
    stapes_tensors   *t = stapes_open_tensors(MODELS "/tiny-bi/weights.safetensors", &error);
    stapes_recurrent *r = t ? stapes_open_recurrent(&layer, t, &error) : NULL;
    CHECK_TEXT(error.text, "");
    float *room = r ? aligned_alloc(64, stapes_recurrent_room(r, B, T) * sizeof *room) : NULL;
    CHECK(room != NULL);
    if (!room) return;
    made_draw(x, STAPES_COUNT(x), 3);
    memset(y, 255, sizeof y);
    stapes_recurrent_run run = {
        .batch = B, .rows = T, .lengths = lengths, .x = x, .y = y, .h = h, .room = room};
    CHECK(stapes_run_recurrent(r, &run) == STAPES_OK);
    for (uint32_t b = 0; b < B; b++) {
        stapes_recurrent_run one = {
            .batch = 1, .rows = lengths[b], .x = x + b * T * IN, .y = alone, .h = h1, .room = room};
        memset(h1, 0, sizeof h1);
        memset(alone, 0, sizeof alone);
        CHECK(stapes_run_recurrent(r, &one) == STAPES_OK);
        CHECK(!memcmp(alone, y + b * T * D * H, sizeof alone)); /* zeros behind the length, too */
        for (int part = 0; part < 4; part++)
            CHECK(!memcmp(h1 + part * H, h + ((size_t)part * B + b) * H, H * sizeof *h));
    }
    run.lengths = (const uint32_t[]){1, 1, 131, 1, 1};
    CHECK(stapes_run_recurrent(r, &run) == STAPES_ECONTRACT);
    CHECK(stapes_recurrent_room(r, UINT32_MAX, UINT32_MAX) == 0);
    free(room);
    stapes_close_recurrent(r);
    stapes_close_tensors(t);
}

static void check_log_softmax(void)
{
    const float x[] = {1000.0f, 1000.0f, -1000.0f, 0.0f, 0.0f, 0.0f};
    float       y[6];
    stapes_log_softmax(x, y, 2, 3);
    CHECK(near(y[0], -log(2)) && near(y[1], -log(2)) && y[2] < -1999.0f && near(y[3], -log(3)));
    const float bad[] = {0.0f, NAN, -INFINITY, -INFINITY};
    stapes_log_softmax(bad, y, 2, 2);
    CHECK(isnan(y[0]) && isnan(y[1]) && isnan(y[2]) && isnan(y[3]));
}

int main(void)
{
    check_cells();
    for (uint32_t kernel = 1; kernel <= 5; kernel++)
        for (uint32_t stride = 1; stride <= 7; stride++)
            for (uint32_t padding = 0; padding <= kernel / 2; padding++)
                for (uint32_t rows = 0; rows <= 17; rows += rows < 6 ? 1 : 11)
                    check_convolution(kernel, stride, padding, rows);
    check_cuts();
    check_bidirectional();
    check_batch();
    check_log_softmax();
    return check_done();
}
