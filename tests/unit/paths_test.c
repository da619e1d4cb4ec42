/* paths_test.c - every path of the processor that this machine has gives what the baseline gives, and both
 * what double precision gives: products and recurrent steps with weights of each number. (Vector functions:
 * functions_test.c, the passes of features: fft_test.c, each against exact values on each path.) */
#include "made_weights.h"

#include "kit/network/recurrent.h"
#include "kit/product/half.h"

#include <math.h>

static const uint32_t numbers[] = {STAPES_F32, STAPES_F16, STAPES_BF16, STAPES_I8};

/* ---- products
 * ----------------------------------------------------------------------------------------------
 */

enum { ROWS = 13, OUT = 77, IN = 203 };

/* y (ROWS, OUT) */
static void multiply(const st_kernels *kernels, uint32_t number, const float *weights, const float *bias,
                     const float *x, float *y)
{
    stapes_error   error = {0};
    stapes_matrix *m = st_matrix_open_by(kernels, NULL, weights, bias, OUT, IN, number, &error);
    CHECK_TEXT(error.text, "");
    if (!m) return;
    float *room = aligned_alloc(64, (stapes_matrix_room(m, ROWS) * sizeof(float) + 64) / 64 * 64);
    stapes_multiply(m, x, IN, ROWS, y, OUT, room, NULL);
    free(room);
    stapes_close_matrix(m);
}

/* float32 sums of n products: each path is within (n + 2) 2^-24 of the sum of magnitudes of the exact one
 * (Higham 2002, section 3.1), with whatever roundings it has; so two are within twice that. Half-precision
 * weights are widened exactly. int8: rounding to steps, the sums of whole numbers and what is done with them
 * are the same operations everywhere, so the same bits. */
static void check_products(const st_kernels *path)
{
    static float weights[OUT * IN], bias[OUT], x[ROWS * IN], a[ROWS * OUT], b[ROWS * OUT];
    made_draw(weights, OUT * IN, 1);
    made_draw(bias, OUT, 2);
    made_draw(x, ROWS * IN, 3);
    for (size_t k = 0; k < STAPES_COUNT(numbers); k++) {
        double worst = 0;
        multiply(&st_kernels_baseline, numbers[k], weights, bias, x, a);
        multiply(path, numbers[k], weights, bias, x, b);
        for (size_t i = 0; i < ROWS * OUT; i++) {
            double size = fabs((double)bias[i % OUT]), error = fabs((double)a[i] - (double)b[i]);
            for (size_t n = 0; n < IN; n++)
                size += fabs((double)weights[i % OUT * IN + n] * (double)x[i / OUT * IN + n]);
            /* what half precision did to a weight is a 128th at most */
            worst = fmax(worst, error / (2 * (IN + 2) * ldexp(size * (1 + 1.0 / 128), -24)));
        }
        CHECK(numbers[k] == STAPES_I8 ? !memcmp(a, b, sizeof a) : worst <= 1);
        printf("%-8s %-4s products: %.4f of the bound\n", path->name, stapes_name_number(numbers[k]), worst);
    }
}

/* Rows that int8 cannot hold, and zeros: the same on every path. */
static void check_rounding(const st_kernels *path)
{
    static float weights[OUT * IN], bias[OUT], x[ROWS * IN], a[ROWS * OUT], b[ROWS * OUT];
    made_draw(weights, OUT * IN, 4);
    made_draw(bias, OUT, 5);
    made_draw(x, ROWS * IN, 6);
    memset(x, 0, IN * sizeof *x);
    for (size_t i = 0; i < IN; i++) {
        x[IN + i] *= 1e-38f;
        x[2 * IN + i] *= 3e38f;
        x[3 * IN + i] = (float)(i % 5) - 2.5f; /* halves of a step: ties */
    }
    x[4 * IN + 7] = NAN;
    x[5 * IN + IN - 1] = INFINITY;
    multiply(&st_kernels_baseline, STAPES_I8, weights, bias, x, a);
    multiply(path, STAPES_I8, weights, bias, x, b);
    for (size_t i = 0; i < ROWS * OUT; i++) {
        if (isnan(a[i])) a[i] = 9;
        if (isnan(b[i])) b[i] = 9; /* which NaN is nobody's matter */
    }
    CHECK(!memcmp(a, b, sizeof a));
    CHECK(a[4 * OUT] == 9 && a[5 * OUT + OUT - 1] == 9 && a[0] == bias[0]);
}

