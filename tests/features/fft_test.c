/* fft_test.c - transforms of a block of rows on every path that this machine has: what FFTW gives, of any
 * length, whatever the lane and the neighbours; plans that are shared; and the other passes of lanes.h
 * against the plain C library. */
#include "check.h"

#include "kit/features/fft.h"
#include "kit/features/shape.h"
#include "kit/product/kernel/kernels.h"
#include <stapes/kit/features.h>

#include <fftw3.h>

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

static uint32_t seed = 1;
static uint32_t draw(void) { return seed = seed * 1664525u + 1013904223u; }
static float    noise(void) { return (float)(draw() >> 8) / (float)(1u << 23) - 1.0f; }

static void *take(size_t count, size_t size)
{
    size_t bytes = (count * size + 63) / 64 * 64;
    void  *block = aligned_alloc(64, bytes);
    if (!block) exit(1);
    memset(block, 0, bytes);
    return block;
}

/* The lines of `rows` windows of n samples, x (rows, n), row by row: y (rows, n / 2 + 1, 2). */
static void transform(const st_fft *fft, const st_lanes *lanes, uint32_t n, const float *const *x, double *y)
{
    double   *block = take(st_fft_block(fft, lanes->rows), sizeof *block);
    double   *room = take(st_fft_room(fft, lanes->rows), sizeof *room), *shape = take(n, sizeof *shape);
    st_window window = {.count = n, .length = n, .places = st_fft_places(fft), .shape = shape};
    size_t    numbers = ((size_t)n / 2 + 1) * 2;
    st_shape_fill(STAPES_WINDOW_RECTANGLE, st_fft_scale(fft), shape, n);
    lanes->window(&window, x, block);
    st_fft_run(fft, lanes, block, room);
    for (uint32_t r = 0; r < lanes->rows; r++)
        for (size_t k = 0; k < numbers; k++) y[r * numbers + k] = block[k * lanes->rows + r];
    free(block);
    free(room);
    free(shape);
}

/* The same by FFTW. */
static void transform_fftw(uint32_t n, uint32_t rows, const float *const *x, double *y)
{
    double       *in = fftw_alloc_real(n);
    fftw_complex *out = fftw_alloc_complex((size_t)n / 2 + 1);
    fftw_plan     plan = fftw_plan_dft_r2c_1d((int)n, in, out, FFTW_ESTIMATE);
    size_t        numbers = ((size_t)n / 2 + 1) * 2;
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t i = 0; i < n; i++) in[i] = (double)x[r][i];
        fftw_execute(plan);
        memcpy(y + r * numbers, out, numbers * sizeof *y);
    }
    fftw_destroy_plan(plan);
    fftw_free(in);
    fftw_free(out);
}

/* Whether factors other than 2, 3 and 5 are left, or it is odd: then it is a convolution. */
static bool is_convolution(uint32_t n)
{
    bool odd = n % 2 != 0;
    for (uint32_t f = 2; f <= 5; f++)
        while (n % f == 0) n /= f;
    return odd || n > 1;
}

/* Rounding of 2^-53 in each of log2(n) steps, which grow as a random walk does, on a line that is as long as
 * the samples together: 1 at most each, so root(n). 8 covers the walk's tail and both programs. In a
 * convolution a line is a sum over the products of all numbers with a kernel of size 1: another root(n). */
static double tolerance_of(uint32_t n)
{
    double size = sqrt((double)n) * (is_convolution(n) ? sqrt((double)n) : 1);
    return 8 * 0x1p-53 * size * (2 + log2((double)n));
}

static void test_length(const st_lanes *lanes, uint32_t n)
{
    const st_fft *ours = st_fft_open(n);
    size_t        numbers = ((size_t)n / 2 + 1) * 2;
    double       *a = take(numbers * lanes->rows, sizeof *a), *b = take(numbers * lanes->rows, sizeof *b);
    float        *samples = take((size_t)n * lanes->rows, sizeof *samples);
    const float  *x[ST_LANES_MOST];
    CHECK(ours != NULL);
    for (size_t i = 0; i < (size_t)n * lanes->rows; i++) samples[i] = noise();
    for (uint32_t r = 0; r < lanes->rows; r++) x[r] = samples + (size_t)r * n;
    transform(ours, lanes, n, x, a);
    transform_fftw(n, lanes->rows, x, b);
    double worst = 0;
    for (size_t k = 0; k < numbers * lanes->rows; k++) {
        double far = fabs(a[k] - b[k]);
        if (!(far <= worst)) worst = far;
    }
    CHECK(worst <= tolerance_of(n));
    if (!(worst <= tolerance_of(n)))
        fprintf(stderr, "  %s, %u points: %g, allowed %g\n", lanes->name, n, worst, tolerance_of(n));
    /* The same window in another lane, beside another neighbour: the same bits. */
    for (uint32_t r = 0; r < lanes->rows; r++) x[r] = samples + (size_t)(r == lanes->rows - 1 ? 0 : 1) * n;
    transform(ours, lanes, n, x, b);
    CHECK(!memcmp(a, b + numbers * (lanes->rows - 1), numbers * sizeof *a));
    st_fft_close(ours);
    free(a);
    free(b);
    free(samples);
}

