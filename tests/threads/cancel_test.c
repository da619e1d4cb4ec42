/* cancel_test.c - pipelines on several threads of one program, canceled at random moments from another:
 * every call returns, nothing is lost, and what was not canceled is complete. The seed is printed; give it
 * as the first argument to repeat a run. */
#include "check.h"
#include <stapes/runtime.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { PIPELINES = 3, ROUNDS = 12 };

typedef struct job {
    stapes_pipeline *pipeline;
    unsigned         seed;
    uint64_t         rows;
    int              status;
    atomic_int       done;
} job;

static int receive(void *user, const stapes_packet *packet)
{
    job *j = user;
    if (packet->kind == STAPES_AUDIO) j->rows += packet->rows;
    if (rand_r(&j->seed) % 64 == 0)
        usleep((useconds_t)(rand_r(&j->seed) % 200)); /* a slow sink now and then */
    return STAPES_OK;
}

static void *run(void *argument)
{
    job *j = argument;
    j->status = stapes_run_pipeline(j->pipeline, NULL);
    atomic_store(&j->done, 1);
    return NULL;
}

static void round_of(stapes_runtime *runtime, unsigned *seed)
{
    static const char line[] =
        "app.silence seconds=20 packet=160 ! app.identity ! app.identity ! app.discard";
    job       jobs[PIPELINES] = {0};
    pthread_t threads[PIPELINES];
    bool      canceled[PIPELINES];
    for (int i = 0; i < PIPELINES; i++) {
        stapes_error error = {0};
        jobs[i].seed = *seed + (unsigned)i;
        jobs[i].pipeline = stapes_parse_pipeline(runtime, line, "test", &error);
        CHECK_TEXT(error.text, "");
        if (!jobs[i].pipeline) return;
        CHECK(stapes_set_receiver(jobs[i].pipeline, "discard", NULL, receive, &jobs[i], NULL) == STAPES_OK);
    }
    for (int i = 0; i < PIPELINES; i++) CHECK(!pthread_create(&threads[i], NULL, run, &jobs[i]));
    for (int i = 0; i < PIPELINES; i++) {
        canceled[i] = rand_r(seed) % 3 != 0;
        if (!canceled[i]) continue;
        usleep((useconds_t)(rand_r(seed) % 3000));
        CHECK(stapes_get_progress(jobs[i].pipeline) >= 0);
        stapes_cancel_pipeline(jobs[i].pipeline);
    }
    for (int i = 0; i < PIPELINES; i++) {
        pthread_join(threads[i], NULL);
        CHECK(jobs[i].status == STAPES_OK || (canceled[i] && jobs[i].status == STAPES_ECANCELED));
        CHECK(jobs[i].status != STAPES_OK || jobs[i].rows == 20 * 16000);
        if (jobs[i].status == STAPES_ECANCELED)
            CHECK(stapes_run_pipeline(jobs[i].pipeline, NULL) == STAPES_ECANCELED);
        stapes_close_pipeline(jobs[i].pipeline);
    }
}

int main(int argc, char **argv)
{
    unsigned seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)time(NULL);
    printf("seed %u\n", seed);
    stapes_error    error = {0};
    stapes_runtime *runtime = stapes_open_runtime(NULL, &error);
    CHECK_TEXT(error.text, "");
    for (int i = 0; runtime && i < ROUNDS; i++) round_of(runtime, &seed);
    stapes_close_runtime(runtime);
    return check_done();
}
