/* bench_side.c - see bench_side.h. */
#include "bench_side.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double SHORTEST = 2e-3; /* seconds of one timing: the clock's own cost is far below */

double bench_now(void)
{
    struct timespec t;
    clock_gettime(getenv("STAPES_BENCH_CPU_TIME") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

float bench_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (float)(*seed >> 40) * 0x1p-23f - 1.0f;
}

void bench_fail(const char *text, ...)
{
    va_list list;
    va_start(list, text);
    vfprintf(stderr, text, list);
    fputc('\n', stderr);
    va_end(list);
    exit(1);
}

/* Kept to the end of the program: what is measured last may not be given back first. */
static float *kept[256];
static size_t n_kept;

float *bench_floats(size_t count)
{
    float *numbers = count > SIZE_MAX / 8 ? NULL : aligned_alloc(64, (count * sizeof(float) + 64) / 64 * 64);
    if (!numbers) bench_fail("no memory for %zu numbers", count);
    if (n_kept == sizeof kept / sizeof *kept) bench_fail("more than %zu pieces of memory", n_kept);
    kept[n_kept++] = memset(numbers, 0, count * sizeof *numbers);
    return numbers;
}

float *bench_read(const char *path, size_t *count)
{
    FILE *file = fopen(path, "rb");
    if (!file) bench_fail("%s: %s: run tests/peers/setup", path, strerror(errno));
    fseek(file, 0, SEEK_END);
    long   bytes = ftell(file);
    size_t wanted = *count ? *count : bytes > 0 ? (size_t)bytes / sizeof(float) : 0;
    float *numbers = bench_floats(wanted);
    rewind(file);
    if (bytes < 0 || fread(numbers, sizeof *numbers, wanted, file) != wanted)
        bench_fail("%s: has %ld bytes, %zu numbers are needed", path, bytes, wanted);
    fclose(file);
    *count = wanted;
    return numbers;
}

void bench_write(const char *path, const float *numbers, size_t count)
{
    if (!path) return;
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(numbers, sizeof *numbers, count, file) != count || fclose(file))
        bench_fail("%s: %s", path, strerror(errno));
}

int bench_serve(void (*work)(void *argument), void *argument)
{
    char     line[64];
    unsigned repeats, inner = 1;
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        if (sscanf(line, "repeat %u", &repeats) != 1) bench_fail("'%s' is not 'repeat N'", line);
        double begin = bench_now();
        work(argument); /* not counted: caches and threads as they are amid steady work */
        while ((bench_now() - begin) < SHORTEST / 2) work(argument);
        for (unsigned i = 0; i < repeats; i++) {
            double seconds;
            for (;; inner *= 2) {
                begin = bench_now();
                for (unsigned k = 0; k < inner; k++) work(argument);
                seconds = bench_now() - begin;
                if (seconds >= SHORTEST || inner > 1u << 20) break;
            }
            printf("%.9g ", seconds / inner);
        }
        putchar('\n');
        fflush(stdout);
    }
    return 0;
}

const char *bench_option(int argc, char **argv, const char *name, const char *without)
{
    for (int i = 1; i + 1 < argc; i += 2)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0) return argv[i + 1];
    return without;
}

uint32_t bench_number(int argc, char **argv, const char *name, uint32_t without)
{
    const char *text = bench_option(argc, argv, name, NULL);
    char       *end;
    if (!text) return without;
    unsigned long number = strtoul(text, &end, 10);
    if (*end || end == text || number > UINT32_MAX) bench_fail("--%s %s: not a number", name, text);
    return (uint32_t)number;
}
