/* kernel_body.h - the kernels of one path, written once; see kernels.h. The file that includes it says for
 * which path (PATH) and is compiled with that path's flags. */
#include "kit/product/kernel/kernel_tiles.h"
#include "kit/product/kernel/vector_math.h"

#include <math.h>

/* ---- int8 ------------------------------------------------------------------------------------------------
 */

/* VNNI takes one side unsigned: 128 is added, and taken away again with the sums of the weights. */
#if defined(__AVX512F__)
enum { OFFSET = 128 };
#else
enum { OFFSET = 0 };
#endif

INLINE uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits & 0x7fffffffu;
}

static void quantize(const float *x, size_t n, void *to, float *scale)
{
    const float big = 12582912.0f;
    int8_t     *q = to;
    uint32_t    most = 0; /* as bits: greater for infinity, and greater still for NaN */
    vu          all = {0};
    size_t      i = 0;
    for (; i + LANES <= n; i += LANES) {
        vu bits = (vu)vf_load(x + i) & 0x7fffffffu, more = (vu)(bits > all);
        all = (bits & more) | (all & ~more);
    }
    for (size_t l = 0; l < LANES; l++) most = all[l] > most ? all[l] : most;
    for (; i < n; i++) most = bits_of(x[i]) > most ? bits_of(x[i]) : most;

    size_t padded = (n + ST_KERNELS_GROUP - 1) / ST_KERNELS_GROUP * ST_KERNELS_GROUP;
    float  largest;
    memcpy(&largest, &most, sizeof largest);
    if (!(largest >= 1e-30f && largest <= 3.4028235e38f)) { /* all but zero, or not finite */
        memset(q, OFFSET, padded);
        *scale = largest < 1.0f ? 0.0f : NAN;
        return;
    }
    float inverse = 127.0f / largest;
    *scale = largest / 127.0f;
    for (i = 0; i + LANES <= n; i += LANES) {
        vi whole = (vi)(vf_load(x + i) * inverse + big) + (OFFSET - 0x4b400000);
#if defined(__AVX512F__)
        _mm_storeu_si128((__m128i *)(q + i), _mm512_cvtepi32_epi8((__m512i)whole));
#else
        for (size_t l = 0; l < LANES; l++) q[i + l] = (int8_t)whole[l];
#endif
    }
    for (; i < n; i++) {
        float   shifted = x[i] * inverse + big;
        int32_t whole;
        memcpy(&whole, &shifted, sizeof whole);
        q[i] = (int8_t)(whole + (OFFSET - 0x4b400000));
    }
    for (; i < padded; i++) q[i] = (int8_t)OFFSET;
}

/* ---- products --------------------------------------------------------------------------------------------
 */

/* Inputs are added up in parts, each part by itself from its first term to its last, then the parts in order:
 * a strip's part stays in the nearest cache while a block of rows goes over it. */
enum { PART = 384, BLOCK_ROWS = 4 * ROWS_OF_2 };

/* Sums of a block of rows, for all vectors of a panel: float32 with the bias, or int32 of int8 weights. */
typedef union tile_sums {
    float   f[BLOCK_ROWS * ST_KERNELS_VECTORS * LANES];
    int32_t i[BLOCK_ROWS * ST_KERNELS_VECTORS * LANES];
} tile_sums __attribute__((aligned(64)));

/* The finished product of outputs o ... o + LANES - 1, whose sums stand at `at` of the tile. */
INLINE vf finished(const st_packed *w, const tile_sums *sums, size_t at, size_t o, float scale)
{
    if (w->number != STAPES_I8) return vf_load(sums->f + at);
    vi sum = vi_load(sums->i + at);
    if (OFFSET) sum -= vi_load(w->sums + o) * OFFSET;
    return vf_of(sum) * (vf_load(w->scale + o) * scale) + vf_load(w->bias + o);
}

/* Rows of the next tile, of `left` that remain: as even as it goes. */
INLINE size_t tile_rows(size_t left, size_t most)
{
    size_t count = (left + most - 1) / most;
    return (left + count - 1) / count;
}

/* What is done with a tile's sums. */
typedef void finish_function(const void *what, const st_packed *w, const tile_sums *sums, size_t panel,
                             size_t row, size_t rows);

