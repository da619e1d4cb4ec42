/* audio_file.c - audio.file: a source that reads recordings, one after the other.
 *
 * One that is no good is rejected with words and the others go on. A header that promises more than
 * there is gets a warning and what is there is read, as other tools do it; `truncated: reject` refuses it
 * instead. A sample that is no number makes everything after it worthless in filters and networks, so
 * that recording is rejected with its place. */
#include "audio_reader.h"
#include "pcm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const stapes_stage audio_file_stage;

enum { GREATEST_BLOCK = 1 << 20 }; /* samples, all channels together */
enum { TRUNCATED_ACCEPT, TRUNCATED_REJECT };

typedef struct settings {
    stapes_strings path;
    int32_t        packet;
    int32_t        encoding;
    int32_t        rate;
    int32_t        channels;
    int32_t        truncated;
} settings;

typedef struct state {
    uint32_t      next;  /* the recording that comes next */
    float        *block; /* `room` samples */
    size_t        room;
    uint32_t      rows; /* of a packet of this recording */
    uint32_t      got;  /* rows in the block */
    stapes_format format;
    audio_reader  reader;
} state;

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, path, NULL,
                     "the recordings; - is standard input (WAV, or raw with an encoding)",
                     .flags = STAPES_IS_INPUT_FILE),
    STAPES_PARAMETER(settings, packet, "100", "how much audio goes on at a time", .unit = "ms", .least = 1,
                     .greatest = 10000, .flags = STAPES_IS_ADVANCED),
    STAPES_PARAMETER(settings, encoding, "auto", "raw samples of this kind, without a header",
                     .choices = "auto|" PCM_CHOICES),
    STAPES_PARAMETER(settings, rate, "0", "of raw samples; 0: not raw", .unit = "Hz", .least = 0,
                     .greatest = 10000000),
    STAPES_PARAMETER(settings, channels, "1", "of raw samples", .least = 1, .greatest = 1024),
    STAPES_PARAMETER(settings, truncated, "accept", "recordings that end before their header says",
                     .choices = "accept|reject", .flags = STAPES_IS_ADVANCED),
};

static int open_source(const stapes_instance *me)
{
    const settings *set = me->settings;
    if (set->path.count == 0) return me->host->fail(me, STAPES_EUSAGE, "path: give at least one file");
    if (set->encoding != PCM_NONE && set->rate == 0)
        return me->host->fail(me, STAPES_EUSAGE,
                              "rate: raw samples need it, such as rate: 16000 (and channels, if not 1)");
    if (set->encoding == PCM_NONE && set->rate != 0)
        return me->host->fail(
            me, STAPES_EUSAGE,
            "rate: is for raw samples, which need an encoding too, such as encoding: s16le; "
            "to change the rate of a recording use audio.resample");
    if (set->encoding == PCM_NONE && me->host->is_set(me, "channels"))
        return me->host->fail(me, STAPES_EUSAGE,
                              "channels: is for raw samples, which need an encoding too, such as "
                              "encoding: s16le; to choose or mix channels use audio.resample");
    return STAPES_OK;
}

/* Gives the recording that is open up. */
static int reject(const stapes_instance *me, const char *name)
{
    state *my = me->state;
    me->host->reject(me, name, "%s", my->reader.why);
    audio_reader_close(&my->reader);
    return STAPES_OK;
}

/* The next block of samples; a sample that is no number is a failure. */
static int read_block(const stapes_instance *me)
{
    state        *my = me->state;
    audio_reader *reader = &my->reader;
    const int64_t before = reader->rows;
    int           status = audio_reader_read(reader, my->block, my->rows, &my->got);
    if (status != STAPES_OK) return status;
    for (size_t i = 0; i < (size_t)my->got * reader->channels; i++) {
        if (isfinite(my->block[i])) continue;
        int64_t row = before + (int64_t)(i / reader->channels);
        snprintf(reader->why, sizeof reader->why, "sample %lld (%.3f s) is %s", (long long)row,
                 stapes_seconds(stapes_time_of(row, reader->rate)),
                 isnan(my->block[i]) ? "NaN, not a number" : "infinite");
        return STAPES_EINPUT;
    }
    return STAPES_OK;
}

static int make_room(const stapes_instance *me)
{
    const settings *set = me->settings;
    state          *my = me->state;
    uint64_t        rows = (uint64_t)my->reader.rate * (uint64_t)set->packet / 1000;
    if (rows > GREATEST_BLOCK / my->reader.channels) rows = GREATEST_BLOCK / my->reader.channels;
    my->rows = rows ? (uint32_t)rows : 1;
    size_t room = (size_t)my->rows * my->reader.channels;
    if (room <= my->room) return STAPES_OK;
    float *block = realloc(my->block, room * sizeof *block);
    if (!block) return me->host->fail(me, STAPES_ENOMEM, "no memory for %zu samples", room);
    my->block = block;
    my->room = room;
    return STAPES_OK;
}

