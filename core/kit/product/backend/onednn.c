/* onednn.c - products by oneDNN (dnnl_sgemm); see backend.h.
 *
 * oneDNN has its threads from OpenMP, as many as OpenMP thinks right for the thread that calls. The threads
 * are ours, so that number is one for the time of each call; it belongs to the calling thread alone. */
#include "kit/product/backend/backend.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { RUNTIME_SEQUENTIAL = 1, RUNTIME_OMP = 2 }; /* of dnnl_types.h */

typedef struct version { /* dnnl_version_t */
    int         major, minor, patch;
    const char *hash;
    unsigned    cpu_runtime, gpu_runtime;
} version;

static int (*sgemm)(char transpose_a, char transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
                    const float *a, int64_t lda, const float *b, int64_t ldb, float beta, float *c,
                    int64_t ldc);
static int (*get_threads)(void);
static void (*set_threads)(int);

static void multiply(const float *weights, size_t out, size_t in, const float *x, size_t rows, float *y)
{
    int threads = get_threads ? get_threads() : 1;
    if (threads != 1) set_threads(1);
    int status = sgemm('N', 'T', (int64_t)rows, (int64_t)out, (int64_t)in, 1.0f, x, (int64_t)in, weights,
                       (int64_t)in, 0.0f, y, (int64_t)out);
    if (threads != 1) set_threads(threads);
    /* It fails for arguments that are wrong, which these are not, and without memory: then the numbers say
     * that they are none. */
    if (status != 0) memset(y, 0xff, rows * out * sizeof *y);
}

/* The highest instruction set of enum dnnl_cpu_isa_t that is in use. */
static const char *isa_name(unsigned isa)
{
    static const struct {
        unsigned    bits;
        const char *name;
    } known[] = {{0x3e7, "avx512 with amx"},
                 {0xc7, "avx512 with bf16"},
                 {0x47, "avx512 with vnni"},
                 {0x27, "avx512"},
                 {0x17, "avx2 with vnni"},
                 {0x7, "avx2"},
                 {0x3, "avx"},
                 {0x1, "sse4.1"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if ((isa & known[i].bits) == known[i].bits) return known[i].name;
    return "plain";
}

bool st_onednn_open(st_backend *b)
{
    void *handle = dlopen(b->file, RTLD_NOW | RTLD_LOCAL);
    const version *(*ask_version)(void);
    unsigned (*ask_isa)(void);
    if (!handle) {
        const char *why = dlerror();
        (void)snprintf(b->problem, sizeof b->problem,
                       "%s cannot be loaded: %.200s; to install it: sudo apt "
                       "install %s",
                       b->file, why ? why : "unknown reason", b->package);
        return false;
    }
    if (!st_backend_symbol(handle, "dnnl_sgemm", &sgemm) ||
        !st_backend_symbol(handle, "dnnl_version", &ask_version)) {
        (void)snprintf(b->problem, sizeof b->problem,
                       "%s lacks dnnl_sgemm or dnnl_version: it is no oneDNN; to "
                       "install it: sudo apt install %s",
                       b->file, b->package);
        return false;
    }
    const version *v = ask_version();
    (void)snprintf(b->version, sizeof b->version, "%d.%d.%d", v->major, v->minor, v->patch);
    (void)snprintf(b->kernels, sizeof b->kernels, "%s",
                   st_backend_symbol(handle, "dnnl_get_effective_cpu_isa", &ask_isa) ? isa_name(ask_isa())
                                                                                     : "unknown");
    (void)snprintf(b->choice, sizeof b->choice, "its own choice");
    bool omp = st_backend_symbol(handle, "omp_get_max_threads", &get_threads) &&
               st_backend_symbol(handle, "omp_set_num_threads", &set_threads);
    if (v->cpu_runtime == RUNTIME_SEQUENTIAL) {
        get_threads = NULL;
    } else if (v->cpu_runtime != RUNTIME_OMP || !omp) {
        (void)snprintf(b->problem, sizeof b->problem,
                       "oneDNN %s has threads that are not OpenMP's and cannot be "
                       "held to one; install Debian's: sudo apt install %s",
                       b->version, b->package);
        return false;
    }
    b->product = multiply;
    return true;
}
