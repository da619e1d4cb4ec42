/* pcm.c - samples as bytes and as float32. Byte by byte, so that neither the machine's byte order nor
 * alignment matters; compilers make single loads of it. */
#include "pcm.h"

#include <math.h>
#include <string.h>

size_t pcm_bytes(int encoding)
{
    static const unsigned char bytes[PCM_ENCODINGS] = {0, 2, 2, 3, 3, 4, 4, 4, 4, 8, 8, 1, 1, 1, 1};
    return encoding > PCM_NONE && encoding < PCM_ENCODINGS ? bytes[encoding] : 0;
}

/* The first `bytes` bytes as an unsigned number, least significant byte first or last. */
static uint64_t little(const unsigned char *b, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = bytes; i-- > 0;) value = value << 8 | b[i];
    return value;
}

static uint64_t big(const unsigned char *b, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) value = value << 8 | b[i];
    return value;
}

static float float_of(uint64_t bits)
{
    uint32_t narrow = (uint32_t)bits;
    float    value;
    memcpy(&value, &narrow, sizeof value);
    return value;
}

static float double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return (float)value;
}

/* A two's complement number of 8 * bytes bits, as a fraction of its limit. */
static float fraction(uint64_t value, size_t bytes)
{
    uint32_t high = (uint32_t)value << (8 * (4 - bytes));
    int64_t  full = (int64_t)high - (high >= 0x80000000u ? INT64_C(0x100000000) : 0);
    return (float)((double)full / 2147483648.0);
}

/* ITU-T G.711. */
static float alaw(unsigned char code)
{
    int c = code ^ 0x55, exponent = (c >> 4) & 7, magnitude = (c & 15) << 4;
    magnitude = exponent ? (magnitude + 0x108) << (exponent - 1) : magnitude + 8;
    return (float)(c & 0x80 ? magnitude : -magnitude) / 32768.0f;
}

static float ulaw(unsigned char code)
{
    int c = ~code & 0xff, magnitude = ((((c & 15) << 3) + 0x84) << ((c >> 4) & 7)) - 0x84;
    return (float)(c & 0x80 ? -magnitude : magnitude) / 32768.0f;
}

void pcm_decode(int encoding, const unsigned char *bytes, float *out, size_t count)
{
    const size_t step = pcm_bytes(encoding);
    for (size_t i = 0; i < count; i++, bytes += step) {
        switch (encoding) {
        case PCM_S16LE:
        case PCM_S24LE:
        case PCM_S32LE:
        case PCM_S8: out[i] = fraction(little(bytes, step), step); break;
        case PCM_S16BE:
        case PCM_S24BE:
        case PCM_S32BE: out[i] = fraction(big(bytes, step), step); break;
        case PCM_F32LE: out[i] = float_of(little(bytes, 4)); break;
        case PCM_F32BE: out[i] = float_of(big(bytes, 4)); break;
        case PCM_F64LE: out[i] = double_of(little(bytes, 8)); break;
        case PCM_F64BE: out[i] = double_of(big(bytes, 8)); break;
        case PCM_U8: out[i] = (float)(bytes[0] - 128) / 128.0f; break;
        case PCM_ALAW: out[i] = alaw(bytes[0]); break;
        case PCM_ULAW: out[i] = ulaw(bytes[0]); break;
        default: out[i] = 0.0f;
        }
    }
}

uint64_t pcm_round(int bits, const float *in, int32_t *out, size_t count, float *peak)
{
    const double scale = ldexp(1.0, bits - 1), greatest = scale - 1.0, shift = ldexp(1.0, 32 - bits);
    uint64_t     clipped = 0;
    for (size_t i = 0; i < count; i++) {
        double value = nearbyint((double)in[i] * scale);
        if (fabsf(in[i]) > *peak) *peak = fabsf(in[i]);
        /* 1.0 itself is the usual full scale of floating point: it becomes the largest integer in
         * silence. The comparisons are so written that a NaN becomes silence and counts. */
        if (!(in[i] <= 1.0f && in[i] >= -1.0f)) clipped++;
        value = value > greatest ? greatest : value >= -scale ? value : value < -scale ? -scale : 0.0;
        out[i] = (int32_t)(value * shift);
    }
    return clipped;
}

uint64_t pcm_encode(int encoding, const float *in, unsigned char *bytes, size_t count, float *peak)
{
    const size_t step = pcm_bytes(encoding);
    uint64_t     clipped = 0;
    for (size_t i = 0; i < count; i++, bytes += step) {
        int32_t  whole = 0;
        uint32_t bits;
        if (encoding == PCM_F32LE) {
            memcpy(&bits, in + i, sizeof bits);
        } else {
            clipped += pcm_round((int)(8 * step), in + i, &whole, 1, peak);
            bits = (uint32_t)whole >> (8 * (4 - step));
        }
        for (size_t b = 0; b < step; b++) bytes[b] = (unsigned char)(bits >> (8 * b));
    }
    return clipped;
}
