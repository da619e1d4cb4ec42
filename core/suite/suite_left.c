/* suite_left.c - tests of the contract suite about what a stage uses while it works, and what it leaves
 * behind. */
#include "suite/drive.h"
#include "suite/hook.h"

#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool touches_files(const stapes_stage *stage)
{
    return (stage->flags & STAPES_TOUCHES_FILES) || !stage->n_inputs || !stage->n_outputs;
}

/* ---- steady state
 * ------------------------------------------------------------------------------------------ */

bool st_suite_counts(st_case *c, const char **words)
{
    *words = "sources, sinks and stages that touch files may";
    if (touches_files(c->stage)) return false;
    *words = "calls of plugins cannot be counted on this machine";
    return st_hook_install(c->loaded.handle);
}

void st_suite_check_counts(st_case *c, const char *in)
{
    static const char *const what[ST_HOOK_KINDS] = {"allocates memory", "waits or takes a lock",
                                                    "touches files"};
    for (int kind = 0; kind < ST_HOOK_KINDS; kind++)
        if (st_hook_count(kind))
            st_suite_fail(c, "in steady state it %s: %llu times in %s, first by %s", what[kind],
                          (unsigned long long)st_hook_count(kind), in, st_hook_first(kind));
}

void st_suite_steady(st_case *c)
{
    const char *words;
    if (!st_suite_counts(c, &words)) {
        st_suite_skip(c, "%s", words);
        return;
    }
    for (uint32_t k = 0; k < c->n_combinations && c->verdict != ST_FAILED; k++) {
        st_plan  plan = st_drive_plan(c, k);
        st_probe probe;
        char     in[60];
        int      status;
        (void)snprintf(in, sizeof in, "a segment of %g s", plan.seconds);
        plan.cut = ST_TENTH;
        plan.n_segments = 3;
        plan.goes_on = true;
        if (st_probe_make(c, &probe, "probe") < 0) return;
        status = st_probe_open(&probe);
        if (status >= 0) status = st_drive_stream(&probe, &plan);
        /* now everything has been seen once: no configure, the same lengths again */
        for (uint32_t i = 0; i < 3 && status >= 0; i++) {
            st_feed feeds[ST_SUITE_PORTS];
            memset(feeds, 0, sizeof feeds);
            for (uint32_t port = 0; port < c->stage->n_inputs; port++)
                if (probe.inputs[port])
                    (void)st_feed_make(&feeds[port], &c->combinations[k].inputs[port], plan.seconds,
                                       (stapes_time)(10 + 3 * i) * STAPES_SECOND, c->seed + i, ST_ORDINARY);
            st_hook_reset();
            status = st_feed_segment(&probe, feeds, 3 + i, ST_TENTH, c->seed);
            if (status >= 0) st_suite_check_counts(c, in);
            for (uint32_t port = 0; port < c->stage->n_inputs; port++) st_feed_free(&feeds[port]);
        }
        if (status < 0) st_suite_fail(c, "fails with status %d: %s", status, probe.error.text);
        st_probe_close(&probe);
        (void)st_probe_broken(&probe, "a long stream");
        st_record_clear(&probe.sent);
    }
}

/* ---- leaks
 * --------------------------------------------------------------------------------------------------- */

static uint32_t count_entries(const char *path)
{
    DIR           *folder = opendir(path);
    struct dirent *entry;
    uint32_t       count = 0;
    while (folder && (entry = readdir(folder))) count += entry->d_name[0] != '.';
    if (folder) closedir(folder);
    return count;
}

static size_t memory_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Threads end a moment after they were joined or told to. */
static uint32_t threads_after(uint32_t before)
{
    uint32_t now = count_entries("/proc/self/task");
    for (int i = 0; i < 100 && now > before; i++) {
        struct timespec pause = {0, 10000000};
        (void)nanosleep(&pause, NULL);
        now = count_entries("/proc/self/task");
    }
    return now;
}

/* malloc keeps up to 7 freed pieces of each small size aside for the thread and counts them as in use: let
 * it have them, so that they do not look like growth. */
