/* ctc.h - connectionist temporal classification (Graves 2006): the best path of labels as tokens, tokens
 * as text, and the probability of a given text. */
#ifndef STAPES_KIT_CTC_H
#define STAPES_KIT_CTC_H

#include <stapes/kit/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run of one label on the best path. */
typedef struct stapes_run {
    uint64_t first, end; /* rows: the first one, and the one behind the last */
    int32_t  label;
    float    score; /* the label's greatest natural log probability within the run */
} stapes_run;

/* The best path so far; zeroed: at the begin of a segment. */
typedef struct stapes_best_path {
    uint64_t   row;   /* rows seen */
    double     score; /* sum over all rows of the best label's natural log probability */
    stapes_run open;  /* the run under way if row > 0, a blank one too */
} stapes_best_path;

/* Follows the best label of each row of scores (rows, labels): natural log probabilities; of equal ones
 * the lowest number wins, NaN never wins. Runs that end, other than blanks, are put into `runs`, at most
 * one for each row. Returns their number. [any] */
STAPES_EXPORT uint32_t stapes_follow_path(stapes_best_path *path, const float *scores, uint32_t rows,
                                          uint32_t labels, uint32_t blank, stapes_run *runs);

/* The segment ended: the run under way into *run if it is no blank, and the path as if zeroed. Returns
 * the number of runs, 0 or 1. [any] */
STAPES_EXPORT uint32_t stapes_end_path(stapes_best_path *path, uint32_t blank, stapes_run *run);

/* The natural log probability that scores (rows, labels) give to the labels target (count), summed over all
 * paths: minus torch's ctc_loss. -infinity if the text does not fit into the rows. room (2 * count + 1
 * doubles). Graves 2006, eq. 6 to 8. [any] */
STAPES_EXPORT double stapes_score_target(const float *scores, uint32_t rows, uint32_t labels, uint32_t blank,
                                         const int32_t *target, uint32_t count, double *room);

/* Tokens as text: labels joined; `<space>`, "|" and a leading U+2581 divide words, which one space parts in
 * the text. A word begins with its first token and ends with its last one; its confidence is the geometric
 * mean of its tokens' probabilities.
 *
 * The bytes that stapes_write_text takes at most; 0 if a token has a number that is no label. [any] */
STAPES_EXPORT size_t stapes_measure_text(const stapes_vocabulary *vocabulary, const stapes_token *tokens,
                                         uint32_t count);

/* Fills `memory` (as many bytes as measured, aligned to 64) with a stapes_text, its words and their strings,
 * as the data of a text packet. size, stable, final, n_words, text and words are set, all else is zero.
 * Returns memory. [any] */
STAPES_EXPORT stapes_text *stapes_write_text(const stapes_vocabulary *vocabulary, const stapes_token *tokens,
                                             uint32_t count, void *memory);

#ifdef __cplusplus
}
#endif
#endif