/* And against the definition, so that the comparison has a ground. */
static void test_definition(const st_lanes *lanes, uint32_t n)
{
    enum { N = 60 };
    static float  samples[N];
    const st_fft *fft = st_fft_open(n);
    const float  *x[ST_LANES_MOST];
    double        y[ST_LANES_MOST * (N + 2)], worst = 0;
    for (uint32_t i = 0; i < N; i++) samples[i] = noise();
    for (uint32_t r = 0; r < lanes->rows; r++) x[r] = samples;
    transform(fft, lanes, n, x, y);
    for (uint32_t k = 0; k <= n / 2; k++) {
        double re = 0, im = 0;
        for (uint32_t i = 0; i < n; i++) {
            double angle = 2 * 3.14159265358979323846 * (k * i % n) / n;
            re += (double)samples[i] * cos(angle);
            im -= (double)samples[i] * sin(angle);
        }
        worst = fmax(worst, fmax(fabs(y[2 * k] - re), fabs(y[2 * k + 1] - im)));
    }
    CHECK(worst < 1e-13);
    st_fft_close(fft);
}

/* Steps through float32 (by bits) against the C library's double: within one unit of the last place. */
static void test_log(const st_lanes *lanes)
{
    const double   per_ten = 0.43429448190325182765;
    const uint32_t first = 1, end = 0x7f800000;
    float         *x = take(lanes->rows, sizeof *x), *y = take(lanes->rows, sizeof *y);
    double         worst = 0;
    for (uint32_t bits = first; bits < end; bits += 7919u) {
        for (uint32_t r = 0; r < lanes->rows; r++) {
            uint32_t one = bits + r * 97;
            if (one >= end) one = first;
            memcpy(&x[r], &one, sizeof one);
        }
        memcpy(y, x, lanes->rows * sizeof *x);
        lanes->log(y, 1, 0.0f, 0.0f, bits % 2 ? 1.0 : per_ten);
        for (uint32_t r = 0; r < lanes->rows; r++) {
            double exact = bits % 2 ? log((double)x[r]) : log10((double)x[r]);
            double unit =
                (double)fmaxf(nextafterf((float)fabs(exact), INFINITY) - (float)fabs(exact), 0x1p-149f);
            worst = fmax(worst, fabs((double)y[r] - exact) / unit);
        }
    }
    CHECK(worst < 0.51);
    if (!(worst < 0.51)) fprintf(stderr, "  %s: log is %g units off\n", lanes->name, worst);
    const float special[] = {INFINITY, NAN, 0.0f, 1.0f};
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t r = 0; r < lanes->rows; r++) y[r] = special[i];
        lanes->log(y, 1, 0x1p-23f, 0.0f, 1.0);
        for (uint32_t r = 0; r < lanes->rows; r++)
            CHECK(i == 0   ? y[r] == INFINITY
                  : i == 1 ? isnan(y[r])
                           : y[r] == (i == 2 ? (float)(-23 * log(2.0)) : 0.0f));
    }
    free(x);
    free(y);
}

