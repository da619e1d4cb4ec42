/* text_store.h - the texts of one recording, kept until it is complete. Memory is used again for the next
 * recording. */
#ifndef TEXT_STORE_H
#define TEXT_STORE_H

#include <stapes/stage.h>

typedef struct text_store_word {
    stapes_time start, end;
    size_t      text; /* offset into `bytes`, terminated there */
    float       confidence;
} text_store_word;

typedef struct text_store_segment {
    stapes_time start, end;
    size_t      text;
    size_t      first_word, n_words;
    uint32_t    number;
    bool        final;
} text_store_segment;

typedef struct text_store {
    char               *bytes;
    text_store_word    *words;
    text_store_segment *segments;
    size_t              n_bytes, n_words, n_segments;
    size_t              room_bytes, room_words, room_segments;
} text_store;

/* Keeps a packet of kind text. A later revision of a segment that is not final replaces the one before.
 * STAPES_ENOMEM, nothing changed. */
int text_store_add(text_store *store, const stapes_packet *packet);

/* Forgets all texts, keeps the memory. */
void text_store_clear(text_store *store);

/* Releases the memory. */
void text_store_close(text_store *store);

#endif
