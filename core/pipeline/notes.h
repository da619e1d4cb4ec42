/* notes.h - the texts that a pipeline was read from, and the mistakes that were found in them.
 *
 * One list for a whole reading, sub-pipelines included. What cannot get memory sets `no_memory` and goes
 * on with what is there: only the reader's end looks at it. */
#ifndef ST_NOTES_H
#define ST_NOTES_H

#include "pipeline/graph.h"

enum {
    ST_NOTES_MOST = 50,       /* mistakes kept; then reading stops */
    ST_NOTES_LONGEST = 262144 /* bytes of one pipeline file */
};

/* A place and how many characters from there on are meant. */
typedef struct st_spot {
    st_mark  mark;
    uint32_t width;
} st_spot;

/* One text: a file or a one-liner. */
typedef struct st_page {
    const char     *file;
    const char     *text; /* terminated; without byte order mark */
    size_t          length;
    const size_t   *lines; /* offset of each line, and the end */
    uint32_t        n_lines;
    uint64_t        device, inode; /* of a file; both 0 for a text */
    struct st_tree *tree;          /* what st_tree_read found, kept for the next one who includes it */
    bool            good;          /* could be read */
    struct st_page *next;
} st_page;

typedef struct st_notes {
    st_arena   *arena;
    st_page    *pages, **last_page; /* in the order of reading */
    st_mistake *list;
    uint32_t    n, room;
    bool        no_memory;
    bool        too_many; /* ST_NOTES_MOST reached: stop reading */
} st_notes;

void st_notes_open(st_notes *notes, st_arena *arena);

/* The page of a file (the one that is there, if it was read before), or of `text` if that is not NULL.
 * NULL: a mistake says why (a directory, too
 * large, not UTF-8, control characters). `asked` is where the file was asked for, or NULL. */
st_page *st_notes_read(st_notes *notes, const char *file, const char *text, const st_spot *asked);

/* The spot of the bytes from `begin` to `end` of a page, as far as they lie in one line. */
st_spot st_notes_spot(const st_page *page, size_t begin, size_t end);

/* Adds a mistake; equal ones are kept once. */
void st_notes_add(st_notes *notes, st_spot spot, int status, const char *format, ...)
    STAPES_FORMAT_CHECK(4, 5);

/* Sorts the mistakes by page and place. */
void st_notes_sort(st_notes *notes);

/* As printf, in the arena; "" without memory. */
const char *st_notes_text(st_notes *notes, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);

/* Text from outside as it may stand in a message: without control characters; of a word 60 characters at
 * most. */
const char *st_notes_clean(st_notes *notes, const char *text);
const char *st_notes_word(st_notes *notes, const char *word);

/* `; did you mean 'features'?`, or "" if no candidate is near. */
const char *st_notes_nearest(st_notes *notes, const char *word, const char *const *candidates,
                             uint32_t count);

/* "a, b, c": at most twelve of them, then "...". */
const char *st_notes_join(st_notes *notes, const char *const *names, uint32_t count);

/* `list` of n items with room for one more, moved if need be; NULL without memory. */
void *st_notes_grow(st_notes *notes, void *list, uint32_t n, uint32_t *room, size_t item_size);

#endif
