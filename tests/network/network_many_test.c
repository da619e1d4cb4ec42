/* network_many_test.c - several instances of recurrent.network in one call, as a host drives them: the same
 * bytes as one at a time, for any threads; one that fails beside others; somebody who asks to stop. At the
 * end it prints how much faster the shipped model is so. */
#include "check.h"
#include "stage_bench.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 70, ROWS = 400, COLUMNS = 240 };

static uint32_t below(uint32_t count)
{
    static uint32_t seed = 3;
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % count;
}

static const float *noise(void)
{
    static float x[ROWS * COLUMNS];
    static bool  made;
    for (size_t i = 0; !made && i < STAPES_COUNT(x); i++) x[i] = (float)below(1u << 20) / (1u << 19) - 1.0f;
    made = true;
    return x;
}

/* ---- instances ------------------------------------------------------------------------------------ */

typedef struct crowd {
    bench        *benches;
    uint32_t      count;
    stapes_format in;
    char          recipe[1024];
    stapes_time   at; /* of the next rows */
} crowd;

static bool open_crowd(crowd *c, const char *model, uint32_t columns, uint32_t count, float longest,
                       void *workers)
{
    bool good = true;
    *c = (crowd){.benches = calloc(count, sizeof(bench)), .count = count};
    c->in = (stapes_format){
        .size = sizeof c->in, .kind = STAPES_FRAMES, .columns = columns, .hop = STAPES_SECOND / 100};
    c->in.recipe = bench_recipe(RECURRENT, model, c->recipe, sizeof c->recipe);
    if (!c->benches) abort();
    for (uint32_t i = 0; i < count; i++) {
        good &= bench_open(&c->benches[i], RECURRENT, model, longest) == STAPES_OK &&
                bench_configure(&c->benches[i], &c->in) == STAPES_OK;
        c->benches[i].workers = workers;
    }
    CHECK(good);
    return good;
}

static void close_crowd(crowd *c)
{
    for (uint32_t i = 0; i < c->count; i++) bench_close(&c->benches[i]);
    free(c->benches);
}

/* rows[i] rows from row first[i] of the noise to each instance: in one call, or one after the other. */
static int push_all(crowd *c, const uint32_t *first, const uint32_t *rows, bool together)
{
    stapes_packet          packets[MOST];
    const stapes_packet   *pointers[MOST];
    const stapes_instance *many[MOST];
    int                    status = STAPES_OK;
    for (uint32_t i = 0; i < c->count; i++) {
        packets[i] = bench_packet(&c->in, c->at, noise() + (size_t)first[i] * c->in.columns, rows[i]);
        pointers[i] = &packets[i];
        many[i] = &c->benches[i].me;
    }
    if (together) return c->benches[0].stage->process_many(many, pointers, c->count);
    for (uint32_t i = 0; i < c->count; i++) {
        int own = c->benches[i].stage->process(many[i], 0, pointers[i]);
        if (status >= 0) status = own;
    }
    return status;
}

static int flush_all(crowd *c, bool together)
{
    const stapes_instance *many[MOST];
    int                    status = STAPES_OK;
    for (uint32_t i = 0; i < c->count; i++) many[i] = &c->benches[i].me;
    if (together) return c->benches[0].stage->flush_many(many, c->count, STAPES_FLUSH_SEGMENT);
    for (uint32_t i = 0; i < c->count; i++) {
        int own = bench_flush(&c->benches[i]);
        if (status >= 0) status = own;
    }
    return status;
}

/* Whether both have the same rows at the same places; forgets them. */
static bool same(bench *a, bench *b)
{
    bool equal = a->rows == b->rows;
    if (equal && a->rows)
        equal = !memcmp(a->values, b->values, (size_t)a->rows * a->formats[0].columns * sizeof(float)) &&
                !memcmp(a->starts, b->starts, a->rows * sizeof *a->starts);
    a->rows = b->rows = 0;
    return equal;
}

/* ---- the same bytes ------------------------------------------------------------------------------- */

static void check_same(const char *model, uint32_t columns, uint32_t count, uint32_t packet, uint32_t threads)
{
    void    *workers = bench_open_workers(threads);
    uint32_t first[MOST], rows[MOST], total = 0;
    crowd    together, alone;
    bool     good = open_crowd(&together, model, columns, count, 60, workers);
    good &= open_crowd(&alone, model, columns, count, 60, NULL);
    for (uint32_t segment = 0; segment < 2 && good; segment++) {
        for (uint32_t round = 0; round < 3; round++) {
            for (uint32_t i = 0; i < count; i++) {
                rows[i] = below(4) ? below(packet + 1) : 0;
                first[i] = below(ROWS - packet);
            }
            /* where an instance got fewer rows than the place moves, audio was lost: as two segments */
            CHECK(push_all(&together, first, rows, true) == STAPES_OK);
            CHECK(push_all(&alone, first, rows, false) == STAPES_OK);
            together.at = alone.at += packet * together.in.hop;
        }
        CHECK(flush_all(&together, true) == STAPES_OK && flush_all(&alone, false) == STAPES_OK);
        for (uint32_t i = 0; i < count; i++) {
            total += alone.benches[i].rows;
            CHECK(same(&together.benches[i], &alone.benches[i]));
        }
    }
    CHECK(total > 0);
    close_crowd(&together);
    close_crowd(&alone);
    bench_close_workers(workers);
}

/* ---- failures ------------------------------------------------------------------------------------- */

