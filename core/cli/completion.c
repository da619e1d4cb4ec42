/* completion.c - `stapes completion`: scripts for bash and zsh. The scripts know nothing: they ask the
 * program (`stapes completion words -- INDEX WORD...`), which answers from the tables, one word and its
 * help with a tab between on each line; ":files" and ":folders" leave the rest to the shell. */
#include "cli/bench.h"
#include "cli/options.h"
#include "cli/run.h"
#include "cli/talk.h"
#include "plugin/place.h"
#include "runtime/engine.h"

#include <stdlib.h>
#include <string.h>

static const char bash_script[] =
    "# bash completion of stapes, printed by `stapes completion bash`\n"
    "_stapes() {\n"
    "    local current word rest name\n"
    "    COMPREPLY=()\n"
    "    current=${COMP_WORDS[COMP_CWORD]}\n"
    "    [[ $current == \"=\" ]] && current=\n"
    "    while IFS=$'\\t' read -r word rest; do\n"
    "        case $word in\n"
    "        :files)\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            while IFS= read -r name; do COMPREPLY+=(\"$name\"); done < <(compgen -f -- \"$current\")\n"
    "            ;;\n"
    "        :folders)\n"
    "            compopt -o filenames 2>/dev/null\n"
    "            while IFS= read -r name; do COMPREPLY+=(\"$name\"); done < <(compgen -d -- \"$current\")\n"
    "            ;;\n"
    "        *=)\n"
    "            compopt -o nospace 2>/dev/null\n"
    "            COMPREPLY+=(\"$word\")\n"
    "            ;;\n"
    "        ?*) COMPREPLY+=(\"$word\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" completion words -- \"$COMP_CWORD\" \"${COMP_WORDS[@]}\" "
    "2>/dev/null)\n"
    "}\n"
    "complete -F _stapes stapes\n";

static const char zsh_script[] = "#compdef stapes\n"
                                 "# zsh completion of stapes, printed by `stapes completion zsh`\n"
                                 "_stapes() {\n"
                                 "    local line word files folders\n"
                                 "    local -a found open\n"
                                 "    for line in \"${(@f)$(\"${(Q)words[1]/#\\~/$HOME}\" completion words "
                                 "-- $((CURRENT - 1)) \"${(@Q)words}\" "
                                 "2>/dev/null)}\"; do\n"
                                 "        word=${line%%$'\\t'*}\n"
                                 "        case $word in\n"
                                 "        :files) files=1 ;;\n"
                                 "        :folders) folders=1 ;;\n"
                                 "        *=) open+=(\"$word\") ;;\n"
                                 "        ?*) found+=(\"${word//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
                                 "        esac\n"
                                 "    done\n"
                                 "    (( $#found )) && _describe -t words 'word' found\n"
                                 "    (( $#open )) && compadd -S '' -- $open\n"
                                 "    [[ -n $files ]] && _files\n"
                                 "    [[ -n $folders ]] && _files -/\n"
                                 "}\n"
                                 "if [[ ${funcstack[1]} == _stapes ]]; then\n"
                                 "    _stapes \"$@\"\n"
                                 "else\n"
                                 "    compdef _stapes stapes\n"
                                 "fi\n";

/* What is being asked. */
typedef struct question {
    st_call        *call;
    stapes_runtime *runtime;
    const st_graph *graph;  /* of the pipeline on the line, or NULL */
    const char     *prefix; /* of the word under the cursor */
} question;

static void offer(const question *q, const char *word, const char *help)
{
    if (strncmp(word, q->prefix, strlen(q->prefix)) != 0) return;
    printf("%s\t", word);
    for (const char *at = help ? help : ""; *at; at++) putchar(*at == '\t' || *at == '\n' ? ' ' : *at);
    putchar('\n');
}

static void offer_names(const question *q, int kind, const char *extra, const char *help)
{
    uint32_t           count = 0;
    const char *const *names = st_place_names(kind, extra, &q->call->arena, &count);
    for (uint32_t i = 0; names && i < count; i++) offer(q, names[i], help);
}

static void offer_stages(const question *q)
{
    uint32_t         count = 0;
    const st_listed *listed = st_registry_list(q->runtime->registry, &count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t k = 0; !listed[i].problem && k < listed[i].n_stages; k++)
            offer(q, listed[i].stages[k], listed[i].summaries[k]);
}

static void offer_choices(const question *q, const char *choices)
{
    while (choices && *choices) {
        size_t      n = strcspn(choices, "|");
        const char *word = st_arena_string_n(&q->call->arena, choices, n);
        if (word) offer(q, word, "");
        choices += n + (choices[n] == '|');
    }
}

static void offer_kind(const question *q, int completes, const char *choices)
{
    switch (completes) {
    case ST_FILES: puts(":files"); break;
    case ST_DIRECTORIES: puts(":folders"); break;
    case ST_CHOICES: offer_choices(q, choices); break;
    case ST_COMMANDS:
        for (uint32_t i = 0; i < st_commands_count; i++)
            offer(q, st_commands[i].name, st_commands[i].summary);
        offer_names(q, ST_PIPELINES, q->call->runtime.pipeline_path, "pipeline");
        break;
    case ST_PIPELINE_NAMES:
        offer_names(q, ST_PIPELINES, q->call->runtime.pipeline_path, "pipeline");
        puts(":files");
        break;
    case ST_STAGE_NAMES:
        offer_stages(q);
        puts(":files");
        break;
    case ST_MODEL_NAMES:
        offer_names(q, ST_MODELS, q->call->runtime.model_path, "model");
        puts(":folders");
        break;
    default: break;
    }
}

