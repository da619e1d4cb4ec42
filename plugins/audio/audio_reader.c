/* audio_reader.c - one recording opened, whatever it is in.
 *
 * Three ways lead to samples. Files that libsndfile knows are read by it. A pipe with a WAV header, or
 * raw samples, is decoded here, because a pipe cannot seek and its header does not know how long it is.
 * All else that may be audio goes through ffmpeg, whose output is such a pipe again. What comes on a pipe
 * and is neither (FLAC, Ogg, MP4) is first kept in a file without a name. */
#include "audio_reader.h"
#include "declared_length.h"
#include "pcm.h"
#include "sniff.h"
#include "wav_header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_LOOK = 1024, GREATEST_RATE = 10000000, GREATEST_CHANNELS = 1024 };

static int refuse(audio_reader *reader, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);
static int refuse(audio_reader *reader, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reader->why, sizeof reader->why, format, arguments);
    va_end(arguments);
    return STAPES_EINPUT;
}

static int system_words(audio_reader *reader, int code)
{
    switch (code) {
    case ECANCELED: return STAPES_ECANCELED;
    case ENOENT: return refuse(reader, "no such file");
    case EISDIR: return refuse(reader, "is a directory; give files");
    case EACCES: return refuse(reader, "cannot be read: permission denied");
    default: return refuse(reader, "cannot be read: %s", strerror(code));
    }
}

/* Rate and channels, from whatever header, within what can be. */
static int check_shape(audio_reader *reader, int64_t rate, int64_t channels)
{
    if (rate < 1 || rate > GREATEST_RATE)
        return refuse(reader, "its header says %lld Hz; allowed are 1 to %d", (long long)rate, GREATEST_RATE);
    if (channels < 1 || channels > GREATEST_CHANNELS)
        return refuse(reader, "its header says %lld channels; allowed are 1 to %d", (long long)channels,
                      GREATEST_CHANNELS);
    reader->rate = (uint32_t)rate;
    reader->channels = (uint32_t)channels;
    return STAPES_OK;
}

/* ---- streams ------------------------------------------------------------------------------------ */

static int open_wav_stream(audio_reader *reader)
{
    wav_header header;
    char       why[300];
    if (!wav_header_read(&reader->stream, &header, why, sizeof why))
        return reader->stream.problem ? system_words(reader, reader->stream.problem)
                                      : refuse(reader, "%s", why);
    uint64_t row = header.channels * pcm_bytes(header.encoding);
    reader->encoding = header.encoding;
    reader->bytes_left = header.data_bytes;
    reader->declared = header.data_bytes == WAV_TO_THE_END ? -1 : (int64_t)(header.data_bytes / row);
    return check_shape(reader, header.rate, header.channels);
}

static int open_raw_stream(audio_reader *reader, const audio_raw *raw)
{
    reader->encoding = raw->encoding;
    reader->bytes_left = WAV_TO_THE_END;
    return check_shape(reader, raw->rate, raw->channels);
}

static int read_stream(audio_reader *reader, float *out, uint32_t rows, uint32_t *got)
{
    unsigned char bytes[4096];
    const size_t  sample = pcm_bytes(reader->encoding), row = sample * reader->channels;
    uint64_t      wanted = (uint64_t)rows * row, done = 0, samples = 0;
    if (wanted > reader->bytes_left) wanted = reader->bytes_left / row * row;
    while (done < wanted) {
        uint64_t piece = sizeof bytes / sample * sample;
        if (piece > wanted - done) piece = wanted - done;
        uint64_t there = byte_stream_take(&reader->stream, bytes, piece);
        pcm_decode(reader->encoding, bytes, out + samples, (size_t)(there / sample));
        samples += there / sample;
        done += there;
        if (there < piece) break;
    }
    if (reader->bytes_left != WAV_TO_THE_END) reader->bytes_left -= done;
    *got = (uint32_t)(samples / reader->channels);
    return reader->stream.problem ? system_words(reader, reader->stream.problem) : STAPES_OK;
}

/* ---- files ---------------------------------------------------------------------------------------- */

