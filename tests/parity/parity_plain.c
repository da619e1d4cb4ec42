/* parity_plain.c - see parity_plain.h. To be read beside network.h: one loop for each sum, nothing fast. */
#include "parity_plain.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One computation of a case. */
typedef struct plain {
    parity_case *c;
    uint32_t     number; /* of the form; 0: no noise */
    uint64_t     random;
    double      *trace; /* all outputs and states, in the order in which they are computed */
    size_t       traced, room;
} plain;

/* -1 to 1; SplitMix64 (Steele, Lea, Flood 2014). */
static double draw(plain *p)
{
    uint64_t z = p->random += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (double)(z ^ z >> 31) * 0x1p-63 - 1.0;
}

static void note(plain *p, const double *values, size_t count)
{
    if (p->traced + count > p->room) {
        double *old = p->trace;
        p->room = 2 * p->room + count;
        p->trace = parity_memory(p->c, p->room, sizeof *p->trace);
        if (p->traced) memcpy(p->trace, old, p->traced * sizeof *p->trace);
    }
    memcpy(p->trace + p->traced, values, count * sizeof *values);
    p->traced += count;
}

static double *numbers(plain *p, size_t count) { return parity_memory(p->c, count, sizeof(double)); }

/* ---- products ------------------------------------------------------------------------------------------ */

typedef struct matrix {
    double *weights, *bias; /* (out, in), (out) or NULL */
    double *row;            /* (in), for noise */
    size_t  out, in;
} matrix;

static double half_step(const plain *p, double weight, double largest)
{
    if (p->number == STAPES_I8) return largest / 254.0;
    if (weight == 0.0 || !p->number) return 0.0;
    int exponent = ilogb(weight);
    if (p->number == STAPES_BF16) return ldexp(1.0, exponent - 8);
    return ldexp(1.0, exponent < -14 ? -25 : exponent - 11);
}

/* Weights NAME.PART, of `rank` dimensions, and NAME.BIAS if that is not NULL. Of a kernel (out, in, kernel)
 * as the rows under it lie: (out, kernel, in). */
static matrix open_matrix(plain *p, const char *name, const char *part, const char *bias, uint32_t rank)
{
    char          path[200];
    matrix        m = {0};
    parity_tensor t, b;
    (void)snprintf(path, sizeof path, "%s.%s", name, part);
    t = parity_get(p->c, path, rank);
    if (!t.data) return m;
    m.out = t.shape[0];
    m.in = t.count / m.out;
    m.weights = numbers(p, t.count);
    m.row = numbers(p, m.in);
    for (size_t o = 0; o < m.out; o++) {
        double largest = 0.0;
        for (size_t i = 0; i < m.in; i++) largest = fmax(largest, fabs((double)t.data[o * m.in + i]));
        for (size_t i = 0; i < m.in; i++) {
            size_t kernel = rank == 3 ? t.shape[2] : 1, to = i % kernel * (m.in / kernel) + i / kernel;
            double w = (double)t.data[o * m.in + i];
            m.weights[o * m.in + to] = w + (p->number ? draw(p) * half_step(p, w, largest) : 0.0);
        }
    }
    if (!bias) return m;
    (void)snprintf(path, sizeof path, "%s.%s", name, bias);
    b = parity_get(p->c, path, 1);
    m.bias = b.data && b.count == m.out ? numbers(p, m.out) : NULL;
    for (size_t o = 0; m.bias && o < m.out; o++) m.bias[o] = (double)b.data[o];
    return m;
}

/* y = W x + b */
static void multiply(plain *p, const matrix *m, const double *x, double *y)
{
    double largest = 0.0;
    for (size_t i = 0; i < m->in; i++) largest = fmax(largest, fabs(x[i]));
    for (size_t i = 0; i < m->in; i++)
        m->row[i] = x[i] + (p->number == STAPES_I8 ? draw(p) * largest / 254.0 : 0.0);
    for (size_t o = 0; o < m->out; o++) {
        double sum = m->bias ? m->bias[o] : 0.0;
        for (size_t i = 0; i < m->in; i++) sum += m->weights[o * m->in + i] * m->row[i];
        y[o] = sum;
    }
}

