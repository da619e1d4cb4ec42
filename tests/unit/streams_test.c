/* streams_test.c - several streams through one network in one call, beside each of them alone: the same bits,
 * whatever their number, lengths and order, and what is refused. */
#include "made_weights.h"

#define MODELS STAPES_SOURCE_DIR "/tests/data/models"

enum { MOST = 70, ROWS = 300, IN = 8, STREAMS = 150 };

static uint32_t below(uint32_t count)
{
    static uint32_t seed = 11;
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % count;
}

/* ---- networks ------------------------------------------------------------------------------------- */

/* A tensor of small random numbers. */
static void add(made_file *f, const char *layer, const char *name, uint32_t a, uint32_t b, uint32_t c)
{
    static float values[4000];
    char         whole[100];
    (void)snprintf(whole, sizeof whole, "%s.%s", layer, name);
    made_draw(values, STAPES_COUNT(values), below(1u << 20));
    for (size_t i = 0; i < STAPES_COUNT(values); i++) values[i] *= 0.5f;
    made_add(f, whole, a, b, c, values);
}

static void add_recurrent(made_file *f, const stapes_layer *layer)
{
    uint32_t gates = layer->kind == STAPES_LSTM ? 4 : layer->kind == STAPES_GRU ? 3 : 1;
    uint32_t out = layer->projection ? layer->projection : layer->hidden, ways = layer->bidirectional ? 2 : 1;
    for (uint32_t l = 0; l < layer->layers; l++)
        for (uint32_t d = 0; d < ways; d++) {
            char        names[5][60];
            const char *kinds[] = {"weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"};
            for (int i = 0; i < 5; i++)
                (void)snprintf(names[i], sizeof names[i], "%s_l%u%s", kinds[i], l, d ? "_reverse" : "");
            add(f, layer->name, names[0], gates * layer->hidden, l ? ways * out : layer->in, 0);
            add(f, layer->name, names[1], gates * layer->hidden, out, 0);
            add(f, layer->name, names[2], gates * layer->hidden, 0, 0);
            add(f, layer->name, names[3], gates * layer->hidden, 0, 0);
            if (layer->projection) add(f, layer->name, names[4], out, layer->hidden, 0);
        }
}

/* The same tensors with smaller numbers; `bytes` is theirs. Closes the others. */
static stapes_tensors *quantize(stapes_tensors *t, uint32_t number, void **bytes)
{
    const stapes_tensor *all[64];
    stapes_error         error = {0};
    size_t               size = 0;
    uint32_t             count = stapes_count_tensors(t);
    for (uint32_t i = 0; i < count && i < STAPES_COUNT(all); i++) all[i] = stapes_get_tensor(t, i);
    *bytes = stapes_quantize_tensors(all, count, number, &size, NULL, &error);
    stapes_close_tensors(t);
    t = *bytes ? stapes_read_tensors(*bytes, size, "made here", &error) : NULL;
    CHECK_TEXT(error.text, "");
    return t;
}

static stapes_network *make_network(const stapes_layer *layers, uint32_t count, uint32_t ending,
                                    uint32_t number)
{
    static made_file f;
    stapes_error     error = {0};
    char            *bytes;
    void            *smaller = NULL;
    memset(&f, 0, sizeof f);
    for (uint32_t i = 0; i < count; i++) {
        const stapes_layer *layer = layers + i;
        if (layer->kind == STAPES_LINEAR || layer->kind == STAPES_CONV1D) {
            add(&f, layer->name, "weight", layer->out, layer->in, layer->kernel);
            add(&f, layer->name, "bias", layer->out, 0, 0);
        } else {
            add_recurrent(&f, layer);
        }
    }
    stapes_tensors *t = made_finish(&f, &bytes);
    if (t && number != STAPES_F32) t = quantize(t, number, &smaller);
    stapes_network *n = t ? stapes_open_network(layers, count, ending, t, &error) : NULL;
    CHECK_TEXT(error.text, "");
    stapes_close_tensors(t);
    free(bytes);
    free(smaller);
    return n;
}