/* Where float32 sums of a row, from output `o` on, go at once instead of into memory of the tile. */
typedef float *place_function(const void *what, size_t row, size_t o);

/* What the tiles of a call have in common. */
typedef struct tiling {
    const st_packed      *w;
    const st_rows        *rows;
    tile_function *const *functions;
    size_t                strip;           /* bytes of a strip */
    size_t                strips, vectors; /* of a panel; of a strip */
    size_t                part;            /* inputs of a part, but for the last */
    size_t                most;            /* rows of a tile */
} tiling;

INLINE tiling plan_tiles(const st_packed *w, const st_rows *rows)
{
    size_t one = w->number == STAPES_I8 ? 1 : w->number == STAPES_F32 ? 4 : 2;
    size_t parts = (w->in + (size_t)PART - 1) / PART;
    tiling t = {.w = w, .rows = rows, .functions = tile_functions(w), .strips = w->vectors == 4 ? 2 : 1};
    t.vectors = w->vectors / t.strips;
    t.strip = (size_t)w->in * t.vectors * LANES * one;
    t.part = parts ? ((w->in + parts - 1) / parts + 3) / 4 * 4 : 0;
    t.most = t.vectors == 3 ? ROWS_OF_3 : ROWS_OF_2;
    return t;
}

static const int32_t nothing[3 * LANES];

/* What the first part's sums of a strip are added to. */
INLINE const void *start_of(const tiling *t, size_t strip)
{
    return t->w->number == STAPES_I8 ? (const void *)nothing : t->w->bias + strip * t->vectors * LANES;
}

/* The row by one strip: two parts of the inputs side by side, as long as there are two. Returns the inputs
 * that were used. */
INLINE size_t run_parts(const tiling *t, size_t strip, float *sums)
{
    const void *at = (const char *)t->w->panels + strip * t->strip;
    size_t      done = 0;
    float       second[3 * LANES];
    for (; t->part && t->w->in - done >= 2 * t->part; done += 2 * t->part) {
        const void *const same[] = {at, at}, *const start[] = {done ? NULL : start_of(t, strip), nothing};
        const size_t from[] = {done, done + t->part};
        void *const  to[] = {sums, second};
        t->functions[BY_PARTS](same, t->rows->x, from, t->part, start, to);
        for (size_t v = 0; v < t->vectors * LANES; v += LANES)
            if (t->w->number == STAPES_I8)
                vi_store(sums + v, vi_load(sums + v) + vi_load(second + v));
            else
                vf_store(sums + v, vf_load(sums + v) + vf_load(second + v));
    }
    return done;
}

/* The row by `count` strips from `first` on, 1, 2 or 4. */
INLINE void run_strips(const tiling *t, size_t first, size_t count, float *sums)
{
    const void *at[4], *start[4];
    void       *to[4];
    size_t      from[4], in = t->w->in, done = count == 1 ? run_parts(t, first, sums) : 0;
    for (size_t a = 0; a < count; a++) {
        at[a] = (const char *)t->w->panels + (first + a) * t->strip;
        to[a] = sums + a * t->vectors * LANES;
    }
    for (; done < in || !in; done += t->part) {
        for (size_t a = 0; a < count; a++) {
            from[a] = done;
            start[a] = done ? NULL : start_of(t, first + a);
        }
        t->functions[count == 4   ? BY_FOUR
                     : count == 2 ? BY_TWO
                                  : MANY](at, t->rows->x, from, in - done < t->part ? in - done : t->part,
                                          start, to);
        if (!in) return;
    }
}

/* A single row by panels first ... end - 1: several strips at a time. */
INLINE void run_row(const tiling *t, size_t first, size_t end, bool backwards, finish_function *finish,
                    const void *what)
{
    tile_sums sums;
    size_t    across = t->w->vectors * LANES, most = t->vectors == 3 ? 2 : 4 / t->strips;
    for (size_t done = first; done < end;) {
        size_t left = end - done, count = left >= most ? most : left >= 2 && t->strips == 1 ? 2 : 1;
        size_t panel = backwards ? first + end - done - count : done;
        run_strips(t, panel * t->strips, count * t->strips, sums.f);
        for (size_t i = 0; i < count; i++) {
            finish(what, t->w, &sums, panel + i, 0, 1);
            if (i + 1 < count) memmove(sums.f, sums.f + across, (count - 1 - i) * across * sizeof(float));
        }
        done += count;
    }
}

