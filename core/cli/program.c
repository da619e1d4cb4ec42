/* program.c - see program.h. */
#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

bool st_program_exists(const char *name)
{
    const char *path = getenv("PATH");
    char        full[4096];
    while (path && *path) {
        int n = (int)strcspn(path, ":");
        if (snprintf(full, sizeof full, "%.*s/%s", n, path, name) < (int)sizeof full &&
            access(full, X_OK) == 0)
            return true;
        path += n + (path[n] == ':');
    }
    return false;
}

int st_program_run(const char *const *words, char *line, size_t size, double *cpu)
{
    struct rusage              used;
    posix_spawn_file_actions_t actions;
    int                        ends[2] = {-1, -1}, wrong, status;
    pid_t                      child;
    if (line) line[0] = 0;
    if (line && pipe2(ends, O_CLOEXEC) != 0) return -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    if (line)
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    else
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    wrong = posix_spawnp(&child, words[0], &actions, NULL, (char *const *)(const void *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (line) {
        FILE *file;
        close(ends[1]);
        file = fdopen(ends[0], "r");
        if (!file) {
            close(ends[0]);
        } else {
            char rest[512];
            if (!wrong && fgets(line, (int)size, file)) line[strcspn(line, "\n")] = 0;
            while (!wrong && fgets(rest, sizeof rest, file)) continue; /* so that it need not wait for us */
            fclose(file);
        }
    }
    if (wrong) return -1;
    while (wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR) return -1;
    if (cpu)
        *cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
