/* backend.h - products of float32 matrices by libraries that are installed.
 *
 * A library picks its kernels by the sizes of a product, so the bits of a row may depend on how many rows
 * there are, and with some kernels on its place among them. Here a library sees one size only for each
 * matrix: blocks of as many rows as st_steady_find() has found to be safe, all of them aligned and packed
 * the same way, zeros where rows are missing, and one thread. Blocks are shared out to the caller's threads.
 *
 * Libraries are opened when they are first asked for, once in a process, and stay. */
#ifndef ST_BACKEND_H
#define ST_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum st_backend_name { ST_BACKEND_OWN, ST_BACKEND_OPENBLAS, ST_BACKEND_ONEDNN, ST_BACKENDS };

/* y (rows, out) = x (rows, in) W^T for W (out, in); row-major, packed, aligned to 64. No size is 0. */
typedef void st_backend_product(const float *weights, size_t out, size_t in, const float *x, size_t rows,
                                float *y);

/* A library, and what became of it. */
typedef struct st_backend {
    const char *name;    /* as STAPES_PRODUCT knows it */
    const char *title;   /* as people know it */
    const char *file;    /* what is opened */
    const char *package; /* Debian's */

    /* Loads it and fills the fields below. False, with `problem`, if it cannot be used. */
    bool (*open)(struct st_backend *backend);

    bool                open_done, usable;
    st_backend_product *product;
    uint32_t            block;        /* rows of every call */
    char                problem[400]; /* why it is not usable */
    char                warning[400]; /* it is, but somebody should know this; or "" */
    char                version[40];  /* "0.3.21" */
    char                kernels[40];  /* which of its kernels it uses here: "SkylakeX" */
    char                choice[200];  /* who chose them */
    double              load_ms;      /* to load and to check it */
    size_t              memory;       /* bytes that it took, resident */
} st_backend;

/* ---- backend.c: which there are, and which one is taken ---- */

/* The library, opened if it was not yet, whether usable or not. Not of ST_BACKEND_OWN. [control] */
const st_backend *st_backend_get(enum st_backend_name name);

typedef struct st_backend_choice {
    const st_backend *library; /* NULL: the kit's own kernels */
    bool              asked;   /* STAPES_PRODUCT names it: every float32 matrix takes it. Else only those
                                  that many rows at once are multiplied with */
    bool mistaken;             /* STAPES_PRODUCT names what is not there */
    char why[300];             /* one line */
    char warning[500];         /* what should be said to people; or "" */
} st_backend_choice;

/* The choice of this process, made when it is first asked for. [control] */
const st_backend_choice *st_backend_choose(void);

/* A function of a library that was opened with dlopen. False if it has none of that name. */
bool st_backend_symbol(void *handle, const char *name, void *function);

/* Milliseconds of a clock; bytes of memory that this process has resident. */
double st_backend_clock(void);
size_t st_backend_resident(void);

/* ---- openblas.c, onednn.c ---- */

bool st_openblas_open(st_backend *backend);
bool st_onednn_open(st_backend *backend);

/* ---- steady.c ---- */

/* The largest number of rows for which a row's bits depend neither on its place nor on the other rows, or 0
 * if no number is like that, or without memory. A few products of odd sizes are computed. */
uint32_t st_steady_find(st_backend_product *product);

/* ---- blocks.c ---- */

/* Floats of room for one block; SIZE_MAX if that is more than memory can have or the library can count. */
size_t st_blocks_room(const st_backend *backend, size_t out, size_t in);

/* y[r][o] = sum over i of x[r][i] * weights[o][i] + bias[o] for at most a block of rows and outputs below
 * `written`. weights (out, in) row-major, aligned to 64; bias (out). room: st_blocks_room() floats, aligned
 * to 64. `in` may be 0. */
void st_blocks_multiply(const st_backend *backend, const float *weights, const float *bias, size_t out,
                        size_t in, const float *const *x, size_t rows, float *const *y, size_t written,
                        float *room);

#endif
