/* verify.c - see verify.h: the table of tests, and the process that starts them.
 *
 * The parent loads nothing of the plugin. It learns from a child which stages there are, and gives each
 * test a child of its own, which answers with its verdict, its words, and (the test of the formats) what
 * the stage accepted. */
#include "suite/verify.h"

#include "contract/error.h"
#include "plugin/parameter.h"
#include "suite/guard.h"
#include "suite/hook.h"
#include "suite/suite.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const st_suite_test st_suite_tests[] = {
    {"loads", "loads without a word, and its description is sound", st_suite_loads, ST_OF_FILE},
    {"imports", "uses nothing that ends the program or takes its signals", st_suite_imports, ST_OF_FILE},
    {"descriptor", "defaults and choices read back, lines are lines", st_suite_descriptor, ST_OF_STAGE},
    {"formats", "formats are accepted, or refused with words", st_suite_formats, ST_OF_STAGE},
    {"life", "every part of a life may be left out: empty streams, rows of one, flushes", st_suite_life,
     ST_OF_STREAM},
    {"time", "times go forward, keep to the latency that was stated, and add up", st_suite_time,
     ST_OF_STREAM},
    {"cuts", "the same output however the input is cut into packets", st_suite_cuts, ST_OF_STREAM},
    {"threads", "the same output for any number of threads", st_suite_threads, ST_OF_STREAM},
    {"reset", "a second segment, recording or format comes out as from a fresh instance", st_suite_reset,
     ST_OF_STREAM},
    {"instances", "two instances at once do not know of each other", st_suite_instances, ST_OF_STREAM},
    {"batch", "process_many and flush_many do what process and flush do one at a time", st_suite_batch,
     ST_OF_STREAM},
    {"events", "events pass, known or unknown, and segments stay in pairs", st_suite_events, ST_OF_STREAM},
    {"source", "ends by itself, in whole segments, the same in each run", st_suite_source, ST_OF_SOURCE},
    {"memory", "every allocation may fail: words, no crash, and all is well again after it", st_suite_memory,
     ST_OF_STREAM | ST_OF_SOURCE},
    {"refusals", "a negative answer of emit is returned at once", st_suite_refusals,
     ST_OF_STREAM | ST_OF_SOURCE},
    {"cancel", "returns soon when asked to stop", st_suite_cancel, ST_OF_STREAM | ST_OF_SOURCE},
    {"numbers", "NaN, infinities and the like harm nothing beyond their own recording", st_suite_numbers,
     ST_OF_STREAM},
    {"steady", "no allocation, lock or file in the steady state", st_suite_steady, ST_OF_STREAM},
    {"leaks", "memory, packets, files and threads are given back", st_suite_leaks,
     ST_OF_STREAM | ST_OF_SOURCE},
    {"quiet", "standard output is left alone", st_suite_quiet, ST_OF_STREAM | ST_OF_SOURCE},
};
const uint32_t st_suite_count = sizeof st_suite_tests / sizeof st_suite_tests[0];

uint32_t    st_verify_count(void) { return st_suite_count; }
const char *st_verify_name(uint32_t index)
{
    return index < st_suite_count ? st_suite_tests[index].name : NULL;
}
const char *st_verify_claim(uint32_t index)
{
    return index < st_suite_count ? st_suite_tests[index].claim : NULL;
}

/* ---- what the tests share (suite.h)
 * ------------------------------------------------------------------------- */

static void set_verdict(st_case *c, int verdict, const char *format, va_list arguments)
{
    pthread_mutex_lock(&c->verdict_mutex);
    if (c->verdict == ST_PASSED || (c->verdict == ST_SKIPPED && verdict == ST_FAILED)) {
        c->verdict = verdict;
        (void)vsnprintf(c->words, sizeof c->words, format, arguments);
    }
    pthread_mutex_unlock(&c->verdict_mutex);
}

void st_suite_fail(st_case *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_verdict(c, ST_FAILED, format, arguments);
    va_end(arguments);
}

void st_suite_skip(st_case *c, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_verdict(c, ST_SKIPPED, format, arguments);
    va_end(arguments);
}

const char *st_suite_keep(st_case *c, const char *text)
{
    const char *found = NULL;
    if (!text) return NULL;
    pthread_mutex_lock(&c->verdict_mutex);
    for (uint32_t i = 0; i < c->n_kept && !found; i++)
        if (!strcmp(c->kept[i], text)) found = c->kept[i];
    if (!found) {
        found = st_arena_string(&c->arena, text);
        if (c->n_kept < STAPES_COUNT(c->kept)) c->kept[c->n_kept++] = found;
    }
    pthread_mutex_unlock(&c->verdict_mutex);
    return found;
}

