/* run.c - `stapes run` and every pipeline as a command of its own. */
#include "cli/run.h"
#include "cli/help.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/stats.h"
#include "cli/talk.h"
#include "contract/error.h"
#include "runtime/engine.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* What `first` leaves for the command. */
typedef struct run {
    stapes_runtime  *runtime;
    stapes_pipeline *pipeline;
} run;

/* ---- signals ---- */

static stapes_pipeline *_Atomic caught_for;
static volatile sig_atomic_t    interrupts, terminated;
static struct sigaction         before_int, before_term;

static void on_signal(int number)
{
    stapes_pipeline *pipeline = atomic_load(&caught_for);
    if (number == SIGTERM) {
        terminated = 1;
    } else if (interrupts++ > 0) {
        _exit(130);
    }
    if (pipeline) stapes_cancel_pipeline(pipeline);
}

void st_run_catch(stapes_pipeline *pipeline)
{
    struct sigaction action;
    if (pipeline) {
        atomic_store(&caught_for, pipeline);
        memset(&action, 0, sizeof action);
        action.sa_handler = on_signal;
        sigemptyset(&action.sa_mask);
        /* no SA_RESTART: a source that waits for standard input must notice */
        sigaction(SIGINT, &action, &before_int);
        sigaction(SIGTERM, &action, &before_term);
        /* who started us with Ctrl-C ignored (nohup, a script's background job) means it */
        if (before_int.sa_handler == SIG_IGN) sigaction(SIGINT, &before_int, NULL);
    } else {
        sigaction(SIGINT, &before_int, NULL);
        sigaction(SIGTERM, &before_term, NULL);
        atomic_store(&caught_for, NULL);
    }
}

int st_run_code(int status)
{
    if (status == STAPES_ECANCELED && terminated) return 75;
    return st_error_exit_code(status);
}

/* ---- loading ---- */

bool st_run_is_line(const char *what)
{
    return strchr(what, '!') || (strpbrk(what, " \t\n=") && access(what, F_OK) != 0);
}

stapes_pipeline *st_run_load(stapes_runtime *runtime, const char *what, stapes_error *error)
{
    if (st_run_is_line(what)) return stapes_parse_pipeline(runtime, what, "pipeline", error);
    return stapes_load_pipeline(runtime, what, error);
}

/* For st_call.release too: may come twice. */
static void close_run(void *user)
{
    run *me = user;
    stapes_close_pipeline(me->pipeline);
    stapes_close_runtime(me->runtime);
    me->pipeline = NULL;
    me->runtime = NULL;
}

int st_run_first(st_call *call, const char *argument)
{
    stapes_error error = {0};
    run         *me = st_arena_take(&call->arena, 1, sizeof *me);
    if (!me) {
        st_talk_error("out of memory");
        return 4;
    }
    me->runtime = stapes_open_runtime(&call->runtime, &error);
    if (me->runtime) me->pipeline = st_run_load(me->runtime, argument, &error);
    if (!me->pipeline) {
        close_run(me);
        return st_talk_failure(&error);
    }
    call->user = me;
    call->release = close_run;
    call->more = st_options_rows(st_pipeline_graph(me->pipeline), &call->arena, &call->n_more);
    if (!call->more) call->n_more = 0;
    return 0;
}

/* ---- running ---- */

/* "stage.parameter=value" */
static int set_one(st_call *call, stapes_pipeline *pipeline, const char *words, stapes_error *error)
{
    const char *equals = strchr(words, '=');
    char       *name;
    if (!equals || equals == words)
        return st_error_set(error, STAPES_EUSAGE, "--set takes stage.parameter=value, not '%s'", words);
    name = st_arena_string_n(&call->arena, words, (size_t)(equals - words));
    if (!name) return st_error_set(error, STAPES_ENOMEM, "out of memory");
    return stapes_set_option(pipeline, name, equals + 1, error);
}

