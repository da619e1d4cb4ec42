/* variant.c - little plugins for the tests of the loader: one source, built once for each VARIANT, a
 * good one and every way of being none. The test knows them by their file names (VARIANT.so). */
#include <stapes/stage.h>

#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GOOD 0
#define OLD_ABI 1
#define NEW_MAJOR 2
#define NEW_MINOR 3
#define NO_SYMBOL 4
#define WRONG_LAYOUT 5
#define CRASH 6
#define HANG 7
#define EXIT 8
#define PRINT 9
#define FAST_MATH 10
#define UNDEFINED 11
#define NULL_ENTRY 12
#define LONGER 13
#define TWO 14
#define ABORT 15
#define DAEMON 16
#define SLOW 17

typedef struct settings {
    float       gain;
    int32_t     style;
    const char *path;
    stapes_ints sizes;
    bool        loud;
} settings;

#if VARIANT != LONGER
static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, gain, "0.5", "what comes out for what goes in", .least = 0, .greatest = 4),
    STAPES_PARAMETER(settings, style, "kaldi", "whose way", .choices = "kaldi|whisper"),
    STAPES_PARAMETER(settings, path, NULL, "a file", .flags = STAPES_IS_INPUT_FILE),
    STAPES_PARAMETER(settings, sizes, "1,2,3", "sizes of things"),
    STAPES_PARAMETER(settings, loud, "yes", "say it", .flags = STAPES_IS_ADVANCED),
};
#endif
static const stapes_port inputs[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_AUDIO)}};
static const stapes_port outputs[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_AUDIO)}};

static int rows(const stapes_instance *me, const float *in, float *out, uint32_t n, uint32_t columns)
{
    const settings *s = me->settings;
    for (size_t i = 0; i < (size_t)n * columns; i++) out[i] = in[i] * s->gain;
    return STAPES_OK;
}

#if VARIANT == TWO
static const stapes_stage second = {
    .size = sizeof(stapes_stage),
    .name = "other.second",
    .summary = "lives in a file that is not named for its family",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .rows = rows,
};
#endif

#if VARIANT == LONGER
/* Built against a stage.h of a later time that still asks for minor 0: everything that may grow has. */
typedef struct longer_stage {
    stapes_stage now;
    void        *later[3];
} longer_stage;
typedef struct longer_parameter {
    stapes_parameter now;
    const char      *later;
} longer_parameter;
typedef struct longer_plugin {
    stapes_plugin now;
    uint64_t      later[4];
} longer_plugin;
static const longer_parameter longer_rows[] = {
    {.now = STAPES_PARAMETER(settings, gain, "0.25", "what comes out"), .later = "x"},
    {.now = STAPES_PARAMETER(settings, sizes, "7", "sizes of things"), .later = "y"},
};
static const longer_stage stage = {
    .now = {.size = sizeof(longer_stage),
            .name = "variant.scale",
            .summary = "scales",
            STAPES_INPUTS(inputs),
            STAPES_OUTPUTS(outputs),
            .parameters = &longer_rows[0].now,
            .n_parameters = STAPES_COUNT(longer_rows),
            .parameter_size = sizeof longer_rows[0],
            .settings_size = sizeof(settings),
            .rows = rows},
    .later = {(void *)&stage},
};
#else
static const stapes_stage stage = {
    .size = sizeof(stapes_stage),
    .name = "variant.scale",
    .summary = "scales",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .rows = rows,
};
#endif

#if VARIANT == CRASH || VARIANT == HANG || VARIANT == EXIT || VARIANT == PRINT || VARIANT == ABORT ||        \
    VARIANT == DAEMON || VARIANT == SLOW
__attribute__((constructor)) static void at_load(void)
{
#if VARIANT == CRASH
    (void)raise(SIGSEGV);
#elif VARIANT == HANG
    for (;;) pause();
#elif VARIANT == EXIT
    exit(3);
#elif VARIANT == ABORT
    abort();
#elif VARIANT == SLOW
    (void)usleep(200000);
#elif VARIANT == DAEMON
    if (!fork()) { /* a process that stays and holds every descriptor */
        (void)sleep(600);
        _exit(0);
    }
#else
    printf("a plugin that talks\n");
    fflush(stdout);
#endif
}
#endif

#if VARIANT == UNDEFINED
extern int nobody_defines_this(void);
int        uses_it(void);
int        uses_it(void) { return nobody_defines_this(); }
#endif

#if VARIANT == NO_SYMBOL
const void *something_else(void);
const void *something_else(void) { return &stage; }
#elif VARIANT == OLD_ABI || VARIANT == NEW_MAJOR || VARIANT == NEW_MINOR || VARIANT == WRONG_LAYOUT ||       \
    VARIANT == NULL_ENTRY
const stapes_plugin *stapes_plugin_entry(void)
{
    static const stapes_stage *const stages[] = {&stage};
    static const stapes_plugin       plugin = {sizeof(stapes_plugin),
                                         VARIANT == OLD_ABI     ? 0
                                               : VARIANT == NEW_MAJOR ? 2
                                                                      : STAPES_ABI_MAJOR,
                                         VARIANT == NEW_MINOR ? 99 : 0,
                                         VARIANT == WRONG_LAYOUT ? STAPES_LAYOUT + 8 : STAPES_LAYOUT,
                                               1,
                                               "variant",
                                               "1.0.0",
                                               "MIT",
                                               stages};
    return VARIANT == NULL_ENTRY ? NULL : &plugin;
}
#elif VARIANT == LONGER
const stapes_plugin *stapes_plugin_entry(void)
{
    static const stapes_stage *const stages[] = {&stage.now};
    static const longer_plugin plugin = {.now = {sizeof(longer_plugin), STAPES_ABI_MAJOR, 0, STAPES_LAYOUT, 1,
                                                 "variant", "1.0.0", "MIT", stages},
                                         .later = {~0ull, ~0ull, ~0ull, ~0ull}};
    return &plugin.now;
}
#elif VARIANT == TWO
STAPES_PLUGIN("two", "1.2.3", "MIT", &stage, &second);
#else
STAPES_PLUGIN("variant", "1.0.0", "MIT", &stage);
#endif
