/* pcm.h - samples as bytes (PCM of WAV streams and of raw ones) and as float32. The same values as
 * libsndfile gives for the same bytes: an integer of b bits is divided by 2^(b-1). */
#ifndef PCM_H
#define PCM_H

#include <stddef.h>
#include <stdint.h>

/* In the order of PCM_CHOICES. */
enum pcm_encoding {
    PCM_NONE = 0,
    PCM_S16LE,
    PCM_S16BE,
    PCM_S24LE,
    PCM_S24BE,
    PCM_S32LE,
    PCM_S32BE,
    PCM_F32LE,
    PCM_F32BE,
    PCM_F64LE,
    PCM_F64BE,
    PCM_U8,
    PCM_S8,
    PCM_ALAW,
    PCM_ULAW,
    PCM_ENCODINGS
};
#define PCM_CHOICES                                                                                          \
    "s16le|s16be|s24le|s24be|s32le|s32be|f32le|f32be|f64le|f64be|u8|s8|alaw|ulaw" /* from PCM_S16LE on */

/* Bytes of one sample; 0 for what is no encoding. */
size_t pcm_bytes(int encoding);

/* out (count), bytes (count * pcm_bytes(encoding)); they do not overlap. */
void pcm_decode(int encoding, const unsigned char *bytes, float *out, size_t count);

/* bytes (count * pcm_bytes(encoding)), in (count); encoding is PCM_S16LE, PCM_S24LE, PCM_S32LE or
 * PCM_F32LE. Integers are rounded to the nearest, ties to even, and held at their limits; returns how
 * many samples were, and raises *peak to the largest magnitude. */
uint64_t pcm_encode(int encoding, const float *in, unsigned char *bytes, size_t count, float *peak);

/* `in` (count) as integers of 16, 24 or 32 bits, the first bits of an int32 (as libsndfile's sf_write_int
 * takes them); rounding, return value and peak as above. */
uint64_t pcm_round(int bits, const float *in, int32_t *out, size_t count, float *peak);

#endif
