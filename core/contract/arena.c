/* arena.c - see arena.h. Blocks double in size, large pieces get a block of their own. */
#include "contract/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64, FIRST_BLOCK = 4096, MOST_BLOCK = 1 << 20 };

typedef struct st_arena_block {
    struct st_arena_block *next;
    size_t                 size, used; /* of the bytes that follow the header */
    char                   reserved[ALIGNMENT - sizeof(void *) - 2 * sizeof(size_t)];
} st_arena_block;

void *st_arena_take(st_arena *arena, size_t count, size_t size)
{
    st_arena_block *block = arena->blocks;
    if (size && count > (SIZE_MAX - (size_t)2 * MOST_BLOCK) / size) return NULL;
    size_t bytes = (count * size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (!bytes) bytes = ALIGNMENT;
    if (!block || block->size - block->used < bytes) {
        size_t room = block ? block->size * 2 : FIRST_BLOCK;
        if (room > MOST_BLOCK) room = MOST_BLOCK;
        if (room < bytes) room = bytes;
        block = aligned_alloc(ALIGNMENT, sizeof *block + room);
        if (!block) return NULL;
        *block = (st_arena_block){.next = arena->blocks, .size = room};
        arena->blocks = block;
    }
    void *piece = (char *)(block + 1) + block->used;
    block->used += bytes;
    return memset(piece, 0, bytes);
}

char *st_arena_string_n(st_arena *arena, const char *text, size_t length)
{
    char *copy = text ? st_arena_take(arena, length + 1, 1) : NULL;
    if (copy) memcpy(copy, text, length);
    return copy;
}

char *st_arena_string(st_arena *arena, const char *text)
{
    return text ? st_arena_string_n(arena, text, strlen(text)) : NULL;
}

char *st_arena_format(st_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : st_arena_take(arena, (size_t)length + 1, 1);
    if (!text) return NULL;
    va_start(arguments, format);
    (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void st_arena_close(st_arena *arena)
{
    while (arena->blocks) {
        st_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}