/* ---- recurrent -------------------------------------------------------------------------------------------
 */

static double sigma(double x) { return 1.0 / (1.0 + exp(-x)); }

/* One layer and direction: its matrices, and room for a step. */
typedef struct cell {
    const char *kind;
    size_t      hidden, out; /* out: hidden or the projection */
    matrix      input, state, projection;
    double *a, *s, *wide; /* (gates * hidden) of the input and the state, (hidden) before the projection */
} cell;

static cell open_cell(plain *p, const char *name, uint32_t level, bool reverse, bool bias)
{
    char                     parts[5][40];
    static const char *const kinds[5] = {"weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"};
    for (int i = 0; i < 5; i++)
        (void)snprintf(parts[i], sizeof parts[i], "%s_l%u%s", kinds[i], level, reverse ? "_reverse" : "");
    cell one = {.kind = parity_word(p->c, "cell"), .hidden = parity_integer(p->c, "hidden")};
    char path[250];
    (void)snprintf(path, sizeof path, "%s.%s", name, parts[2]);
    one.input = open_matrix(p, name, parts[0], bias ? parts[3] : NULL, 2);
    one.state = open_matrix(p, name, parts[1], bias ? parts[4] : NULL, 2);
    if (parity_count(p->c, path)) one.projection = open_matrix(p, name, parts[2], NULL, 2);
    one.out = one.projection.weights ? one.projection.out : one.hidden;
    one.a = numbers(p, one.input.out);
    one.s = numbers(p, one.input.out);
    one.wide = numbers(p, one.hidden);
    return one;
}

/* h (out) and c (hidden) become those of the next step. network.h has the equations. */
static void step(plain *p, cell *k, const double *x, double *h, double *c)
{
    size_t  n = k->hidden;
    double *a = k->a, *s = k->s;
    multiply(p, &k->input, x, a);
    multiply(p, &k->state, h, s);
    for (size_t j = 0; j < n; j++) {
        if (!strcmp(k->kind, "lstm")) {
            c[j] = sigma(a[n + j] + s[n + j]) * c[j] + sigma(a[j] + s[j]) * tanh(a[2 * n + j] + s[2 * n + j]);
            k->wide[j] = sigma(a[3 * n + j] + s[3 * n + j]) * tanh(c[j]);
        } else if (!strcmp(k->kind, "gru")) {
            double r = sigma(a[j] + s[j]), z = sigma(a[n + j] + s[n + j]);
            k->wide[j] = (1.0 - z) * tanh(a[2 * n + j] + r * s[2 * n + j]) + z * h[j];
        } else {
            k->wide[j] = !strcmp(k->kind, "rnn_relu") ? fmax(a[j] + s[j], 0.0) : tanh(a[j] + s[j]);
        }
    }
    if (k->projection.weights)
        multiply(p, &k->projection, k->wide, h);
    else
        memcpy(h, k->wide, n * sizeof *h);
    note(p, h, k->out);
    if (!strcmp(k->kind, "lstm")) note(p, c, n);
}

/* What a stack is given: x (batch, rows, in), and states from which it starts, or NULL. */
typedef struct input {
    double        *x;
    size_t         batch, rows, in;
    const int64_t *lengths; /* NULL: all rows */
    parity_tensor  h0, c0;
} input;

