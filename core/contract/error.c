/* error.c - see error.h. */
#include "contract/error.h"

#include <stdio.h>
#include <string.h>

int st_error_set_v(stapes_error *error, int status, const char *format, va_list arguments)
{
    if (error && error->status == 0) {
        (void)vsnprintf(error->text, sizeof error->text, format, arguments);
        error->status = status;
    }
    return status;
}

int st_error_set(stapes_error *error, int status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    st_error_set_v(error, status, format, arguments);
    va_end(arguments);
    return status;
}

int st_error_within(stapes_error *error, const char *format, ...)
{
    char    place[sizeof error->text], words[sizeof error->text];
    va_list arguments;
    if (!error) return STAPES_OK;
    va_start(arguments, format);
    (void)vsnprintf(place, sizeof place, format, arguments);
    va_end(arguments);
    memcpy(words, error->text, sizeof words);
    /* what does not fit is cut at the end: the place and the begin of the cause say most */
    if (snprintf(error->text, sizeof error->text, "%s: %s", place, words) < 0) error->text[0] = 0;
    return error->status;
}

int st_error_exit_code(int status)
{
    switch (status) {
    case STAPES_EINPUT: return 1;
    case STAPES_EUSAGE:
    case STAPES_EFORMAT: return 2;
    case STAPES_EMODEL:
    case STAPES_ECONTRACT: return 3;
    case STAPES_ESYSTEM:
    case STAPES_ENOMEM: return 4;
    case STAPES_ECANCELED: return 130;
    default: return status >= 0 || status == STAPES_EPIPE ? 0 : 3;
    }
}