/* Convolutions of different strides, with gaps between kernels too, between recurrent layers of each kind. */
static stapes_network *make_streaming(uint32_t number)
{
    const stapes_layer layers[] = {
        {.name = "a",
         .kind = STAPES_CONV1D,
         .in = IN,
         .out = 9,
         .kernel = 5,
         .stride = 3,
         .padding = 2,
         .activation = STAPES_TANH,
         .bias = true},
        {.name = "b", .kind = STAPES_LSTM, .in = 9, .hidden = 12, .layers = 2, .projection = 7, .bias = true},
        {.name = "c", .kind = STAPES_CONV1D, .in = 7, .out = 6, .kernel = 2, .stride = 1, .bias = true},
        {.name = "d", .kind = STAPES_LINEAR, .in = 6, .out = 10, .activation = STAPES_SIGMOID, .bias = true},
        {.name = "e",
         .kind = STAPES_RNN,
         .in = 10,
         .hidden = 5,
         .layers = 1,
         .activation = STAPES_TANH,
         .bias = true},
        {.name = "f", .kind = STAPES_CONV1D, .in = 5, .out = 4, .kernel = 1, .stride = 2, .bias = true},
    };
    return make_network(layers, STAPES_COUNT(layers), STAPES_ENDS_PLAIN, number);
}

static stapes_network *make_whole(uint32_t number)
{
    const stapes_layer layers[] = {
        {.name = "a", .kind = STAPES_LINEAR, .in = IN, .out = 9, .activation = STAPES_RELU, .bias = true},
        {.name = "b",
         .kind = STAPES_GRU,
         .in = 9,
         .hidden = 12,
         .layers = 2,
         .bidirectional = true,
         .bias = true},
        {.name = "c", .kind = STAPES_LINEAR, .in = 24, .out = 11, .bias = true},
    };
    return make_network(layers, STAPES_COUNT(layers), STAPES_ENDS_LOG_SOFTMAX, number);
}

/* ---- together and alone --------------------------------------------------------------------------- */

typedef struct pair {
    stapes_stream *together, *alone;
    const float   *expected;
    int64_t        expected_rows;
} pair;

/* One call of some of the streams; their twins get the same one after the other. */
static void run_round(const stapes_network *network, pair *pairs, uint32_t streams, const float *x)
{
    stapes_network_shape shape = stapes_describe_network(network);
    stapes_stream_run    runs[STREAMS];
    pair                *used[STREAMS];
    uint32_t             n = 0, few = below(3) ? MOST : 4;
    for (uint32_t i = 0; i < streams; i++) {
        if (!below(6)) continue;
        uint32_t rows = below(8) ? below(few + 1) : 0, at = below(ROWS - MOST);
        used[n] = pairs + i;
        runs[n++] = (stapes_stream_run){.stream = pairs[i].together,
                                        .x = rows ? x + (size_t)at * IN : NULL,
                                        .rows = rows,
                                        .last = shape.bidirectional || !below(4),
                                        .out_rows = 12345};
    }
    for (uint32_t i = n; i-- > 1;) { /* in any order */
        uint32_t          j = below(i + 1);
        stapes_stream_run run = runs[i];
        pair             *p = used[i];
        runs[i] = runs[j], runs[j] = run;
        used[i] = used[j], used[j] = p;
    }
    for (uint32_t i = 0; i < n; i++)
        used[i]->expected_rows = stapes_run_stream(used[i]->alone, runs[i].x, runs[i].rows, runs[i].last,
                                                   &used[i]->expected, NULL);
    CHECK(stapes_run_streams(runs, n, NULL) == STAPES_OK);
    for (uint32_t i = 0; i < n; i++) {
        CHECK(used[i]->expected_rows == (int64_t)runs[i].out_rows);
        CHECK(runs[i].out_rows == 0 ||
              !memcmp(runs[i].y, used[i]->expected, runs[i].out_rows * shape.out * sizeof(float)));
    }
}

/* `streams` streams of one network, opened for so many rows. */
static void check_network(stapes_network *network, uint32_t streams, uint32_t capacity, uint32_t rounds)
{
    static float x[ROWS * IN];
    static pair  pairs[STREAMS];
    stapes_error error = {0};
    bool         good = network;
    made_draw(x, STAPES_COUNT(x), streams);
    memset(pairs, 0, sizeof pairs);
    for (uint32_t i = 0; i < streams && good; i++) {
        pairs[i].together = stapes_open_stream(network, capacity, &error);
        pairs[i].alone = stapes_open_stream(network, MOST, &error);
        good = pairs[i].together && pairs[i].alone;
    }
    CHECK_TEXT(error.text, "");
    for (uint32_t i = 0; i < rounds && good; i++) run_round(network, pairs, streams, x);
    for (uint32_t i = 0; i < streams; i++) {
        stapes_close_stream(pairs[i].together);
        stapes_close_stream(pairs[i].alone);
    }
}