double st_suite_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

uint64_t st_suite_random(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t st_suite_below(uint64_t *state, uint32_t count)
{
    return count ? (uint32_t)(st_suite_random(state) % count) : 0;
}

int st_suite_load(st_case *c)
{
    stapes_error error = {0};
    st_hook_prepare();
    if (st_loader_open(c->path, &c->loaded, &error) < 0) {
        st_suite_fail(c, "%s", error.text);
        return error.status;
    }
    for (uint32_t i = 0; i < c->loaded.plugin.about.n_stages; i++)
        if (!strcmp(c->loaded.plugin.stages[i].name, c->stage_name)) c->stage = &c->loaded.plugin.stages[i];
    if (!c->stage) {
        st_suite_fail(c, "the stage is gone");
        return STAPES_EMODEL;
    }
    (void)st_hook_install(c->loaded.handle);
    return STAPES_OK;
}

/* ---- in the child
 * --------------------------------------------------------------------------------------------- */

static st_case *current; /* for on_fault: a signal brings no context */

static void send_verdict(int verdict, const char *words, st_child_answer *answer)
{
    const char letter[2] = {"PFS"[verdict], 0};
    st_child_send_text(answer, letter);
    st_child_send_text(answer, words);
}

/* A crash with its place in words, where the address tells it. */
static void on_fault(int number, const void *address)
{
    char        text[600], near[300];
    const char *why =
        number == SIGSEGV || number == SIGBUS ? st_guard_explain(address, near, sizeof near) : NULL;
    (void)snprintf(text, sizeof text, "%s%s%s%s", current->doing, current->doing[0] ? ": " : "",
                   why ? "the stage " : "crashes: signal ", why ? why : strsignal(number));
    send_verdict(ST_FAILED, text, current->answer);
    st_child_end(current->answer);
}

static const st_suite_test *test_named(const char *name)
{
    for (uint32_t i = 0; i < st_suite_count; i++)
        if (!strcmp(st_suite_tests[i].name, name)) return &st_suite_tests[i];
    return NULL;
}

static void run_test(st_case *c)
{
    const st_suite_test *test = test_named(c->test);
    c->until = st_suite_now() + c->options->seconds * 0.6;
    if (test->needs & ST_OF_FILE || st_suite_load(c) >= 0) test->run(c);
}

static void in_child(void *argument, st_child_answer *answer)
{
    st_case *c = argument;
    current = c;
    c->answer = answer;
    st_child_on_fault(on_fault);
    run_test(c);
    send_verdict(c->verdict, c->words, answer);
    if (strcmp(c->test, "formats")) return;
    for (uint32_t k = 0; k < c->n_combinations; k++)
        for (uint32_t i = 0; i < c->stage->n_inputs; i++) {
            const stapes_format *format = &c->combinations[k].inputs[i];
            st_child_send_text(answer, format->kind ? st_suite_write_format(format, &c->arena) : "-");
        }
}

/* ---- in the parent
 * -------------------------------------------------------------------------------------------- */

typedef struct session {
    const char              *path;
    const st_verify_options *options;
    st_verify_report        *report;
    void                    *user;
    st_arena                 arena;
    uint32_t                 counts[3];
    char                     folder[64]; /* for files that stages write */
} session;

static const char *next_text(const char **at, const char *end)
{
    const char *text = *at;
    size_t      length;
    if (text >= end) return NULL;
    length = strnlen(text, (size_t)(end - text));
    *at = text + length + 1;
    return text;
}

/* What the child found acceptable, one format for each input and combination. */
static void read_combinations(st_case *c, uint32_t n_inputs, const char *at, const char *end)
{
    char wrong[300];
    c->n_combinations = 0;
    for (uint32_t k = 0; n_inputs && n_inputs <= ST_SUITE_PORTS && k < ST_SUITE_COMBINATIONS; k++) {
        for (uint32_t i = 0; i < n_inputs; i++) {
            stapes_format *format = &c->combinations[k].inputs[i];
            const char    *text = next_text(&at, end);
            if (!text) return;
            if (!strcmp(text, "-"))
                *format = (stapes_format){0};
            else if (!st_suite_read_format(text, &c->arena, format, wrong, sizeof wrong))
                return;
        }
        c->n_combinations++;
    }
}

/* Appends a word as a shell reads it. */
static char *with_word(st_arena *arena, const char *command, const char *option, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/=+-,:@%";
    char             *quoted = st_arena_take(arena, 4 * strlen(word) + 3, 1), *out = quoted;
    bool              needed = !word[0] || word[strspn(word, plain)];
    if (!quoted || !command) return NULL;
    if (needed) *out++ = '\'';
    for (; *word; word++) {
        if (*word == '\'') {
            memcpy(out, "'\\''", 4);
            out += 4;
        } else {
            *out++ = *word;
        }
    }
    if (needed) *out++ = '\'';
    return st_arena_format(arena, "%s %s%s%s", command, option, option[0] ? " " : "", quoted);
}

/* The command line that does the same. */
static const char *repeat_command(session *s, const st_case *c, const st_suite_test *test)
{
    char  seed[24];
    char *command = with_word(&s->arena, "stapes verify", "", s->path);
    (void)snprintf(seed, sizeof seed, "%llu", (unsigned long long)c->seed);
    if (!(test->needs & ST_OF_FILE)) command = with_word(&s->arena, command, "--stage", c->stage_name);
    command = with_word(&s->arena, command, "--test", test->name);
    command = with_word(&s->arena, command, "--seed", seed);
    for (uint32_t i = 0; i < s->options->n_set; i++)
        command = with_word(&s->arena, command, "--set", s->options->set[i]);
    for (uint32_t i = 0; i < s->options->n_formats; i++)
        command = with_word(&s->arena, command, "--format", s->options->formats[i]);
    return command ? command : "";
}

/* Runs one test in a child, reports it, and leaves its verdict in the case. */
static int run_and_report(session *s, st_case *c, const st_suite_test *test, uint32_t n_inputs,
                          stapes_error *error)
{
    st_child_outcome outcome = {0};
    double           begin = st_suite_now();
    char             crash[300];
    int              status = STAPES_OK;
    c->test = test->name;
    c->verdict = ST_PASSED;
    c->words[0] = c->doing[0] = 0;
    c->random = c->seed;
    if (s->options->here) {
        run_test(c);
        st_loader_close(&c->loaded);
        c->stage = NULL;
    } else {
        const char *at, *end, *verdict, *words;
        status =
            st_child_run(in_child, c, s->options->seconds, !s->options->verbose, &s->arena, &outcome, error);
        if (status < 0) return status;
        at = outcome.answer;
        end = at + outcome.length;
        verdict = outcome.end == ST_CHILD_DONE ? next_text(&at, end) : NULL;
        words = verdict ? next_text(&at, end) : NULL;
        if (!words) {
            st_suite_fail(c, "%s%s",
                          st_child_tell(&outcome, "in the test", s->options->seconds, crash, sizeof crash),
                          s->options->verbose ? "" : " (--verbose shows what it said)");
        } else {
            c->verdict = verdict[0] == 'P' ? ST_PASSED : verdict[0] == 'S' ? ST_SKIPPED : ST_FAILED;
            (void)snprintf(c->words, sizeof c->words, "%s", words);
            if (test->run == st_suite_formats) read_combinations(c, n_inputs, at, end);
        }
    }
    s->counts[c->verdict]++;
    if (s->report) {
        st_verify_result result = {.path = s->path,
                                   .stage = test->needs & ST_OF_FILE ? "" : c->stage_name,
                                   .test = test->name,
                                   .claim = test->claim,
                                   .verdict = c->verdict,
                                   .words = c->words,
                                   .seconds = st_suite_now() - begin,
                                   .seed = c->seed,
                                   .repeat = repeat_command(s, c, test)};
        s->report(s->user, &result);
    }
    return status;
}

static void open_case(st_case *c, const session *s, const char *stage)
{
    memset(c, 0, sizeof *c);
    c->options = s->options;
    c->path = s->path;
    c->stage_name = stage;
    c->folder = s->folder;
    c->seed = s->options->seed;
    pthread_mutex_init(&c->shared_mutex, NULL);
    pthread_mutex_init(&c->verdict_mutex, NULL);
}

static void close_case(st_case *c)
{
    st_arena_close(&c->arena);
    pthread_mutex_destroy(&c->shared_mutex);
    pthread_mutex_destroy(&c->verdict_mutex);
}

static void remove_folder(const char *path)
{
    DIR           *folder = path[0] ? opendir(path) : NULL;
    struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.') (void)unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder) closedir(folder);
    if (path[0]) (void)rmdir(path);
}

static bool wanted(const session *s, const st_suite_test *test)
{
    return !s->options->test || !strcmp(s->options->test, test->name);
}

/* All tests of one stage. The test of the formats runs also where only a later one is wanted, unseen. */
static int verify_stage(session *s, const char *name, uint32_t n_inputs, stapes_error *error)
{
    st_case c;
    int     status = STAPES_OK;
    bool    usable = true;
    open_case(&c, s, name);
    for (uint32_t i = 0; i < st_suite_count && status >= 0; i++) {
        const st_suite_test *test = &st_suite_tests[i];
        uint32_t             fits = n_inputs ? ST_OF_STREAM : ST_OF_SOURCE;
        bool                 formats = test->run == st_suite_formats;
        if (!(test->needs & (ST_OF_STAGE | fits))) continue;
        if (!wanted(s, test)) {
            if (!formats) continue;
            session unseen = *s;
            unseen.report = NULL;
            status = run_and_report(&unseen, &c, test, n_inputs, error);
            s->arena = unseen.arena;
        } else if (usable || test->needs & ST_OF_STAGE) {
            status = run_and_report(s, &c, test, n_inputs, error);
        } else {
            continue; /* the test of the formats said why */
        }
        if (formats)
            usable = c.verdict != ST_SKIPPED && (c.n_combinations || (!n_inputs && c.verdict == ST_PASSED));
    }
    close_case(&c);
    return status;
}

/* In a child: the number of inputs of each stage, by name. */
typedef struct census {
    const char *path;
} census;

static void count_inputs(void *argument, st_child_answer *answer)
{
    const census *all = argument;
    st_loaded     loaded;
    if (st_loader_open(all->path, &loaded, NULL) < 0) return;
    for (uint32_t i = 0; i < loaded.plugin.about.n_stages; i++) {
        const char n[2] = {(char)('a' + (char)(loaded.plugin.stages[i].n_inputs & 31u)), 0};
        st_child_send_text(answer, loaded.plugin.stages[i].name);
        st_child_send_text(answer, n);
    }
}

static int verify_stages(session *s, stapes_error *error)
{
    census           all = {.path = s->path};
    st_child_outcome outcome;
    const char      *at, *end, *name, *inputs;
    uint32_t         found = 0;
    int status = st_child_run(count_inputs, &all, s->options->seconds, true, &s->arena, &outcome, error);
    if (status < 0) return status;
    at = outcome.answer;
    end = at + outcome.length;
    while (status >= 0 && (name = next_text(&at, end)) && (inputs = next_text(&at, end))) {
        if (s->options->stage && strcmp(s->options->stage, name)) continue;
        found++;
        status = verify_stage(s, name, (uint32_t)(inputs[0] - 'a'), error);
    }
    if (status >= 0 && s->options->stage && !found)
        status =
            st_error_set(error, STAPES_EUSAGE, "%.300s: has no stage '%.100s'", s->path, s->options->stage);
    return status;
}

int st_verify_plugin(const char *path, const st_verify_options *given, st_verify_report *report, void *user,
                     stapes_error *error)
{
    st_verify_options options = given ? *given : (st_verify_options){0};
    session           s = {.path = path, .options = &options, .report = report, .user = user};
    st_case           c;
    int               status = STAPES_OK;
    if (options.seconds <= 0) options.seconds = 60;
    if (!options.seed) {
        struct timespec time;
        clock_gettime(CLOCK_REALTIME, &time);
        options.seed = ((uint64_t)time.tv_sec * 1000003u ^ (uint64_t)time.tv_nsec) % 1000000000u + 1;
    }
    if (options.test && !test_named(options.test)) {
        const char *names[64], *near;
        for (uint32_t i = 0; i < st_suite_count; i++) names[i] = st_suite_tests[i].name;
        near = st_parameter_nearest(options.test, names, st_suite_count);
        return st_error_set(error, STAPES_EUSAGE, "there is no test '%.100s'%s%s%s", options.test,
                            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    }
    (void)snprintf(s.folder, sizeof s.folder, "/tmp/stapes-verify-XXXXXX");
    if (!mkdtemp(s.folder)) s.folder[0] = 0;
    open_case(&c, &s, "");
    for (uint32_t i = 0; i < st_suite_count && status >= 0; i++) {
        const st_suite_test *test = &st_suite_tests[i];
        bool                 loads = test->run == st_suite_loads;
        if (!(test->needs & ST_OF_FILE) || (!loads && !wanted(&s, test))) continue;
        status = run_and_report(&s, &c, test, 0, error);
        if (status >= 0 && loads && c.verdict == ST_FAILED)
            status = st_error_set(error, STAPES_EMODEL, "%s", c.words);
    }
    close_case(&c);
    if (status >= 0) status = verify_stages(&s, error);
    st_arena_close(&s.arena);
    remove_folder(s.folder);
    if (status < 0) return status;
    if (s.counts[ST_FAILED])
        return st_error_set(error, STAPES_ECONTRACT, "%.300s: %u of %u tests failed", path,
                            s.counts[ST_FAILED], s.counts[0] + s.counts[1] + s.counts[2]);
    return STAPES_OK;
}
