/* feature_stream.c - the stream: samples in pieces of any size, rows out. See stapes/kit/features.h.
 *
 *   samples -> [framer] -> windows -> spectrum -> (held until the segment ends: top_db) -> (cepstrum)
 *           -> (running normalisation) -> [queue of rows]
 *           -> (at the end of a segment: normalisation over all of it) -> stacking, in pull
 *
 * Each row is computed from its own samples alone, so no cut can change it. */
#include <stapes/kit/features.h>

#include "contract/error.h"
#include "kit/features/cepstrum.h"
#include "kit/features/feature_settings.h"
#include "kit/features/framer.h"
#include "kit/features/normalize.h"
#include "kit/features/spectrum.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Rows from `head` on, `count` of them. */
typedef struct rows {
    float   *data; /* (capacity, columns) */
    uint32_t columns;
    size_t   head, count, capacity;
} rows;

struct stapes_features {
    stapes_features_settings settings;
    st_framer                framer;
    st_spectrum             *spectrum;
    st_cepstrum             *cepstrum; /* NULL: none */
    st_running              *running;  /* NULL: none */
    double                  *work;     /* to normalise with */
    float                   *block;    /* (windows at once, width) rows that have a way before them */
    float                   *row;      /* (columns) the same, of one row */
    uint32_t                 width;    /* numbers of a row of the spectrum */
    uint32_t                 at_once;  /* windows */
    int64_t                  cut;
    bool   late, whole, ended; /* late, whole: rows wait for the end, before or in the queue */
    rows   held, queue;
    size_t skip; /* rows to drop: a stride greater than what is stacked */
};

/* ---- open, close --------------------------------------------------------------------------------- */

/* Room for `more` rows behind those that are there. */
static bool make_room(rows *r, size_t more)
{
    size_t columns = r->columns;
    if (r->head && r->head + r->count + more > r->capacity) {
        memmove(r->data, r->data + r->head * columns, r->count * columns * sizeof *r->data);
        r->head = 0;
    }
    size_t needed = r->head + r->count + more;
    if (needed <= r->capacity) return true;
    size_t capacity = r->capacity * 2 > needed ? r->capacity * 2 : needed;
    if (capacity > SIZE_MAX / (columns * sizeof *r->data)) return false;
    float *data = realloc(r->data, capacity * columns * sizeof *data);
    if (!data) return false;
    r->data = data;
    r->capacity = capacity;
    return true;
}

/* Behind the last row. */
static float *end_of(const rows *r) { return r->data + (r->head + r->count) * r->columns; }

static bool open_parts(stapes_features *f)
{
    const stapes_features_settings *s = &f->settings;
    f->late = s->top_db > 0;
    f->whole = s->normalize == STAPES_NORMALIZE_UTTERANCE || s->normalize == STAPES_NORMALIZE_WHISPER;
    f->width = f->held.columns = st_spectrum_width(s);
    f->queue.columns = st_feature_settings_width(s);
    if (!(f->spectrum = st_spectrum_open(s))) return false;
    f->at_once = st_spectrum_block(f->spectrum);
    f->block = calloc((size_t)f->width * f->at_once, sizeof *f->block);
    f->row = calloc(f->queue.columns, sizeof *f->row);
    f->work = calloc((size_t)f->queue.columns * 3, sizeof *f->work);
    if (!f->block || !f->row || !f->work || !st_framer_open(&f->framer, s, f->at_once)) return false;
    if (s->kind == STAPES_FEATURES_MFCC && !(f->cepstrum = st_cepstrum_open(s))) return false;
    if (s->normalize == STAPES_NORMALIZE_RUNNING &&
        !(f->running = st_running_open(f->queue.columns, s->span, s->warmup)))
        return false;
    return make_room(&f->queue, f->framer.room / s->hop + 2 + s->warmup + (size_t)s->stack + s->stride);
}

stapes_features *stapes_features_open(const stapes_features_settings *settings, stapes_error *error)
{
    if (stapes_features_check(settings, error) < 0) return NULL;
    stapes_features *f = calloc(1, sizeof *f);
    if (f) {
        f->settings = *settings;
        if (open_parts(f)) return f;
    }
    (void)st_error_set(error, STAPES_ENOMEM, "no memory for features: fft %u, %u numbers a row",
                       settings->fft, stapes_features_columns(settings));
    stapes_features_close(f);
    return NULL;
}

void stapes_features_close(stapes_features *f)
{
    if (!f) return;
    st_framer_close(&f->framer);
    st_spectrum_close(f->spectrum);
    st_cepstrum_close(f->cepstrum);
    st_running_close(f->running);
    free(f->work);
    free(f->block);
    free(f->row);
    free(f->held.data);
    free(f->queue.data);
    free(f);
}

void stapes_features_reset(stapes_features *f)
{
    st_framer_reset(&f->framer);
    f->held.head = f->held.count = f->queue.head = f->queue.count = f->skip = 0;
    f->cut = 0;
    f->ended = false;
    if (f->running) st_running_reset(f->running);
}

/* ---- samples to rows ----------------------------------------------------------------------------- */

