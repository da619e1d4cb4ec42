/* network_stages_test.c - the stages recurrent.network and ctc.search under a host of their own
 * (stage_bench.h): formats stated and refused, places of rows, what a gap in the audio does, longest
 * segments, recordings given up. */
#include "check.h"
#include "stage_bench.h"

#include <math.h>

/* ---- recurrent.network ---------------------------------------------------------------------------- */

enum { IN = 8, ROWS = 100 };
static const stapes_time hop = STAPES_SECOND / 100;

static const float *noise(void)
{
    static float x[ROWS * 3 * IN];
    uint32_t     seed = 5;
    for (size_t i = 0; i < STAPES_COUNT(x); i++) {
        seed = seed * 1664525u + 1013904223u;
        x[i] = (float)(seed >> 8) / 8388608.0f - 1.0f;
    }
    return x;
}

static const char *recipe_of(const char *model)
{
    static char text[1024];
    CHECK(*bench_recipe(RECURRENT, model, text, sizeof text));
    return text;
}

/* A network that streams, with subsampling by 2: rows and their places, whatever the audio has lost. */
static void check_gap(void)
{
    static bench  whole, parts;
    const float  *x = noise();
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = IN, .hop = hop};
    in.recipe = recipe_of(MODELS "/tiny-uni");
    CHECK(bench_open(&parts, RECURRENT, MODELS "/tiny-uni", 1) == STAPES_OK);
    CHECK(bench_configure(&parts, &in) == STAPES_OK);
    CHECK(parts.formats[0].kind == STAPES_SCORES && parts.formats[0].columns == 29 &&
          parts.formats[0].hop == 2 * hop);
    CHECK(parts.bounds.latency == hop && !strncmp(parts.formats[0].vocabulary, "sha256:", 7));

    /* 31 rows, a gap of 2.5 s, 20 rows: as two segments */
    CHECK(bench_push(&parts, &in, 7, x, 31) == STAPES_OK);
    CHECK(parts.rows == 15); /* the last one waits for the row after it */
    CHECK(bench_push(&parts, &in, 7 + 31 * hop + 5 * STAPES_SECOND / 2, x + 31 * IN, 20) == STAPES_OK);
    CHECK(bench_flush(&parts) == STAPES_OK && parts.rows == 16 + 10);
    CHECK(parts.starts[0] == 7 && parts.starts[15] == 7 + 30 * hop);
    CHECK(parts.starts[16] == 7 + 31 * hop + 5 * STAPES_SECOND / 2 &&
          parts.starts[25] == parts.starts[16] + 18 * hop);

    CHECK(bench_open(&whole, RECURRENT, MODELS "/tiny-uni", 1) == STAPES_OK &&
          bench_configure(&whole, &in) == STAPES_OK);
    CHECK(bench_push(&whole, &in, 0, x, 31) == STAPES_OK && bench_flush(&whole) == STAPES_OK);
    CHECK(bench_push(&whole, &in, 31 * hop, x + 31 * IN, 20) == STAPES_OK &&
          bench_flush(&whole) == STAPES_OK);
    CHECK(whole.rows == 26 && !memcmp(whole.values, parts.values, 26 * 29 * sizeof(float)));

    /* a place that is off by less than half a hop (rates that do not divide a second) is no gap */
    whole.rows = parts.rows = 0;
    CHECK(bench_push(&whole, &in, 0, x, 40) == STAPES_OK && bench_flush(&whole) == STAPES_OK);
    CHECK(bench_push(&parts, &in, 0, x, 13) == STAPES_OK &&
          bench_push(&parts, &in, 13 * hop - 1, x + 13 * IN, 27) == STAPES_OK);
    CHECK(bench_flush(&parts) == STAPES_OK && parts.rows == whole.rows);
    CHECK(!memcmp(whole.values, parts.values, 20 * 29 * sizeof(float)) &&
          parts.starts[19] == whole.starts[19]);

    /* a recording that was given up leaves nothing */
    whole.rows = parts.rows = 0;
    CHECK(bench_push(&parts, &in, 0, x + 50 * IN, 9) == STAPES_OK);
    CHECK(bench_event(&parts, STAPES_RECORDING_ABANDONED, 0) == STAPES_OK &&
          bench_flush(&parts) == STAPES_OK);
    parts.rows = 0;
    CHECK(bench_push(&parts, &in, 0, x, 40) == STAPES_OK && bench_flush(&parts) == STAPES_OK &&
          parts.rows == 20);
    CHECK(bench_push(&whole, &in, 0, x, 40) == STAPES_OK && bench_flush(&whole) == STAPES_OK);
    CHECK(!memcmp(whole.values, parts.values, 20 * 29 * sizeof(float)));
    bench_close(&whole);
    bench_close(&parts);
}

