/* text_form_test.c - texts of a recording as plain lines and as JSON: escapes, bytes that are no UTF-8,
 * numbers, revisions. */
#include "check.h"
#include "text_form.h"

#include <locale.h>

static text_store store;
static text_line  line;

static void add(uint32_t segment, bool final, double start, double duration, const char *text,
                uint32_t n_words, const stapes_word *words)
{
    stapes_text   body = {.size = sizeof body,
                          .segment = segment,
                          .final = final,
                          .text = text,
                          .n_words = n_words,
                          .words = words};
    stapes_packet packet = {.kind = STAPES_TEXT, .data = &body, .rows = 1, .columns = 1};
    packet.start = (stapes_time)(start * 1000) * (STAPES_SECOND / 1000);
    packet.duration = (stapes_time)(duration * 1000) * (STAPES_SECOND / 1000);
    CHECK(text_store_add(&store, &packet) == STAPES_OK);
}

static const char *plain(void)
{
    text_form_clear(&line);
    text_form_plain(&line, &store);
    line.bytes[line.length - 1] = '\0';
    return line.bytes;
}

static const char *json(const char *file, stapes_time length)
{
    text_form_clear(&line);
    text_form_json(&line, &store, file, length);
    line.bytes[line.length - 1] = '\0';
    return line.bytes;
}

int main(void)
{
    (void)setlocale(LC_ALL, "de_DE.UTF-8"); /* where there is one: decimals stay points */
    CHECK_TEXT(plain(), "");
    CHECK_TEXT(json(NULL, 0), "{\"file\": null, \"text\": \"\", \"seconds\": 0.000, \"segments\": []}");

    const stapes_word words[] = {{"go", 0, STAPES_SECOND / 2, 0.98766f, 0},
                                 {"on", STAPES_SECOND / 2, STAPES_SECOND, -1.0f, 0}};
    add(0, true, 0, 0, "go on", 2, words);
    add(1, true, 1.5, 0.25, " \t\"now\"\n", 0, NULL);
    add(2, true, 2, 1, "", 0, NULL);
    CHECK_TEXT(plain(), "go on \"now\"");
    CHECK_TEXT(json("a\\b/\x01\xc3\xa4\xff.wav", STAPES_SECOND * 3 + STAPES_SECOND / 1500),
               "{\"file\": \"a\\\\b/\\u0001\xc3\xa4\xef\xbf\xbd.wav\", \"text\": \"go on \\\"now\\\"\", "
               "\"seconds\": 3.001, \"segments\": ["
               "{\"start\": 0.000, \"end\": 1.000, \"text\": \"go on\", \"words\": ["
               "{\"text\": \"go\", \"start\": 0.000, \"end\": 0.500, \"confidence\": 0.9877}, "
               "{\"text\": \"on\", \"start\": 0.500, \"end\": 1.000}]}, "
               "{\"start\": 1.500, \"end\": 1.750, \"text\": \" \\t\\\"now\\\"\\n\", \"words\": []}, "
               "{\"start\": 2.000, \"end\": 3.000, \"text\": \"\", \"words\": []}]}");

    /* revisions of a segment replace each other until one is final */
    text_store_clear(&store);
    add(0, false, 0, 1, "wreck a nice", 2, words);
    add(0, false, 0, 1, "recognise", 0, NULL);
    add(0, true, 0, 1, "recognise speech", 1, words);
    add(0, true, 1, 1, "and", 0, NULL);
    add(1, false, 2, 1, "more", 0, NULL);
    CHECK_TEXT(plain(), "recognise speech and more");

    /* bytes that are no UTF-8: overlong, surrogates, beyond the last, cut off */
    text_store_clear(&store);
    add(0, true, 0, 1, "\xc0\xaf|\xed\xa0\x80|\xf4\x90\x80\x80|\xe2\x82|\xf0\x9f\x98\x80|\x80", 0, NULL);
#define NO "\xef\xbf\xbd"
    CHECK_TEXT(plain(), NO NO "|" NO NO NO "|" NO NO NO NO "|" NO NO "|\xf0\x9f\x98\x80|" NO);

    /* much */
    text_store_clear(&store);
    for (uint32_t i = 0; i < 1000; i++) add(i, true, i, 1, "0123456789", 2, words);
    CHECK(strlen(plain()) == 1000 * 11 - 1);
    CHECK_HAS(json("x", -STAPES_SECOND / 4), "\"seconds\": -0.250, ");
    text_store_close(&store);
    text_form_close(&line);
    return check_done();
}
