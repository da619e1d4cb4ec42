/* product.c - the product of rows with packed weights, in pieces that threads can share; see matrix.h. */
#include "kit/product/matrix.h"

#include <string.h>

size_t st_matrix_width(const st_matrix *m)
{
    return (size_t)m->packed.panels_count * m->packed.vectors * m->kernels->lanes;
}

size_t st_matrix_bytes(const st_matrix *m)
{
    size_t one = m->packed.number == STAPES_I8 ? 1 : m->packed.number == STAPES_F32 ? 4 : 2;
    return st_matrix_width(m) * m->packed.in * one;
}

/* ---- room: the rows as int8, then their steps
 * -------------------------------------------------------------- */

/* Floats that a row of int8 takes, in whole cache lines. */
static size_t row_room(const st_matrix *m) { return ((size_t)m->packed.in + 63) / 64 * 16; }

size_t st_matrix_room(const st_matrix *m, size_t rows)
{
    size_t room, one = row_room(m) + 1;
    if (m->library) {
        rows = rows / m->library->block + (rows % m->library->block != 0);
        one = st_blocks_room(m->library, st_matrix_width(m), m->in);
    } else if (m->packed.number != STAPES_I8) {
        return 0;
    }
    return __builtin_mul_overflow(rows, one, &room) ? SIZE_MAX : room;
}

static void quantize(const st_matrix *m, const float *x, float *q, float *scale)
{
    m->kernels->quantize(x, m->in, q, scale);
}

/* ---- a few rows
 * -------------------------------------------------------------------------------------------- */

st_rows st_matrix_prepare(const st_matrix *m, const float *const *x, size_t rows, const void **at,
                          float *room)
{
    bool   bytes = m->packed.number == STAPES_I8;
    float *scale = bytes ? room + rows * row_room(m) : NULL;
    for (size_t r = 0; r < rows; r++) {
        at[r] = x[r];
        if (!bytes) continue;
        at[r] = room + r * row_room(m);
        quantize(m, x[r], room + r * row_room(m), scale + r);
    }
    return (st_rows){at, scale, rows};
}

/* At most a block. */
static void library_rows(const st_matrix *m, const float *const *x, size_t rows, float *const *y, size_t out,
                         float *room)
{
    st_blocks_multiply(m->library, m->packed.panels, m->packed.bias, st_matrix_width(m), m->in, x, rows, y,
                       out, room);
}

void st_matrix_multiply(const st_matrix *m, const st_rows *rows, size_t first, size_t end, float *const *y,
                        size_t out, float *room)
{
    if (!m->library) {
        m->kernels->multiply(&m->packed, rows, first, end, y, out);
        return;
    }
    size_t block = m->library->block;
    for (size_t r = 0; first == 0 && end > 0 && r < rows->count; r += block)
        library_rows(m, (const float *const *)rows->x + r, rows->count - r < block ? rows->count - r : block,
                     y + r, out, room);
}

/* ---- many rows
 * --------------------------------------------------------------------------------------------- */

/* A product, cut into row_parts x panel_parts pieces. */
typedef struct job {
    const st_matrix *m;
    const float     *x;
    float           *y, *room;
    size_t           x_step, y_step, rows, row_parts, panel_parts;
} job;

size_t st_matrix_part(size_t n, size_t parts, size_t i) { return n / parts * i + (n % parts * i) / parts; }

static void quantize_part(void *argument, uint32_t i)
{
    const job *j = argument;
    float     *scale = j->room + j->rows * row_room(j->m);
    for (size_t r = st_matrix_part(j->rows, j->row_parts, i);
         r < st_matrix_part(j->rows, j->row_parts, i + 1); r++)
        quantize(j->m, j->x + r * j->x_step, j->room + r * row_room(j->m), scale + r);
}

/* Rows from ... to - 1 by panels first ... end - 1, which stay in the second cache meanwhile. */
static void multiply_rows(const job *j, size_t from, size_t to, size_t first, size_t end)
{
    bool bytes = j->m->packed.number == STAPES_I8;
    while (from < to) {
        const void *x[ST_MATRIX_CHUNK];
        float      *y[ST_MATRIX_CHUNK];
        size_t      n = to - from < ST_MATRIX_CHUNK ? to - from : ST_MATRIX_CHUNK;
        st_rows     in = {x, bytes ? j->room + j->rows * row_room(j->m) + from : NULL, n};
        for (size_t r = 0; r < n; r++) {
            x[r] = bytes ? j->room + (from + r) * row_room(j->m) : j->x + (from + r) * j->x_step;
            y[r] = j->y + (from + r) * j->y_step;
        }
        j->m->kernels->multiply(&j->m->packed, &in, first, end, y, j->m->out);
        from += n;
    }
}

