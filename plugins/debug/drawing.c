/* drawing.c - see drawing.h. Time runs from the left; each picture has a title, axes with numbers at round
 * steps, and, where colours mean numbers, a bar that says which. */
#include "drawing.h"
#include "colours.h"
#include "glyphs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    INK = 0x222222,
    FAINT = 0xe2e2e2,
    MIDDLE = 0x9a9a9a,
    NOTHING = 0xf4f4f4,
    WAVE = 0x31688e,
    CLIP = 0xd62728
};
enum { TOP = 40, BOTTOM = 40, RIGHT = 84, LABELS = 32, HISTOGRAM = 200000 };

/* Where the data are drawn. */
typedef struct plot {
    canvas      *c;
    const strip *s;
    int          x, y, width, height;
} plot;

/* 1, 2 or 5 times a power of ten, at least `least`. */
static double round_step(double least)
{
    double power = pow(10.0, floor(log10(least)));
    double times = least / power;
    return power * (times <= 1.0000001 ? 1 : times <= 2.0000001 ? 2 : times <= 5.0000001 ? 5 : 10);
}

/* A number with as many digits behind the point as the step asks for. Returns text. */
static char *number(double value, double step, char text[32])
{
    int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    if (fabs(value) < step * 1e-6) value = 0;
    (void)snprintf(text, 32, "%.*f", digits, value);
    return text;
}

static double length_of(const strip *s)
{
    return stapes_seconds(s->end > s->origin ? s->end - s->origin : s->length);
}

/* The time axis below, its lines in the plot if it has room for them. */
static void draw_time(const plot *p, bool lines)
{
    double first = stapes_seconds(p->s->origin), length = length_of(p->s);
    double step = round_step(length * 80.0 / p->width);
    char   text[32];
    for (double k = ceil(first / step - 1e-6); k * step <= first + length + step * 1e-6; k++) {
        int x = p->x + (int)lround((k * step - first) / length * (p->width - 1));
        if (lines) canvas_box(p->c, x, p->y, 1, p->height, FAINT);
        canvas_box(p->c, x, p->y + p->height, 1, 5, INK);
        (void)number(k * step, step, text);
        canvas_text(p->c, x - canvas_text_width(text) / 2, p->y + p->height + 7, text, INK);
    }
    canvas_text(p->c, p->x + p->width / 2 - canvas_text_width("seconds") / 2, p->y + p->height + 22,
                "seconds", INK);
}

static void draw_frame(const plot *p)
{
    canvas_box(p->c, p->x - 1, p->y - 1, p->width + 2, 1, MIDDLE);
    canvas_box(p->c, p->x - 1, p->y + p->height, p->width + 2, 1, MIDDLE);
    canvas_box(p->c, p->x - 1, p->y - 1, 1, p->height + 2, MIDDLE);
    canvas_box(p->c, p->x + p->width, p->y - 1, 1, p->height + 2, MIDDLE);
}

/* The buckets [*from, *to) that column x of the plot shows; at least one. */
static void buckets_at(const plot *p, int x, uint32_t *from, uint32_t *to)
{
    double each = length_of(p->s) / stapes_seconds(p->s->length) / p->width;
    double a = x * each, b = (x + 1) * each;
    *from = a < p->s->used ? (uint32_t)a : p->s->used - 1;
    *to = b < p->s->used ? (uint32_t)ceil(b - 1e-9) : p->s->used;
    if (*to <= *from) *to = *from + 1;
}

/* A bar that says what the colours mean, from low to high, at the right of the plot. */
static void draw_bar(const plot *p, double low, double high, const char *what)
{
    int    x = p->x + p->width + 14;
    char   text[32];
    double step = round_step((high - low) * 36.0 / p->height);
    for (int j = 0; j < p->height; j++)
        canvas_box(p->c, x, p->y + j, 14, 1, colour_of(1.0f - (float)j / (float)(p->height - 1)));
    for (double k = ceil(low / step - 1e-6); k * step <= high + step * 1e-6; k++) {
        int y = p->y + (int)lround((high - k * step) / (high - low) * (p->height - 1));
        canvas_box(p->c, x + 10, y, 4, 1, 0xffffff);
        canvas_text(p->c, x + 20, y - GLYPH_HEIGHT / 2, number(k * step, step, text), INK);
    }
    canvas_text(p->c, x + 14 - canvas_text_width(what) / 2, p->y - GLYPH_HEIGHT - 4, what, INK);
}