/* Opens the recording and sends its begin; one without a sample is never begun. */
static int begin_recording(const stapes_instance *me, const char *name)
{
    const settings *set = me->settings;
    state          *my = me->state;
    const audio_raw raw = {
        .encoding = set->encoding, .rate = (uint32_t)set->rate, .channels = (uint32_t)set->channels};
    stapes_event event = {.size = sizeof event, .type = STAPES_RECORDING_BEGIN, .name = name};
    int          status = audio_reader_open(&my->reader, me, name, &raw);
    if (status == STAPES_OK) status = make_room(me);
    if (status == STAPES_OK) status = read_block(me);
    if (status == STAPES_OK && my->got == 0) {
        char why[AUDIO_WORDS];
        bool complete = audio_reader_complete(&my->reader);
        memcpy(why, my->reader.why, sizeof why);
        snprintf(my->reader.why, sizeof my->reader.why, "has no samples%s%.600s", complete ? "" : "; it ",
                 complete ? "" : why);
        status = STAPES_EINPUT;
    }
    if (status == STAPES_EINPUT) return reject(me, name);
    if (status != STAPES_OK) return status;
    my->format = (stapes_format){.size = sizeof my->format,
                                 .kind = STAPES_AUDIO,
                                 .columns = my->reader.channels,
                                 .rate = my->reader.rate};
    status = me->host->announce(me, 0, &my->format);
    if (status >= STAPES_OK) status = me->host->event(me, 0, &event);
    event.type = STAPES_SEGMENT_BEGIN;
    event.name = NULL;
    if (status >= STAPES_OK) status = me->host->event(me, 0, &event);
    if (status == STAPES_EINPUT) { /* a later stage does not take it: its words, our name */
        me->host->reject(me, name, NULL);
        audio_reader_close(&my->reader);
        status = STAPES_OK;
    }
    return status < STAPES_OK ? status : STAPES_OK;
}

/* After the last row. */
static int end_recording(const stapes_instance *me, const char *name)
{
    const settings *set = me->settings;
    state          *my = me->state;
    audio_reader   *reader = &my->reader;
    stapes_event    event = {.size = sizeof event,
                             .type = STAPES_SEGMENT_END,
                             .position = stapes_time_of(reader->rows, reader->rate)};
    if (!audio_reader_complete(reader)) {
        if (set->truncated == TRUNCATED_REJECT) return reject(me, name);
        me->host->log(me, STAPES_WARNING, "%s: %s; what is there is used", name, reader->why);
    }
    audio_reader_close(reader);
    int status = me->host->event(me, 0, &event);
    event.type = STAPES_RECORDING_END;
    if (status >= STAPES_OK) status = me->host->event(me, 0, &event);
    return status < STAPES_OK ? status : STAPES_OK;
}

static int send_block(const stapes_instance *me)
{
    state         *my = me->state;
    stapes_packet *packet = me->host->packet(me, 0, my->got);
    if (!packet) return STAPES_ENOMEM;
    memcpy(packet->data, my->block, (size_t)my->got * my->reader.channels * sizeof *my->block);
    packet->start = stapes_time_of(my->reader.rows - my->got, my->reader.rate);
    return me->host->emit(me, 0, packet);
}

/* One packet, or the begin of a recording, or its end. */
static int process(const stapes_instance *me, uint32_t port, const stapes_packet *nothing)
{
    const settings *set = me->settings;
    state          *my = me->state;
    int             status;
    (void)port;
    (void)nothing;
    if (!my->reader.open) {
        if (my->next == set->path.count) return STAPES_END;
        status = begin_recording(me, set->path.items[my->next++]);
    } else {
        const char *name = set->path.items[my->next - 1];
        status = my->got ? send_block(me) : end_recording(me, name);
        if (status >= STAPES_OK && my->reader.open) {
            /* A full block may be the last: the next one says so by being empty. */
            status = read_block(me);
            if (status == STAPES_EINPUT) return reject(me, name);
        }
    }
    /* If a later stage could not take it, the host has said so; the next call goes on with the next. */
    if (status < STAPES_OK) audio_reader_close(&my->reader);
    return status < STAPES_OK ? status : STAPES_OK;
}

static void close_source(const stapes_instance *me)
{
    state *my = me->state;
    audio_reader_close(&my->reader);
    free(my->block);
}

static const stapes_port outputs[] = {
    {.name = "out", .kinds = STAPES_KIND(STAPES_AUDIO), .help = "rate and channels as recorded"}};

const stapes_stage audio_file_stage = {
    .size = sizeof(stapes_stage),
    .flags = STAPES_TOUCHES_FILES,
    .name = "audio.file",
    .summary = "reads recordings: WAV, FLAC, MP3, Ogg, Opus, ..., through ffmpeg also M4A, MP4, WebM",
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_source,
    .process = process,
    .close = close_source,
};
