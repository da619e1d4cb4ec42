/* team_test.c - threads that share short pieces of work (core/kit/network/team.h): each share is computed
 * once, whoever comes, late, never, or in the same thread; and a recurrent layer that is divided so, or by
 * directions and parts of a batch, gives the same bits as one thread. */
#include "check.h"
#include "kit/network/team.h"
#include <stapes/kit.h>

#include <pthread.h>
#include <stdlib.h>

/* ---- the team --------------------------------------------------------------------------------------------
 */

enum { STEPS = 20000, SIZE = 3 };

typedef struct tally {
    st_team  team;
    uint32_t done[SIZE]; /* by each share; ordered by the team alone, so TSan sees a mistake */
    uint32_t wrong;
} tally;

static void count_share(void *argument, uint32_t share)
{
    tally *t = argument;
    t->done[share]++;
}

static void lead(tally *t)
{
    for (uint32_t step = 1; step <= STEPS; step++) {
        st_team_run(&t->team, count_share, t);
        for (uint32_t i = 0; i < SIZE; i++) t->wrong += t->done[i] != step;
    }
    st_team_end(&t->team);
}

static void *member(void *argument)
{
    st_team_join(argument, 1);
    return NULL;
}

static void check_team(bool with_member)
{
    static tally t;
    pthread_t    thread;
    memset(t.done, 0, sizeof t.done);
    t.wrong = 0;
    st_team_open(&t.team, SIZE); /* member 2 never comes */
    if (with_member) CHECK(!pthread_create(&thread, NULL, member, &t.team));
    lead(&t);
    if (with_member) pthread_join(thread, NULL);
    CHECK(t.wrong == 0 && t.done[0] == STEPS && t.done[1] == STEPS && t.done[2] == STEPS);
    st_team_join(&t.team, 2); /* late: returns at once */
}

/* ---- layers ----------------------------------------------------------------------------------------------
 */

typedef struct item {
    void (*work)(void *argument, uint32_t i);
    void    *argument;
    uint32_t i;
} item;

static void *run_item(void *argument)
{
    item *it = argument;
    it->work(it->argument, it->i);
    return NULL;
}

/* A thread for each item. */
static void threads(void *user, uint32_t count, void (*work)(void *argument, uint32_t i), void *argument)
{
    pthread_t ids[64];
    item      items[64];
    (void)user;
    for (uint32_t i = 0; i < count; i++) {
        items[i] = (item){work, argument, i};
        CHECK(!pthread_create(&ids[i], NULL, run_item, &items[i]));
    }
    for (uint32_t i = 0; i < count; i++) pthread_join(ids[i], NULL);
}

/* One after the other, in this thread. */
static void in_turn(void *user, uint32_t count, void (*work)(void *argument, uint32_t i), void *argument)
{
    (void)user;
    for (uint32_t i = 0; i < count; i++) work(argument, i);
}

static float next(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (1 << 24) - 0.5f;
}

/* Weights of a stack as a safetensors file in memory; the caller frees. `in` of each level is the first's. */
static char *make_file(uint32_t gates, uint32_t hidden, uint32_t in, bool both, size_t *size)
{
    char   header[2000] = "{", *file;
    size_t at = 0, used = 1, count;
    for (uint32_t d = 0; d < (both ? 2u : 1u); d++)
        for (uint32_t state = 0; state < 2; state++) {
            count = (size_t)gates * hidden * (state ? hidden : in);
            used += (size_t)snprintf(header + used, sizeof header - used,
                                     "%s\"weight_%s_l0%s\":{\"dtype\":\"F32\",\"shape\":[%u,%u],"
                                     "\"data_offsets\":[%zu,%zu]}",
                                     at ? "," : "", state ? "hh" : "ih", d ? "_reverse" : "", gates * hidden,
                                     state ? hidden : in, at, at + count * 4);
            at += count * 4;
        }
    header[used++] = '}';
    *size = 8 + used + at;
    file = calloc(1, *size);
    if (!file) return NULL;
    for (size_t i = 0; i < 8; i++) file[i] = (char)((uint64_t)used >> 8 * i);
    memcpy(file + 8, header, used);
    uint32_t seed = 7;
    for (size_t i = 0; i < at; i += 4) {
        float value = next(&seed) * 0.2f;
        memcpy(file + 8 + used + i, &value, 4);
    }
    return file;
}

static void run(const stapes_recurrent *r, uint32_t batch, uint32_t rows, const float *x, float *y,
                const stapes_callbacks *callbacks)
{
    float   *room = aligned_alloc(64, (stapes_recurrent_room(r, batch, rows) * 4 + 63) / 64 * 64);
    uint32_t lengths[16];
    const stapes_recurrent_run call = {.batch = batch,
                                       .rows = rows,
                                       .lengths = lengths,
                                       .x = x,
                                       .y = y,
                                       .room = room,
                                       .callbacks = callbacks};
    for (uint32_t b = 0; b < batch; b++) lengths[b] = rows - b % 3;
    CHECK(room && stapes_run_recurrent(r, &call) == STAPES_OK);
    free(room);
}

static void check_layer(uint32_t kind, uint32_t hidden, bool both, uint32_t batch)
{
    enum { IN = 20, ROWS = 12 };
    stapes_error    error = {0};
    stapes_layer    layer = {.name = "", .kind = kind, .in = IN, .hidden = hidden, .layers = 1};
    size_t          size, out = (size_t)batch * ROWS * hidden * 2;
    uint32_t        seed = 3;
    float          *x = malloc((size_t)batch * ROWS * IN * sizeof *x), *y = malloc(out * sizeof *y);
    float          *z = malloc(out * sizeof *z);
    char           *file = make_file(kind == STAPES_LSTM ? 4 : 3, hidden, IN, both, &size);
    stapes_tensors *tensors = file ? stapes_read_tensors(file, size, "made here", &error) : NULL;
    layer.bidirectional = both;
    stapes_recurrent *r = tensors ? stapes_open_recurrent(&layer, tensors, &error) : NULL;
    CHECK_TEXT(error.text, "");
    CHECK(x && y && z && r);
    for (size_t i = 0; x && i < (size_t)batch * ROWS * IN; i++) x[i] = next(&seed);
    if (x && y && z && r) {
        size_t used = (size_t)batch * ROWS * hidden * (both ? 2 : 1) * sizeof *y;
        run(r, batch, ROWS, x, y, NULL);
        for (uint32_t n = 1; n <= 5; n++) {
            stapes_callbacks callbacks = {.parallel = n == 1 ? in_turn : threads, .threads = n == 1 ? 4 : n};
            memset(z, 0, used);
            run(r, batch, ROWS, x, z, &callbacks);
            CHECK(!memcmp(y, z, used));
        }
    }
    stapes_close_recurrent(r);
    stapes_close_tensors(tensors);
    free(file);
    free(x);
    free(y);
    free(z);
}

int main(void)
{
    check_team(true);
    check_team(false);
    check_layer(STAPES_LSTM, 320, true, 1); /* 1.6 MB of state weights: divided by units */
    check_layer(STAPES_LSTM, 320, false, 3);
    check_layer(STAPES_GRU, 400, true, 2);
    check_layer(STAPES_LSTM, 40, true, 9); /* small: by directions and parts of the batch */
    check_layer(STAPES_GRU, 33, false, 12);
    return check_done();
}