static void check_longest(void)
{
    static bench  b;
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = 24, .hop = 3 * hop};
    in.recipe = recipe_of(MODELS "/tiny-bi");
    CHECK(bench_open(&b, RECURRENT, MODELS "/tiny-bi", 0.9f) == STAPES_OK &&
          bench_configure(&b, &in) == STAPES_OK);
    CHECK(b.bounds.latency == STAPES_WHOLE_SEGMENT && b.formats[0].hop == 3 * hop);
    CHECK(bench_push(&b, &in, 0, noise(), 20) == STAPES_OK &&
          bench_push(&b, &in, 20 * 3 * hop, noise(), 10) == STAPES_OK);
    CHECK(b.rows == 0 && bench_flush(&b) == STAPES_OK && b.rows == 30); /* 0.9 s fit */
    CHECK(bench_push(&b, &in, 0, noise(), 30) == STAPES_OK);
    CHECK(bench_push(&b, &in, 30 * 3 * hop, noise(), 2) == STAPES_EINPUT);
    CHECK_HAS(b.words, "a segment is longer than 0.9 s; model 'tiny-bi' needs whole segments in memory");
    CHECK(bench_flush(&b) == STAPES_OK && b.rows == 30); /* nothing of it was computed */
    b.words[0] = 0;
    b.canceled = true;
    CHECK(bench_push(&b, &in, 0, noise(), 30) == STAPES_OK && bench_flush(&b) == STAPES_ECANCELED);
    b.canceled = false;
    CHECK(bench_push(&b, &in, 0, noise(), 1) == STAPES_OK && bench_flush(&b) == STAPES_OK && b.rows == 31);
    bench_close(&b);
}

static void check_plain(void)
{
    static bench  b;
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = IN, .hop = hop};
    CHECK(bench_open(&b, RECURRENT, MODELS "/tiny-plain", 1) == STAPES_OK &&
          bench_configure(&b, &in) == STAPES_OK);
    CHECK(b.formats[0].kind == STAPES_FRAMES && b.formats[0].columns == 4 && !b.formats[0].vocabulary);
    CHECK_TEXT(b.formats[0].recipe, "network tiny-plain");
    CHECK(bench_push(&b, &in, 0, noise(), 200) == STAPES_OK && b.rows == 200 && b.starts[199] == 199 * hop);
    in.hop = 0;
    CHECK(bench_configure(&b, &in) == STAPES_EFORMAT);
    CHECK_HAS(b.words, "the input's rows lie on no grid (hop 0)");
    in.hop = hop;
    in.columns = 9;
    CHECK(bench_configure(&b, &in) == STAPES_EFORMAT);
    CHECK_TEXT(b.words, "the input has 9 features a row, model 'tiny-plain' takes 8");
    bench_close(&b);
    CHECK(bench_open(&b, CTC, MODELS "/tiny-plain", 1) == STAPES_EMODEL);
    CHECK_HAS(b.words, "tiny-plain/model.yaml: has no vocabulary, so there is no text to find");
    bench_close(&b);
}

/* ---- ctc.search ----------------------------------------------------------------------------------- */

/* Scores in which the labels of a string lead: '_' the blank, ' ' the space, letters themselves. */
static uint32_t spell(const char *path, float *scores)
{
    uint32_t rows = (uint32_t)strlen(path);
    for (uint32_t t = 0; t < rows; t++) {
        int label = path[t] == '_' ? 0 : path[t] == ' ' ? 1 : path[t] - 'a' + 3;
        for (int i = 0; i < 29; i++) scores[t * 29 + (uint32_t)i] = i == label ? logf(0.44f) : logf(0.02f);
    }
    return rows;
}

