/* safetensors_test.c - files made here byte by byte: one that is right, and each way to lie. */
#include "check.h"
#include <stapes/kit.h>

#include <math.h>
#include <stdlib.h>

typedef struct file {
    unsigned char bytes[4096];
    size_t        size;
} file;

/* A file of a header and so many data bytes, counting up from 0. */
static file make(const char *header, size_t data)
{
    file   f = {.size = 8 + strlen(header) + data};
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++) f.bytes[i] = (unsigned char)((uint64_t)length >> 8 * i);
    memcpy(f.bytes + 8, header, length);
    for (size_t i = 0; i < data; i++) f.bytes[8 + length + i] = (unsigned char)i;
    return f;
}

static void refuse_file(const file *f, const char *words)
{
    char            text[1200];
    stapes_error    error = {0};
    void           *copy = malloc(f->size + 1); /* of its exact size, so that ASan sees a step too far */
    stapes_tensors *t;
    if (copy) memcpy(copy, f->bytes, f->size);
    t = stapes_read_tensors(copy, f->size, "w", &error);
    CHECK(t == NULL);
    CHECK(error.status == STAPES_EMODEL);
    (void)snprintf(text, sizeof text, "w: %s", words);
    CHECK_TEXT(error.text, text);
    stapes_close_tensors(t);
    free(copy);
}

static void refuse(const char *header, size_t data, const char *words)
{
    file f = make(header, data);
    refuse_file(&f, words);
}

static void check_good(void)
{
    static const unsigned char halves[] = {
        0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0x00, 0x7c,             /* 1 -2 2^-24 inf */
        0x00, 0x80, 0xff, 0x7b, 0x00, 0x04, 0x01, 0x7e};            /* -0 65504 2^-14 NaN */
    static const unsigned char brains[] = {0x80, 0x3f, 0x49, 0x40}; /* 1, 3.140625 */
    static const float         singles[] = {1.5f, -2.0f, 0.0f};
    static const int8_t        bytes[] = {-128, 127};
    uint64_t                   shape[] = {2, 4}, other[] = {4, 2};
    float                      out[8];
    char                       text[100];
    stapes_error               error = {0};
    file                       f = make("{\"__metadata__\":{\"format\":\"pt\"},"
                                                              "\"half\":{\"dtype\":\"F16\",\"shape\":[2,4],\"data_offsets\":[12,28]},"
                                                              "\"brain\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[28,32]},"
                                                              "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[12,12]},"
                                                              "\"single\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
                                                              "\"scalar\":{\"dtype\":\"I8\",\"shape\":[],\"data_offsets\":[32,33]},"
                                                              "\"byte\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[33,35]}}   ",
                                        35);
    unsigned char             *data = f.bytes + f.size - 35;
    memcpy(data, singles, 12);
    memcpy(data + 12, halves, 16);
    memcpy(data + 28, brains, 4);
    memcpy(data + 33, bytes, 2);

    stapes_tensors *t = stapes_read_tensors(f.bytes, f.size, "w", &error);
    CHECK_TEXT(error.text, "");
    if (!t) return;
    CHECK(stapes_count_tensors(t) == 6);
    CHECK_TEXT(stapes_get_tensor(t, 0)->name, "brain");
    CHECK_TEXT(stapes_get_tensor(t, 5)->name, "single");
    CHECK(stapes_get_tensor(t, 6) == NULL && stapes_find_tensor(t, "nothing") == NULL);
    CHECK(stapes_find_tensor(t, "empty")->count == 0 && stapes_find_tensor(t, "scalar")->count == 1);

    CHECK(stapes_convert_tensor(stapes_find_tensor(t, "half"), 0, 8, out));
    CHECK(out[0] == 1.0f && out[1] == -2.0f && out[2] == 0x1p-24f && isinf(out[3]));
    CHECK(out[4] == 0.0f && signbit(out[4]) && out[5] == 65504.0f && out[6] == 0x1p-14f && isnan(out[7]));
    CHECK(stapes_convert_tensor(stapes_find_tensor(t, "brain"), 1, 1, out) && out[0] == 3.140625f);
    CHECK(stapes_convert_tensor(stapes_find_tensor(t, "single"), 0, 3, out) && out[0] == 1.5f &&
          out[1] == -2.0f);
    CHECK(stapes_convert_tensor(stapes_find_tensor(t, "byte"), 0, 2, out) && out[0] == -128 && out[1] == 127);
    CHECK(!stapes_convert_tensor(stapes_find_tensor(t, "byte"), 1, 2, out));
    CHECK(!stapes_convert_tensor(stapes_find_tensor(t, "byte"), 3, 0, out));

    CHECK(stapes_expect_tensor(t, "half", 2, shape, &error) == stapes_find_tensor(t, "half"));
    CHECK(stapes_expect_tensor(t, "half", 2, other, &error) == NULL);
    CHECK_TEXT(error.text, "w: tensor 'half' has shape (2, 4), expected (4, 2)");
    error.status = 0;
    CHECK(stapes_expect_tensor(t, "whole", 2, other, &error) == NULL);
    CHECK_TEXT(error.text, "w: tensor 'whole' is missing, its shape would be (4, 2)");
    error.status = 0;
    CHECK(stapes_expect_tensor(t, "byte", 1, shape, &error) == NULL);
    CHECK_TEXT(error.text, "w: tensor 'byte' is I8, allowed are F32, F16, BF16 and F64");
    CHECK_TEXT(stapes_write_shape(0, NULL, text, sizeof text), "()");
    stapes_close_tensors(t);
}