static int set_all(st_call *call, stapes_pipeline *pipeline, const char *const *arguments, uint32_t count,
                   stapes_error *error)
{
    const st_graph *graph = st_pipeline_graph(pipeline);
    int             status;
    for (uint32_t i = 0; i < call->n_given; i++) {
        const st_given *given = &call->given[i];
        bool of_pipeline = given->option >= call->more && given->option < call->more + call->n_more;
        status = STAPES_OK;
        if (of_pipeline)
            status = stapes_set_option(pipeline, given->option->name, given->value, error);
        else if (strcmp(given->option->name, "set") == 0)
            status = set_one(call, pipeline, given->value, error);
        if (status < 0) return status;
    }
    if (count == 0) {
        if (st_options_argument_required(graph))
            return st_error_set(error, STAPES_EUSAGE, "%s is missing: stapes %s%s %s",
                                st_options_argument(graph, &call->arena), call->is_pipeline ? "" : "run ",
                                call->is_pipeline ? call->name : call->arguments[0],
                                st_options_argument(graph, &call->arena));
        return STAPES_OK;
    }
    if (!graph->argument)
        return st_error_set(error, STAPES_EUSAGE, "this pipeline takes no arguments; what is '%s'?",
                            arguments[0]);
    if (!st_options_argument_many(graph)) {
        if (count > 1)
            return st_error_set(error, STAPES_EUSAGE, "this pipeline takes one argument; what is '%s'?",
                                arguments[1]);
        return stapes_set_option(pipeline, graph->argument->name, arguments[0], error);
    }
    return stapes_set_option_list(pipeline, graph->argument->name, arguments, count, error);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int st_run_command(st_call *call)
{
    run               *me = call->user;
    const char *const *arguments = call->arguments;
    const char        *trace = st_call_value(call, "trace");
    uint32_t           count = call->n_arguments;
    stapes_error       error = {0};
    int                status, code;
    unsigned           warned;
    if (call->help) {
        code = me ? st_help_pipeline(call, st_pipeline_graph(me->pipeline)) : st_help_print(call->command);
        if (me) close_run(me);
        return code;
    }
    if (!me) return st_call_wrong(call, "FILE, NAME or 'one ! liner' is missing");
    if (!call->is_pipeline) {
        arguments++;
        count--;
    }
    status = set_all(call, me->pipeline, arguments, count, &error);
    if (status == STAPES_OK && trace) status = stapes_trace_pipeline(me->pipeline, trace, &error);
    if (status == STAPES_OK) {
        bool   stats = st_call_flag(call, "stats");
        double begin = now();
        if (stats) stapes_measure_pipeline(me->pipeline);
        st_run_catch(me->pipeline);
        st_progress_begin(me->pipeline, st_pipeline_graph(me->pipeline)->argument ? count : 0);
        status = stapes_run_pipeline(me->pipeline, &error);
        st_progress_end();
        st_run_catch(NULL);
        if (stats) st_stats_print(stderr, me->pipeline, now() - begin);
    }
    if (status == STAPES_ECANCELED) st_talk_note("stapes: stopped before the end");
    if (status < 0 && error.status == 0) error.status = status;
    /* the one input that there was has been told of already */
    if (strncmp(error.text, "1 of 1 ", 7) == 0)
        code = st_error_exit_code(error.status);
    else
        code = st_talk_failure(&error);
    if (error.status == STAPES_ECANCELED) code = st_run_code(error.status);
    if (error.status == STAPES_EUSAGE && !strchr(error.text, '\n')) {
        const char *what = call->is_pipeline ? call->name : call->arguments[0];
        fprintf(stderr, "see 'stapes %s%s%s --help'\n", call->is_pipeline ? "" : "run",
                call->is_pipeline || st_run_is_line(what) ? "" : " ", st_run_is_line(what) ? "" : what);
    }
    /* a trace is written when the pipeline is closed, and what is wrong with it is a warning */
    warned = st_talk_warnings();
    close_run(me);
    if (trace && code == 0 && st_talk_warnings() > warned) code = 4;
    return code;
}
