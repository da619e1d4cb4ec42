/* feature_stream.c - the stream: samples in pieces of any size, rows out. See stapes/kit/features.h.
 *
 *   samples -> [buffer] -> windows -> st_spectrum_rows -> (running normalisation) -> [queue of rows]
 *           -> (at the end of a segment: normalisation over all of it) -> stacking, in pull
 *
 * Each row is computed from its own samples alone, so no cut can change it. Positions are counted from the
 * segment's begin; a row's window may begin before it and end behind it, by the padding. */
#include <stapes/kit/features.h>

#include "contract/error.h"
#include "kit/features/normalize.h"
#include "kit/features/spectrum.h"

#include <stdlib.h>
#include <string.h>

struct stapes_features {
    stapes_features_settings settings;
    st_spectrum             *spectrum;
    st_running              *running;
    double                  *work;  /* to normalise with */
    float                   *edges; /* (block, span) windows that reach beyond an end */
    float                   *rows;  /* (block, mels) rows on their way into the running normalisation */
    uint32_t                 block; /* windows that are computed together */
    bool                     whole; /* rows come out when the segment has ended */

    float  *samples; /* those from `base` on, `held` of them, room for `room` */
    size_t  held, room;
    int64_t base, total; /* total: samples of the segment so far */
    int64_t cut;
    int64_t span, lead; /* samples of a window; row 0's window begins at -lead */
    int64_t next;       /* the row to compute */
    bool    ended;

    float *queue; /* (capacity, mels): rows from `head` on, `count` of them */
    size_t head, count, capacity;
    size_t skip; /* rows to drop: a stride greater than what is stacked */
};

/* ---- open, close --------------------------------------------------------------------------------- */

/* Room for `more` rows behind those that are there. */
static bool make_room(stapes_features *l, size_t more)
{
    size_t columns = l->settings.mels;
    if (l->head && l->head + l->count + more > l->capacity) {
        memmove(l->queue, l->queue + l->head * columns, l->count * columns * sizeof *l->queue);
        l->head = 0;
    }
    size_t needed = l->head + l->count + more;
    if (needed <= l->capacity) return true;
    size_t capacity = l->capacity * 2 > needed ? l->capacity * 2 : needed;
    if (capacity > SIZE_MAX / (columns * sizeof *l->queue)) return false;
    float *queue = realloc(l->queue, capacity * columns * sizeof *queue);
    if (!queue) return false;
    l->queue = queue;
    l->capacity = capacity;
    return true;
}

/* How far before its place a window begins. */
static int64_t lead_of(const stapes_features_settings *s)
{
    if (s->padding == STAPES_PADDING_NONE) return 0;
    if (s->padding == STAPES_PADDING_MIRROR) return (int64_t)s->window / 2 - s->hop / 2;
    return st_spectrum_span(s) / 2;
}

stapes_features *stapes_features_open(const stapes_features_settings *settings, stapes_error *error)
{
    if (stapes_features_check(settings, error) < 0) return NULL;
    stapes_features *l = calloc(1, sizeof *l);
    if (!l) goto no_memory;
    const stapes_features_settings *s = &l->settings;
    l->settings = *settings;
    l->whole = s->normalize == STAPES_NORMALIZE_UTTERANCE || s->normalize == STAPES_NORMALIZE_WHISPER;
    l->span = st_spectrum_span(s);
    l->lead = lead_of(s);
    /* What is held back is below a window, a hop and a lead; and a block must fit beside it. */
    l->room = (size_t)l->span * 2 + s->hop + 2 + STAPES_FEATURES_BLOCK;
    l->spectrum = st_spectrum_open(s);
    l->samples = calloc(l->room, sizeof *l->samples);
    l->block = l->spectrum ? st_spectrum_block(l->spectrum) : 1;
    l->edges = calloc((size_t)l->span * l->block, sizeof *l->edges);
    l->rows = calloc((size_t)s->mels * l->block, sizeof *l->rows);
    l->work = calloc((size_t)s->mels * 3, sizeof *l->work);
    if (!l->spectrum || !l->samples || !l->edges || !l->rows || !l->work) goto no_memory;
    if (s->normalize == STAPES_NORMALIZE_RUNNING) {
        l->running = st_running_open(s->mels, s->span, s->warmup);
        if (!l->running) goto no_memory;
    }
    if (!make_room(l, l->room / s->hop + 2 + s->warmup + (size_t)s->stack + s->stride)) goto no_memory;
    return l;
no_memory:
    (void)st_error_set(error, STAPES_ENOMEM, "no memory for log-mel features: fft %u, %u mels", settings->fft,
                       settings->mels);
    stapes_features_close(l);
    return NULL;
}

