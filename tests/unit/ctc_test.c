/* ctc_test.c - best paths by hand, the score of a text against the sum over all paths, tokens as text. */
#include "check.h"
#include <stapes/kit.h>

#include <math.h>
#include <stdlib.h>

enum { LABELS = 4 };

/* Scores in which the labels of `path` lead with probability 0.7. */
static void make_scores(const int *path, uint32_t rows, float *scores)
{
    for (uint32_t t = 0; t < rows; t++)
        for (int i = 0; i < LABELS; i++) scores[t * LABELS + (uint32_t)i] = logf(path[t] == i ? 0.7f : 0.1f);
}

static void check_path(void)
{
    const int        path[] = {1, 1, 0, 1, 2, 2, 0, 0, 3, 3};
    const stapes_run expected[] = {{0, 2, 1, 0}, {3, 4, 1, 0}, {4, 6, 2, 0}, {8, 10, 3, 0}};
    float            scores[10 * LABELS];
    make_scores(path, 10, scores);
    scores[1 * LABELS + 1] = logf(0.9f);
    for (uint32_t cut = 1; cut <= 10; cut++) {
        stapes_best_path state = {0};
        stapes_run       runs[10];
        uint32_t         n = 0;
        for (uint32_t at = 0; at < 10; at += cut)
            n += stapes_follow_path(&state, scores + at * LABELS, 10 - at < cut ? 10 - at : cut, LABELS, 0,
                                    runs + n);
        CHECK(n == 3 && state.row == 10);
        CHECK(fabs(state.score - (9 * log(0.7) + log(0.9))) < 1e-5);
        n += stapes_end_path(&state, 0, runs + n);
        CHECK(n == 4 && state.row == 0);
        for (uint32_t i = 0; i < n; i++) {
            CHECK(runs[i].first == expected[i].first && runs[i].end == expected[i].end);
            CHECK(runs[i].label == expected[i].label && runs[i].score == logf(i ? 0.7f : 0.9f));
        }
    }
    stapes_best_path state = {0};
    stapes_run       run;
    CHECK(stapes_end_path(&state, 0, &run) == 0);
    const float odd[] = {NAN, 0.0f, 0.0f, -1.0f}; /* NaN never wins, of equals the first */
    CHECK(stapes_follow_path(&state, odd, 1, LABELS, 0, &run) == 0 && state.open.label == 1);
}

/* The sum over all labels of every row, the slow way. */
static double sum_paths(const float *scores, uint32_t rows, uint32_t blank, const int32_t *target,
                        uint32_t count)
{
    double   sum = 0.0;
    uint32_t paths = 1;
    for (uint32_t t = 0; t < rows; t++) paths *= LABELS;
    for (uint32_t p = 0; p < paths; p++) {
        double   probability = 1.0;
        uint32_t n = 0, last = LABELS, rest = p;
        bool     same = true;
        for (uint32_t t = 0; t < rows; t++, rest /= LABELS) {
            uint32_t label = rest % LABELS;
            probability *= exp((double)scores[t * LABELS + label]);
            if (label != last && label != blank) {
                same = same && n < count && target[n] == (int32_t)label;
                n++;
            }
            last = label;
        }
        if (same && n == count) sum += probability;
    }
    return log(sum);
}

static void check_score(void)
{
    const int32_t  targets[][4] = {{1}, {1, 2}, {1, 1}, {2, 1, 1}, {3, 3, 3}, {1, 2, 3, 1}};
    const uint32_t counts[] = {1, 2, 2, 3, 3, 4};
    float          scores[6 * LABELS];
    double         room[9];
    for (uint32_t i = 0; i < 6 * LABELS; i++) scores[i] = logf((float)(i * 7 % 5 + 1) / 13.0f);
    for (uint32_t rows = 1; rows <= 6; rows++) {
        CHECK(fabs(stapes_score_target(scores, rows, LABELS, 0, NULL, 0, room) -
                   sum_paths(scores, rows, 0, NULL, 0)) < 1e-6);
        for (uint32_t i = 0; i < STAPES_COUNT(counts); i++) {
            double found = stapes_score_target(scores, rows, LABELS, 0, targets[i], counts[i], room);
            double expected = sum_paths(scores, rows, 0, targets[i], counts[i]);
            CHECK(found == expected || fabs(found - expected) < 1e-6); /* equal: both -infinity */
        }
    }
    CHECK(stapes_score_target(scores, 0, LABELS, 0, NULL, 0, room) == 0.0);
    CHECK(stapes_score_target(scores, 0, LABELS, 0, targets[0], 1, room) == -HUGE_VAL);
    const int32_t outside = LABELS;
    CHECK(stapes_score_target(scores, 3, LABELS, 0, &outside, 1, room) == -HUGE_VAL);
}

