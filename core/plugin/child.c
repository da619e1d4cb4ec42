/* child.c - see child.h. The answer ends with a mark, so that a child that leaves in the middle is told
 * from one that is done, and one that left processes behind which hold the pipe does not make us wait. */
#include "plugin/child.h"

#include "contract/error.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_ANSWER = 16 << 20, FIRST_ROOM = 4096 };
static const char end_mark[16] = "\n\1end of answer";

void st_child_send(st_child_answer *answer, const void *bytes, size_t length)
{
    const char *at = bytes;
    while (length && answer->fd >= 0) {
        ssize_t n = write(answer->fd, at, length);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            answer->fd = -1; /* the parent is gone */
            return;
        }
        at += n;
        length -= (size_t)n;
    }
}

void st_child_send_text(st_child_answer *answer, const char *text)
{
    if (!text) text = "";
    st_child_send(answer, text, strlen(text) + 1);
}

_Noreturn void st_child_end(st_child_answer *answer)
{
    st_child_send(answer, end_mark, sizeof end_mark);
    _exit(0);
}

static void (*fault_teller)(int number, const void *address);

static void on_fault(int number, siginfo_t *about, void *context)
{
    (void)context;
    (void)signal(number, SIG_DFL);
    fault_teller(number, number == SIGABRT ? NULL : about->si_addr);
    (void)raise(number);
}

void st_child_on_fault(void (*tell)(int number, const void *address))
{
    static _Alignas(64) char stack[1 << 16];
    static const int         signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    stack_t                  other = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction         action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    fault_teller = tell;
    (void)sigaltstack(&other, NULL);
    for (uint32_t i = 0; i < STAPES_COUNT(signals); i++) (void)sigaction(signals[i], &action, NULL);
}

/* The child's own world: no handlers of the program, no core file, no terminal, an end with its parent. */
static void settle(bool silent, pid_t parent)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE,  SIGILL,  SIGABRT, SIGTRAP, SIGPIPE, SIGTERM,
                                  SIGINT,  SIGHUP, SIGQUIT, SIGALRM, SIGCHLD, SIGUSR1, SIGUSR2};
    struct rlimit    none = {0, 0};
    sigset_t         all;
    int              null = open("/dev/null", O_RDWR);
    for (uint32_t i = 0; i < STAPES_COUNT(signals); i++) (void)signal(signals[i], SIG_DFL);
    sigemptyset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    if (null < 0) _exit(1);
    (void)dup2(null, STDIN_FILENO);
    if (silent) (void)dup2(null, STDERR_FILENO);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO);
    if (null > STDERR_FILENO) (void)close(null);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Reads until the mark, the end of the pipe, or `until`. True if all came that will. */
static bool collect(int fd, double until, char **bytes, size_t *length)
{
    size_t room = 0;
    for (;;) {
        struct pollfd one = {.fd = fd, .events = POLLIN};
        double        left = until - now();
        ssize_t       n;
        if (*length + 1 >= room) {
            size_t more = room ? room * 2 : FIRST_ROOM;
            char  *larger = more > MOST_ANSWER ? NULL : realloc(*bytes, more);
            if (!larger) return false;
            *bytes = larger;
            room = more;
        }
        if (left <= 0) return false;
        n = poll(&one, 1, (int)(left * 1000) + 1);
        if (n < 0 && errno != EINTR) return false;
        if (n <= 0) continue;
        n = read(fd, *bytes + *length, room - *length - 1);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        *length += (size_t)n;
        if (*length >= sizeof end_mark &&
            !memcmp(*bytes + *length - sizeof end_mark, end_mark, sizeof end_mark))
            return true;
    }
}

/* Waits for the child until `until`. False if it still runs then. */
static bool wait_for(pid_t child, double until, int *status)
{
    for (long nap = 20000;; nap = nap < 10000000 ? nap * 2 : nap) {
        struct timespec pause = {0, nap};
        pid_t           n = waitpid(child, status, WNOHANG);
        if (n == child) return true;
        if (n < 0 && errno != EINTR) { /* the program ignores SIGCHLD: the answer alone must tell */
            *status = 0;
            return true;
        }
        if (now() >= until) return false;
        (void)nanosleep(&pause, NULL);
    }
}

int st_child_run(void (*work)(void *argument, st_child_answer *answer), void *argument, double seconds,
                 bool silent, st_arena *arena, st_child_outcome *outcome, stapes_error *error)
{
    int    ends[2], status = 0;
    double until = now() + seconds;
    char  *bytes = NULL;
    size_t length = 0;
    pid_t  child, parent = getpid();
    bool   complete, whole, ended;

    memset(outcome, 0, sizeof *outcome);
    if (pipe2(ends, O_CLOEXEC)) return st_error_set(error, STAPES_ESYSTEM, "no pipe: %s", strerror(errno));
    child = fork();
    if (child == 0) {
        st_child_answer answer = {.fd = ends[1]};
        (void)close(ends[0]);
        settle(silent, parent);
        work(argument, &answer);
        st_child_end(&answer);
    }
    (void)close(ends[1]);
    if (child < 0) {
        (void)close(ends[0]);
        return st_error_set(error, STAPES_ESYSTEM, "no child process: %s", strerror(errno));
    }
    complete = collect(ends[0], until, &bytes, &length);
    (void)close(ends[0]);
    whole = length >= sizeof end_mark && !memcmp(bytes + length - sizeof end_mark, end_mark, sizeof end_mark);
    if (whole) length -= sizeof end_mark;
    ended = complete && wait_for(child, whole ? now() + 1 : until, &status);
    /* its whole group: what it started ends with it */
    if (!ended) (void)kill(child, SIGKILL);
    (void)kill(-child, SIGKILL);
    if (!ended)
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }

    if (whole) {
        outcome->end = ST_CHILD_DONE;
    } else if (!ended) {
        outcome->end = ST_CHILD_LATE;
    } else if (WIFSIGNALED(status)) {
        outcome->end = ST_CHILD_CRASHED;
        outcome->code = WTERMSIG(status);
    } else {
        outcome->end = ST_CHILD_EXITED;
        outcome->code = WEXITSTATUS(status);
    }
    outcome->answer = st_arena_string_n(arena, bytes ? bytes : "", length);
    outcome->length = length;
    free(bytes);
    return outcome->answer ? STAPES_OK : st_error_set(error, STAPES_ENOMEM, "no memory");
}

char *st_child_tell(const st_child_outcome *outcome, const char *doing, double seconds, char *text,
                    size_t size)
{
    switch (outcome->end) {
    case ST_CHILD_DONE: (void)snprintf(text, size, "ended"); break;
    case ST_CHILD_EXITED: (void)snprintf(text, size, "called exit(%d) %s", outcome->code, doing); break;
    case ST_CHILD_CRASHED:
        (void)snprintf(text, size, "crashed %s: signal %d (%s)", doing, outcome->code,
                       strsignal(outcome->code));
        break;
    default: (void)snprintf(text, size, "did not end %s within %g s", doing, seconds);
    }
    return text;
}
