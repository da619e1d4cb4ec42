/* arena.h - memory for what lives as long as one owner (a pipeline, a registry): many small pieces, one
 * release. Nothing is given back before that. One thread at a time. */
#ifndef ST_ARENA_H
#define ST_ARENA_H

#include <stdarg.h>
#include <stddef.h>

typedef struct st_arena {
    struct st_arena_block *blocks;
} st_arena; /* zeroed: empty */

/* `count` times `size` zeroed bytes, aligned to 64. NULL without memory or when the product overflows. */
void *st_arena_take(st_arena *arena, size_t count, size_t size);

/* A copy of a string, or of its first `length` bytes, terminated. NULL without memory or for NULL. */
char *st_arena_string(st_arena *arena, const char *text);
char *st_arena_string_n(st_arena *arena, const char *text, size_t length);

/* As printf. NULL without memory. */
char *st_arena_format(st_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Releases everything; the arena is empty again. */
void st_arena_close(st_arena *arena);

#endif
