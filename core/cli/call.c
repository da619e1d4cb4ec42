/* call.c - see call.h. Options may stand anywhere; "--" ends them; "--name=value" and "--name value" are
 * the same; "-" is an argument. */
#include "cli/call.h"
#include "cli/talk.h"
#include "plugin/parameter.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_THREADS = 1024 };

int st_call_wrong(const st_call *call, const char *format, ...)
{
    char    words[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    fprintf(stderr, "stapes %s: %s\n", call->name, words);
    fprintf(stderr, "see 'stapes %s --help'\n", call->name);
    return 2;
}

const char *st_call_value(const st_call *call, const char *option)
{
    for (uint32_t i = call->n_given; i > 0; i--)
        if (strcmp(call->given[i - 1].option->name, option) == 0) return call->given[i - 1].value;
    return NULL;
}

bool st_call_flag(const st_call *call, const char *option)
{
    const char *value = st_call_value(call, option);
    return value && strcmp(value, "no") != 0;
}

/* Table number `i` of those that hold for this call, in the order in which they are searched. */
static const st_command_option *table_of(const st_call *call, int i, uint32_t *count)
{
    if (i == 0) {
        *count = call->command->n_options;
        return call->command->options;
    }
    if (i == 1) {
        *count = call->n_more;
        return call->more;
    }
    *count = st_commands_global_count;
    return st_commands_global;
}

static const st_command_option *find_long(const st_call *call, const char *name, size_t length)
{
    for (int t = 0; t < 3; t++) {
        uint32_t                 count;
        const st_command_option *table = table_of(call, t, &count);
        for (uint32_t i = 0; i < count; i++)
            if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
                return &table[i];
    }
    return NULL;
}

static const st_command_option *find_letter(const st_call *call, char letter)
{
    for (int t = 0; t < 3; t++) {
        uint32_t                 count;
        const st_command_option *table = table_of(call, t, &count);
        for (uint32_t i = 0; i < count; i++)
            if (table[i].letter && table[i].letter == letter) return &table[i];
    }
    return NULL;
}

static int unknown_option(const st_call *call, const char *name, size_t length)
{
    const char *names[128];
    uint32_t    n = 0;
    char        word[128];
    const char *near;
    (void)snprintf(word, sizeof word, "%.*s", (int)(length < 120 ? length : 120), name);
    for (int t = 0; t < 3; t++) {
        uint32_t                 count;
        const st_command_option *table = table_of(call, t, &count);
        for (uint32_t i = 0; i < count && n < 128; i++) names[n++] = table[i].name;
    }
    near = st_parameter_nearest(word, names, n);
    if (near) return st_call_wrong(call, "unknown option '--%s'; did you mean '--%s'?", word, near);
    if (!call->is_pipeline && strcmp(call->command->name, "run") == 0 && call->n_arguments == 0)
        return st_call_wrong(call, "unknown option '--%s' (options of a pipeline come after its name)", word);
    return st_call_wrong(call, "unknown option '--%s'", word);
}

static bool is_choice(const char *choices, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = choices;; at++) {
        size_t n = strcspn(at, "|");
        if (n == length && strncmp(at, word, n) == 0) return true;
        if (!at[n]) return false;
        at += n;
    }
}

/* The one of `choices` that was meant, with words around it, or "". In the arena. */
static const char *meant(st_call *call, const char *choices, const char *word)
{
    const char *names[16], *near, *words;
    char       *rest = st_arena_string(&call->arena, choices);
    uint32_t    n = 0;
    while (n < 16 && (names[n] = strsep(&rest, "|"))) n++;
    near = st_parameter_nearest(word, names, n);
    words = near ? st_arena_format(&call->arena, "; did you mean '%s'?", near) : "";
    return words ? words : "";
}

static int keep(st_call *call, const st_command_option *option, const char *value)
{
    if (option->choices && !option->flag && !is_choice(option->choices, value))
        return st_call_wrong(call, "--%s is one of %s, not '%s'%s", option->name, option->choices, value,
                             meant(call, option->choices, value));
    call->given[call->n_given++] = (st_given){option, value};
    if (strcmp(option->name, "help") == 0) call->help = true;
    return 0;
}

/* One word that starts with "--". `next` is the word after it, or NULL. */
static int long_option(st_call *call, const char *word, const char *next, bool *used_next)
{
    const char              *name = word + 2, *equals = strchr(name, '=');
    size_t                   length = equals ? (size_t)(equals - name) : strlen(name);
    const st_command_option *option = find_long(call, name, length);
    if (!option && length > 3 && strncmp(name, "no-", 3) == 0 && !equals) {
        option = find_long(call, name + 3, length - 3);
        if (option && option->flag) return keep(call, option, "no");
        option = NULL;
    }
    if (!option) return unknown_option(call, name, length);
    if (option->flag) {
        const char *value = equals ? equals + 1 : "yes";
        if (strcmp(value, "true") == 0 || strcmp(value, "on") == 0 || strcmp(value, "1") == 0) value = "yes";
        if (strcmp(value, "false") == 0 || strcmp(value, "off") == 0 || strcmp(value, "0") == 0) value = "no";
        if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
            return st_call_wrong(call, "--%s is yes or no, not '%s'", option->name, value);
        return keep(call, option, value);
    }
    if (equals) return keep(call, option, equals + 1);
    if (!next)
        return st_call_wrong(call, "--%s needs a value: --%s %s", option->name, option->name, option->value);
    *used_next = true;
    return keep(call, option, next);
}

