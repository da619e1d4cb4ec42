/* canvas.h - a picture of pixels: boxes, text, PNG. What lies outside is left out. */
#ifndef CANVAS_H
#define CANVAS_H

#include <stapes/kit.h>

typedef struct canvas {
    uint8_t *pixels; /* (height, width, 3) */
    int      width, height;
} canvas;

/* White. False without memory. */
bool canvas_open(canvas *c, int width, int height);
void canvas_close(canvas *c);

/* Colours are 0xrrggbb. */
void canvas_box(canvas *c, int x, int y, int width, int height, uint32_t colour);

/* UTF-8; x, y: upper left corner. */
void canvas_text(canvas *c, int x, int y, const char *text, uint32_t colour);

/* Turned to the left: reads from the bottom up; x, y: lower left corner of the whole. */
void canvas_text_up(canvas *c, int x, int y, const char *text, uint32_t colour);

/* Pixels that the text is wide. */
int canvas_text_width(const char *text);

/* STAPES_OK, or a status with words. The output is the caller's to end. */
int canvas_write(const canvas *c, stapes_output *output, stapes_error *error);

#endif
