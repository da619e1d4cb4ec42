/* workers.c - the threads behind stapes_host.parallel. They start when first used and take work items by
 * number; the caller works too. One parallel call has the workers at a time, another at the same moment
 * (of another pipeline, or from within) does its items alone: nobody ever waits for somebody's work to
 * begin. */
#include "runtime/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

struct st_workers {
    pthread_mutex_t lock;
    pthread_cond_t  wake, done;
    pthread_t      *threads;
    uint32_t        n_threads; /* wished, the caller counted */
    uint32_t        n_started;
    bool            busy, stopping;
    uint64_t        round;   /* number of the parallel call */
    uint32_t        working; /* threads that have not finished this round */
    void (*work)(void *argument, uint32_t i);
    void       *argument;
    uint32_t    count;
    atomic_uint next;
};

static void do_items(st_workers *workers)
{
    for (;;) {
        uint32_t i = atomic_fetch_add_explicit(&workers->next, 1, memory_order_relaxed);
        if (i >= workers->count) return;
        workers->work(workers->argument, i);
    }
}

static void *worker(void *argument)
{
    st_workers *workers = argument;
    uint64_t    round = 0;
    pthread_mutex_lock(&workers->lock);
    for (;;) {
        while (!workers->stopping && workers->round == round)
            pthread_cond_wait(&workers->wake, &workers->lock);
        if (workers->stopping) break;
        round = workers->round;
        pthread_mutex_unlock(&workers->lock);
        do_items(workers);
        pthread_mutex_lock(&workers->lock);
        if (!--workers->working) pthread_cond_signal(&workers->done);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

st_workers *st_workers_open(uint32_t threads)
{
    st_workers *workers = calloc(1, sizeof *workers);
    if (!workers) return NULL;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    workers->n_threads = threads ? threads : cores > 0 ? (uint32_t)cores : 1;
    if (workers->n_threads > 256) workers->n_threads = 256;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    pthread_cond_init(&workers->done, NULL);
    return workers;
}

void st_workers_close(st_workers *workers)
{
    if (!workers) return;
    pthread_mutex_lock(&workers->lock);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->n_started; i++) pthread_join(workers->threads[i], NULL);
    pthread_cond_destroy(&workers->done);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    free(workers->threads);
    free(workers);
}

uint32_t st_workers_threads(const st_workers *workers) { return workers->n_threads; }

/* Under the lock. Fewer threads than wished are no failure. */
static void start(st_workers *workers)
{
    uint32_t wished = workers->n_threads - 1;
    if (workers->threads || !wished) return;
    workers->threads = calloc(wished, sizeof *workers->threads);
    while (workers->threads && workers->n_started < wished &&
           !pthread_create(&workers->threads[workers->n_started], NULL, worker, workers))
        workers->n_started++;
}

void st_workers_run(st_workers *workers, uint32_t count, void (*work)(void *argument, uint32_t i),
                    void *argument)
{
    bool alone = count < 2 || workers->n_threads < 2;
    if (!alone) {
        pthread_mutex_lock(&workers->lock);
        alone = workers->busy;
        if (!alone) {
            start(workers);
            workers->busy = true;
            workers->work = work;
            workers->argument = argument;
            workers->count = count;
            workers->working = workers->n_started;
            atomic_store_explicit(&workers->next, 0, memory_order_relaxed);
            workers->round++;
            pthread_cond_broadcast(&workers->wake);
        }
        pthread_mutex_unlock(&workers->lock);
    }
    if (alone) {
        for (uint32_t i = 0; i < count; i++) work(argument, i);
        return;
    }
    do_items(workers);
    pthread_mutex_lock(&workers->lock);
    while (workers->working) pthread_cond_wait(&workers->done, &workers->lock);
    workers->busy = false;
    pthread_mutex_unlock(&workers->lock);
}
