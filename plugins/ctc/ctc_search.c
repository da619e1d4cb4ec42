/* ctc_search.c - the stage ctc.search: scores of labels become tokens and text, by the best label of each
 * row; repeats are one, blanks are dropped.
 *
 * Tokens come out as soon as their run of rows has ended; the text comes at the segment's end, one packet
 * with all words, also where nothing was said. Tokens of the segment are kept for it in memory that grows
 * by doubling and stays.
 *
 * Where a packet does not begin where the last one ended, the run under way ends: a token does not reach
 * across lost audio. */
#include <stapes/kit.h>
#include <stapes/stage.h>

#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *model;
} settings;

typedef struct state {
    const stapes_model *model;
    stapes_time         hop;
    stapes_best_path    path;
    bool                begun;      /* a segment */
    stapes_time         begin, end; /* of the segment so far */
    stapes_time         origin;     /* of row 0 of the path */
    double              score;      /* of the paths before this one in the segment */
    uint32_t            segment;    /* its number */
    stapes_token       *tokens;
    uint32_t            n_tokens, room; /* of the segment */
} state;

enum { TEXT = 0, TOKENS = 1 };
enum { ROWS_AT_ONCE = 256, FIRST_ROOM = 4096 };

/* ---- the model ------------------------------------------------------------------------------------------
 */

static int open_search(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    stapes_error    error = {0};
    s->model = stapes_open_model(my->model, &error);
    if (!s->model) return me->host->fail(me, error.status, "%s", error.text);
    if (!s->model->vocabulary.count)
        return me->host->fail(me, STAPES_EMODEL,
                              "%s/model.yaml: has no vocabulary, so there is no text to find",
                              s->model->folder);
    s->tokens = malloc(FIRST_ROOM * sizeof *s->tokens);
    if (!s->tokens) return me->host->fail(me, STAPES_ENOMEM, "no memory");
    s->room = FIRST_ROOM;
    return STAPES_OK;
}

static void forget(state *s)
{
    s->path = (stapes_best_path){0};
    s->begun = false;
    s->score = 0.0;
    s->n_tokens = 0;
}

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    state                   *s = me->state;
    const stapes_format     *in = inputs[0];
    const stapes_vocabulary *labels = &s->model->vocabulary;
    if (in->columns != labels->count)
        return me->host->fail(
            me, STAPES_EFORMAT,
            "the input has scores of %u labels, model '%s' has %u: give the network's stage and "
            "this one the same model",
            in->columns, s->model->name, labels->count);
    if (in->vocabulary && strcmp(in->vocabulary, labels->hash) != 0)
        return me->host->fail(
            me, STAPES_EFORMAT,
            "the input's labels are not those of model '%s' (vocabulary %s, here %s): give the "
            "network's stage and this one the same model",
            s->model->name, in->vocabulary, labels->hash);
    if (in->hop <= 0)
        return me->host->fail(me, STAPES_EFORMAT,
                              "the input's rows lie on no grid (hop 0): their times are not known");
    forget(s);
    s->hop = in->hop;
    outputs[TEXT]->columns = outputs[TOKENS]->columns = 1;
    outputs[TOKENS]->vocabulary = labels->hash;
    bounds->latency = STAPES_WHOLE_SEGMENT;
    return STAPES_OK;
}

/* ---- data ------------------------------------------------------------------------------------------------
 */

static bool make_room(state *s, uint32_t more)
{
    if (more <= s->room - s->n_tokens) return true;
    if (s->room > UINT32_MAX / 2 / sizeof *s->tokens) return false;
    stapes_token *grown = realloc(s->tokens, 2 * (size_t)s->room * sizeof *grown);
    if (!grown) return false;
    s->tokens = grown;
    s->room *= 2;
    return make_room(s, more);
}

/* Runs become tokens, kept for the text and sent on. */
static int add_tokens(const stapes_instance *me, const stapes_run *runs, uint32_t count)
{
    state *s = me->state;
    if (!count) return STAPES_OK;
    if (!make_room(s, count)) return me->host->fail(me, STAPES_ENOMEM, "no memory for the segment's tokens");
    stapes_token *tokens = s->tokens + s->n_tokens;
    for (uint32_t i = 0; i < count; i++)
        tokens[i] = (stapes_token){.start = s->origin + (stapes_time)runs[i].first * s->hop,
                                   .end = s->origin + (stapes_time)runs[i].end * s->hop,
                                   .id = runs[i].label,
                                   .score = runs[i].score};
    s->n_tokens += count;
    stapes_packet *packet = me->host->packet(me, TOKENS, count);
    if (!packet) return STAPES_ENOMEM;
    memcpy(packet->data, tokens, count * sizeof *tokens);
    packet->start = tokens[0].start;
    packet->duration = tokens[count - 1].end - tokens[0].start;
    return me->host->emit(me, TOKENS, packet);
}