/* An output with a weight that is no number gives none, as int8 too, and its neighbours keep theirs. */
static void check_bad_weights(const st_kernels *path)
{
    static float weights[OUT * IN], bias[OUT], x[ROWS * IN], good[ROWS * OUT], y[ROWS * OUT];
    made_draw(weights, OUT * IN, 1);
    made_draw(x, ROWS * IN, 3);
    for (size_t k = 0; k < STAPES_COUNT(numbers); k++)
        for (size_t n = 0; n < 2; n++) {
            float was = weights[5 * IN + 9];
            multiply(path, numbers[k], weights, bias, x, good);
            weights[5 * IN + 9] = n ? INFINITY : NAN;
            multiply(path, numbers[k], weights, bias, x, y);
            weights[5 * IN + 9] = was;
            for (size_t i = 0; i < ROWS * OUT; i++)
                CHECK(i % OUT == 5 ? !isfinite(y[i]) : !memcmp(y + i, good + i, sizeof *y));
        }
}

/* ---- recurrent steps
 * -----------------------------------------------------------------------------------------
 */

enum { BATCH = 3, F = 36, H = 44, MOST_GATES = 4 };

/* As made_add, kept as `number`; count is a multiple of 4. Of int8 the scale is 0.3 / 127. */
static void add(made_file *f, const char *name, uint32_t number, uint32_t a, uint32_t b, const float *values)
{
    size_t      count = (size_t)a * b, one = number == STAPES_I8 ? 1 : 2, used;
    char        scale_name[80];
    float       scale[MOST_GATES * H];
    const char *type = stapes_name_number(number);
    if (number == STAPES_F32) {
        made_add(f, name, a, b, 0, values);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t half = number == STAPES_F16 ? st_half_from(values[i]) : st_half_brain_from(values[i]);
        int8_t   whole = (int8_t)nearbyintf(values[i] * (127 / 0.3f));
        memcpy((char *)(f->data + f->count) + i * one, number == STAPES_I8 ? (void *)&whole : &half, one);
    }
    used = strlen(f->header);
    (void)snprintf(f->header + used, sizeof f->header - used,
                   "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[%u,%u],\"data_offsets\":[%zu,%zu]}",
                   used ? ',' : '{', name, type, a, b, f->count * 4, f->count * 4 + count * one);
    f->count += count * one / 4;
    if (number != STAPES_I8) return;
    (void)snprintf(scale_name, sizeof scale_name, "%s_scale", name);
    for (uint32_t i = 0; i < a; i++) scale[i] = 0.3f / 127;
    made_add(f, scale_name, a, 0, 0, scale);
}

typedef struct layer_data {
    float w_ih[MOST_GATES * H * F], w_hh[MOST_GATES * H * H], b_ih[MOST_GATES * H], b_hh[MOST_GATES * H];
    float x[BATCH * F], h[BATCH * H], c[BATCH * H];
} layer_data;

/* One step from the states of `d`: h, c (BATCH, H). */
static void step(const st_kernels *kernels, const layer_data *d, uint32_t kind, uint32_t number, float *h,
                 float *c)
{
    static made_file f;
    char            *bytes;
    stapes_error     error = {0};
    st_weights       weights = {.error = &error, .kernels = kernels};
    uint32_t         gates = kind == STAPES_LSTM ? 4 : kind == STAPES_GRU ? 3 : 1;
    stapes_layer     layer = {
            .name = "", .kind = kind, .in = F, .hidden = H, .layers = 1, .bias = true, .activation = STAPES_TANH};
    float                y[BATCH * H];
    stapes_recurrent_run run = {.batch = BATCH, .rows = 1, .x = d->x, .y = y, .h = h, .c = c};
    memset(&f, 0, sizeof f);
    add(&f, "weight_ih_l0", number, gates * H, F, d->w_ih);
    add(&f, "weight_hh_l0", number, gates * H, H, d->w_hh);
    made_add(&f, "bias_ih_l0", gates * H, 0, 0, d->b_ih);
    made_add(&f, "bias_hh_l0", gates * H, 0, 0, d->b_hh);
    stapes_tensors *t = made_finish(&f, &bytes);
    weights.tensors = t;
    stapes_recurrent *r = st_recurrent_open(&layer, &weights);
    CHECK_TEXT(error.text, "");
    memcpy(h, d->h, sizeof d->h);
    memcpy(c, d->c, sizeof d->c);
    if (r) {
        run.room = aligned_alloc(64, (stapes_recurrent_room(r, BATCH, 1) * sizeof(float) + 64) / 64 * 64);
        CHECK(stapes_run_recurrent(r, &run) == STAPES_OK);
        CHECK(!memcmp(y, h, sizeof y));
        free(run.room);
    }
    stapes_close_recurrent(r);
    stapes_close_tensors(t);
    free(bytes);
}

/* ---- the same in double precision ---- */

