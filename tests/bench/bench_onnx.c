/* bench_onnx.c - recurrent networks by onnxruntime, through its C interface: the peer of
 * stapes_run_recurrent.
 *
 *   bench_onnx --library libonnxruntime.so --model FILE --input FILE --batch 1 --rows 1000 --inputs 80
 *              --outputs 640 --threads 2 [--piece 1 --layers 2 --hidden 128] [--output FILE]
 *
 * --input: raw float32 (batch, rows, inputs); --output: (batch, rows, outputs). With --piece the network also
 * takes h0 (layers, 1, hidden) and gives hn, and is run with so many rows a call.
 *
 * The package of PyPI has the library and no header. Its interface is a table of functions whose order never
 * changes; those used here are named with their place in it. */
#include "bench_side.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

enum { INTERFACE = 17, WARNING = 2, ARENA = 1, DEFAULT_MEMORY = 0, FLOAT = 1 };
enum place {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    CREATE_SESSION = 7,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    SET_INTRA_THREADS = 24,
    SET_INTER_THREADS = 25,
    CREATE_TENSOR_WITH_DATA = 49,
    CREATE_CPU_MEMORY_INFO = 69
};

typedef void interface_function(void);
typedef struct interface_base {
    interface_function *const *(*get)(uint32_t version);
    const char *(*version)(void);
} interface_base;

/* Every function gives NULL or a status. */
typedef const char *message_function(const void *status);
typedef void       *make_env_function(int level, const char *name, void **env);
typedef void       *make_options_function(void **options);
typedef void       *set_threads_function(void *options, int threads);
typedef void *make_session_function(const void *env, const char *path, const void *options, void **session);
typedef void *make_memory_function(int allocator, int kind, void **memory);
typedef void *make_tensor_function(const void *memory, void *data, size_t bytes, const int64_t *shape,
                                   size_t rank, int type, void **tensor);
typedef void *run_function(void *session, const void *options, const char *const *in_names,
                           const void *const *in, size_t n_in, const char *const *out_names, size_t n_out,
                           void **out);

typedef struct network {
    interface_function *const *functions;
    void                      *session, *memory;
    uint32_t                   batch, rows, piece, inputs, outputs, layers, hidden;
    float                     *x, *y; /* (rows, batch, ...): time first, as the operators have it */
    float                     *states[2];
    uint32_t                   calls;
    void                     **in, **out; /* (calls): tensors */
    void                      *state_tensors[2];
} network;

#define CALL(n, place, type) ((type *)(n)->functions[place])

static void check(const network *n, const void *status)
{
    if (status) bench_fail("onnxruntime: %s", CALL(n, GET_ERROR_MESSAGE, message_function)(status));
}

static void *tensor(const network *n, float *data, uint32_t first, uint32_t second, uint32_t third)
{
    int64_t shape[3] = {first, second, third};
    size_t  bytes = sizeof(float) * first * second * third;
    void   *made;
    check(n, CALL(n, CREATE_TENSOR_WITH_DATA, make_tensor_function)(n->memory, data, bytes, shape, 3, FLOAT,
                                                                    &made));
    return made;
}

static void run_network(void *argument)
{
    static const char *const in_names[] = {"x", "h0"}, *const out_names[] = {"y", "hn"};
    const network *n = argument;
    run_function  *run = CALL(n, RUN, run_function);
    size_t         ports = n->hidden ? 2 : 1;
    if (n->hidden) memset(n->states[0], 0, sizeof(float) * n->layers * n->hidden);
    for (uint32_t i = 0; i < n->calls; i++) {
        const void *in[] = {n->in[i], n->state_tensors[i % 2]};
        void       *out[] = {n->out[i], n->state_tensors[(i + 1) % 2]};
        check(n, run(n->session, NULL, in_names, in, ports, out_names, ports, out));
    }
}

