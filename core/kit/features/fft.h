/* fft.h - Fourier transforms of a block of rows of real numbers (lanes.h).
 *
 * A plan belongs to a length and is made once in a process, shared by all who transform that length and
 * freed with the last of them. What is computed for a length does not depend on who asks, or on a clock:
 * the same bits in every run. Nothing is allocated while transforms run, whatever the length. */
#ifndef ST_FFT_H
#define ST_FFT_H

#include "kit/features/lanes.h"

#include <stddef.h>

typedef struct st_fft st_fft; /* constant */

/* The plan of this length (2 to 2^20), counted. NULL without memory. [control] */
const st_fft *st_fft_open(uint32_t length);
void          st_fft_close(const st_fft *fft); /* NULL is fine. [control] */

/* Doubles of a block of `rows`; and of the room to work in beside it, at least 1. Both aligned to 64. [any]
 */
size_t st_fft_block(const st_fft *fft, uint32_t rows);
size_t st_fft_room(const st_fft *fft, uint32_t rows);

/* (length) where number i of the input goes; and what it has to be multiplied with before, a power of two.
 * [any] */
const uint32_t *st_fft_places(const st_fft *fft);
double          st_fft_scale(const st_fft *fft);

/* block (length, rows), in the order of places -> (length / 2 + 1, 2, rows): real and imaginary parts of
 * the lines. [stream] */
void st_fft_run(const st_fft *fft, const st_lanes *lanes, double *block, double *room);

#endif
