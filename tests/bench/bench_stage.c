/* bench_stage.c - a side of the bench: several segments through instances of recurrent.network, called as a
 * host calls them, one after the other or all in one batch.
 *
 *   bench_stage --plugin recurrent.so --model DIR --columns 240 --segments 8 --rows 100 --threads 2
 *               [--together 1] [--output FILE]
 *
 * --together 1: process_many and flush_many. --output: what came out, instance after instance. */
#include "bench_side.h"
#include "stage_bench.h"

#include <stdlib.h>
#include <string.h>

typedef struct work {
    bench                  *benches;
    stapes_packet          *packets;
    const stapes_instance **many;
    const stapes_packet   **pointers;
    uint32_t                count;
    bool                    together;
} work;

static void run(void *argument)
{
    work               *w = argument;
    const stapes_stage *stage = w->benches[0].stage;
    int                 status = STAPES_OK;
    for (uint32_t i = 0; i < w->count; i++) w->benches[i].rows = 0;
    if (w->together) {
        status = stage->process_many(w->many, w->pointers, w->count);
        if (status >= 0) status = stage->flush_many(w->many, w->count, STAPES_FLUSH_SEGMENT);
    }
    for (uint32_t i = 0; i < w->count && !w->together && status >= 0; i++) {
        status = stage->process(w->many[i], 0, w->pointers[i]);
        if (status >= 0) status = stage->flush(w->many[i], STAPES_FLUSH_SEGMENT);
    }
    if (status < 0) bench_fail("the stage fails with status %d: %s", status, w->benches[0].words);
}

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size);
    if (!memory) bench_fail("no memory");
    return memory;
}

static void write_all(const work *w, const char *path)
{
    size_t width = w->benches[0].formats[0].columns, total = 0, at = 0;
    for (uint32_t i = 0; i < w->count; i++) total += w->benches[i].rows * width;
    float *all = bench_floats(total);
    for (uint32_t i = 0; i < w->count; i++) {
        size_t n = w->benches[i].rows * width;
        if (n) memcpy(all + at, w->benches[i].values, n * sizeof *all);
        at += n;
    }
    bench_write(path, all, total);
}

int main(int argc, char **argv)
{
    static char recipe[1024];
    const char *plugin = bench_option(argc, argv, "plugin", NULL),
               *model = bench_option(argc, argv, "model", NULL);
    uint32_t columns = bench_number(argc, argv, "columns", 240), rows = bench_number(argc, argv, "rows", 100);
    stapes_format in = {
        .size = sizeof in, .kind = STAPES_FRAMES, .columns = columns, .hop = 3 * STAPES_SECOND / 100};
    static work  w; /* static: what they hold is held to the end */
    static void *workers;
    uint64_t     seed = 1;
    w.count = bench_number(argc, argv, "segments", 8);
    w.together = bench_number(argc, argv, "together", 0) > 0;
    if (!plugin || !model) bench_fail("--plugin and --model are needed: see the head of bench_stage.c");
    if (!w.count || w.count > 64) bench_fail("--segments %u: 1 to 64", w.count);
    in.recipe = bench_recipe(plugin, model, recipe, sizeof recipe);
    w.benches = take(w.count, sizeof *w.benches);
    w.packets = take(w.count, sizeof *w.packets);
    w.many = take(w.count, sizeof *w.many);
    w.pointers = take(w.count, sizeof *w.pointers);
    float *x = bench_floats((size_t)rows * columns * w.count);
    for (size_t i = 0; i < (size_t)rows * columns * w.count; i++) x[i] = bench_random(&seed);
    workers = bench_open_workers(bench_number(argc, argv, "threads", 1));
    for (uint32_t i = 0; i < w.count; i++) {
        bench *b = &w.benches[i];
        if (bench_open(b, plugin, model, 600) < 0 || bench_configure(b, &in) < 0)
            bench_fail("%s: cannot be opened: %s", plugin, b->words);
        b->workers = workers;
        w.many[i] = &b->me;
        w.packets[i] = bench_packet(&in, 0, x + (size_t)i * rows * columns, rows);
        w.pointers[i] = &w.packets[i];
    }
    run(&w);
    write_all(&w, bench_option(argc, argv, "output", NULL));
    return bench_serve(run, &w);
}
