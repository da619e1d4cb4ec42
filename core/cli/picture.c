/* picture.c - `stapes graph`: a pipeline as a picture, through Graphviz. */
#include "cli/call.h"
#include "cli/run.h"
#include "cli/talk.h"
#include "contract/error.h"
#include "runtime/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Gives the text to `dot -Tsvg -o path` on its standard input. */
static int through_dot(const char *text, const char *path, stapes_error *error)
{
    char                       output[4096];
    char *const                words[] = {"dot", "-Tsvg", output, NULL};
    posix_spawn_file_actions_t actions;
    int                        ends[2], wrong, status;
    pid_t                      child;
    size_t                     length = strlen(text);
    if (snprintf(output, sizeof output, "-o%s", path) >= (int)sizeof output)
        return st_error_set(error, STAPES_EUSAGE, "the file's name is too long");
    if (pipe2(ends, O_CLOEXEC) != 0) return st_error_set(error, STAPES_ESYSTEM, "pipe: %s", strerror(errno));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
    wrong = posix_spawnp(&child, "dot", &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[0]);
    if (wrong) {
        close(ends[1]);
        return st_error_set(
            error, STAPES_ESYSTEM,
            "the program 'dot' is not there; it draws the picture: sudo apt install graphviz");
    }
    while (length > 0) {
        ssize_t n = write(ends[1], text, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break; /* dot has gone; its exit status tells */
        text += n;
        length -= (size_t)n;
    }
    close(ends[1]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return st_error_set(error, STAPES_ESYSTEM, "%s: dot failed", path);
    return STAPES_OK;
}

/* Draws into a file beside and renames it: a picture is whole or not there. What is there and no plain
 * file (a device, a pipe) is written as it is. */
static int svg(const char *text, const char *path, stapes_error *error)
{
    char        beside[4096];
    struct stat about;
    int         status;
    if (strcmp(path, "-") == 0) path = "/dev/stdout";
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode)) return through_dot(text, path, error);
    if (snprintf(beside, sizeof beside, "%s.part-%ld", path, (long)getpid()) >= (int)sizeof beside)
        return st_error_set(error, STAPES_EUSAGE, "the file's name is too long");
    status = through_dot(text, beside, error);
    if (status == STAPES_OK && rename(beside, path) != 0)
        status = st_error_set(error, STAPES_ESYSTEM, "%s: %s", path, strerror(errno));
    if (status < 0) unlink(beside);
    return status;
}

int st_picture_command(st_call *call)
{
    stapes_error     error = {0};
    stapes_runtime  *runtime = stapes_open_runtime(&call->runtime, &error);
    stapes_pipeline *pipeline = runtime ? st_run_load(runtime, call->arguments[0], &error) : NULL;
    const char      *path = st_call_value(call, "svg");
    char            *text = pipeline ? st_graph_dot(st_pipeline_graph(pipeline)) : NULL;
    if (pipeline && !text)
        st_error_set(&error, STAPES_ENOMEM, "out of memory");
    else if (text && path)
        svg(text, path, &error);
    else if (text)
        fputs(text, stdout);
    free(text);
    stapes_close_pipeline(pipeline);
    stapes_close_runtime(runtime);
    return st_talk_failure(&error);
}
