/* features_audio.c - audio of one channel becomes frames: what the stages features.logmel, .mfcc and .stft
 * share. The numbers are the kit's (stapes/kit/features.h); here is what a stage adds: the settings of a
 * model, the format with its recipe, and time.
 *
 * Time. Row j of a segment has the place of the segment's first sample and j x hop x stride samples: the
 * begin of its window, or, where rows are centred, the window's centre. What `pad` appends lies behind the
 * segment's end, so such a segment comes out as one packet.
 *
 * Where a packet starts later than the one before ended (audio was lost, or cut out), silence takes the
 * place of what is missing, so that all rows of a segment lie on one grid. */
#include "features_audio.h"

#include <string.h>

enum { ROWS_AT_ONCE = 1024, LONGEST_GAP = 3600 /* s */ };

static const char *const kinds[] = {"logmel", "mfcc", "stft"}; /* enum stapes_features_kind */

static const float silence[STAPES_FEATURES_BLOCK];

static int pass_on(const stapes_instance *me, const stapes_error *error)
{
    return me->host->fail(me, error->status, "%s", error->text);
}

/* The options that the pipeline set, and no others. */
static stapes_features_options own_options(const stapes_instance *me, const stapes_stage *stage)
{
    const features_audio_settings *my = me->settings;
    stapes_features_options        options = my->options;
    uint32_t                       count;
    const stapes_parameter        *all = stapes_features_parameters(&count);
    options.given = 0;
    for (uint32_t k = 0; k < stage->n_parameters; k++)
        for (uint32_t i = 0; i < count; i++)
            if (!strcmp(all[i].name, stage->parameters[k].name) && me->host->is_set(me, all[i].name))
                options.given |= UINT64_C(1) << i;
    return options;
}

static int read_model(const stapes_instance *me, const char *folder, stapes_features_options *options)
{
    stapes_error        error = {0};
    const stapes_model *model = stapes_open_model(folder, &error);
    for (uint32_t i = 0; model && i < model->n_features; i++) {
        const stapes_setting *row = &model->features[i];
        stapes_error          inner = {0};
        if (stapes_features_options_set(options, row->key, row->value, &inner) >= 0) continue;
        (void)me->host->fail(me, STAPES_EMODEL, "%s/model.yaml:%u: features: %s", folder, row->line,
                             inner.text);
        stapes_close_model(model);
        return STAPES_EMODEL;
    }
    stapes_close_model(model);
    return model ? STAPES_OK : pass_on(me, &error);
}

int features_audio_open(const stapes_instance *me, const stapes_stage *stage, int kind)
{
    const features_audio_settings *my = me->settings;
    features_audio_state          *s = me->state;
    stapes_error                   error = {0};
    stapes_features_options        options, own = own_options(me, stage);
    stapes_features_options_init(&options);
    (void)stapes_features_options_set(&own, "kind", kinds[kind], &error);
    if (my->model && *my->model) {
        int status = read_model(me, my->model, &options);
        if (status < 0) return status;
        if (options.kind != kind)
            return me->host->fail(me, STAPES_EUSAGE, "the features of %s are %s: take the stage features.%s",
                                  my->model, kinds[options.kind], kinds[options.kind]);
    }
    stapes_features_options_merge(&options, &own);
    if (stapes_features_resolve(&options, &s->settings, &error) < 0) return pass_on(me, &error);
    s->stream = stapes_features_open(&s->settings, &error);
    if (!s->stream) return pass_on(me, &error);
    (void)stapes_features_recipe(&s->settings, s->recipe);
    uint32_t empty = stapes_features_empty_filters(s->stream);
    if (empty)
        me->host->log(
            me, STAPES_WARNING,
            "%u of %u mel filters hold no line of an FFT of %u points: take fewer mels or a larger fft",
            empty, s->settings.mels, s->settings.fft);
    return STAPES_OK;
}

