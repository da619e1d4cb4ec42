/* audio_write.c - audio.write: a sink that keeps recordings in files, one each, in the format that the
 * name's ending says, or sends one as a WAV stream to standard output.
 *
 * What arrives of a recording goes into its file, one packet after the other: audio that a stage before
 * cut out is missing there. A file has its name only once it is complete. */
#include <stapes/kit.h>
#include <stapes/stage.h>

#include "pcm.h"
#include "sound_io.h"
#include "wav_header.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

extern const stapes_stage audio_write_stage;

enum { PIECE = 4096 };             /* samples converted at a time */
enum { AUTO, S16, S24, S32, F32 }; /* `encoding` */

typedef struct settings {
    const char *path;
    int32_t     encoding;
} settings;

typedef struct container {
    const char *ending;
    int         format;
    bool        lossy; /* it has its own encoding */
} container;

typedef struct state {
    const container *container; /* NULL: a WAV stream on standard output */
    int              encoding;  /* S16, ... */
    bool             in_recording;
    uint32_t         number;  /* of the recording, from 1 */
    char            *name;    /* of the recording, or NULL */
    uint64_t        *written; /* hashes of the names that were written */
    uint32_t         n_written, room_written;
    stapes_format    format; /* of the file that is open */
    stapes_output    output;
    SNDFILE         *file;
    sound_io         io;    /* of file */
    off_t            begin; /* of the stream, where standard output is a file that can seek; or -1 */
    uint64_t         bytes, clipped;
    float            peak;
    union {
        int32_t       whole[PIECE];
        unsigned char bytes[PIECE * 4];
    } piece;
} state;

static const container containers[] = {
    {"wav", SF_FORMAT_WAV, false},
    {"flac", SF_FORMAT_FLAC, false},
    {"aiff", SF_FORMAT_AIFF, false},
    {"aif", SF_FORMAT_AIFF, false},
    {"caf", SF_FORMAT_CAF, false},
    {"w64", SF_FORMAT_W64, false},
    {"rf64", SF_FORMAT_RF64, false},
    {"au", SF_FORMAT_AU, false},
    {"ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, true},
    {"opus", SF_FORMAT_OGG | SF_FORMAT_OPUS, true},
    {"mp3", SF_FORMAT_MPEG | SF_FORMAT_MPEG_LAYER_III, true},
};

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, path, NULL,
                     "the file; {name} is the recording's name without folder and ending, {number} counts "
                     "from 1; - is a WAV stream on standard output",
                     .flags = STAPES_IS_OUTPUT_FILE),
    STAPES_PARAMETER(settings, encoding, "auto", "of the samples; auto: s16, or what the format has",
                     .choices = "auto|s16|s24|s32|f32"),
};

static int failed(const stapes_instance *me, const stapes_error *error)
{
    return me->host->fail(me, error->status, "%s", error->text);
}

static int open_sink(const stapes_instance *me)
{
    const settings *set = me->settings;
    state          *my = me->state;
    const char     *dot = strrchr(set->path, '.'), *slash = strrchr(set->path, '/');
    my->encoding = set->encoding == AUTO ? S16 : set->encoding;
    if (strcmp(set->path, "-") == 0) return STAPES_OK;
    for (size_t i = 0; dot && (!slash || dot > slash) && i < STAPES_COUNT(containers); i++)
        if (strcasecmp(dot + 1, containers[i].ending) == 0) my->container = &containers[i];
    if (!my->container)
        return me->host->fail(
            me, STAPES_EUSAGE,
            "path: '%s' has to end in .wav, .flac, .aiff, .caf, .w64, .rf64, .au, .ogg, .opus or "
            ".mp3, or be - for standard output",
            set->path);
    if (my->container->lossy && set->encoding != AUTO)
        return me->host->fail(me, STAPES_EUSAGE, "encoding: .%s has one of its own; leave it out",
                              my->container->ending);
    return STAPES_OK;
}

/* `path` with {name} and {number} replaced; malloc'd, or NULL without memory. */
static char *make_path(const state *my, const char *path)
{
    const char *name = my->name && strcmp(my->name, "-") != 0 ? my->name : "stdin";
    const char *slash = strrchr(name, '/');
    if (slash && slash[1]) name = slash + 1;
    const char *dot = strrchr(name, '.');
    size_t      stem = dot && dot > name ? (size_t)(dot - name) : strlen(name);
    char       *made = NULL;
    size_t      size = 0;
    FILE       *out = open_memstream(&made, &size);
    if (!out) return NULL;
    while (*path) {
        if (strncmp(path, "{name}", 6) == 0) {
            fwrite(name, 1, stem, out);
            path += 6;
        } else if (strncmp(path, "{number}", 8) == 0) {
            fprintf(out, "%u", my->number);
            path += 8;
        } else {
            fputc(*path++, out);
        }
    }
    if (fclose(out) == 0) return made;
    free(made);
    return NULL;
}

