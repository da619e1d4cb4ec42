/* audio_reader.h - one recording opened, whatever it is in: a file that libsndfile or ffmpeg reads, a WAV
 * stream or raw samples from a pipe. */
#ifndef AUDIO_READER_H
#define AUDIO_READER_H

#include "byte_stream.h"
#include "ffmpeg_pipe.h"
#include "sound_io.h"

enum { AUDIO_WORDS = 800 };

/* What raw samples are. */
typedef struct audio_raw {
    int      encoding; /* enum pcm_encoding; PCM_NONE: files say what they are */
    uint32_t rate, channels;
} audio_raw;

typedef struct audio_reader {
    uint32_t rate, channels;
    int64_t  rows;     /* read so far */
    int64_t  declared; /* rows that the header speaks of, -1: it does not know */
    char     why[AUDIO_WORDS];

    /* its own */
    bool        open;
    bool        owns_fd;
    SNDFILE    *file;
    sound_io    io; /* of file */
    int         fd; /* -1: none */
    int         encoding;
    uint64_t    bytes_left;
    ffmpeg_pipe ffmpeg;
    byte_stream stream;
} audio_reader;

/* Opens `path`, "-" being standard input. STAPES_EINPUT with words in `why` if it is no audio,
 * STAPES_ECANCELED. Whatever it returns, close follows. */
int audio_reader_open(audio_reader *reader, const stapes_instance *me, const char *path,
                      const audio_raw *raw);

/* Up to `rows` rows into out (rows, channels); fewer only at the end, then *got < rows. A negative status
 * with words in `why`. */
int audio_reader_read(audio_reader *reader, float *out, uint32_t rows, uint32_t *got);

/* After the last row: false with words in `why` if there is less than there should be. */
bool audio_reader_complete(audio_reader *reader);

/* Releases everything; for what was never opened too, if zeroed. */
void audio_reader_close(audio_reader *reader);

#endif
