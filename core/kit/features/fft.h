/* fft.h - Fourier transforms of a block of rows of real numbers (lanes.h).
 *
 * A plan belongs to a length and is made once in a process, shared by all who transform that length and
 * freed with the last of them. Even lengths up to ST_FFT_LONGEST of factors 2, 3 and 5 are ours, the rows
 * side by side in the lanes of vectors; others are FFTW's, row after row. What is computed for a length
 * does not depend on who asks, or on a clock: the same bits in every run. */
#ifndef ST_FFT_H
#define ST_FFT_H

#include "kit/features/lanes.h"

#include <stddef.h>

enum { ST_FFT_LONGEST = 16384 };

typedef struct st_fft st_fft; /* constant */

/* The plan of this length (2 or more), counted. NULL without memory. [control] */
const st_fft *st_fft_open(uint32_t length);
void          st_fft_close(const st_fft *fft); /* NULL is fine. [control] */

/* For tests: a plan of FFTW whatever the length, shared with nobody. [control] */
const st_fft *st_fft_open_plain(uint32_t length);

/* Doubles of a block of `rows`; and of the room to work in, aligned to 64 as a block is. [any] */
size_t st_fft_block(const st_fft *fft, uint32_t rows);
size_t st_fft_room(const st_fft *fft);

/* (length) where number i of the input goes; and what it has to be multiplied with before, a power of two.
 * [any] */
const uint32_t *st_fft_places(const st_fft *fft);
double          st_fft_scale(const st_fft *fft);

/* block (length, rows), in the order of places -> (length / 2 + 1, 2, rows): real and imaginary parts of
 * the lines. [stream] */
void st_fft_run(const st_fft *fft, const st_lanes *lanes, double *block, double *room);

#endif
