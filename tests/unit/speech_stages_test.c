/* speech_stages_test.c - features.logmel, recurrent.network and ctc.search in pipelines: the same bytes for
 * any cut of the audio, times, segments, and what is refused with which words. */
#include "check.h"
#include <stapes/runtime.h>

#include <math.h>
#include <stdlib.h>

#define MODELS STAPES_SOURCE_DIR "/tests/data/models"
enum { RATE = 16000, SAMPLES = 3 * RATE + 777, SPLIT = RATE + 4321 };

/* What came out of one port: bytes of all packets, one after the other. */
typedef struct heard {
    char       *bytes;
    size_t      size;
    uint32_t    rows, columns, packets;
    stapes_time hop, first, end;
    stapes_text texts[4]; /* without pointers */
    char        words[4][400];
    const char *wrong; /* or NULL */
} heard;

static void keep(heard *h, const void *bytes, size_t size)
{
    char *grown = realloc(h->bytes, h->size + size + 1);
    if (!grown) abort();
    memcpy(grown + h->size, bytes, size);
    h->bytes = grown;
    h->size += size;
}

static int receive(void *user, const stapes_packet *packet)
{
    heard *h = user;
    if (packet->kind == STAPES_EVENT) return STAPES_OK;
    if (h->packets && packet->start < h->first) h->wrong = "a packet starts before the first one";
    if (!h->packets) h->first = packet->start;
    if (h->packets && packet->kind == STAPES_SCORES && packet->start < h->end) h->wrong = "scores overlap";
    h->end = packet->start + packet->duration;
    h->columns = packet->columns;
    h->hop = packet->format->hop;
    if (packet->kind == STAPES_TEXT) {
        const stapes_text *text = packet->data;
        if (h->packets >= 4) return STAPES_ECONTRACT;
        h->texts[h->packets] = *text;
        (void)snprintf(h->words[h->packets], sizeof h->words[0], "%s", text->text);
        for (uint32_t i = 0; i < text->n_words; i++) {
            const stapes_word *word = text->words + i;
            if (word->start < packet->start || word->end > h->end || word->end <= word->start)
                h->wrong = "a word lies outside its segment";
            if (!(word->confidence > 0.0f && word->confidence <= 1.0f)) h->wrong = "no confidence";
            keep(h, word->text, strlen(word->text) + 1);
            keep(h, &word->start, sizeof word->start);
            keep(h, &word->end, sizeof word->end);
        }
        keep(h, text->text, strlen(text->text) + 1);
    } else {
        size_t row = packet->kind == STAPES_TOKENS ? sizeof(stapes_token) : packet->columns * sizeof(float);
        keep(h, packet->data, packet->rows * row);
        h->rows += packet->rows;
    }
    h->packets++;
    return STAPES_OK;
}

static const float *make_audio(void)
{
    static float samples[SAMPLES];
    uint32_t     seed = 7;
    for (int i = 0; i < SAMPLES; i++) {
        seed = seed * 1664525u + 1013904223u;
        float loud = 0.02f + 0.3f * fabsf(sinf((float)i / 900.0f));
        samples[i] =
            loud * ((float)(seed >> 8) / 8388608.0f - 1.0f) + 0.2f * sinf((float)i * (float)i * 1e-6f);
    }
    return samples;
}

typedef struct run {
    heard scores, tokens, text;
} run;

/* Two segments, cut into packets of `cut` samples. */
static run run_model(stapes_runtime *runtime, const char *model, uint32_t cut)
{
    run          r = {0};
    char         line[1000];
    stapes_error error = {0};
    const float *samples = make_audio();
    (void)snprintf(line, sizeof line,
                   "app.audio ! features.logmel model=%s ! recurrent.network model=%s ! ctc.search model=%s "
                   "! app.discard",
                   model, model, model);
    stapes_pipeline *p = stapes_parse_pipeline(runtime, line, "test", &error);
    CHECK_TEXT(error.text, "");
    if (!p) return r;
    CHECK(stapes_set_receiver(p, "network", "out", receive, &r.scores, &error) == STAPES_OK);
    CHECK(stapes_set_receiver(p, "search", "out", receive, &r.text, &error) == STAPES_OK);
    CHECK(stapes_set_receiver(p, "search", "tokens", receive, &r.tokens, &error) == STAPES_OK);
    for (uint32_t at = 0, end = SPLIT, n; at < SAMPLES; at += n) {
        n = end - at < cut ? end - at : cut;
        if (stapes_push_audio(p, samples + at, n, 1, RATE, &error) != STAPES_OK) break;
        if (at + n == SPLIT) {
            CHECK(stapes_end_segment(p, &error) == STAPES_OK);
            end = SAMPLES;
        }
    }
    CHECK(stapes_end_audio(p, &error) == STAPES_OK);
    CHECK_TEXT(error.text, "");
    stapes_close_pipeline(p);
    return r;
}

static void close_run(run *r)
{
    free(r->scores.bytes);
    free(r->tokens.bytes);
    free(r->text.bytes);
}

static bool same(const heard *a, const heard *b)
{
    return a->size == b->size && (!a->size || !memcmp(a->bytes, b->bytes, a->size));
}