/* One layer and direction over all sequences; y (batch, rows, width) from column `at`. */
static void run_cell(plain *p, cell *k, const input *in, size_t slice, bool reverse, double *y, size_t width,
                     size_t at)
{
    double *h = numbers(p, k->out), *c = numbers(p, k->hidden);
    for (size_t b = 0; b < in->batch; b++) {
        size_t rows = in->lengths ? (size_t)in->lengths[b] : in->rows;
        for (size_t j = 0; j < k->out; j++)
            h[j] = in->h0.data ? (double)in->h0.data[(slice * in->batch + b) * k->out + j] : 0.0;
        for (size_t j = 0; j < k->hidden; j++)
            c[j] = in->c0.data ? (double)in->c0.data[(slice * in->batch + b) * k->hidden + j] : 0.0;
        for (size_t n = 0; n < rows; n++) {
            size_t t = reverse ? rows - 1 - n : n;
            step(p, k, in->x + (b * in->rows + t) * in->in, h, c);
            memcpy(y + (b * in->rows + t) * width + at, h, k->out * sizeof *h);
        }
    }
}

/* The output (batch, rows, width) of the whole stack. */
static double *run_stack(plain *p, const char *name, bool bias, input in, size_t *width)
{
    uint32_t layers = parity_integer(p->c, "layers"), directions = parity_flag(p->c, "bidirectional") ? 2 : 1;
    for (uint32_t l = 0; l < layers && !parity_failed(p->c); l++) {
        double *y = NULL;
        for (uint32_t d = 0; d < directions && !parity_failed(p->c); d++) {
            cell k = open_cell(p, name, l, d > 0, bias);
            if (parity_failed(p->c)) return in.x;
            *width = k.out * directions;
            if (!y) y = numbers(p, in.batch * in.rows * *width);
            run_cell(p, &k, &in, l * directions + d, d > 0, y, *width, d * k.out);
        }
        in.x = y;
        in.in = *width;
    }
    return in.x;
}

/* ---- the kinds -------------------------------------------------------------------------------------------
 */

static double activate(parity_case *c, double x)
{
    const char *word = parity_word(c, "activation");
    return !strcmp(word, "relu") ? fmax(x, 0.0) : !strcmp(word, "tanh") ? tanh(x) : x;
}

static double *run_linear(plain *p, const char *name, bool bias, bool activated, const double *x, size_t rows,
                          size_t *width)
{
    matrix  m = open_matrix(p, name, "weight", bias ? "bias" : NULL, 2);
    double *y = numbers(p, rows * m.out);
    for (size_t r = 0; r < rows && m.weights; r++) multiply(p, &m, x + r * m.in, y + r * m.out);
    for (size_t i = 0; i < rows * m.out && activated; i++) y[i] = activate(p->c, y[i]);
    *width = m.out;
    return y;
}

static double *run_convolution(plain *p, const char *name, bool bias, const double *x, size_t *rows,
                               size_t *width)
{
    size_t  kernel = parity_integer(p->c, "kernel"), stride = parity_integer(p->c, "stride");
    size_t  padding = parity_integer(p->c, "padding"), inputs = parity_integer(p->c, "input");
    matrix  m = open_matrix(p, name, "weight", bias ? "bias" : NULL, 3);
    size_t  padded = *rows + 2 * padding, count = padded < kernel ? 0 : (padded - kernel) / stride + 1;
    double *all = numbers(p, padded * inputs), *y = numbers(p, count * m.out);
    memcpy(all + padding * inputs, x, *rows * inputs * sizeof *x);
    for (size_t r = 0; r < count && m.weights; r++) multiply(p, &m, all + r * stride * inputs, y + r * m.out);
    for (size_t i = 0; i < count * m.out; i++) y[i] = activate(p->c, y[i]);
    *rows = count;
    *width = m.out;
    return y;
}

static void log_softmax(double *x, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++, x += columns) {
        double largest = x[0], sum = 0.0;
        for (size_t i = 0; i < columns; i++) largest = fmax(largest, x[i]);
        for (size_t i = 0; i < columns; i++) sum += exp(x[i] - largest);
        for (size_t i = 0; i < columns; i++) x[i] -= largest + log(sum);
    }
}

