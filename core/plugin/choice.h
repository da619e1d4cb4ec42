/* choice.h - the choices of a parameter row, "kaldi|whisper|torchaudio", item by item. */
#ifndef ST_CHOICE_H
#define ST_CHOICE_H

#include <stddef.h>
#include <stdint.h>

/* How many there are; 0 for NULL. */
uint32_t st_choice_count(const char *choices);

/* Item `index` (below the count), not terminated. */
const char *st_choice_at(const char *choices, uint32_t index, size_t *length);

/* Item `index`, terminated and cut to `size`. Returns text. */
char *st_choice_copy(const char *choices, uint32_t index, char *text, size_t size);

/* "kaldi, whisper, torchaudio", cut to `size`. Returns text. */
char *st_choice_all(const char *choices, char *text, size_t size);

#endif