void stapes_features_close(stapes_features *l)
{
    if (!l) return;
    st_spectrum_close(l->spectrum);
    st_running_close(l->running);
    free(l->work);
    free(l->edges);
    free(l->rows);
    free(l->samples);
    free(l->queue);
    free(l);
}

void stapes_features_reset(stapes_features *l)
{
    l->held = l->head = l->count = l->skip = 0;
    l->base = l->total = l->next = l->cut = 0;
    l->ended = false;
    if (l->running) st_running_reset(l->running);
}

/* ---- samples to rows ----------------------------------------------------------------------------- */

/* Rows of a segment that ends here. */
static int64_t rows_of_all(const stapes_features *l)
{
    const stapes_features_settings *s = &l->settings;
    int64_t                         n = l->total, hop = s->hop;
    if (s->padding == STAPES_PADDING_MIRROR) return (n + hop / 2) / hop;
    int64_t padded = n + 2 * l->lead;
    if (n == 0 || padded < l->span) return 0;
    int64_t rows = 1 + (padded - l->span) / hop;
    return s->style == STAPES_FEATURES_WHISPER ? rows - 1 : rows;
}

/* Rows from the next one on whose windows are all there, also what their lead reflects. */
static int64_t complete(const stapes_features *l)
{
    int64_t hop = l->settings.hop, inside = l->total + l->lead - l->span, all = rows_of_all(l);
    if (inside < 0 || l->next * hop + l->total <= l->lead) return 0;
    if (inside / hop + 1 < all) all = inside / hop + 1;
    return all - l->next;
}

/* The sample at a position outside the segment, from what the segment holds. */
static float outside(const stapes_features *l, int64_t position)
{
    int64_t n = l->total, period;
    if (l->settings.padding == STAPES_PADDING_ZERO || n <= 0) return 0;
    if (l->settings.padding == STAPES_PADDING_MIRROR) {
        period = 2 * n;
        position = (position % period + period) % period;
        if (position >= n) position = period - 1 - position;
    } else {
        period = n > 1 ? 2 * (n - 1) : 1;
        position = (position % period + period) % period;
        if (position >= n) position = period - position;
    }
    return l->samples[position - l->base];
}

/* The samples of a row's window; `edge` is for one that reaches beyond an end. */
static const float *window_of(const stapes_features *l, int64_t row, float *edge)
{
    int64_t begin = row * l->settings.hop - l->lead;
    if (begin >= 0 && begin + l->span <= l->total) return l->samples + (begin - l->base);
    for (int64_t i = 0; i < l->span; i++) {
        int64_t position = begin + i;
        edge[i] =
            position >= 0 && position < l->total ? l->samples[position - l->base] : outside(l, position);
    }
    return edge;
}

/* The next `count` rows, at most a block. */
static bool add_block(stapes_features *l, uint32_t count)
{
    uint32_t     columns = l->settings.mels;
    const float *windows[ST_SPECTRUM_MOST];
    if (!make_room(l, count)) return false;
    for (uint32_t i = 0; i < count; i++)
        windows[i] = window_of(l, l->next + i, l->edges + (size_t)i * (size_t)l->span);
    l->next += count;
    if (!l->running) {
        st_spectrum_rows(l->spectrum, windows, count, l->queue + (l->head + l->count) * columns);
        l->count += count;
        return true;
    }
    st_spectrum_rows(l->spectrum, windows, count, l->rows);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t due = st_running_push(l->running, l->rows + (size_t)i * columns);
        if (!due) continue;
        if (!make_room(l, due)) return false;
        st_running_pull(l->running, l->queue + (l->head + l->count) * columns);
        l->count += due;
    }
    return true;
}

