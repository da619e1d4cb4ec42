/* workers.c - the threads behind stapes_host.parallel. They start when first used and take work items by
 * number; the caller works too. One parallel call has the workers at a time, another at the same moment
 * (of another pipeline, or from within) does its items alone: nobody ever waits for somebody's work to
 * begin.
 *
 * A round is one parallel call. Its caller opens the gate, threads that come in time go in and take items,
 * and when no items are left the caller shuts the gate and waits for those inside: a thread that was asleep
 * and comes late finds the gate shut, and nobody has waited for it. A recurrent network has a round for
 * every layer and block, each some microseconds long, so who waits first looks at the gate again and again,
 * for SPIN_NS, and only then sleeps. That long because waking a sleeper costs about as much: at worst, the
 * wait costs twice what the better choice would have. Where there are more threads than processors a
 * looking thread would keep a working one from its processor, so there they sleep at once. */
#include "runtime/engine.h"

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SPIN_NS = 50000, LOOKS = 16 /* at the gate, for one look at the clock */, LINE = 64 };

/* The gate: the round's number in the upper half, then these bits, then the number of threads inside. */
#define OPEN (UINT64_C(1) << 31)
#define STOPPING (UINT64_C(1) << 30)
#define INSIDE (STOPPING - 1)

struct st_workers {
    /* Fields that change together lie on lines of the cache of their own. What the gate's line holds
     * beside it is written before the gate is opened and read by those inside. */
    alignas(LINE) atomic_ullong gate;
    void (*work)(void *argument, uint32_t i);
    void    *argument;
    uint32_t count;
    alignas(LINE) atomic_uint next;
    alignas(LINE) atomic_bool busy; /* some caller has the workers */
    atomic_uint     sleepers;       /* workers that wait for `wake`; changes under the lock */
    atomic_bool     caller_sleeps;  /* ... for `done`; the same */
    pthread_mutex_t lock;
    pthread_cond_t  wake, done;
    pthread_t      *threads;
    uint32_t        n_threads; /* wished, the caller counted */
    uint32_t        n_started;
    bool            spins;
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* A worker waits for another gate than that of the round it has seen, or for the end. */
static bool is_called(uint64_t gate, uint64_t round)
{
    return (gate & STOPPING) || ((gate & OPEN) && gate >> 32 != round);
}

/* The caller waits for the last one to leave. */
static bool is_empty(uint64_t gate, uint64_t round)
{
    (void)round;
    return (gate & INSIDE) == 0;
}

/* Looks at the gate until `ready` says so or the time is over. Returns the gate. */
static uint64_t spin(st_workers *workers, bool (*ready)(uint64_t gate, uint64_t round), uint64_t round)
{
    uint64_t gate = atomic_load_explicit(&workers->gate, memory_order_acquire);
    int64_t  begin = 0;
    for (unsigned i = 1; workers->spins && !ready(gate, round); i++) {
        relax();
        gate = atomic_load_explicit(&workers->gate, memory_order_acquire);
        if (i % LOOKS) continue;
        if (!begin)
            begin = now();
        else if (now() - begin > SPIN_NS)
            break;
    }
    return gate;
}

static void do_items(st_workers *workers)
{
    for (;;) {
        uint32_t i = atomic_fetch_add_explicit(&workers->next, 1, memory_order_relaxed);
        if (i >= workers->count) return;
        workers->work(workers->argument, i);
    }
}

/* Sleeping and waking: who sleeps says so and then looks at the gate once more; who changes the gate does
 * that and then looks for sleepers. Both in one order of all such steps (seq_cst), so one sees the other.
 * Who was woken looks for a while again: short rounds are over before a sleeper is up, but more follow. */
static uint64_t wait_for_round(st_workers *workers, uint64_t round)
{
    for (;;) {
        uint64_t gate = spin(workers, is_called, round);
        if (is_called(gate, round)) return gate;
        pthread_mutex_lock(&workers->lock);
        atomic_fetch_add(&workers->sleepers, 1);
        if (!is_called(atomic_load(&workers->gate), round)) pthread_cond_wait(&workers->wake, &workers->lock);
        atomic_fetch_sub(&workers->sleepers, 1);
        pthread_mutex_unlock(&workers->lock);
    }
}

/* False: the gate of this round is shut. */
static bool enter(st_workers *workers, uint64_t round)
{
    unsigned long long gate = atomic_load(&workers->gate);
    while ((gate & OPEN) && gate >> 32 == round)
        if (atomic_compare_exchange_weak(&workers->gate, &gate, gate + 1)) return true;
    return false;
}

static void leave(st_workers *workers)
{
    uint64_t gate = atomic_fetch_sub(&workers->gate, 1) - 1;
    if (!is_empty(gate, 0) || !atomic_load(&workers->caller_sleeps)) return;
    pthread_mutex_lock(&workers->lock);
    pthread_cond_signal(&workers->done);
    pthread_mutex_unlock(&workers->lock);
}

static void *worker(void *argument)
{
    st_workers *workers = argument;
    uint64_t    round = 0;
    for (;;) {
        uint64_t gate = wait_for_round(workers, round);
        if (gate & STOPPING) return NULL;
        round = gate >> 32;
        if (!enter(workers, round)) continue;
        do_items(workers);
        leave(workers);
    }
}

/* Processors that this process may use. */
static uint32_t processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) count = CPU_COUNT(&set);
#endif
    return count > 0 ? (uint32_t)count : 1;
}