/* ---- waveform -------------------------------------------------------------------------------------- */

/* Least and greatest value of a channel in column x; false where nothing is known. */
static bool range_at(const plot *p, int x, uint32_t channel, float *least, float *greatest)
{
    uint32_t from, to;
    buckets_at(p, x, &from, &to);
    *least = INFINITY;
    *greatest = -INFINITY;
    for (uint32_t k = from; k < to; k++) {
        if (!p->s->rows[k]) continue;
        size_t i = (size_t)k * p->s->columns + channel;
        if (p->s->a[i] < *least) *least = p->s->a[i];
        if (p->s->b[i] > *greatest) *greatest = p->s->b[i];
    }
    return *least <= *greatest;
}

static float loudest(const strip *s)
{
    float peak = 0;
    for (size_t i = 0; i < (size_t)s->used * s->columns; i++) {
        if (!s->rows[i / s->columns] || s->a[i] > s->b[i]) continue;
        if (-s->a[i] > peak) peak = -s->a[i];
        if (s->b[i] > peak) peak = s->b[i];
    }
    return peak;
}

static void draw_channel(const plot *p, uint32_t channel, int top, int height, float scale)
{
    double middle = top + (height - 1) / 2.0, reach = (height - 1) / 2.0 / (double)scale;
    int    before_low = 0, before_high = 0;
    bool   connected = false;
    for (int x = 0; x < p->width; x++) {
        float least, greatest;
        if (!range_at(p, x, channel, &least, &greatest)) {
            canvas_box(p->c, p->x + x, top, 1, height, NOTHING);
            connected = false;
            continue;
        }
        int high = (int)lround(middle - (double)greatest * reach),
            low = (int)lround(middle - (double)least * reach);
        /* A line without holes: reach to where the column before ended. */
        int from = connected && before_low < high ? before_low : high;
        int to = connected && before_high > low ? before_high : low;
        canvas_box(p->c, p->x + x, from, 1, to - from + 1, least <= -1 || greatest >= 1 ? CLIP : WAVE);
        before_low = low;
        before_high = high;
        connected = true;
    }
}

static void draw_waveform(plot *p)
{
    char     text[32];
    uint32_t channels = p->s->columns, fit = (uint32_t)(p->height / 24);
    if (channels > fit && fit) channels = fit;
    float  peak = loudest(p->s);
    double scale = peak > 0 ? round_step((double)peak) : 1.0;
    int    gap = channels > 1 ? 6 : 0, height = (p->height - gap * ((int)channels - 1)) / (int)channels;
    draw_time(p, true);
    for (uint32_t k = 0; k < channels; k++) {
        int top = p->y + (int)k * (height + gap), middle = top + (height - 1) / 2;
        int steps = height >= 90 ? 2 : 1;
        for (int i = -steps; i <= steps; i++) {
            int    y = middle - (int)lround((double)i / steps * ((height - 1) / 2.0));
            double value = scale * i / steps;
            canvas_box(p->c, p->x, y, p->width, 1, i ? FAINT : MIDDLE);
            if (steps == 1 && i && channels > 1) continue;
            (void)number(value, scale / steps < 0.5 ? scale / steps / 5 : scale / steps, text);
            canvas_text(p->c, p->x - 6 - canvas_text_width(text), y - GLYPH_HEIGHT / 2, text, INK);
        }
        draw_channel(p, k, top, height, (float)scale);
    }
    draw_frame(p);
    if (channels < p->s->columns) {
        (void)snprintf(text, sizeof text, "%u more", p->s->columns - channels);
        canvas_text(p->c, p->x + p->width + 8, p->y + p->height - GLYPH_HEIGHT, text, INK);
    }
}

