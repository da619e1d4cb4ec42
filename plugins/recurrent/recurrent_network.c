/* recurrent_network.c - the stage recurrent.network: frames go through the network of a model folder and
 * become scores of labels (or, of a network without labels, frames).
 *
 * A network without bidirectional layers computes each packet as it comes, its states carried on. One with
 * them needs the whole segment: its rows are kept, in memory taken once for the longest segment allowed,
 * and computed at the segment's end.
 *
 * Time. Output row n stands where input row n x stride + offset stands, so subsampling loses no precision.
 * Where a packet does not begin where the last one ended, the rows before it are finished like a segment:
 * a network cannot know what was between. The weights are in memory once for all instances. */
#include "recurrent_recipe.h"

#include <stapes/kit.h>
#include <stapes/stage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *model;
    float       longest; /* s */
} settings;

/* What all instances of a model share. */
typedef struct shared {
    const stapes_model *model;
    stapes_network     *network;
} shared;

typedef struct state {
    const shared        *shared;
    stapes_network_shape shape;
    stapes_stream       *stream;
    stapes_time          hop;  /* of the input */
    float               *held; /* bidirectional: (most, in), rows of the segment so far */
    uint32_t             most; /* rows of one call of the network */
    uint32_t             n_held;
    bool                 begun;
    stapes_time          origin; /* of the first row */
    int64_t              rows_in, rows_out;
    char                 recipe[300];
} state;

enum { STREAM_ROWS = 64, PACKET_ROWS = 256 };

/* ---- the model ------------------------------------------------------------------------------------------
 */

static void destroy(void *object)
{
    shared *s = object;
    stapes_close_network(s->network);
    stapes_close_model(s->model);
    free(s);
}

static int make(const stapes_instance *me, void *folder, void **object)
{
    stapes_error error = {0};
    shared      *s = calloc(1, sizeof *s);
    if (!s) return me->host->fail(me, STAPES_ENOMEM, "no memory");
    s->model = stapes_open_model(folder, &error);
    if (s->model) s->network = stapes_load_network(s->model, &error);
    if (s->network) {
        stapes_machine machine = stapes_describe_machine();
        for (uint32_t i = 0; i < machine.n_warnings; i++)
            me->host->log(me, STAPES_WARNING, "%s", machine.warnings[i]);
        *object = s;
        return STAPES_OK;
    }
    destroy(s);
    return me->host->fail(me, error.status, "%s", error.text);
}

static int open_network(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    char            key[4200];
    void           *object = NULL;
    int             n = snprintf(key, sizeof key, "recurrent:%s", my->model);
    if (n < 0 || (size_t)n >= sizeof key)
        return me->host->fail(me, STAPES_EUSAGE, "model: the path '%.60s...' is too long", my->model);
    char *folder = key + strlen("recurrent:");
    int   status = me->host->share(me, key, make, destroy, folder, &object);
    if (status < 0) return status;
    s->shared = object;
    s->shape = stapes_describe_network(s->shared->network);
    me->host->log(me, STAPES_DEBUG, "model '%s': %.1f million parameters, %u labels", s->shared->model->name,
                  (double)s->shape.parameters / 1e6, s->shared->model->vocabulary.count);
    return STAPES_OK;
}

/* ---- formats ---------------------------------------------------------------------------------------------
 */

static int check_recipe(const stapes_instance *me, const stapes_format *in)
{
    const stapes_model *model = ((const state *)me->state)->shared->model;
    char                differs[300];
    if (!model->recipe || (in->recipe && !strcmp(in->recipe, model->recipe))) return STAPES_OK;
    if (!in->recipe)
        return me->host->fail(
            me, STAPES_EFORMAT,
            "the input does not say how its features were made; model '%s' was trained on: %s", model->name,
            model->recipe);
    return me->host->fail(
        me, STAPES_EFORMAT,
        "the features are not those that model '%s' was trained on: %s; give features.logmel "
        "this model and no other settings\n  needed: %s\n  found:  %s",
        model->name, recurrent_recipe_compare(in->recipe, model->recipe, differs, sizeof differs),
        model->recipe, in->recipe);
}