/* One word that starts with "-": flags in a row ("-qv"), the last may take a value ("-o x", "-ox"). */
static int short_options(st_call *call, const char *word, const char *next, bool *used_next)
{
    for (const char *at = word + 1; *at; at++) {
        const st_command_option *option = find_letter(call, *at);
        int                      wrong;
        if (!option) return st_call_wrong(call, "unknown option '-%c' in '%s'", *at, word);
        if (option->flag) {
            if ((wrong = keep(call, option, "yes"))) return wrong;
            continue;
        }
        if (at[1]) return keep(call, option, at + 1);
        if (!next) return st_call_wrong(call, "-%c needs a value: -%c %s", *at, *at, option->value);
        *used_next = true;
        return keep(call, option, next);
    }
    return 0;
}

/* What the global options say, now that all words are known for what they are. */
static int take_globals(st_call *call)
{
    const char *threads = st_call_value(call, "threads");
    if (threads) {
        char *end;
        long  n = strtol(threads, &end, 10);
        if (*end || end == threads || n < 0 || n > MOST_THREADS)
            return st_call_wrong(call, "--threads is a number 0 to %d (0: one for each core), not '%s'",
                                 MOST_THREADS, threads);
    }
    return 0;
}

/* The value of --name in words[i], which may be in the next word; else NULL. */
static const char *foreseen(const char *const *words, uint32_t count, uint32_t i, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(words[i], "--", 2) != 0 || strncmp(words[i] + 2, name, length) != 0) return NULL;
    if (words[i][2 + length] == '=') return words[i] + 3 + length;
    return words[i][2 + length] == 0 && i + 1 < count ? words[i + 1] : NULL;
}

void st_call_foresee(st_call *call, const char *const *words, uint32_t count)
{
    call->runtime.size = sizeof call->runtime;
    call->runtime.message = st_talk_message;
    call->runtime.rejected = st_talk_rejected;
    for (uint32_t i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
        const char *value;
        if ((value = foreseen(words, count, i, "plugin-path"))) call->runtime.plugin_path = value;
        if ((value = foreseen(words, count, i, "pipeline-path"))) call->runtime.pipeline_path = value;
        if ((value = foreseen(words, count, i, "model-path"))) call->runtime.model_path = value;
        if ((value = foreseen(words, count, i, "threads"))) {
            long n = strtol(value, NULL, 10);
            call->runtime.threads = n > 0 && n <= MOST_THREADS ? (uint32_t)n : 0;
        }
        if (strcmp(words[i], "--verbose") == 0 || strcmp(words[i], "-v") == 0)
            st_talk_set_level(ST_TALK_VERBOSE);
        if (strcmp(words[i], "--quiet") == 0 || strcmp(words[i], "-q") == 0) st_talk_set_level(ST_TALK_QUIET);
    }
}

int st_call_parse(st_call *call, const char *const *words, uint32_t count)
{
    bool options = true;
    int  wrong;
    /* a word gives one option at most, or as many as it has letters */
    size_t room = 1;
    for (uint32_t i = 0; i < count; i++) room += strlen(words[i]) + 1;
    call->given = st_arena_take(&call->arena, room, sizeof *call->given);
    call->arguments = st_arena_take(&call->arena, (size_t)count + 1, sizeof *call->arguments);
    if (!call->given || !call->arguments) {
        st_talk_error("out of memory");
        return 4;
    }
    if (call->is_pipeline && (wrong = call->command->first(call, call->name))) return wrong;
    for (uint32_t i = 0; i < count; i++) {
        const char *word = words[i], *next = i + 1 < count ? words[i + 1] : NULL;
        bool        used_next = false;
        wrong = 0;
        if (options && strcmp(word, "--") == 0)
            options = false;
        else if (options && strncmp(word, "--", 2) == 0)
            wrong = long_option(call, word, next, &used_next);
        else if (options && word[0] == '-' && word[1])
            wrong = short_options(call, word, next, &used_next);
        else {
            call->arguments[call->n_arguments++] = word;
            if (call->n_arguments == 1 && call->command->first && !call->is_pipeline)
                wrong = call->command->first(call, word);
        }
        if (wrong) return wrong;
        if (used_next) i++;
    }
    return take_globals(call);
}

int st_call_count(st_call *call)
{
    const st_command *command = call->command;
    if (call->n_arguments < command->least) {
        if (command->least == 1) return st_call_wrong(call, "%s is missing", command->arguments);
        return st_call_wrong(call, "takes %s", command->arguments);
    }
    if (call->n_arguments > command->most) {
        const char *extra = call->arguments[command->most];
        if (command->most == 0) return st_call_wrong(call, "takes no arguments; what is '%s'?", extra);
        return st_call_wrong(call, "takes %s; what is '%s'?", command->arguments, extra);
    }
    /* completion checks its own: it also takes what the scripts ask */
    for (uint32_t i = 0; command->choices && command->most == 1 && i < call->n_arguments; i++)
        if (!is_choice(command->choices, call->arguments[i]))
            return st_call_wrong(call, "takes %s, not '%s'%s", command->arguments, call->arguments[i],
                                 meant(call, command->choices, call->arguments[i]));
    return 0;
}

void st_call_close(st_call *call)
{
    if (call->release) call->release(call->user);
    call->release = NULL;
    st_arena_close(&call->arena);
}
