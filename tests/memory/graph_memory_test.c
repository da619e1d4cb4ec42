/* graph_memory_test.c - pipelines read while memory runs out: the n-th piece that is taken from an arena
 * is not there, for every n. The arena here takes the place of core/contract/arena.c: each piece is an
 * allocation of its own, so that a sanitizer also sees a step beyond any of them. */
#include "check.h"
#include "contract/arena.h"
#include "fake_stages.h"
#include "pipeline/graph.h"

#include <stdlib.h>
#include <unistd.h>

static long allowed = -1; /* pieces until one is not there; negative: all are */

struct st_arena_block {
    struct st_arena_block *next;
    void                  *piece;
};

void *st_arena_take(st_arena *arena, size_t count, size_t size)
{
    if (allowed >= 0 && allowed-- == 0) return NULL;
    struct st_arena_block *block = malloc(sizeof *block);
    if (!block) return NULL;
    *block = (struct st_arena_block){arena->blocks, calloc(count ? count : 1, size ? size : 1)};
    arena->blocks = block;
    return block->piece;
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
    char    text[4096];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return st_arena_string(arena, text);
}

void st_arena_close(st_arena *arena)
{
    while (arena->blocks) {
        struct st_arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block->piece);
        free(block);
    }
}

/* One reading in which piece n is not there; false once there are not so many. */
static bool read_with(st_registry *registry, const char *text, long n, int *complete)
{
    st_graph_places places = {"tests/data/good/parts", "tests/data/models"};
    stapes_error    error = {0}, later = {0};
    allowed = n;
    st_graph *graph = st_graph_read(registry, &places, "text", text, &error);
    CHECK(graph || error.status == STAPES_ENOMEM);
    if (graph) {
        CHECK(error.status == 0);
        (void)st_graph_set(graph, "file.path", "a.wav", &later);
        (void)st_graph_finish(graph, &later);
        free(st_graph_explain(graph));
        free(st_graph_dot(graph));
        st_graph_close(graph);
        (*complete)++;
    }
    bool was_missing = allowed < 0;
    allowed = -1;
    return was_missing;
}

int main(void)
{
    static const char *const texts[] = {
        ("name: x\nsummary: y\noptions: {w: {set: mel.window, default: 30}}\nstages:\n"
         "  - audio.file: {tags: [a, b]}\n  - mel: {use: features.logmel, model: tiny}\n  - debug.drop\n"),
        "audio.file path=a.wav tags='a,b',c ! pipeline.recognize width=3 ! text.write format=jsonl",
        "audio.file path=a.wav ! ctc.search beam=x ! text.wrote ! features.logmel from=nowhere",
        "stages: [audio.file, {x: {use: debug.dump, from: y}}, {y: {use: debug.dump}}, debug.drop]",
        "stages: [audio.file, {y: *x, y: &z 3}, {\"",
    };
    stapes_error error = {0};
    CHECK(chdir(STAPES_SOURCE_DIR) == 0);
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    st_registry *registry = st_registry_open(NULL, &error);
    for (size_t i = 0; registry && i < STAPES_COUNT(texts); i++) {
        int  complete = 0;
        long n = 0;
        while (n < 5000 && read_with(registry, texts[i], n, &complete)) n++;
        CHECK(n > 20 && n < 5000 && complete > 0);
    }
    st_registry_close(registry);
    return check_done();
}
