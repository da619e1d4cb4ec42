/* text.c - tokens become text and words; see stapes/kit/ctc.h. One block of memory holds the stapes_text,
 * the words, the text, and each word once more with a terminator of its own. */
#include <stapes/kit/ctc.h>

#include <math.h>
#include <string.h>

static const char mark[] = "\xe2\x96\x81"; /* U+2581, which SentencePiece puts before a word */

/* What a label adds, behind the division of words that it begins or is. */
static const char *letters(const char *label, bool *divides)
{
    *divides = true;
    if (!strcmp(label, "<space>") || !strcmp(label, "|")) return "";
    if (!strncmp(label, mark, sizeof mark - 1)) return label + sizeof mark - 1;
    *divides = false;
    return label;
}

size_t stapes_measure_text(const stapes_vocabulary *vocabulary, const stapes_token *tokens, uint32_t count)
{
    size_t bytes = sizeof(stapes_text) + 2;
    for (uint32_t i = 0; i < count; i++) {
        if (tokens[i].id < 0 || (uint32_t)tokens[i].id >= vocabulary->count) return 0;
        /* its letters twice; a space; the terminator of its own word */
        bytes += sizeof(stapes_word) + 2 * strlen(vocabulary->labels[tokens[i].id]) + 2;
    }
    return bytes;
}

/* The number of words, and the bytes of all their letters. */
static uint32_t count_words(const stapes_vocabulary *vocabulary, const stapes_token *tokens, uint32_t count,
                            size_t *bytes)
{
    uint32_t words = 0;
    bool     inside = false, divides;
    *bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        const char *text = letters(vocabulary->labels[tokens[i].id], &divides);
        if (divides) inside = false;
        if (!*text) continue;
        if (!inside) words++;
        inside = true;
        *bytes += strlen(text);
    }
    return words;
}

/* Scores that are none (infinite, above 0, NaN) give 0, 1 and "not known". */
static float confidence_of(double mean) { return mean <= 0.0 ? (float)exp(mean) : mean > 0.0 ? 1.0f : -1.0f; }

stapes_text *stapes_write_text(const stapes_vocabulary *vocabulary, const stapes_token *tokens,
                               uint32_t count, void *memory)
{
    size_t       bytes;
    uint32_t     n_words = count_words(vocabulary, tokens, count, &bytes), n = 0, in_word = 0;
    stapes_text *text = memory;
    stapes_word *words = (stapes_word *)(text + 1), *word = NULL;
    char        *joined = (char *)(words + n_words), *at = joined;
    char        *own = joined + bytes + n_words + 1; /* letters, spaces between, terminator */
    double       sum = 0.0;
    bool         divides;

    for (uint32_t i = 0; i < count; i++) {
        const char *piece = letters(vocabulary->labels[tokens[i].id], &divides);
        size_t      length = strlen(piece);
        if (divides && word) {
            *own++ = 0;
            word = NULL;
        }
        if (!length) continue;
        if (!word) {
            word = words + n++;
            *word = (stapes_word){.text = own, .start = tokens[i].start};
            if (n > 1) *at++ = ' ';
            sum = 0.0;
            in_word = 0;
        }
        memcpy(at, piece, length);
        memcpy(own, piece, length);
        at += length;
        own += length;
        sum += (double)tokens[i].score;
        word->end = tokens[i].end;
        word->confidence = confidence_of(sum / ++in_word);
    }
    if (word) *own = 0;
    *at = 0;
    *text = (stapes_text){.size = sizeof *text,
                          .stable = (uint32_t)(at - joined),
                          .final = 1,
                          .n_words = n_words,
                          .text = joined,
                          .words = n_words ? words : NULL};
    return text;
}
