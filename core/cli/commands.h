/* commands.h - the tables of what the program `stapes` can do: commands, their arguments and options.
 * Help, mistakes of usage, shell completion and docs/commands.md are all made from them. */
#ifndef ST_COMMANDS_H
#define ST_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

/* What the shell offers for a word. */
enum st_completes {
    ST_NO_WORDS,
    ST_FILES,
    ST_DIRECTORIES,
    ST_CHOICES, /* of the row's `choices` */
    ST_COMMANDS,
    ST_PIPELINE_NAMES, /* and files */
    ST_STAGE_NAMES,    /* and files */
    ST_MODEL_NAMES     /* and folders */
};

/* An option, --name or -letter. */
typedef struct st_command_option {
    const char *name;
    char        letter; /* 0: none */
    bool        flag;   /* takes no value but maybe "--name=no"; its opposite is --no-name */
    int         completes;
    const char *value;   /* what stands for its value in the help: "FILE" */
    const char *choices; /* "bash|zsh", or NULL */
    const char *help;
    const char *initial; /* the default, to be shown, or NULL */
} st_command_option;

struct st_call;

typedef struct st_command {
    const char              *name;
    const char              *arguments; /* as the help shows them, "" for none */
    uint32_t                 least, most;
    int                      completes; /* what the shell offers for an argument */
    const char              *choices;   /* with ST_CHOICES; arguments are checked against them */
    const char              *summary;   /* one line */
    const char              *details;   /* paragraphs, or NULL */
    const char              *examples;  /* command lines, each with '\n' at its end, or NULL */
    const st_command_option *options;
    uint32_t                 n_options;
    int (*first)(struct st_call *call, const char *argument); /* see st_call_first, or NULL */
    int (*run)(struct st_call *call);                         /* returns the exit code */
} st_command;

#define ST_ANY_NUMBER UINT32_MAX

extern const st_command st_commands[];
extern const uint32_t   st_commands_count;

/* Options that every command takes. */
extern const st_command_option st_commands_global[];
extern const uint32_t          st_commands_global_count;

/* The row of that name, or NULL. */
const st_command *st_commands_find(const char *name);

/* The functions of the table; each is in the file of its name. */
int st_run_first(struct st_call *call, const char *argument);
int st_run_command(struct st_call *call);
int st_list_command(struct st_call *call);
int st_inspect_command(struct st_call *call);
int st_diagnose_command(struct st_call *call);
int st_picture_command(struct st_call *call);
int st_new_command(struct st_call *call);
int st_conform_command(struct st_call *call);
int st_bench_command(struct st_call *call);
int st_quantize_command(struct st_call *call);
int st_doctor_command(struct st_call *call);
int st_help_command(struct st_call *call);
int st_help_version(struct st_call *call);
int st_completion_command(struct st_call *call);

#endif
