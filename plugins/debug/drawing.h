/* drawing.h - draws a strip with its axes. */
#ifndef PICTURE_H
#define PICTURE_H

#include "canvas.h"
#include "strip.h"

/* What stands around it. */
typedef struct picture_words {
    const char              *title;
    const stapes_vocabulary *vocabulary; /* names of labels, or NULL: their numbers */
} picture_words;

/* Waveforms, a spectrogram, or posteriors, by the way of the strip, which holds something. False without
 * memory. */
bool picture_draw(canvas *c, const strip *s, const picture_words *words);

#endif