static void open_library(network *n, int argc, char **argv)
{
    const char *file = bench_option(argc, argv, "library", "libonnxruntime.so");
    const char *model = bench_option(argc, argv, "model", NULL);
    int         threads = (int)bench_number(argc, argv, "threads", 1);
    void       *handle = dlopen(file, RTLD_NOW | RTLD_LOCAL), *symbol, *env, *options;
    const interface_base *(*get_base)(void);
    if (!handle) bench_fail("%s", dlerror());
    if (!(symbol = dlsym(handle, "OrtGetApiBase"))) bench_fail("%s", dlerror());
    memcpy(&get_base, &symbol,
           sizeof symbol); /* ISO C has no conversion from dlsym's pointer to a function's */
    if (!(n->functions = get_base()->get(INTERFACE))) bench_fail("%s: not interface %d", file, INTERFACE);
    if (!model) bench_fail("--model is needed");
    check(n, CALL(n, CREATE_ENV, make_env_function)(WARNING, "bench", &env));
    check(n, CALL(n, CREATE_SESSION_OPTIONS, make_options_function)(&options));
    check(n, CALL(n, SET_INTRA_THREADS, set_threads_function)(options, threads));
    check(n, CALL(n, SET_INTER_THREADS, set_threads_function)(options, 1));
    check(n, CALL(n, CREATE_SESSION, make_session_function)(env, model, options, &n->session));
    check(n, CALL(n, CREATE_CPU_MEMORY_INFO, make_memory_function)(ARENA, DEFAULT_MEMORY, &n->memory));
}

/* to (b, a, width) = from (a, b, width) */
static void swap(const float *from, float *to, size_t a, size_t b, size_t width)
{
    for (size_t i = 0; i < a; i++)
        for (size_t j = 0; j < b; j++)
            memcpy(to + (j * a + i) * width, from + (i * b + j) * width, width * sizeof *to);
}

int main(int argc, char **argv)
{
    const char *input = bench_option(argc, argv, "input", NULL);
    network     n = {.batch = bench_number(argc, argv, "batch", 1),
                     .rows = bench_number(argc, argv, "rows", 1000)};
    n.inputs = bench_number(argc, argv, "inputs", 80);
    n.outputs = bench_number(argc, argv, "outputs", 640);
    n.piece = bench_number(argc, argv, "piece", n.rows);
    n.layers = bench_number(argc, argv, "layers", 0);
    n.hidden = bench_number(argc, argv, "hidden", 0);
    if (!input || !n.piece || n.rows % n.piece) bench_fail("--input is needed, and whole pieces");
    size_t numbers = (size_t)n.batch * n.rows * n.inputs, results = (size_t)n.batch * n.rows * n.outputs;
    float *given = bench_read(input, &numbers);
    n.x = bench_floats(numbers);
    n.y = bench_floats(results);
    swap(given, n.x, n.batch, n.rows, n.inputs);
    open_library(&n, argc, argv);
    n.calls = n.rows / n.piece;
    n.in = (void **)(void *)bench_floats(n.calls * sizeof(void *) / sizeof(float));
    n.out = (void **)(void *)bench_floats(n.calls * sizeof(void *) / sizeof(float));
    for (uint32_t i = 0; i < n.calls; i++) {
        n.in[i] = tensor(&n, n.x + (size_t)i * n.piece * n.batch * n.inputs, n.piece, n.batch, n.inputs);
        n.out[i] = tensor(&n, n.y + (size_t)i * n.piece * n.batch * n.outputs, n.piece, n.batch, n.outputs);
    }
    for (int i = 0; i < 2 && n.hidden; i++) {
        n.states[i] = bench_floats((size_t)n.layers * n.batch * n.hidden);
        n.state_tensors[i] = tensor(&n, n.states[i], n.layers, n.batch, n.hidden);
    }
    run_network(&n);
    float *turned = bench_floats(results);
    swap(n.y, turned, n.rows, n.batch, n.outputs);
    bench_write(bench_option(argc, argv, "output", NULL), turned, results);
    return bench_serve(run_network, &n);
}