/* The stream, and for a bidirectional network the rows that are held. */
static int take_memory(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    stapes_error    error = {0};
    size_t          floats;
    stapes_close_stream(s->stream);
    free(s->held);
    s->stream = NULL;
    s->held = NULL;
    s->most = STREAM_ROWS;
    if (s->shape.bidirectional) {
        double rows = (double)my->longest / stapes_seconds(s->hop) + 1.0;
        if (rows > (double)INT32_MAX)
            return me->host->fail(me, STAPES_EUSAGE, "longest: %g s are %.0f rows, at most %d are possible",
                                  (double)my->longest, rows, INT32_MAX);
        s->most = (uint32_t)rows;
        if (__builtin_mul_overflow((size_t)s->most, (size_t)s->shape.in * sizeof(float), &floats) ||
            !(s->held = malloc(floats)))
            return me->host->fail(me, STAPES_ENOMEM,
                                  "no memory for segments of %g s: take a smaller 'longest'",
                                  (double)my->longest);
    }
    s->stream = stapes_open_stream(s->shared->network, s->most, &error);
    if (s->stream) return STAPES_OK;
    return me->host->fail(me, error.status, "%s%s", error.text,
                          s->shape.bidirectional ? ": take a smaller 'longest'" : "");
}

static void begin_again(state *s)
{
    s->begun = false;
    s->n_held = 0;
    s->rows_in = s->rows_out = 0;
    if (s->stream) stapes_reset_stream(s->stream);
}

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    state               *s = me->state;
    const stapes_format *in = inputs[0];
    const stapes_model  *model = s->shared->model;
    int                  status = check_recipe(me, in);
    if (status < 0) return status;
    if (in->columns != s->shape.in)
        return me->host->fail(me, STAPES_EFORMAT, "the input has %u features a row, model '%s' takes %u",
                              in->columns, model->name, s->shape.in);
    if (in->hop <= 0)
        return me->host->fail(me, STAPES_EFORMAT,
                              "the input's rows lie on no grid (hop 0): a network needs one");
    if (!s->stream || s->hop != in->hop) {
        s->hop = in->hop;
        if ((status = take_memory(me)) < 0) return status;
    }
    begin_again(s);
    outputs[0]->columns = s->shape.out;
    if (__builtin_mul_overflow(in->hop, (stapes_time)s->shape.stride, &outputs[0]->hop))
        return me->host->fail(me, STAPES_EFORMAT, "the hop of %g s is too long", stapes_seconds(in->hop));
    if (model->output == STAPES_ENDS_LOG_SOFTMAX) {
        outputs[0]->kind = STAPES_SCORES;
        outputs[0]->vocabulary = model->vocabulary.hash;
    } else {
        outputs[0]->kind = STAPES_FRAMES;
        (void)snprintf(s->recipe, sizeof s->recipe, "network %s", model->name);
        outputs[0]->recipe = s->recipe;
    }
    bounds->latency = s->shape.bidirectional ? STAPES_WHOLE_SEGMENT : (stapes_time)s->shape.ahead * s->hop;
    return STAPES_OK;
}

/* ---- data ------------------------------------------------------------------------------------------------
 */

static bool canceled(void *user)
{
    const stapes_instance *me = user;
    return me->host->canceled(me);
}

static void parallel(void *user, uint32_t count, void (*work)(void *argument, uint32_t i), void *argument)
{
    const stapes_instance *me = user;
    me->host->parallel(me, count, work, argument);
}

static int emit_rows(const stapes_instance *me, const float *y, int64_t rows)
{
    state *s = me->state;
    while (rows > 0) {
        uint32_t       n = rows < PACKET_ROWS ? (uint32_t)rows : PACKET_ROWS;
        stapes_packet *packet = me->host->packet(me, 0, n);
        if (!packet) return STAPES_ENOMEM;
        memcpy(packet->data, y, (size_t)n * s->shape.out * sizeof *y);
        packet->start = s->origin + (s->rows_out * s->shape.stride + s->shape.offset) * s->hop;
        s->rows_out += n;
        int status = me->host->emit(me, 0, packet);
        if (status < 0) return status;
        y += (size_t)n * s->shape.out;
        rows -= n;
    }
    return STAPES_OK;
}

