/* audio_parts_test.c - samples and headers as plugins/audio reads and writes them, beside libsndfile. */
#include "check.h"
#include "ffmpeg_pipe.h"
#include "pcm.h"
#include "sniff.h"
#include "wav_header.h"

#include <fcntl.h>
#include <math.h>
#include <sndfile.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COUNT = 256 * 256 };

/* Every 16-bit value and many others: the same floats as libsndfile's. */
static void compare_decoding(const char *name, int encoding, int subformat)
{
    static unsigned char bytes[COUNT * 8];
    static float         ours[COUNT], theirs[COUNT];
    const size_t         size = pcm_bytes(encoding);
    unsigned             seed = 12345, differ = 0;
    for (size_t i = 0; i < COUNT * size; i++)
        bytes[i] = (unsigned char)((seed = seed * 1664525 + 1013904223) >> 24);
    for (size_t i = 0; i < COUNT && (size == 1 || size == 2); i++) {
        bytes[i * size] = (unsigned char)i;
        if (size == 2) bytes[i * size + 1] = (unsigned char)(i >> 8);
    }
    int     memory = memfd_create(name, 0);
    SF_INFO info = {.samplerate = 8000, .channels = 1, .format = SF_FORMAT_RAW | subformat};
    CHECK(write(memory, bytes, COUNT * size) == (ssize_t)(COUNT * size));
    lseek(memory, 0, SEEK_SET);
    SNDFILE *file = sf_open_fd(memory, SFM_READ, &info, SF_TRUE);
    CHECK(file != NULL);
    CHECK(sf_read_float(file, theirs, COUNT) == COUNT);
    sf_close(file);
    pcm_decode(encoding, bytes, ours, COUNT);
    for (size_t i = 0; i < COUNT; i++)
        if (!(ours[i] == theirs[i] || (isnan(ours[i]) && isnan(theirs[i])))) differ++;
    if (differ) fprintf(stderr, "%s: %u samples differ\n", name, differ);
    CHECK(differ == 0);
}

static void test_decoding(void)
{
    compare_decoding("s16le", PCM_S16LE, SF_FORMAT_PCM_16 | SF_ENDIAN_LITTLE);
    compare_decoding("s16be", PCM_S16BE, SF_FORMAT_PCM_16 | SF_ENDIAN_BIG);
    compare_decoding("s24le", PCM_S24LE, SF_FORMAT_PCM_24 | SF_ENDIAN_LITTLE);
    compare_decoding("s24be", PCM_S24BE, SF_FORMAT_PCM_24 | SF_ENDIAN_BIG);
    compare_decoding("s32le", PCM_S32LE, SF_FORMAT_PCM_32 | SF_ENDIAN_LITTLE);
    compare_decoding("s32be", PCM_S32BE, SF_FORMAT_PCM_32 | SF_ENDIAN_BIG);
    compare_decoding("f32le", PCM_F32LE, SF_FORMAT_FLOAT | SF_ENDIAN_LITTLE);
    compare_decoding("f32be", PCM_F32BE, SF_FORMAT_FLOAT | SF_ENDIAN_BIG);
    compare_decoding("f64le", PCM_F64LE, SF_FORMAT_DOUBLE | SF_ENDIAN_LITTLE);
    compare_decoding("f64be", PCM_F64BE, SF_FORMAT_DOUBLE | SF_ENDIAN_BIG);
    compare_decoding("u8", PCM_U8, SF_FORMAT_PCM_U8);
    compare_decoding("s8", PCM_S8, SF_FORMAT_PCM_S8);
    compare_decoding("alaw", PCM_ALAW, SF_FORMAT_ALAW);
    compare_decoding("ulaw", PCM_ULAW, SF_FORMAT_ULAW);
    CHECK(pcm_bytes(PCM_NONE) == 0 && pcm_bytes(PCM_ENCODINGS) == 0 && pcm_bytes(-1) == 0);
}

