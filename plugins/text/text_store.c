/* text_store.c - the texts of one recording, kept until it is complete. Offsets instead of pointers,
 * because the memory moves when it grows. */
#include "text_store.h"

#include <stdlib.h>
#include <string.h>

/* `items` with room for `more` beyond `count`, moved if need be; NULL without memory, `items` as before. */
static void *make_room(void *items, size_t *room, size_t count, size_t more, size_t size)
{
    size_t wanted = count + more, new_room = *room ? *room : 64;
    if (wanted < count || wanted > SIZE_MAX / 2 / size) return NULL;
    if (wanted <= *room) return items;
    while (new_room < wanted) new_room *= 2;
    void *grown = realloc(items, new_room * size);
    if (grown) *room = new_room;
    return grown;
}

/* Room for one more segment and this much text and words. */
static bool grow(text_store *store, size_t bytes, size_t words)
{
    void *grown = make_room(store->bytes, &store->room_bytes, store->n_bytes, bytes, 1);
    if (!grown) return false;
    store->bytes = grown;
    /* One word more than needed, so that there is something to point to. */
    grown = make_room(store->words, &store->room_words, store->n_words, words + 1, sizeof *store->words);
    if (!grown) return false;
    store->words = grown;
    grown = make_room(store->segments, &store->room_segments, store->n_segments, 1, sizeof *store->segments);
    if (!grown) return false;
    store->segments = grown;
    return true;
}

/* A copy in store->bytes, where there is room for it; its offset. */
static size_t keep(text_store *store, const char *text)
{
    size_t at = store->n_bytes, size = strlen(text) + 1;
    memcpy(store->bytes + at, text, size);
    store->n_bytes += size;
    return at;
}

int text_store_add(text_store *store, const stapes_packet *packet)
{
    const stapes_text *text = packet->data;
    const char        *whole = text->text ? text->text : "";
    size_t             bytes = strlen(whole) + 1;
    for (uint32_t i = 0; i < text->n_words; i++) bytes += strlen(text->words[i].text) + 1;
    if (!grow(store, bytes, text->n_words)) return STAPES_ENOMEM;
    text_store_segment *last = store->n_segments ? &store->segments[store->n_segments - 1] : NULL;
    if (last && !last->final && last->number == text->segment) {
        last = &store->segments[--store->n_segments];
        store->n_bytes = last->text;
        store->n_words = last->first_word;
    }
    text_store_segment *segment = &store->segments[store->n_segments++];
    *segment = (text_store_segment){.start = packet->start,
                                    .end = packet->start + packet->duration,
                                    .text = keep(store, whole),
                                    .first_word = store->n_words,
                                    .n_words = text->n_words,
                                    .number = text->segment,
                                    .final = text->final != 0};
    for (uint32_t i = 0; i < text->n_words; i++) {
        const stapes_word *word = &text->words[i];
        store->words[store->n_words++] = (text_store_word){.start = word->start,
                                                           .end = word->end,
                                                           .text = keep(store, word->text),
                                                           .confidence = word->confidence};
        /* A stage that leaves the packet's duration open still has its words' places. */
        if (!packet->duration && word->end > segment->end) segment->end = word->end;
    }
    return STAPES_OK;
}

void text_store_clear(text_store *store) { store->n_bytes = store->n_words = store->n_segments = 0; }

void text_store_close(text_store *store)
{
    free(store->bytes);
    free(store->words);
    free(store->segments);
    memset(store, 0, sizeof *store);
}
