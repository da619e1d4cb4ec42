/* wav_header.c - the header of a WAV stream. Written from the description of the format (RIFF MCI 1991,
 * WAVEFORMATEXTENSIBLE, EBU Tech 3306 for RF64); every length is checked before it is used, because
 * what comes in on a pipe is anybody's. */
#include "wav_header.h"
#include "pcm.h"

#include <stdio.h>
#include <string.h>

enum { TAG_PCM = 1, TAG_FLOAT = 3, TAG_ALAW = 6, TAG_ULAW = 7, TAG_EXTENSIBLE = 0xfffe };
enum { FORMAT_LEAST = 16, FORMAT_EXTENSIBLE = 40 };
static const uint64_t cannot_know = 0x7ffff000u; /* what sox writes to a pipe; ffmpeg writes 0xffffffff */

static uint32_t u16(const unsigned char *b) { return (uint32_t)b[0] | (uint32_t)b[1] << 8; }
static uint32_t u32(const unsigned char *b) { return u16(b) | u16(b + 2) << 16; }
static uint64_t u64(const unsigned char *b) { return u32(b) | (uint64_t)u32(b + 4) << 32; }

static void put16(unsigned char *b, uint32_t value)
{
    b[0] = (unsigned char)value;
    b[1] = (unsigned char)(value >> 8);
}
static void put32(unsigned char *b, uint32_t value)
{
    put16(b, value);
    put16(b + 2, value >> 16);
}

bool wav_header_is(const unsigned char *bytes, size_t count)
{
    return count >= 12 && (memcmp(bytes, "RIFF", 4) == 0 || memcmp(bytes, "RF64", 4) == 0) &&
           memcmp(bytes + 8, "WAVE", 4) == 0;
}

static int encoding_of(uint32_t tag, uint32_t bits)
{
    if (tag == TAG_PCM && bits == 8) return PCM_U8;
    if (tag == TAG_PCM && bits == 16) return PCM_S16LE;
    if (tag == TAG_PCM && bits == 24) return PCM_S24LE;
    if (tag == TAG_PCM && bits == 32) return PCM_S32LE;
    if (tag == TAG_FLOAT && bits == 32) return PCM_F32LE;
    if (tag == TAG_FLOAT && bits == 64) return PCM_F64LE;
    if (tag == TAG_ALAW && bits == 8) return PCM_ALAW;
    if (tag == TAG_ULAW && bits == 8) return PCM_ULAW;
    return PCM_NONE;
}

/* The chunk "fmt ". */
static bool read_format(const unsigned char *b, size_t bytes, wav_header *header, char *why, size_t size)
{
    uint32_t tag = u16(b), bits = u16(b + 14), block = u16(b + 12);
    if (tag == TAG_EXTENSIBLE && bytes >= FORMAT_EXTENSIBLE) tag = u16(b + 24);
    header->channels = u16(b + 2);
    header->rate = u32(b + 4);
    header->encoding = encoding_of(tag, bits);
    if (header->encoding == PCM_NONE) {
        snprintf(why, size,
                 "is a WAV stream with codec %u of %u bits; streams may have PCM of 8, 16, 24 and 32 bits, "
                 "float of 32 and 64, A-law and u-law: write it to a file, or convert it before",
                 tag, bits);
        return false;
    }
    if (header->channels == 0 || header->rate == 0) {
        snprintf(why, size, "is a WAV stream whose header says %u channels at %u Hz", header->channels,
                 header->rate);
        return false;
    }
    if (block != header->channels * pcm_bytes(header->encoding)) {
        snprintf(why, size, "is a WAV stream whose header says %u bytes for %u channels of %u bits", block,
                 header->channels, bits);
        return false;
    }
    return true;
}

bool wav_header_read(byte_stream *stream, wav_header *header, char *why, size_t size)
{
    unsigned char head[12], format[FORMAT_EXTENSIBLE] = {0};
    uint64_t      long_data = WAV_TO_THE_END;
    memset(header, 0, sizeof *header);
    if (byte_stream_take(stream, head, 12) != 12 || !wav_header_is(head, 12)) {
        snprintf(why, size, "is no WAV stream");
        return false;
    }
    for (;;) {
        uint64_t there = byte_stream_take(stream, head, 8);
        if (there != 8) break;
        uint64_t bytes = u32(head + 4), padded = bytes + (bytes & 1), taken = 0;
        if (memcmp(head, "data", 4) == 0) {
            if (header->encoding == PCM_NONE) {
                snprintf(why, size, "is a WAV stream whose samples come before their format");
                return false;
            }
            header->data_begin = stream->taken;
            header->data_bytes = bytes == 0xffffffffu                 ? long_data
                                 : bytes == 0 || bytes >= cannot_know ? WAV_TO_THE_END
                                                                      : bytes;
            return true;
        }
        if (memcmp(head, "fmt ", 4) == 0) {
            if (bytes < FORMAT_LEAST) {
                snprintf(why, size, "is a WAV stream whose format takes %u bytes; at least 16 are needed",
                         (unsigned)bytes);
                return false;
            }
            taken = bytes < FORMAT_EXTENSIBLE ? bytes : FORMAT_EXTENSIBLE;
            if (byte_stream_take(stream, format, taken) != taken) break;
            if (!read_format(format, (size_t)taken, header, why, size)) return false;
        } else if (memcmp(head, "ds64", 4) == 0 && bytes >= 16) {
            unsigned char lengths[16];
            taken = sizeof lengths;
            if (byte_stream_take(stream, lengths, taken) != taken) break;
            long_data = u64(lengths + 8);
            if (long_data == 0) long_data = WAV_TO_THE_END;
        }
        if (byte_stream_take(stream, NULL, padded - taken) != padded - taken) break;
    }
    snprintf(why, size, "is a WAV stream that ends inside its header, after %llu bytes",
             (unsigned long long)stream->taken);
    return false;
}

void wav_header_make(const wav_header *header, unsigned char bytes[WAV_HEADER_BYTES])
{
    static const unsigned char subformat[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71};
    uint32_t sample = (uint32_t)pcm_bytes(header->encoding), block = sample * header->channels;
    bool     unknown = header->data_bytes > 0xffffffffu - WAV_HEADER_BYTES;
    uint32_t data = unknown ? 0xffffffffu : (uint32_t)header->data_bytes;
    memset(bytes, 0, WAV_HEADER_BYTES);
    memcpy(bytes, "RIFF", 4);
    put32(bytes + 4, unknown ? 0xffffffffu : data + WAV_HEADER_BYTES - 8);
    memcpy(bytes + 8, "WAVEfmt ", 8);
    put32(bytes + 16, FORMAT_EXTENSIBLE);
    put16(bytes + 20, TAG_EXTENSIBLE);
    put16(bytes + 22, header->channels);
    put32(bytes + 24, header->rate);
    put32(bytes + 28, header->rate * block);
    put16(bytes + 32, block);
    put16(bytes + 34, 8 * sample);
    put16(bytes + 36, FORMAT_EXTENSIBLE - 18);
    put16(bytes + 38, 8 * sample);
    put32(bytes + 40, header->channels == 1 ? 4 : header->channels == 2 ? 3 : 0); /* speakers */
    put16(bytes + 44, header->encoding == PCM_F32LE ? TAG_FLOAT : TAG_PCM);
    memcpy(bytes + 46, subformat, sizeof subformat);
    memcpy(bytes + 60, "data", 4);
    put32(bytes + 64, data);
}
