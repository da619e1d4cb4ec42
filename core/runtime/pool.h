/* pool.h - memory of packets: counted, 64-byte aligned, kept for the next packet of its size.
 *
 * A pool belongs to one pipeline and to the one thread that carries its data; the counts are atomic
 * because a stage's own threads may hold packets. */
#ifndef ST_POOL_H
#define ST_POOL_H

#include <stapes/stage.h>

enum { ST_POOL_CLASSES = 40 };

typedef struct st_pool {
    struct st_block *free[ST_POOL_CLASSES]; /* by power of two of the size */
    uint64_t         outstanding;           /* packets that somebody holds */
    uint64_t         made;                  /* blocks taken from the system so far */
} st_pool;                                  /* zeroed: empty */

/* A packet with room for `bytes`, one reference, data not cleared, fields zero. NULL without memory. */
stapes_packet *st_pool_take(st_pool *pool, size_t bytes);

void st_pool_retain(const stapes_packet *packet);
void st_pool_release(const stapes_packet *packet);

/* Frees all that lies in the pool. Returns how many packets are still held by somebody (and leak). */
uint64_t st_pool_close(st_pool *pool);

/* Bytes that one row of this format takes. 0 for a kind without rows. */
size_t st_pool_row_size(const stapes_format *format);

#endif
