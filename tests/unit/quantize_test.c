/* quantize_test.c - rounding against the nearest number found by looking at its neighbours, and tensors
 * quantised in memory: their files read again, and lists that cannot be quantised. (Whole folders:
 * tests/cli/test_quantize.py.) */
#include "check.h"
#include "kit/product/half.h"
#include "kit/product/rounding.h"
#include <stapes/kit.h>

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* The value of 16 bits, as the reader of tensors has it. */
static float value_of(uint16_t bits, uint32_t number)
{
    float         value = 0.0f;
    stapes_tensor one = {.data = &bits, .count = 1, .bytes = 2, .number = number};
    CHECK(stapes_convert_tensor(&one, 0, 1, &value));
    return value;
}

static uint16_t round_to(float value, uint32_t number)
{
    return number == STAPES_F16 ? st_half_from(value) : st_half_brain_from(value);
}

/* Values between two neighbours, `low` and the one further from zero: the middle goes to the even one. */
static bool rounds_between(uint16_t low, uint32_t number)
{
    uint16_t high = (uint16_t)(low + 1), even = low & 1 ? high : low;
    float    a = value_of(low, number), b = value_of(high, number), middle = a + (b - a) / 2.0f;
    return round_to(a, number) == low && round_to(middle, number) == even &&
           round_to(nextafterf(middle, a), number) == low && round_to(nextafterf(middle, b), number) == high;
}

static void check_16_bits(uint32_t number, uint16_t last)
{
    uint32_t wrong = 0;
    for (uint32_t sign = 0; sign <= 0x8000u; sign += 0x8000u)
        for (uint32_t bits = 0; bits < last; bits++) {
            uint16_t low = (uint16_t)(sign | bits);
            /* below, the middle of two bfloat16 is no float */
            if (number == STAPES_BF16 && bits < 1) continue;
            wrong += !rounds_between(low, number);
        }
    CHECK(wrong == 0);
    CHECK(round_to(0.0f, number) == 0 && round_to(-0.0f, number) == 0x8000);
    CHECK(round_to(value_of(last, number), number) == last);
}

static void check_rounding(void)
{
    check_16_bits(STAPES_F16, 0x7bff);
    check_16_bits(STAPES_BF16, 0x7f7f);
    CHECK(st_half_from(nextafterf(ST_ROUNDING_F16_END, 0.0f)) == 0x7bff);
    CHECK(st_half_from(ST_ROUNDING_F16_END) == 0x7c00); /* infinity: refused before */
    CHECK(st_half_brain_from(nextafterf(ST_ROUNDING_BF16_END, 0.0f)) == 0x7f7f);
    CHECK(st_half_brain_from(ST_ROUNDING_BF16_END) == 0x7f80);
    CHECK(st_rounding_scale(0.0f) == 1.0f && st_rounding_scale(254.0f) == 2.0f);
    CHECK(st_rounding_scale(FLT_TRUE_MIN) == FLT_MIN && st_rounding_scale(FLT_MAX) == FLT_MAX / 127.0f);
    CHECK(st_rounding_int8(2.5f, 1.0f) == 2 && st_rounding_int8(3.5f, 1.0f) == 4 &&
          st_rounding_int8(-2.5f, 1.0f) == -2);
    CHECK(st_rounding_int8(-FLT_MAX, st_rounding_scale(FLT_MAX)) == -127);
    CHECK(st_rounding_int8(1000.0f, 1.0f) == 127 && st_rounding_int8(-1000.0f, 1.0f) == -127);
}

/* ---- tensors in memory ------------------------------------------------------------------------------------
 */

static const stapes_tensor *tensor_of(stapes_tensor *tensor, const char *name, uint32_t number, uint32_t rows,
                                      uint32_t columns, const void *data)
{
    *tensor = (stapes_tensor){.name = name,
                              .data = data,
                              .number = number,
                              .rank = columns ? 2 : 1,
                              .shape = {rows, columns},
                              .count = (uint64_t)rows * (columns ? columns : 1)};
    tensor->bytes = tensor->count * stapes_size_number(number);
    return tensor;
}

