/* glyphs.h - a small bitmap font for the labels of pictures: no font of the machine is needed. */
#ifndef GLYPHS_H
#define GLYPHS_H

#include <stdint.h>

enum { GLYPH_WIDTH = 6, GLYPH_HEIGHT = 13 };

/* The rows of a character (Unicode), from the top, the highest bit on the left; a box for one that is not
 * there. */
const uint8_t *glyph_of(uint32_t character);

/* Takes the next character of a UTF-8 text; 0 at its end. */
uint32_t glyph_next(const char **text);

#endif
