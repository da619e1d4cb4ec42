/* audio_resample.c - audio.resample: another rate (libsoxr, its "high quality": linear phase, pass band to
 * 0.91 of the lower Nyquist frequency, 20 bits) and other channels.
 *
 * Time stays the source's: soxr takes its own delay out, so that a click comes out where it went in, and
 * output row n of a segment lies n / rate after the segment's first sample. A segment of n rows becomes
 * round(n * out / in) rows. soxr's output does not depend on how its input was cut (tests/audio checks
 * it), so neither does ours. Audio that was lost (a gap, a jump of the packets' places) begins afresh:
 * a filter must not ring from one side of it to the other. */
#include <stapes/stage.h>

#include <soxr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const stapes_stage audio_resample_stage;

enum { ALL = -2, MIX = -1 }; /* a place in `channel`, else the index of one channel */
enum { PIECE = 512 };        /* rows that soxr gets at a time */
enum { GREATEST_RATE = 10000000 };

typedef struct settings {
    int32_t     rate;
    const char *channels;
} settings;

typedef struct state {
    int32_t     channel;
    uint32_t    in_rate, out_rate, in_channels, out_channels;
    uint32_t    room; /* rows of an output packet */
    bool        begun;
    soxr_t      soxr;  /* NULL: the rate stays */
    float      *mixed; /* PIECE rows, or NULL: channels stay */
    stapes_time start; /* of the segment's first row */
    int64_t     rows_in, rows_out;
} state;

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, rate, "0", "of the output; 0: as it is", .unit = "Hz", .least = 0,
                     .greatest = GREATEST_RATE),
    STAPES_PARAMETER(settings, channels, "all",
                     "all, mix (their mean), left, right, or a channel's number from 1"),
};

static int open_converter(const stapes_instance *me)
{
    const settings *set = me->settings;
    state          *my = me->state;
    char           *end;
    long            number = strtol(set->channels, &end, 10);
    if (strcmp(set->channels, "all") == 0)
        my->channel = ALL;
    else if (strcmp(set->channels, "mix") == 0)
        my->channel = MIX;
    else if (strcmp(set->channels, "left") == 0)
        my->channel = 0;
    else if (strcmp(set->channels, "right") == 0)
        my->channel = 1;
    else if (*set->channels && *end == '\0' && number >= 1 && number <= 1024)
        my->channel = (int32_t)number - 1;
    else
        return me->host->fail(me, STAPES_EUSAGE,
                              "channels: '%s' is none of all, mix, left, right, or a channel's number from 1",
                              set->channels);
    return STAPES_OK;
}

static void close_converter(const stapes_instance *me)
{
    state *my = me->state;
    soxr_delete(my->soxr);
    free(my->mixed);
    my->soxr = NULL;
    my->mixed = NULL;
}

/* How far soxr's output falls behind its input, in input rows: it works in blocks, so it is tried, with
 * silence in small pieces, until it has given its first four blocks. Ahead by a half for blocks that
 * fall less well. 0 without memory. */
static int64_t measure_lag(state *my)
{
    const uint32_t step = 32;
    int64_t        in = 0, out = 0, lag = 0, enough = 1 << 22;
    float         *silence = calloc((size_t)step * my->out_channels, sizeof *silence);
    float         *waste = calloc((size_t)my->room * my->out_channels, sizeof *waste);
    while (silence && waste && in < enough) {
        size_t done;
        if (soxr_process(my->soxr, silence, step, NULL, waste, my->room, &done)) break;
        in += step;
        if (out == 0 && done > 0) enough = 4 * in;
        out += (int64_t)done;
        int64_t behind = in - out * my->in_rate / my->out_rate;
        if (behind > lag) lag = behind;
    }
    free(silence);
    free(waste);
    return lag + lag / 2;
}

static int make_soxr(const stapes_instance *me)
{
    state                    *my = me->state;
    soxr_error_t              error;
    const soxr_io_spec_t      samples = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
    const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
    const soxr_runtime_spec_t threads = soxr_runtime_spec(1);
    my->soxr = soxr_create(my->in_rate, my->out_rate, my->out_channels, &error, &samples, &quality, &threads);
    if (my->soxr && !error) return STAPES_OK;
    return me->host->fail(me, STAPES_EFORMAT, "from %u to %u Hz with %u channels: soxr: %s", my->in_rate,
                          my->out_rate, my->out_channels, error ? error : "no memory");
}

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    const settings *set = me->settings;
    state          *my = me->state;
    close_converter(me);
    my->begun = false;
    my->in_rate = inputs[0]->rate;
    my->in_channels = inputs[0]->columns;
    my->out_rate = set->rate ? (uint32_t)set->rate : my->in_rate;
    my->out_channels = my->channel == ALL ? my->in_channels : 1;
    if (my->in_channels && my->channel >= (int32_t)my->in_channels)
        return me->host->fail(me, STAPES_EFORMAT, "channels: %s: the input has %u channel%s", set->channels,
                              my->in_channels, my->in_channels == 1 ? "" : "s");
    outputs[0]->kind = STAPES_AUDIO;
    outputs[0]->rate = my->out_rate;
    outputs[0]->columns = my->out_channels;
    bounds->latency = 0;
    /* Before a source knows what it has, rate and channels may be open: then only the format is told. */
    if (!my->in_rate || !my->in_channels) return STAPES_OK;
    my->room = my->out_rate / 10 + 1;
    if (my->in_channels != my->out_channels) {
        my->mixed = malloc(PIECE * sizeof *my->mixed);
        if (!my->mixed) return me->host->fail(me, STAPES_ENOMEM, "no memory");
    }
    if (my->in_rate == my->out_rate) return STAPES_OK;
    int status = make_soxr(me);
    if (status != STAPES_OK) return status;
    int64_t lag = measure_lag(my);
    if (lag == 0 || soxr_clear(my->soxr)) return me->host->fail(me, STAPES_ENOMEM, "no memory");
    bounds->latency = stapes_time_of(lag, my->in_rate);
    return STAPES_OK;
}

