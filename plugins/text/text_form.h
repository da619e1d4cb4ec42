/* text_form.h - a recording's texts as a line: plain, or a JSON object. */
#ifndef TEXT_FORM_H
#define TEXT_FORM_H

#include "text_store.h"

/* A line that grows. A failed allocation is remembered, and nothing is added any more. */
typedef struct text_line {
    char  *bytes;
    size_t length, room;
    bool   failed;
} text_line;

/* All segments, a space between, white space and control characters as one space, "\n" at the end. What
 * is no UTF-8 becomes U+FFFD. */
void text_form_plain(text_line *line, const text_store *store);

/* {"file": ..., "text": ..., "seconds": ..., "segments": [{"start", "end", "text", "words": [...]}]} and
 * "\n". `file` NULL: null. Seconds have three decimals, confidence four; a word of unknown confidence has
 * none. */
void text_form_json(text_line *line, const text_store *store, const char *file, stapes_time length);

/* The line is empty again, its memory kept; or released. */
void text_form_clear(text_line *line);
void text_form_close(text_line *line);

#endif
