/* child.h - work done in a child process with a time limit: for code that is not trusted to come back.
 *
 * The child answers with bytes over a pipe. Whatever it does (crash, hang, exit, print), the parent gets
 * its outcome in time; nothing that the child prints reaches the parent's output. */
#ifndef ST_CHILD_H
#define ST_CHILD_H

#include "contract/arena.h"
#include <stapes/stage.h>

enum st_child_end {
    ST_CHILD_DONE,    /* work returned; the answer is whole */
    ST_CHILD_EXITED,  /* it called exit(code) */
    ST_CHILD_CRASHED, /* signal `code` ended it */
    ST_CHILD_LATE     /* the time was over, and it was killed */
};

typedef struct st_child_outcome {
    int    end;    /* enum st_child_end */
    int    code;   /* exit status or signal */
    char  *answer; /* in the arena, terminated; what came until the end */
    size_t length;
} st_child_outcome;

/* What the child writes its answer to. */
typedef struct st_child_answer {
    int fd;
} st_child_answer;

/* Runs work(argument, answer) in a child. `silent`: its standard output and standard error go nowhere,
 * else both go to the parent's standard error. An answer longer than 16 MiB ends the child. Fails only
 * if there is no process or no memory to be had. */
int st_child_run(void (*work)(void *argument, st_child_answer *answer), void *argument, double seconds,
                 bool silent, st_arena *arena, st_child_outcome *outcome, stapes_error *error);

/* In the child: sends bytes; a string with its terminating zero (NULL as ""). */
void st_child_send(st_child_answer *answer, const void *bytes, size_t length);
void st_child_send_text(st_child_answer *answer, const char *text);

/* In the child: its answer is whole, it ends now. */
_Noreturn void st_child_end(st_child_answer *answer);

/* In the child: from now on `tell` is called, on a stack of its own, when a signal is about to end the
 * process (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT), with the address of a fault. It may send an answer
 * and end the child; if it returns, the signal does its work. */
void st_child_on_fault(void (*tell)(int number, const void *address));

/* "crashed: signal 11 (Segmentation fault)", "called exit(3)", "did not end within 5 s". `doing` is put
 * after the verb: "while loading". Returns text. */
char *st_child_tell(const st_child_outcome *outcome, const char *doing, double seconds, char *text,
                    size_t size);

#endif