int features_audio_configure(const stapes_instance *me, const stapes_format *const *inputs,
                             stapes_format *const *outputs, stapes_bounds *bounds)
{
    features_audio_state *s = me->state;
    const stapes_format  *in = inputs[0];
    if (in->rate != s->settings.rate)
        return me->host->fail(
            me, STAPES_EFORMAT,
            "the input has %u Hz, the features are made at %u Hz: insert audio.resample: {rate: %u%s}",
            in->rate, s->settings.rate, s->settings.rate, in->columns == 1 ? "" : ", channels: mix");
    if (in->columns != 1)
        return me->host->fail(
            me, STAPES_EFORMAT,
            "the input has %u channels, the features are made of one: insert audio.resample: "
            "{channels: mix}",
            in->columns);
    outputs[0]->columns = stapes_features_columns(&s->settings);
    outputs[0]->hop = stapes_time_of(stapes_features_step(&s->settings), s->settings.rate);
    outputs[0]->recipe = s->recipe;
    int64_t latency = stapes_features_latency(&s->settings);
    bounds->latency =
        latency == INT64_MAX ? STAPES_WHOLE_SEGMENT : stapes_time_of(latency, s->settings.rate) + 1;
    return STAPES_OK;
}

/* Sends on what is ready. */
static int emit_ready(const stapes_instance *me)
{
    features_audio_state *s = me->state;
    size_t ready = stapes_features_ready(s->stream), most = s->settings.pad ? UINT32_MAX : ROWS_AT_ONCE;
    while (ready) {
        uint32_t       rows = (uint32_t)(ready < most ? ready : most);
        stapes_packet *packet = me->host->packet(me, 0, rows);
        if (!packet) return STAPES_ENOMEM;
        (void)stapes_features_pull(s->stream, packet->data, rows);
        packet->start =
            s->origin + stapes_time_of(s->rows * stapes_features_step(&s->settings), s->settings.rate);
        s->rows += rows;
        int status = me->host->emit(me, 0, packet);
        if (status < 0) return status;
        ready = stapes_features_ready(s->stream);
    }
    return STAPES_OK;
}

/* In pieces that allocate nothing. samples NULL: silence. */
static int push(const stapes_instance *me, const float *samples, int64_t count)
{
    features_audio_state *s = me->state;
    while (count > 0) {
        size_t n = count < STAPES_FEATURES_BLOCK ? (size_t)count : STAPES_FEATURES_BLOCK;
        if (!samples && me->host->canceled(me)) return STAPES_ECANCELED;
        int status = stapes_features_push(s->stream, samples ? samples : silence, n);
        if (status < 0) return me->host->fail(me, status, "no memory for the frames of this segment");
        if (samples) samples += n;
        s->samples += (int64_t)n;
        count -= (int64_t)n;
        status = emit_ready(me);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

/* Silence for what is missing before a packet that starts at `start`. Less than half a hop is left out:
 * resamplers round. */
static int fill_gap(const stapes_instance *me, stapes_time start)
{
    features_audio_state *s = me->state;
    int64_t               rate = s->settings.rate;
    stapes_time           gap = start - (s->origin + stapes_time_of(s->samples, s->settings.rate));
    if (gap <= 0) return STAPES_OK;
    if (gap / STAPES_SECOND >= LONGEST_GAP)
        return me->host->fail(me, STAPES_EINPUT,
                              "%.0f s are missing inside a segment, allowed is an hour: end it before",
                              stapes_seconds(gap));
    int64_t missing =
        gap / STAPES_SECOND * rate + (gap % STAPES_SECOND * rate + STAPES_SECOND / 2) / STAPES_SECOND;
    return missing * 2 < s->settings.hop ? STAPES_OK : push(me, NULL, missing);
}

int features_audio_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    features_audio_state *s = me->state;
    (void)port;
    if (!s->begun) {
        s->begun = true;
        s->origin = packet->start;
    } else {
        int status = fill_gap(me, packet->start);
        if (status < 0) return status;
    }
    return push(me, packet->data, packet->rows);
}

int features_audio_flush(const stapes_instance *me, int how)
{
    features_audio_state *s = me->state;
    (void)how;
    int status = stapes_features_flush(s->stream);
    if (status < 0) (void)me->host->fail(me, status, "no memory for the frames of this segment");
    if (status >= 0) status = emit_ready(me);
    if (stapes_features_cut(s->stream) > 0)
        me->host->log(me, STAPES_WARNING, "a segment of %.1f s was cut to %.1f s (pad): %.1f s are lost",
                      (double)s->samples / s->settings.rate, (double)s->settings.pad / s->settings.rate,
                      (double)stapes_features_cut(s->stream) / s->settings.rate);
    stapes_features_reset(s->stream);
    s->begun = false;
    s->samples = s->rows = 0;
    return status;
}

void features_audio_close(const stapes_instance *me)
{
    features_audio_state *s = me->state;
    stapes_features_close(s->stream);
    s->stream = NULL;
}