/* Rows `row` ... of a block by one panel. False if the sums have gone where they belong. */
INLINE bool run_block(const tiling *t, size_t panel, size_t row, size_t rows, tile_sums *sums,
                      place_function *place, const void *what)
{
    void *to[BLOCK_ROWS];
    for (size_t a = 0; a < t->strips; a++) {
        size_t      number = panel * t->strips + a, done = 0;
        const void *strip = (const char *)t->w->panels + number * t->strip;
        for (size_t r = 0; r < rows; r++)
            to[r] = place ? place(what, row + r, number * t->vectors * LANES)
                          : sums->f + (r * t->w->vectors + a * t->vectors) * LANES;
        do {
            const void *start = done ? NULL : start_of(t, number);
            size_t      n = t->w->in - done < t->part ? t->w->in - done : t->part;
            for (size_t r = 0, some; r < rows; r += some) {
                some = tile_rows(rows - r, t->most);
                t->functions[MANY - 1 + some](&strip, t->rows->x + row + r, &done, n, &start, to + r);
            }
            done += t->part;
        } while (done < t->w->in);
    }
    return !place;
}

/* All tiles of panels first ... end - 1. */
INLINE void run_tiles(const st_packed *w, const st_rows *rows, size_t first, size_t end, bool backwards,
                      place_function *place, finish_function *finish, const void *what)
{
    tiling    t = plan_tiles(w, rows);
    tile_sums sums;
    if (rows->count == 1) {
        run_row(&t, first, end, backwards, finish, what);
        return;
    }
    for (size_t done = first; done < end; done++) {
        size_t panel = backwards ? first + end - done - 1 : done;
        for (size_t r = 0, n; r < rows->count; r += n) {
            n = rows->count - r < BLOCK_ROWS ? rows->count - r : BLOCK_ROWS;
            if (run_block(&t, panel, r, n, &sums, place, what)) finish(what, w, &sums, panel, r, n);
        }
    }
}

typedef struct product {
    const st_rows *rows;
    float *const  *y;
    size_t         out;
} product;

INLINE float *place_product(const void *what, size_t row, size_t o)
{
    const product *p = what;
    return p->y[row] + o;
}

INLINE void finish_product(const void *what, const st_packed *w, const tile_sums *sums, size_t panel,
                           size_t row, size_t rows)
{
    const product *p = what;
    for (size_t v = 0; v < w->vectors; v++) {
        size_t o = (panel * w->vectors + v) * LANES, at = v * LANES;
        for (size_t r = row; o < p->out && r < row + rows; r++, at += w->vectors * LANES) {
            vf value = finished(w, sums, at, o, w->scale ? p->rows->scale[r] : 0);
            if (o + LANES <= p->out)
                vf_store(p->y[r] + o, value);
            else
                vf_store_some(p->y[r] + o, value, p->out - o);
        }
    }
}

static void multiply(const st_packed *w, const st_rows *rows, size_t first, size_t end, float *const *y,
                     size_t out)
{
    product p = {rows, y, out};
    size_t  whole = out / (w->vectors * LANES); /* panels without padding: float32 sums go to y at once */
    if (w->number == STAPES_I8 || whole < first) whole = first;
    if (whole > end) whole = end;
    run_tiles(w, rows, first, whole, false, place_product, finish_product, &p);
    run_tiles(w, rows, whole, end, false, NULL, finish_product, &p);
}

/* ---- recurrent steps --------------------------------------------------------------------------------------
 */

INLINE void finish_rnn(const void *what, const st_packed *w, const tile_sums *sums, size_t panel, size_t row,
                       size_t rows)
{
    const st_step *s = what;
    for (size_t r = 0; r < rows; r++)
        for (size_t v = 0; v < w->vectors; v++) {
            size_t o = (panel * w->vectors + v) * LANES;
            vf     sum =
                vf_load(s->gates + (row + r) * s->gates_step + o) +
                finished(w, sums, (r * w->vectors + v) * LANES, o, w->scale ? s->state.scale[row + r] : 0);
            vf_store(s->out + (row + r) * s->step + o, s->relu ? vf_max(vf_all(0.0f), sum) : vf_tanh(sum));
        }
}

