/* fuzz_json.c - the reader of JSON. */
#include "fuzz.h"
#include "kit/model/json.h"

#include <string.h>

/* Everything that was read is looked at. */
static size_t weigh(const st_json *value)
{
    size_t weight = value->text ? strlen(value->text) : 1;
    if (value->key) weight += strlen(value->key);
    for (const st_json *item = value->first; item; item = item->next) weight += weigh(item);
    return weight;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    st_arena       arena = {0};
    stapes_error   error = {0};
    const st_json *value = st_json_parse((const char *)data, size, &arena, &error);
    if (!value && (!error.status || !error.text[0])) __builtin_trap(); /* refused without words */
    if (value && weigh(value) > 8 * size + 8) __builtin_trap();        /* more than there was */
    st_arena_close(&arena);
    return 0;
}
