/* pool_test.c - packets' memory: aligned, kept for the next of its size, counted, and too large refused. */
#include "check.h"
#include "runtime/pool.h"

#include <stdint.h>

int main(void)
{
    st_pool        pool = {0};
    stapes_packet *held[50];
    for (uint32_t i = 0; i < 50; i++) {
        held[i] = st_pool_take(&pool, (size_t)i * 1000);
        CHECK(held[i] && (uintptr_t)held[i]->data % 64 == 0 && !held[i]->rows && !held[i]->format);
        memset(held[i]->data, 255, (size_t)i * 1000);
    }
    CHECK(pool.outstanding == 50);
    uint64_t made = pool.made;
    for (uint32_t i = 0; i < 50; i++) st_pool_release(held[i]);
    CHECK(pool.outstanding == 0);
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 50; i++) held[i] = st_pool_take(&pool, (size_t)i * 1000);
        for (uint32_t i = 0; i < 50; i++) st_pool_release(held[49 - i]);
    }
    CHECK(pool.made == made); /* a steady state takes nothing from the system */

    stapes_packet *twice = st_pool_take(&pool, 100);
    st_pool_retain(twice);
    st_pool_release(twice);
    CHECK(pool.outstanding == 1);
    st_pool_release(twice);
    CHECK(pool.outstanding == 0);
    st_pool_release(NULL);
    CHECK(st_pool_take(&pool, SIZE_MAX / 2) == NULL);

    stapes_format format = {.kind = STAPES_AUDIO, .columns = 24};
    CHECK(st_pool_row_size(&format) == 96);
    format.kind = STAPES_TOKENS;
    CHECK(st_pool_row_size(&format) == sizeof(stapes_token));
    format.kind = STAPES_TEXT;
    CHECK(st_pool_row_size(&format) == 1);

    stapes_packet *leaked = st_pool_take(&pool, 1);
    CHECK(st_pool_close(&pool) == 1); /* says how many are still out */
    st_pool_release(leaked);          /* a late holder only fills the free list again */
    CHECK(st_pool_close(&pool) == 0);
    return check_done();
}
