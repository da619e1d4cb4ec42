/* bench_side.h - one side of a comparison, in a process of its own that the driver (run) talks to.
 *
 * The side prepares its work, writes what it computes to a file, and says "ready". Then, for each line
 * "repeat N" that it reads, it does the work N times and answers with one line: the seconds of each. Short
 * work is repeated inside one timing until that takes SHORTEST. End of input ends it. */
#ifndef BENCH_SIDE_H
#define BENCH_SIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Seconds of a clock that only goes forward: of the wall, or, with STAPES_BENCH_CPU_TIME in the environment,
 * what this process has had of the processors. */
double bench_now(void);

/* A float in -1 ... 1 from a seed that it moves on: the same numbers for every side. */
float bench_random(uint64_t *seed);

/* count floats, aligned to 64; ends the program where there is no memory. */
float *bench_floats(size_t count);

/* count floats of a file, or all it holds where *count is 0; ends the program with words. */
float *bench_read(const char *path, size_t *count);

/* Writes floats, or nothing where path is NULL. */
void bench_write(const char *path, const float *numbers, size_t count);

/* Says "ready", then measures as long as it is asked to. Returns the exit code. */
int bench_serve(void (*work)(void *argument), void *argument);

/* The text behind "--NAME" in the arguments, or `without`. */
const char *bench_option(int argc, char **argv, const char *name, const char *without);
uint32_t    bench_number(int argc, char **argv, const char *name, uint32_t without);

/* Prints words to standard error and ends the program. */
_Noreturn void bench_fail(const char *text, ...) __attribute__((format(printf, 1, 2)));

#endif
