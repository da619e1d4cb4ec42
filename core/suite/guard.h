/* guard.h - memory that tells when somebody touches what is not theirs: for the contract suite.
 *
 * A piece lies at the end of its pages, with a page before and one behind it that nobody may touch; what
 * is left between its end and the page's is filled with a pattern and checked. Pieces can be made
 * read-only, and released ones stay forbidden for a while. A fault is explained by st_guard_explain.
 *
 * The list of pieces is one for the process, since a fault knows no owner: only the suite's child
 * processes use this file. */
#ifndef ST_GUARD_H
#define ST_GUARD_H

#include <stapes/stage.h>

#include <stdatomic.h>

typedef struct st_guard {
    struct st_guard *next, *previous;
    const char      *what; /* "its state", "an input packet" */
    char            *mapping, *data;
    size_t           mapped, bytes; /* of all pages; of the data */
    size_t           head;          /* of a packet: bytes at the begin of the pages, before the pattern */
    bool             read_only, released;
    /* for packets */
    stapes_packet made;  /* as it was made */
    void         *owner; /* who counts it */
    atomic_uint   references;
} st_guard;

/* `bytes` zeroed bytes aligned to 64. NULL without memory. */
st_guard *st_guard_make(size_t bytes, const char *what);

/* The same with a packet in front of it, whose head is guarded too; one reference. */
st_guard *st_guard_packet(size_t bytes, const char *what);

/* The packet of a guard, and the other way round; NULL for a pointer that is no packet of ours. */
stapes_packet *st_guard_head(const st_guard *guard);
st_guard      *st_guard_of(const stapes_packet *packet);

/* From now on nobody writes to it. */
void st_guard_lock(st_guard *guard);

/* Whether the pattern around the data is whole. */
bool st_guard_whole(const st_guard *guard);

/* Forbids it; memory is reused after a while. */
void st_guard_release(st_guard *guard);

/* "writes to an input packet (byte 12 of 640)" for the address of a fault; NULL if no piece is near. */
const char *st_guard_explain(const void *address, char *text, size_t size);

#endif
