/* kernels.c - which path this machine takes. A path is listed only if the processor has the instructions
 * and the system saves the registers (what __builtin_cpu_supports asks both). */
#include "kit/product/kernel/kernels.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 4 };

static const st_kernels *paths[MOST]; /* best first */
static const st_kernels *chosen;
static char              problem[200];
static pthread_once_t    once = PTHREAD_ONCE_INIT;

#ifdef __x86_64__
/* clang before 15 cannot be asked; the registers are those of AVX. */
static bool has_f16c(void)
{
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

static void find_paths(void)
{
    uint32_t n = 0;
#ifdef __x86_64__
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    if (avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vnni"))
        paths[n++] = &st_kernels_avx512;
    if (avx2) paths[n++] = &st_kernels_avx2;
#endif
    paths[n] = &st_kernels_baseline;
}

static void choose(void)
{
    const char *wanted = getenv("STAPES_CPU");
    find_paths();
    chosen = paths[0];
    if (!wanted || !*wanted) return;
    for (uint32_t i = 0; i < MOST && paths[i]; i++)
        if (!strcmp(paths[i]->name, wanted)) {
            chosen = paths[i];
            return;
        }
    bool known = !strcmp(wanted, "avx2") || !strcmp(wanted, "avx512");
    (void)snprintf(problem, sizeof problem, "STAPES_CPU=%.40s: %s; '%s' is used", wanted,
                   known ? "this machine has not all of its instructions"
                         : "is no path, allowed are baseline, avx2 and avx512",
                   chosen->name);
}

const st_kernels *st_kernels_get(void)
{
    (void)pthread_once(&once, choose);
    return chosen;
}

const char *st_kernels_problem(void)
{
    (void)pthread_once(&once, choose);
    return *problem ? problem : NULL;
}

const st_kernels *st_kernels_list(uint32_t i)
{
    (void)pthread_once(&once, choose);
    return i < MOST ? paths[i] : NULL;
}

const st_kernels *st_kernels_find(const char *name)
{
    for (uint32_t i = 0; i < MOST; i++) {
        const st_kernels *path = st_kernels_list(i);
        if (path && !strcmp(path->name, name)) return path;
    }
    return NULL;
}