static bool add_rows(stapes_features *l, int64_t count)
{
    while (count > 0) {
        uint32_t n = count < l->block ? (uint32_t)count : l->block;
        if (!add_block(l, n)) return false;
        count -= n;
    }
    return true;
}

/* Forgets samples that no later window needs: the next one's, and as many as the end may reflect. */
static void forget(stapes_features *l)
{
    int64_t keep = l->next * l->settings.hop - l->lead, end = l->total - l->span - 1;
    if (keep > end) keep = end;
    if (keep <= l->base) return;
    size_t gone = (size_t)(keep - l->base);
    l->held -= gone;
    l->base = keep;
    memmove(l->samples, l->samples + gone, l->held * sizeof *l->samples);
}

/* samples NULL: zeros. */
static int take(stapes_features *l, const float *samples, size_t count)
{
    while (count) {
        if (l->held == l->room) forget(l);
        size_t n = l->room - l->held < count ? l->room - l->held : count;
        if (samples) {
            memcpy(l->samples + l->held, samples, n * sizeof *samples);
            samples += n;
        } else {
            memset(l->samples + l->held, 0, n * sizeof *l->samples);
        }
        l->held += n;
        l->total += (int64_t)n;
        count -= n;
        if (!add_rows(l, complete(l))) return STAPES_ENOMEM;
    }
    return STAPES_OK;
}

int stapes_features_push(stapes_features *l, const float *samples, size_t count)
{
    if (l->ended) return STAPES_OK;
    if (l->settings.pad) {
        size_t room = (size_t)((int64_t)l->settings.pad - l->total);
        if (count > room) {
            l->cut += (int64_t)(count - room);
            count = room;
        }
    }
    return take(l, samples, count);
}

int stapes_features_flush(stapes_features *l)
{
    const stapes_features_settings *s = &l->settings;
    if (l->ended) return STAPES_OK;
    if (s->pad && l->total > 0) {
        int status = take(l, NULL, (size_t)((int64_t)s->pad - l->total));
        if (status < 0) return status;
    }
    if (!add_rows(l, rows_of_all(l) - l->next)) return STAPES_ENOMEM;
    l->ended = true;
    if (l->running) {
        uint32_t due = st_running_flush(l->running);
        if (!make_room(l, due)) return STAPES_ENOMEM;
        st_running_pull(l->running, l->queue + (l->head + l->count) * s->mels);
        l->count += due;
    }
    float *all = l->queue + l->head * s->mels;
    if (s->normalize == STAPES_NORMALIZE_UTTERANCE) st_normalize_utterance(all, l->count, s->mels, l->work);
    if (s->normalize == STAPES_NORMALIZE_WHISPER) st_normalize_whisper(all, l->count, s->mels);
    return STAPES_OK;
}

/* ---- rows out ------------------------------------------------------------------------------------ */

size_t stapes_features_ready(const stapes_features *l)
{
    const stapes_features_settings *s = &l->settings;
    if ((l->whole && !l->ended) || l->count < l->skip + s->stack) return 0;
    return 1 + (l->count - l->skip - s->stack) / s->stride;
}

static void drop(stapes_features *l)
{
    size_t n = l->skip < l->count ? l->skip : l->count;
    l->head += n;
    l->count -= n;
    l->skip -= n;
}

size_t stapes_features_pull(stapes_features *l, float *rows, size_t most)
{
    const stapes_features_settings *s = &l->settings;
    size_t                          n = stapes_features_ready(l), columns = stapes_features_columns(s);
    if (n > most) n = most;
    for (size_t i = 0; i < n; i++) {
        drop(l);
        memcpy(rows + i * columns, l->queue + l->head * s->mels, columns * sizeof *rows);
        l->skip = s->stride;
    }
    drop(l);
    if (!l->count) l->head = 0;
    return n;
}

int64_t  stapes_features_cut(const stapes_features *l) { return l->cut; }
uint32_t stapes_features_empty_filters(const stapes_features *l) { return st_spectrum_empty(l->spectrum); }
