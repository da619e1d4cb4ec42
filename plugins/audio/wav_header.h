/* wav_header.h - the header of a WAV stream: read from something that cannot seek, written to it. */
#ifndef WAV_HEADER_H
#define WAV_HEADER_H

#include "byte_stream.h"

#define WAV_TO_THE_END UINT64_MAX

typedef struct wav_header {
    int      encoding; /* enum pcm_encoding */
    uint32_t rate, channels;
    uint64_t data_begin; /* bytes before the samples */
    uint64_t data_bytes; /* as the header says, or WAV_TO_THE_END where it cannot know */
} wav_header;

/* Whether bytes begin like a WAV file; 12 of them are enough. */
bool wav_header_is(const unsigned char *bytes, size_t count);

/* Takes everything up to the first sample. False with words in `why`: cut short, a compressed codec,
 * numbers that make no sense. Programs that write to a pipe cannot know the length: 0, 0xffffffff
 * (ffmpeg) and anything from 0x7ffff000 on (sox) mean "to the end"; so does a WAV with RF64 lengths of -1. */
bool wav_header_read(byte_stream *stream, wav_header *header, char *why, size_t size);

/* The 68 bytes (WAV_HEADER_BYTES) of a header with `data_bytes` bytes of samples, or, with
 * WAV_TO_THE_END or too many for the format, of unknown length. encoding as pcm_encode takes it. */
enum { WAV_HEADER_BYTES = 68 };
void wav_header_make(const wav_header *header, unsigned char bytes[WAV_HEADER_BYTES]);

#endif
