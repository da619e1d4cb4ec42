/* choice.c - see choice.h. */
#include "plugin/choice.h"

#include <string.h>

uint32_t st_choice_count(const char *choices)
{
    uint32_t count = choices ? 1 : 0;
    for (; choices && *choices; choices++) count += *choices == '|';
    return count;
}

const char *st_choice_at(const char *choices, uint32_t index, size_t *length)
{
    while (index && *choices) index -= *choices++ == '|';
    *length = strcspn(choices, "|");
    return choices;
}

char *st_choice_copy(const char *choices, uint32_t index, char *text, size_t size)
{
    size_t      length;
    const char *name = st_choice_at(choices, index, &length);
    if (!size) return text;
    if (length >= size) length = size - 1;
    memcpy(text, name, length);
    text[length] = 0;
    return text;
}

char *st_choice_all(const char *choices, char *text, size_t size)
{
    size_t used = 0;
    if (!size) return text;
    for (const char *at = choices ? choices : ""; *at; at++) {
        if (used + 3 > size) break;
        text[used++] = *at == '|' ? ',' : *at;
        if (*at == '|') text[used++] = ' ';
    }
    text[used] = 0;
    return text;
}
