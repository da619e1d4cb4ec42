/* verify_report.c - results of the contract suite as text, JSON or JUnit (see verify.h). Text comes as it
 * goes; the others are kept until the end. */
#include "contract/arena.h"
#include "contract/error.h"
#include "suite/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct kept {
    struct kept     *next;
    st_verify_result result;
} kept;

struct st_verify_writer {
    FILE    *out;
    int      form;
    st_arena arena;
    kept    *first, **last;
    uint32_t counts[3];
    char     stage[128];
    uint64_t seed;
    bool     begun, incomplete;
};

static const char *const verdicts[] = {"passed", "failed", "skipped"};

st_verify_writer *st_verify_writer_open(FILE *out, int form)
{
    st_verify_writer *writer = calloc(1, sizeof *writer);
    if (!writer) return NULL;
    writer->out = out;
    writer->form = form;
    writer->last = &writer->first;
    return writer;
}

static void write_text(st_verify_writer *writer, const st_verify_result *result)
{
    const char *stage = result->stage[0] ? result->stage : result->path;
    if (!writer->begun || strcmp(writer->stage, stage)) {
        fprintf(writer->out, "%s%s\n", writer->begun ? "\n" : "", stage);
        (void)snprintf(writer->stage, sizeof writer->stage, "%s", stage);
        writer->begun = true;
    }
    fprintf(writer->out, "  %-7s  %-12s %s\n",
            result->verdict == ST_FAILED ? "FAILED" : verdicts[result->verdict], result->test,
            result->verdict == ST_PASSED ? result->claim : result->words);
    if (result->verdict == ST_FAILED)
        fprintf(writer->out, "           %-12s claim: %s\n           %-12s repeat: %s\n", "", result->claim,
                "", result->repeat);
    fflush(writer->out);
}

void st_verify_write(void *user, const st_verify_result *result)
{
    st_verify_writer *writer = user;
    writer->counts[result->verdict]++;
    writer->seed = result->seed;
    if (writer->form == ST_VERIFY_TEXT) {
        write_text(writer, result);
        return;
    }
    kept *one = st_arena_take(&writer->arena, 1, sizeof *one);
    if (!one) {
        writer->incomplete = true;
        return;
    }
    one->result = *result;
    one->result.path = st_arena_string(&writer->arena, result->path);
    one->result.stage = st_arena_string(&writer->arena, result->stage);
    one->result.words = st_arena_string(&writer->arena, result->words);
    one->result.repeat = st_arena_string(&writer->arena, result->repeat);
    if (!one->result.path || !one->result.stage || !one->result.words || !one->result.repeat) {
        writer->incomplete = true;
        return;
    }
    *writer->last = one;
    writer->last = &one->next;
}

static void json_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void write_json(const st_verify_writer *writer)
{
    FILE *out = writer->out;
    fprintf(out, "{\"passed\": %u, \"failed\": %u, \"skipped\": %u, \"seed\": %llu, \"tests\": [",
            writer->counts[ST_PASSED], writer->counts[ST_FAILED], writer->counts[ST_SKIPPED],
            (unsigned long long)writer->seed);
    for (const kept *one = writer->first; one; one = one->next) {
        fprintf(out, "%s\n  {\"plugin\": ", one == writer->first ? "" : ",");
        json_text(out, one->result.path);
        fprintf(out, ", \"stage\": ");
        json_text(out, one->result.stage);
        fprintf(out, ", \"test\": ");
        json_text(out, one->result.test);
        fprintf(out, ", \"claim\": ");
        json_text(out, one->result.claim);
        fprintf(out, ", \"repeat\": ");
        json_text(out, one->result.repeat);
        fprintf(out, ", \"verdict\": \"%s\", \"words\": ", verdicts[one->result.verdict]);
        json_text(out, one->result.words);
        fprintf(out, ", \"seconds\": %.3f, \"seed\": %llu}", one->result.seconds,
                (unsigned long long)one->result.seed);
    }
    fprintf(out, "\n]}\n");
}

static void xml_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
        }
    }
}

static void write_junit(const st_verify_writer *writer)
{
    FILE  *out = writer->out;
    double seconds = 0;
    for (const kept *one = writer->first; one; one = one->next) seconds += one->result.seconds;
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"stapes verify\" tests=\"%u\" "
            "failures=\"%u\" skipped=\"%u\" time=\"%.3f\">\n",
            writer->counts[0] + writer->counts[1] + writer->counts[2], writer->counts[ST_FAILED],
            writer->counts[ST_SKIPPED], seconds);
    for (const kept *one = writer->first; one; one = one->next) {
        const st_verify_result *result = &one->result;
        fputs("  <testcase classname=\"", out);
        xml_text(out, result->stage[0] ? result->stage : result->path);
        fprintf(out, "\" name=\"%s\" time=\"%.3f\"", result->test, result->seconds);
        if (result->verdict == ST_PASSED) {
            fputs("/>\n", out);
            continue;
        }
        fprintf(out, "><%s message=\"", result->verdict == ST_FAILED ? "failure" : "skipped");
        xml_text(out, result->words);
        fprintf(out, " (seed %llu)\"/></testcase>\n", (unsigned long long)result->seed);
    }
    fputs("</testsuite>\n", out);
}

int st_verify_writer_close(st_verify_writer *writer, stapes_error *error)
{
    int status = STAPES_OK;
    if (!writer) return STAPES_OK;
    if (writer->form == ST_VERIFY_JSON)
        write_json(writer);
    else if (writer->form == ST_VERIFY_JUNIT)
        write_junit(writer);
    else if (writer->begun)
        fprintf(writer->out, "\n%u passed, %u failed, %u skipped (seed %llu)\n", writer->counts[ST_PASSED],
                writer->counts[ST_FAILED], writer->counts[ST_SKIPPED], (unsigned long long)writer->seed);
    if (writer->incomplete)
        status = st_error_set(error, STAPES_ENOMEM, "no memory for all results");
    else if (fflush(writer->out) || ferror(writer->out))
        status = st_error_set(error, STAPES_ESYSTEM, "the results could not be written: %s", strerror(errno));
    st_arena_close(&writer->arena);
    free(writer);
    return status;
}
