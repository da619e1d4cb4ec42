/* deltas.h - how features change: first and second derivatives over rows, as Kaldi and librosa compute them.
 *
 * A derivative is that of the polynomial of least squares over `width` rows, centred on its row. The styles
 * differ in the second one and at a segment's ends:
 *
 *   kaldi    (add-deltas; torchaudio.functional.compute_deltas) the second is the first of the first; beyond
 *            the ends lie the first and last row
 *   librosa  (librosa.feature.delta, mode interp) the second is that of a parabola; rows nearer to an end
 * than half a width have the value of the nearest one that is not (a segment shorter than a width: as mode
 * nearest, beyond the ends lie the first and last row)
 *
 *   stapes_deltas_open -> (stapes_deltas_push, _pull)* -> stapes_deltas_flush, _pull -> _reset ... -> _close
 */
#ifndef STAPES_KIT_DELTAS_H
#define STAPES_KIT_DELTAS_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

enum stapes_deltas_style { STAPES_DELTAS_KALDI = 0, STAPES_DELTAS_LIBROSA = 1 };

/* GROWS */
typedef struct stapes_deltas_settings {
    uint32_t size;
    int32_t  style; /* enum stapes_deltas_style */
    uint32_t width; /* rows, odd, 3 to 255; Kaldi's delta-window is (width - 1) / 2 */
    uint32_t order; /* 1: the first derivative, 2: and the second */
    int32_t  keep;  /* 1: the rows themselves stand before their derivatives */
} stapes_deltas_settings;

/* Whether derivatives can be computed so: STAPES_OK, or STAPES_EUSAGE with what is wrong. [any] */
STAPES_EXPORT int stapes_deltas_check(const stapes_deltas_settings *settings, stapes_error *error);

/* Columns of a row that comes out for one of `columns`; rows that a row waits for, at most. [any] */
STAPES_EXPORT uint32_t stapes_deltas_columns(const stapes_deltas_settings *settings, uint32_t columns);
STAPES_EXPORT uint32_t stapes_deltas_latency(const stapes_deltas_settings *settings);

typedef struct stapes_deltas stapes_deltas; /* one stream; one thread at a time */

/* For rows of `columns` numbers. NULL with words if the settings are not right or memory lacks. [control] */
STAPES_EXPORT stapes_deltas *stapes_deltas_open(const stapes_deltas_settings *settings, uint32_t columns,
                                                stapes_error *error);
STAPES_EXPORT void           stapes_deltas_close(stapes_deltas *deltas); /* NULL is fine. [control] */

/* Takes rows (count, columns), as many as there is room for (at least one, if all that is ready was pulled);
 * returns how many. [stream] */
STAPES_EXPORT size_t stapes_deltas_push(stapes_deltas *deltas, const float *rows, size_t count);

/* The segment ended: what is held back can be pulled; then call reset. [stream] */
STAPES_EXPORT void stapes_deltas_flush(stapes_deltas *deltas);

/* Rows that can be pulled now; out (most, stapes_deltas_columns): the next ones, each the row (keep), its
 * first and its second derivative, summed in float64. Returns how many. [stream] */
STAPES_EXPORT size_t stapes_deltas_ready(const stapes_deltas *deltas);
STAPES_EXPORT size_t stapes_deltas_pull(stapes_deltas *deltas, float *out, size_t most);

/* As after open; memory is kept. [stream] */
STAPES_EXPORT void stapes_deltas_reset(stapes_deltas *deltas);

#ifdef __cplusplus
}
#endif
#endif