static int end_path(const stapes_instance *me)
{
    state     *s = me->state;
    stapes_run run;
    s->score += s->path.score;
    uint32_t count = stapes_end_path(&s->path, s->model->vocabulary.blank, &run);
    return add_tokens(me, &run, count);
}

static int emit_text(const stapes_instance *me)
{
    state         *s = me->state;
    size_t         bytes = stapes_measure_text(&s->model->vocabulary, s->tokens, s->n_tokens);
    stapes_packet *packet;
    if (bytes > UINT32_MAX) return me->host->fail(me, STAPES_ENOMEM, "a segment's text is over 4 GB");
    if (!(packet = me->host->packet(me, TEXT, (uint32_t)bytes))) return STAPES_ENOMEM;
    stapes_text *text = stapes_write_text(&s->model->vocabulary, s->tokens, s->n_tokens, packet->data);
    text->segment = s->segment;
    text->score = (float)s->score;
    packet->start = s->begin;
    packet->duration = s->end - s->begin;
    return me->host->emit(me, TEXT, packet);
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state       *s = me->state;
    stapes_run   runs[ROWS_AT_ONCE];
    const float *x = packet->data;
    int          status = STAPES_OK;
    (void)port;
    if (!packet->rows) return STAPES_OK;
    if (!s->begun) {
        s->begun = true;
        s->begin = s->origin = packet->start;
    }
    stapes_time apart = packet->start - (s->origin + (stapes_time)s->path.row * s->hop);
    if (apart > s->hop / 2 || apart < -(s->hop / 2)) {
        status = end_path(me);
        s->origin = packet->start;
    }
    for (uint32_t rows = packet->rows, n; rows && status >= 0; rows -= n, x += (size_t)n * packet->columns) {
        n = rows < ROWS_AT_ONCE ? rows : ROWS_AT_ONCE;
        status = add_tokens(
            me, runs, stapes_follow_path(&s->path, x, n, packet->columns, s->model->vocabulary.blank, runs));
    }
    s->end = s->origin + (stapes_time)s->path.row * s->hop;
    return status;
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    state *s = me->state;
    (void)port;
    if (what->type == STAPES_RECORDING_BEGIN) s->segment = 0;
    if (what->type == STAPES_SEGMENT_BEGIN) s->segment = what->segment;
    if (what->type == STAPES_RECORDING_ABANDONED) forget(s);
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    state *s = me->state;
    (void)how;
    if (!s->begun) return STAPES_OK;
    int status = end_path(me);
    if (status >= 0) status = emit_text(me);
    forget(s);
    s->segment++;
    return status;
}

static void close_search(const stapes_instance *me)
{
    state *s = me->state;
    free(s->tokens);
    stapes_close_model(s->model);
}

/* ---- tables
 * ------------------------------------------------------------------------------------------------ */

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, model, NULL, "the model's name or folder, for its vocabulary",
                     .flags = STAPES_IS_MODEL),
};

static const stapes_port ins[] = {
    {"in", STAPES_KIND(STAPES_SCORES), 0, "log probabilities of the model's labels"}};
static const stapes_port outs[] = {
    {"out", STAPES_KIND(STAPES_TEXT), 0, "one text a segment, with words and times"},
    {"tokens", STAPES_KIND(STAPES_TOKENS), 0, "labels with times"}};

static const stapes_stage stage = {.size = sizeof(stapes_stage),
                                   .name = "ctc.search",
                                   .summary = "best path of a CTC network: scores to tokens and text",
                                   STAPES_INPUTS(ins),
                                   STAPES_OUTPUTS(outs),
                                   STAPES_PARAMETERS(parameters),
                                   .settings_size = sizeof(settings),
                                   .state_size = sizeof(state),
                                   .open = open_search,
                                   .configure = configure,
                                   .process = process,
                                   .event = event,
                                   .flush = flush,
                                   .close = close_search};

STAPES_PLUGIN("ctc", "1.0.0", "MIT", &stage);
