/* ffmpeg_pipe.c - the program ffmpeg as a decoder.
 *
 * It is started without a shell; the file is its standard input, which it opens again by name so that it
 * can seek (an MP4 may have its index at the end). It may read nothing else: a play list or a container
 * that names other files or addresses is refused by its list of protocols. It writes WAV with float
 * samples at the file's own rate and channels; what it says goes to a file without a name, so that
 * neither pipe can fill up while nobody reads it. */
#include "ffmpeg_pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int ffmpeg_pipe_open(ffmpeg_pipe *ffmpeg, int from, char *why, size_t size)
{
    static const char *const command[] = {
        "ffmpeg",    "-nostdin", "-hide_banner",   "-v",        "error",  "-protocol_whitelist",
        "file,pipe", "-i",       "file:/dev/fd/0", "-map",      "0:a:0",  "-vn",
        "-f",        "wav",      "-c:a",           "pcm_f32le", "pipe:1", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t          attributes;
    sigset_t                   usual;
    int                        ends[2], code;
    memset(ffmpeg, 0, sizeof *ffmpeg);
    ffmpeg->words = memfd_create("ffmpeg", MFD_CLOEXEC);
    if (ffmpeg->words < 0 || pipe2(ends, O_CLOEXEC) != 0) {
        snprintf(why, size, "ffmpeg could not be started: %s", strerror(errno));
        if (ffmpeg->words >= 0) close(ffmpeg->words);
        memset(ffmpeg, 0, sizeof *ffmpeg);
        return FFMPEG_FAILED;
    }
    /* The program that we are in may hold signals back or ignore them; ffmpeg starts as from a shell. */
    sigemptyset(&usual);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, from, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, ffmpeg->words, STDERR_FILENO);
    code = posix_spawnp(&ffmpeg->process, "ffmpeg", &actions, &attributes, (char *const *)command, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[1]);
    ffmpeg->wav = ends[0];
    if (code == 0) return FFMPEG_RUNS;
    ffmpeg->process = 0;
    ffmpeg_pipe_close(ffmpeg);
    snprintf(why, size, "ffmpeg could not be started: %s", strerror(code));
    return code == ENOENT ? FFMPEG_MISSING : FFMPEG_FAILED;
}

/* The last line that it said, without the "file:/dev/fd/0: " that only we understand. */
static void last_words(int words, char *why, size_t size)
{
    char  said[4096], *line = said, *prefix;
    off_t end = lseek(words, 0, SEEK_END),
          begin = end > (off_t)sizeof said ? end - (off_t)sizeof said + 1 : 0;
    ssize_t got = pread(words, said, sizeof said - 1, begin);
    while (got > 0 && strchr("\n\r ", said[got - 1])) got--;
    said[got > 0 ? got : 0] = '\0';
    for (char *at = said; *at; at++) {
        if (*at == '\n' || *at == '\r')
            line = at + 1;
        else if ((unsigned char)*at < 32)
            *at = ' ';
    }
    prefix = strstr(line, "file:/dev/fd/0: ");
    if (prefix) line = prefix + strlen("file:/dev/fd/0: ");
    snprintf(why, size, "ffmpeg: %s", *line ? line : "ended without a word");
}

bool ffmpeg_pipe_end(ffmpeg_pipe *ffmpeg, char *why, size_t size)
{
    int   status = 0;
    pid_t ended;
    do ended = waitpid(ffmpeg->process, &status, 0);
    while (ended < 0 && errno == EINTR);
    ffmpeg->process = 0;
    /* Where the program that we are in ignores SIGCHLD nobody can know how it ended. */
    if (ended < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) return true;
    if (WIFSIGNALED(status))
        snprintf(why, size, "ffmpeg: ended by signal %d", WTERMSIG(status));
    else
        last_words(ffmpeg->words, why, size);
    return false;
}

void ffmpeg_pipe_close(ffmpeg_pipe *ffmpeg)
{
    if (ffmpeg->wav > 0) close(ffmpeg->wav);
    if (ffmpeg->process > 0) {
        kill(ffmpeg->process, SIGKILL);
        while (waitpid(ffmpeg->process, NULL, 0) < 0 && errno == EINTR) continue;
    }
    if (ffmpeg->words > 0) close(ffmpeg->words);
    memset(ffmpeg, 0, sizeof *ffmpeg);
}

/* 'it'\''s' */
static size_t quote(const char *path, size_t length, char *text, size_t at, size_t size)
{
    for (size_t i = 0; i < length + 2 && at + 5 < size; i++) {
        char c = i == 0 || i == length + 1 ? '\'' : path[i - 1];
        if (c == '\'' && i > 0 && i <= length) {
            memcpy(text + at, "'\\''", 4);
            at += 4;
        } else {
            text[at++] = c;
        }
    }
    text[at] = '\0';
    return at;
}

char *ffmpeg_pipe_command(const char *path, char *text, size_t size)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    size_t      stem = dot && dot > (slash ? slash + 1 : path) ? (size_t)(dot - path) : strlen(path);
    char        target[512];
    size_t      at = (size_t)snprintf(text, size, "ffmpeg -i ");
    at = quote(path, strlen(path), text, at, size);
    if (at + 8 < size) text[at++] = ' ';
    snprintf(target, sizeof target, "%.*s.wav", (int)(stem < sizeof target - 8 ? stem : sizeof target - 8),
             path);
    quote(target, strlen(target), text, at, size);
    return text;
}