static void offer_options(const question *q, const st_command_option *rows, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *word = st_arena_format(&q->call->arena, "--%s", rows[i].name);
        if (word) offer(q, word, rows[i].help);
    }
}

/* "stage.parameter=" for each parameter of the pipeline. */
static void offer_parameters(const question *q)
{
    for (uint32_t i = 0; q->graph && i < q->graph->n_nodes; i++) {
        const st_node *node = &q->graph->nodes[i];
        for (uint32_t k = 0; k < node->stage->n_parameters; k++) {
            const stapes_parameter *row = &node->stage->parameters[k];
            const char             *word = st_arena_format(&q->call->arena, "%s.%s=", node->name, row->name);
            if (word) offer(q, word, row->help);
        }
    }
}

static const st_command_option *find_option(const st_command_option *rows, uint32_t count, const char *word)
{
    for (uint32_t i = 0; i < count; i++)
        if (strncmp(word, "--", 2) == 0
                ? strcmp(rows[i].name, word + 2) == 0
                : word[0] == '-' && rows[i].letter && word[1] == rows[i].letter && !word[2])
            return &rows[i];
    return NULL;
}

/* The words after the command; `index` is that of the word under the cursor among them. */
static void answer(question *q, const st_command *command, bool is_pipeline, const char *const *words,
                   uint32_t index)
{
    uint32_t                 n_more = 0, arguments = 0;
    const st_command_option *more = q->graph ? st_options_rows(q->graph, &q->call->arena, &n_more) : NULL;
    const st_command_option *awaits = NULL;
    bool                     ended = false;
    for (uint32_t i = 0; i < index; i++) {
        const char *word = words[i];
        if (awaits) {
            if (strcmp(word, "=") != 0) awaits = NULL;
        } else if (!ended && strcmp(word, "--") == 0) {
            ended = true;
        } else if (!ended && word[0] == '-' && word[1]) {
            awaits = find_option(command->options, command->n_options, word);
            if (!awaits) awaits = find_option(more, n_more, word);
            if (!awaits) awaits = find_option(st_commands_global, st_commands_global_count, word);
            if (awaits && awaits->flag) awaits = NULL;
        } else {
            arguments++;
        }
    }
    if (awaits) {
        if (strcmp(awaits->name, "set") == 0)
            offer_parameters(q);
        else
            offer_kind(q, awaits->completes, awaits->choices);
    } else if (!ended && q->prefix[0] == '-') {
        offer_options(q, more, n_more);
        offer_options(q, command->options, command->n_options);
        offer_options(q, st_commands_global, st_commands_global_count);
    } else if (q->graph && (is_pipeline || arguments > 0)) {
        if (q->graph->argument && q->graph->argument->n_targets)
            offer_kind(q, st_options_completes(q->graph->argument->target_parameters[0]),
                       q->graph->argument->target_parameters[0]->choices);
    } else if (strcmp(command->name, "bench") == 0) {
        for (uint32_t i = 0; i < st_bench_figures_count; i++)
            offer(q, st_bench_figures[i].name, st_bench_figures[i].help);
    } else if (arguments < command->most) {
        offer_kind(q, command->completes, command->choices);
    }
}

static int words_command(st_call *call)
{
    question           q = {.call = call, .prefix = ""};
    const st_command  *command = NULL;
    stapes_pipeline   *pipeline = NULL;
    stapes_error       error = {0};
    const char *const *words = call->arguments + 2;
    uint32_t           count = call->n_arguments - 2, at = 1, name_at;
    unsigned long      index = strtoul(call->arguments[1], NULL, 10);
    if (index >= count) return 2;
    q.prefix = strcmp(words[index], "=") == 0 ? "" : words[index];
    while (at < index && words[at][0] == '-') at++;
    name_at = at;
    q.runtime = stapes_open_runtime(&call->runtime, &error);
    if (!q.runtime) return 4;
    if (name_at >= index) {
        if (q.prefix[0] == '-')
            offer_options(&q, st_commands_global, st_commands_global_count);
        else
            offer_kind(&q, ST_COMMANDS, NULL);
    } else {
        const char *what = words[name_at];
        command = st_commands_find(what);
        if (command && strcmp(command->name, "run") == 0)
            what = name_at + 1 < index && words[name_at + 1][0] != '-' ? words[name_at + 1] : NULL;
        if (what && (!command || strcmp(command->name, "run") == 0))
            pipeline = st_run_load(q.runtime, what, &error);
        q.graph = pipeline ? st_pipeline_graph(pipeline) : NULL;
        if (command || pipeline)
            answer(&q, command ? command : st_commands_find("run"), !command, words + name_at + 1,
                   (uint32_t)index - name_at - 1);
    }
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(q.runtime);
    return 0;
}

int st_completion_command(st_call *call)
{
    const char *shell = call->arguments[0];
    if (strcmp(shell, "words") == 0 && call->n_arguments >= 3) return words_command(call);
    if (call->n_arguments > 1) return st_call_wrong(call, "takes %s", call->command->arguments);
    if (strcmp(shell, "bash") == 0)
        fputs(bash_script, stdout);
    else if (strcmp(shell, "zsh") == 0)
        fputs(zsh_script, stdout);
    else
        return st_call_wrong(call, "there is completion for bash and zsh, not for '%s'", shell);
    return 0;
}