static void rnn(const st_step *s)
{
    run_tiles(s->weights, &s->state, s->first, s->end, s->backwards, NULL, finish_rnn, s);
}

INLINE void finish_gru(const void *what, const st_packed *w, const tile_sums *sums, size_t panel, size_t row,
                       size_t rows)
{
    const st_step *s = what;
    for (size_t r = 0; r < rows; r++) {
        const float *x = s->gates + (row + r) * s->gates_step + panel * 3 * LANES;
        size_t       at = (row + r) * s->step + panel * LANES;
        vf           sum[3];
        for (size_t v = 0; v < 3; v++)
            sum[v] = finished(w, sums, (r * 3 + v) * LANES, (panel * 3 + v) * LANES,
                              w->scale ? s->state.scale[row + r] : 0);
        vf reset = vf_sigmoid(vf_load(x) + sum[0]), update = vf_sigmoid(vf_load(x + LANES) + sum[1]);
        vf fresh = vf_tanh(vf_load(x + 2 * LANES) + reset * sum[2]);
        vf_store(s->out + at, (1.0f - update) * fresh + update * vf_load(s->was + at));
    }
}

static void gru(const st_step *s)
{
    run_tiles(s->weights, &s->state, s->first, s->end, s->backwards, NULL, finish_gru, s);
}

INLINE void finish_lstm(const void *what, const st_packed *w, const tile_sums *sums, size_t panel, size_t row,
                        size_t rows)
{
    const st_step *s = what;
    for (size_t r = 0; r < rows; r++) {
        const float *x = s->gates + (row + r) * s->gates_step + panel * 4 * LANES;
        size_t       at = (row + r) * s->step + panel * LANES;
        vf           sum[4];
        for (size_t v = 0; v < 4; v++)
            sum[v] = vf_load(x + v * LANES) + finished(w, sums, (r * 4 + v) * LANES, (panel * 4 + v) * LANES,
                                                       w->scale ? s->state.scale[row + r] : 0);
        /* c' = f c + i g and h = o tanh(c') with one division each, the costly part of all these */
        vf f_down, i_down, g_down, o_down, c_down;
        vf f = vf_sigmoid_fraction(sum[1], &f_down), i = vf_sigmoid_fraction(sum[0], &i_down);
        vf g = vf_tanh_fraction(sum[2], &g_down), o_up = vf_sigmoid_fraction(sum[3], &o_down);
        vf other = i_down * g_down;
        vf c = vf_fma(f * vf_load(s->c + at), other, i * g * f_down) / (f_down * other);
        vf shown = vf_tanh_fraction(c, &c_down);
        vf_store(s->c + at, c);
        vf_store(s->out + at, o_up * shown / (o_down * c_down));
    }
}

static void lstm(const st_step *s)
{
    run_tiles(s->weights, &s->state, s->first, s->end, s->backwards, NULL, finish_lstm, s);
}

/* ---- functions
 * ---------------------------------------------------------------------------------------------
 */

INLINE vf vf_relu(vf x) { return vf_max(vf_all(0.0f), x); }
INLINE vf vf_gelu(vf x) { return 0.5f * x * (1.0f + vf_erf(x * 0.70710678118654752f)); }

