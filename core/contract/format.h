/* format.h - formats (stapes_format) compared, and told to people. */
#ifndef ST_FORMAT_H
#define ST_FORMAT_H

#include <stapes/stage.h>

/* "audio", "frames", ...; "?" for an unknown kind. */
const char *st_format_kind_name(uint32_t kind);

/* "audio or frames" for a set of kinds (stapes_port.kinds). Returns text. */
char *st_format_kinds_text(uint32_t kinds, char *text, size_t size);

/* "audio, 16000 Hz, 1 channel"; "frames, 80 features every 10 ms, logmel". Returns text. */
char *st_format_text(const stapes_format *format, char *text, size_t size);

/* Whether packets of one may follow packets of the other without a configure between. */
bool st_format_equal(const stapes_format *a, const stapes_format *b);

#endif
