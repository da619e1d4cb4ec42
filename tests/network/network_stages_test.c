/* network_stages_test.c - the stages recurrent.network and ctc.search under a host of this file's own:
 * formats stated and refused, places of rows, what a gap in the audio does, longest segments, recordings
 * given up. */
#include "check.h"

#include <stapes/stage.h>

#include <dlfcn.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

enum { MOST = 4000 };

/* ---- a host: one instance, packets collected ------------------------------------------------------------
 */

typedef struct bench {
    const stapes_stage *stage;
    stapes_instance     me;
    char                words[1024];
    stapes_format       formats[2]; /* of the outputs */
    stapes_bounds       bounds;
    void               *shared;
    void (*destroy)(void *object);
    bool         canceled;
    uint32_t     rows; /* of output 0, frames and scores */
    float        values[MOST];
    stapes_time  starts[MOST];
    stapes_token tokens[MOST];
    uint32_t     n_tokens, n_texts;
    char         text[400];
    stapes_text  last;
    stapes_time  text_start, text_end;
} bench;

static bench *bench_of(const stapes_instance *me) { return me->runtime; }

STAPES_FORMAT_CHECK(3, 4) static int fail(const stapes_instance *me, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!*bench_of(me)->words) (void)vsnprintf(bench_of(me)->words, 1024, format, arguments);
    va_end(arguments);
    return status;
}

STAPES_FORMAT_CHECK(3, 4) static void drop_log(const stapes_instance *me, int level, const char *format, ...)
{
    (void)me;
    (void)level;
    (void)format;
}

static size_t row_size(const stapes_format *format)
{
    if (format->kind == STAPES_TEXT) return 1;
    return format->kind == STAPES_TOKENS ? sizeof(stapes_token) : format->columns * sizeof(float);
}

static stapes_packet *new_packet(const stapes_instance *me, uint32_t port, uint32_t rows)
{
    const stapes_format *format = &bench_of(me)->formats[port];
    stapes_packet       *packet = calloc(1, sizeof *packet);
    size_t               bytes = rows * row_size(format);
    if (!packet || !(packet->data = aligned_alloc(64, (bytes + 64) / 64 * 64))) abort();
    packet->kind = format->kind;
    packet->rows = packet->capacity = rows;
    packet->columns = format->columns;
    packet->format = format;
    return packet;
}

static int emit(const stapes_instance *me, uint32_t port, stapes_packet *packet)
{
    bench *b = bench_of(me);
    (void)port;
    if (packet->kind == STAPES_TEXT) {
        const stapes_text *text = packet->data;
        b->last = *text;
        (void)snprintf(b->text, sizeof b->text, "%s", text->text);
        b->text_start = packet->start;
        b->text_end = packet->start + packet->duration;
        b->n_texts++;
    } else if (packet->kind == STAPES_TOKENS) {
        if (b->n_tokens + packet->rows <= MOST)
            memcpy(b->tokens + b->n_tokens, packet->data, packet->rows * sizeof(stapes_token));
        b->n_tokens += packet->rows;
    } else if ((b->rows + packet->rows) * packet->columns <= MOST) {
        memcpy(b->values + b->rows * packet->columns, packet->data, packet->rows * row_size(packet->format));
        for (uint32_t i = 0; i < packet->rows; i++)
            b->starts[b->rows + i] = packet->start + i * packet->format->hop;
        b->rows += packet->rows;
    }
    free(packet->data);
    free(packet);
    return STAPES_OK;
}

static int share(const stapes_instance *me, const char *key,
                 int (*make)(const stapes_instance *me, void *argument, void **object),
                 void (*destroy)(void *object), void *argument, void **object)
{
    bench *b = bench_of(me);
    int    status = make(me, argument, object);
    CHECK(!strncmp(key, "recurrent:", 10));
    b->shared = status < 0 ? NULL : *object;
    b->destroy = destroy;
    return status;
}

static bool canceled(const stapes_instance *me) { return bench_of(me)->canceled; }

static void parallel(const stapes_instance *me, uint32_t count, void (*work)(void *argument, uint32_t i),
                     void *argument)
{
    (void)me;
    for (uint32_t i = count; i-- > 0;) work(argument, i); /* in whatever order */
}

static const stapes_host host = {.size = sizeof host,
                                 .fail = fail,
                                 .log = drop_log,
                                 .packet = new_packet,
                                 .emit = emit,
                                 .share = share,
                                 .parallel = parallel,
                                 .canceled = canceled};