/* Two recordings may not go into one file. */
static int remember_path(const stapes_instance *me, const char *path)
{
    const settings *set = me->settings;
    state          *my = me->state;
    uint64_t        hash = UINT64_C(14695981039346656037); /* FNV-1a */
    for (const char *at = path; *at; at++) hash = (hash ^ (unsigned char)*at) * UINT64_C(1099511628211);
    for (uint32_t i = 0; i < my->n_written; i++)
        if (my->written[i] == hash)
            return me->host->fail(
                me, STAPES_EUSAGE,
                "path: a second recording ('%s') would overwrite '%s'; put %s into the path",
                my->name ? my->name : "", path,
                strstr(set->path, "{name}") ? "{number}" : "{name} or {number}");
    if (my->n_written == my->room_written) {
        uint32_t  room = my->room_written ? my->room_written * 2 : 16;
        uint64_t *grown = realloc(my->written, room * sizeof *grown);
        if (!grown) return me->host->fail(me, STAPES_ENOMEM, "no memory");
        my->written = grown;
        my->room_written = room;
    }
    my->written[my->n_written++] = hash;
    return STAPES_OK;
}

static void drop(state *my)
{
    if (my->file) sf_close(my->file);
    my->file = NULL;
    stapes_drop_output(&my->output);
}

static int pcm_of(int encoding)
{
    return encoding == S16   ? PCM_S16LE
           : encoding == S24 ? PCM_S24LE
           : encoding == S32 ? PCM_S32LE
                             : PCM_F32LE;
}

/* The header of the stream, with the length that is known by now. */
static void make_header(const state *my, uint64_t length, unsigned char bytes[WAV_HEADER_BYTES])
{
    const wav_header header = {.encoding = pcm_of(my->encoding),
                               .rate = my->format.rate,
                               .channels = my->format.columns,
                               .data_bytes = length};
    wav_header_make(&header, bytes);
}

static int begin_stream(const stapes_instance *me)
{
    state        *my = me->state;
    stapes_error  error = {0};
    unsigned char header[WAV_HEADER_BYTES];
    struct stat   about;
    my->begin = -1;
    if (fstat(my->output.fd, &about) == 0 && S_ISREG(about.st_mode))
        my->begin = lseek(my->output.fd, 0, SEEK_CUR);
    make_header(my, WAV_TO_THE_END, header);
    return stapes_write_output(&my->output, header, sizeof header, &error) ? failed(me, &error) : STAPES_OK;
}

static int begin_file(const stapes_instance *me)
{
    static const int subtypes[] = {SF_FORMAT_PCM_16, SF_FORMAT_PCM_16, SF_FORMAT_PCM_24, SF_FORMAT_PCM_32,
                                   SF_FORMAT_FLOAT};
    state           *my = me->state;
    SF_INFO          info = {.samplerate = (int)my->format.rate,
                             .channels = (int)my->format.columns,
                             .format = my->container->format};
    if (!my->container->lossy) info.format |= subtypes[my->encoding];
    if (my->output.temporary_made && sf_format_check(&info))
        my->file = sound_io_open(&my->io, my->output.fd, SFM_WRITE, &info);
    if (my->file) {
        sf_command(my->file, SFC_SET_CLIPPING, NULL, SF_TRUE);
        return STAPES_OK;
    }
    int status = me->host->fail(
        me, STAPES_EUSAGE, "%s: %u Hz, %u channel%s as .%s: %s", my->output.path, my->format.rate,
        my->format.columns, my->format.columns == 1 ? "" : "s", my->container->ending,
        !my->output.temporary_made ? "can only be written to a file"
                                   : "the format cannot hold it; convert before, or take .wav");
    drop(my);
    return status;
}

static int begin(const stapes_instance *me, const stapes_format *format)
{
    const settings *set = me->settings;
    state          *my = me->state;
    stapes_error    error = {0};
    if (!my->in_recording) my->number++;
    my->format = *format;
    my->bytes = my->clipped = 0;
    my->peak = 0;
    char *path = make_path(my, set->path);
    if (!path) return me->host->fail(me, STAPES_ENOMEM, "no memory");
    int status = remember_path(me, path);
    if (status == STAPES_OK && stapes_begin_output(&my->output, path, &error)) status = failed(me, &error);
    free(path);
    if (status != STAPES_OK) return status;
    return my->container ? begin_file(me) : begin_stream(me);
}

static int stream_samples(const stapes_instance *me, const float *in, size_t count)
{
    state       *my = me->state;
    const int    encoding = pcm_of(my->encoding);
    stapes_error error = {0};
    my->clipped += pcm_encode(encoding, in, my->piece.bytes, count, &my->peak);
    my->bytes += count * pcm_bytes(encoding);
    return stapes_write_output(&my->output, my->piece.bytes, count * pcm_bytes(encoding), &error)
               ? failed(me, &error)
               : STAPES_OK;
}

