/* openblas.c - products by OpenBLAS; see backend.h.
 *
 * OpenBLAS reads its settings from the environment while it is loaded: one thread, since the threads are
 * ours, and the type of processor whose kernels it takes. Left to itself it goes by the model number, and a
 * processor younger than the library gets kernels of 2004: 0.3.21 runs at a fifth of the speed on Sapphire
 * Rapids. So it is loaded, asked what it chose, and where the processor can do more than those kernels use,
 * unloaded and loaded again with its choice made for it. A type that somebody else has put into
 * OPENBLAS_CORETYPE stays. */
#include "kit/product/backend/backend.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 }; /* of cblas.h */

static void (*sgemm)(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                     const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

static void multiply(const float *weights, size_t out, size_t in, const float *x, size_t rows, float *y)
{
    sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, (int)rows, (int)out, (int)in, 1.0f, x, (int)in, weights, (int)in,
          0.0f, y, (int)out);
}

/* Kernels by what they ask of the processor, and their names in OpenBLAS 0.3. */
enum level { LEVEL_OLD, LEVEL_AVX, LEVEL_AVX2, LEVEL_AVX512 };

static enum level level_of(const char *kernels)
{
    static const struct {
        const char *name;
        enum level  level;
    } known[] = {{"SkylakeX", LEVEL_AVX512}, {"Cooperlake", LEVEL_AVX512}, {"SapphireRapids", LEVEL_AVX512},
                 {"Haswell", LEVEL_AVX2},    {"Zen", LEVEL_AVX2},          {"Excavator", LEVEL_AVX2},
                 {"Sandybridge", LEVEL_AVX}, {"Bulldozer", LEVEL_AVX},     {"Piledriver", LEVEL_AVX},
                 {"Steamroller", LEVEL_AVX}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcasecmp(known[i].name, kernels)) return known[i].level;
    return LEVEL_OLD;
}

/* The type to ask for on this processor, NULL: OpenBLAS will know best. */
static const char *best_type(enum level *level)
{
    *level = LEVEL_OLD;
#ifdef __x86_64__
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
        *level = LEVEL_AVX512;
        return "SkylakeX";
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        *level = LEVEL_AVX2;
        return "Haswell";
    }
    if (__builtin_cpu_supports("avx")) {
        *level = LEVEL_AVX;
        return "Sandybridge";
    }
#endif
    return NULL;
}

/* dlopen with variables of the environment set for that time; values may be NULL: left as they are. The
 * variables are this library's own, so nobody else reads them meanwhile, but a thread that reads others just
 * then takes a risk that POSIX names: therefore only when a library is wanted, and that is rare. */
static void *open_with(const char *file, const char *type)
{
    static const char *const names[] = {"OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"};
    const char *const        values[] = {"1", type};
    char                    *before[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        const char *found = getenv(names[i]);
        if (!values[i]) continue;
        before[i] = found ? strdup(found) : NULL;
        (void)setenv(names[i], values[i], 1);
    }
    void *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    for (int i = 0; i < 2; i++) {
        if (values[i] && before[i])
            (void)setenv(names[i], before[i], 1);
        else if (values[i])
            (void)unsetenv(names[i]);
        free(before[i]);
    }
    return handle;
}

/* The name of the kernels that it uses. */
static const char *kernels_of(void *handle)
{
    char *(*ask)(void);
    const char *name = st_backend_symbol(handle, "openblas_get_corename", &ask) ? ask() : NULL;
    return name ? name : "unknown";
}

/* Loads it with good kernels. NULL, with backend->problem. */
static void *load(st_backend *b)
{
    const char *given = getenv("OPENBLAS_CORETYPE"), *type, *before;
    enum level  level;
    void       *resident = dlopen(b->file, RTLD_NOW | RTLD_NOLOAD), *handle = open_with(b->file, NULL);
    char        own[40];
    if (!handle) {
        const char *why = dlerror();
        (void)snprintf(b->problem, sizeof b->problem,
                       "%s cannot be loaded: %.200s; to install it: sudo apt "
                       "install %s",
                       b->file, why ? why : "unknown reason", b->package);
        return NULL;
    }
    (void)snprintf(own, sizeof own, "%s", kernels_of(handle));
    (void)snprintf(b->kernels, sizeof b->kernels, "%s", own);
    type = best_type(&level);
    before = given && *given ? "OPENBLAS_CORETYPE" : resident ? "somebody else in this process" : NULL;
    (void)snprintf(b->choice, sizeof b->choice, "%s", before ? before : "its own choice");
    if (!type || level_of(own) >= level) return handle;
    if (before) {
        (void)snprintf(b->warning, sizeof b->warning,
                       "OpenBLAS uses its %s kernels, which %s chose; for this machine %s would be better",
                       own, before, type);
        return handle;
    }
    (void)dlclose(handle);
    handle = open_with(b->file, type);
    if (!handle) {
        (void)snprintf(b->problem, sizeof b->problem, "%s cannot be loaded a second time", b->file);
        return NULL;
    }
    (void)snprintf(b->kernels, sizeof b->kernels, "%s", kernels_of(handle));
    (void)snprintf(b->choice, sizeof b->choice, "its own choice, %s, would be poor", own);
    (void)snprintf(
        b->warning, sizeof b->warning,
        level_of(b->kernels) >= level
            ? "OpenBLAS does not know this processor and would have used its %s kernels; it was made "
              "to use %s"
            : "OpenBLAS does not know this processor and uses its %s kernels; it cannot be made to "
              "use better ones (asked for %s)",
        own, type);
    return handle;
}

/* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
static void read_version(st_backend *b, void *handle)
{
    char *(*ask)(void);
    const char *text = st_backend_symbol(handle, "openblas_get_config", &ask) ? ask() : NULL;
    if (!text || sscanf(text, "OpenBLAS %39s", b->version) != 1)
        (void)snprintf(b->version, sizeof b->version, "of an unknown version");
}

bool st_openblas_open(st_backend *b)
{
    void *handle = load(b);
    int (*parallel)(void);
    int (*get_threads)(void);
    void (*set_threads)(int);
    if (!handle) return false;
    read_version(b, handle);
    if (!st_backend_symbol(handle, "cblas_sgemm", &sgemm) ||
        !st_backend_symbol(handle, "openblas_get_parallel", &parallel) ||
        !st_backend_symbol(handle, "openblas_get_num_threads", &get_threads) ||
        !st_backend_symbol(handle, "openblas_set_num_threads", &set_threads)) {
        (void)snprintf(b->problem, sizeof b->problem,
                       "%s lacks cblas_sgemm or openblas_set_num_threads: it is "
                       "no OpenBLAS; to install it: sudo apt install %s",
                       b->file, b->package);
        return false;
    }
    if (parallel() == 0) { /* its memory is not guarded against a second thread */
        (void)snprintf(b->problem, sizeof b->problem,
                       "OpenBLAS %s is the build for one thread, which may not be "
                       "called from several; install the other: sudo apt install %s",
                       b->version, b->package);
        return false;
    }
    if (get_threads() != 1) set_threads(1);
    b->product = multiply;
    return true;
}
