/* progress.c - see progress.h. A thread draws the line a few times a second. The sources' receivers tell
 * which recording is under way; the sinks' receivers take the line away before a result is printed. */
#include "cli/progress.h"
#include "cli/talk.h"
#include "runtime/engine.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DRAW_EVERY_NS 100000000L
#define FIRST_AFTER_NS 400000000L /* what is done sooner needs no line */

static pthread_mutex_t  lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t   changed;
static pthread_t        drawer;
static stapes_pipeline *running; /* NULL: no line */
static bool             ended, drawn;
static bool             held; /* a result is just being printed: not before the next tick */
static uint32_t         files, begun;
static char             recording[64];
static struct timespec  since;

static double seconds_since(const struct timespec *t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t->tv_sec) + (double)(now.tv_nsec - t->tv_nsec) * 1e-9;
}

static void erase(void)
{
    if (drawn && write(STDERR_FILENO, "\r\033[K", 4) < 0) drawn = false;
    drawn = false;
}

/* "12.3 s", "4:05 min", "1:02:03 h" */
static void time_text(double seconds, char *text, size_t size)
{
    long s = (long)seconds;
    if (seconds < 60)
        (void)snprintf(text, size, "%.1f s", seconds);
    else if (s < 3600)
        (void)snprintf(text, size, "%ld:%02ld min", s / 60, s % 60);
    else
        (void)snprintf(text, size, "%ld:%02ld:%02ld h", s / 3600, s / 60 % 60, s % 60);
}

static void draw(void)
{
    char   line[256], done[32], count[48] = "";
    double media = stapes_seconds(stapes_get_progress(running)), wall = seconds_since(&since);
    int    width = st_talk_width(stderr), n;
    time_text(media, done, sizeof done);
    if (files > 1) (void)snprintf(count, sizeof count, "file %u of %u ", begun ? begun : 1, files);
    n = snprintf(line, sizeof line, "%s%s%s%s done, %.1f times real time", count, recording,
                 recording[0] ? ": " : "", done, wall > 0 ? media / wall : 0.0);
    if (n < 0) return;
    if (n >= (int)sizeof line) n = (int)sizeof line - 1;
    if (n >= width) n = width - 1;
    drawn = write(STDERR_FILENO, "\r\033[K", 4) == 4 && write(STDERR_FILENO, line, (size_t)n) == n;
}

static void *draw_now_and_then(void *nothing)
{
    long wait = FIRST_AFTER_NS;
    (void)nothing;
    pthread_mutex_lock(&lock);
    while (!ended) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += wait;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        wait = DRAW_EVERY_NS;
        pthread_cond_timedwait(&changed, &lock, &until);
        if (ended) break;
        if (held)
            held = false;
        else
            draw();
    }
    erase();
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* A file's name without its folders, as far as there is room. */
static void take_name(const char *name)
{
    const char *slash = strrchr(name, '/');
    size_t      length, most = 40;
    if (slash && slash[1]) name = slash + 1;
    length = strlen(name);
    if (length > most) {
        while (most > 0 && ((unsigned char)name[most] & 0xc0) == 0x80) most--; /* no half of a letter */
        (void)snprintf(recording, sizeof recording, "%.*s...", (int)most, name);
    } else {
        (void)snprintf(recording, sizeof recording, "%s", name);
    }
    for (char *at = recording; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f) *at = '?';
}

static int from_source(void *user, const stapes_packet *packet)
{
    (void)user;
    if (packet->kind == STAPES_EVENT) {
        const stapes_event *event = packet->data;
        if (event->type == STAPES_RECORDING_BEGIN) {
            pthread_mutex_lock(&lock);
            begun++;
            take_name(event->name ? event->name : "");
            pthread_mutex_unlock(&lock);
        }
    }
    return STAPES_OK;
}

/* Results are texts and the like, or come with an event (a recording ends). Audio, frames and scores that
 * a sink draws or keeps come all the time and are not printed: they leave the line alone. */
static int at_sink(void *user, const stapes_packet *packet)
{
    (void)user;
    if (packet->kind != STAPES_AUDIO && packet->kind != STAPES_FRAMES && packet->kind != STAPES_SCORES)
        st_progress_hide();
    return STAPES_OK;
}

void st_progress_begin(stapes_pipeline *pipeline, uint32_t n_files)
{
    pthread_condattr_t clock;
    sigset_t           all, before;
    stapes_stage_stats stats = {.size = sizeof stats};
    if (!isatty(STDERR_FILENO) || st_talk_level() <= ST_TALK_QUIET) return;
    for (uint32_t i = 0; i < stapes_get_stats(pipeline, i, &stats); i++) {
        const stapes_stage *stage = st_pipeline_graph(pipeline)->nodes[i].stage;
        /* what cannot be set only makes the line say less */
        if (stage->n_inputs == 0 && stage->n_outputs > 0)
            (void)stapes_set_receiver(pipeline, stats.name, stage->outputs[0].name, from_source, NULL, NULL);
        if (stage->n_outputs == 0 && isatty(STDOUT_FILENO))
            (void)stapes_set_receiver(pipeline, stats.name, NULL, at_sink, NULL, NULL);
    }
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&changed, &clock);
    pthread_condattr_destroy(&clock);
    running = pipeline;
    ended = drawn = held = false;
    files = n_files;
    begun = 0;
    recording[0] = 0;
    clock_gettime(CLOCK_MONOTONIC, &since);
    /* signals are for the main thread */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&drawer, NULL, draw_now_and_then, NULL) != 0) running = NULL;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void st_progress_hide(void)
{
    if (!running) return;
    pthread_mutex_lock(&lock);
    erase();
    held = true;
    pthread_mutex_unlock(&lock);
}

void st_progress_end(void)
{
    if (!running) return;
    pthread_mutex_lock(&lock);
    ended = true;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    pthread_join(drawer, NULL);
    pthread_cond_destroy(&changed);
    running = NULL;
}
