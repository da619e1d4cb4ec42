/* verify.h - the contract suite: does a plugin keep what stapes/stage.h says, whoever wrote it?
 *
 * Each test runs in a process of its own with a time limit, on a host made for it (probe.h): packets lie
 * between guard pages, inputs cannot be written to, every n-th allocation may fail. What is random comes
 * from one seed, which the results carry, so that a failure can be repeated. */
#ifndef ST_VERIFY_H
#define ST_VERIFY_H

#include <stapes/stage.h>

#include <stdio.h>

/* Zero means the usual. */
typedef struct st_verify_options {
    const char        *stage;   /* only this one, or NULL: all of the plugin */
    const char        *test;    /* only this one, or NULL: all (st_verify_tests) */
    uint64_t           seed;    /* 0: another one in every run */
    double             seconds; /* for each test; 0: 60 */
    const char *const *set;     /* "stage.parameter=value" or "parameter=value" */
    uint32_t           n_set;
    const char *const *formats; /* "frames columns=80 hop=10ms recipe=...": what inputs get, see below */
    uint32_t           n_formats;
    const char        *model_path; /* extra folders for names of models, or NULL */
    bool               verbose;    /* what the stages print and log goes to standard error */
    bool               here;       /* no child processes: for a debugger; the first crash ends it all */
} st_verify_options;

enum st_verdict { ST_PASSED, ST_FAILED, ST_SKIPPED };

typedef struct st_verify_result {
    const char *path;    /* of the plugin */
    const char *stage;   /* "" for a test of the whole file */
    const char *test;    /* "cuts" */
    const char *claim;   /* what was tested: "the same output however the input is cut" */
    int         verdict; /* enum st_verdict */
    const char *words;   /* what went wrong, or why it was skipped; "" when passed */
    double      seconds;
    uint64_t    seed;
    const char *repeat; /* the command that runs this test again, in the same way */
} st_verify_result;

/* Called for each test when it is done; the result is good until it returns. */
typedef void st_verify_report(void *user, const st_verify_result *result);

/* Runs the suite over one file. STAPES_OK if no test failed, STAPES_ECONTRACT if one did (words: how
 * many of how many), STAPES_EMODEL if the file is no plugin, STAPES_EUSAGE for options that fit nothing.
 *
 * Formats: each input gets what its kinds allow of a built-in list (audio of 8000 to 48000 Hz with 1 and
 * 2 channels, frames and scores of several widths each 10 ms, tokens, text, bytes), unless `formats` has
 * one of its kind: kind, then rate=, columns=, hop=, vocabulary=, and last recipe= to the end. A stage that
 * refuses all of them, or needs parameters that are not set, has its tests skipped with its own words. */
int st_verify_plugin(const char *path, const st_verify_options *options, st_verify_report *report, void *user,
                     stapes_error *error);

/* Names and claims of all tests. */
uint32_t    st_verify_count(void);
const char *st_verify_name(uint32_t index);
const char *st_verify_claim(uint32_t index);

/* ---- results written down ------------------------------------------------------------------------ */

enum st_verify_form { ST_VERIFY_TEXT, ST_VERIFY_JSON, ST_VERIFY_JUNIT };

/* Writes results to `out` as they come, or at the end where the form needs totals. NULL without memory. */
typedef struct st_verify_writer st_verify_writer;
st_verify_writer               *st_verify_writer_open(FILE *out, int form);

/* An st_verify_report; `user` is the writer. */
void st_verify_write(void *user, const st_verify_result *result);

/* Writes what is left, and the totals; releases the writer. STAPES_ESYSTEM if `out` could not take it. */
int st_verify_writer_close(st_verify_writer *writer, stapes_error *error);

#endif
