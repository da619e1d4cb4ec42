/* utf8.h - UTF-8 checked, read and written: for readers of files, and for columns in messages. */
#ifndef ST_UTF8_H
#define ST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of the character at `text`, of which `size` bytes are there; 0 if it is none (cut, overlong, a
 * surrogate, above U+10FFFF). */
size_t st_utf8_length(const char *text, size_t size);

/* The same, with the character's number in *code where it is one. */
size_t st_utf8_next(const char *text, size_t size, uint32_t *code);

/* Whether all of it is UTF-8. */
bool st_utf8_is_valid(const char *text, size_t size);

/* Characters in `size` bytes; a byte that is not UTF-8 counts as one. */
uint32_t st_utf8_count(const char *text, size_t size);

/* Bytes of the line break at `text` (those of YAML: LF, CR, CR LF, NEL, LS, PS), or 0. */
size_t st_utf8_break(const char *text, size_t size);

/* Writes the character, 1 to 4 bytes, and returns the place behind it. */
char *st_utf8_write(uint32_t code, char *out);

#endif
