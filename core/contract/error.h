/* error.h - the error record (stapes_error): the first cause wins, callers add their place. */
#ifndef ST_ERROR_H
#define ST_ERROR_H

#include <stapes/stage.h>

#include <stdarg.h>

/* Keeps status and words unless something failed before. Returns the status given. error may be NULL. */
int st_error_set(stapes_error *error, int status, const char *format, ...) STAPES_FORMAT_CHECK(3, 4);
int st_error_set_v(stapes_error *error, int status, const char *format, va_list arguments);

/* Puts "place: " before the words. Returns the record's status. */
int st_error_within(stapes_error *error, const char *format, ...) STAPES_FORMAT_CHECK(2, 3);

/* The exit code of the program for a status: 0, 1, 2, 3, 4 or 130. */
int st_error_exit_code(int status);

#endif