static int file_samples(const stapes_instance *me, const float *in, size_t count)
{
    static const int bits[] = {16, 16, 24, 32};
    state           *my = me->state;
    sf_count_t       done;
    if (my->encoding == F32 || my->container->lossy) {
        for (size_t i = 0; i < count && my->container->lossy; i++) {
            if (!(in[i] <= 1.0f && in[i] >= -1.0f)) my->clipped++;
            if (in[i] > my->peak) my->peak = in[i];
            if (-in[i] > my->peak) my->peak = -in[i];
        }
        done = sf_write_float(my->file, in, (sf_count_t)count);
    } else {
        my->clipped += pcm_round(bits[my->encoding], in, my->piece.whole, count, &my->peak);
        done = sf_write_int(my->file, my->piece.whole, (sf_count_t)count);
    }
    if (done == (sf_count_t)count) return STAPES_OK;
    return me->host->fail(me, STAPES_ESYSTEM, "%s: cannot be written: %s", my->output.path,
                          my->io.problem ? strerror(my->io.problem) : sf_strerror(my->file));
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state       *my = me->state;
    const float *in = packet->data;
    size_t left = (size_t)packet->rows * packet->columns, piece = PIECE / packet->columns * packet->columns;
    int    status = my->output.open ? STAPES_OK : begin(me, packet->format);
    (void)port;
    if (status == STAPES_OK &&
        (my->format.rate != packet->format->rate || my->format.columns != packet->format->columns))
        return me->host->fail(
            me, STAPES_EFORMAT,
            "%s: began with %u Hz and %u channels, now comes audio with %u Hz and %u channels; "
            "audio.resample before makes it equal",
            my->output.path, my->format.rate, my->format.columns, packet->format->rate,
            packet->format->columns);
    for (; status == STAPES_OK && left > 0; left -= piece, in += piece) {
        if (piece > left || piece == 0) piece = left < PIECE ? left : PIECE;
        status = my->container ? file_samples(me, in, piece) : stream_samples(me, in, piece);
    }
    return status;
}

/* The file gets its name. */
static int end(const stapes_instance *me)
{
    state        *my = me->state;
    stapes_error  error = {0};
    unsigned char header[WAV_HEADER_BYTES];
    int           status = STAPES_OK;
    if (!my->output.open) return STAPES_OK;
    if (my->clipped)
        me->host->log(me, STAPES_WARNING, "%s: %llu sample%s clipped; the largest is %.3g of full scale",
                      my->output.path, (unsigned long long)my->clipped, my->clipped == 1 ? " was" : "s were",
                      (double)my->peak);
    if (my->file) {
        int code = sf_close(my->file);
        my->file = NULL;
        if (code || my->io.problem)
            status = me->host->fail(me, STAPES_ESYSTEM, "%s: cannot be written: %s", my->output.path,
                                    my->io.problem ? strerror(my->io.problem) : sf_error_number(code));
    } else if (my->begin >= 0) {
        make_header(my, my->bytes, header);
        if (pwrite(my->output.fd, header, sizeof header, my->begin) != (ssize_t)sizeof header)
            status = me->host->fail(me, STAPES_ESYSTEM, "%s: cannot be written: %s", my->output.path,
                                    strerror(errno));
    }
    if (status == STAPES_OK && stapes_end_output(&my->output, &error)) status = failed(me, &error);
    drop(my);
    return status;
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    state *my = me->state;
    int    status = STAPES_OK;
    (void)port;
    if (what->type == STAPES_RECORDING_BEGIN) {
        status = end(me);
        free(my->name);
        my->name = what->name ? strdup(what->name) : NULL;
        my->in_recording = true;
        my->number++;
    } else if (what->type == STAPES_RECORDING_END) {
        my->in_recording = false;
        status = end(me);
    } else if (what->type == STAPES_RECORDING_ABANDONED) {
        my->in_recording = false;
        drop(my);
    }
    return status;
}

static int flush(const stapes_instance *me, int how)
{
    state *my = me->state;
    return how == STAPES_FLUSH_END && !my->in_recording ? end(me) : STAPES_OK;
}

static void close_sink(const stapes_instance *me)
{
    state *my = me->state;
    drop(my);
    free(my->name);
    free(my->written);
}

static const stapes_port inputs[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_AUDIO)}};

const stapes_stage audio_write_stage = {
    .size = sizeof(stapes_stage),
    .flags = STAPES_TOUCHES_FILES,
    .name = "audio.write",
    .summary = "keeps audio in files: WAV, FLAC, Ogg, Opus, MP3, ...; or as a WAV stream on standard output",
    STAPES_INPUTS(inputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_sink,
    .process = process,
    .event = event,
    .flush = flush,
    .close = close_sink,
};
