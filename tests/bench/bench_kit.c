/* bench_kit.c - our side of the bench: the kit as a stage uses it, on the threads that the runtime gives.
 *
 *   bench_kit product --number F32|F16|BF16|I8 --out 1280 --in 640 --rows 100 --threads 2 [--output FILE]
 *   bench_kit recurrent --tensors FILE --cell lstm|gru --inputs 80 --hidden 320 --layers 5 --directions 2
 *             --input FILE --batch 1 --rows 1000 [--piece 1] --threads 2 [--output FILE]
 *   bench_kit logmel --input FILE [--high 8000] [--output FILE]
 *
 * --input: raw float32, (batch, rows, inputs) or samples; --output: what was computed, the same way. --piece:
 * so many rows a call, the state carried on. */
#include "bench_product.h"
#include "runtime/engine.h"

#include <stapes/kit/features.h>
#include <stapes/kit/network.h>
#include <stapes/kit/product.h>

#include <stdio.h>
#include <string.h>

static void on_workers(void *user, uint32_t count, void (*work)(void *argument, uint32_t i), void *argument)
{
    st_workers_run(user, count, work, argument);
}

/* The threads of --threads; with one the work stays on this one. */
static stapes_callbacks open_threads(int argc, char **argv)
{
    uint32_t         threads = bench_number(argc, argv, "threads", 1);
    stapes_callbacks callbacks = {0};
    if (threads < 2) return callbacks;
    callbacks.user = st_workers_open(threads);
    callbacks.parallel = on_workers;
    callbacks.threads = threads;
    return callbacks;
}

static void check(const void *made, const stapes_error *error)
{
    if (!made) bench_fail("%s", error->text);
}

/* ---- product ---------------------------------------------------------------------------------------- */

typedef struct product {
    bench_product    p;
    stapes_matrix   *matrix;
    stapes_callbacks callbacks;
    float           *room;
} product;

static void multiply(void *argument)
{
    const product *q = argument;
    stapes_multiply(q->matrix, q->p.x, q->p.in, q->p.rows, q->p.y, q->p.out, q->room, &q->callbacks);
}

static int serve_product(int argc, char **argv)
{
    static const char *const names[] = {"F32", "F16", "BF16", "I8"};
    static const uint32_t    numbers[] = {STAPES_F32, STAPES_F16, STAPES_BF16, STAPES_I8};
    const char              *name = bench_option(argc, argv, "number", "F32");
    stapes_error             error = {0};
    size_t                   i = 0;
    product                  q = {.p = bench_open_product(argc, argv), .callbacks = open_threads(argc, argv)};
    while (i < 4 && strcmp(name, names[i]) != 0) i++;
    if (i == 4) bench_fail("--number %s: F32, F16, BF16 or I8", name);
    q.matrix = stapes_open_matrix(q.p.weights, NULL, q.p.out, q.p.in, numbers[i], &error);
    check(q.matrix, &error);
    q.room = bench_floats(stapes_matrix_room(q.matrix, q.p.rows));
    multiply(&q);
    bench_write(bench_option(argc, argv, "output", NULL), q.p.y, (size_t)q.p.rows * q.p.out);
    int code = bench_serve(multiply, &q);
    stapes_close_matrix(q.matrix);
    st_workers_close(q.callbacks.user);
    return code;
}

/* ---- recurrent -------------------------------------------------------------------------------------- */

typedef struct recurrent {
    stapes_recurrent    *stack;
    stapes_recurrent_run run; /* of all rows */
    uint32_t             inputs, width, states, piece;
    stapes_callbacks     callbacks;
} recurrent;

static void run_stack(void *argument)
{
    const recurrent     *q = argument;
    stapes_recurrent_run run = q->run;
    if (run.h) memset(run.h, 0, q->states * sizeof *run.h);
    if (run.c) memset(run.c, 0, q->states * sizeof *run.c);
    for (uint32_t row = 0; row < q->run.rows; row += run.rows) {
        uint32_t left = q->run.rows - row;
        run.rows = left < q->piece ? left : q->piece;
        if (stapes_run_recurrent(q->stack, &run) < 0) bench_fail("stapes_run_recurrent failed");
        run.x += (size_t)run.rows * q->inputs;
        run.y += (size_t)run.rows * q->width;
    }
}

