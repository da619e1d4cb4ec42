/* functions_test.c - vector functions: their errors over all of float32 in steps, on each path that this
 * machine has; ends and NaN; rows of softmax, log-softmax and layer norm against double precision. */
#include "check.h"
#include "kit/product/kernel/kernels.h"
#include <stapes/kit/functions.h>

#include <math.h>
#include <stdlib.h>

static float from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double exact_sigmoid(double x) { return 1.0 / (1.0 + exp(-x)); }
static double exact_relu(double x) { return x < 0 ? 0 : x; }
static double exact_gelu(double x) { return 0.5 * x * erfc(-x * sqrt(0.5)); }

static const struct function {
    const char *name;
    double (*exact)(double x);
    double ulps; /* that functions.h states; of gelu, 4e-7 * max(1, |x|) is allowed instead */
} functions[ST_FUNCTIONS] = {
    [ST_EXP] = {"exp", exp, 2},          [ST_LOG] = {"log", log, 2},
    [ST_TANH] = {"tanh", tanh, 6},       [ST_SIGMOID] = {"sigmoid", exact_sigmoid, 4},
    [ST_RELU] = {"relu", exact_relu, 0}, [ST_ERF] = {"erf", erf, 8},
    [ST_GELU] = {"gelu", exact_gelu, 0}};

/* Distance of neighbouring float32 at a value. */
static double ulp(double value)
{
    int exponent;
    (void)frexp(value, &exponent);
    return ldexp(1.0, (exponent < -125 ? -125 : exponent) - 24);
}

static double error_of(uint32_t function, float x, float y)
{
    double exact = functions[function].exact((double)x);
    if (isnan(x)) return isnan(y) ? 0 : INFINITY;
    if (isnan(exact)) return isnan(y) ? 0 : INFINITY;
    if ((float)exact == y) return 0;
    if (isinf((float)exact) || !isfinite(y)) return INFINITY;
    if (function == ST_GELU) return fabs((double)y - exact) / (4e-7 * fmax(1, fabs((double)x)));
    return fabs((double)y - exact) / ulp(exact);
}

static void check_errors(const st_kernels *kernels)
{
    enum { N = 4096 };
    const uint64_t step = 4093; /* prime: all exponents and many fractions */
    float          x[N], y[N];
    for (uint32_t f = 0; f < ST_FUNCTIONS; f++) {
        double most = 0, bound = f == ST_GELU ? 1 : functions[f].ulps;
        float  worst = 0;
        for (uint64_t bits = 0; bits <= UINT32_MAX;) {
            size_t n = 0;
            for (; n < N && bits <= UINT32_MAX; bits += step) x[n++] = from_bits((uint32_t)bits);
            kernels->functions[f](x, y, n);
            for (size_t i = 0; i < n; i++) {
                double error = error_of(f, x[i], y[i]);
                if (error > most) {
                    most = error;
                    worst = x[i];
                }
            }
        }
        printf("%-8s %-8s largest error %.2f %s at %a, allowed %g\n", kernels->name, functions[f].name, most,
               f == ST_GELU ? "of the bound" : "ulp", (double)worst, bound);
        CHECK(most <= bound);
    }
}

static void check_ends(const st_kernels *kernels)
{
    static const float x[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1e-45f, 3.4e38f, -3.4e38f};
    float              y[STAPES_COUNT(x)];
    kernels->functions[ST_EXP](x, y, STAPES_COUNT(x));
    CHECK(y[0] == 1.0f && y[1] == 1.0f && y[2] == INFINITY && y[3] == 0.0f && isnan(y[4]) &&
          y[6] == INFINITY);
    kernels->functions[ST_LOG](x, y, STAPES_COUNT(x));
    CHECK(y[0] == -INFINITY && y[1] == -INFINITY && y[2] == INFINITY && isnan(y[3]) && isnan(y[4]) &&
          fabsf(y[5] + 103.27893f) < 1e-4f && isnan(y[7]));
    kernels->functions[ST_TANH](x, y, STAPES_COUNT(x));
    CHECK(y[0] == 0.0f && y[2] == 1.0f && y[3] == -1.0f && isnan(y[4]));
    kernels->functions[ST_SIGMOID](x, y, STAPES_COUNT(x));
    CHECK(y[0] == 0.5f && y[2] == 1.0f && y[3] == 0.0f && isnan(y[4]) && y[7] == 0.0f);
    kernels->functions[ST_ERF](x, y, STAPES_COUNT(x));
    CHECK(y[0] == 0.0f && fabsf(y[2] - 1.0f) < 1e-6f && fabsf(y[3] + 1.0f) < 1e-6f && isnan(y[4]));
    kernels->functions[ST_RELU](x, y, STAPES_COUNT(x));
    CHECK(y[2] == INFINITY && y[3] == 0.0f && isnan(y[4]) && y[5] == 1e-45f);
}