/* How many rows the header of a WAV file speaks of, -1 if it is none or cannot know; libsndfile mends a
 * length that is too long in silence. */
static int64_t rows_declared(audio_reader *reader)
{
    wav_header           header;
    char                 why[300];
    const unsigned char *first;
    int64_t              declared = -1;
    byte_stream_open(&reader->stream, reader->fd, reader->stream.me);
    size_t there = byte_stream_look(&reader->stream, 12, &first);
    if (wav_header_is(first, there) && wav_header_read(&reader->stream, &header, why, sizeof why) &&
        header.data_bytes != WAV_TO_THE_END)
        declared = (int64_t)(header.data_bytes / (header.channels * pcm_bytes(header.encoding)));
    return declared;
}

/* Another program's work, or words on how to have it done. */
static int open_ffmpeg(audio_reader *reader, const char *path, sniffed what, const char *sndfile_words)
{
    const unsigned char *first;
    const char          *name = what.name ? what.name : "no audio that libsndfile knows";
    char                 command[AUDIO_WORDS / 2], why[300];
    if (lseek(reader->fd, 0, SEEK_SET) != 0) return system_words(reader, errno);
    switch (ffmpeg_pipe_open(&reader->ffmpeg, reader->fd, why, sizeof why)) {
    case FFMPEG_RUNS: break;
    case FFMPEG_MISSING:
        if (!what.media && sndfile_words) return refuse(reader, "%s", sndfile_words);
        return refuse(
            reader,
            "is %s, which is read through ffmpeg, and that is not installed; install it, or convert "
            "the file where it is: %s",
            name, ffmpeg_pipe_command(path, command, sizeof command));
    default: return refuse(reader, "%s", why);
    }
    byte_stream_open(&reader->stream, reader->ffmpeg.wav, reader->stream.me);
    if (byte_stream_look(&reader->stream, 12, &first) > 0) return open_wav_stream(reader);
    if (reader->stream.problem) return system_words(reader, reader->stream.problem);
    if (ffmpeg_pipe_end(&reader->ffmpeg, why, sizeof why)) snprintf(why, sizeof why, "ffmpeg found no audio");
    return refuse(reader, "is %s: %s", name, why);
}

/* reader->fd is a regular file. */
static int open_file(audio_reader *reader, const char *path)
{
    unsigned char first[FIRST_LOOK];
    struct stat   about;
    SF_INFO       info = {0};
    char          quote[64];
    if (fstat(reader->fd, &about) != 0) return system_words(reader, errno);
    if (about.st_size == 0) return refuse(reader, "is empty (0 bytes)");
    ssize_t count = pread(reader->fd, first, sizeof first, 0);
    if (count < 0) return system_words(reader, errno);
    reader->declared = rows_declared(reader);
    if (reader->declared < 0) reader->declared = declared_length(first, (size_t)count);
    if (lseek(reader->fd, 0, SEEK_SET) != 0) return system_words(reader, errno);
    reader->file = sound_io_open(&reader->io, reader->fd, SFM_READ, &info);
    if (reader->file) {
        /* What an MP3 says of its length is an estimate. */
        bool exact = info.frames < SF_COUNT_MAX && (info.format & SF_FORMAT_TYPEMASK) != SF_FORMAT_MPEG;
        if (exact && info.frames > reader->declared) reader->declared = info.frames;
        return check_shape(reader, info.samplerate, info.channels);
    }
    sniffed what = sniff_bytes(first, (size_t)count);
    if (what.refused && what.name && strcmp(what.name, "text") == 0)
        return refuse(reader, "is text and no audio: \"%s\"",
                      sniff_quote(first, (size_t)count, quote, sizeof quote));
    if (what.refused) return refuse(reader, "is %s", what.name);
    char words[300];
    snprintf(words, sizeof words, "is no audio that can be read: libsndfile: %s", sf_strerror(NULL));
    return open_ffmpeg(reader, path, what, words);
}