static int compute(const stapes_instance *me, const float *x, uint32_t rows, bool last)
{
    state       *s = me->state;
    const float *y;
    int64_t      found = stapes_run_stream(
             s->stream, x, rows, last, &y,
             &(stapes_callbacks){.canceled = canceled, .parallel = parallel, .user = (void *)(uintptr_t)me});
    if (found >= 0) return emit_rows(me, y, found);
    return me->host->fail(me, (int)found,
                          found == STAPES_ECANCELED ? "canceled" : "the network refused its input");
}

/* What is held comes out; then everything is as at the begin. */
static int finish(const stapes_instance *me)
{
    state *s = me->state;
    int    status = s->begun ? compute(me, s->held, s->shape.bidirectional ? s->n_held : 0, true) : STAPES_OK;
    begin_again(s);
    return status;
}

static int hold(const stapes_instance *me, const float *x, uint32_t rows)
{
    state *s = me->state;
    if (rows > s->most - s->n_held) {
        const settings *my = me->settings;
        begin_again(s); /* nothing is to be computed of it */
        return me->host->fail(me, STAPES_EINPUT,
                              "a segment is longer than %g s; model '%s' needs whole segments in memory: set "
                              "'longest' higher, or cut the recording at its pauses before this stage",
                              (double)my->longest, s->shared->model->name);
    }
    memcpy(s->held + (size_t)s->n_held * s->shape.in, x, (size_t)rows * s->shape.in * sizeof *x);
    s->n_held += rows;
    return STAPES_OK;
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state       *s = me->state;
    const float *x = packet->data;
    uint32_t     rows = packet->rows;
    int          status = STAPES_OK;
    (void)port;
    if (!rows) return STAPES_OK;
    stapes_time apart = s->begun ? packet->start - (s->origin + s->rows_in * s->hop) : 0;
    if (apart > s->hop / 2 || apart < -(s->hop / 2)) status = finish(me);
    if (status < 0) return status;
    if (!s->begun) {
        s->begun = true;
        s->origin = packet->start;
    }
    s->rows_in += rows;
    if (s->shape.bidirectional) return hold(me, x, rows);
    for (uint32_t n; rows && status >= 0; rows -= n, x += (size_t)n * s->shape.in) {
        n = rows < s->most ? rows : s->most;
        status = compute(me, x, n, false);
    }
    return status;
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    (void)port;
    if (what->type == STAPES_RECORDING_ABANDONED) begin_again(me->state);
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    (void)how;
    return finish(me);
}

static void close_network(const stapes_instance *me)
{
    state *s = me->state;
    stapes_close_stream(s->stream);
    free(s->held);
}

/* ---- tables
 * ------------------------------------------------------------------------------------------------ */

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, model, NULL, "the model's name or folder", .flags = STAPES_IS_MODEL),
    STAPES_PARAMETER(settings, longest, "600",
                     "bidirectional networks: the longest segment, for which memory is set aside",
                     .unit = "s", .least = 0.01, .greatest = 100000, .flags = STAPES_IS_ADVANCED),
};

static const stapes_port ins[] = {
    {"in", STAPES_KIND(STAPES_FRAMES), 0, "features that the model was trained on"}};
static const stapes_port outs[] = {
    {"out", STAPES_KIND(STAPES_SCORES) | STAPES_KIND(STAPES_FRAMES), 0,
     "natural log probabilities of the model's labels; frames if it has none"}};

static const stapes_stage stage = {
    .size = sizeof(stapes_stage),
    .name = "recurrent.network",
    .summary = "recurrent network (RNN, GRU, LSTM) of a model folder: frames to scores",
    STAPES_INPUTS(ins),
    STAPES_OUTPUTS(outs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_network,
    .configure = configure,
    .process = process,
    .event = event,
    .flush = flush,
    .close = close_network};

STAPES_PLUGIN("recurrent", "1.0.0", "MIT", &stage);