/* ---- spectrogram ----------------------------------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* The range of colours: what lies between the lowest and the highest of two hundred values. */
static bool find_range(const strip *s, float *low, float *high)
{
    size_t values = (size_t)s->used * s->columns, stride = values / HISTOGRAM + 1, n = 0;
    float *sorted = malloc((values / stride + 1) * sizeof *sorted);
    if (!sorted) return false;
    for (size_t i = 0; i < values; i += stride) {
        uint32_t rows = s->rows[i / s->columns];
        if (rows) sorted[n++] = s->a[i] / (float)rows;
    }
    qsort(sorted, n, sizeof *sorted, ascending);
    *low = n ? sorted[n / 200] : 0;
    *high = n ? sorted[n - 1 - n / 200] : 1;
    if (!(*high > *low)) *high = *low + 1;
    free(sorted);
    return true;
}

static void draw_bins(const plot *p)
{
    char   text[32];
    double step = round_step(p->s->columns * 34.0 / p->height);
    if (step < 1) step = 1;
    for (double bin = 0; bin < p->s->columns; bin += step) {
        int y = p->y + p->height - 1 - (int)((bin + 0.5) / p->s->columns * p->height);
        canvas_box(p->c, p->x - 5, y, 4, 1, INK);
        (void)number(bin, 1, text);
        canvas_text(p->c, p->x - 8 - canvas_text_width(text), y - GLYPH_HEIGHT / 2, text, INK);
    }
    canvas_text_up(p->c, 6, p->y + p->height / 2 + canvas_text_width("bins") / 2, "bins", INK);
}

static bool draw_spectrogram(plot *p)
{
    const strip *s = p->s;
    float        low, high;
    if (!find_range(s, &low, &high)) return false;
    draw_time(p, false);
    for (int x = 0; x < p->width; x++) {
        uint32_t from, to, rows = 0;
        buckets_at(p, x, &from, &to);
        for (uint32_t k = from; k < to; k++) rows += s->rows[k];
        for (int y = 0; y < p->height; y++) {
            uint32_t bin = (uint32_t)((double)(p->height - 1 - y) / p->height * s->columns);
            float    sum = 0;
            for (uint32_t k = from; k < to && rows; k++)
                if (s->rows[k]) sum += s->a[(size_t)k * s->columns + bin];
            uint32_t colour = rows ? colour_of((sum / (float)rows - low) / (high - low)) : NOTHING;
            canvas_box(p->c, p->x + x, p->y + y, 1, 1, colour);
        }
    }
    draw_frame(p);
    draw_bins(p);
    draw_bar(p, (double)low, (double)high, "value");
    return true;
}

/* ---- posteriors ------------------------------------------------------------------------------------ */

typedef struct activity {
    int32_t label;
    float   sum;
} activity;

/* Greatest sum first, then lowest label. */
static int by_sum(const void *a, const void *b)
{
    const activity *x = a, *y = b;
    if (x->sum != y->sum) return x->sum < y->sum ? 1 : -1;
    return (x->label > y->label) - (x->label < y->label);
}

static int by_label(const void *a, const void *b)
{
    const activity *x = a, *y = b;
    return (x->label > y->label) - (x->label < y->label);
}

/* The labels to show: those with the greatest peaks and sums, in the order of their numbers. */
static uint32_t find_labels(const strip *s, uint32_t most, activity *shown)
{
    activity *all = calloc(s->columns, sizeof *all);
    uint32_t  n = 0;
    if (!all) return 0;
    for (uint32_t k = 0; k < s->columns; k++) all[k].label = (int32_t)k;
    for (size_t i = 0; i < (size_t)s->used * STRIP_LABELS; i++)
        if (s->rows[i / STRIP_LABELS] && s->labels[i] >= 0) all[s->labels[i]].sum += expf(s->a[i]);
    qsort(all, s->columns, sizeof *all, by_sum);
    while (n < most && n < s->columns && all[n].sum > 0.05f) n++;
    if (!n) n = s->columns < most ? s->columns : most;
    memcpy(shown, all, n * sizeof *shown);
    qsort(shown, n, sizeof *shown, by_label);
    free(all);
    return n;
}

