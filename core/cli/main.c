/* main.c - the program `stapes`: finds the command or pipeline that the first word names and runs it. */
#include "cli/call.h"
#include "cli/help.h"
#include "cli/talk.h"
#include "plugin/parameter.h"
#include "plugin/place.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* A standard stream that was closed before we started must not become some file that we open: results
 * would be written into it. Writing to what stands in for it fails, as it should. */
static void keep_streams(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd) _exit(4);
}

static int unknown_command(st_call *call, const char *name)
{
    const char        *names[256], *near;
    uint32_t           n = 0, count = 0;
    const char *const *pipelines;
    for (; n < st_commands_count; n++) names[n] = st_commands[n].name;
    pipelines = st_place_names(ST_PIPELINES, call->runtime.pipeline_path, &call->arena, &count);
    for (uint32_t i = 0; pipelines && i < count && n < 256; i++) names[n++] = pipelines[i];
    near = st_parameter_nearest(name, names, n);
    if (near)
        st_talk_error("unknown command or pipeline '%s'; did you mean '%s'?", name, near);
    else if (access(name, F_OK) == 0)
        st_talk_error("unknown command or pipeline '%s'; for a file say what is to be done: "
                      "stapes transcribe %s, or stapes run %s for a pipeline file",
                      name, name, name);
    else
        st_talk_error("unknown command or pipeline '%s'", name);
    fputs("see 'stapes help'\n", stderr);
    return 2;
}

/* A pipeline typed without quotes comes in many words. */
static bool lacks_quotes(const char *const *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(words[i], "!") == 0) return true;
    return false;
}

static int dispatch(st_call *call, const char *name, const char *const *words, uint32_t count)
{
    stapes_error error = {0};
    int          code;
    call->name = name;
    call->command = st_commands_find(name);
    st_call_foresee(call, words, count);
    if (!call->command) {
        size_t length = strlen(name);
        bool   is_file = strchr(name, '/') || (length > 5 && strcmp(name + length - 5, ".yaml") == 0);
        if (!is_file && !st_place_pipeline(call->runtime.pipeline_path, name, &call->arena, &error))
            return unknown_command(call, name);
        call->is_pipeline = true;
        call->command = st_commands_find("run");
    }
    if (call->command->first && lacks_quotes(words, count))
        return st_call_wrong(call, "a pipeline in one line stands in quotes: stapes run 'STAGE ! STAGE'");
    code = st_call_parse(call, words, count);
    if (code) return code;
    if (call->help && !call->command->first) return st_help_print(call->command);
    if (!call->command->first && (code = st_call_count(call))) return code;
    return call->command->run(call);
}

/* The index of the command's name: options of every command may stand before it. */
static int name_index(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' || !argv[i][1]) return i;
        for (uint32_t k = 0; k < st_commands_global_count; k++) {
            const st_command_option *row = &st_commands_global[k];
            if (!row->flag && strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, row->name) == 0) {
                i++;
                break;
            }
        }
    }
    return argc;
}

int main(int argc, char **argv)
{
    st_call call = {0};
    int     code, name;
    keep_streams();
    signal(SIGPIPE, SIG_IGN);
    name = name_index(argc, argv);
    if (name < argc) {
        const char **words = st_arena_take(&call.arena, (size_t)argc, sizeof *words);
        uint32_t     count = 0;
        if (!words) {
            st_talk_error("out of memory");
            return 4;
        }
        for (int i = 1; i < argc; i++)
            if (i != name) words[count++] = argv[i];
        code = dispatch(&call, argv[name], words, count);
    } else if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        code = st_help_version(&call);
    } else if (argc > 1 && strcmp(argv[1], "--help") != 0 && strcmp(argv[1], "-h") != 0) {
        call.name = "help";
        call.command = st_commands_find("help");
        code = st_call_parse(&call, (const char *const *)argv + 1, (uint32_t)argc - 1);
        if (code == 0) code = st_help_short();
    } else {
        code = st_help_short();
    }
    code = st_talk_finish(code);
    st_call_close(&call);
    return code;
}