static void check_one_fails(void)
{
    enum { COUNT = 4, BAD = 2 };
    const uint32_t first[COUNT] = {0, 20, 40, 60}, some[COUNT] = {50, 60, 80, 70},
                   more[COUNT] = {9, 8, 30, 7};
    crowd together, alone;
    bool  good = open_crowd(&together, MODELS "/tiny-bi", 24, COUNT, 1, NULL);
    good &= open_crowd(&alone, MODELS "/tiny-bi", 24, COUNT, 1, NULL);
    if (!good) return;
    CHECK(push_all(&together, first, some, true) == STAPES_OK &&
          push_all(&alone, first, some, false) == STAPES_OK);

    /* a segment that is too long is given up, the others go on */
    for (uint32_t i = 0; i < COUNT; i++) {
        bench        *b = &together.benches[i], *a = &alone.benches[i];
        stapes_packet packet = bench_packet(&together.in, some[i] * together.in.hop, noise(), more[i]);
        CHECK(a->stage->process(&a->me, 0, &packet) == (i == BAD ? STAPES_EINPUT : STAPES_OK));
        CHECK(b->stage->process_many((const stapes_instance *const[]){&b->me},
                                     (const stapes_packet *const[]){&packet},
                                     1) == (i == BAD ? STAPES_EINPUT : STAPES_OK));
        CHECK(!*b->words == (i != BAD));
    }
    CHECK(flush_all(&together, true) == STAPES_OK && flush_all(&alone, false) == STAPES_OK);
    CHECK(together.benches[BAD].rows == 0 && together.benches[0].rows == 59);
    for (uint32_t i = 0; i < COUNT; i++) CHECK(same(&together.benches[i], &alone.benches[i]));

    /* refused by one of those who take it: the status of that one, and all of the others */
    CHECK(push_all(&together, first, some, true) == STAPES_OK &&
          push_all(&alone, first, some, false) == STAPES_OK);
    together.benches[1].refuse = 1;
    CHECK(flush_all(&together, true) == STAPES_EPIPE && flush_all(&alone, false) == STAPES_OK);
    for (uint32_t i = 0; i < COUNT; i++) CHECK(i == 1 || together.benches[i].rows == some[i]);
    for (uint32_t i = 0; i < COUNT; i++) CHECK(same(&together.benches[i], &alone.benches[i]));

    /* stopped at the n-th question by any of them; afterwards everything is as ever */
    for (uint32_t n = 1; n <= 6; n++) {
        bench *asked = &together.benches[n % COUNT];
        asked->asked = 0;
        asked->cancel_at = n;
        CHECK(push_all(&together, first, some, true) == STAPES_OK);
        int status = flush_all(&together, true);
        CHECK(asked->asked >= n ? status == STAPES_ECANCELED : status == STAPES_OK);
        CHECK(n > 3 || asked->asked >= n); /* so often at least it is asked */
        asked->cancel_at = 0;
        for (uint32_t i = 0; i < COUNT; i++) together.benches[i].rows = 0;
        CHECK(push_all(&together, first, some, true) == STAPES_OK && flush_all(&together, true) == STAPES_OK);
        CHECK(push_all(&alone, first, some, false) == STAPES_OK && flush_all(&alone, false) == STAPES_OK);
        for (uint32_t i = 0; i < COUNT; i++) CHECK(same(&together.benches[i], &alone.benches[i]));
    }
    close_crowd(&together);
    close_crowd(&alone);
}

/* ---- what it is for ------------------------------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { TIMED = false }; /* times of such a build mean nothing */
#else
enum { TIMED = true };
#endif

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The lowest of some runs, in ms. */
static double time_all(crowd *c, const uint32_t *first, const uint32_t *rows, bool together)
{
    double least = 1e9;
    for (uint32_t i = 0; i < 4; i++) {
        double begin = now();
        CHECK(push_all(c, first, rows, together) == STAPES_OK && flush_all(c, together) == STAPES_OK);
        double ms = (now() - begin) * 1e3;
        if (ms < least) least = ms;
        for (uint32_t k = 0; k < c->count; k++) c->benches[k].rows = 0;
    }
    return least;
}

static void tell_speed(const char *model, uint32_t threads)
{
    enum { COUNT = 8, LONG = 100 };
    uint32_t first[COUNT], rows[COUNT];
    void    *workers = bench_open_workers(threads);
    crowd    c;
    for (uint32_t i = 0; i < COUNT; i++) {
        rows[i] = LONG;
        first[i] = 10 * i;
    }
    if (open_crowd(&c, model, COLUMNS, COUNT, 600, workers)) {
        double one = time_all(&c, first, rows, false), all = time_all(&c, first, rows, true);
        printf("%d segments of %d rows through an4, %u thread%s: %.1f ms one at a time, %.1f ms together "
               "(%.2f times as fast)\n",
               COUNT, LONG, threads, threads == 1 ? "" : "s", one, all, one / all);
    }
    close_crowd(&c);
    bench_close_workers(workers);
}

int main(void)
{
    for (uint32_t threads = 1; threads <= 3; threads++) {
        check_same(MODELS "/tiny-bi", 24, 5, 150, threads);
        check_same(MODELS "/tiny-uni", 8, 5, 150, threads);
        check_same(MODELS "/tiny-uni", 8, 9, 1, threads);
        check_same(MODELS "/tiny-plain", 8, 2, 30, threads);
    }
    check_same(MODELS "/tiny-bi", 24, MOST, 20, 2); /* more than fit into one batch */
    check_same(MODELS "/tiny-uni", 8, MOST, 40, 2);
    check_one_fails();
    if (access(SHIPPED "/an4/weights.safetensors", R_OK) == 0) {
        check_same(SHIPPED "/an4", COLUMNS, 3, 30, 2);
        for (uint32_t threads = 1; threads <= 2 && TIMED; threads++) tell_speed(SHIPPED "/an4", threads);
    }
    return check_done();
}
