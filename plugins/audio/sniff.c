/* sniff.c - what a file is, by its first bytes. */
#include "sniff.h"

#include <string.h>

enum { QUOTED = 40 };

typedef struct magic {
    size_t      at, length;
    const char *bytes;
    sniffed     what;
} magic;

/* The first that fits. */
static const magic known[] = {
    {4, 4, "ftyp", {"MPEG-4 audio or video", true, false}},
    {0, 4, "\x1a\x45\xdf\xa3", {"WebM or Matroska", true, false}},
    {0, 4, "\x30\x26\xb2\x75", {"Windows Media audio", true, false}},
    {0, 2, "\xff\xf1", {"AAC audio", true, false}},
    {0, 2, "\xff\xf9", {"AAC audio", true, false}},
    {0, 4, "ADIF", {"AAC audio", true, false}},
    {0, 5, "#!AMR", {"AMR audio", true, false}},
    {0, 4, "MAC ", {"Monkey's Audio", true, false}},
    {0, 4, "wvpk", {"WavPack audio", true, false}},
    {0, 4, "TTA1", {"True Audio", true, false}},
    {0, 4, "MThd", {"a MIDI file, notes and no sound", false, true}},
    {8, 4, "AVI ", {"AVI video", true, false}},
    {0, 3, "FLV", {"Flash video", true, false}},
    {0, 4, "%PDF", {"a PDF document", false, true}},
    {0, 4, "PK\x03\x04", {"a ZIP archive; unpack it before", false, true}},
    {0, 2, "\x1f\x8b", {"gzip-compressed; unpack it before", false, true}},
    {0,
     6,
     "\xfd"
     "7zXZ\0",
     {"xz-compressed; unpack it before", false, true}},
    {0, 3, "BZh", {"bzip2-compressed; unpack it before", false, true}},
    {0, 8, "\x89PNG\r\n\x1a\n", {"a PNG picture", false, true}},
    {0, 3, "\xff\xd8\xff", {"a JPEG picture", false, true}},
    {0,
     4,
     "\x7f"
     "ELF",
     {"a program", false, true}},
    {0,
     23,
     "version https://git-lfs",
     {"a Git LFS pointer, not the file itself; fetch it: git lfs pull", false, true}},
};

/* No control characters but white space, and not a byte that UTF-8 and Latin-1 texts lack. */
static bool is_text(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if ((bytes[i] < 32 && !strchr("\t\n\r\f\x1b", bytes[i])) || bytes[i] == 0 || bytes[i] == 127)
            return false;
    return count > 0;
}

sniffed sniff_bytes(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].at + known[i].length <= count &&
            memcmp(bytes + known[i].at, known[i].bytes, known[i].length) == 0)
            return known[i].what;
    if (is_text(bytes, count)) return (sniffed){"text", false, true};
    return (sniffed){NULL, false, false};
}

char *sniff_quote(const unsigned char *bytes, size_t count, char *text, size_t size)
{
    size_t length = 0;
    for (size_t i = 0; i < count && length < QUOTED && length + 1 < size; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') break;
        text[length++] = bytes[i] >= 32 && bytes[i] < 127 ? (char)bytes[i] : '?';
    }
    text[length] = '\0';
    return text;
}
