/* sniff.h - what a file is, by its first bytes, where it is not the audio that it claims to be: for the
 * words of a rejection, and to know what is worth giving to ffmpeg. */
#ifndef SNIFF_H
#define SNIFF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct sniffed {
    const char *name;    /* "MPEG-4 audio or video", "a PDF document"; NULL: not known */
    bool        media;   /* ffmpeg may have a decoder for it */
    bool        refused; /* never given to a decoder: text (which may be a play list), pictures, ... */
} sniffed;

sniffed sniff_bytes(const unsigned char *bytes, size_t count);

/* The begin of a text as a quotation that is safe to print: one line, at most 40 characters. */
char *sniff_quote(const unsigned char *bytes, size_t count, char *text, size_t size);

#endif
