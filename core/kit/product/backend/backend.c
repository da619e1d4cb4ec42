/* backend.c - which library multiplies; see backend.h.
 *
 * The rule is by what the machine has, not by a measurement at start, which would cost time and choose
 * differently from run to run. The kit's own kernels have their weights packed once and are as fast as the
 * libraries or faster where there is AVX2, and where there is nothing beyond SSE. A library is taken where
 * OpenBLAS has wider kernels than the kit: AVX without AVX2 (twice as fast), and processors that are no
 * x86. Even there only for matrices that many rows meet at once: a library's block costs the same whether
 * it holds one row or all. */
#include "kit/product/backend/backend.h"

#include "kit/product/kernel/kernels.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static st_backend libraries[ST_BACKENDS] = {
    [ST_BACKEND_OWN] = {.name = "own"},
    [ST_BACKEND_OPENBLAS] = {.name = "openblas",
                             .title = "OpenBLAS",
                             .file = "libopenblas.so.0",
                             .package = "libopenblas0-pthread",
                             .open = st_openblas_open},
    [ST_BACKEND_ONEDNN] = {.name = "onednn",
                           .title = "oneDNN",
                           .file = "libdnnl.so.2",
                           .package = "libdnnl2",
                           .open = st_onednn_open},
};
static pthread_mutex_t   lock = PTHREAD_MUTEX_INITIALIZER;
static st_backend_choice choice;
static pthread_once_t    once = PTHREAD_ONCE_INIT;

bool st_backend_symbol(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol); /* the way that POSIX knows from a data pointer to a function */
    return symbol != NULL;
}

double st_backend_clock(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

size_t st_backend_resident(void)
{
    char   line[128] = ""; /* pages: of the whole, then resident */
    FILE  *file = fopen("/proc/self/statm", "re");
    char  *rest = line;
    size_t pages;
    if (file && !fgets(line, sizeof line, file)) line[0] = 0;
    if (file) fclose(file);
    (void)strtoul(line, &rest, 10);
    pages = strtoul(rest, NULL, 10);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void open_library(st_backend *library)
{
    double begin = st_backend_clock();
    size_t before = st_backend_resident(), after;
    library->usable = library->open(library);
    if (library->usable && (library->block = st_steady_find(library->product)) == 0) {
        char problem[sizeof library->problem];
        (void)snprintf(problem, sizeof problem,
                       "%s %s (%s): a row's result depends on its place among the rows, for every number of "
                       "rows that was tried; it is not used",
                       library->title, library->version, library->kernels);
        memcpy(library->problem, problem, sizeof problem);
        library->usable = false;
    }
    after = st_backend_resident();
    library->memory = after > before ? after - before : 0;
    library->load_ms = st_backend_clock() - begin;
}

const st_backend *st_backend_get(enum st_backend_name name)
{
    st_backend *library = &libraries[name];
    pthread_mutex_lock(&lock);
    if (!library->open_done) open_library(library);
    library->open_done = true;
    pthread_mutex_unlock(&lock);
    return library;
}

/* What STAPES_PRODUCT says. */
static void choose_asked(const char *wanted)
{
    for (int i = 0; i < ST_BACKENDS; i++) {
        const st_backend *library;
        if (strcmp(wanted, libraries[i].name) != 0) continue;
        (void)snprintf(choice.why, sizeof choice.why, "STAPES_PRODUCT=%s", wanted);
        if (i == ST_BACKEND_OWN) return;
        library = st_backend_get((enum st_backend_name)i);
        if (library->usable) {
            choice.library = library;
            choice.asked = true;
            (void)snprintf(choice.warning, sizeof choice.warning, "%s", library->warning);
        } else {
            choice.mistaken = true;
            (void)snprintf(choice.why, sizeof choice.why, "STAPES_PRODUCT=%s cannot be used", wanted);
            (void)snprintf(choice.warning, sizeof choice.warning,
                           "STAPES_PRODUCT=%s: %s; the kit's own kernels are used", wanted, library->problem);
        }
        return;
    }
    choice.mistaken = true;
    (void)snprintf(choice.why, sizeof choice.why, "STAPES_PRODUCT names no library");
    (void)snprintf(
        choice.warning, sizeof choice.warning,
        "STAPES_PRODUCT=%.40s: is no library for products, allowed are own, openblas and onednn; the "
        "kit's own kernels are used",
        wanted);
}

/* Whether OpenBLAS' kernels are wider than the baseline of the kit. */
static bool library_is_wider(void)
{
#ifdef __x86_64__
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx");
#else
    return true;
#endif
}

/* What the machine says. */
static void choose_by_rule(void)
{
    const st_kernels *path = st_kernels_get();
    const char       *forced = getenv("STAPES_CPU");
    const st_backend *library;
    if (path != &st_kernels_baseline) {
        (void)snprintf(choice.why, sizeof choice.why, "the kit has %s kernels for this machine", path->name);
        return;
    }
    if (forced && *forced) {
        (void)snprintf(choice.why, sizeof choice.why, "STAPES_CPU chooses among the kit's kernels");
        return;
    }
    if (!library_is_wider()) {
        (void)snprintf(choice.why, sizeof choice.why, "no library has wider kernels for this machine");
        return;
    }
    library = st_backend_get(ST_BACKEND_OPENBLAS);
    if (library->usable) {
        choice.library = library;
        (void)snprintf(choice.why, sizeof choice.why,
                       "the kit has only baseline kernels for this machine; for matrices that whole segments "
                       "are multiplied with");
        (void)snprintf(choice.warning, sizeof choice.warning, "%s", library->warning);
    } else {
        (void)snprintf(choice.why, sizeof choice.why, "no library can be used: %.200s", library->problem);
    }
}

static void choose(void)
{
    const char *wanted = getenv("STAPES_PRODUCT");
    if (wanted && *wanted)
        choose_asked(wanted);
    else
        choose_by_rule();
}

const st_backend_choice *st_backend_choose(void)
{
    (void)pthread_once(&once, choose);
    return &choice;
}
