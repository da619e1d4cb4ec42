/* workers_test.c - the threads behind host->parallel: each item once, several callers at once, calls
 * from within, short rounds with and without rests between them, shutting down right after, and nothing
 * burnt while nothing is called. */
#include "check.h"
#include "runtime/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { ITEMS = 1000, ROUNDS = 50, CALLERS = 3, SHORT_ROUNDS = 3000 };

typedef struct job {
    st_workers *workers;
    atomic_int  counts[ITEMS];
} job;

static void count_item(void *argument, uint32_t i) { atomic_fetch_add(&((job *)argument)->counts[i], 1); }

static void nested_item(void *argument, uint32_t i)
{
    job *outer = argument;
    job *inner = calloc(1, sizeof *inner);
    st_workers_run(outer->workers, 10, count_item, inner);
    bool right = true;
    for (int k = 0; k < 10; k++) right = right && inner->counts[k] == 1;
    free(inner);
    if (right) atomic_fetch_add(&outer->counts[i], 1);
}

static void *caller(void *argument)
{
    st_workers *workers = argument;
    bool        right = true;
    job        *mine = calloc(1, sizeof *mine);
    mine->workers = workers;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t items = (uint32_t)(round * 37 % ITEMS);
        memset(mine->counts, 0, sizeof mine->counts);
        st_workers_run(workers, items, count_item, mine);
        for (uint32_t i = 0; i < ITEMS; i++) right = right && mine->counts[i] == (i < items);
    }
    free(mine);
    return right ? workers : NULL;
}

/* Plain memory: what the items write is seen by the caller, and the next round's items see what the
 * caller wrote between. Half of them are long enough now and then for the others to fall asleep. */
typedef struct sums {
    uint64_t values[2];
    unsigned round;
} sums;

static void add_round(void *argument, uint32_t i)
{
    sums *s = argument;
    if (i == 1 && s->round % 1000 == 500) usleep(300);
    s->values[i] += s->round;
}

static void short_rounds(st_workers *workers)
{
    sums     s = {0};
    uint64_t expected = 0;
    for (s.round = 0; s.round < SHORT_ROUNDS; s.round++) {
        expected += s.round;
        st_workers_run(workers, 2, add_round, &s);
        if (s.values[0] != expected || s.values[1] != expected) break;
        if (s.round % 300 == 299) usleep(s.round % 600 == 299 ? 40 : 400); /* about to sleep; asleep */
    }
    CHECK(s.round == SHORT_ROUNDS);
}

static double processor_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* Workers that went on looking for work would burn 300 ms each. */
static void idle(st_workers *workers)
{
    sums   s = {0};
    double begin;
    st_workers_run(workers, 2, add_round, &s);
    begin = processor_ms();
    usleep(300000);
    CHECK(processor_ms() - begin < 100);
}

/* Threads that have just begun, that look for work, that sleep. */
static void close_at_any_time(uint32_t threads)
{
    for (unsigned i = 0; i < 30; i++) {
        st_workers *workers = st_workers_open(threads);
        sums        s = {.round = 1};
        for (unsigned k = 0; k < i % 3; k++) st_workers_run(workers, 2, add_round, &s);
        CHECK(s.values[0] == i % 3 && s.values[1] == i % 3);
        if (i % 5) usleep(i % 5 * 30);
        st_workers_close(workers);
    }
}

int main(void)
{
    for (uint32_t threads = 1; threads <= 5; threads += 2) {
        st_workers *workers = st_workers_open(threads);
        pthread_t   callers[CALLERS];
        CHECK(st_workers_threads(workers) == threads);
        for (int i = 0; i < CALLERS; i++) CHECK(!pthread_create(&callers[i], NULL, caller, workers));
        for (int i = 0; i < CALLERS; i++) {
            void *right = NULL;
            pthread_join(callers[i], &right);
            CHECK(right == workers);
        }
        job *outer = calloc(1, sizeof *outer);
        outer->workers = workers;
        st_workers_run(workers, 20, nested_item, outer);
        for (int i = 0; i < 20; i++) CHECK(outer->counts[i] == 1);
        free(outer);
        short_rounds(workers);
        if (threads == 3) idle(workers);
        st_workers_close(workers);
        close_at_any_time(threads);
    }
    st_workers *two = st_workers_open(2); /* as many threads as processors on most machines */
    short_rounds(two);
    idle(two);
    st_workers_close(two);
    close_at_any_time(2);
    st_workers_close(st_workers_open(4)); /* never used: no thread was started */
    return check_done();
}