/* The one stage of a plugin, opened with this model; longest in seconds where it has that. */
static int open_bench(bench *b, const char *file, const char *model, float longest)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const stapes_plugin *(*entry)(void) = NULL;
    void *symbol = library ? dlsym(library, STAPES_ENTRY_NAME) : NULL;
    memcpy(&entry, &symbol, sizeof entry);
    memset(b, 0, sizeof *b);
    if (!entry) return STAPES_ESYSTEM;
    b->stage = entry()->stages[0];
    char *settings = calloc(1, b->stage->settings_size);
    void *state = aligned_alloc(64, (b->stage->state_size + 63) / 64 * 64);
    if (!settings || !state) abort();
    memset(state, 0, b->stage->state_size);
    for (uint32_t i = 0; i < b->stage->n_parameters; i++) {
        const stapes_parameter *row = b->stage->parameters + i;
        if (row->type == STAPES_STRING) memcpy(settings + row->offset, &model, sizeof model);
        if (row->type == STAPES_FLOAT) memcpy(settings + row->offset, &longest, sizeof longest);
    }
    b->me =
        (stapes_instance){.host = &host, .settings = settings, .state = state, .name = "test", .runtime = b};
    return b->stage->open(&b->me);
}

static int configure(bench *b, const stapes_format *in)
{
    stapes_format *outs[2] = {b->formats, b->formats + 1};
    for (uint32_t i = 0; i < b->stage->n_outputs; i++) {
        uint32_t kind = 0;
        while (!(b->stage->outputs[i].kinds & STAPES_KIND(kind))) kind++;
        b->formats[i] = (stapes_format){.size = sizeof(stapes_format), .kind = kind};
    }
    b->words[0] = 0;
    return b->stage->configure(&b->me, &in, outs, &b->bounds);
}

static int push(bench *b, const stapes_format *in, stapes_time start, const float *data, uint32_t rows)
{
    stapes_packet packet = {.format = in,
                            .data = (void *)(uintptr_t)data,
                            .start = start,
                            .duration = rows * in->hop,
                            .kind = in->kind,
                            .rows = rows,
                            .columns = in->columns,
                            .capacity = rows};
    return b->stage->process(&b->me, 0, &packet);
}

static int flush(bench *b) { return b->stage->flush(&b->me, STAPES_FLUSH_SEGMENT); }

static int send_event(bench *b, uint32_t type, uint32_t segment)
{
    stapes_event event = {.size = sizeof event, .type = type, .segment = segment};
    return b->stage->event(&b->me, 0, &event);
}

static void close_bench(bench *b)
{
    b->stage->close(&b->me);
    if (b->shared) b->destroy(b->shared);
    free((void *)(uintptr_t)b->me.settings);
    free(b->me.state);
}

/* ---- recurrent.network --------------------------------------------------------------------------------- */

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
    static char   text[1024];
    static bench  b;
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = IN, .hop = hop};
    CHECK(open_bench(&b, RECURRENT, model, 1) == STAPES_OK && configure(&b, &in) == STAPES_EFORMAT);
    CHECK_HAS(b.words, "does not say how its features were made");
    const char *found = strstr(b.words, "logmel ");
    (void)snprintf(text, sizeof text, "%s", found ? found : "");
    close_bench(&b);
    return text;
}