/* One row behind the spectrum: into the queue, by way of what is between. */
static bool finish_row(stapes_features *f, const float *row)
{
    uint32_t due = 1;
    if (f->cepstrum) {
        st_cepstrum_row(f->cepstrum, row, f->row);
        row = f->row;
    }
    if (f->running) due = st_running_push(f->running, row);
    if (!due) return true;
    if (!make_room(&f->queue, due)) return false;
    if (f->running)
        st_running_pull(f->running, end_of(&f->queue));
    else
        memcpy(end_of(&f->queue), row, f->queue.columns * sizeof *row);
    f->queue.count += due;
    return true;
}

/* The next `count` windows, at most as many as are computed at once. */
static bool add_block(stapes_features *f, uint32_t count)
{
    const float *windows[ST_SPECTRUM_MOST];
    rows        *straight = f->late ? &f->held : f->cepstrum || f->running ? NULL : &f->queue;
    st_framer_next(&f->framer, count, windows);
    if (straight) {
        if (!make_room(straight, count)) return false;
        st_spectrum_rows(f->spectrum, windows, count, end_of(straight));
        straight->count += count;
        return true;
    }
    st_spectrum_rows(f->spectrum, windows, count, f->block);
    for (uint32_t i = 0; i < count; i++)
        if (!finish_row(f, f->block + (size_t)i * f->width)) return false;
    return true;
}

static bool add_rows(stapes_features *f, int64_t count)
{
    while (count > 0) {
        uint32_t n = count < f->at_once ? (uint32_t)count : f->at_once;
        if (!add_block(f, n)) return false;
        count -= n;
    }
    return true;
}

/* samples NULL: zeros. */
static int take(stapes_features *f, const float *samples, size_t count)
{
    while (count) {
        size_t n = st_framer_take(&f->framer, samples, count);
        if (samples) samples += n;
        count -= n;
        if (!add_rows(f, st_framer_complete(&f->framer))) return STAPES_ENOMEM;
    }
    return STAPES_OK;
}

int stapes_features_push(stapes_features *f, const float *samples, size_t count)
{
    if (f->ended) return STAPES_OK;
    if (f->settings.pad) {
        size_t room = (size_t)((int64_t)f->settings.pad - f->framer.total);
        if (count > room) {
            f->cut += (int64_t)(count - room);
            count = room;
        }
    }
    return take(f, samples, count);
}

/* What waited for the segment's greatest value: nothing of the spectrum stays further below it. */
static bool finish_held(stapes_features *f)
{
    uint32_t columns = f->width - (f->cepstrum && f->settings.energy ? 1 : 0);
    float    greatest = -INFINITY;
    for (size_t t = 0; t < f->held.count; t++) {
        const float *row = f->held.data + t * f->width;
        for (uint32_t k = 0; k < columns; k++)
            if (isfinite(row[k]) && row[k] > greatest) greatest = row[k];
    }
    float least = greatest - f->settings.top_db;
    for (size_t t = 0; t < f->held.count; t++) {
        float *row = f->held.data + t * f->width;
        for (uint32_t k = 0; k < columns; k++)
            if (row[k] < least) row[k] = least;
        if (!finish_row(f, row)) return false;
    }
    f->held.count = 0;
    return true;
}

int stapes_features_flush(stapes_features *f)
{
    const stapes_features_settings *s = &f->settings;
    if (f->ended) return STAPES_OK;
    if (s->pad && f->framer.total > 0) {
        int status = take(f, NULL, (size_t)((int64_t)s->pad - f->framer.total));
        if (status < 0) return status;
    }
    if (!add_rows(f, st_framer_left(&f->framer)) || !finish_held(f)) return STAPES_ENOMEM;
    f->ended = true;
    if (f->running) {
        uint32_t due = st_running_flush(f->running);
        if (!make_room(&f->queue, due)) return STAPES_ENOMEM;
        st_running_pull(f->running, end_of(&f->queue));
        f->queue.count += due;
    }
    float *all = f->queue.data + f->queue.head * f->queue.columns;
    if (s->normalize == STAPES_NORMALIZE_UTTERANCE)
        st_normalize_utterance(all, f->queue.count, f->queue.columns, f->work);
    if (s->normalize == STAPES_NORMALIZE_WHISPER) st_normalize_whisper(all, f->queue.count, f->queue.columns);
    return STAPES_OK;
}

/* ---- rows out ------------------------------------------------------------------------------------ */

size_t stapes_features_ready(const stapes_features *f)
{
    const stapes_features_settings *s = &f->settings;
    if ((f->whole && !f->ended) || f->queue.count < f->skip + s->stack) return 0;
    return 1 + (f->queue.count - f->skip - s->stack) / s->stride;
}

static void drop(stapes_features *f)
{
    size_t n = f->skip < f->queue.count ? f->skip : f->queue.count;
    f->queue.head += n;
    f->queue.count -= n;
    f->skip -= n;
}

size_t stapes_features_pull(stapes_features *f, float *out, size_t most)
{
    const stapes_features_settings *s = &f->settings;
    size_t                          n = stapes_features_ready(f), columns = stapes_features_columns(s);
    if (n > most) n = most;
    for (size_t i = 0; i < n; i++) {
        drop(f);
        memcpy(out + i * columns, f->queue.data + f->queue.head * f->queue.columns, columns * sizeof *out);
        f->skip = s->stride;
    }
    drop(f);
    if (!f->queue.count) f->queue.head = 0;
    return n;
}

int64_t  stapes_features_cut(const stapes_features *f) { return f->cut; }
uint32_t stapes_features_empty_filters(const stapes_features *f) { return st_spectrum_empty(f->spectrum); }
