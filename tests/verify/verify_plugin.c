/* verify_plugin.c - the contract suite over one plugin, for ctest: verify_plugin [OPTION...] FILE.
 * --set X, --format X, --test X, --stage X, --models X, --seed N, --seconds N, --verbose, --here, --json,
 * --junit; --at-least N (so many tests must pass, not be skipped), --expect TEST WORDS (that test has to
 * fail with these words). */
#include "suite/verify.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 16 };

typedef struct expectation {
    st_verify_writer *writer;
    const char       *test, *words;
    bool              met;
    uint32_t          passed;
} expectation;

static void take(void *user, const st_verify_result *result)
{
    expectation *e = user;
    st_verify_write(e->writer, result);
    e->passed += result->verdict == ST_PASSED;
    if (e->test && !strcmp(e->test, result->test) && result->verdict == ST_FAILED &&
        strstr(result->words, e->words))
        e->met = true;
}

int main(int count, char **words)
{
    const char       *set[MOST], *formats[MOST], *path = NULL;
    st_verify_options options = {.set = set, .formats = formats};
    expectation       e = {0};
    stapes_error      error = {0};
    int               form = ST_VERIFY_TEXT, status;
    uint32_t          at_least = 1;
    for (int i = 1; i < count; i++) {
        const char *word = words[i], *next = i + 1 < count ? words[i + 1] : "";
        if (!strcmp(word, "--verbose")) {
            options.verbose = true;
            continue;
        }
        if (!strcmp(word, "--here")) {
            options.here = true;
            continue;
        }
        if (!strcmp(word, "--json") || !strcmp(word, "--junit")) {
            form = word[3] == 's' ? ST_VERIFY_JSON : ST_VERIFY_JUNIT;
            continue;
        }
        if (word[0] != '-') {
            path = word;
            continue;
        }
        i++;
        if (!strcmp(word, "--set") && options.n_set < MOST)
            set[options.n_set++] = next;
        else if (!strcmp(word, "--format") && options.n_formats < MOST)
            formats[options.n_formats++] = next;
        else if (!strcmp(word, "--test"))
            options.test = next;
        else if (!strcmp(word, "--stage"))
            options.stage = next;
        else if (!strcmp(word, "--seed"))
            options.seed = strtoull(next, NULL, 10);
        else if (!strcmp(word, "--seconds"))
            options.seconds = strtod(next, NULL);
        else if (!strcmp(word, "--models"))
            options.model_path = next;
        else if (!strcmp(word, "--at-least"))
            at_least = (uint32_t)strtoul(next, NULL, 10);
        else if (!strcmp(word, "--expect") && i + 1 < count) {
            e.test = next;
            e.words = words[++i];
        } else {
            fprintf(stderr, "unknown option %s\n", word);
            return 2;
        }
    }
    if (!path) {
        fprintf(stderr, "which plugin?\n");
        return 2;
    }
    e.writer = st_verify_writer_open(stdout, form);
    status = st_verify_plugin(path, &options, take, &e, &error);
    if (st_verify_writer_close(e.writer, &error) < 0) status = error.status;
    if (e.test) {
        if (!e.met)
            fprintf(stderr, "expected of the test '%s' was a failure with the words '%s'\n", e.test, e.words);
        return e.met ? 0 : 1;
    }
    if (status < 0) fprintf(stderr, "%s\n", error.text);
    if (e.passed < at_least) fprintf(stderr, "%u passed, wanted are %u\n", e.passed, at_least);
    return status < 0 || e.passed < at_least ? 1 : 0;
}
