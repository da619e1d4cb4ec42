/* letter.h - one character of UTF-8 after the other, for columns and carets. */
#ifndef ST_LETTER_H
#define ST_LETTER_H

#include <stddef.h>
#include <stdint.h>

/* The length in bytes of the character that begins at text, *code its number; 0 if these are not UTF-8
 * (overlong, surrogate, beyond 0x10ffff, cut short). length > 0. */
size_t st_letter_next(const char *text, size_t length, uint32_t *code);

/* Characters in `length` bytes; a byte that is not UTF-8 counts as one. */
uint32_t st_letter_count(const char *text, size_t length);

/* Bytes of the line break that begins at text (LF, CR, CR LF, NEL, LS, PS: those of YAML), or 0. */
size_t st_letter_break(const char *text, size_t length);

#endif