/* A network that streams, with subsampling by 2: rows and their places, whatever the audio has lost. */
static void check_gap(void)
{
    static bench  whole, parts;
    const float  *x = noise();
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = IN, .hop = hop};
    in.recipe = recipe_of(MODELS "/tiny-uni");
    CHECK(open_bench(&parts, RECURRENT, MODELS "/tiny-uni", 1) == STAPES_OK);
    CHECK(configure(&parts, &in) == STAPES_OK);
    CHECK(parts.formats[0].kind == STAPES_SCORES && parts.formats[0].columns == 29 &&
          parts.formats[0].hop == 2 * hop);
    CHECK(parts.bounds.latency == hop && !strncmp(parts.formats[0].vocabulary, "sha256:", 7));

    /* 31 rows, a gap of 2.5 s, 20 rows: as two segments */
    CHECK(push(&parts, &in, 7, x, 31) == STAPES_OK);
    CHECK(parts.rows == 15); /* the last one waits for the row after it */
    CHECK(push(&parts, &in, 7 + 31 * hop + 5 * STAPES_SECOND / 2, x + 31 * IN, 20) == STAPES_OK);
    CHECK(flush(&parts) == STAPES_OK && parts.rows == 16 + 10);
    CHECK(parts.starts[0] == 7 && parts.starts[15] == 7 + 30 * hop);
    CHECK(parts.starts[16] == 7 + 31 * hop + 5 * STAPES_SECOND / 2 &&
          parts.starts[25] == parts.starts[16] + 18 * hop);

    CHECK(open_bench(&whole, RECURRENT, MODELS "/tiny-uni", 1) == STAPES_OK &&
          configure(&whole, &in) == STAPES_OK);
    CHECK(push(&whole, &in, 0, x, 31) == STAPES_OK && flush(&whole) == STAPES_OK);
    CHECK(push(&whole, &in, 31 * hop, x + 31 * IN, 20) == STAPES_OK && flush(&whole) == STAPES_OK);
    CHECK(whole.rows == 26 && !memcmp(whole.values, parts.values, 26 * 29 * sizeof(float)));

    /* a place that is off by less than half a hop (rates that do not divide a second) is no gap */
    whole.rows = parts.rows = 0;
    CHECK(push(&whole, &in, 0, x, 40) == STAPES_OK && flush(&whole) == STAPES_OK);
    CHECK(push(&parts, &in, 0, x, 13) == STAPES_OK &&
          push(&parts, &in, 13 * hop - 1, x + 13 * IN, 27) == STAPES_OK);
    CHECK(flush(&parts) == STAPES_OK && parts.rows == whole.rows);
    CHECK(!memcmp(whole.values, parts.values, 20 * 29 * sizeof(float)) &&
          parts.starts[19] == whole.starts[19]);

    /* a recording that was given up leaves nothing */
    whole.rows = parts.rows = 0;
    CHECK(push(&parts, &in, 0, x + 50 * IN, 9) == STAPES_OK);
    CHECK(send_event(&parts, STAPES_RECORDING_ABANDONED, 0) == STAPES_OK && flush(&parts) == STAPES_OK);
    parts.rows = 0;
    CHECK(push(&parts, &in, 0, x, 40) == STAPES_OK && flush(&parts) == STAPES_OK && parts.rows == 20);
    CHECK(push(&whole, &in, 0, x, 40) == STAPES_OK && flush(&whole) == STAPES_OK);
    CHECK(!memcmp(whole.values, parts.values, 20 * 29 * sizeof(float)));
    close_bench(&whole);
    close_bench(&parts);
}

static void check_longest(void)
{
    static bench  b;
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = 24, .hop = 3 * hop};
    in.recipe = recipe_of(MODELS "/tiny-bi");
    CHECK(open_bench(&b, RECURRENT, MODELS "/tiny-bi", 0.9f) == STAPES_OK && configure(&b, &in) == STAPES_OK);
    CHECK(b.bounds.latency == STAPES_WHOLE_SEGMENT && b.formats[0].hop == 3 * hop);
    CHECK(push(&b, &in, 0, noise(), 20) == STAPES_OK &&
          push(&b, &in, 20 * 3 * hop, noise(), 10) == STAPES_OK);
    CHECK(b.rows == 0 && flush(&b) == STAPES_OK && b.rows == 30); /* 0.9 s fit */
    CHECK(push(&b, &in, 0, noise(), 30) == STAPES_OK);
    CHECK(push(&b, &in, 30 * 3 * hop, noise(), 2) == STAPES_EINPUT);
    CHECK_HAS(b.words, "a segment is longer than 0.9 s; model 'tiny-bi' needs whole segments in memory");
    CHECK(flush(&b) == STAPES_OK && b.rows == 30); /* nothing of it was computed */
    b.words[0] = 0;
    b.canceled = true;
    CHECK(push(&b, &in, 0, noise(), 30) == STAPES_OK && flush(&b) == STAPES_ECANCELED);
    b.canceled = false;
    CHECK(push(&b, &in, 0, noise(), 1) == STAPES_OK && flush(&b) == STAPES_OK && b.rows == 31);
    close_bench(&b);
}

