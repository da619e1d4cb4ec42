/* debug_show.c - the stage debug.show: draws what passes a port over time and passes it on unchanged: the
 * waveform of audio, frames as a spectrogram, scores as the probabilities of the most active labels.
 *
 * One picture for each recording: path, then path with -2, -3, ... before its ending. Memory does not grow
 * with a recording's length. */
#include "debug_stages.h"
#include "drawing.h"

#include <stapes/kit.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    const char *path, *model;
    int32_t     width, height;
} settings;

typedef struct state {
    const stapes_model *model;
    stapes_output       output; /* of the first picture: begun at open, so that a bad place is told at once */
    strip               strip;
    uint32_t            kind, columns, pictures;
    stapes_time         row;       /* from one row to the next */
    char                what[640]; /* kind and format, for the title */
    char                recording[256];
} state;

static int pass_on(const stapes_instance *me, const stapes_error *error)
{
    return me->host->fail(me, error->status, "%s", error->text);
}

static int open_show(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    stapes_error    error = {0};
    if (my->model && *my->model) {
        s->model = stapes_open_model(my->model, &error);
        if (!s->model) return pass_on(me, &error);
    }
    return stapes_begin_output(&s->output, my->path, &error) < 0 ? pass_on(me, &error) : STAPES_OK;
}

static void describe(state *s, const stapes_format *in)
{
    double hop = stapes_seconds(in->hop) * 1000.0;
    switch (in->kind) {
    case STAPES_AUDIO:
        (void)snprintf(s->what, sizeof s->what, "audio, %u Hz, %u channel%s", in->rate, in->columns,
                       in->columns == 1 ? "" : "s");
        break;
    case STAPES_FRAMES:
        (void)snprintf(s->what, sizeof s->what, "frames, %u bins every %g ms", in->columns, hop);
        break;
    default: (void)snprintf(s->what, sizeof s->what, "posteriors, %u labels every %g ms", in->columns, hop);
    }
}

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    const settings      *my = me->settings;
    state               *s = me->state;
    const stapes_format *in = inputs[0];
    (void)bounds;
    *outputs[0] = *in;
    if (s->model && in->kind == STAPES_SCORES && s->model->vocabulary.count != in->columns)
        return me->host->fail(me, STAPES_EFORMAT,
                              "the scores have %u labels, the vocabulary of model '%s' %u", in->columns,
                              s->model->name, s->model->vocabulary.count);
    describe(s, in);
    s->row = in->kind == STAPES_AUDIO ? stapes_time_of(1, in->rate) : in->hop;
    if (s->strip.rows && s->kind == in->kind && s->columns == in->columns) {
        strip_clear(&s->strip, s->row);
        return STAPES_OK;
    }
    s->kind = in->kind;
    s->columns = in->columns;
    strip_close(&s->strip);
    int way = in->kind == STAPES_AUDIO ? STRIP_RANGE : in->kind == STAPES_FRAMES ? STRIP_MEAN : STRIP_BEST;
    if (strip_open(&s->strip, way, in->columns, s->row, (uint32_t)my->width * 4)) return STAPES_OK;
    return me->host->fail(me, STAPES_ENOMEM, "no memory for a picture of %u columns", in->columns);
}

/* The n-th picture's name: "a.png", "a-2.png". malloc'd. */
static char *name_of(const char *path, uint32_t n)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    size_t      stem = dot && dot != path && dot[-1] != '/' ? (size_t)(dot - path) : strlen(path);
    char       *name = malloc(strlen(path) + 16);
    if (name) (void)sprintf(name, "%.*s-%u%s", (int)stem, path, n, path + stem);
    return name;
}

static int write_picture(const stapes_instance *me, stapes_error *error)
{
    const settings *my = me->settings;
    state          *s = me->state;
    char            title[1024];
    picture_words   words = {title, s->model ? &s->model->vocabulary : NULL};
    canvas          c;
    (void)snprintf(title, sizeof title, "%s%s%s", s->recording, *s->recording ? ": " : "", s->what);
    if (s->pictures > 1) {
        char *path = name_of(my->path, s->pictures);
        int   status = path ? stapes_begin_output(&s->output, path, error) : STAPES_ENOMEM;
        free(path);
        if (status < 0) return status;
    }
    int status = STAPES_ENOMEM;
    if (canvas_open(&c, my->width, my->height)) {
        if (picture_draw(&c, &s->strip, &words)) status = canvas_write(&c, &s->output, error);
        canvas_close(&c);
    }
    return status < 0 ? status : stapes_end_output(&s->output, error);
}

/* The picture of the recording that ended, if anything of it passed. */
static int show(const stapes_instance *me)
{
    state       *s = me->state;
    stapes_error error = {0};
    if (!s->strip.used) return STAPES_OK;
    s->pictures++;
    int status = write_picture(me, &error);
    strip_clear(&s->strip, s->row);
    if (status < 0 && !error.status) return me->host->fail(me, status, "no memory for a picture");
    return status < 0 ? pass_on(me, &error) : STAPES_OK;
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *s = me->state;
    strip_add(&s->strip, packet->data, packet->rows, packet->start, packet->duration);
    me->host->retain(packet);
    return me->host->emit(me, port, (stapes_packet *)packet);
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *event)
{
    state *s = me->state;
    (void)port;
    switch (event->type) {
    case STAPES_RECORDING_BEGIN: {
        const char *slash = event->name ? strrchr(event->name, '/') : NULL;
        (void)snprintf(s->recording, sizeof s->recording, "%s",
                       slash         ? slash + 1
                       : event->name ? event->name
                                     : "");
        break;
    }
    case STAPES_RECORDING_END: return show(me);
    case STAPES_RECORDING_ABANDONED: strip_clear(&s->strip, s->row); break;
    default: break;
    }
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    state *s = me->state;
    if (how != STAPES_FLUSH_END) return STAPES_OK;
    int status = show(me);
    stapes_drop_output(&s->output);
    return status;
}

static void close_show(const stapes_instance *me)
{
    state *s = me->state;
    stapes_drop_output(&s->output);
    strip_close(&s->strip);
    stapes_close_model(s->model);
    s->model = NULL;
}

#define DRAWN (STAPES_KIND(STAPES_AUDIO) | STAPES_KIND(STAPES_FRAMES) | STAPES_KIND(STAPES_SCORES))
static const stapes_port inputs[] = {{.name = "in", .kinds = DRAWN}};
static const stapes_port outputs[] = {{.name = "out", .kinds = DRAWN, .help = "what came in"}};

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, path, NULL, "the PNG file; of the second recording on with -2, -3, ...",
                     .flags = STAPES_IS_OUTPUT_FILE),
    STAPES_PARAMETER(settings, model, "", "a model's name or folder: names of the labels, for scores",
                     .flags = STAPES_IS_MODEL),
    STAPES_PARAMETER(settings, width, "1200", "of the picture", .unit = "pixels", .least = 300,
                     .greatest = 20000),
    STAPES_PARAMETER(settings, height, "480", "of the picture", .unit = "pixels", .least = 150,
                     .greatest = 8000)};

const stapes_stage debug_show = {
    .size = sizeof debug_show,
    .flags = STAPES_TOUCHES_FILES,
    .name = "debug.show",
    .summary = "draws what passes as a picture, and passes it on",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_show,
    .configure = configure,
    .process = process,
    .event = event,
    .flush = flush,
    .close = close_show,
};
