/* call.h - one command line, taken apart by the tables of commands.h. */
#ifndef ST_CALL_H
#define ST_CALL_H

#include "cli/commands.h"
#include "contract/arena.h"
#include <stapes/runtime.h>

#include <stdbool.h>

typedef struct st_given {
    const st_command_option *option;
    const char              *value; /* a flag: "yes" or "no" */
} st_given;

typedef struct st_call {
    const st_command *command;
    const char       *name;        /* what people typed: "run", "transcribe" */
    bool              is_pipeline; /* the name is a pipeline's, not a command's */
    st_given         *given;       /* in their order */
    uint32_t          n_given;
    const char      **arguments;
    uint32_t          n_arguments;

    /* More options, known once the first argument is (those of a pipeline). */
    const st_command_option *more;
    uint32_t                 n_more;

    void *user;                  /* of the command, from its `first` to its end */
    void (*release)(void *user); /* called by st_call_close, or NULL */

    bool                   help;    /* --help was among them */
    stapes_runtime_options runtime; /* from the global options */
    st_arena               arena;   /* of all above */
} st_call;

/* Looks for the options that decide where pipelines and plugins are found, so that they hold wherever on
 * the line they stand. */
void st_call_foresee(st_call *call, const char *const *words, uint32_t count);

/* Takes `count` words (those after the command's name) apart. Returns 0 or, after words on standard
 * error, an exit code. A table of the command's own is used, then call->more, then the global one. When
 * the first argument is there the command's `first` is called, which may fill call->more. */
int st_call_parse(st_call *call, const char *const *words, uint32_t count);

/* Whether there are as many arguments as the command takes. Returns 0 or, after words, 2. */
int st_call_count(st_call *call);

/* The last value given for this option, or NULL. */
const char *st_call_value(const st_call *call, const char *option);

/* Whether this flag was given (and not taken back by --no-...). */
bool st_call_flag(const st_call *call, const char *option);

/* A mistake of usage: "stapes run: ...", and where help is. Returns 2. */
int st_call_wrong(const st_call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));

void st_call_close(st_call *call);

#endif
