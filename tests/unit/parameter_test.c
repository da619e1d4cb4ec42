/* parameter_test.c - values read from text, their refusals, and rows told to people. */
#include "check.h"
#include "plugin/parameter.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

typedef struct settings {
    bool           loud;
    int32_t        rate, style, any_int;
    float          gain, hop, any_float, above;
    const char    *path, *scale;
    stapes_ints    sizes;
    stapes_floats  weights;
    stapes_strings files, words;
} settings;

static const stapes_parameter rows[] = {
    STAPES_PARAMETER(settings, loud, "no", "says more"),
    STAPES_PARAMETER(settings, rate, "16000", "of the audio", .unit = "Hz", .least = 1000,
                     .greatest = 192000),
    STAPES_PARAMETER(settings, style, "whisper", "whose way", .choices = "kaldi|whisper|torchaudio"),
    STAPES_PARAMETER(settings, any_int, "-3", "any"),
    STAPES_PARAMETER(settings, gain, "0.97", "of the filter", .least = 0, .greatest = 1),
    STAPES_PARAMETER(settings, hop, "10", "from frame to frame", .unit = "ms", .least = 1, .greatest = 1000),
    STAPES_PARAMETER(settings, any_float, "1e-3", "any"),
    STAPES_PARAMETER(settings, above, "1", "no end", .unit = "dB", .least = 0.5,
                     .greatest = (double)INFINITY),
    STAPES_PARAMETER(settings, path, NULL, "to be read", .flags = STAPES_IS_INPUT_FILE),
    STAPES_PARAMETER(settings, scale, "htk", "of the axis", .choices = "htk|slaney"),
    STAPES_PARAMETER(settings, sizes, "3,4", "of layers", .least = 1, .greatest = 9),
    STAPES_PARAMETER(settings, weights, "", "of things"),
    STAPES_PARAMETER(settings, files, "", "to be read", .flags = STAPES_IS_INPUT_FILE),
    STAPES_PARAMETER(settings, words, "a", "some", .choices = "a|b|c"),
};
static const stapes_stage stage = {.size = sizeof stage,
                                   .name = "test.stage",
                                   .summary = "a test",
                                   STAPES_PARAMETERS(rows),
                                   .settings_size = sizeof(settings)};

static st_arena arena;
static settings s;

static int set(const char *name, const char *text, stapes_error *error)
{
    *error = (stapes_error){0};
    return st_parameter_set(st_parameter_find(&stage, name), &s, text, &arena, error);
}

#define SET(name, text) CHECK(set(name, text, &error) == STAPES_OK && error.status == 0)
#define REFUSED(name, value, words)                                                                          \
    do {                                                                                                     \
        CHECK(set(name, value, &error) == STAPES_EUSAGE);                                                    \
        CHECK(error.status == STAPES_EUSAGE);                                                                \
        CHECK_TEXT(error.text, words);                                                                       \
    } while (0)

static const char *shown(const char *name)
{
    static char text[200];
    return st_parameter_text(st_parameter_find(&stage, name), &s, text, sizeof text);
}

static const char *takes(const char *name)
{
    static char text[200];
    return st_parameter_takes(st_parameter_find(&stage, name), text, sizeof text);
}

static void good_values(void)
{
    stapes_error error;
    static const struct {
        const char *text;
        bool        value;
    } bools[] = {{"true", 1}, {"false", 0}, {"yes", 1}, {"no", 0},     {"on", 1},
                 {"off", 0},  {"1", 1},     {"0", 0},   {" True ", 1}, {"OFF", 0}};
    for (size_t i = 0; i < sizeof bools / sizeof bools[0]; i++) {
        s.loud = !bools[i].value;
        SET("loud", bools[i].text);
        CHECK(s.loud == bools[i].value);
    }
    SET("rate", "8000");
    CHECK(s.rate == 8000);
    SET("rate", "16 kHz");
    CHECK(s.rate == 16000);
    SET("rate", "44.1kHz");
    CHECK(s.rate == 44100);
    SET("rate", "1.6e4");
    CHECK(s.rate == 16000);
    SET("rate", " +192000Hz ");
    CHECK(s.rate == 192000);
    SET("any_int", "2147483647");
    CHECK(s.any_int == INT32_MAX);
    SET("any_int", "-2147483648");
    CHECK(s.any_int == INT32_MIN);
    SET("hop", "25ms");
    CHECK(s.hop == 25.0f);
    SET("hop", "0.025 s");
    CHECK(s.hop == 25.0f);
    SET("hop", "2500 us");
    CHECK(s.hop == 2.5f);
    SET("gain", "0.97");
    CHECK(s.gain == 0.97f);
    SET("gain", ".5");
    CHECK(s.gain == 0.5f);
    SET("gain", "0");
    SET("gain", "1");
    SET("any_float", "-3.4e38");
    CHECK(s.any_float == -3.4e38f);
    SET("above", "1e30 dB");
    SET("style", "torchaudio");
    CHECK(s.style == 2);
    SET("scale", "slaney");
    CHECK_TEXT(s.scale, "slaney");
    SET("path", "a, b!.wav");
    CHECK_TEXT(s.path, "a, b!.wav");
    SET("path", "");
    CHECK_TEXT(s.path, "");
    SET("sizes", " 1, 2 ,9");
    CHECK(s.sizes.count == 3 && s.sizes.items[0] == 1 && s.sizes.items[1] == 2 && s.sizes.items[2] == 9);
    SET("sizes", "");
    CHECK(s.sizes.count == 0);
    SET("weights", "0.5,-1e-3");
    CHECK(s.weights.count == 2 && s.weights.items[0] == 0.5f && s.weights.items[1] == -1e-3f);
    SET("files", "a.wav,b c.wav");
    CHECK(s.files.count == 2);
    CHECK_TEXT(s.files.items[1], "b c.wav");
    SET("words", "c,a");
    CHECK(s.words.count == 2);
}