static void check_search(void)
{
    static bench  b;
    static float  scores[64 * 29];
    stapes_format in = {.size = sizeof in, .kind = STAPES_SCORES, .columns = 29, .hop = hop};
    CHECK(bench_open(&b, CTC, MODELS "/tiny-uni", 1) == STAPES_OK && bench_configure(&b, &in) == STAPES_OK);
    CHECK(b.bounds.latency == STAPES_WHOLE_SEGMENT && b.formats[1].kind == STAPES_TOKENS);
    CHECK(b.formats[1].vocabulary && !strncmp(b.formats[1].vocabulary, "sha256:", 7));
    CHECK(bench_flush(&b) == STAPES_OK && b.n_texts == 0); /* a segment without rows says nothing */

    CHECK(bench_event(&b, STAPES_RECORDING_BEGIN, 0) == STAPES_OK &&
          bench_event(&b, STAPES_SEGMENT_BEGIN, 4) == STAPES_OK);
    uint32_t rows = spell("__hh_e_ll_l_o__  _yoo", scores);
    CHECK(bench_push(&b, &in, STAPES_SECOND, scores, rows) == STAPES_OK);
    CHECK(b.n_tokens == 7 && b.n_texts == 0); /* the last o may go on */
    CHECK(bench_flush(&b) == STAPES_OK && b.n_texts == 1 && b.n_tokens == 8);
    CHECK_TEXT(b.text, "hello yo");
    CHECK(b.last.segment == 4 && b.last.n_words == 2 && b.last.final == 1 && b.last.stable == 8);
    CHECK(b.text_start == STAPES_SECOND && b.text_end == STAPES_SECOND + rows * hop);
    CHECK(fabs((double)b.last.score - rows * log(0.44)) < 1e-3);
    CHECK(b.tokens[0].id == 'h' - 'a' + 3 && b.tokens[0].start == STAPES_SECOND + 2 * hop);
    CHECK(b.tokens[0].end == STAPES_SECOND + 4 * hop && b.tokens[0].score == logf(0.44f));

    /* across lost audio a label is two, and the text goes on */
    b.n_tokens = b.n_texts = 0;
    rows = spell("_aab", scores);
    CHECK(bench_push(&b, &in, 0, scores, rows) == STAPES_OK);
    rows = spell("bb_c", scores);
    CHECK(bench_push(&b, &in, STAPES_SECOND, scores, rows) == STAPES_OK && bench_flush(&b) == STAPES_OK);
    CHECK_TEXT(b.text, "abbc");
    CHECK(b.n_tokens == 4 && b.tokens[1].end == 4 * hop && b.tokens[2].start == STAPES_SECOND);
    CHECK(b.text_start == 0 && b.text_end == STAPES_SECOND + 4 * hop && b.last.segment == 5);

    /* blanks alone are a text without words; what was given up is forgotten */
    rows = spell("____", scores);
    CHECK(bench_push(&b, &in, 0, scores, rows) == STAPES_OK && bench_flush(&b) == STAPES_OK);
    CHECK(b.last.n_words == 0 && !*b.text);
    rows = spell("abc", scores);
    b.n_texts = 0;
    CHECK(bench_push(&b, &in, 0, scores, rows) == STAPES_OK);
    CHECK(bench_event(&b, STAPES_RECORDING_ABANDONED, 0) == STAPES_OK && bench_flush(&b) == STAPES_OK &&
          b.n_texts == 0);
    rows = spell("xy", scores);
    CHECK(bench_push(&b, &in, 0, scores, rows) == STAPES_OK && bench_flush(&b) == STAPES_OK);
    CHECK_TEXT(b.text, "xy");

    in.columns = 30;
    CHECK(bench_configure(&b, &in) == STAPES_EFORMAT);
    CHECK_HAS(b.words, "the input has scores of 30 labels, model 'tiny-uni' has 29");
    bench_close(&b);
}

int main(void)
{
    check_gap();
    check_longest();
    check_plain();
    check_search();
    return check_done();
}
