/* builtin.c - the stages that are part of the program:
 *
 *   app.audio     what the embedding program pushes (stapes_push_audio)
 *   app.silence   audio of zeros, for trying and measuring
 *   app.identity  passes everything on
 *   app.merge     two streams of one format become one, in the order of time
 *   app.discard   takes everything and lets it go; a program's receiver may look at it
 */
#include "contract/format.h"
#include "runtime/engine.h"

static const stapes_port audio_out[] = {{"out", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static const stapes_port any_in[] = {{"in", STAPES_ANY_DATA, 0, NULL}};
static const stapes_port any_out[] = {{"out", STAPES_ANY_DATA, 0, NULL}};

/* ---- app.audio -------------------------------------------------------------------------------------- */

typedef struct pushed {
    int64_t     frames; /* of this rate, since `origin` */
    stapes_time origin;
    uint32_t    rate, channels, segment;
    bool        in_segment;
} pushed;

static int push_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)port;
    (void)packet;
    return me->host->fail(me, STAPES_EUSAGE,
                          "gets its audio from the program around it: use stapes_push_audio, not run");
}

const stapes_stage st_builtin_audio = {
    .size = sizeof(stapes_stage),
    .name = "app.audio",
    .summary = "audio that the embedding program pushes",
    STAPES_OUTPUTS(audio_out),
    .state_size = sizeof(pushed),
    .process = push_process,
};

static stapes_time push_position(const pushed *p) { return p->origin + stapes_time_of(p->frames, p->rate); }

static int push_event(st_instance *instance, uint32_t type)
{
    pushed      *p = instance->me.state;
    stapes_event event = {
        .size = sizeof event, .type = type, .position = push_position(p), .segment = p->segment};
    return st_flow_event(instance, 0, &event);
}

int st_builtin_end_segment(st_instance *instance)
{
    pushed *p = instance->me.state;
    if (!p->in_segment) return STAPES_OK;
    p->in_segment = false;
    int status = push_event(instance, STAPES_SEGMENT_END);
    p->segment++;
    return status;
}

