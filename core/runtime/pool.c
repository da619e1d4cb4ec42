/* pool.c - see pool.h. A block is a header, the packet, and its data, in one piece. */
#include "runtime/pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, LEAST_SHIFT = 8 };

typedef struct st_block {
    stapes_packet    packet;
    struct st_block *next; /* in the free list */
    st_pool         *pool;
    atomic_uint      references;
    uint32_t         shift; /* data has 2^shift bytes */
} st_block;

/* data begins at the first multiple of 64 behind the header */
#define HEADER ((sizeof(st_block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT)

static st_block *block_of(const stapes_packet *packet) { return (st_block *)(uintptr_t)packet; }

stapes_packet *st_pool_take(st_pool *pool, size_t bytes)
{
    uint32_t shift = LEAST_SHIFT;
    while (shift < ST_POOL_CLASSES && (size_t)1 << shift < bytes) shift++;
    if (shift >= ST_POOL_CLASSES) return NULL;
    st_block *block = pool->free[shift];
    if (block) {
        pool->free[shift] = block->next;
    } else {
        block = aligned_alloc(ALIGNMENT, HEADER + ((size_t)1 << shift));
        if (!block) return NULL;
        block->pool = pool;
        block->shift = shift;
        pool->made++;
    }
    pool->outstanding++;
    atomic_store_explicit(&block->references, 1, memory_order_relaxed);
    block->packet = (stapes_packet){.data = (char *)block + HEADER};
    return &block->packet;
}

void st_pool_retain(const stapes_packet *packet)
{
    atomic_fetch_add_explicit(&block_of(packet)->references, 1, memory_order_relaxed);
}

void st_pool_release(const stapes_packet *packet)
{
    if (!packet) return;
    st_block *block = block_of(packet);
    /* the last holder needs no locked instruction: nobody else can add one */
    if (atomic_load_explicit(&block->references, memory_order_acquire) != 1 &&
        atomic_fetch_sub_explicit(&block->references, 1, memory_order_acq_rel) != 1)
        return;
    block->pool->outstanding--;
    block->next = block->pool->free[block->shift];
    block->pool->free[block->shift] = block;
}

uint64_t st_pool_close(st_pool *pool)
{
    uint64_t held = pool->outstanding;
    for (uint32_t i = 0; i < ST_POOL_CLASSES; i++) {
        while (pool->free[i]) {
            st_block *block = pool->free[i];
            pool->free[i] = block->next;
            free(block);
        }
    }
    return held;
}

size_t st_pool_row_size(const stapes_format *format)
{
    switch (format->kind) {
    case STAPES_AUDIO:
    case STAPES_FRAMES:
    case STAPES_SCORES: return (size_t)format->columns * sizeof(float);
    case STAPES_TOKENS: return sizeof(stapes_token);
    case STAPES_TEXT:
    case STAPES_PREDICTOR:
    case STAPES_BYTES: return 1;
    default: return 0;
    }
}
