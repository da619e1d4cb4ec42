/* fft.c - see fft.h.
 *
 * Even lengths: the even and odd numbers of a row are the real and imaginary parts of a sequence of half the
 * length; that one is transformed, and the two halves are separated. A sequence whose length has no factors
 * but 2, 3 and 5 is transformed in passes of radix 4, 2, 3 and 5, in place (decimation in time: the input is
 * written in the order that the passes want it, which costs nothing, as it is written anyway). Any other one
 * by Bluestein's way: jk = (j^2 + k^2 - (k - j)^2) / 2 makes of the transform a convolution, which two
 * transforms of a convenient length compute (Bluestein 1970; Rabiner, Schafer and Rader 1969). */
#include "kit/features/fft.h"

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_PASSES = 24, CACHED = 4096 /* doubles */ };

struct st_fft {
    st_fft     *next;
    uint32_t    length, users;
    uint32_t    m;      /* of the sequence that is transformed: half of an even length, else all */
    uint32_t    size;   /* of the passes: m, or what Bluestein's way needs */
    uint32_t    passes; /* in `pass` */
    st_fft_pass pass[MOST_PASSES];
    double     *turns;  /* of all passes */
    double     *halves; /* (m / 2 + 1, 2) of the separation; even lengths */
    uint32_t   *places; /* (length) */
    /* Bluestein's way, else NULL: */
    uint32_t *order;           /* (size) where the passes want number i */
    double   *chirp, *unchirp; /* (m, 2): exp(-pi i k^2 / m), and its conjugate */
    double   *kernel;          /* (size, 2): the transform of unchirp, by size */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static st_fft         *plans; /* all that are in use */

/* ---- making a plan ----------------------------------------------------------------------------------- */

/* exp(-2 pi i k / n), for k below n, from an angle of an eighth of a turn at most: exact where it can be. */
static void turn_of(uint32_t k, uint32_t n, double turn[2])
{
    const double pi = 3.14159265358979323846;
    uint32_t     eighth = (uint32_t)((uint64_t)k * 8 / n); /* 0 to 7 */
    uint32_t     quarter = (eighth + 1) / 2;               /* the nearest multiple of a quarter turn */
    double       angle = 2 * pi * ((double)k - 0.25 * quarter * n) / n, c = cos(angle), s = sin(angle);
    switch (quarter % 4) {
    case 0: turn[0] = c, turn[1] = -s; break;
    case 1: turn[0] = -s, turn[1] = -c; break;
    case 2: turn[0] = -c, turn[1] = s; break;
    default: turn[0] = s, turn[1] = c;
    }
}

/* The radices of n, first pass first; false where another factor is left. */
static bool factorize(uint32_t n, uint32_t radices[MOST_PASSES], uint32_t *count)
{
    static const uint32_t all[] = {4, 2, 3, 5};
    *count = 0;
    for (uint32_t i = 0; i < 4; i++)
        for (; n % all[i] == 0 && *count < MOST_PASSES; n /= all[i]) radices[(*count)++] = all[i];
    return n == 1;
}

/* Where number i of n has to be before the first of the passes. */
static uint32_t place_of(const st_fft *fft, uint32_t i)
{
    uint32_t place = 0, n = fft->size;
    for (uint32_t p = fft->passes; p--; i /= fft->pass[p].radix) {
        n /= fft->pass[p].radix;
        place += i % fft->pass[p].radix * n;
    }
    return place;
}

/* Passes of `size`, which has these radices. */
static bool make_passes(st_fft *fft, const uint32_t *radices)
{
    size_t   room = 1;
    uint32_t length = 1;
    for (uint32_t p = 0; p < fft->passes; p++) {
        fft->pass[p] =
            (st_fft_pass){.radix = radices[p], .length = length, .groups = fft->size / (length * radices[p])};
        room += (size_t)(radices[p] - 1) * length;
        length *= radices[p];
    }
    double *turns = fft->turns = calloc(room, 2 * sizeof *turns);
    for (uint32_t p = 0; turns && p < fft->passes; p++) {
        st_fft_pass *pass = &fft->pass[p];
        pass->turns = turns;
        for (uint32_t k = 0; k < pass->length; k++)
            for (uint32_t q = 1; q < pass->radix; q++, turns += 2)
                turn_of(q * k, pass->length * pass->radix, turns);
    }
    return fft->turns != NULL;
}

/* Before its last passes a transform is several of a part of it, side by side: each that fits a processor's
 * first cache goes through all its passes before the next one. */
static void run_passes(const st_fft *fft, const st_lanes *lanes, double *z)
{
    uint32_t whole = CACHED / (2 * lanes->rows), part = 1, p = 0;
    while (p < fft->passes && part * fft->pass[p].radix <= whole) part *= fft->pass[p++].radix;
    for (size_t begin = 0; begin < fft->size; begin += part) {
        for (uint32_t i = 0; i < p; i++) {
            st_fft_pass pass = fft->pass[i];
            pass.groups = part / (pass.length * pass.radix);
            lanes->pass(&pass, z + begin * 2 * lanes->rows);
        }
    }
    for (; p < fft->passes; p++) lanes->pass(&fft->pass[p], z);
}

/* Numbers of the sequence's transform that are wanted. */
static uint32_t wanted(const st_fft *fft) { return fft->length % 2 ? fft->length / 2 + 1 : fft->m; }

/* The kernel's transform is computed on one path, whatever path the plan will be used on: all use the same.
 */
static bool make_kernel(st_fft *fft)
{
    const st_lanes *lanes = &st_lanes_baseline;
    size_t          rows = lanes->rows;
    double         *block = NULL;
    if (posix_memalign((void **)&block, 64, 2 * rows * fft->size * sizeof *block) != 0) return false;
    memset(block, 0, 2 * rows * fft->size * sizeof *block);
    for (uint32_t part = 0; part < 2; part++) {
        for (uint32_t k = 0; k < wanted(fft); k++)
            block[(2 * (size_t)fft->order[k] + part) * rows] = fft->unchirp[2 * k + part];
        for (uint32_t k = 1; k < fft->m; k++)
            block[(2 * (size_t)fft->order[fft->size - k] + part) * rows] = fft->unchirp[2 * k + part];
    }
    run_passes(fft, lanes, block);
    for (size_t k = 0; k < 2 * (size_t)fft->size; k++) fft->kernel[k] = block[k * rows] / fft->size;
    free(block);
    return true;
}

static bool make_convolution(st_fft *fft)
{
    uint32_t m = fft->m;
    fft->order = calloc(fft->size, sizeof *fft->order);
    fft->chirp = calloc(m, 2 * sizeof *fft->chirp);
    fft->unchirp = calloc(m, 2 * sizeof *fft->unchirp);
    fft->kernel = calloc(fft->size, 2 * sizeof *fft->kernel);
    if (!fft->order || !fft->chirp || !fft->unchirp || !fft->kernel) return false;
    for (uint32_t i = 0; i < fft->size; i++) fft->order[i] = place_of(fft, i);
    for (uint32_t k = 0; k < m; k++) {
        double *turn = fft->chirp + 2 * (size_t)k;
        turn_of((uint32_t)((uint64_t)k * k % (2 * m)), 2 * m, turn);
        fft->unchirp[2 * (size_t)k] = turn[0];
        fft->unchirp[2 * (size_t)k + 1] = -turn[1];
    }
    return make_kernel(fft);
}

static bool make_plan(st_fft *fft)
{
    uint32_t n = fft->length, m = n % 2 ? n : n / 2, radices[MOST_PASSES];
    bool     straight = n % 2 == 0 && factorize(m, radices, &fft->passes);
    fft->m = fft->size = m;
    if (!straight) /* the convolution's length, and more until it is convenient */
        for (fft->size = m + wanted(fft) - 1; !factorize(fft->size, radices, &fft->passes);) fft->size++;
    fft->places = calloc(n, sizeof *fft->places);
    fft->halves = calloc((size_t)m / 2 + 1, 2 * sizeof *fft->halves);
    if (!fft->places || !fft->halves || !make_passes(fft, radices)) return false;
    for (uint32_t k = 0; k <= m / 2 && n % 2 == 0; k++) turn_of(k, n, fft->halves + 2 * (size_t)k);
    for (uint32_t i = 0; i < n; i++) fft->places[i] = straight ? 2 * place_of(fft, i / 2) + i % 2 : i;
    return straight || make_convolution(fft);
}

static void free_plan(st_fft *fft)
{
    free(fft->turns);
    free(fft->halves);
    free(fft->places);
    free(fft->order);
    free(fft->chirp);
    free(fft->unchirp);
    free(fft->kernel);
    free(fft);
}

static st_fft *new_plan(uint32_t length)
{
    st_fft *fft = calloc(1, sizeof *fft);
    if (!fft) return NULL;
    fft->length = length;
    fft->users = 1;
    if (make_plan(fft)) return fft;
    free_plan(fft);
    return NULL;
}

const st_fft *st_fft_open(uint32_t length)
{
    (void)pthread_mutex_lock(&lock);
    st_fft *fft = plans;
    while (fft && fft->length != length) fft = fft->next;
    if (fft) {
        fft->users++;
    } else if ((fft = new_plan(length))) {
        fft->next = plans;
        plans = fft;
    }
    (void)pthread_mutex_unlock(&lock);
    return fft;
}

void st_fft_close(const st_fft *closed)
{
    st_fft *fft = (st_fft *)closed, **link = &plans;
    if (!fft) return;
    (void)pthread_mutex_lock(&lock);
    if (!--fft->users) {
        while (*link != fft) link = &(*link)->next;
        *link = fft->next;
        free_plan(fft);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ---- using it ---------------------------------------------------------------------------------------- */

size_t st_fft_block(const st_fft *fft, uint32_t rows) { return ((size_t)fft->length / 2 + 1) * 2 * rows; }

size_t st_fft_room(const st_fft *fft, uint32_t rows) { return fft->order ? (size_t)fft->size * 4 * rows : 1; }

const uint32_t *st_fft_places(const st_fft *fft) { return fft->places; }

/* The separation doubles. */
double st_fft_scale(const st_fft *fft) { return fft->length % 2 ? 1.0 : 0.5; }

/* The inverse transform of x is the conjugate of the transform of x's conjugate. */
static void convolve(const st_fft *fft, const st_lanes *lanes, double *block, double *room)
{
    double  *other = room + (size_t)fft->size * 2 * lanes->rows;
    uint32_t size = fft->size, some = wanted(fft);
    lanes->mix(block, fft->length % 2 != 0, fft->chirp, fft->order, fft->m, size, false, room);
    run_passes(fft, lanes, room);
    lanes->mix(room, false, fft->kernel, fft->order, size, size, true, other);
    run_passes(fft, lanes, other);
    lanes->mix(other, false, fft->unchirp, NULL, some, some, true, block);
}

void st_fft_run(const st_fft *fft, const st_lanes *lanes, double *block, double *room)
{
    if (fft->order)
        convolve(fft, lanes, block, room);
    else
        run_passes(fft, lanes, block);
    if (fft->length % 2 == 0) lanes->split(fft->m, fft->halves, block);
}
