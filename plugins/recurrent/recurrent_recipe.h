/* recurrent_recipe.h - what differs between two recipes, for people. */
#ifndef RECURRENT_RECIPE_H
#define RECURRENT_RECIPE_H

#include <stddef.h>

/* "mels=40 where mels=80 is needed; stack=3 is lacking; ..." of the fields (words with spaces between) in
 * which `found` differs from `needed`. Returns text. */
char *recurrent_recipe_compare(const char *found, const char *needed, char *text, size_t size);

#endif