/* A weight as it is kept. */
static double kept(uint32_t number, float w)
{
    switch (number) {
    case STAPES_F16: return (double)st_half_to(st_half_from(w));
    case STAPES_BF16: return (double)st_half_brain_to(st_half_brain_from(w));
    case STAPES_I8: return (double)nearbyintf(w * (127 / 0.3f)) * (double)(0.3f / 127);
    default: return (double)w;
    }
}

/* A row as weights of that number see it. */
static void seen(uint32_t number, const float *x, size_t n, double *to)
{
    float most = 0;
    for (size_t i = 0; i < n; i++) most = fmaxf(most, fabsf(x[i]));
    float inverse = 127.0f / most;
    for (size_t i = 0; i < n; i++)
        to[i] = number == STAPES_I8 ? (double)nearbyintf(x[i] * inverse) * (double)most / 127 : (double)x[i];
}

static double sigma(double x) { return 1 / (1 + exp(-x)); }

/* torch.nn.RNN, GRU, LSTM: the equations of stapes/kit/network.h */
static void exact_step(const layer_data *d, uint32_t kind, uint32_t number, double *h, double *c)
{
    uint32_t gates = kind == STAPES_LSTM ? 4 : kind == STAPES_GRU ? 3 : 1;
    for (uint32_t b = 0; b < BATCH; b++) {
        double x[F], was[H];
        seen(number, d->x + b * F, F, x);
        seen(number, d->h + b * H, H, was);
        for (uint32_t u = 0; u < H; u++) {
            double in[MOST_GATES], state[MOST_GATES], *to = h + b * H + u, *cell = c + b * H + u;
            for (uint32_t g = 0; g < gates; g++) {
                uint32_t o = g * H + u;
                in[g] = (double)d->b_ih[o];
                state[g] = (double)d->b_hh[o];
                for (uint32_t i = 0; i < F; i++) in[g] += kept(number, d->w_ih[o * F + i]) * x[i];
                for (uint32_t i = 0; i < H; i++) state[g] += kept(number, d->w_hh[o * H + i]) * was[i];
            }
            *cell = (double)d->c[b * H + u];
            if (kind == STAPES_RNN) {
                *to = tanh(in[0] + state[0]);
            } else if (kind == STAPES_GRU) {
                double z = sigma(in[1] + state[1]), n = tanh(in[2] + sigma(in[0] + state[0]) * state[2]);
                *to = (1 - z) * n + z * (double)d->h[b * H + u];
            } else {
                *cell = sigma(in[1] + state[1]) * *cell + sigma(in[0] + state[0]) * tanh(in[2] + state[2]);
                *to = sigma(in[3] + state[3]) * tanh(*cell);
            }
        }
    }
}

/* The greatest sum of magnitudes of any output of w (outputs, n) for any row of x (BATCH, n). */
static double magnitude(const float *w, uint32_t outputs, const float *x, uint32_t n)
{
    double most = 0;
    for (uint32_t b = 0; b < BATCH; b++)
        for (uint32_t o = 0; o < outputs; o++) {
            double sum = 1;
            for (uint32_t i = 0; i < n; i++) sum += fabs((double)w[o * n + i] * (double)x[b * n + i]);
            most = fmax(most, sum);
        }
    return most;
}

/* Gates before their functions are within d = ((F + 4) A + (H + 4) B) 2^-24 of the exact ones, A and B the
 * sums of magnitudes of the inputs' and the states' products (as above). A sigmoid passes on a quarter of
 * that, a tanh all of it; each function adds at most 6 units in the last place, e = 6 * 2^-24. With
 * |h|, |c| <= 1: LSTM's c' = f c + i g is within (d/4 + e) + (d/4 + e) + (d + e), and h' = o tanh(c') within
 * that and d/4 + 2 e: 2 d + 6 e. GRU's n = tanh(a + r s) is within 2 d + B (d/4 + e) + e, and
 * h' = (1 - z) n + z h within that and 2 (d/4 + e). The few roundings between are within one more e. Two
 * paths are within twice that of each other. */
