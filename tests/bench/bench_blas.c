/* bench_blas.c - the product of rows with weights by a library: the peer of stapes_multiply.
 *
 *   bench_blas --library libopenblas.so.0 --function sgemm|sgemv --out 1280 --in 640 --rows 100 [--output
 * FILE] bench_blas --library libdnnl.so.2 --function dnnl_sgemm ...
 *
 * y (rows, out) = x (rows, in) W^T, W (out, in). Each library is in a process of its own and opened when
 * OPENBLAS_CORETYPE and the number of threads (OPENBLAS_NUM_THREADS, OMP_NUM_THREADS) are set. */
#include "bench_product.h"

#include <dlfcn.h>
#include <string.h>

enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 }; /* as cblas.h has them */
typedef void cblas_sgemm_function(int order, int transposed_a, int transposed_b, int m, int n, int k,
                                  float alpha, const float *a, int lda, const float *b, int ldb, float beta,
                                  float *c, int ldc);
typedef void cblas_sgemv_function(int order, int transposed, int m, int n, float alpha, const float *a,
                                  int lda, const float *x, int step_x, float beta, float *y, int step_y);
typedef int  dnnl_sgemm_function(char transposed_a, char transposed_b, int64_t m, int64_t n, int64_t k,
                                 float alpha, const float *a, int64_t lda, const float *b, int64_t ldb,
                                 float beta, float *c, int64_t ldc);

typedef struct library {
    bench_product         p;
    cblas_sgemm_function *sgemm;
    cblas_sgemv_function *sgemv;
    dnnl_sgemm_function  *dnnl;
} library;

static void multiply(void *argument)
{
    const library *l = argument;
    int            out = (int)l->p.out, in = (int)l->p.in, rows = (int)l->p.rows;
    if (l->dnnl)
        l->dnnl('N', 'T', rows, out, in, 1.0f, l->p.x, in, l->p.weights, in, 0.0f, l->p.y, out);
    else if (l->sgemm)
        l->sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, rows, out, in, 1.0f, l->p.x, in, l->p.weights, in, 0.0f,
                 l->p.y, out);
    else
        for (int r = 0; r < rows; r++)
            l->sgemv(ROW_MAJOR, PLAIN, out, in, 1.0f, l->p.weights, in, l->p.x + (size_t)r * l->p.in, 1, 0.0f,
                     l->p.y + (size_t)r * l->p.out, 1);
}

int main(int argc, char **argv)
{
    const char *file = bench_option(argc, argv, "library", "libopenblas.so.0");
    const char *name = bench_option(argc, argv, "function", "sgemm");
    library     l = {.p = bench_open_product(argc, argv)};
    void       *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!handle) bench_fail("%s", dlerror());
    /* the pointer's bytes: ISO C has no conversion from dlsym's to a function's */
    char  full[64] = "cblas_";
    bool  dnnl = strcmp(name, "dnnl_sgemm") == 0;
    void *symbol = dlsym(handle, dnnl ? name : strncat(full, name, sizeof full - 8));
    if (!symbol) bench_fail("%s: no function %s", file, name);
    memcpy(dnnl                         ? (void *)&l.dnnl
           : strcmp(name, "sgemv") == 0 ? (void *)&l.sgemv
                                        : (void *)&l.sgemm,
           &symbol, sizeof symbol);
    multiply(&l);
    bench_write(bench_option(argc, argv, "output", NULL), l.p.y, (size_t)l.p.rows * l.p.out);
    return bench_serve(multiply, &l);
}
