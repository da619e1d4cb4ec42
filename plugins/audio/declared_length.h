/* declared_length.h - how long a file says that it is, for formats whose length libsndfile mends in
 * silence when the file was cut short. (WAV has wav_header.h, FLAC tells by itself.) */
#ifndef DECLARED_LENGTH_H
#define DECLARED_LENGTH_H

#include <stddef.h>
#include <stdint.h>

/* Rows by the header of an AIFF, AU or NIST SPHERE file, of which `first` are the first `count` bytes
 * (1024 are enough but for AIFF with much before its common chunk); -1 if they do not say. */
int64_t declared_length(const unsigned char *first, size_t count);

#endif
