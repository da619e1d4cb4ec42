/* backend_test.c - products by every library that is here and by every path of the kit's own kernels: right,
 * and the same bits of a row whatever the number of rows, its place among them, the threads, the steps and
 * the neighbours. Libraries also with each of the kernels that can be forced on them, in processes of their
 * own, since a library stays loaded as it is. What is not installed is said. */
#include "check.h"
#include "kit/product/matrix.h"
#include "runtime/engine.h"

#include <stapes/kit/machine.h>
#include <stapes/kit/product.h>

#include <math.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_ROWS = 131, GUARD = 7 };

static st_workers *workers;

static void run_parallel(void *user, uint32_t count, void (*work)(void *argument, uint32_t i), void *argument)
{
    (void)user;
    st_workers_run(workers, count, work, argument);
}

static float next_number(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (float)(int32_t)*seed * (1.0f / 2147483648.0f);
}

/* A matrix, rows for it, and each row's result when it comes alone. */
typedef struct subject {
    stapes_matrix *matrix;
    const char    *name;
    size_t         out, in;
    float         *x, *alone; /* (MOST_ROWS, in), (MOST_ROWS, out) */
} subject;

static float *take(size_t count) { return aligned_alloc(64, (count * sizeof(float) + 64) / 64 * 64); }

/* y (rows, y_step) of rows whose x begin at x, with sentinels between the rows; their bits are those of the
 * rows alone, and the sentinels are as they were. */
static void check_rows(const subject *s, const float *x, size_t x_step, size_t first, size_t rows,
                       size_t y_step, const stapes_callbacks *callbacks)
{
    float *y = take(rows * y_step + GUARD), *room = take(stapes_matrix_room(s->matrix, rows) + 1);
    bool   same = true, kept = true;
    for (size_t i = 0; i < rows * y_step + GUARD; i++) y[i] = 12345.0f;
    stapes_multiply(s->matrix, x, x_step, rows, y, y_step, room, callbacks);
    for (size_t r = 0; r < rows; r++) {
        same = same && !memcmp(y + r * y_step, s->alone + (first + r) * s->out, s->out * sizeof *y);
        for (size_t o = s->out; o < y_step; o++) kept = kept && y[r * y_step + o] == 12345.0f;
    }
    for (size_t i = rows * y_step; i < rows * y_step + GUARD; i++) kept = kept && y[i] == 12345.0f;
    if (!same || !kept)
        fprintf(stderr, "%s: %zu x %zu, rows %zu ... %zu, steps %zu and %zu, %s\n", s->name, s->out, s->in,
                first, first + rows - 1, x_step, y_step, callbacks ? "threads" : "one thread");
    CHECK(same);
    CHECK(kept);
    free(room);
    free(y);
}

/* Rows of numbers that spoil whatever they are added to, with row `at` between them. */
static void check_neighbours(const subject *s, size_t rows, size_t at)
{
    float *x = take(rows * s->in), *y = take(rows * s->out),
          *room = take(stapes_matrix_room(s->matrix, rows) + 1);
    for (size_t i = 0; i < rows * s->in; i++) x[i] = i % 3 ? NAN : i % 2 ? INFINITY : -3e38f;
    memcpy(x + at * s->in, s->x, s->in * sizeof *x);
    stapes_multiply(s->matrix, x, s->in, rows, y, s->out, room, NULL);
    CHECK(!memcmp(y + at * s->out, s->alone, s->out * sizeof *y));
    free(room);
    free(y);
    free(x);
}

static void check_bits(const subject *s)
{
    static const size_t counts[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  11, 12, 13, 15, 16, 17,
                                    23, 24, 31, 32, 33, 47, 48, 63, 64, 65, 95, 96, 97, 99, MOST_ROWS};
    stapes_callbacks    callbacks = {.parallel = run_parallel, .threads = st_workers_threads(workers)};
    float              *wide = take(MOST_ROWS * (s->in + 3));
    for (size_t r = 0; r < MOST_ROWS; r++)
        for (size_t i = 0; i < s->in + 3; i++)
            wide[r * (s->in + 3) + i] = i < s->in ? s->x[r * s->in + i] : NAN;
    check_rows(s, s->x, s->in, 0, 0, s->out, NULL);
    for (size_t k = 0; k < STAPES_COUNT(counts); k++) {
        size_t n = counts[k], first = (MOST_ROWS - n) / 2;
        check_rows(s, s->x, s->in, 0, n, s->out, NULL);
        check_rows(s, s->x + first * s->in, s->in, first, n, s->out, &callbacks);
        check_rows(s, wide + first * (s->in + 3), s->in + 3, first, n, s->out + 5, k % 2 ? &callbacks : NULL);
    }
    for (size_t at = 0; at < 70; at += 13) check_neighbours(s, 70, at);
    free(wide);
}

