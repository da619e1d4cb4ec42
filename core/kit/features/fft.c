/* fft.c - see fft.h. */
#include "kit/features/fft.h"

#include <fftw3.h>

#include <pthread.h>
#include <stdlib.h>

struct st_fft {
    double       *in;
    fftw_complex *out;
    fftw_plan     plan;
};

static pthread_mutex_t planning = PTHREAD_MUTEX_INITIALIZER;

st_fft *st_fft_open(uint32_t length)
{
    st_fft *fft = calloc(1, sizeof *fft);
    if (!fft) return NULL;
    fft->in = fftw_alloc_real(length);
    fft->out = fftw_alloc_complex((size_t)length / 2 + 1);
    if (fft->in && fft->out) {
        (void)pthread_mutex_lock(&planning);
        fft->plan = fftw_plan_dft_r2c_1d((int)length, fft->in, fft->out, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
        (void)pthread_mutex_unlock(&planning);
    }
    if (fft->plan) return fft;
    st_fft_close(fft);
    return NULL;
}

void st_fft_close(st_fft *fft)
{
    if (!fft) return;
    if (fft->plan) {
        (void)pthread_mutex_lock(&planning);
        fftw_destroy_plan(fft->plan);
        (void)pthread_mutex_unlock(&planning);
    }
    fftw_free(fft->in);
    fftw_free(fft->out);
    free(fft);
}

double *st_fft_input(st_fft *fft) { return fft->in; }

const double *st_fft_run(st_fft *fft)
{
    fftw_execute(fft->plan);
    return (const double *)fft->out;
}
