/* ctc.c - the best path and the forward algorithm of CTC; see stapes/kit/ctc.h. */
#include <stapes/kit/ctc.h>

#include <math.h>

static int32_t best_label(const float *row, uint32_t labels)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < labels; i++)
        if (row[i] > row[best] || isnan(row[best])) best = i;
    return (int32_t)best;
}

static uint32_t close_run(stapes_best_path *path, uint32_t blank, stapes_run *run)
{
    if (path->row == 0 || path->open.label == (int32_t)blank) return 0;
    *run = path->open;
    run->end = path->row;
    return 1;
}

uint32_t stapes_follow_path(stapes_best_path *path, const float *scores, uint32_t rows, uint32_t labels,
                            uint32_t blank, stapes_run *runs)
{
    uint32_t found = 0;
    for (uint32_t t = 0; t < rows; t++, path->row++) {
        const float *row = scores + (size_t)t * labels;
        int32_t      label = best_label(row, labels);
        float        score = row[label];
        if (path->row == 0 || label != path->open.label) {
            found += close_run(path, blank, runs + found);
            path->open = (stapes_run){.first = path->row, .label = label, .score = score};
        } else if (score > path->open.score) {
            path->open.score = score;
        }
        path->score += (double)score;
    }
    return found;
}

uint32_t stapes_end_path(stapes_best_path *path, uint32_t blank, stapes_run *run)
{
    uint32_t found = close_run(path, blank, run);
    *path = (stapes_best_path){0};
    return found;
}

static double add_logs(double a, double b)
{
    if (a < b) {
        double c = a;
        a = b;
        b = c;
    }
    return b == -HUGE_VAL ? a : a + log1p(exp(b - a));
}

double stapes_score_target(const float *scores, uint32_t rows, uint32_t labels, uint32_t blank,
                           const int32_t *target, uint32_t count, double *room)
{
    /* states: blank, label 0, blank, label 1, ..., blank */
    size_t states = 2 * (size_t)count + 1;
    for (uint32_t i = 0; i < count; i++)
        if (target[i] < 0 || (uint32_t)target[i] >= labels) return -HUGE_VAL;
    if (rows == 0) return count ? -HUGE_VAL : 0.0;

    for (size_t s = 0; s < states; s++) room[s] = -HUGE_VAL;
    room[0] = (double)scores[blank];
    if (count) room[1] = (double)scores[target[0]];
    for (uint32_t t = 1; t < rows; t++) {
        const float *row = scores + (size_t)t * labels;
        for (size_t s = states; s-- > 0;) { /* downwards: room[s - 1] is still of the row before */
            bool   is_label = s % 2 == 1;
            double sum = room[s];
            if (s >= 1) sum = add_logs(sum, room[s - 1]);
            if (is_label && s >= 3 && target[s / 2] != target[s / 2 - 1]) sum = add_logs(sum, room[s - 2]);
            room[s] = sum + (double)row[is_label ? (uint32_t)target[s / 2] : blank];
        }
    }
    return count ? add_logs(room[states - 1], room[states - 2]) : room[0];
}
