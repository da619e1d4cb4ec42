/* program.h - other programs run: for figures that need a process, and to ask for versions. */
#ifndef ST_PROGRAM_H
#define ST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a program of that name is on the PATH. */
bool st_program_exists(const char *name);

/* Runs words[0] (found on the PATH) with nothing on its standard input and error, and waits. Its output is
 * thrown away, or, if `line` is not NULL, its first line is kept. `cpu`, if not NULL, gets the seconds of
 * processor time that it took. Returns the exit code, or -1 if it could not be run or died. */
int st_program_run(const char *const *words, char *line, size_t size, double *cpu);

#endif
