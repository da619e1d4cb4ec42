/* letter.c - see letter.h. */
#include "pipeline/letter.h"

size_t st_letter_next(const char *text, size_t length, uint32_t *code)
{
    const unsigned char  *byte = (const unsigned char *)text;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t                n = byte[0] < 0x80             ? 1
                              : (byte[0] & 0xe0) == 0xc0 ? 2
                              : (byte[0] & 0xf0) == 0xe0 ? 3
                              : (byte[0] & 0xf8) == 0xf0 ? 4
                                                         : 0;
    if (n == 0 || n > length) return 0;
    uint32_t value = n == 1 ? byte[0] : byte[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((byte[i] & 0xc0) != 0x80) return 0;
        value = value << 6 | (byte[i] & 0x3fu);
    }
    if (value < least[n] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return 0;
    *code = value;
    return n;
}

uint32_t st_letter_count(const char *text, size_t length)
{
    uint32_t count = 0, code;
    for (size_t at = 0; at < length; count++) {
        size_t n = st_letter_next(text + at, length - at, &code);
        at += n ? n : 1;
    }
    return count;
}

size_t st_letter_break(const char *text, size_t length)
{
    uint32_t code;
    size_t   n = length ? st_letter_next(text, length, &code) : 0;
    if (n == 0) return 0;
    if (code == '\r') return length > 1 && text[1] == '\n' ? 2 : 1;
    return code == '\n' || code == 0x85 || code == 0x2028 || code == 0x2029 ? n : 0;
}