st_workers *st_workers_open(uint32_t threads)
{
    st_workers *workers = aligned_alloc(LINE, sizeof *workers);
    if (!workers) return NULL;
    uint32_t most = processors();
    memset(workers, 0, sizeof *workers);
    workers->n_threads = threads ? threads : most;
    if (workers->n_threads > 256) workers->n_threads = 256;
    workers->spins = workers->n_threads <= most;
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->wake, NULL);
    pthread_cond_init(&workers->done, NULL);
    return workers;
}

void st_workers_close(st_workers *workers)
{
    if (!workers) return;
    atomic_fetch_or(&workers->gate, STOPPING);
    pthread_mutex_lock(&workers->lock);
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

/* By who has the workers. Fewer threads than wished are no failure. */
static void start(st_workers *workers)
{
    uint32_t wished = workers->n_threads - 1;
    if (workers->threads) return;
    workers->threads = calloc(wished, sizeof *workers->threads);
    while (workers->threads && workers->n_started < wished &&
           !pthread_create(&workers->threads[workers->n_started], NULL, worker, workers))
        workers->n_started++;
}

/* Opens the gate of a new round and wakes as many sleepers as there are items for. */
static void open_gate(st_workers *workers)
{
    uint64_t round = atomic_load_explicit(&workers->gate, memory_order_relaxed) >> 32;
    atomic_store(&workers->gate, ((round + 1) << 32) | OPEN); /* nobody is inside a gate that is shut */
    if (!atomic_load(&workers->sleepers)) return;
    pthread_mutex_lock(&workers->lock);
    for (uint32_t i = 1; i < workers->count && i <= atomic_load(&workers->sleepers); i++)
        pthread_cond_signal(&workers->wake);
    pthread_mutex_unlock(&workers->lock);
}

static void shut_gate(st_workers *workers)
{
    atomic_fetch_and(&workers->gate, ~OPEN);
    if (is_empty(spin(workers, is_empty, 0), 0)) return;
    pthread_mutex_lock(&workers->lock);
    atomic_store(&workers->caller_sleeps, true);
    while (!is_empty(atomic_load(&workers->gate), 0)) pthread_cond_wait(&workers->done, &workers->lock);
    atomic_store(&workers->caller_sleeps, false);
    pthread_mutex_unlock(&workers->lock);
}

void st_workers_run(st_workers *workers, uint32_t count, void (*work)(void *argument, uint32_t i),
                    void *argument)
{
    if (count < 2 || workers->n_threads < 2 || atomic_exchange(&workers->busy, true)) {
        for (uint32_t i = 0; i < count; i++) work(argument, i);
        return;
    }
    start(workers);
    workers->work = work;
    workers->argument = argument;
    workers->count = count;
    atomic_store_explicit(&workers->next, 0, memory_order_relaxed);
    open_gate(workers);
    do_items(workers);
    shut_gate(workers);
    atomic_store(&workers->busy, false);
}