static void fill_caches(void)
{
    enum { SIZES = 64, PIECES = 7 };
    void *pieces[SIZES][PIECES];
    for (size_t i = 0; i < SIZES; i++)
        for (size_t j = 0; j < PIECES; j++) pieces[i][j] = malloc(16 * i + 24);
    for (size_t i = 0; i < SIZES; i++)
        for (size_t j = 0; j < PIECES; j++) free(pieces[i][j]);
}

void st_suite_leaks(st_case *c)
{
    enum { WARM = 4, LIVES = 100 };
    size_t   before = 0, growth = 0;
    bool     grows = false;
    uint32_t files = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task"), now;
    st_plan  plan = st_drive_plan(c, 0);
    plan.cut = ST_TENTH;
    plan.n_segments = 2;
    plan.seconds = 0.3;
    /* A leak grows in every life. malloc keeps pieces aside and counts them as used, so one life or
     * another, with libFLAC up to forty of them, may seem to grow without any. */
    for (uint32_t i = 0; i < WARM + LIVES; i++) {
        st_record sent = {0};
        /* guards that were released stay for a while: the same number of them in each life */
        for (uint32_t g = 0; i < WARM && g < 200; g++) {
            st_guard *guard = st_guard_make(1, "nothing");
            if (guard) st_guard_release(guard);
        }
        if (!st_drive_good(c, &plan, "a life", &sent)) return;
        st_record_clear(&sent);
        if (i < WARM) fill_caches();
        now = i < WARM || memory_in_use() > before;
        growth = memory_in_use() - before;
        before = memory_in_use();
        if (!now) break;
        grows = i + 1 == WARM + LIVES;
    }
    now = count_entries("/proc/self/fd");
    if (now > files) st_suite_fail(c, "leaves %u files open after some lives", now - files);
    now = threads_after(threads);
    if (now > threads) st_suite_fail(c, "leaves %u threads behind after some lives", now - threads);
    if (grows) st_suite_fail(c, "keeps memory: %zu bytes more after each life, from open to close", growth);
}

/* ---- standard output
 * ------------------------------------------------------------------------------------------- */

void st_suite_quiet(st_case *c)
{
    char    line[120] = "";
    ssize_t length;
    st_plan plan = st_drive_plan(c, 0);
    int     caught = memfd_create("standard output", 0), before = dup(STDOUT_FILENO);
    if (touches_files(c->stage) && c->stage->n_inputs && !c->stage->n_outputs) {
        st_suite_skip(c, "a sink may write to standard output");
    } else if (caught < 0 || before < 0) {
        st_suite_skip(c, "no file to be had");
    } else {
        (void)fflush(stdout);
        (void)dup2(caught, STDOUT_FILENO);
        (void)st_drive_good(c, &plan, "a life", NULL);
        (void)fflush(stdout);
        (void)dup2(before, STDOUT_FILENO);
        length = pread(caught, line, sizeof line - 1, 0);
        if (length > 0) {
            line[strcspn(line, "\n")] = 0;
            st_suite_fail(c, "prints to standard output: '%s'", line);
        }
    }
    if (caught >= 0) (void)close(caught);
    if (before >= 0) (void)close(before);
}

/* ---- sources
 * ------------------------------------------------------------------------------------------------------ */

void st_suite_source(st_case *c)
{
    st_record first = {0}, second = {0};
    st_plan   plan = st_drive_plan(c, 0);
    char      words[500];
    uint32_t  begun = 0, ended = 0, packets = 0;
    if (!st_drive_good(c, &plan, "a run", &first) || c->verdict != ST_PASSED) return;
    for (uint32_t i = 0; i < first.count; i++) {
        const st_sent *item = &first.items[i];
        begun += item->event == STAPES_SEGMENT_BEGIN;
        ended += item->event == STAPES_SEGMENT_END;
        packets += !item->event;
        if (!item->event && begun == ended) {
            st_suite_fail(c, "emits a packet outside of any segment (SEGMENT_BEGIN ... SEGMENT_END)");
            break;
        }
    }
    if (begun != ended) st_suite_fail(c, "%u segments begin, %u end", begun, ended);
    if (!packets) st_suite_skip(c, "it ended without a packet");
    if (st_drive_good(c, &plan, "another run", &second) &&
        !st_record_same(&second, 0, &first, 0, true, words, sizeof words))
        st_suite_fail(c, "a second run gives something else than the first: %s", words);
    st_record_clear(&first);
    st_record_clear(&second);
}
