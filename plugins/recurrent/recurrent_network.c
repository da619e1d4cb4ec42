/* recurrent_network.c - the stage recurrent.network: frames go through the network of a model folder and
 * become scores of labels (or, of a network without labels, frames). The model and the formats are here,
 * the rows in recurrent_rows.c. The weights are in memory once for all instances. */
#include "recurrent_recipe.h"
#include "recurrent_rows.h"

#include <stapes/kit.h>
#include <stapes/stage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef recurrent_settings settings;
typedef recurrent_state    state;

/* ---- the model ------------------------------------------------------------------------------------ */

static void destroy(void *object)
{
    recurrent_shared *s = object;
    stapes_close_network(s->network);
    stapes_close_model(s->model);
    free(s);
}

static int make(const stapes_instance *me, void *folder, void **object)
{
    stapes_error      error = {0};
    recurrent_shared *s = calloc(1, sizeof *s);
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

/* ---- formats -------------------------------------------------------------------------------------- */

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
        if ((status = recurrent_rows_take_memory(me)) < 0) return status;
    }
    recurrent_rows_begin_again(s);
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

/* ---- events and the end --------------------------------------------------------------------------- */

static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    (void)port;
    if (what->type == STAPES_RECORDING_ABANDONED) recurrent_rows_begin_again(me->state);
    return STAPES_OK;
}

static void close_network(const stapes_instance *me)
{
    state *s = me->state;
    stapes_close_stream(s->stream);
    free(s->held);
}

/* ---- tables --------------------------------------------------------------------------------------- */

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
    .process = recurrent_rows_process,
    .event = event,
    .flush = recurrent_rows_flush,
    .close = close_network,
    .process_many = recurrent_rows_process_many,
    .flush_many = recurrent_rows_flush_many};

STAPES_PLUGIN("recurrent", "1.0.0", "MIT", &stage);