static stapes_network *load(const char *name)
{
    stapes_error        error = {0};
    const stapes_model *m = stapes_open_model(name, &error);
    stapes_network     *n = m ? stapes_load_network(m, &error) : NULL;
    CHECK_TEXT(error.text, "");
    stapes_close_model(m);
    return n;
}

/* ---- refusals ------------------------------------------------------------------------------------- */

static bool third(void *user) { return ++*(int *)user == 3; }

static void check_refusals(stapes_network *network, stapes_network *other)
{
    static float   x[10 * IN];
    stapes_error   error = {0};
    const float   *y;
    pair           p = {.together = stapes_open_stream(network, 10, &error),
                        .alone = stapes_open_stream(network, 10, &error)};
    stapes_stream *foreign = stapes_open_stream(other, 10, &error);
    CHECK_TEXT(error.text, "");
    if (!p.together || !p.alone || !foreign) return;
    made_draw(x, STAPES_COUNT(x), 4);
    stapes_stream_run good[] = {{.stream = p.together, .x = x, .rows = 6, .last = true},
                                {.stream = p.alone, .x = x, .rows = 5, .last = true}};
    stapes_stream_run runs[2];
    memcpy(runs, good, sizeof runs);
    runs[1].stream = p.together; /* twice */
    CHECK(stapes_run_streams(runs, 2, NULL) == STAPES_ECONTRACT);
    memcpy(runs, good, sizeof runs);
    runs[1].stream = foreign;
    CHECK(stapes_run_streams(runs, 2, NULL) == STAPES_ECONTRACT);
    memcpy(runs, good, sizeof runs);
    runs[1].rows = 11;
    CHECK(stapes_run_streams(runs, 2, NULL) == STAPES_ECONTRACT);
    memcpy(runs, good, sizeof runs);
    runs[1].last = false; /* it is bidirectional */
    CHECK(stapes_run_streams(runs, 2, NULL) == STAPES_ECONTRACT);
    CHECK(stapes_run_streams(runs, 0, NULL) == STAPES_OK);

    int asked = 0;
    memcpy(runs, good, sizeof runs);
    CHECK(stapes_run_streams(runs, 2, &(stapes_callbacks){.canceled = third, .user = &asked}) ==
          STAPES_ECANCELED);
    stapes_reset_stream(p.together);
    stapes_reset_stream(p.alone);

    /* what was refused or stopped left nothing behind */
    memcpy(runs, good, sizeof runs);
    CHECK(stapes_run_streams(runs, 1, NULL) == STAPES_OK && runs[0].out_rows == 6);
    size_t out = stapes_describe_network(network).out;
    CHECK(stapes_run_stream(p.alone, x, 6, true, &y, NULL) == 6 &&
          !memcmp(y, runs[0].y, 6 * out * sizeof *y));
    stapes_close_stream(p.together);
    stapes_close_stream(p.alone);
    stapes_close_stream(foreign);
}

int main(void)
{
    stapes_network *networks[] = {make_streaming(STAPES_F32), make_whole(STAPES_F32),
                                  make_streaming(STAPES_I8),  make_whole(STAPES_I8),
                                  make_streaming(STAPES_F16), make_whole(STAPES_BF16),
                                  load(MODELS "/tiny-uni"),   load(MODELS "/tiny-plain")};
    for (uint32_t i = 0; i < STAPES_COUNT(networks); i++) {
        check_network(networks[i], 1, MOST, 20);
        check_network(networks[i], 5, MOST, 60);       /* batches of a few streams */
        check_network(networks[i], 40, 16 * MOST, 20); /* as many as there may be */
        check_network(networks[i], STREAMS, 3 * MOST, 3);
    }
    if (networks[0] && networks[1]) check_refusals(networks[1], networks[0]);
    for (uint32_t i = 0; i < STAPES_COUNT(networks); i++) stapes_close_network(networks[i]);
    return check_done();
}
