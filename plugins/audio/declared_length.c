/* declared_length.c - how long a file says that it is. */
#include "declared_length.h"

#include <stdlib.h>
#include <string.h>

static uint32_t big32(const unsigned char *b)
{
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* Chunks: name, size, content, padded to even; "COMM" begins with channels (2 bytes) and rows (4). */
static int64_t aiff(const unsigned char *first, size_t count)
{
    for (size_t at = 12; at + 14 <= count;) {
        size_t size = big32(first + at + 4);
        if (memcmp(first + at, "COMM", 4) == 0) return big32(first + at + 10);
        if (size > count) break;
        at += 8 + size + (size & 1);
    }
    return -1;
}

/* ".snd", place of the data, its bytes, encoding, rate, channels. */
static int64_t au(const unsigned char *first, size_t count)
{
    static const unsigned char sample_bytes[] = {0, 1, 1, 2, 3, 4, 4, 8}; /* by encoding */
    if (count < 24) return -1;
    uint32_t bytes = big32(first + 8), encoding = big32(first + 12), channels = big32(first + 20);
    uint32_t sample = encoding == 27 ? 1 : encoding < sizeof sample_bytes ? sample_bytes[encoding] : 0;
    if (bytes == 0xffffffffu || !sample || !channels || channels > 1024) return -1;
    return bytes / (sample * channels);
}

/* Lines of text: "sample_count -i 16000". */
static int64_t nist(const unsigned char *first, size_t count)
{
    static const char word[] = "\nsample_count -i ";
    char              text[1025];
    if (count >= sizeof text) count = sizeof text - 1;
    memcpy(text, first, count);
    text[count] = '\0';
    const char *line = strstr(text, word);
    if (!line) return -1;
    long long rows = strtoll(line + sizeof word - 1, NULL, 10);
    return rows > 0 ? rows : -1;
}

int64_t declared_length(const unsigned char *first, size_t count)
{
    if (count >= 12 && memcmp(first, "FORM", 4) == 0 && memcmp(first + 8, "AIF", 3) == 0)
        return aiff(first, count);
    if (count >= 4 && memcmp(first, ".snd", 4) == 0) return au(first, count);
    if (count >= 8 && memcmp(first, "NIST_1A\n", 8) == 0) return nist(first, count);
    return -1;
}