/* The stream, kept in a file without a name, that becomes reader->fd. */
static int keep_stream(audio_reader *reader)
{
    unsigned char bytes[4096];
    FILE         *kept = tmpfile();
    uint64_t      got;
    int           code = kept ? 0 : errno;
    while (!code && (got = byte_stream_take(&reader->stream, bytes, sizeof bytes)) > 0)
        if (fwrite(bytes, 1, (size_t)got, kept) != got) code = errno;
    if (!code && fflush(kept) != 0) code = errno;
    if (reader->stream.problem) code = reader->stream.problem;
    if (reader->owns_fd) close(reader->fd);
    reader->fd = code ? -1 : fcntl(fileno(kept), F_DUPFD_CLOEXEC, 3);
    reader->owns_fd = reader->fd >= 0;
    if (kept) fclose(kept);
    if (code) return system_words(reader, code);
    return reader->fd < 0 || lseek(reader->fd, 0, SEEK_SET) != 0 ? system_words(reader, errno) : STAPES_OK;
}

int audio_reader_open(audio_reader *reader, const stapes_instance *me, const char *path, const audio_raw *raw)
{
    struct stat          about;
    const unsigned char *first;
    reader->open = true;
    reader->rows = 0;
    reader->declared = -1;
    reader->why[0] = '\0';
    reader->file = NULL;
    reader->encoding = PCM_NONE;
    memset(&reader->ffmpeg, 0, sizeof reader->ffmpeg);
    reader->fd = strcmp(path, "-") == 0 ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    reader->owns_fd = reader->fd >= 0 && strcmp(path, "-") != 0;
    if (reader->fd < 0 || fstat(reader->fd, &about) != 0) return system_words(reader, errno);
    if (S_ISDIR(about.st_mode)) return system_words(reader, EISDIR);
    byte_stream_open(&reader->stream, reader->fd, me);
    if (raw->encoding != PCM_NONE) return open_raw_stream(reader, raw);
    if (S_ISREG(about.st_mode) && reader->owns_fd) return open_file(reader, path);
    size_t there = byte_stream_look(&reader->stream, 12, &first);
    if (reader->stream.problem) return system_words(reader, reader->stream.problem);
    if (wav_header_is(first, there)) return open_wav_stream(reader);
    if (there == 0) return refuse(reader, "is empty: nothing came");
    int status = keep_stream(reader);
    return status == STAPES_OK ? open_file(reader, path) : status;
}

int audio_reader_read(audio_reader *reader, float *out, uint32_t rows, uint32_t *got)
{
    int status = STAPES_OK;
    *got = 0;
    if (reader->file) {
        sf_count_t count = sf_readf_float(reader->file, out, rows);
        *got = count > 0 ? (uint32_t)count : 0;
    } else {
        status = read_stream(reader, out, rows, got);
    }
    reader->rows += *got;
    return status;
}

bool audio_reader_complete(audio_reader *reader)
{
    char why[300];
    if (reader->ffmpeg.process > 0 && !ffmpeg_pipe_end(&reader->ffmpeg, why, sizeof why)) {
        snprintf(reader->why, sizeof reader->why, "ends at %.3f s: %s",
                 stapes_seconds(stapes_time_of(reader->rows, reader->rate)), why);
        return false;
    }
    if (reader->file && (reader->io.problem || sf_error(reader->file) != SF_ERR_NO_ERROR)) {
        snprintf(reader->why, sizeof reader->why, "ends at %.3f s: %s",
                 stapes_seconds(stapes_time_of(reader->rows, reader->rate)),
                 reader->io.problem ? strerror(reader->io.problem) : sf_strerror(reader->file));
        return false;
    }
    if (reader->declared > reader->rows) {
        snprintf(reader->why, sizeof reader->why, "is cut short: its header says %.3f s, there are %.3f s",
                 stapes_seconds(stapes_time_of(reader->declared, reader->rate)),
                 stapes_seconds(stapes_time_of(reader->rows, reader->rate)));
        return false;
    }
    return true;
}

void audio_reader_close(audio_reader *reader)
{
    if (!reader->open) return;
    if (reader->file) sf_close(reader->file);
    ffmpeg_pipe_close(&reader->ffmpeg);
    if (reader->owns_fd) close(reader->fd);
    reader->owns_fd = false;
    reader->file = NULL;
    reader->fd = -1;
    reader->open = false;
}