static const char *const       labels[] = {"<blank>",         "<space>",      "a",   "b",
                                           "\xe2\x96\x81one", "\xe2\x96\x81", "two", "|"};
static const stapes_vocabulary vocabulary = {.count = STAPES_COUNT(labels), .labels = labels};

static void check_text(const int32_t *ids, uint32_t count, const char *joined, uint32_t n_words)
{
    stapes_token tokens[20];
    for (uint32_t i = 0; i < count; i++)
        tokens[i] = (stapes_token){.start = i * 10, .end = i * 10 + 5, .id = ids[i], .score = logf(0.5f)};
    size_t bytes = stapes_measure_text(&vocabulary, tokens, count);
    char  *memory = aligned_alloc(64, (bytes + 8 + 63) / 64 * 64);
    CHECK(bytes > 0 && memory != NULL);
    if (!memory) return;
    memset(memory + bytes, 77, 8);
    stapes_text *text = stapes_write_text(&vocabulary, tokens, count, memory);
    CHECK_TEXT(text->text, joined);
    CHECK(text->n_words == n_words && text->final == 1 && text->stable == strlen(joined));
    CHECK(memory[bytes] == 77 && memory[bytes + 7] == 77);
    char again[100] = "";
    for (uint32_t i = 0; i < text->n_words; i++) {
        if (i) strcat(again, " ");
        strcat(again, text->words[i].text);
        CHECK(fabsf(text->words[i].confidence - 0.5f) < 1e-6f && text->words[i].end > text->words[i].start);
    }
    CHECK_TEXT(again, joined);
    free(memory);
}

#define CHECK_WORDS(joined, n_words, ...)                                                                    \
    check_text((const int32_t[]){__VA_ARGS__}, STAPES_COUNT(((const int32_t[]){__VA_ARGS__})), joined,       \
               n_words)

static void check_texts(void)
{
    check_text(NULL, 0, "", 0);
    CHECK_WORDS("ab", 1, 2, 3);
    CHECK_WORDS("a b", 2, 2, 1, 3);
    CHECK_WORDS("a b", 2, 1, 1, 2, 1, 1, 3, 1);
    CHECK_WORDS("", 0, 1, 1);
    CHECK_WORDS("one onetwo", 2, 4, 4, 6);
    CHECK_WORDS("two atwo one", 3, 5, 6, 5, 2, 6, 4);
    CHECK_WORDS("a b", 2, 2, 7, 3, 7);

    stapes_token tokens[] = {{.start = 3, .end = 4, .id = 2, .score = logf(0.9f)},
                             {.start = 6, .end = 8, .id = 3, .score = logf(0.4f)}};
    char         memory[400] __attribute__((aligned(64)));
    CHECK(stapes_measure_text(&vocabulary, tokens, 2) <= sizeof memory);
    const stapes_word *word = stapes_write_text(&vocabulary, tokens, 2, memory)->words;
    CHECK(word->start == 3 && word->end == 8 && fabsf(word->confidence - sqrtf(0.36f)) < 1e-6f);
    const float odd[] = {INFINITY, -INFINITY, NAN}, expected[] = {1.0f, 0.0f, -1.0f};
    for (int i = 0; i < 3; i++) {
        tokens[1].score = odd[i];
        CHECK(stapes_write_text(&vocabulary, tokens, 2, memory)->words->confidence == expected[i]);
    }
    tokens[1].id = 8;
    CHECK(stapes_measure_text(&vocabulary, tokens, 2) == 0);
    tokens[1].id = -1;
    CHECK(stapes_measure_text(&vocabulary, tokens, 2) == 0);
}

int main(void)
{
    check_path();
    check_score();
    check_texts();
    return check_done();
}