/* A sum of n products in float32, in any order: n + 1 roundings of at most half a unit in the last place,
 * 2^-24 of the sum of magnitudes each, and one for the bias (Higham 2002, section 3.1; the quadratic terms
 * are below the one more that is given). */
static void check_values(const subject *s, const float *weights, const float *bias)
{
    double worst = 0;
    for (size_t r = 0; r < 9; r++)
        for (size_t o = 0; o < s->out; o++) {
            double sum = bias ? (double)bias[o] : 0, size = fabs(sum);
            for (size_t i = 0; i < s->in; i++) {
                double term = (double)s->x[r * s->in + i] * (double)weights[o * s->in + i];
                sum += term;
                size += fabs(term);
            }
            double bound = ((double)s->in + 3) * ldexp(size, -24);
            double error = fabs(sum - (double)s->alone[r * s->out + o]);
            worst = fmax(worst, error > 0 ? error / bound : 0);
        }
    if (worst > 1) fprintf(stderr, "%s: %zu x %zu: error %g of the bound\n", s->name, s->out, s->in, worst);
    CHECK(worst <= 1);
}

static void check_size(const st_kernels *kernels, const st_backend *library, const char *name,
                       uint32_t number, uint32_t out, uint32_t in)
{
    uint32_t     seed = out * 31 + in;
    stapes_error error = {0};
    subject      s = {.name = name, .out = out, .in = in};
    float       *weights = take((size_t)out * in), *bias = take(out), *room;
    bool         has_bias = (out + in) % 2;
    s.x = take((size_t)MOST_ROWS * in);
    s.alone = take((size_t)MOST_ROWS * out);
    for (size_t i = 0; i < (size_t)out * in; i++) weights[i] = next_number(&seed);
    for (size_t i = 0; i < (size_t)MOST_ROWS * in; i++) s.x[i] = next_number(&seed) * 3;
    for (size_t i = 0; i < out; i++) bias[i] = next_number(&seed);
    s.matrix = st_matrix_open_by(kernels, library, weights, has_bias ? bias : NULL, out, in, number, &error);
    CHECK_TEXT(error.text, "");
    if (s.matrix) {
        room = take(stapes_matrix_room(s.matrix, 1) + 1);
        for (size_t r = 0; r < MOST_ROWS; r++)
            stapes_multiply(s.matrix, s.x + r * in, in, 1, s.alone + r * out, out, room, NULL);
        free(room);
        check_bits(&s);
        if (number == STAPES_F32) check_values(&s, weights, has_bias ? bias : NULL);
    }
    stapes_close_matrix(s.matrix);
    free(s.alone);
    free(s.x);
    free(bias);
    free(weights);
}

static void check_all(const st_kernels *kernels, const st_backend *library, const char *name, uint32_t number)
{
    static const uint32_t sizes[][2] = {{1, 1},    {3, 5},     {17, 31},  {64, 64}, {50, 0},   {0, 9},
                                        {129, 67}, {320, 257}, {45, 900}, {96, 1},  {331, 389}};
    for (size_t i = 0; i < STAPES_COUNT(sizes); i++)
        check_size(kernels, library, name, number, sizes[i][0], sizes[i][1]);
}

/* ---- libraries
 * ---------------------------------------------------------------------------------------------
 */

