/* json_test.c - the JSON reader: values, escapes, and every way to be wrong, with its place. */
#include "check.h"
#include "kit/model/json.h"

#include <locale.h>
#include <stdlib.h>

static void refuse(const char *text, const char *words)
{
    st_arena     arena = {0};
    stapes_error error = {0};
    CHECK(st_json_parse(text, strlen(text), &arena, &error) == NULL);
    CHECK(error.status == STAPES_EMODEL);
    CHECK_TEXT(error.text, words);
    st_arena_close(&arena);
}

static void accept(const char *text)
{
    st_arena     arena = {0};
    stapes_error error = {0};
    CHECK(st_json_parse(text, strlen(text), &arena, &error) != NULL);
    CHECK_TEXT(error.text, "");
    st_arena_close(&arena);
}

static void check_values(void)
{
    static const char text[] =
        " {\"a\": [1, -2.5e1, true, false, null, \"x\"], \"b\": {\"c\": {}}, \"\": [],\n"
        "\"e\": \"\\u00e9\\n\\\"\\/\\ud83d\\ude00\", \"big\": 18446744073709551615,"
        " \"bigger\": 18446744073709551616, \"zero\": 0} ";
    st_arena       arena = {0};
    stapes_error   error = {0};
    const st_json *v = st_json_parse(text, sizeof text - 1, &arena, &error), *a = st_json_get(v, "a");
    CHECK_TEXT(error.text, "");
    CHECK(v && v->type == ST_JSON_OBJECT && v->count == 7);
    CHECK(a && a->count == 6 && a->first->is_whole && a->first->whole == 1);
    if (!v || !a) return;
    a = a->first->next;
    CHECK(!a->is_whole && a->number == -25.0);
    CHECK(a->next->type == ST_JSON_BOOL && a->next->is_true);
    CHECK(a->next->next->type == ST_JSON_BOOL && !a->next->next->is_true);
    CHECK(a->next->next->next->type == ST_JSON_NULL);
    CHECK_TEXT(a->next->next->next->next->text, "x");
    CHECK_TEXT(st_json_get(v, "e")->text, "\xc3\xa9\n\"/\xf0\x9f\x98\x80");
    CHECK(st_json_get(v, "big")->whole == UINT64_MAX && st_json_get(v, "big")->is_whole);
    CHECK(!st_json_get(v, "bigger")->is_whole && st_json_get(v, "bigger")->number > 1.8e19);
    CHECK(st_json_get(v, "zero")->is_whole && st_json_get(v, "zero")->whole == 0);
    CHECK(st_json_get(v, "nothing") == NULL && st_json_get(NULL, "a") == NULL);
    CHECK_TEXT(st_json_type_name(st_json_get(v, "")), "an array");
    st_arena_close(&arena);
}

int main(void)
{
    check_values();
    accept("0");
    accept("\"\"");
    accept("[[[[[[[[[[[[]]]]]]]]]]]]");
    accept("-0.0e-7");

    refuse("", "byte 0: the text ends, expected a value");
    refuse("  ", "byte 2: the text ends, expected a value");
    refuse("[1,]", "byte 3: found ']', expected a value");
    refuse("[1 2]", "byte 3: found '2', expected ',' or ']'");
    refuse("{\"a\" 1}", "byte 5: found '1', expected ':'");
    refuse("{a: 1}", "byte 1: found 'a', expected a key in quotes");
    refuse("{\"a\": 1,}", "byte 8: found '}', expected a key in quotes");
    refuse("{\"a\": 1, \"b\": 2, \"a\": 3}", "byte 24: the object that ends here has the key 'a' twice");
    refuse("01", "byte 1: found '1', expected nothing after the value");
    refuse("-", "byte 1: the text ends, expected a digit");
    refuse("1.", "byte 2: the text ends, expected a digit");
    refuse("1e+", "byte 3: the text ends, expected a digit");
    refuse("+1", "byte 0: found '+', expected a value");
    refuse("nul", "byte 0: found 'n', expected null, true or false");
    refuse("\"abc", "byte 4: the text ends, expected '\"' at the end of a string");
    refuse("\"a\\", "byte 3: the text ends, expected an escape: one of \" \\ / b f n r t u");
    refuse("\"\\x\"", "byte 2: found 'x', expected an escape: one of \" \\ / b f n r t u");
    refuse("\"\\u12g4\"", "byte 5: found 'g', expected a hexadecimal digit");
    refuse("\"\\u0000\"", "byte 7: found '\"', expected neither \\u0000 nor a lone surrogate before this");
    refuse("\"\\ud800x\"", "byte 7: found 'x', expected the second surrogate \\uDC00 to \\uDFFF");
    refuse("\"a\nb\"", "byte 2: found byte 0x0a, expected an escape for this control character");
    refuse("\"\xc0\x80\"", "byte 1: found byte 0xc0, expected UTF-8");
    refuse("\"\xed\xa0\x80\"", "byte 1: found byte 0xed, expected UTF-8");
    refuse("\"\xf4\x90\x80\x80\"", "byte 1: found byte 0xf4, expected UTF-8");
    refuse("[] []", "byte 3: found '[', expected nothing after the value");

    char deep[200];
    memset(deep, '[', 65);
    deep[65] = 0;
    refuse(deep, "byte 64: found '[', expected at most 64 levels");

    /* a number is read the same in a locale with decimal commas, where there is one */
    if (setlocale(LC_NUMERIC, "de_DE.UTF-8")) accept("1.5");
    return check_done();
}
