/* conform.c - `stapes verify`: the contract suite (suite/verify.h) over anybody's plugin. */
#include "cli/call.h"
#include "cli/talk.h"
#include "contract/error.h"
#include "suite/verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int list_tests(void)
{
    for (uint32_t i = 0; i < st_verify_count(); i++) {
        const char *name = st_verify_name(i);
        printf("%-18s ", name);
        st_talk_wrap(stdout, st_verify_claim(i), 19, strlen(name) > 18 ? 20 : 19, st_talk_width(stdout));
    }
    return 0;
}

/* All values given for a repeated option. */
static const char *const *all_of(st_call *call, const char *option, uint32_t *count)
{
    const char **values = st_arena_take(&call->arena, (size_t)call->n_given + 1, sizeof *values);
    *count = 0;
    for (uint32_t i = 0; values && i < call->n_given; i++)
        if (strcmp(call->given[i].option->name, option) == 0) values[(*count)++] = call->given[i].value;
    return values;
}

/* Numbers of options. Returns 0 or, after words, 2. */
static int read_numbers(st_call *call, st_verify_options *options)
{
    const char *seed = st_call_value(call, "seed"), *limit = st_call_value(call, "limit");
    char       *end;
    if (seed) {
        errno = 0;
        options->seed = strtoull(seed, &end, 0);
        if (errno || *end || end == seed || *seed == '-')
            return st_call_wrong(call, "--seed is a whole number, not '%s'", seed);
    }
    if (limit) {
        options->seconds = strtod(limit, &end);
        if (*end || end == limit || !(options->seconds > 0) || options->seconds > 86400)
            return st_call_wrong(call, "--limit is a number of seconds above 0 and up to 86400, not '%s'",
                                 limit);
    }
    return 0;
}

int st_conform_command(st_call *call)
{
    st_verify_options options = {.stage = st_call_value(call, "stage"),
                                 .test = st_call_value(call, "test"),
                                 .model_path = call->runtime.model_path,
                                 .verbose = st_talk_level() >= ST_TALK_VERBOSE,
                                 .here = st_call_flag(call, "here")};
    int               form = st_call_flag(call, "json")    ? ST_VERIFY_JSON
                             : st_call_flag(call, "junit") ? ST_VERIFY_JUNIT
                                                           : ST_VERIFY_TEXT;
    st_verify_writer *writer;
    stapes_error      worst = {0}, error = {0};
    int               wrong = read_numbers(call, &options);
    if (wrong) return wrong;
    if (st_call_flag(call, "list")) return list_tests();
    if (call->n_arguments == 0) return st_call_wrong(call, "%s is missing", call->command->arguments);
    options.set = all_of(call, "set", &options.n_set);
    options.formats = all_of(call, "format", &options.n_formats);
    writer = options.set && options.formats ? st_verify_writer_open(stdout, form) : NULL;
    if (!writer) {
        st_talk_error("out of memory");
        return 4;
    }
    for (uint32_t i = 0; i < call->n_arguments; i++) {
        error = (stapes_error){0};
        if (st_verify_plugin(call->arguments[i], &options, st_verify_write, writer, &error) >= 0) continue;
        /* what failed is in the results; a file that is no plugin is not */
        if (error.status != STAPES_ECONTRACT) st_talk_failure(&error);
        if (worst.status == 0) worst = error;
    }
    error = (stapes_error){0};
    if (st_verify_writer_close(writer, &error) < 0 && worst.status == 0) {
        worst = error;
        if (!ferror(stdout)) st_talk_failure(&error);
    }
    return st_error_exit_code(worst.status);
}