static int check_library(enum st_backend_name which)
{
    const st_backend *library = st_backend_get(which);
    char              name[128];
    if (!library->usable) {
        CHECK(library->problem[0] != 0);
        printf("skipped: %s\n", library->problem);
        return check_done();
    }
    (void)snprintf(name, sizeof name, "%s %s (%s)", library->title, library->version, library->kernels);
    CHECK(library->block >= 4 && library->product && library->version[0] && library->choice[0]);
    CHECK(library->load_ms > 0 && library->load_ms < 10000);
    CHECK(st_backend_get(which) == library);
    check_all(st_kernels_get(), library, name, STAPES_F32);
    printf("%s: blocks of %u rows, %.1f ms, %.1f MB; ", name, library->block, library->load_ms,
           (double)library->memory / 1e6);
    return check_done();
}

/* In a process of its own, with OPENBLAS_CORETYPE=type (NULL: unset). */
static void check_forced(enum st_backend_name which, const char *type)
{
    fflush(NULL);
    int   status = -1;
    pid_t child = fork();
    if (child == 0) {
        workers = st_workers_open(3);
        if (type)
            setenv("OPENBLAS_CORETYPE", type, 1);
        else
            unsetenv("OPENBLAS_CORETYPE");
        int               code = check_library(which);
        const st_backend *library = st_backend_get(which);
        if (type && library->usable) {
            CHECK_TEXT(getenv("OPENBLAS_CORETYPE"), type);
            CHECK_TEXT(library->choice, "OPENBLAS_CORETYPE");
            CHECK_TEXT(library->kernels, type);
        } else if (library->usable) {
            CHECK(!getenv("OPENBLAS_CORETYPE"));
        }
        CHECK(!getenv("OPENBLAS_NUM_THREADS"));
        st_workers_close(workers);
        fflush(NULL);
        _exit(code || check_failures);
    }
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    if (status) fprintf(stderr, "with %s\n", type ? type : "its own choice");
    CHECK(status == 0);
}

/* ---- the check that libraries go through
 * -------------------------------------------------------------------- */

/* A sum from the first term on, or from the last. */
static float sum(const float *w, const float *x, size_t n, bool backwards)
{
    float s = 0;
    for (size_t i = 0; i < n; i++) s += w[backwards ? n - 1 - i : i] * x[backwards ? n - 1 - i : i];
    return s;
}

static size_t good_up_to; /* with more rows the eighth and those behind it are added up differently */

static void pretend(const float *weights, size_t out, size_t in, const float *x, size_t rows, float *y)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < out; o++)
            y[r * out + o] = sum(weights + o * in, x + r * in, in, rows > good_up_to && r >= 3);
}

/* Bits that depend on whether other rows are zeros. */
static void pretend_neighbours(const float *weights, size_t out, size_t in, const float *x, size_t rows,
                               float *y)
{
    bool zeros = rows > 1 && x[(rows - 1) * in] == 0;
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < out; o++) y[r * out + o] = sum(weights + o * in, x + r * in, in, zeros);
}

static void check_steady(void)
{
    good_up_to = 1000;
    CHECK(st_steady_find(pretend) == 64);
    good_up_to = 40;
    CHECK(st_steady_find(pretend) == 32);
    good_up_to = 8;
    CHECK(st_steady_find(pretend) == 8);
    good_up_to = 0;
    CHECK(st_steady_find(pretend) == 0);
    CHECK(st_steady_find(pretend_neighbours) == 0);
}

int main(void)
{
    static const char *const types[] = {"Prescott",    "Nehalem",
#ifdef __x86_64__
                                        "Sandybridge", "Haswell", "Zen",
                                        "SkylakeX"
#endif
    };
    static const uint32_t numbers[] = {STAPES_F32, STAPES_F16, STAPES_BF16, STAPES_I8};
    const st_kernels     *kernels;
    unsigned              n_types = 2;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx")) n_types = 3;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) n_types = 5;
    if (__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) n_types = 6;
#endif
    check_steady();
    check_forced(ST_BACKEND_OPENBLAS, NULL);
    for (unsigned i = 0; i < n_types; i++) check_forced(ST_BACKEND_OPENBLAS, types[i]);
    check_forced(ST_BACKEND_ONEDNN, NULL);
    workers = st_workers_open(3);
    for (uint32_t i = 0; (kernels = st_kernels_list(i)); i++)
        for (size_t k = 0; k < STAPES_COUNT(numbers); k++)
            check_all(kernels, NULL, kernels->name, numbers[k]);
    st_workers_close(workers);
    return check_done();
}