static void lists_of_items(void)
{
    stapes_error      error = {0};
    const char *const files[] = {"a,b.wav", "", "c.wav"}, *const one[] = {"x,y"},
                      *const numbers[] = {"1", "10"};
    const stapes_parameter  *row = st_parameter_find(&stage, "files");
    CHECK(st_parameter_set_list(row, &s, files, 3, &arena, &error) == STAPES_OK && s.files.count == 3);
    CHECK_TEXT(s.files.items[0], "a,b.wav");
    CHECK_TEXT(s.files.items[1], "");
    CHECK(st_parameter_set_list(row, &s, files, 0, &arena, &error) == STAPES_OK && s.files.count == 0);
    row = st_parameter_find(&stage, "path");
    CHECK(st_parameter_set_list(row, &s, one, 1, &arena, &error) == STAPES_OK);
    CHECK_TEXT(s.path, "x,y");
    CHECK(st_parameter_set_list(row, &s, files, 3, &arena, &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "path: takes one value, not a list of 3");
    error = (stapes_error){0};
    row = st_parameter_find(&stage, "sizes");
    CHECK(st_parameter_set_list(row, &s, numbers, 2, &arena, &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "sizes: 10 is out of range, allowed are 1 to 9");
}

static void refusals(void)
{
    stapes_error error;
    char         long_text[3000];
    s.gain = 0.25f;
    REFUSED("gain", "0.5x", "gain: '0.5x' is no number");
    CHECK(s.gain == 0.25f);
    REFUSED("gain", "", "gain: '' is no number");
    REFUSED("gain", "nan", "gain: 'nan' is no number");
    REFUSED("gain", "inf", "gain: 'inf' is no number");
    REFUSED("gain", "0x1p-1", "gain: '0x1p-1' is no number");
    REFUSED("gain", "-", "gain: '-' is no number");
    REFUSED("gain", ".", "gain: '.' is no number");
    REFUSED("gain", "0,5", "gain: '0,5' is no number");
    REFUSED("gain", "1.5", "gain: 1.5 is out of range, allowed are 0 to 1");
    REFUSED("gain", "-0.1", "gain: -0.1 is out of range, allowed are 0 to 1");
    REFUSED("hop", "0", "hop: 0 is out of range, allowed are 1 to 1000 ms");
    REFUSED("hop", "2 s", "hop: 2 s is out of range, allowed are 1 to 1000 ms");
    REFUSED("hop", "10 Hz", "hop: '10 Hz': the unit here is ms, not 'Hz'");
    REFUSED("hop", "10 m", "hop: '10 m': the unit here is ms, not 'm'");
    REFUSED("above", "0.4", "above: 0.4 is out of range, allowed is 0.5 and above dB");
    REFUSED("any_float", "1e39",
            "any_float: 1e39 is out of range, allowed are -3.402823466e+38 to 3.402823466e+38");
    REFUSED("any_float", "1e999",
            "any_float: 1e999 is out of range, allowed are -3.402823466e+38 to 3.402823466e+38");
    REFUSED("rate", "16000.5", "rate: 16000.5 is no whole number");
    REFUSED("rate", "999", "rate: 999 is out of range, allowed are 1000 to 192000 Hz");
    REFUSED("any_int", "2147483648",
            "any_int: 2147483648 is out of range, allowed are -2147483648 to 2147483647");
    REFUSED("any_int", "1e300", "any_int: 1e300 is out of range, allowed are -2147483648 to 2147483647");
    REFUSED("loud", "maybe", "loud: 'maybe' is neither true nor false (yes, no, on, off, 1, 0)");
    REFUSED("loud", "2", "loud: '2' is neither true nor false (yes, no, on, off, 1, 0)");
    REFUSED("style", "kaldy",
            "style: 'kaldy' is not one of kaldi, whisper, torchaudio; did you mean 'kaldi'?");
    REFUSED("style", "", "style: '' is not one of kaldi, whisper, torchaudio");
    REFUSED("style", "1", "style: '1' is not one of kaldi, whisper, torchaudio");
    REFUSED("scale", "mel", "scale: 'mel' is not one of htk, slaney");
    REFUSED("words", "a,d", "words: 'd' is not one of a, b, c");
    REFUSED("sizes", "1,,2", "sizes: item 2 of the list '1,,2' is empty");
    REFUSED("sizes", "1,x", "sizes: 'x' is no number");
    REFUSED("sizes", "1,0", "sizes: 0 is out of range, allowed are 1 to 9");
    REFUSED("files", "a,", "files: item 2 of the list 'a,' is empty");
    /* a long value is quoted in part, and nothing runs over */
    memset(long_text, 'z', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = 0;
    CHECK(set("gain", long_text, &error) == STAPES_EUSAGE && strlen(error.text) < 500);
    CHECK(set("style", long_text, &error) == STAPES_EUSAGE && strlen(error.text) < 500);
    CHECK(set("loud", long_text, &error) == STAPES_EUSAGE && strlen(error.text) < 500);
    memset(long_text, '1', sizeof long_text - 1);
    CHECK(set("gain", long_text, &error) == STAPES_EUSAGE && strlen(error.text) < 500);
    /* nobody listens */
    CHECK(st_parameter_set(st_parameter_find(&stage, "gain"), &s, "x", &arena, NULL) == STAPES_EUSAGE);
}

static void words_for_people(void)
{
    stapes_error             error;
    static const char *const stages[] = {"features.logmel", "features.stack", "audio.file", "ctc.search"};
    char                     small[6];
    CHECK_TEXT(takes("loud"), "true or false");
    CHECK_TEXT(takes("rate"), "whole number 1000 to 192000 (Hz)");
    CHECK_TEXT(takes("style"), "one of kaldi, whisper, torchaudio");
    CHECK_TEXT(takes("any_int"), "whole number");
    CHECK_TEXT(takes("gain"), "number 0 to 1");
    CHECK_TEXT(takes("hop"), "number 1 to 1000 (ms)");
    CHECK_TEXT(takes("above"), "number 0.5 and above (dB)");
    CHECK_TEXT(takes("path"), "file name");
    CHECK_TEXT(takes("sizes"), "list of whole numbers 1 to 9");
    CHECK_TEXT(takes("weights"), "list of numbers");
    CHECK_TEXT(takes("files"), "list of file names");
    CHECK_TEXT(takes("words"), "list, each one of a, b, c");

    SET("gain", "0.1");
    CHECK_TEXT(shown("gain"), "0.1");
    SET("any_float", "3.14159274");
    CHECK_TEXT(shown("any_float"), "3.1415927");
    CHECK_TEXT(shown("style"), "torchaudio");
    SET("sizes", "1, 2");
    CHECK_TEXT(shown("sizes"), "1,2");
    SET("weights", "0.5,-0.001");
    CHECK_TEXT(shown("weights"), "0.5,-0.001");
    SET("words", "c,a,b");
    CHECK_TEXT(shown("words"), "c,a,b");
    SET("loud", "on");
    CHECK_TEXT(shown("loud"), "true");
    CHECK_TEXT(st_parameter_text(st_parameter_find(&stage, "style"), &s, small, sizeof small), "torch");
    CHECK_TEXT(st_parameter_takes(st_parameter_find(&stage, "rate"), small, sizeof small), "whole");

    CHECK_TEXT(st_parameter_nearest("feature.logmel", stages, 4), "features.logmel");
    CHECK_TEXT(st_parameter_nearest("audio.fiel", stages, 4), "audio.file");
    CHECK_TEXT(st_parameter_nearest("logmel", stages, 4), "features.logmel");
    CHECK(st_parameter_nearest("zebra", stages, 4) == NULL);
    CHECK(st_parameter_nearest("", stages, 4) == NULL);
    CHECK(st_parameter_nearest("audio.file", NULL, 0) == NULL);
}

int main(void)
{
    stapes_error error = {0};
    memset(&s, 255, sizeof s);
    CHECK(st_parameter_defaults(&stage, &s, &arena, &error) == STAPES_OK);
    CHECK(!s.loud && s.rate == 16000 && s.style == 1 && s.any_int == -3 && s.gain == 0.97f && s.hop == 10.0f);
    CHECK_TEXT(s.path, "");
    CHECK_TEXT(s.scale, "htk");
    CHECK(s.sizes.count == 2 && s.sizes.items[1] == 4 && s.weights.count == 0 && s.files.count == 0);
    CHECK(st_parameter_find(&stage, "gain") == &rows[4]);
    CHECK(st_parameter_find(&stage, "gains") == NULL);

    good_values();
    lists_of_items();
    refusals();
    words_for_people();
    /* the same where a comma is the decimal point, if the machine has such a locale */
    if (setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8")) {
        good_values();
        words_for_people();
    }

    stapes_parameter bad_rows[] = {{.name = "gain",
                                    .type = STAPES_FLOAT,
                                    .offset = offsetof(settings, gain),
                                    .initial = "2",
                                    .help = "x",
                                    .least = 0,
                                    .greatest = 1}};
    stapes_stage     bad = stage;
    bad.parameters = bad_rows;
    bad.n_parameters = 1;
    error = (stapes_error){0};
    CHECK(st_parameter_defaults(&bad, &s, &arena, &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "stage 'test.stage': default: gain: 2 is out of range, allowed are 0 to 1");
    st_arena_close(&arena);
    return check_done();
}
