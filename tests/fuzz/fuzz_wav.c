/* fuzz_wav.c - a WAV stream from a pipe: any bytes are refused with words or have a shape that makes
 * sense, and what follows decodes without leaving its buffers. */
#include "byte_stream.h"
#include "declared_length.h"
#include "fuzz.h"
#include "pcm.h"
#include "sniff.h"
#include "wav_header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static byte_stream stream;
    wav_header         header;
    char               why[300] = "", quote[64];
    unsigned char      piece[240]; /* whole samples of every size */
    float              samples[240];
    byte_stream_open(&stream, -1, NULL);
    if (size > sizeof stream.buffer) size = sizeof stream.buffer;
    if (size) memcpy(stream.buffer, data, size);
    stream.end = size;
    (void)sniff_bytes(data, size);
    if (declared_length(data, size) < -1) abort();
    if (strlen(sniff_quote(data, size, quote, sizeof quote)) >= sizeof quote) abort();
    if (!wav_header_read(&stream, &header, why, sizeof why)) {
        if (!*why) abort();
        return 0;
    }
    const size_t sample = pcm_bytes(header.encoding);
    if (!sample || !header.rate || !header.channels || header.data_begin > size) abort();
    for (uint64_t got; (got = byte_stream_take(&stream, piece, sizeof piece)) > 0;)
        pcm_decode(header.encoding, piece, samples, (size_t)got / sample);
    return 0;
}
