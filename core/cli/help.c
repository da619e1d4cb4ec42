/* help.c - `stapes help`, `stapes version`, every --help, and docs/commands.md. */
#include "cli/help.h"
#include "cli/options.h"
#include "cli/run.h"
#include "cli/talk.h"
#include "plugin/parameter.h"
#include "plugin/place.h"
#include "runtime/engine.h"

#include <string.h>

static void option_line(FILE *file, const st_command_option *option, int width)
{
    char left[128], letter[8] = "    ", help[1024];
    if (option->letter) (void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
    if (option->flag)
        (void)snprintf(left, sizeof left, "  %s--%s", letter, option->name);
    else
        (void)snprintf(left, sizeof left, "  %s--%s %s", letter, option->name, option->value);
    if (option->initial && !(option->flag && strcmp(option->initial, "false") == 0))
        (void)snprintf(help, sizeof help, "%s (default: %s)", option->help, option->initial);
    else
        (void)snprintf(help, sizeof help, "%s", option->help);
    fputs(left, file);
    st_talk_wrap(file, help, 32, (int)strlen(left), width);
}

static void option_lines(FILE *file, const char *title, const st_command_option *options, uint32_t count,
                         int width)
{
    if (count == 0) return;
    fprintf(file, "\n%s\n", title);
    for (uint32_t i = 0; i < count; i++) option_line(file, &options[i], width);
}

int st_help_print(const st_command *command)
{
    int width = st_talk_width(stdout);
    printf("stapes %s%s%s - ", command->name, command->arguments[0] ? " " : "", command->arguments);
    st_talk_wrap(stdout, command->summary, 2, 2, 4096);
    if (command->details) {
        putchar('\n');
        st_talk_wrap(stdout, command->details, 0, 0, width);
    }
    option_lines(stdout, "options", command->options, command->n_options, width);
    option_lines(stdout, "options of every command", st_commands_global, st_commands_global_count, width);
    if (command->examples) {
        fputs("\nexamples\n", stdout);
        for (const char *at = command->examples; *at;) {
            size_t n = strcspn(at, "\n");
            printf("  %.*s\n", (int)n, at);
            at += n + (at[n] == '\n');
        }
    }
    return 0;
}

int st_help_pipeline(st_call *call, const st_graph *graph)
{
    uint32_t                 count = 0;
    int                      width = st_talk_width(stdout);
    const st_command_option *rows = st_options_rows(graph, &call->arena, &count);
    const char              *argument = st_options_argument(graph, &call->arena);
    printf("stapes %s%s%s%s", call->is_pipeline ? "" : "run ",
           call->is_pipeline ? call->name : call->arguments[0], argument[0] ? " " : "", argument);
    if (graph->summary) printf(" - %s", graph->summary);
    putchar('\n');
    if (graph->argument && graph->argument->help) {
        putchar('\n');
        printf("  %s", argument);
        st_talk_wrap(stdout, graph->argument->help, 32, 2 + (int)strlen(argument), width);
    }
    option_lines(stdout, "options of this pipeline", rows, rows ? count : 0, width);
    option_lines(stdout, "options of every run", call->command->options, call->command->n_options, width);
    option_lines(stdout, "options of every command", st_commands_global, st_commands_global_count, width);
    if (graph->file && strchr(graph->file, '/')) printf("\npipeline file: %s\n", graph->file);
    return 0;
}

/* The summary of a pipeline file that can be read, or "". */
static void pipeline_lines(st_call *call)
{
    uint32_t           count = 0;
    const char *const *names = st_place_names(ST_PIPELINES, call ? call->runtime.pipeline_path : NULL,
                                              call ? &call->arena : NULL, &count);
    if (!names || count == 0) return;
    fputs("\npipelines\n ", stdout);
    for (uint32_t i = 0; i < count; i++) printf(" %s", names[i]);
    putchar('\n');
}

int st_help_short(void)
{
    st_call call = {.name = "help"};
    printf("stapes %s: stages of speech recognition, wired by pipeline files\n\n", stapes_version());
    fputs("  stapes PIPELINE [OPTIONS] [FILE...]   runs a pipeline\n"
          "  stapes COMMAND [OPTIONS] [ARGUMENTS]\n\ncommands\n",
          stdout);
    for (uint32_t i = 0; i < st_commands_count; i++) {
        printf("  %-12s", st_commands[i].name);
        st_talk_wrap(stdout, st_commands[i].summary, 14, 14, st_talk_width(stdout));
    }
    pipeline_lines(&call);
    fputs("\nstapes help COMMAND (or PIPELINE) says more.\n", stdout);
    st_call_close(&call);
    return 0;
}

/* ---- docs/commands.md ---- */

static void markdown_options(const st_command_option *options, uint32_t count)
{
    fputs("\n| option | what it does |\n|---|---|\n", stdout);
    for (uint32_t i = 0; i < count; i++) {
        const st_command_option *row = &options[i];
        fputs("| `", stdout);
        if (row->letter) printf("-%c, ", row->letter);
        printf("--%s", row->name);
        if (!row->flag) {
            putchar(' ');
            for (const char *at = row->value; *at; at++) printf(*at == '|' ? "\\%c" : "%c", *at);
        }
        printf("` | %s", row->help);
        if (row->initial) printf(" (default: `%s`)", row->initial);
        fputs(" |\n", stdout);
    }
}

static void markdown_command(const st_command *command)
{
    printf("\n## stapes %s\n\n`stapes %s%s%s`\n\n%s.\n", command->name, command->name,
           command->arguments[0] ? " " : "", command->arguments, command->summary);
    if (command->details) {
        putchar('\n');
        st_talk_wrap(stdout, command->details, 0, 0, 100);
    }
    if (command->n_options) markdown_options(command->options, command->n_options);
    if (command->examples) printf("\n```sh\n%s```\n", command->examples);
}

static int markdown(void)
{
    fputs("# Commands\n\n"
          "Made from the tables of the program (`stapes help --markdown`); a test says when this page is "
          "old.\n\n"
          "Every pipeline is a command too: `stapes transcribe a.wav` runs `transcribe.yaml`, and\n"
          "`stapes transcribe --help` shows its options. Results go to standard output, talk goes to\n"
          "standard error.\n\n"
          "| exit code | meaning |\n|---|---|\n"
          "| 0 | done |\n"
          "| 1 | some inputs failed, the others are done |\n"
          "| 2 | wrong usage, or a mistake in the pipeline |\n"
          "| 3 | a model or plugin is wrong: do not retry |\n"
          "| 4 | a device or the system (memory, disk): a retry may help |\n"
          "| 75 | drained after SIGTERM: run again |\n"
          "| 130 | interrupted |\n\n"
          "Options of every command:\n",
          stdout);
    markdown_options(st_commands_global, st_commands_global_count);
    for (uint32_t i = 0; i < st_commands_count; i++) markdown_command(&st_commands[i]);
    return 0;
}

/* ---- the commands ---- */

/* Loads the pipeline and shows its page, as `stapes NAME --help` does. */
static int pipeline_page(st_call *call, const char *name)
{
    stapes_error     error = {0};
    stapes_runtime  *runtime = stapes_open_runtime(&call->runtime, &error);
    stapes_pipeline *pipeline = runtime ? st_run_load(runtime, name, &error) : NULL;
    int              code;
    if (pipeline) {
        call->name = name;
        call->is_pipeline = true;
        call->command = st_commands_find("run");
        code = st_help_pipeline(call, st_pipeline_graph(pipeline));
    } else {
        code = st_talk_failure(&error);
    }
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(runtime);
    return code;
}

int st_help_command(st_call *call)
{
    const st_command  *command;
    stapes_error       error = {0};
    const char        *name, *names[256], *near;
    const char *const *pipelines;
    uint32_t           n = 0, count = 0;
    if (st_call_flag(call, "markdown")) return markdown();
    if (call->n_arguments == 0) return st_help_short();
    name = call->arguments[0];
    command = st_commands_find(name);
    if (command) return st_help_print(command);
    if (st_place_pipeline(call->runtime.pipeline_path, name, &call->arena, &error))
        return pipeline_page(call, name);
    for (; n < st_commands_count; n++) names[n] = st_commands[n].name;
    pipelines = st_place_names(ST_PIPELINES, call->runtime.pipeline_path, &call->arena, &count);
    for (uint32_t i = 0; pipelines && i < count && n < 256; i++) names[n++] = pipelines[i];
    near = st_parameter_nearest(name, names, n);
    if (near) return st_call_wrong(call, "unknown command '%s'; did you mean '%s'?", name, near);
    return st_call_wrong(call, "unknown command '%s'", name);
}

int st_help_version(st_call *call)
{
    (void)call;
    printf("stapes %s (plugin ABI %u.%u)\n", stapes_version(), STAPES_ABI_MAJOR, STAPES_ABI_MINOR_LATEST);
    return 0;
}
