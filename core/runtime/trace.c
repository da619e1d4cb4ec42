/* trace.c - see trace.h. */
#include "runtime/trace.h"

#include "contract/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST = 4 << 20 }; /* spans and words each: some 130 MB at the most; the rest is counted */

typedef struct span {
    const char *what;
    int64_t     begin, end;
    uint32_t    track;
} span;

typedef struct word {
    char       *text;
    stapes_time start, end;
    uint32_t    recording;
} word;

struct st_trace {
    char    *path, *temporary;
    FILE    *file;
    span    *spans;
    word    *words;
    char   **recordings;
    uint32_t n_spans, room_spans, n_words, room_words, n_recordings, room_recordings;
    uint64_t dropped;
};

static void free_trace(st_trace *trace)
{
    for (uint32_t i = 0; i < trace->n_words; i++) free(trace->words[i].text);
    for (uint32_t i = 0; i < trace->n_recordings; i++) free(trace->recordings[i]);
    free(trace->words);
    free(trace->recordings);
    free(trace->spans);
    free(trace->path);
    free(trace->temporary);
    free(trace);
}

st_trace *st_trace_open(const char *path, stapes_error *error)
{
    st_trace *trace = calloc(1, sizeof *trace);
    size_t    length = strlen(path);
    if (trace) trace->path = strdup(path);
    if (trace) trace->temporary = malloc(length + 6);
    if (!trace || !trace->path || !trace->temporary) {
        st_error_set(error, STAPES_ENOMEM, "no memory for a trace");
        goto fail;
    }
    /* a device or a pipe is written as it is, and never replaced by a file */
    struct stat about;
    bool        plain = stat(path, &about) != 0 || S_ISREG(about.st_mode);
    (void)snprintf(trace->temporary, length + 6, "%s%s", path, plain ? ".part" : "");
    trace->file = fopen(trace->temporary, "w");
    if (trace->file) return trace;
    st_error_set(error, STAPES_ESYSTEM, "%s: the trace cannot be written: %s", path, strerror(errno));
fail:
    if (trace) free_trace(trace);
    return NULL;
}

/* Makes room for one more item. False: drop it. */
static bool grow(void *items, uint32_t count, uint32_t *room, size_t size)
{
    void **array = items;
    if (count < *room) return true;
    if (count >= MOST) return false;
    uint32_t wanted = *room ? *room * 2 : 1024;
    void    *grown = realloc(*array, wanted * size);
    if (!grown) return false;
    *array = grown;
    *room = wanted;
    return true;
}

void st_trace_span(st_trace *trace, uint32_t track, const char *what, int64_t begin, int64_t end)
{
    if (!grow(&trace->spans, trace->n_spans, &trace->room_spans, sizeof *trace->spans)) {
        trace->dropped++;
        return;
    }
    trace->spans[trace->n_spans++] = (span){what, begin, end, track};
}

void st_trace_words(st_trace *trace, const char *recording, const stapes_text *text)
{
    if (!text->final) return;
    if (!trace->n_recordings || strcmp(trace->recordings[trace->n_recordings - 1], recording) != 0) {
        if (!grow(&trace->recordings, trace->n_recordings, &trace->room_recordings, sizeof(char *))) return;
        char *copy = strdup(recording);
        if (!copy) return;
        trace->recordings[trace->n_recordings++] = copy;
    }
    for (uint32_t i = 0; i < text->n_words; i++) {
        char *copy = NULL;
        if (!grow(&trace->words, trace->n_words, &trace->room_words, sizeof *trace->words) ||
            !(copy = strdup(text->words[i].text))) {
            trace->dropped++;
            continue;
        }
        trace->words[trace->n_words++] =
            (word){copy, text->words[i].start, text->words[i].end, trace->n_recordings - 1};
    }
}

static void write_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(file, "\\%c", *c);
        else if (*c < 0x20)
            fprintf(file, "\\u%04x", *c);
        else
            fputc(*c, file);
    }
    fputc('"', file);
}

static void write_name(FILE *file, const char *what, uint32_t process, uint32_t track, const char *name)
{
    fprintf(file, ",\n{\"name\":\"%s\",\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"args\":{\"name\":", what, process,
            track);
    write_string(file, name);
    fputs("}}", file);
}

/* Microseconds with three places, from integers: locales have no say. */
static void write_time(FILE *file, const char *key, int64_t nanoseconds)
{
    fprintf(file, ",\"%s\":%lld.%03lld", key, (long long)(nanoseconds / 1000),
            (long long)(nanoseconds % 1000));
}

static void write_all(st_trace *trace, const char *const *names, uint32_t n_names)
{
    FILE   *file = trace->file;
    int64_t origin = trace->n_spans ? trace->spans[0].begin : 0;
    for (uint32_t i = 0; i < trace->n_spans; i++)
        if (trace->spans[i].begin < origin) origin = trace->spans[i].begin;
    fprintf(file, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"dropped\":%llu},\"traceEvents\":[\n",
            (unsigned long long)trace->dropped);
    fputs("{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":1,\"args\":{\"name\":\"stages (clock)\"}}", file);
    write_name(file, "process_name", 2, 0, "words (time of the audio)");
    for (uint32_t i = 0; i < n_names; i++) write_name(file, "thread_name", 1, i, names[i]);
    for (uint32_t i = 0; i < trace->n_recordings; i++)
        write_name(file, "thread_name", 2, i, trace->recordings[i]);
    for (uint32_t i = 0; i < trace->n_spans; i++) {
        const span *s = &trace->spans[i];
        fputs(",\n{\"name\":", file);
        write_string(file, s->what);
        fprintf(file, ",\"ph\":\"X\",\"pid\":1,\"tid\":%u", s->track);
        write_time(file, "ts", s->begin - origin);
        write_time(file, "dur", s->end - s->begin);
        fputc('}', file);
    }
    for (uint32_t i = 0; i < trace->n_words; i++) {
        const word *w = &trace->words[i];
        /* 705.6 flicks are a microsecond, 0.7056 a nanosecond */
        int64_t start = w->start / 441 * 625 + w->start % 441 * 625 / 441;
        int64_t end = w->end / 441 * 625 + w->end % 441 * 625 / 441;
        fputs(",\n{\"name\":", file);
        write_string(file, w->text);
        fprintf(file, ",\"ph\":\"X\",\"pid\":2,\"tid\":%u", w->recording);
        write_time(file, "ts", start);
        write_time(file, "dur", end - start);
        fputc('}', file);
    }
    fputs("\n]}\n", file);
}

int st_trace_close(st_trace *trace, const char *const *names, uint32_t n_names, stapes_error *error)
{
    if (!trace) return STAPES_OK;
    write_all(trace, names, n_names);
    int status = STAPES_OK, wrong = ferror(trace->file) | fflush(trace->file);
    int reason = errno;
    if (fclose(trace->file)) wrong = 1;
    bool beside = strcmp(trace->temporary, trace->path) != 0;
    if (!wrong && beside && rename(trace->temporary, trace->path)) wrong = 1, reason = errno;
    if (wrong) {
        status = st_error_set(error, STAPES_ESYSTEM, "%s: the trace was not written: %s", trace->path,
                              strerror(reason));
        if (beside) (void)remove(trace->temporary);
    }
    free_trace(trace);
    return status;
}
