/* utf8.c - see utf8.h. RFC 3629. */
#include "contract/utf8.h"

size_t st_utf8_length(const char *text, size_t size)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t               length = !size         ? 0
                                  : s[0] < 0x80 ? 1
                                  : s[0] < 0xc2 ? 0
                                  : s[0] < 0xe0 ? 2
                                  : s[0] < 0xf0 ? 3
                                  : s[0] < 0xf5 ? 4
                                                : 0;
    if (!length || length > size) return 0;
    for (size_t i = 1; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

size_t st_utf8_next(const char *text, size_t size, uint32_t *code)
{
    size_t length = st_utf8_length(text, size);
    if (length == 0) return 0;
    *code = (unsigned char)text[0] & (length == 1 ? 0x7fu : 0x7fu >> length);
    for (size_t i = 1; i < length; i++) *code = *code << 6 | ((unsigned char)text[i] & 0x3fu);
    return length;
}

bool st_utf8_is_valid(const char *text, size_t size)
{
    for (size_t at = 0, length; at < size; at += length)
        if (!(length = st_utf8_length(text + at, size - at))) return false;
    return true;
}

uint32_t st_utf8_count(const char *text, size_t size)
{
    uint32_t count = 0;
    for (size_t at = 0; at < size; count++) {
        size_t length = st_utf8_length(text + at, size - at);
        at += length ? length : 1;
    }
    return count;
}

size_t st_utf8_break(const char *text, size_t size)
{
    uint32_t code;
    size_t   length = st_utf8_next(text, size, &code);
    if (length == 0) return 0;
    if (code == '\r') return size > 1 && text[1] == '\n' ? 2 : 1;
    return code == '\n' || code == 0x85 || code == 0x2028 || code == 0x2029 ? length : 0;
}

char *st_utf8_write(uint32_t code, char *out)
{
    static const uint32_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int                   length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    out[0] = (char)(first[length] | code);
    return out + length;
}