/* hop_ms: of the scores; rows: how many there must be of both segments together */
static void check_model(stapes_runtime *runtime, const char *model, int hop_ms, uint32_t rows)
{
    const uint32_t cuts[] = {SAMPLES, 1600, 160, 37, 4801};
    run            first = run_model(runtime, model, cuts[0]);
    CHECK(first.scores.rows == rows && first.scores.columns == 29);
    CHECK(first.scores.hop == STAPES_SECOND / 1000 * hop_ms && first.scores.first == 0);
    CHECK(first.text.packets == 2 && first.tokens.rows > 20);
    CHECK(first.text.texts[0].segment == 0 && first.text.texts[1].segment == 1);
    CHECK(first.text.texts[0].final == 1 && first.text.texts[0].score < 0.0f);
    CHECK(first.text.texts[0].n_words > 0 && first.text.texts[0].stable == strlen(first.text.words[0]));
    CHECK(!first.scores.wrong && !first.tokens.wrong && !first.text.wrong);
    const stapes_token *tokens = (const stapes_token *)(const void *)first.tokens.bytes;
    for (uint32_t i = 0; i < first.tokens.rows; i++) {
        CHECK(tokens[i].id > 0 && tokens[i].id < 29 && tokens[i].score <= 0.0f);
        CHECK(tokens[i].end > tokens[i].start && (i == 0 || tokens[i].start >= tokens[i - 1].end));
    }
    for (uint32_t i = 0; i < STAPES_COUNT(cuts); i++) {
        run again = run_model(runtime, model, cuts[i]);
        CHECK(same(&first.scores, &again.scores));
        CHECK(same(&first.tokens, &again.tokens));
        CHECK(same(&first.text, &again.text));
        close_run(&again);
    }
    close_run(&first);
}

/* The pipeline must refuse the first audio (or be refused before) with these words. */
static void refuse(stapes_runtime *runtime, const char *line, int status, const char *words, const char *more)
{
    stapes_error     error = {0};
    stapes_pipeline *p = stapes_parse_pipeline(runtime, line, "test", &error);
    const float     *samples = make_audio();
    int              found = error.status;
    if (p && found >= 0) found = stapes_push_audio(p, samples, SAMPLES, 1, RATE, &error);
    if (p && found >= 0) found = stapes_end_audio(p, &error);
    CHECK(found == status);
    CHECK_HAS(error.text, words);
    CHECK_HAS(error.text, more);
    stapes_close_pipeline(p);
}

#define FEATURES "app.audio ! features.logmel mels=8 "
#define NETWORK " ! recurrent.network model=" MODELS
#define SEARCH " ! ctc.search model=" MODELS
#define END " ! app.discard"

int main(void)
{
    stapes_error    error = {0};
    stapes_runtime *r = stapes_open_runtime(NULL, &error);
    CHECK_TEXT(error.text, "");
    if (!r) return check_done();
    /* 20321 and 28456 samples: 125 and 176 windows of 400 every 160 */
    check_model(r, MODELS "/tiny-bi", 30, (125 - 3) / 3 + 1 + (176 - 3) / 3 + 1);
    check_model(r, MODELS "/tiny-uni", 20, 63 + 88);

    refuse(r, FEATURES "stack=3 stride=3" NETWORK "/tiny-bi" SEARCH "/tiny-bi" END, STAPES_EFORMAT,
           "the features are not those that model 'tiny-bi' was trained on",
           "normalize=none where normalize=utterance");
    refuse(r, FEATURES "stack=3 stride=3" NETWORK "/tiny-bi" SEARCH "/tiny-bi" END, STAPES_EFORMAT,
           "normalize=utterance pad=0 stack=3 stride=3\n  found:  logmel ", /* both recipes whole */
           "normalize=none pad=0 stack=3 stride=3");
    refuse(r, FEATURES "hop=20" NETWORK "/tiny-uni" SEARCH "/tiny-uni" END, STAPES_EFORMAT,
           "hop=320 where hop=160 is needed", "needed: logmel ");
    refuse(r, "app.audio ! features.logmel mels=9" NETWORK "/tiny-upper" SEARCH "/tiny-upper" END,
           STAPES_EFORMAT, "the input has 9 features a row, model 'tiny-upper' takes 8", "network");
    refuse(r, FEATURES NETWORK "/tiny-uni" SEARCH "/tiny-upper" END, STAPES_EFORMAT,
           "the input's labels are not those of model 'tiny-upper' (vocabulary sha256:", "the same model");
    refuse(r, FEATURES "model=" MODELS "/tiny-bi" NETWORK "/tiny-bi longest=1" SEARCH "/tiny-bi" END,
           STAPES_EINPUT, "a segment is longer than 1 s", "set 'longest' higher");
    refuse(r, FEATURES NETWORK "/broken/weights-lack-a-tensor" SEARCH "/tiny-uni" END, STAPES_EMODEL,
           "weights.safetensors: tensor 'head.bias' is missing, its shape would be (3)", "network");
    refuse(r, FEATURES NETWORK "/tiny-uni" SEARCH "/broken/vocabulary-with-empty-line" END, STAPES_EMODEL,
           "vocabulary.txt:2: is empty, expected a label", "search");
    stapes_close_runtime(r);
    return check_done();
}