/* What was read is written as it was; beyond the limits it is held, counted and measured. */
static void test_encoding(void)
{
    static const int encodings[] = {PCM_S16LE, PCM_S24LE, PCM_S32LE, PCM_F32LE};
    for (size_t e = 0; e < 4; e++) {
        unsigned char before[3 * 4] = {0x34, 0x12, 0x80, 0x00, 0x80, 0x7f,
                                       0xff, 0x7f, 0x00, 0x00, 0x10, 0xbf},
                                 after[12];
        float        samples[6], peak = 0;
        const size_t count = sizeof before / pcm_bytes(encodings[e]);
        if (encodings[e] == PCM_S32LE) before[0] = before[4] = 0; /* float32 holds 24 bits */
        pcm_decode(encodings[e], before, samples, count);
        CHECK(pcm_encode(encodings[e], samples, after, count, &peak) == 0);
        CHECK(memcmp(before, after, sizeof before) == 0);
    }
    const float   loud[] = {1.0f, 1.5f, -1.0f, -2.5f, NAN, 0.5f / 32768, 1.5f / 32768};
    const int16_t held[] = {32767, 32767, -32768, -32768, 0, 0, 2};
    unsigned char bytes[14];
    float         peak = 0;
    CHECK(pcm_encode(PCM_S16LE, loud, bytes, 7, &peak) == 3);
    CHECK(peak == 2.5f);
    for (size_t i = 0; i < 7; i++) CHECK((int16_t)(bytes[2 * i] | bytes[2 * i + 1] << 8) == held[i]);
}

/* The header in `bytes`, which is as long as the stream. */
static bool read_header(const void *bytes, size_t size, wav_header *header, char *why)
{
    static byte_stream stream;
    int                memory = memfd_create("header", 0);
    CHECK(write(memory, bytes, size) == (ssize_t)size);
    lseek(memory, 0, SEEK_SET);
    byte_stream_open(&stream, memory, NULL);
    bool good = wav_header_read(&stream, header, why, 300);
    close(memory);
    return good;
}

