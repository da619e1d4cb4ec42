/* verify_report_test.c - results of the contract suite as text, JSON and JUnit, with what needs quoting. */
#include "check.h"
#include "suite/verify.h"

#include <stdlib.h>

static const st_verify_result results[] = {
    {"a.so", "", "loads", "loads", ST_PASSED, "", 0.25, 7, "stapes verify a.so --test loads --seed 7"},
    {"a.so", "t.x", "cuts", "the same", ST_FAILED, "row 1 is \"<2>\" & not\n3", 0.5, 7,
     "stapes verify a.so --stage t.x --test cuts --seed 7"},
    {"a.so", "t.x", "batch", "as one", ST_SKIPPED, "it has none", 0, 7, "x"},
};

static char *written(int form)
{
    char             *text = NULL;
    size_t            size;
    FILE             *out = open_memstream(&text, &size);
    st_verify_writer *writer = st_verify_writer_open(out, form);
    stapes_error      error = {0};
    for (uint32_t i = 0; i < STAPES_COUNT(results); i++) st_verify_write(writer, &results[i]);
    CHECK(st_verify_writer_close(writer, &error) == STAPES_OK);
    fclose(out);
    return text;
}

int main(void)
{
    char *text = written(ST_VERIFY_TEXT);
    CHECK_HAS(text,
              "a.so\n  passed   loads        loads\n\nt.x\n  FAILED   cuts         row 1 is \"<2>\" & not");
    CHECK_HAS(text, "claim: the same\n");
    CHECK_HAS(text, "repeat: stapes verify a.so --stage t.x --test cuts --seed 7\n");
    CHECK_HAS(text, "  skipped  batch        it has none\n\n1 passed, 1 failed, 1 skipped (seed 7)\n");
    free(text);
    text = written(ST_VERIFY_JSON);
    CHECK_HAS(text, "{\"passed\": 1, \"failed\": 1, \"skipped\": 1, \"seed\": 7, \"tests\": [");
    CHECK_HAS(text, "\"stage\": \"t.x\", \"test\": \"cuts\", \"claim\": \"the same\"");
    CHECK_HAS(text, "\"words\": \"row 1 is \\\"<2>\\\" & not\\u000a3\", \"seconds\": 0.500");
    free(text);
    text = written(ST_VERIFY_JUNIT);
    CHECK_HAS(text,
              "<testsuite name=\"stapes verify\" tests=\"3\" failures=\"1\" skipped=\"1\" time=\"0.750\">");
    CHECK_HAS(text, "<testcase classname=\"a.so\" name=\"loads\" time=\"0.250\"/>");
    CHECK_HAS(text, "<failure message=\"row 1 is &quot;&lt;2&gt;&quot; &amp; not 3 (seed 7)\"/></testcase>");
    CHECK_HAS(text, "<skipped message=\"it has none (seed 7)\"/></testcase>\n</testsuite>");
    free(text);

    /* a full disk is told */
    FILE             *full = fopen("/dev/full", "w");
    st_verify_writer *writer = full ? st_verify_writer_open(full, ST_VERIFY_JSON) : NULL;
    stapes_error      error = {0};
    if (writer) {
        st_verify_write(writer, &results[1]);
        CHECK(st_verify_writer_close(writer, &error) == STAPES_ESYSTEM);
        CHECK_HAS(error.text, "the results could not be written: No space left on device");
        fclose(full);
    }

    /* what there is: each test with a name and a claim */
    CHECK(st_verify_count() >= 20);
    for (uint32_t i = 0; i < st_verify_count(); i++) CHECK(st_verify_name(i)[0] && st_verify_claim(i)[0]);
    CHECK(st_verify_name(st_verify_count()) == NULL);
    error = (stapes_error){0};
    CHECK(st_verify_plugin("a.so", &(st_verify_options){.test = "cutz"}, NULL, NULL, &error) ==
          STAPES_EUSAGE);
    CHECK_TEXT(error.text, "there is no test 'cutz'; did you mean 'cuts'?");
    error = (stapes_error){0};
    CHECK(st_verify_plugin("/nowhere.so", NULL, NULL, NULL, &error) == STAPES_EMODEL);
    CHECK_HAS(error.text, "/nowhere.so: cannot be read");
    return check_done();
}
