/* suite.h - what the tests of the contract suite share: a case (one test of one stage in its process),
 * the formats it may use, and the tables of tests. */
#ifndef ST_SUITE_H
#define ST_SUITE_H

#include "plugin/child.h"
#include "plugin/loader.h"
#include "suite/verify.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ST_SUITE_PORTS = 16, ST_SUITE_COMBINATIONS = 3 };

/* One format for each input that the stage accepted together. */
typedef struct st_combination {
    stapes_format inputs[ST_SUITE_PORTS];
} st_combination;

/* An object that stages share (host->share). */
typedef struct st_suite_shared {
    struct st_suite_shared *next;
    char                   *key;
    void                   *object;
    void (*destroy)(void *object);
    void    *users[16]; /* instances */
    uint32_t n_users;
} st_suite_shared;

typedef struct st_case {
    const st_verify_options *options;
    const char              *path;
    const char              *stage_name; /* "" for a test of the file */
    const char              *test;
    const char              *folder; /* for files that stages write; "" where there is none */
    st_arena                 arena;
    st_loaded                loaded; /* by st_suite_load */
    const stapes_stage      *stage;
    st_combination           combinations[ST_SUITE_COMBINATIONS];
    uint32_t                 n_combinations;
    uint64_t                 seed, random;
    double                   until; /* loops end here, on the clock of st_suite_now */
    int                      verdict;
    char                     words[900];
    char                     doing[200]; /* told when the process crashes */
    pthread_mutex_t          verdict_mutex;
    atomic_uint              filling; /* what new packets are filled with */
    st_child_answer         *answer;
    const char              *kept[64]; /* strings of formats, by st_suite_keep */
    uint32_t                 n_kept;
    pthread_mutex_t          shared_mutex;
    st_suite_shared         *shared;
} st_case;

/* A test: does its work on the case and leaves its verdict there. */
typedef struct st_suite_test {
    const char *name, *claim;
    void (*run)(st_case *c);
    uint32_t needs; /* enum st_suite_needs */
} st_suite_test;

enum st_suite_needs {
    ST_OF_FILE = 1,   /* the file, not loaded before */
    ST_OF_STAGE = 2,  /* a loaded stage that can be opened */
    ST_OF_STREAM = 4, /* one with inputs, and formats that it accepts */
    ST_OF_SOURCE = 8  /* one without inputs */
};

/* The tests, in the order in which they run; the first of the stage finds the formats. */
extern const st_suite_test st_suite_tests[];
extern const uint32_t      st_suite_count;

/* A format from "frames columns=80 hop=10ms recipe=...", and the other way round; strings live in the
 * arena. False with words in `wrong`. suite_formats.c */
bool st_suite_read_format(const char *text, st_arena *arena, stapes_format *format, char *wrong, size_t size);
char *st_suite_write_format(const stapes_format *format, st_arena *arena);

/* Loads the plugin into this process and finds the stage. Negative: the verdict is set. */
int st_suite_load(st_case *c);

/* Verdicts: the first failure stays; a failure outweighs a skip. */
void st_suite_fail(st_case *c, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);
void st_suite_skip(st_case *c, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);

/* The same string, living as long as the case; kept once however often it comes. NULL for NULL. */
const char *st_suite_keep(st_case *c, const char *text);

/* Monotone seconds. */
double st_suite_now(void);

/* The next random number of the case; below `count`. */
uint64_t st_suite_random(uint64_t *state);
uint32_t st_suite_below(uint64_t *state, uint32_t count);

/* suite_file.c */
void st_suite_loads(st_case *c);
void st_suite_imports(st_case *c);
void st_suite_descriptor(st_case *c);
/* suite_formats.c */
void st_suite_formats(st_case *c);
/* suite_stream.c */
void st_suite_life(st_case *c);
void st_suite_time(st_case *c);
void st_suite_cuts(st_case *c);
void st_suite_threads(st_case *c);
void st_suite_reset(st_case *c);
void st_suite_instances(st_case *c);
void st_suite_events(st_case *c);
/* suite_batch.c */
void st_suite_batch(st_case *c);
/* suite_fault.c */
void st_suite_memory(st_case *c);
void st_suite_refusals(st_case *c);
void st_suite_cancel(st_case *c);
void st_suite_numbers(st_case *c);
/* suite_left.c: what a stage uses, and leaves behind */
void st_suite_steady(st_case *c);
void st_suite_leaks(st_case *c);
void st_suite_quiet(st_case *c);
void st_suite_source(st_case *c);

/* Whether what it calls in its stream can be counted from now on (st_hook_reset), with the reason in
 * `words` if not; and the failure where something was counted. suite_left.c */
bool st_suite_counts(st_case *c, const char **words);
void st_suite_check_counts(st_case *c, const char *in);

#endif
