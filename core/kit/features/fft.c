/* fft.c - see fft.h.
 *
 * Ours: the even and odd numbers of a row are the real and imaginary parts of a sequence of half the
 * length; that one is transformed in passes of radix 4, 2, 3 and 5, in place (decimation in time: the input
 * is written in the order that the passes want it, which costs nothing, as it is written anyway); then the
 * two halves are separated. FFTW: FFTW_ESTIMATE, since measuring costs 100 ms and gains nothing, and a plan
 * chosen by a clock would not give the same bits in the next run. Its planner is not thread-safe: it runs
 * under this file's lock. */
#include "kit/features/fft.h"

#include <fftw3.h>

#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

enum { MOST_PASSES = 16 };

struct st_fft {
    st_fft     *next;
    uint32_t    length, users;
    uint32_t    n_passes; /* ours; 0: FFTW's */
    st_fft_pass passes[MOST_PASSES];
    double     *turns; /* of all passes, and behind them those of the split */
    uint32_t   *places;
    fftw_plan   plan;
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

/* The radices of m, first pass first; 0 where another factor is left. */
static uint32_t factorize(uint32_t m, uint32_t radices[MOST_PASSES])
{
    static const uint32_t all[] = {4, 2, 3, 5};
    uint32_t              n = 0;
    for (uint32_t i = 0; i < 4; i++)
        for (; m % all[i] == 0 && n < MOST_PASSES; m /= all[i]) radices[n++] = all[i];
    return m == 1 ? n : 0;
}

/* Where number j of the input has to be before the first of n passes. */
static uint32_t place_of(uint32_t j, uint32_t m, const uint32_t *radices, uint32_t n)
{
    uint32_t place = 0;
    while (n--) {
        m /= radices[n];
        place += j % radices[n] * m;
        j /= radices[n];
    }
    return place;
}

static bool make_passes(st_fft *fft)
{
    uint32_t m = fft->length / 2, radices[MOST_PASSES], length = 1;
    uint32_t n = fft->length % 2 || fft->length > ST_FFT_LONGEST ? 0 : factorize(m, radices);
    if (!n) return true;
    size_t room = (size_t)m + 2; /* pairs: of the split, and of the passes: (radix - 1) * length each */
    for (uint32_t i = 0; i < n; i++) {
        room += (size_t)(radices[i] - 1) * length;
        length *= radices[i];
    }
    double *turns = fft->turns = calloc(room, 2 * sizeof *turns);
    if (!turns) return false;
    for (uint32_t i = length = 0; i < n; i++) {
        length = length ? length * radices[i - 1] : 1;
        st_fft_pass *pass = &fft->passes[i];
        *pass = (st_fft_pass){radices[i], length, m / (length * radices[i]), turns};
        for (uint32_t k = 0; k < length; k++)
            for (uint32_t q = 1; q < pass->radix; q++, turns += 2)
                turn_of(q * k, length * pass->radix, turns);
    }
    fft->passes[n].turns = turns; /* of the split */
    for (uint32_t k = 0; k <= m / 2; k++) turn_of(k, fft->length, turns + 2 * (size_t)k);
    for (uint32_t i = 0; i < fft->length; i++) fft->places[i] = 2 * place_of(i / 2, m, radices, n) + i % 2;
    fft->n_passes = n;
    return true;
}

/* Under the lock. */
static bool make_plan(st_fft *fft)
{
    double       *in = fftw_alloc_real(fft->length);
    fftw_complex *out = fftw_alloc_complex((size_t)fft->length / 2 + 1);
    if (in && out) fft->plan = fftw_plan_dft_r2c_1d((int)fft->length, in, out, FFTW_ESTIMATE);
    fftw_free(in);
    fftw_free(out);
    for (uint32_t i = 0; i < fft->length; i++) fft->places[i] = i;
    return fft->plan != NULL;
}

/* Under the lock. */
static void free_plan(st_fft *fft)
{
    if (!fft) return;
    if (fft->plan) fftw_destroy_plan(fft->plan);
    free(fft->turns);
    free(fft->places);
    free(fft);
}

/* Under the lock. */
static st_fft *new_plan(uint32_t length, bool plain)
{
    st_fft *fft = calloc(1, sizeof *fft);
    if (!fft) return NULL;
    fft->length = length;
    fft->users = 1;
    fft->places = calloc(length, sizeof *fft->places);
    bool done = fft->places && (plain || make_passes(fft));
    if (done && !fft->n_passes) done = make_plan(fft);
    if (done) return fft;
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
    } else if ((fft = new_plan(length, false))) {
        fft->next = plans;
        plans = fft;
    }
    (void)pthread_mutex_unlock(&lock);
    return fft;
}

const st_fft *st_fft_open_plain(uint32_t length)
{
    (void)pthread_mutex_lock(&lock);
    st_fft *fft = new_plan(length, true);
    (void)pthread_mutex_unlock(&lock);
    return fft;
}

void st_fft_close(const st_fft *closed)
{
    st_fft *fft = (st_fft *)closed, **link = &plans;
    if (!fft) return;
    (void)pthread_mutex_lock(&lock);
    if (!--fft->users) {
        while (*link && *link != fft) link = &(*link)->next;
        if (*link) *link = fft->next;
        free_plan(fft);
    }
    (void)pthread_mutex_unlock(&lock);
}

/* ---- using it ---------------------------------------------------------------------------------------- */

size_t st_fft_block(const st_fft *fft, uint32_t rows) { return ((size_t)fft->length / 2 + 1) * 2 * rows; }

/* FFTW: a row, and behind it, aligned, its lines. */
static size_t row_of(const st_fft *fft) { return ((size_t)fft->length + 7) / 8 * 8; }

size_t st_fft_room(const st_fft *fft)
{
    return fft->plan ? row_of(fft) + ((size_t)fft->length / 2 + 1) * 2 : 1;
}

const uint32_t *st_fft_places(const st_fft *fft) { return fft->places; }
double          st_fft_scale(const st_fft *fft) { return fft->plan ? 1.0 : 0.5; }

void st_fft_run(const st_fft *fft, const st_lanes *lanes, double *block, double *room)
{
    uint32_t rows = lanes->rows;
    if (!fft->plan) {
        for (uint32_t i = 0; i < fft->n_passes; i++) lanes->pass(&fft->passes[i], block);
        lanes->split(fft->length / 2, fft->passes[fft->n_passes].turns, block);
        return;
    }
    double *lines = room + row_of(fft);
    for (uint32_t r = 0; r < rows; r++) {
        for (uint32_t i = 0; i < fft->length; i++) room[i] = block[(size_t)i * rows + r];
        fftw_execute_dft_r2c(fft->plan, room, (fftw_complex *)lines);
        for (size_t i = 0; i < ((size_t)fft->length / 2 + 1) * 2; i++) block[i * rows + r] = lines[i];
    }
}
