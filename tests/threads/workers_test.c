/* workers_test.c - the threads behind host->parallel: each item once, several callers at once, calls
 * from within, shutting down right after. */
#include "check.h"
#include "runtime/engine.h"

#include <pthread.h>
#include <stdlib.h>

enum { ITEMS = 1000, ROUNDS = 50, CALLERS = 3 };

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
        st_workers_close(workers);
    }
    st_workers_close(st_workers_open(4)); /* never used: no thread was started */
    return check_done();
}