static const char *name_of(const picture_words *words, int32_t label, char text[32])
{
    const stapes_vocabulary *v = words->vocabulary;
    if (v && (uint32_t)label < v->count) {
        const char *name = v->labels[label];
        /* SentencePiece's mark of a new word is no letter of the font. */
        if (!strncmp(name, "\xe2\x96\x81", 3)) {
            (void)snprintf(text, 32, "_%s", name + 3);
            return text;
        }
        return name;
    }
    (void)snprintf(text, 32, "%d", label);
    return text;
}

/* Probability of a label in column x. */
static float probability_at(const plot *p, uint32_t from, uint32_t to, int32_t label)
{
    float best = 0;
    for (uint32_t k = from; k < to; k++)
        for (size_t i = (size_t)k * STRIP_LABELS; p->s->rows[k] && i < (size_t)(k + 1) * STRIP_LABELS; i++)
            if (p->s->labels[i] == label && expf(p->s->a[i]) > best) best = expf(p->s->a[i]);
    return best;
}

/* Above the plot: each label where it first is the best one, but for the blank. */
static void draw_best(const plot *p, const picture_words *words)
{
    char    text[32];
    int32_t before = -1;
    int     free_from = 0;
    for (uint32_t k = 0; k < p->s->used; k++) {
        int32_t best = p->s->rows[k] ? p->s->labels[(size_t)k * STRIP_LABELS] : -1;
        if (best >= 0 && best != before &&
            !(words->vocabulary && (uint32_t)best == words->vocabulary->blank)) {
            double      at = (k + 0.5) * stapes_seconds(p->s->length) / length_of(p->s);
            const char *name = name_of(words, best, text);
            int         width = canvas_text_width(name), x = p->x + (int)(at * p->width) - width / 2;
            if (!strcmp(name, "<space>")) width = 0;
            if (x >= free_from && width) {
                canvas_text(p->c, x, p->y - GLYPH_HEIGHT - 3, name, INK);
                free_from = x + width + 1;
            }
        }
        before = best;
    }
}

static bool draw_posteriors(plot *p, const picture_words *words)
{
    activity shown[LABELS];
    uint32_t most = (uint32_t)(p->height / 10), n = find_labels(p->s, most < LABELS ? most : LABELS, shown);
    char     text[32];
    if (!n) return false;
    draw_time(p, false);
    for (uint32_t k = 0; k < n; k++) {
        int top = p->y + p->height * (int)k / (int)n, height = p->y + p->height * (int)(k + 1) / (int)n - top;
        for (int x = 0; x < p->width; x++) {
            uint32_t from, to;
            buckets_at(p, x, &from, &to);
            bool known = false;
            for (uint32_t i = from; i < to; i++) known = known || p->s->rows[i];
            uint32_t colour = known ? colour_of(probability_at(p, from, to, shown[k].label)) : NOTHING;
            canvas_box(p->c, p->x + x, top, 1, height - (height > 6 ? 1 : 0), colour);
        }
        const char *name = name_of(words, shown[k].label, text);
        canvas_text(p->c, p->x - 6 - canvas_text_width(name), top + height / 2 - GLYPH_HEIGHT / 2, name, INK);
    }
    draw_frame(p);
    draw_best(p, words);
    draw_bar(p, 0, 1, "prob.");
    return true;
}

/* Room that the names of the labels need. */
static int widest_name(const strip *s, const picture_words *words)
{
    char     text[32];
    activity shown[LABELS];
    int      widest = 0;
    uint32_t n = find_labels(s, LABELS, shown);
    for (uint32_t k = 0; k < n; k++) {
        int width = canvas_text_width(name_of(words, shown[k].label, text));
        if (width > widest) widest = width;
    }
    return widest;
}

bool picture_draw(canvas *c, const strip *s, const picture_words *words)
{
    int left = s->way == STRIP_RANGE ? 52 : s->way == STRIP_MEAN ? 56 : widest_name(s, words) + 14;
    if (left > c->width / 3) left = c->width / 3;
    int  right = s->way == STRIP_RANGE ? 20 : RIGHT;
    plot p = {c, s, left, TOP, c->width - left - right, c->height - TOP - BOTTOM};
    canvas_text(c, left, 6, words->title, INK);
    if (s->way == STRIP_BEST) return draw_posteriors(&p, words);
    if (s->way == STRIP_MEAN) return draw_spectrogram(&p);
    draw_waveform(&p);
    return true;
}