/* Computes the case; *count numbers of its output. */
static double *run_plain(plain *p, size_t *count)
{
    const char   *kind = parity_kind(p->c);
    bool          stack = !strcmp(kind, "recurrent"), network = !strcmp(kind, "network");
    parity_tensor x = parity_get(p->c, "input.x", stack ? 3 : 2);
    input         in = {.batch = stack ? x.shape[0] : 1, .rows = stack ? x.shape[1] : x.shape[0]};
    size_t        width = 0, lengths;
    double       *y = numbers(p, x.count);
    in.in = x.count ? x.count / (in.batch * in.rows) : 0;
    for (size_t i = 0; i < x.count; i++) y[i] = (double)x.data[i];
    if (stack) {
        in.lengths = parity_integers(p->c, "input.lengths", &lengths);
        in.h0 = parity_try(p->c, "input.h0", 3);
        in.c0 = parity_try(p->c, "input.c0", 3);
        in.x = y;
        y = run_stack(p, "weight", parity_flag(p->c, "bias"), in, &width);
    } else if (!strcmp(kind, "linear")) {
        y = run_linear(p, "weight", parity_flag(p->c, "bias"), true, y, in.rows, &width);
    } else {
        y = run_convolution(p, network ? "weight.front" : "weight", network || parity_flag(p->c, "bias"), y,
                            &in.rows, &in.in);
        width = in.in;
    }
    if (network) {
        in.x = y;
        y = run_stack(p, "weight.recurrent", true, in, &width);
        y = run_linear(p, "weight.head", true, false, y, in.rows, &width);
        log_softmax(y, in.rows, width);
    }
    *count = in.batch * in.rows * width;
    note(p, y, *count);
    return y;
}

/* ---- what is allowed -------------------------------------------------------------------------------------
 */

bool parity_has_forms(const parity_case *c)
{
    static const char *const kinds[] = {"recurrent", "linear", "convolution", "network"};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (!strcmp(kinds[i], parity_kind(c))) return true;
    return false;
}

/* The plain computation itself meets the reference. */
static void check_plain(parity_case *c, const double *y, size_t count, stapes_error *error)
{
    parity_result result = {.met = true};
    float        *rounded = parity_memory(c, count, sizeof *rounded);
    for (size_t i = 0; i < count; i++) rounded[i] = (float)y[i];
    parity_compare(c, &result, "output.y", rounded, count);
    if (result.met && !parity_failed(c)) return;
    error->status = STAPES_ECONTRACT;
    (void)snprintf(error->text, sizeof error->text,
                   "the plain computation does not meet the reference: %.500s",
                   parity_failed(c) ? parity_error(c)->text : result.words);
}

/* Takes the distances of one more draw into what is allowed. */
static void widen(parity_allowance *all, const plain *exact, const double *exact_y, const plain *noisy,
                  const double *noisy_y, size_t count)
{
    double squares = 0.0;
    for (size_t i = 0; i < noisy->traced && i < exact->traced; i++)
        all->largest = fmax(all->largest, 3.0 * fabs(noisy->trace[i] - exact->trace[i]));
    for (size_t i = 0; i < count; i++) squares += (noisy_y[i] - exact_y[i]) * (noisy_y[i] - exact_y[i]);
    if (count) all->typical = fmax(all->typical, 1.4 * sqrt(squares / (double)count));
}

parity_allowance parity_derive(const char *place, const char *name, uint32_t number, stapes_error *error)
{
    enum { DRAWS = 8, DRAWS_OF_SMALL = 64, SMALL = 2000 };
    parity_allowance all = {0};
    size_t           count;
    parity_case     *first = parity_open(place, name, error);
    plain            exact = {.c = first};
    if (!first) return all;
    double *y = run_plain(&exact, &count);
    check_plain(first, y, count, error);
    uint64_t draws = exact.traced < SMALL ? DRAWS_OF_SMALL : DRAWS;
    for (uint64_t i = 1; i <= draws && !error->status; i++) {
        parity_case *c = parity_open(place, name, error);
        plain        noisy = {.c = c, .number = number, .random = i << 32 | number};
        if (!c) break;
        double *noisy_y = run_plain(&noisy, &count);
        widen(&all, &exact, y, &noisy, noisy_y, count);
        parity_close(c);
    }
    parity_close(first);
    return all;
}