/* Mean, pre-emphasis and window of any length, by the definition. */
static void test_window(const st_lanes *lanes)
{
    enum { LENGTH = 96 };
    static float    samples[ST_LANES_MOST * LENGTH];
    static double   shape[LENGTH];
    static uint32_t places[LENGTH];
    double         *z = take((size_t)LENGTH * lanes->rows, sizeof *z);
    const float    *x[ST_LANES_MOST];
    for (uint32_t i = 0; i < ST_LANES_MOST * LENGTH; i++) samples[i] = 3 + noise();
    for (uint32_t r = 0; r < lanes->rows; r++) x[r] = samples + r * LENGTH + r % 3;
    for (uint32_t i = 0; i < LENGTH; i++) places[i] = LENGTH - 1 - i;
    for (uint32_t count = 2; count <= LENGTH - 3; count++) {
        uint32_t  offset = count % 2 ? 0 : LENGTH - 3 - count;
        st_window w = {count, offset, LENGTH, places, shape, 0.97, true};
        double    worst = 0;
        st_shape_fill(STAPES_WINDOW_HAMMING, 0.5, shape, count);
        for (size_t i = 0; i < (size_t)LENGTH * lanes->rows; i++) z[i] = NAN;
        lanes->window(&w, x, z);
        for (uint32_t r = 0; r < lanes->rows; r++) {
            double mean = 0;
            for (uint32_t i = 0; i < count; i++) mean += (double)x[r][i];
            mean /= count;
            for (uint32_t i = 0; i < LENGTH; i++) {
                double expected = 0, found = z[(size_t)places[i] * lanes->rows + r];
                if (i >= offset && i < offset + count) {
                    uint32_t k = i - offset, before = k ? k - 1 : 0;
                    double   now = (double)x[r][k] - mean, last = (double)x[r][before] - mean;
                    expected = (now - 0.97 * last) * shape[k];
                }
                double far = fabs(found - expected);
                if (!(far <= worst)) worst = far;
            }
        }
        CHECK(worst < 1e-14);
    }
    free(z);
}

static void test_turn(const st_lanes *lanes)
{
    float *x = take((size_t)40 * lanes->rows, sizeof *x), y[ST_LANES_MOST][41], *rows[ST_LANES_MOST];
    for (uint32_t r = 0; r < lanes->rows; r++) rows[r] = y[r];
    for (uint32_t i = 0; i < 40 * lanes->rows; i++) x[i] = (float)i;
    for (uint32_t n = 0; n <= 40; n++) {
        bool right = true;
        for (uint32_t r = 0; r < lanes->rows; r++) y[r][n] = -1;
        lanes->turn(x, n, rows);
        for (uint32_t r = 0; r < lanes->rows; r++) {
            for (uint32_t k = 0; k < n; k++) right = right && y[r][k] == (float)(k * lanes->rows + r);
            right = right && y[r][n] == -1.0f;
        }
        CHECK(right);
    }
    free(x);
}

static void *open_and_close(void *argument)
{
    for (uint32_t i = 0; i < 300; i++) {
        uint32_t      length = 30 + (i * 7 + *(const uint32_t *)argument) % 9;
        const st_fft *a = st_fft_open(length), *b = st_fft_open(length);
        if (!a || a != b) return argument;
        st_fft_close(a);
        st_fft_close(b);
    }
    return NULL;
}

static void test_sharing(void)
{
    const st_fft *a = st_fft_open(400), *b = st_fft_open(400), *c = st_fft_open(512);
    CHECK(a && a == b && a != c);
    st_fft_close(a);
    CHECK(st_fft_open(400) == b);
    st_fft_close(b);
    st_fft_close(b);
    st_fft_close(c);
    st_fft_close(NULL);
    pthread_t threads[3];
    uint32_t  numbers[3] = {0, 4, 8};
    for (uint32_t i = 0; i < 3; i++) CHECK(!pthread_create(&threads[i], NULL, open_and_close, &numbers[i]));
    for (uint32_t i = 0; i < 3; i++) {
        void *answer = NULL;
        CHECK(!pthread_join(threads[i], &answer) && !answer);
    }
}

int main(void)
{
    static const uint32_t longer[] = {512,  551,  600,  640,  720,   882,   1000,  1024,  1102,  2048,
                                      2187, 4096, 6561, 8192, 10000, 16384, 16386, 65537, 262144};
    for (uint32_t i = 0; st_kernels_list(i); i++) {
        const st_lanes *lanes = st_lanes_find(st_kernels_list(i)->name);
        CHECK(lanes != NULL);
        if (!lanes) continue;
        test_definition(lanes, 60);
        test_definition(lanes, 59);
        test_definition(lanes, 2);
        test_definition(lanes, 3);
        for (uint32_t n = 2; n <= 260; n++) test_length(lanes, n);
        for (uint32_t k = 0; k < STAPES_COUNT(longer); k++) test_length(lanes, longer[k]);
        test_log(lanes);
        test_window(lanes);
        test_turn(lanes);
    }
    CHECK(st_lanes_find("none such") == NULL);
    CHECK_TEXT(st_lanes_get()->name, st_kernels_get()->name);
    test_sharing();
    return check_done();
}
