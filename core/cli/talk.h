/* talk.h - what the program says: talk on standard error, results on standard output, and what happens
 * when they cannot be written. JSON for those results that machines read. */
#ifndef ST_TALK_H
#define ST_TALK_H

#include <stapes/runtime.h>

#include <stdbool.h>
#include <stdio.h>

enum st_talk_level { ST_TALK_QUIET = -1, ST_TALK_NORMAL = 0, ST_TALK_VERBOSE = 1 };

/* How much is said: quiet leaves errors only, verbose adds what stages tell. */
void st_talk_set_level(int level);
int  st_talk_level(void);

/* "stapes: words" on standard error, always. */
void st_talk_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A line on standard error unless quiet. */
void st_talk_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says what failed and returns the exit code of it. A pipe closed by its reader is no failure. */
int st_talk_failure(const stapes_error *error);

/* For stapes_runtime_options. */
void st_talk_message(void *user, int level, const char *from, const char *text);
/* How many warnings came so far, also those that were not shown. */
unsigned st_talk_warnings(void);

void st_talk_rejected(void *user, const char *input, const char *text);

/* Flushes standard output. Returns `code`, or what a failure there makes of it: a closed pipe ends
 * quietly with 0, a full disk is told and gives 4. The last thing that main does. */
int st_talk_finish(int code);

/* The width of the terminal behind `file`, or 80. */
int st_talk_width(FILE *file);

/* Prints `text` in lines of at most `width`, each after `indent` spaces; the first line is already
 * `used` columns long. Ends with a newline. */
void st_talk_wrap(FILE *file, const char *text, int indent, int used, int width);

/* A string of JSON, with its quotes; NULL is null. Bytes that are no UTF-8 become U+FFFD. */
void st_talk_json(FILE *file, const char *text);

#endif