static void multiply_part(void *argument, uint32_t i)
{
    enum { NEAR = 1 << 20 }; /* bytes: half of a usual second cache */
    const job *j = argument;
    size_t     from = st_matrix_part(j->rows, j->row_parts, i / j->panel_parts);
    size_t     to = st_matrix_part(j->rows, j->row_parts, i / j->panel_parts + 1);
    size_t     count = j->m->packed.panels_count, some = NEAR / (st_matrix_bytes(j->m) / count + 1) + 1;
    size_t     first = st_matrix_part(count, j->panel_parts, i % j->panel_parts);
    size_t     end = st_matrix_part(count, j->panel_parts, i % j->panel_parts + 1);
    for (size_t p = first; p < end; p += some) multiply_rows(j, from, to, p, end - p < some ? end : p + some);
}

/* Block i, with room of its own. */
static void multiply_block(void *argument, uint32_t i)
{
    const job   *j = argument;
    size_t       block = j->m->library->block, first = i * block, n = j->rows - first;
    const float *x[ST_MATRIX_CHUNK];
    float       *y[ST_MATRIX_CHUNK];
    if (n > block) n = block;
    for (size_t r = 0; r < n; r++) {
        x[r] = j->x + (first + r) * j->x_step;
        y[r] = j->y + (first + r) * j->y_step;
    }
    library_rows(j->m, x, n, y, j->m->out,
                 j->room + i * st_blocks_room(j->m->library, st_matrix_width(j->m), j->m->in));
}

static void multiply_blocks(const job *j, const stapes_callbacks *callbacks)
{
    job      shared = *j;
    uint32_t blocks = (uint32_t)((j->rows + j->m->library->block - 1) / j->m->library->block);
    if (blocks > 1 && callbacks && callbacks->parallel)
        callbacks->parallel(callbacks->user, blocks, multiply_block, &shared);
    else
        for (uint32_t i = 0; i < blocks; i++) multiply_block(&shared, i);
}

/* Pieces by rows where there are many, else by outputs: then each thread reads only its own weights. */
static void cut(job *j, const stapes_callbacks *callbacks)
{
    size_t threads = callbacks->threads ? callbacks->threads : 4, panels = j->m->packed.panels_count;
    double work = (double)j->rows * j->m->in * j->m->out;
    j->row_parts = j->panel_parts = 1;
    if (work < 2e5) return; /* a few microseconds: waking a thread costs as much */
    if (j->rows >= threads * ST_MATRIX_CHUNK)
        j->row_parts = 2 * threads; /* two each: who is slower takes one less */
    else if (panels % threads == 0 || panels >= 8 * threads || j->rows < 2 * threads)
        j->panel_parts = threads < panels ? threads : panels;
    else
        j->row_parts = threads;
}

void st_matrix_product(const st_matrix *m, const float *x, size_t x_step, size_t rows, float *y,
                       size_t y_step, float *room, const stapes_callbacks *callbacks)
{
    bool bytes = m->packed.number == STAPES_I8, parallel = callbacks && callbacks->parallel;
    job  j = {m, x, y, room, x_step, y_step, rows, 1, 1};
    if (!rows || !m->out) return;
    if (m->library) {
        multiply_blocks(&j, callbacks);
        return;
    }
    if (parallel) cut(&j, callbacks);
    uint32_t parts = (uint32_t)(j.row_parts * j.panel_parts);
    if (parts < 2) {
        if (bytes) quantize_part(&j, 0);
        multiply_part(&j, 0);
        return;
    }
    if (bytes && j.row_parts > 1)
        callbacks->parallel(callbacks->user, (uint32_t)j.row_parts, quantize_part, &j);
    else if (bytes)
        quantize_part(&j, 0);
    callbacks->parallel(callbacks->user, parts, multiply_part, &j);
}