#define FUNCTION(name)                                                                                       \
    static void all_##name(const float *x, float *y, size_t n)                                               \
    {                                                                                                        \
        size_t i = 0;                                                                                        \
        for (; i + LANES <= n; i += LANES) vf_store(y + i, vf_##name(vf_load(x + i)));                       \
        if (i < n) vf_store_some(y + i, vf_##name(vf_load_some(x + i, n - i)), n - i);                       \
    }
FUNCTION(exp)
FUNCTION(log)
FUNCTION(tanh)
FUNCTION(sigmoid)
FUNCTION(relu)
FUNCTION(erf)
FUNCTION(gelu)

/* In double, vector after vector, then lane after lane: one order for each number of columns. */
typedef double vd __attribute__((vector_size(LANES * sizeof(double))));

/* By address: clang warns of vectors wider than the machine's as arguments, inlined or not. */
INLINE double total(const vd *sums)
{
    double sum = 0;
    for (size_t l = 0; l < LANES; l++) sum += (*sums)[l];
    return sum;
}

/* The greatest of a row; NaN if there is one. */
static float greatest(const float *x, size_t n)
{
    vf     most = vf_all(-INFINITY);
    vi     bad = {0};
    size_t i = 0;
    float  m = -INFINITY;
    for (; i + LANES <= n; i += LANES) {
        vf v = vf_load(x + i);
        bad |= vf_is_nan(v);
        most = vf_max(most, v);
    }
    for (size_t l = 0; l < LANES; l++) {
        if (bad[l]) return NAN;
        m = most[l] > m ? most[l] : m;
    }
    for (; i < n; i++) {
        if (isnan(x[i])) return NAN;
        m = x[i] > m ? x[i] : m;
    }
    return m;
}

/* The sum of exp(x - most); y, if it is not NULL, gets the terms. */
static double sum_of_exp(const float *x, float most, float *y, size_t n)
{
    vd     sums = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        vf e = vf_exp(vf_load(x + i) - most);
        if (y) vf_store(y + i, e);
        sums += __builtin_convertvector(e, vd);
    }
    double sum = total(&sums);
    if (i < n) {
        vf e = vf_exp(vf_load_some(x + i, n - i) - most);
        if (y) vf_store_some(y + i, e, n - i);
        for (size_t l = 0; l < n - i; l++) sum += (double)e[l];
    }
    return sum;
}

static void row_log_softmax(const float *x, float *y, size_t n)
{
    float  most = greatest(x, n), log_sum = (float)log(sum_of_exp(x, most, NULL, n));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) vf_store(y + i, vf_load(x + i) - most - log_sum);
    for (; i < n; i++) y[i] = x[i] - most - log_sum;
}

static void row_softmax(const float *x, float *y, size_t n)
{
    float  scale = (float)(1.0 / sum_of_exp(x, greatest(x, n), y, n));
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) vf_store(y + i, vf_load(y + i) * scale);
    for (; i < n; i++) y[i] *= scale;
}

static void row_layer_norm(const float *x, const float *scale, const float *bias, float epsilon, float *y,
                           size_t n)
{
    vd     sums = {0}, squares = {0};
    size_t i = 0;
    double sum, square, mean, inverse;
    for (; i + LANES <= n; i += LANES) sums += __builtin_convertvector(vf_load(x + i), vd);
    sum = total(&sums);
    for (; i < n; i++) sum += (double)x[i];
    mean = n ? sum / (double)n : 0;
    for (i = 0; i + LANES <= n; i += LANES) {
        vd d = __builtin_convertvector(vf_load(x + i), vd) - mean;
        squares += d * d;
    }
    square = total(&squares);
    for (; i < n; i++) square += ((double)x[i] - mean) * ((double)x[i] - mean);
    inverse = 1.0 / sqrt(square / (double)(n ? n : 1) + (double)epsilon);
    for (i = 0; i < n; i++) {
        float value = (float)(((double)x[i] - mean) * inverse);
        if (scale) value *= scale[i];
        y[i] = bias ? value + bias[i] : value;
    }
}

/* ---- the table --------------------------------------------------------------------------------------------
 */

#define TABLE_NAME_(path) st_kernels_##path
#define TABLE_NAME(path) TABLE_NAME_(path)
#define TEXT_(path) #path
#define TEXT(path) TEXT_(path)

const st_kernels TABLE_NAME(PATH) = {
    .name = TEXT(PATH),
    .lanes = LANES,
    .halves = HAS_HALVES,
    .quantize = quantize,
    .multiply = multiply,
    .rnn = rnn,
    .gru = gru,
    .lstm = lstm,
    .functions = {[ST_EXP] = all_exp,
                  [ST_LOG] = all_log,
                  [ST_TANH] = all_tanh,
                  [ST_SIGMOID] = all_sigmoid,
                  [ST_RELU] = all_relu,
                  [ST_ERF] = all_erf,
                  [ST_GELU] = all_gelu},
    .log_softmax = row_log_softmax,
    .softmax = row_softmax,
    .layer_norm = row_layer_norm,
};