static void test_header(void)
{
    unsigned char bytes[WAV_HEADER_BYTES + 16] = {0}, changed[sizeof bytes];
    wav_header    made = {.encoding = PCM_F32LE, .rate = 44100, .channels = 2, .data_bytes = 16}, read;
    char          why[300] = "";
    wav_header_make(&made, bytes);
    CHECK(wav_header_is(bytes, 12) && !wav_header_is(bytes, 11));
    CHECK(read_header(bytes, sizeof bytes, &read, why));
    CHECK(read.encoding == PCM_F32LE && read.rate == 44100 && read.channels == 2 && read.data_bytes == 16);
    CHECK(read.data_begin == WAV_HEADER_BYTES);

    /* libsndfile reads it the same */
    int     memory = memfd_create("wav", 0);
    SF_INFO info = {0};
    CHECK(write(memory, bytes, sizeof bytes) == sizeof bytes);
    lseek(memory, 0, SEEK_SET);
    SNDFILE *file = sf_open_fd(memory, SFM_READ, &info, SF_TRUE);
    CHECK(file && info.frames == 2 && info.channels == 2 && info.samplerate == 44100);
    CHECK(info.format == (SF_FORMAT_WAVEX | SF_FORMAT_FLOAT));
    sf_close(file);

    /* lengths of those who cannot know: 0, sox's, ffmpeg's; ours */
    static const unsigned char lengths[][4] = {{0, 0, 0, 0}, {0, 0xf0, 0xff, 0x7f}, {0xff, 0xff, 0xff, 0xff}};
    for (size_t i = 0; i < 3; i++) {
        memcpy(changed, bytes, sizeof bytes);
        memcpy(changed + 64, lengths[i], 4);
        CHECK(read_header(changed, sizeof changed, &read, why) && read.data_bytes == WAV_TO_THE_END);
    }
    made.data_bytes = WAV_TO_THE_END;
    wav_header_make(&made, changed);
    CHECK(memcmp(changed + 64, lengths[2], 4) == 0 && memcmp(changed + 4, lengths[2], 4) == 0);

    /* cut anywhere: words, never samples */
    for (size_t size = 0; size < WAV_HEADER_BYTES; size++) {
        CHECK(!read_header(bytes, size, &read, why));
        CHECK_HAS(why, size < 12 ? "is no WAV stream" : "ends inside its header");
    }
    memcpy(changed, bytes, sizeof bytes);
    changed[44] = 2; /* ADPCM */
    CHECK(!read_header(changed, sizeof changed, &read, why));
    CHECK_HAS(why, "codec 2 of 32 bits; streams may have PCM");
    memcpy(changed, bytes, sizeof bytes);
    changed[22] = 0;
    CHECK(!read_header(changed, sizeof changed, &read, why));
    CHECK_HAS(why, "0 channels at 44100 Hz");
    memcpy(changed, bytes, sizeof bytes);
    changed[32] = 7;
    CHECK(!read_header(changed, sizeof changed, &read, why));
    CHECK_HAS(why, "says 7 bytes for 2 channels of 32 bits");
    memcpy(changed, bytes, sizeof bytes);
    changed[16] = 14;
    CHECK(!read_header(changed, sizeof changed, &read, why));
    CHECK_HAS(why, "format takes 14 bytes");
    memcpy(changed, bytes, sizeof bytes);
    memcpy(changed + 12, "data", 4);
    CHECK(!read_header(changed, sizeof changed, &read, why));
    CHECK_HAS(why, "samples come before their format");
    /* a chunk that says it has 4 GB */
    memcpy(changed, bytes, sizeof bytes);
    memcpy(changed + 12, "LIST\xff\xff\xff\xff", 8);
    CHECK(!read_header(changed, sizeof changed, &read, why));
    CHECK_HAS(why, "ends inside its header, after 84 bytes");
}

static void test_sniffing(void)
{
    char          text[64];
    unsigned char mp4[] = {0, 0, 0, 0x20, 'f', 't', 'y', 'p', 'M', '4', 'A', ' '};
    CHECK_TEXT(sniff_bytes(mp4, sizeof mp4).name, "MPEG-4 audio or video");
    CHECK(sniff_bytes(mp4, sizeof mp4).media);
    CHECK(sniff_bytes(mp4, 7).name == NULL);
    const char *list = "#EXTM3U\nhttp://example.org/a.mp3\n";
    CHECK_TEXT(sniff_bytes((const unsigned char *)list, strlen(list)).name, "text");
    CHECK(sniff_bytes((const unsigned char *)list, strlen(list)).refused);
    CHECK_TEXT(sniff_quote((const unsigned char *)list, strlen(list), text, sizeof text), "#EXTM3U");
    CHECK_TEXT(sniff_quote((const unsigned char *)"a\033[1mb\"\xff", 8, text, sizeof text), "a?[1mb\"?");
    CHECK(sniff_bytes((const unsigned char *)"\x01\x02\x03", 3).name == NULL);
    CHECK(sniff_bytes((const unsigned char *)"", 0).name == NULL);
}

static void test_commands(void)
{
    char text[200], small[24];
    CHECK_TEXT(ffmpeg_pipe_command("a/b.c/it's.m4a", text, sizeof text),
               "ffmpeg -i 'a/b.c/it'\\''s.m4a' 'a/b.c/it'\\''s.wav'");
    CHECK_TEXT(ffmpeg_pipe_command("a.b/c", text, sizeof text), "ffmpeg -i 'a.b/c' 'a.b/c.wav'");
    CHECK(strlen(ffmpeg_pipe_command("a-very-long-name-that-has-no-room.m4a", small, sizeof small)) <
          sizeof small);
}

int main(void)
{
    test_decoding();
    test_encoding();
    test_header();
    test_sniffing();
    test_commands();
    return check_done();
}
