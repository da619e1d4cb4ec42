/* talk.c - see talk.h. */
#include "cli/talk.h"
#include "cli/progress.h"
#include "contract/error.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int      current_level;
static unsigned warnings;

void st_talk_set_level(int level) { current_level = level; }
int  st_talk_level(void) { return current_level; }

unsigned st_talk_warnings(void) { return warnings; }

void st_talk_error(const char *format, ...)
{
    va_list arguments;
    st_progress_hide();
    va_start(arguments, format);
    flockfile(stderr);
    fputs("stapes: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
}

void st_talk_note(const char *format, ...)
{
    va_list arguments;
    if (current_level <= ST_TALK_QUIET) return;
    st_progress_hide();
    va_start(arguments, format);
    flockfile(stderr);
    (void)vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
}

int st_talk_failure(const stapes_error *error)
{
    if (error->status < 0 && error->status != STAPES_EPIPE && error->status != STAPES_ECANCELED) {
        /* what has lines of its own (mistakes of a pipeline file) needs no name before it */
        if (strchr(error->text, '\n')) {
            size_t length = strlen(error->text);
            st_progress_hide();
            fprintf(stderr, "%s%s", error->text, length && error->text[length - 1] == '\n' ? "" : "\n");
        } else {
            st_talk_error("%s", error->text[0] ? error->text : "failed without a reason given");
        }
    }
    return st_error_exit_code(error->status);
}

void st_talk_message(void *user, int level, const char *from, const char *text)
{
    (void)user;
    if (level >= STAPES_WARNING) {
        warnings++;
        if (current_level > ST_TALK_QUIET) st_talk_error("%s%s%s", from, from[0] ? ": " : "", text);
    } else if (current_level >= ST_TALK_VERBOSE) {
        st_talk_note("%s%s%s", from, from[0] ? ": " : "", text);
    }
}

void st_talk_rejected(void *user, const char *input, const char *text)
{
    size_t length = input ? strlen(input) : 0;
    (void)user;
    /* some sources name the input themselves */
    if (!length || strncmp(text, input, length) == 0)
        st_talk_error("%s", text);
    else
        st_talk_error("%s: %s", input, text);
}

int st_talk_finish(int code)
{
    int failed;
    errno = 0;
    failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed) {
        /* NFS and quotas tell it only when the file is closed */
        errno = 0;
        failed = close(STDOUT_FILENO) != 0 && errno != EBADF;
    }
    if (!failed) return code;
    if (errno == EPIPE) return code == 0 || code == 4 ? 0 : code;
    if (code == 0) {
        st_talk_error("standard output: %s", errno ? strerror(errno) : "cannot be written");
        return 4;
    }
    return code;
}

int st_talk_width(FILE *file)
{
    struct winsize size;
    if (!isatty(fileno(file)) || ioctl(fileno(file), TIOCGWINSZ, &size) != 0 || size.ws_col < 40) return 80;
    return size.ws_col > 120 ? 120 : size.ws_col;
}

void st_talk_wrap(FILE *file, const char *text, int indent, int used, int width)
{
    int column = used;
    if (column < indent) {
        fprintf(file, "%*s", indent - column, "");
        column = indent;
    } else if (column > indent) {
        fprintf(file, "\n%*s", indent, "");
        column = indent;
    }
    while (*text) {
        int word = (int)strcspn(text, " \n");
        if (column > indent && column + 1 + word > width) {
            fprintf(file, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', file);
            column++;
        }
        fwrite(text, 1, (size_t)word, file);
        column += word;
        text += word;
        if (*text == '\n' && text[1] == '\n') {
            fprintf(file, "\n\n%*s", indent, "");
            column = indent;
        }
        text += strspn(text, " \n");
    }
    fputc('\n', file);
}

/* The bytes of the UTF-8 sequence at `s`, or 0 if it is none. */
static int sequence(const unsigned char *s)
{
    if (s[0] < 0x80) return 1;
    if (s[0] >= 0xc2 && s[0] <= 0xdf && (s[1] & 0xc0) == 0x80) return 2;
    if (s[0] >= 0xe0 && s[0] <= 0xef && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
        if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
        if (s[0] == 0xed && s[1] > 0x9f) return 0;
        return 3;
    }
    if (s[0] >= 0xf0 && s[0] <= 0xf4 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 &&
        (s[3] & 0xc0) == 0x80) {
        if (s[0] == 0xf0 && s[1] < 0x90) return 0;
        if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
        return 4;
    }
    return 0;
}

void st_talk_json(FILE *file, const char *text)
{
    if (!text) {
        fputs("null", file);
        return;
    }
    fputc('"', file);
    for (const unsigned char *at = (const unsigned char *)text; *at;) {
        int n = sequence(at);
        if (n == 0) {
            fputs("\\ufffd", file);
            n = 1;
        } else if (*at == '"' || *at == '\\') {
            fprintf(file, "\\%c", *at);
        } else if (*at < 0x20 || *at == 0x7f) {
            fprintf(file, "\\u%04x", *at);
        } else {
            fwrite(at, 1, (size_t)n, file);
        }
        at += n;
    }
    fputc('"', file);
}
