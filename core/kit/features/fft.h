/* fft.h - one real Fourier transform of a fixed length, by FFTW.
 *
 * FFTW_ESTIMATE: measuring costs 100 ms and gains nothing here, and a plan chosen by a clock would not
 * give the same bits in the next run. Planning is not thread-safe in FFTW: a lock of this file's. */
#ifndef ST_FFT_H
#define ST_FFT_H

#include <stddef.h>
#include <stdint.h>

typedef struct st_fft st_fft;

/* NULL without memory. */
st_fft *st_fft_open(uint32_t length);
void    st_fft_close(st_fft *fft);

/* The array to fill: `length` reals. */
double *st_fft_input(st_fft *fft);

/* Transforms it: length / 2 + 1 complex numbers, real and imaginary part in turn, good until the next call.
 * The input is kept. */
const double *st_fft_run(st_fft *fft);

#endif
