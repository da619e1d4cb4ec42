/* team.c - see team.h. */
#include "kit/network/team.h"

#include <sched.h>
#include <time.h>

/* Looks before a waiting thread gives its processor to others: some 20 us, above a usual step. */
enum { PATIENCE = 1000 };

/* Steps that are measured before shares are made anew. */
enum { ROUNDS = 32 };

static void wait_a_little(uint32_t *looks)
{
    if (++*looks > PATIENCE) {
        (void)sched_yield();
        return;
    }
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* Shares that would have taken the same time, half way from those that are: one odd measurement does not
 * turn everything over. */
static void share_anew(st_team *team)
{
    double speed[ST_TEAM_MOST] = {0}, all = 0, cut = 0;
    team->rounds = 0;
    for (uint32_t i = 0; i < team->size; i++) {
        double part = team->cuts[i + 1] - team->cuts[i];
        speed[i] = team->busy[i] > 0 ? part / team->busy[i] : 0;
        all += speed[i];
        if (!(speed[i] > 0)) return;
    }
    for (uint32_t i = 0; i < team->size; i++) {
        double part = team->cuts[i + 1] - cut, wished = speed[i] / all;
        cut = team->cuts[i + 1];
        speed[i] = (part + wished) / 2;
        team->busy[i] = 0;
    }
    for (uint32_t i = 0; i + 1 < team->size; i++) team->cuts[i + 1] = team->cuts[i] + speed[i];
}

size_t st_team_first(const st_team *team, size_t count, uint32_t share)
{
    return share < team->size ? (size_t)(team->cuts[share] * (double)count + 0.5) : count;
}

void st_team_open(st_team *team, uint32_t size)
{
    team->size = size < ST_TEAM_MOST ? size : ST_TEAM_MOST;
    team->step = 0;
    team->rounds = 0;
    for (uint32_t i = 0; i <= team->size; i++) team->cuts[i] = (double)i / team->size;
    for (uint32_t i = 0; i < team->size; i++) team->busy[i] = 0;
    atomic_init(&team->over, false);
    for (uint32_t i = 0; i < ST_TEAM_MOST; i++) {
        atomic_init(&team->members[i].offered, 1); /* step 0, taken */
        atomic_init(&team->members[i].finished, 0);
    }
}

void st_team_run(st_team *team, void (*work)(void *argument, uint32_t share), void *argument)
{
    uint64_t step = ++team->step;
    team->work = work;
    team->argument = argument;
    for (uint32_t i = 1; i < team->size; i++)
        atomic_store_explicit(&team->members[i].offered, 2 * step, memory_order_release);
    double begin = now();
    work(argument, 0);
    team->busy[0] += now() - begin;
    bool complete = true;
    for (uint32_t i = 1; i < team->size; i++) {
        unsigned long long offered = 2 * step;
        if (atomic_compare_exchange_strong(&team->members[i].offered, &offered, 2 * step + 1)) {
            work(argument, i);
            complete = false;
            continue;
        }
        for (uint32_t looks = 0;
             atomic_load_explicit(&team->members[i].finished, memory_order_acquire) != step;)
            wait_a_little(&looks);
        team->busy[i] += team->members[i].took;
    }
    if (!complete) { /* times of some shares only would mislead */
        team->rounds = 0;
        for (uint32_t i = 0; i < team->size; i++) team->busy[i] = 0;
    } else if (++team->rounds == ROUNDS) {
        share_anew(team);
    }
}

void st_team_end(st_team *team) { atomic_store_explicit(&team->over, true, memory_order_release); }

void st_team_join(st_team *team, uint32_t member)
{
    for (uint32_t looks = 0; !atomic_load_explicit(&team->over, memory_order_acquire);) {
        unsigned long long offered =
            atomic_load_explicit(&team->members[member].offered, memory_order_acquire);
        if (offered % 2 ||
            !atomic_compare_exchange_strong(&team->members[member].offered, &offered, offered + 1)) {
            wait_a_little(&looks);
            continue;
        }
        double begin = now();
        team->work(team->argument, member);
        team->members[member].took = now() - begin;
        atomic_store_explicit(&team->members[member].finished, offered / 2, memory_order_release);
        looks = 0;
    }
}