static void check_steps(const st_kernels *path)
{
    static const uint32_t kinds[] = {STAPES_RNN, STAPES_GRU, STAPES_LSTM};
    static layer_data     d;
    made_draw(d.w_ih, STAPES_COUNT(d.w_ih), 11);
    made_draw(d.w_hh, STAPES_COUNT(d.w_hh), 12);
    made_draw(d.b_ih, STAPES_COUNT(d.b_ih), 13);
    made_draw(d.b_hh, STAPES_COUNT(d.b_hh), 14);
    made_draw(d.x, STAPES_COUNT(d.x), 15);
    made_draw(d.h, STAPES_COUNT(d.h), 16);
    made_draw(d.c, STAPES_COUNT(d.c), 17);
    for (size_t i = 0; i < STAPES_COUNT(d.w_ih); i++) d.w_ih[i] *= 0.3f;
    for (size_t i = 0; i < STAPES_COUNT(d.w_hh); i++) d.w_hh[i] *= 0.3f;
    double inputs = magnitude(d.w_ih, MOST_GATES * H, d.x, F) * (1 + 1.0 / 64); /* of rounded weights too */
    double states = magnitude(d.w_hh, MOST_GATES * H, d.h, H) * (1 + 1.0 / 64);
    double gates = ldexp((F + 4) * inputs + (H + 4) * states, -24), e = ldexp(6, -24);
    double bound = 2.5 * gates + states * (gates / 4 + e) + 7 * e;
    for (size_t i = 0; i < STAPES_COUNT(kinds); i++)
        for (size_t k = 0; k < STAPES_COUNT(numbers); k++) {
            float  h[2][BATCH * H], c[2][BATCH * H];
            double exact_h[BATCH * H], exact_c[BATCH * H], apart = 0, worst = 0;
            step(&st_kernels_baseline, &d, kinds[i], numbers[k], h[0], c[0]);
            step(path, &d, kinds[i], numbers[k], h[1], c[1]);
            exact_step(&d, kinds[i], numbers[k], exact_h, exact_c);
            for (size_t n = 0; n < BATCH * H; n++) {
                apart = fmax(apart, fabs((double)h[0][n] - (double)h[1][n]));
                apart = fmax(apart, fabs((double)c[0][n] - (double)c[1][n]));
                worst = fmax(worst, fabs(exact_h[n] - (double)h[1][n]));
                worst = fmax(worst, fabs(exact_c[n] - (double)c[1][n]));
            }
            CHECK(apart <= 2 * bound && worst <= bound);
            printf("%-8s %-4s step of kind %u: %.2g of the baseline, %.2g of the exact one, allowed %.2g\n",
                   path->name, stapes_name_number(numbers[k]), kinds[i], apart, worst, bound);
        }
}

/* A sequence with NaN or an infinity in its input or state: the others keep their bits, it alone becomes NaN
 * (or of infinities whatever the functions have as limits), and nothing hangs. */
static void check_bad_steps(const st_kernels *path)
{
    static const uint32_t kinds[] = {STAPES_RNN, STAPES_GRU, STAPES_LSTM};
    static const float    bad[] = {NAN, INFINITY, -INFINITY};
    static layer_data     d;
    made_draw((float *)&d, sizeof d / sizeof(float), 21);
    for (size_t i = 0; i < STAPES_COUNT(d.w_ih); i++) d.w_ih[i] *= 0.3f;
    for (size_t i = 0; i < STAPES_COUNT(d.w_hh); i++) d.w_hh[i] *= 0.3f;
    for (size_t i = 0; i < STAPES_COUNT(kinds); i++)
        for (size_t k = 0; k < STAPES_COUNT(numbers); k++) {
            float h[BATCH * H], c[BATCH * H], bad_h[BATCH * H], bad_c[BATCH * H];
            step(path, &d, kinds[i], numbers[k], h, c);
            for (size_t n = 0; n < 2 * STAPES_COUNT(bad); n++) {
                float   *at = n % 2 ? &d.x[F + 3] : &d.h[H + 5], was = *at;
                uint32_t lost = 0;
                *at = bad[n / 2];
                step(path, &d, kinds[i], numbers[k], bad_h, bad_c);
                *at = was;
                CHECK(!memcmp(h, bad_h, H * sizeof *h) && !memcmp(h + 2 * H, bad_h + 2 * H, H * sizeof *h));
                CHECK(!memcmp(c, bad_c, H * sizeof *c) && !memcmp(c + 2 * H, bad_c + 2 * H, H * sizeof *c));
                for (size_t u = 0; u < H; u++) lost += isnan(bad_h[H + u]) ? 1 : 0;
                CHECK(n >= 2 || lost == H);
            }
        }
}

int main(void)
{
    const st_kernels *path;
    uint32_t          count = 0;
    for (; (path = st_kernels_list(count)) && path != &st_kernels_baseline; count++) {
        check_products(path);
        check_rounding(path);
        check_steps(path);
        check_bad_steps(path);
        check_bad_weights(path);
    }
    CHECK(st_kernels_list(count) == &st_kernels_baseline && !st_kernels_list(count + 1));
    CHECK(st_kernels_find("baseline") == &st_kernels_baseline && !st_kernels_find("avx") &&
          !st_kernels_find(""));
    check_rounding(&st_kernels_baseline);
    check_steps(&st_kernels_baseline);
    check_bad_steps(&st_kernels_baseline);
    check_bad_weights(&st_kernels_baseline);
    if (!count) printf("this machine has only the baseline\n");
    return check_done();
}