/* `rows` rows of one channel: the mean of all, or one of them. */
static void mix(const state *my, const float *in, float *out, uint32_t rows)
{
    const float share = 1.0f / (float)my->in_channels;
    for (uint32_t r = 0; r < rows; r++, in += my->in_channels) {
        float sum = 0;
        if (my->channel >= 0) {
            out[r] = in[my->channel];
            continue;
        }
        for (uint32_t c = 0; c < my->in_channels; c++) sum += in[c];
        out[r] = sum * share;
    }
}

/* Gives soxr `rows` rows (NULL: there are no more) and sends what it has. */
static int convert(const stapes_instance *me, const float *in, size_t rows)
{
    state *my = me->state;
    size_t done, given = 0;
    do {
        stapes_packet *packet = me->host->packet(me, 0, my->room);
        size_t         taken = 0;
        if (!packet) return STAPES_ENOMEM;
        soxr_error_t error = soxr_process(my->soxr, in ? in + given * my->out_channels : NULL, rows - given,
                                          &taken, packet->data, my->room, &done);
        if (error) {
            me->host->release(packet);
            return me->host->fail(me, STAPES_ESYSTEM, "soxr: %s", error);
        }
        given += taken;
        packet->rows = (uint32_t)done;
        packet->start = my->start + stapes_time_of(my->rows_out, my->out_rate);
        my->rows_out += (int64_t)done;
        if (done == 0) {
            me->host->release(packet);
        } else {
            int status = me->host->emit(me, 0, packet);
            if (status < STAPES_OK) return status;
        }
    } while (given < rows || done == my->room);
    return STAPES_OK;
}

/* What soxr holds back comes out, and it begins afresh. */
static int drain(const stapes_instance *me)
{
    state *my = me->state;
    if (!my->begun) return STAPES_OK;
    my->begun = false;
    if (!my->soxr) return STAPES_OK;
    int          status = convert(me, NULL, 0);
    soxr_error_t error = soxr_clear(my->soxr);
    if (status >= STAPES_OK && error) return me->host->fail(me, STAPES_ESYSTEM, "soxr: %s", error);
    return status;
}

/* Only the channels change: a packet of as many rows. */
static int send_mixed(const stapes_instance *me, const stapes_packet *packet)
{
    stapes_packet *out = me->host->packet(me, 0, packet->rows);
    if (!out) return STAPES_ENOMEM;
    mix(me->state, packet->data, out->data, packet->rows);
    out->start = packet->start;
    out->duration = packet->duration;
    return me->host->emit(me, 0, out);
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *my = me->state;
    (void)port;
    if (!my->soxr && !my->mixed) {
        me->host->retain(packet);
        return me->host->emit(me, 0, (stapes_packet *)packet);
    }
    if (!my->soxr) return send_mixed(me, packet);
    if (my->begun) {
        stapes_time jump = packet->start - my->start - stapes_time_of(my->rows_in, my->in_rate);
        stapes_time sample = stapes_time_of(1, my->in_rate);
        int         status = jump > sample || jump < -sample ? drain(me) : STAPES_OK;
        if (status < STAPES_OK) return status;
    }
    if (!my->begun) {
        my->begun = true;
        my->start = packet->start;
        my->rows_in = my->rows_out = 0;
    }
    const float *in = packet->data;
    for (uint32_t done = 0, rows; done < packet->rows; done += rows, in += (size_t)rows * my->in_channels) {
        rows = packet->rows - done < PIECE ? packet->rows - done : PIECE;
        if (my->mixed) mix(my, in, my->mixed, rows);
        my->rows_in += rows;
        int status = convert(me, my->mixed ? my->mixed : in, rows);
        if (status < STAPES_OK) return status;
    }
    return STAPES_OK;
}

/* Audio that was lost ends what can be filtered together. */
static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    (void)port;
    return what->type == STAPES_GAP ? drain(me) : STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    (void)how;
    return drain(me);
}

static const stapes_port inputs[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_AUDIO)}};
static const stapes_port outputs[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_AUDIO)}};

const stapes_stage audio_resample_stage = {
    .size = sizeof(stapes_stage),
    .flags = STAPES_IS_CONVERTER,
    .name = "audio.resample",
    .summary = "another sampling rate, and one channel out of several",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_converter,
    .configure = configure,
    .process = process,
    .event = event,
    .flush = flush,
    .close = close_converter,
};
