/* utf8.h - UTF-8 checked and written, for readers of files. */
#ifndef ST_UTF8_H
#define ST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text`, of which `size` bytes are there; 0 if it is none (cut, overlong, a
 * surrogate, above U+10FFFF). */
size_t st_utf8_length(const char *text, size_t size);

/* Whether all of it is UTF-8. */
bool st_utf8_is_valid(const char *text, size_t size);

/* Writes the character, 1 to 4 bytes, and returns the place behind it. */
char *st_utf8_write(uint32_t code, char *out);

#endif
