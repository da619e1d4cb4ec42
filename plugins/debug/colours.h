/* colours.h - a colour for a number. */
#ifndef COLOURS_H
#define COLOURS_H

#include <stdint.h>

/* 0xrrggbb for 0 to 1; what lies outside gets the end's, NaN that of 0. */
uint32_t colour_of(float value);

#endif