int st_builtin_push(st_instance *instance, const float *samples, uint32_t frames, uint32_t channels,
                    uint32_t rate)
{
    pushed *p = instance->me.state;
    int     status;
    if (p->in_segment && !instance->in_segment) p->in_segment = false; /* it was given up */
    if (!p->in_segment) {
        stapes_format format = {
            .size = sizeof format, .kind = STAPES_AUDIO, .columns = channels, .rate = rate};
        if (rate != p->rate) {
            p->origin = push_position(p);
            p->frames = 0;
        }
        p->rate = rate;
        p->channels = channels;
        status = st_host_table.announce(&instance->me, 0, &format);
        if (status >= 0) status = push_event(instance, STAPES_SEGMENT_BEGIN);
        if (status < 0) return status;
        p->in_segment = true;
    }
    if (rate != p->rate || channels != p->channels)
        return st_error_set(
            &instance->engine->error, STAPES_EUSAGE,
            "pushed audio has %u Hz and %u channels, the segment began with %u Hz and %u: end "
            "the segment first",
            rate, channels, p->rate, p->channels);
    enum { MOST = 1 << 14 };
    for (uint32_t done = 0; done < frames;) {
        uint32_t       n = frames - done < MOST ? frames - done : MOST;
        stapes_packet *packet = st_host_table.packet(&instance->me, 0, n);
        if (!packet) return STAPES_ENOMEM;
        const float *from = samples + (size_t)done * channels;
        float       *to = packet->data;
        for (size_t i = 0; i < (size_t)n * channels; i++) to[i] = from[i];
        packet->start = push_position(p);
        p->frames += n;
        done += n;
        status = st_flow_emit(instance, 0, packet);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

/* ---- app.silence ------------------------------------------------------------------------------------- */

typedef struct silence_settings {
    float   seconds;
    int32_t rate, channels, packet;
} silence_settings;

static const stapes_parameter silence_parameters[] = {
    STAPES_PARAMETER(silence_settings, seconds, "1", "length of the recording", .unit = "s", .least = 0,
                     .greatest = 1e6),
    STAPES_PARAMETER(silence_settings, rate, "16000", "sample rate", .unit = "Hz", .least = 1,
                     .greatest = 768000),
    STAPES_PARAMETER(silence_settings, channels, "1", "channels", .least = 1, .greatest = 64),
    STAPES_PARAMETER(silence_settings, packet, "4096", "sample frames in a packet", .least = 1,
                     .greatest = 1000000),
};

typedef struct silence_state {
    int64_t done;
} silence_state;

static int silence_event(const stapes_instance *me, uint32_t type, stapes_time position)
{
    stapes_event event = {.size = sizeof event, .type = type, .position = position, .name = "silence"};
    return me->host->event(me, 0, &event);
}

static int silence_process(const stapes_instance *me, uint32_t port, const stapes_packet *unused)
{
    const silence_settings *set = me->settings;
    silence_state          *state = me->state;
    int64_t                 length = (int64_t)((double)set->seconds * set->rate);
    int                     status = STAPES_OK;
    (void)port;
    (void)unused;
    if (!state->done) {
        stapes_format format = {.size = sizeof format,
                                .kind = STAPES_AUDIO,
                                .columns = (uint32_t)set->channels,
                                .rate = (uint32_t)set->rate};
        status = me->host->announce(me, 0, &format);
        if (status >= 0) status = silence_event(me, STAPES_RECORDING_BEGIN, 0);
        if (status >= 0) status = silence_event(me, STAPES_SEGMENT_BEGIN, 0);
        if (status < 0) return status;
    }
    if (state->done < length) {
        uint32_t n = (uint32_t)(length - state->done < set->packet ? length - state->done : set->packet);
        stapes_packet *packet = me->host->packet(me, 0, n);
        if (!packet) return STAPES_ENOMEM;
        float *data = packet->data;
        for (size_t i = 0; i < (size_t)n * (size_t)set->channels; i++) data[i] = 0.0F;
        packet->start = stapes_time_of(state->done, (uint32_t)set->rate);
        state->done += n;
        return me->host->emit(me, 0, packet);
    }
    stapes_time end = stapes_time_of(length, (uint32_t)set->rate);
    status = silence_event(me, STAPES_SEGMENT_END, end);
    if (status >= 0) status = silence_event(me, STAPES_RECORDING_END, end);
    return status < 0 ? status : STAPES_END;
}

static const stapes_stage silence = {
    .size = sizeof(stapes_stage),
    .name = "app.silence",
    .summary = "audio of zeros, for trying and measuring",
    STAPES_OUTPUTS(audio_out),
    STAPES_PARAMETERS(silence_parameters),
    .settings_size = sizeof(silence_settings),
    .state_size = sizeof(silence_state),
    .process = silence_process,
};

/* ---- app.identity, app.discard ------------------------------------------------------------------------ */

static int pass(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    me->host->retain(packet);
    return me->host->emit(me, port, (stapes_packet *)(uintptr_t)packet);
}

static const stapes_stage identity = {
    .size = sizeof(stapes_stage),
    .name = "app.identity",
    .summary = "passes everything on",
    STAPES_INPUTS(any_in),
    STAPES_OUTPUTS(any_out),
    .process = pass,
};

static const stapes_port two_in[] = {{"in", STAPES_ANY_DATA, 0, NULL},
                                     {"side", STAPES_ANY_DATA, 0, "of the same format as in"}};

static int merge_configure(const stapes_instance *me, const stapes_format *const *inputs,
                           stapes_format *const *outputs, stapes_bounds *bounds)
{
    char one[300], other[300];
    (void)outputs; /* like input 0 */
    (void)bounds;
    if (st_format_equal(inputs[0], inputs[1])) return STAPES_OK;
    return me->host->fail(me, STAPES_EFORMAT, "both inputs must have one format: in has %s, side has %s",
                          st_format_text(inputs[0], one, sizeof one),
                          st_format_text(inputs[1], other, sizeof other));
}

static int merge_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)port; /* the host hands them on in the order of time */
    return pass(me, 0, packet);
}

static const stapes_stage merge = {
    .size = sizeof(stapes_stage),
    .name = "app.merge",
    .summary = "two streams of one format become one, in the order of time",
    STAPES_INPUTS(two_in),
    STAPES_OUTPUTS(any_out),
    .configure = merge_configure,
    .process = merge_process,
};

static int discard_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)me;
    (void)port;
    (void)packet;
    return STAPES_OK;
}

static const stapes_stage discard = {
    .size = sizeof(stapes_stage),
    .name = "app.discard",
    .summary = "takes everything and lets it go",
    STAPES_INPUTS(any_in),
    .process = discard_process,
};

static const stapes_stage *const stages[] = {&st_builtin_audio, &silence, &identity, &merge, &discard};

const stapes_plugin st_builtin_plugin = {
    .size = sizeof(stapes_plugin),
    .abi_major = STAPES_ABI_MAJOR,
    .abi_minor = STAPES_ABI_MINOR,
    .layout = STAPES_LAYOUT,
    .n_stages = STAPES_COUNT(stages),
    .name = "app",
    .version = STAPES_VERSION,
    .licence = "MIT",
    .stages = stages,
};