static void check_lies(void)
{
    file f = {.size = 7};
    refuse_file(&f, "has 7 bytes, a safetensors file begins with the 8 bytes of its header's length");
    f = make("{}", 0);
    f.bytes[0] = 3;
    refuse_file(&f, "header ends at byte 11, the file has 10: it was cut short or is no safetensors file");
    memset(f.bytes, 255, 8);
    refuse_file(&f, "header ends at byte 18446744073709551615, the file has 10: it was cut short or is no "
                    "safetensors file");
    refuse("", 0, "header: byte 0: the text ends, expected a value");
    refuse("[]", 0, "header does not begin with '{': this is no safetensors file");
    refuse("{", 0, "header: byte 1: the text ends, expected a key in quotes");
    refuse("{} x", 0, "header: byte 3: found 'x', expected nothing after the value");
    refuse("{\"a\":1}", 0, "tensor 'a' is a number, expected an object");
    refuse("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__: 'a' is a number, expected a string");
    refuse("{\"__metadata__\":[]}", 0, "__metadata__ is an array, expected an object");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":0}}", 1,
           "tensor 'a' has 4 keys, expected dtype, shape and data_offsets");
    refuse("{\"a\":{\"dtyp\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
           "tensor 'a': dtype is nothing, expected a string");
    refuse(
        "{\"a\":{\"dtype\":\"I9\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
        "tensor 'a': dtype 'I9' is unknown, allowed are F64 F32 F16 BF16 I64 I32 I16 I8 U64 U32 U16 U8 BOOL "
        "F8_E4M3 F8_E5M2");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":1,\"data_offsets\":[0,1]}}", 1,
           "tensor 'a': shape is a number, expected an array");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1,
           "tensor 'a': shape has an item that is no whole number");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1,
           "tensor 'a': has 9 dimensions, at most 8 are allowed");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
           "tensor 'a': shape is more than 2^64 numbers");
    refuse("{\"a\":{\"dtype\":\"F64\",\"shape\":[4294967296,1073741824],\"data_offsets\":[0,0]}}", 0,
           "tensor 'a': shape is more than 2^64 bytes");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0]}}", 1,
           "tensor 'a': data_offsets is not two whole numbers");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1,
           "tensor 'a' begins at byte 1 and ends before it, at 0");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[9],\"data_offsets\":[0,9]}}", 5,
           "tensor 'a' ends at byte 70, the file has 66: it was cut short or is damaged");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[9],\"data_offsets\":[0,18446744073709551615]}}", 5,
           "tensor 'a' ends at byte 18446744073709551615, the file has 85: it was cut short or is damaged");
    refuse("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4,
           "tensor 'a' has 4 bytes of data, its shape (2) of F32 needs 8");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},"
           "\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
           3, "tensor 'b': its data overlap those of tensor 'a'");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},"
           "\"b\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[5,7]}}",
           7, "3 bytes before the data of tensor 'b' belong to none");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 3,
           "the last 1 bytes belong to no tensor");
    refuse("{\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]},"
           "\"a\":{\"dtype\":\"I8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
           2, "header: byte 105: the object that ends here has the key 'a' twice");
}

static void check_files(void)
{
    stapes_error error = {0};
    CHECK(stapes_open_tensors("/nowhere/w.safetensors", &error) == NULL);
    CHECK_TEXT(error.text, "/nowhere/w.safetensors: No such file or directory");
    error.status = 0;
    CHECK(stapes_open_tensors("/tmp", &error) == NULL);
    CHECK_TEXT(error.text, "/tmp: is a folder, expected a file");
    error.status = 0;
    CHECK(stapes_open_tensors("/dev/null", &error) == NULL);
    CHECK_TEXT(error.text, "/dev/null: is no regular file, expected a file");
    CHECK(stapes_open_tensors("/dev/null", NULL) == NULL);
}

int main(void)
{
    check_good();
    check_lies();
    check_files();
    return check_done();
}