/* Every count up to some vectors: nothing is written behind the last, in place is the same as apart. */
static void check_counts(const st_kernels *kernels)
{
    float x[70], y[71], z[71];
    for (size_t i = 0; i < STAPES_COUNT(x); i++) x[i] = (float)i * 0.1f - 3.0f;
    for (uint32_t f = 0; f < ST_FUNCTIONS; f++)
        for (size_t n = 0; n <= STAPES_COUNT(x); n++) {
            float one;
            y[n] = z[n] = 77.0f;
            memcpy(z, x, n * sizeof *x);
            kernels->functions[f](x, y, n);
            kernels->functions[f](z, z, n);
            CHECK(!memcmp(y, z, n * sizeof *y) && y[n] == 77.0f && z[n] == 77.0f);
            if (!n) continue;
            kernels->functions[f](x + n - 1, &one, 1); /* the last one is the same wherever it stands */
            CHECK(!memcmp(&one, y + n - 1, sizeof one));
        }
}

static void check_rows(const st_kernels *kernels)
{
    enum { MOST = 1000 };
    static float  x[MOST], y[MOST], z[MOST], scale[MOST], bias[MOST];
    const size_t  counts[] = {1, 2, 15, 16, 17, 29, 100, MOST};
    unsigned long state = 1;
    for (size_t c = 0; c < STAPES_COUNT(counts); c++) {
        size_t n = counts[c];
        double sum = 0, most = -1e9, mean = 0, variance = 0;
        for (size_t i = 0; i < n; i++) {
            state = state * 6364136223846793005ul + 1442695040888963407ul;
            x[i] = (float)((double)(state >> 40) / (1 << 23) * 20.0 - 10.0);
            scale[i] = 0.5f + (float)i / (float)n;
            bias[i] = (float)i * 0.01f;
            most = fmax(most, (double)x[i]);
            mean += (double)x[i] / (double)n;
        }
        for (size_t i = 0; i < n; i++) sum += exp((double)x[i] - most);
        for (size_t i = 0; i < n; i++) variance += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
        kernels->log_softmax(x, y, n);
        kernels->softmax(x, z, n);
        for (size_t i = 0; i < n; i++) {
            double exact = (double)x[i] - most - log(sum);
            CHECK(fabs((double)y[i] - exact) <= 3e-7 * fmax(1, fabs(exact) + fabs(most)));
            /* the difference to the greatest is rounded before exp multiplies its error by its size */
            CHECK(fabs((double)z[i] - exp(exact)) <= (4 + most - (double)x[i]) * 6e-8 * exp(exact) + 1e-38);
        }
        kernels->layer_norm(x, scale, bias, 1e-5f, y, n);
        kernels->layer_norm(x, NULL, NULL, 1e-5f, z, n);
        for (size_t i = 0; i < n; i++) {
            double exact = ((double)x[i] - mean) / sqrt(variance + (double)1e-5f);
            CHECK(fabs((double)z[i] - exact) <= 2e-7 * fmax(1, fabs(exact)));
            exact = exact * (double)scale[i] + (double)bias[i];
            CHECK(fabs((double)y[i] - exact) <= 4e-7 * fmax(1, fabs(exact)));
        }
        x[n / 2] = NAN;
        kernels->log_softmax(x, y, n);
        kernels->softmax(x, z, n);
        for (size_t i = 0; i < n; i++) CHECK(isnan(y[i]) && isnan(z[i]));
        for (size_t i = 0; i < n; i++) x[i] = -INFINITY;
        kernels->log_softmax(x, y, n);
        for (size_t i = 0; i < n; i++) CHECK(isnan(y[i]));
    }
}

int main(void)
{
    float y = 0, x = 1.0f;
    for (uint32_t i = 0; st_kernels_list(i); i++) {
        check_errors(st_kernels_list(i));
        check_ends(st_kernels_list(i));
        check_counts(st_kernels_list(i));
        check_rows(st_kernels_list(i));
    }
    /* the public ones are those of this process' path */
    stapes_tanh(&x, &y, 1);
    CHECK(fabsf(y - 0.7615942f) < 1e-6f);
    stapes_layer_norm(&x, NULL, NULL, 0, &y, 1, 0); /* no columns */
    stapes_softmax(&x, &y, 1, 1);
    CHECK(y == 1.0f);
    return check_done();
}