static int serve_recurrent(int argc, char **argv)
{
    bool         lstm = strcmp(bench_option(argc, argv, "cell", "lstm"), "lstm") == 0;
    uint32_t     directions = bench_number(argc, argv, "directions", 2);
    stapes_layer layer = {.name = "",
                          .kind = lstm ? STAPES_LSTM : STAPES_GRU,
                          .in = bench_number(argc, argv, "inputs", 80),
                          .hidden = bench_number(argc, argv, "hidden", 320),
                          .layers = bench_number(argc, argv, "layers", 5),
                          .bidirectional = directions == 2,
                          .bias = true};
    const char  *tensors_path = bench_option(argc, argv, "tensors", NULL);
    const char  *input_path = bench_option(argc, argv, "input", NULL);
    stapes_error error = {0};
    recurrent    q = {.callbacks = open_threads(argc, argv)};
    if (!tensors_path || !input_path) bench_fail("recurrent: --tensors and --input are needed");
    layer.out = layer.hidden;

    stapes_tensors *tensors = stapes_open_tensors(tensors_path, &error);
    check(tensors, &error);
    q.stack = stapes_open_recurrent(&layer, tensors, &error);
    check(q.stack, &error);
    stapes_close_tensors(tensors);

    uint32_t batch = bench_number(argc, argv, "batch", 1), rows = bench_number(argc, argv, "rows", 1000);
    q.inputs = layer.in;
    q.width = layer.hidden * directions;
    q.states = layer.layers * directions * batch * layer.hidden;
    q.piece = bench_number(argc, argv, "piece", rows);
    if (q.piece != rows && batch > 1) bench_fail("--piece %u: only with --batch 1", q.piece);
    size_t numbers = (size_t)batch * rows * layer.in, results = (size_t)batch * rows * q.width;
    q.run = (stapes_recurrent_run){.batch = batch,
                                   .rows = rows,
                                   .x = bench_read(input_path, &numbers),
                                   .y = bench_floats(results),
                                   .room = bench_floats(stapes_recurrent_room(q.stack, batch, rows)),
                                   .callbacks = &q.callbacks};
    if (q.piece != rows) {
        q.run.h = bench_floats(q.states);
        if (lstm) q.run.c = bench_floats(q.states);
    }
    run_stack(&q);
    bench_write(bench_option(argc, argv, "output", NULL), q.run.y, results);
    int code = bench_serve(run_stack, &q);
    stapes_close_recurrent(q.stack);
    st_workers_close(q.callbacks.user);
    return code;
}

/* ---- log-mel ---------------------------------------------------------------------------------------- */

typedef struct logmel {
    stapes_features *stream;
    float           *samples, *rows;
    size_t           count, most, made; /* samples; rows there is room for, and rows of the last time */
} logmel;

static void run_logmel(void *argument)
{
    logmel *q = argument;
    size_t  columns = 80;
    q->made = 0;
    for (size_t at = 0; at < q->count; at += STAPES_FEATURES_BLOCK) {
        size_t left = q->count - at;
        stapes_features_push(q->stream, q->samples + at,
                             left < STAPES_FEATURES_BLOCK ? left : STAPES_FEATURES_BLOCK);
        q->made += stapes_features_pull(q->stream, q->rows + q->made * columns, q->most - q->made);
    }
    stapes_features_flush(q->stream);
    q->made += stapes_features_pull(q->stream, q->rows + q->made * columns, q->most - q->made);
    stapes_features_reset(q->stream);
}

static int serve_logmel(int argc, char **argv)
{
    const char              *input = bench_option(argc, argv, "input", NULL);
    stapes_features_settings settings;
    stapes_error             error = {0};
    logmel                   q = {0};
    if (!input) bench_fail("logmel: --input is needed");
    stapes_features_preset(&settings, STAPES_FEATURES_KALDI, 16000);
    settings.mels = 80;
    settings.high = (float)bench_number(argc, argv, "high", 8000);
    q.samples = bench_read(input, &q.count);
    q.most = q.count / settings.hop + 1;
    q.rows = bench_floats(q.most * settings.mels);
    q.stream = stapes_features_open(&settings, &error);
    check(q.stream, &error);
    run_logmel(&q);
    bench_write(bench_option(argc, argv, "output", NULL), q.rows, q.made * settings.mels);
    int code = bench_serve(run_logmel, &q);
    stapes_features_close(q.stream);
    return code;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*serve)(int argc, char **argv);
    } kinds[] = {{"product", serve_product}, {"recurrent", serve_recurrent}, {"logmel", serve_logmel}};
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(argv[1], kinds[i].name) == 0) return kinds[i].serve(argc - 1, argv + 1);
    bench_fail("usage: bench_kit product|recurrent|logmel --NAME VALUE ...: see the head of bench_kit.c");
}
