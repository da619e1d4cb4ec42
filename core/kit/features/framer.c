/* framer.c - see framer.h. */
#include "kit/features/framer.h"

#include <stdlib.h>
#include <string.h>

uint32_t st_framer_span(const stapes_features_settings *s)
{
    return s->style == STAPES_FEATURES_KALDI ? s->window : s->fft;
}

/* How far before its place a window begins. */
static int64_t lead_of(const stapes_features_settings *s)
{
    if (s->padding == STAPES_PADDING_NONE) return 0;
    if (s->padding == STAPES_PADDING_MIRROR) return (int64_t)s->window / 2 - s->hop / 2;
    return st_framer_span(s) / 2;
}

bool st_framer_open(st_framer *f, const stapes_features_settings *s, uint32_t block)
{
    f->hop = s->hop;
    f->span = st_framer_span(s);
    f->padding = s->padding;
    f->drop_last = s->style == STAPES_FEATURES_WHISPER;
    f->lead = lead_of(s);
    f->block = block;
    /* What is held back is below a window, a hop and a lead; and a push must fit beside it. */
    f->room = (size_t)f->span * 2 + s->hop + 2 + STAPES_FEATURES_BLOCK;
    f->samples = calloc(f->room, sizeof *f->samples);
    f->edges = calloc((size_t)f->span * block, sizeof *f->edges);
    return f->samples && f->edges;
}

void st_framer_close(st_framer *f)
{
    free(f->samples);
    free(f->edges);
}

void st_framer_reset(st_framer *f)
{
    f->held = 0;
    f->base = f->total = f->next = 0;
}

/* Rows of a segment that ends here. */
static int64_t rows_of_all(const st_framer *f)
{
    int64_t n = f->total, hop = f->hop;
    if (f->padding == STAPES_PADDING_MIRROR) return (n + hop / 2) / hop;
    int64_t padded = n + 2 * f->lead;
    if (n == 0 || padded < f->span) return 0;
    int64_t rows = 1 + (padded - f->span) / hop;
    return f->drop_last ? rows - 1 : rows;
}

int64_t st_framer_complete(const st_framer *f)
{
    int64_t hop = f->hop, inside = f->total + f->lead - f->span, all = rows_of_all(f);
    /* a window also needs what its lead reflects */
    if (inside < 0 || f->next * hop + f->total <= f->lead) return 0;
    if (inside / hop + 1 < all) all = inside / hop + 1;
    return all - f->next;
}

int64_t st_framer_left(const st_framer *f) { return rows_of_all(f) - f->next; }

/* The sample at a position outside the segment, from what the segment holds. */
static float outside(const st_framer *f, int64_t position)
{
    int64_t n = f->total, period;
    if (f->padding == STAPES_PADDING_ZERO || n <= 0) return 0;
    if (f->padding == STAPES_PADDING_MIRROR) {
        period = 2 * n;
        position = (position % period + period) % period;
        if (position >= n) position = period - 1 - position;
    } else {
        period = n > 1 ? 2 * (n - 1) : 1;
        position = (position % period + period) % period;
        if (position >= n) position = period - position;
    }
    return f->samples[position - f->base];
}

/* The samples of a row's window; `edge` is for one that reaches beyond an end. */
static const float *window_of(const st_framer *f, int64_t row, float *edge)
{
    int64_t begin = row * f->hop - f->lead;
    if (begin >= 0 && begin + f->span <= f->total) return f->samples + (begin - f->base);
    for (int64_t i = 0; i < f->span; i++) {
        int64_t position = begin + i;
        edge[i] =
            position >= 0 && position < f->total ? f->samples[position - f->base] : outside(f, position);
    }
    return edge;
}

void st_framer_next(st_framer *f, uint32_t count, const float **windows)
{
    for (uint32_t i = 0; i < count; i++)
        windows[i] = window_of(f, f->next + i, f->edges + (size_t)i * f->span);
    f->next += count;
}

/* Forgets samples that no later window needs: the next one's, and as many as the end may reflect. */
static void forget(st_framer *f)
{
    int64_t keep = f->next * f->hop - f->lead, end = f->total - f->span - 1;
    if (keep > end) keep = end;
    if (keep <= f->base) return;
    size_t gone = (size_t)(keep - f->base);
    f->held -= gone;
    f->base = keep;
    memmove(f->samples, f->samples + gone, f->held * sizeof *f->samples);
}

size_t st_framer_take(st_framer *f, const float *samples, size_t count)
{
    if (f->held == f->room) forget(f);
    if (count > f->room - f->held) count = f->room - f->held;
    if (samples)
        memcpy(f->samples + f->held, samples, count * sizeof *samples);
    else
        memset(f->samples + f->held, 0, count * sizeof *f->samples);
    f->held += count;
    f->total += (int64_t)count;
    return count;
}