static void check_file(uint32_t number)
{
    enum { ROWS = 7, COLUMNS = 5000 }; /* more columns than are read at once */
    static float                  weights[ROWS * COLUMNS], expected[ROWS * COLUMNS];
    static const float            bias[ROWS] = {1.0f, -2.0f, 3.0f, 0.1f, 0.2f, 0.3f, 1e-30f};
    const char                   *odd = "a\"b\\c\nd\xc3\xa9.weight";
    stapes_tensor                 tensors[3];
    const stapes_quantize_report *report;
    stapes_error                  error = {0};
    size_t                        bytes;
    for (size_t i = 0; i < STAPES_COUNT(weights); i++)
        weights[i] = sinf((float)(i * i)) * (float)(1 + i / COLUMNS);
    const stapes_tensor *const all[] = {tensor_of(tensors, odd, STAPES_F32, ROWS, COLUMNS, weights),
                                        tensor_of(tensors + 1, "bias", STAPES_F32, ROWS, 0, bias),
                                        tensor_of(tensors + 2, "empty", STAPES_F32, 0, 3, NULL)};
    void                      *file = stapes_quantize_tensors(all, 3, number, &bytes, &report, &error);
    stapes_tensors            *t = file ? stapes_read_tensors(file, bytes, "memory", &error) : NULL;
    CHECK_TEXT(error.text, "");
    if (!t) return;
    CHECK(stapes_count_tensors(t) == (number == STAPES_I8 ? 5 : 3));
    const stapes_tensor *w = stapes_find_tensor(t, odd), *b = stapes_find_tensor(t, "bias");
    CHECK(w && w->number == number && w->rank == 2 && w->shape[0] == ROWS && w->shape[1] == COLUMNS);
    CHECK(b && b->number == STAPES_F32 && !memcmp(b->data, bias, sizeof bias));
    for (uint32_t i = 0; i < stapes_count_tensors(t); i++) {
        const stapes_tensor *one = stapes_get_tensor(t, i);
        size_t               at = (size_t)((const char *)one->data - (const char *)file);
        CHECK(at % stapes_size_number(one->number) == 0); /* aligned in the file */
    }
    double errors = 0.0, numbers = 0.0, worst = 0.0;
    CHECK(w && stapes_convert_tensor(w, 0, w->count, expected));
    const stapes_tensor *s = stapes_find_tensor(t, "a\"b\\c\nd\xc3\xa9.weight_scale");
    CHECK((s != NULL) == (number == STAPES_I8));
    for (uint32_t r = 0; r < ROWS; r++) {
        float scale = 1.0f, limit = 0.0f;
        if (s) CHECK(stapes_convert_tensor(s, r, 1, &scale));
        for (uint32_t c = 0; c < COLUMNS; c++) {
            float  was = weights[r * COLUMNS + c], is = expected[r * COLUMNS + c] * scale;
            double error_here = fabs((double)is - (double)was);
            if (fabsf(was) > limit) limit = fabsf(was);
            errors += error_here * error_here;
            numbers += (double)was * (double)was;
            if (error_here > worst) worst = error_here;
        }
        if (s) CHECK(scale == limit / 127.0f);
    }
    CHECK(report->n_tensors == 3 && report->parameters == ROWS * COLUMNS + ROWS &&
          report->bytes_after == bytes);
    CHECK_TEXT(report->tensors[0].name, odd);
    CHECK(report->tensors[0].error == worst && worst > 0.0);
    CHECK(fabs(report->tensors[0].noise - sqrt(errors / numbers)) < 1e-9);
    CHECK(report->tensors[1].error == 0.0 && report->tensors[1].noise == 0.0);
    /* half a step of the largest: 1/254 of it, 2^-8 and 2^-11 of the number */
    double most = number == STAPES_I8 ? 1.0 / 254.0 : number == STAPES_BF16 ? 0x1p-8 : 0x1p-11;
    CHECK(report->tensors[0].error <= report->tensors[0].largest * most * (1.0 + 1e-6));
    stapes_close_quantize_report(report);
    stapes_close_tensors(t);
    free(file);
}

static void refuse(const stapes_tensor *const *tensors, uint32_t count, uint32_t number, int status,
                   const char *words)
{
    const stapes_quantize_report *report;
    stapes_error                  error = {0};
    size_t                        bytes;
    void *file = stapes_quantize_tensors(tensors, count, number, &bytes, &report, &error);
    CHECK(!file && !report);
    CHECK(error.status == status);
    CHECK_TEXT(error.text, words);
    free(file);
}

static void check_refused(void)
{
    const float          numbers[6] = {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, -INFINITY};
    stapes_tensor        a, b;
    const stapes_tensor *pair[] = {&a, &b};
    (void)tensor_of(&a, "w", STAPES_F32, 1, 3, numbers);
    (void)tensor_of(&b, "w_scale", STAPES_F32, 3, 0, numbers);
    refuse(pair, 2, STAPES_I8, STAPES_EMODEL,
           "tensor 'w_scale' is there already, where the scales of another would be put");
    (void)tensor_of(&b, "w_scale", STAPES_F32, 3, 1, numbers); /* I8 itself */
    refuse(pair, 2, STAPES_I8, STAPES_EMODEL,
           "tensor 'w_scale' is there already, where the scales of another would be put");
    (void)tensor_of(&b, "i", STAPES_I32, 3, 0, numbers);
    refuse(pair, 2, STAPES_F16, STAPES_EMODEL, "tensor 'i' is I32, allowed are F32, F16, BF16 and F64");
    (void)tensor_of(&b, "x", STAPES_F32, 2, 3, numbers);
    refuse(pair, 2, STAPES_F16, STAPES_EMODEL,
           "tensor 'x': number 2 of output 1 is -inf, weights must be finite");
    static const float wide[(1 << 17) + 1];
    (void)tensor_of(&b, "wide", STAPES_F32, 1, STAPES_COUNT(wide), wide);
    refuse(pair, 2, STAPES_I8, STAPES_EMODEL,
           "tensor 'wide' has 131073 inputs, int8 weights may have 131072: take bf16 or f16");
    refuse(pair, 2, STAPES_F32, STAPES_EUSAGE, "weights cannot become F32, allowed are I8, BF16 and F16");
    refuse(pair, 2, 99, STAPES_EUSAGE, "weights cannot become ?, allowed are I8, BF16 and F16");
}

int main(void)
{
    check_rounding();
    check_file(STAPES_I8);
    check_file(STAPES_BF16);
    check_file(STAPES_F16);
    check_refused();
    return check_done();
}
