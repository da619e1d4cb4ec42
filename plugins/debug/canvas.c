/* canvas.c - see canvas.h. */
#include "canvas.h"
#include "glyphs.h"

#include <png.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool canvas_open(canvas *c, int width, int height)
{
    *c = (canvas){.width = width, .height = height};
    c->pixels = malloc((size_t)width * (size_t)height * 3);
    if (c->pixels) memset(c->pixels, 0xff, (size_t)width * (size_t)height * 3);
    return c->pixels != NULL;
}

void canvas_close(canvas *c)
{
    free(c->pixels);
    *c = (canvas){0};
}

static void put(canvas *c, int x, int y, uint32_t colour)
{
    if (x < 0 || y < 0 || x >= c->width || y >= c->height) return;
    uint8_t *pixel = c->pixels + ((size_t)y * (size_t)c->width + (size_t)x) * 3;
    pixel[0] = (uint8_t)(colour >> 16);
    pixel[1] = (uint8_t)(colour >> 8);
    pixel[2] = (uint8_t)colour;
}

void canvas_box(canvas *c, int x, int y, int width, int height, uint32_t colour)
{
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) put(c, x + i, y + j, colour);
}

/* The text in steps of one character, to the right or, turned, upwards. */
static void write_text(canvas *c, int x, int y, const char *text, uint32_t colour, bool up)
{
    for (uint32_t character = glyph_next(&text); character; character = glyph_next(&text)) {
        const uint8_t *rows = glyph_of(character);
        for (int j = 0; j < GLYPH_HEIGHT; j++)
            for (int i = 0; i < GLYPH_WIDTH; i++)
                if (rows[j] & 0x80 >> i) put(c, up ? x + j : x + i, up ? y - i : y + j, colour);
        x += up ? 0 : GLYPH_WIDTH;
        y -= up ? GLYPH_WIDTH : 0;
    }
}

void canvas_text(canvas *c, int x, int y, const char *text, uint32_t colour)
{
    write_text(c, x, y, text, colour, false);
}

void canvas_text_up(canvas *c, int x, int y, const char *text, uint32_t colour)
{
    write_text(c, x, y, text, colour, true);
}

int canvas_text_width(const char *text)
{
    int width = 0;
    while (glyph_next(&text)) width += GLYPH_WIDTH;
    return width;
}

int canvas_write(const canvas *c, stapes_output *output, stapes_error *error)
{
    png_image image = {.version = PNG_IMAGE_VERSION};
    image.width = (png_uint_32)c->width;
    image.height = (png_uint_32)c->height;
    image.format = PNG_FORMAT_RGB;
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    void            *bytes = malloc(size);
    int              status = STAPES_OK;
    if (!bytes || !png_image_write_to_memory(&image, bytes, &size, 0, c->pixels, 0, NULL)) {
        status = error->status = bytes ? STAPES_ESYSTEM : STAPES_ENOMEM;
        (void)snprintf(error->text, sizeof error->text, "%s: cannot make the picture: %s", output->path,
                       bytes ? image.message : "no memory");
    } else {
        status = stapes_write_output(output, bytes, size, error);
    }
    free(bytes);
    return status;
}