static void check_plain(void)
{
    static bench  b;
    stapes_format in = {.size = sizeof in, .kind = STAPES_FRAMES, .columns = IN, .hop = hop};
    CHECK(open_bench(&b, RECURRENT, MODELS "/tiny-plain", 1) == STAPES_OK && configure(&b, &in) == STAPES_OK);
    CHECK(b.formats[0].kind == STAPES_FRAMES && b.formats[0].columns == 4 && !b.formats[0].vocabulary);
    CHECK_TEXT(b.formats[0].recipe, "network tiny-plain");
    CHECK(push(&b, &in, 0, noise(), 200) == STAPES_OK && b.rows == 200 && b.starts[199] == 199 * hop);
    in.hop = 0;
    CHECK(configure(&b, &in) == STAPES_EFORMAT);
    CHECK_HAS(b.words, "the input's rows lie on no grid (hop 0)");
    in.hop = hop;
    in.columns = 9;
    CHECK(configure(&b, &in) == STAPES_EFORMAT);
    CHECK_TEXT(b.words, "the input has 9 features a row, model 'tiny-plain' takes 8");
    close_bench(&b);
    CHECK(open_bench(&b, CTC, MODELS "/tiny-plain", 1) == STAPES_EMODEL);
    CHECK_HAS(b.words, "tiny-plain/model.yaml: has no vocabulary, so there is no text to find");
    close_bench(&b);
}

/* ---- ctc.search ------------------------------------------------------------------------------------------
 */

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
    CHECK(open_bench(&b, CTC, MODELS "/tiny-uni", 1) == STAPES_OK && configure(&b, &in) == STAPES_OK);
    CHECK(b.bounds.latency == STAPES_WHOLE_SEGMENT && b.formats[1].kind == STAPES_TOKENS);
    CHECK(b.formats[1].vocabulary && !strncmp(b.formats[1].vocabulary, "sha256:", 7));
    CHECK(flush(&b) == STAPES_OK && b.n_texts == 0); /* a segment without rows says nothing */

    CHECK(send_event(&b, STAPES_RECORDING_BEGIN, 0) == STAPES_OK &&
          send_event(&b, STAPES_SEGMENT_BEGIN, 4) == STAPES_OK);
    uint32_t rows = spell("__hh_e_ll_l_o__  _yoo", scores);
    CHECK(push(&b, &in, STAPES_SECOND, scores, rows) == STAPES_OK);
    CHECK(b.n_tokens == 7 && b.n_texts == 0); /* the last o may go on */
    CHECK(flush(&b) == STAPES_OK && b.n_texts == 1 && b.n_tokens == 8);
    CHECK_TEXT(b.text, "hello yo");
    CHECK(b.last.segment == 4 && b.last.n_words == 2 && b.last.final == 1 && b.last.stable == 8);
    CHECK(b.text_start == STAPES_SECOND && b.text_end == STAPES_SECOND + rows * hop);
    CHECK(fabs((double)b.last.score - rows * log(0.44)) < 1e-3);
    CHECK(b.tokens[0].id == 'h' - 'a' + 3 && b.tokens[0].start == STAPES_SECOND + 2 * hop);
    CHECK(b.tokens[0].end == STAPES_SECOND + 4 * hop && b.tokens[0].score == logf(0.44f));

    /* across lost audio a label is two, and the text goes on */
    b.n_tokens = b.n_texts = 0;
    rows = spell("_aab", scores);
    CHECK(push(&b, &in, 0, scores, rows) == STAPES_OK);
    rows = spell("bb_c", scores);
    CHECK(push(&b, &in, STAPES_SECOND, scores, rows) == STAPES_OK && flush(&b) == STAPES_OK);
    CHECK_TEXT(b.text, "abbc");
    CHECK(b.n_tokens == 4 && b.tokens[1].end == 4 * hop && b.tokens[2].start == STAPES_SECOND);
    CHECK(b.text_start == 0 && b.text_end == STAPES_SECOND + 4 * hop && b.last.segment == 5);

    /* blanks alone are a text without words; what was given up is forgotten */
    rows = spell("____", scores);
    CHECK(push(&b, &in, 0, scores, rows) == STAPES_OK && flush(&b) == STAPES_OK);
    CHECK(b.last.n_words == 0 && !*b.text);
    rows = spell("abc", scores);
    b.n_texts = 0;
    CHECK(push(&b, &in, 0, scores, rows) == STAPES_OK);
    CHECK(send_event(&b, STAPES_RECORDING_ABANDONED, 0) == STAPES_OK && flush(&b) == STAPES_OK &&
          b.n_texts == 0);
    rows = spell("xy", scores);
    CHECK(push(&b, &in, 0, scores, rows) == STAPES_OK && flush(&b) == STAPES_OK);
    CHECK_TEXT(b.text, "xy");

    in.columns = 30;
    CHECK(configure(&b, &in) == STAPES_EFORMAT);
    CHECK_HAS(b.words, "the input has scores of 30 labels, model 'tiny-uni' has 29");
    close_bench(&b);
}

int main(void)
{
    check_gap();
    check_longest();
    check_plain();
    check_search();
    return check_done();
}
