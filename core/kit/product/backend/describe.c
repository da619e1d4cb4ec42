/* describe.c - what was chosen, and what each way to multiply costs, for people; see stapes/kit/machine.h. */
#include "kit/product/backend/backend.h"

#include "kit/product/matrix.h"

#include <stapes/kit/machine.h>
#include <stapes/kit/product.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IN = 640, OUT = 1280, FEW = 8, MANY = 512, MOST_WARNINGS = 2 };
#define ENOUGH_MS 8.0 /* of one figure: the least of several runs is meant, and doctor should be quick */

static stapes_machine about;
static char           paths[64];
static const char    *warnings[MOST_WARNINGS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void describe(void)
{
    const st_backend_choice *choice = st_backend_choose();
    const char              *problem = st_kernels_problem();
    const st_kernels        *path;
    size_t                   used = 0;
    for (uint32_t i = 0; (path = st_kernels_list(i)) && used < sizeof paths; i++)
        used += (size_t)snprintf(paths + used, sizeof paths - used, "%s%s", i ? " " : "", path->name);
    if (problem) warnings[about.n_warnings++] = problem;
    if (choice->warning[0]) warnings[about.n_warnings++] = choice->warning;
    about.size = sizeof about;
    about.n_mistakes = (problem ? 1u : 0u) + (choice->mistaken ? 1u : 0u);
    about.path = st_kernels_get()->name;
    about.paths = paths;
    about.product = choice->library ? choice->library->name : "own";
    about.product_why = choice->why;
    about.warnings = warnings;
}

stapes_machine stapes_describe_machine(void)
{
    (void)pthread_once(&once, describe);
    return about;
}

/* ---- figures ---------------------------------------------------------------------------------------------
 */

/* Milliseconds that this thread has had of a processor: what others do meanwhile does not count. */
static double worked(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec * 1e-6;
}

/* GFLOP/s of the fastest run. */
static float measure(const stapes_matrix *matrix, const float *x, size_t rows, float *y, float *room)
{
    double begin = worked(), end = begin, best = 0;
    for (unsigned runs = 0; runs < 2 || end - begin < ENOUGH_MS; runs++) {
        double start = end;
        stapes_multiply(matrix, x, IN, rows, y, OUT, room, NULL);
        end = worked();
        if (runs == 0 || end - start < best) best = end - start;
    }
    return best > 0 ? (float)(2.0 * OUT * IN * (double)rows / (best * 1e6)) : 0;
}

static float *take(size_t count) { return aligned_alloc(64, (count * sizeof(float) + 63) / 64 * 64); }

/* library: NULL for the kit's own */
static void measure_all(const st_backend *library, stapes_product_report *report)
{
    size_t count = (size_t)OUT * IN;
    float *weights = take(count), *x = take((size_t)MANY * IN), *y = take((size_t)MANY * OUT), *room = NULL;
    stapes_matrix *matrix = NULL;
    for (size_t i = 0; weights && i < count; i++) weights[i] = (float)(i % 251) * 0.01f - 1.0f;
    for (size_t i = 0; x && i < (size_t)MANY * IN; i++) x[i] = (float)(i % 239) * 0.01f - 1.0f;
    if (weights)
        matrix = st_matrix_open_by(st_kernels_get(), library, weights, NULL, OUT, IN, STAPES_F32, NULL);
    if (matrix) room = take(stapes_matrix_room(matrix, MANY) + 1);
    if (room && x && y) {
        report->few = measure(matrix, x, FEW, y, room);
        report->many = measure(matrix, x, MANY, y, room);
    }
    stapes_close_matrix(matrix);
    free(room);
    free(y);
    free(x);
    free(weights);
}

bool stapes_measure_product(uint32_t i, stapes_product_report *report)
{
    const st_backend_choice *choice = st_backend_choose();
    const st_backend        *library = i > 0 && i < ST_BACKENDS ? st_backend_get(i) : NULL;
    if (i >= ST_BACKENDS) return false;
    *report = (stapes_product_report){.size = sizeof *report,
                                      .usable = !library || library->usable,
                                      .taken = choice->library == library,
                                      .name = library ? library->name : "own",
                                      .title = library ? library->title : "the kit's kernels",
                                      .version = library ? library->version : "",
                                      .kernels = library ? library->kernels : st_kernels_get()->name,
                                      .choice = library ? library->choice : ""};
    if (library) {
        report->problem = library->usable ? NULL : library->problem;
        report->block = library->block;
        report->load_ms = (float)library->load_ms;
        report->memory = library->memory;
    }
    if (report->usable) measure_all(library, report);
    return true;
}
