/* debug_dump.c - the stage debug.dump: writes what passes a port and passes it on unchanged.
 *
 * Numbers (audio, frames, scores, bytes) go to one .npy file: the rows of the whole run one below the
 * other, numpy.load(path). Beside it path.tsv has a line for each stretch of rows that follow each other
 * in time: which recording and segment it is, where it begins, and the format. Tokens and texts go to path
 * itself, a line each.
 *
 * Files appear when the run has ended well, or not at all. A recording that was given up half-way is taken
 * out again. */
#include "debug_stages.h"
#include "npy_file.h"

#include <stapes/kit.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NAME = 1024 };

typedef struct settings {
    const char *path;
} settings;

typedef struct state {
    stapes_output output, index; /* index: of numbers only */
    npy_file      npy;
    uint32_t      kind, columns;
    bool          begun;
    char          recording[NAME];
    uint32_t      segment;
    /* The stretch of rows that is going on. */
    uint64_t    first, rows; /* in the file */
    stapes_time start, next; /* place of its first row, and of the row that would continue it */
    stapes_time hop;
    char        format[640]; /* end of its line */
    /* Where this recording began, for when it is given up. */
    uint64_t rows_before;
    off_t    lines_before;
} state;

static const char *const kinds[] = {"", "audio", "frames", "scores", "tokens", "text", "predictor", "bytes"};

static int pass_on(const stapes_instance *me, const stapes_error *error)
{
    return me->host->fail(me, error->status, "%s", error->text);
}

static bool is_lines(uint32_t kind) { return kind == STAPES_TOKENS || kind == STAPES_TEXT; }

/* The file with a line for each thing. */
static stapes_output *lines_of(state *s) { return is_lines(s->kind) ? &s->output : &s->index; }

STAPES_FORMAT_CHECK(2, 3) static int write_line(const stapes_instance *me, const char *format, ...)
{
    stapes_error error = {0};
    char        *line = NULL;
    va_list      arguments;
    va_start(arguments, format);
    int n = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (n < 0) return me->host->fail(me, STAPES_ENOMEM, "no memory for a line");
    int status = stapes_write_output(lines_of(me->state), line, (size_t)n, &error);
    free(line);
    return status < 0 ? pass_on(me, &error) : STAPES_OK;
}

/* Without what would divide cells or lines. */
static void clean_cell(char *cell)
{
    for (; *cell; cell++)
        if (*cell == '\t' || *cell == '\n' || *cell == '\r') *cell = ' ';
}

static void copy_cell(char *cell, size_t size, const char *text)
{
    (void)snprintf(cell, size, "%s", text ? text : "");
    clean_cell(cell);
}

/* ---- open, configure, end -------------------------------------------------------------------------- */

static int open_dump(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    stapes_error    error = {0};
    if (!strcmp(my->path, "-"))
        return me->host->fail(me, STAPES_EUSAGE, "path: '-': a dump is a file; give its name");
    return stapes_begin_output(&s->output, my->path, &error) < 0 ? pass_on(me, &error) : STAPES_OK;
}

static int begin_index(const stapes_instance *me)
{
    const settings *my = me->settings;
    state          *s = me->state;
    stapes_error    error = {0};
    size_t          size = strlen(my->path) + sizeof ".tsv";
    char           *path = malloc(size);
    if (!path) return me->host->fail(me, STAPES_ENOMEM, "no memory");
    (void)snprintf(path, size, "%s.tsv", my->path);
    int status = stapes_begin_output(&s->index, path, &error);
    free(path);
    return status < 0 ? pass_on(me, &error) : STAPES_OK;
}

/* At the first packet: a disk that is full is no fault of the format. */
static int begin_files(const stapes_instance *me)
{
    state       *s = me->state;
    stapes_error error = {0};
    const char  *head =
        "recording\tsegment\tfirst_row\trows\tstart_flicks\tstart_seconds\tkind\trate\thop_flicks\t"
        "recipe\n";
    s->begun = true;
    if (s->kind == STAPES_TOKENS) {
        head = "recording\tsegment\tstart_seconds\tend_seconds\tid\tscore\n";
    } else if (s->kind == STAPES_TEXT) {
        head = "recording\tsegment\trevision\tstable\tfinal\tscore\ttext\twords\n";
    } else {
        uint32_t type = s->kind == STAPES_BYTES ? NPY_BYTES : NPY_FLOAT32;
        if (npy_begin(&s->npy, &s->output, type, s->columns, &error) < 0) return pass_on(me, &error);
        int status = begin_index(me);
        if (status < 0) return status;
    }
    int status = write_line(me, "%s", head);
    s->lines_before = lseek(lines_of(s)->fd, 0, SEEK_CUR);
    return status;
}

static int configure(const stapes_instance *me, const stapes_format *const *inputs,
                     stapes_format *const *outputs, stapes_bounds *bounds)
{
    state               *s = me->state;
    const stapes_format *in = inputs[0];
    (void)bounds;
    *outputs[0] = *in;
    if (in->kind >= STAPES_COUNT(kinds) || in->kind == STAPES_PREDICTOR)
        return me->host->fail(me, STAPES_EFORMAT, "a predictor is a table of functions and cannot be dumped");
    if (s->kind && s->kind != in->kind)
        return me->host->fail(me, STAPES_EFORMAT, "%s after %s: one file holds one kind", kinds[in->kind],
                              kinds[s->kind]);
    if (s->kind && !is_lines(s->kind) && s->kind != STAPES_BYTES && in->columns != s->columns)
        return me->host->fail(
            me, STAPES_EFORMAT,
            "%u columns after %u: a .npy file holds one shape; dump these recordings one by one", in->columns,
            s->columns);
    s->hop = in->kind == STAPES_AUDIO ? stapes_time_of(1, in->rate) : in->hop;
    char recipe[520];
    copy_cell(recipe, sizeof recipe, in->recipe);
    (void)snprintf(s->format, sizeof s->format, "%s\t%u\t%lld\t%s", kinds[in->kind], in->rate,
                   (long long)s->hop, recipe);
    s->kind = in->kind;
    s->columns = in->kind == STAPES_BYTES ? 1 : in->columns;
    return STAPES_OK;
}

/* The stretch of rows ended: its line. */
static int end_stretch(const stapes_instance *me)
{
    state *s = me->state;
    if (!s->rows) return STAPES_OK;
    uint64_t rows = s->rows;
    s->rows = 0;
    return write_line(me, "%s\t%u\t%llu\t%llu\t%lld\t%.6f\t%s\n", s->recording, s->segment,
                      (unsigned long long)s->first, (unsigned long long)rows, (long long)s->start,
                      stapes_seconds(s->start), s->format);
}

static int end_files(const stapes_instance *me)
{
    state       *s = me->state;
    stapes_error error = {0};
    if (!s->kind) { /* no recording could be read */
        stapes_drop_output(&s->output);
        return STAPES_OK;
    }
    int status = s->begun ? STAPES_OK : begin_files(me);
    if (status < 0) return status;
    if ((s->npy.begun && npy_end(&s->npy, &error) < 0) || stapes_end_output(&s->output, &error) < 0 ||
        stapes_end_output(&s->index, &error) < 0)
        return pass_on(me, &error);
    return STAPES_OK;
}

static void close_dump(const stapes_instance *me)
{
    state *s = me->state;
    stapes_drop_output(&s->output);
    stapes_drop_output(&s->index);
}

/* ---- what passes ------------------------------------------------------------------------------------- */

static int write_tokens(const stapes_instance *me, const stapes_packet *packet)
{
    state              *s = me->state;
    const stapes_token *tokens = packet->data;
    for (uint32_t i = 0; i < packet->rows; i++) {
        int status = write_line(me, "%s\t%u\t%.6f\t%.6f\t%d\t%.9g\n", s->recording, s->segment,
                                stapes_seconds(tokens[i].start), stapes_seconds(tokens[i].end), tokens[i].id,
                                (double)tokens[i].score);
        if (status < 0) return status;
    }
    return STAPES_OK;
}

/* "WORD 0.100-0.350|..." of all words of a text. malloc'd; NULL without memory. */
static char *words_cell(const stapes_text *text)
{
    size_t size = 1, used = 0;
    for (uint32_t i = 0; i < text->n_words; i++) size += strlen(text->words[i].text) + 64;
    char *cell = calloc(size, 1);
    for (uint32_t i = 0; cell && i < text->n_words; i++) {
        const stapes_word *word = &text->words[i];
        int                n = snprintf(cell + used, size - used, "%s%s %.3f-%.3f", i ? "|" : "", word->text,
                                        stapes_seconds(word->start), stapes_seconds(word->end));
        if (n > 0 && (size_t)n < size - used) used += (size_t)n;
    }
    if (cell) clean_cell(cell);
    return cell;
}

static int write_text(const stapes_instance *me, const stapes_packet *packet)
{
    state      *s = me->state;
    stapes_text text = {0};
    uint32_t    size = ((const stapes_text *)packet->data)->size;
    memcpy(&text, packet->data, size < sizeof text ? size : sizeof text);
    size_t length = (text.text ? strlen(text.text) : 0) + 1;
    char  *line = malloc(length), *words = words_cell(&text);
    int    status = STAPES_ENOMEM;
    if (line && words) {
        copy_cell(line, length, text.text);
        status = write_line(me, "%s\t%u\t%u\t%u\t%u\t%.9g\t%s\t%s\n", s->recording, text.segment,
                            text.revision, text.stable, text.final, (double)text.score, line, words);
    } else {
        (void)me->host->fail(me, status, "no memory for a text");
    }
    free(line);
    free(words);
    return status;
}

static int write_rows(const stapes_instance *me, const stapes_packet *packet)
{
    state       *s = me->state;
    stapes_error error = {0};
    /* Rows that lie less than half a step off continue the stretch: places are rounded. */
    stapes_time off = packet->start - s->next;
    if (s->rows && s->hop && (off > s->hop / 2 || off < -(s->hop / 2))) {
        int status = end_stretch(me);
        if (status < 0) return status;
    }
    if (!s->rows) {
        s->first = s->npy.rows;
        s->start = packet->start;
    }
    if (npy_write(&s->npy, packet->data, packet->rows, &error) < 0) return pass_on(me, &error);
    s->rows += packet->rows;
    s->next = packet->start + packet->duration;
    return STAPES_OK;
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *s = me->state;
    int    status = s->begun ? STAPES_OK : begin_files(me);
    if (status < 0) return status;
    status = s->kind == STAPES_TOKENS ? write_tokens(me, packet)
             : s->kind == STAPES_TEXT ? write_text(me, packet)
                                      : write_rows(me, packet);
    if (status < 0) return status;
    me->host->retain(packet);
    return me->host->emit(me, port, (stapes_packet *)packet);
}

/* Takes out what was written of the recording. */
static int abandon(const stapes_instance *me)
{
    state       *s = me->state;
    stapes_error error = {0};
    s->rows = 0;
    if (!s->begun) return STAPES_OK;
    if (s->npy.begun && npy_cut(&s->npy, s->rows_before, &error) < 0) return pass_on(me, &error);
    int fd = lines_of(s)->fd;
    if (ftruncate(fd, s->lines_before) != 0 || lseek(fd, s->lines_before, SEEK_SET) < 0)
        return me->host->fail(me, STAPES_ESYSTEM, "%s: cannot be cut back to before the recording",
                              lines_of(s)->path);
    return STAPES_OK;
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *event)
{
    state *s = me->state;
    (void)port;
    switch (event->type) {
    case STAPES_RECORDING_BEGIN:
        copy_cell(s->recording, sizeof s->recording, event->name);
        s->segment = 0;
        s->rows_before = s->npy.rows;
        if (s->begun) s->lines_before = lseek(lines_of(s)->fd, 0, SEEK_CUR);
        break;
    case STAPES_SEGMENT_BEGIN: s->segment = event->segment; break;
    case STAPES_RECORDING_ABANDONED: return abandon(me);
    default: break;
    }
    return STAPES_OK;
}

static int flush(const stapes_instance *me, int how)
{
    int status = end_stretch(me);
    return status < 0 || how != STAPES_FLUSH_END ? status : end_files(me);
}

static const stapes_port inputs[] = {{.name = "in", .kinds = STAPES_ANY_DATA}};
static const stapes_port outputs[] = {{.name = "out", .kinds = STAPES_ANY_DATA, .help = "what came in"}};

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, path, NULL,
                     "the .npy file; PATH.tsv beside it says which rows are what (tokens and texts: a .tsv)",
                     .flags = STAPES_IS_OUTPUT_FILE)};

const stapes_stage debug_dump = {
    .size = sizeof debug_dump,
    .flags = STAPES_TOUCHES_FILES,
    .name = "debug.dump",
    .summary = "writes what passes to a file for NumPy, and passes it on",
    STAPES_INPUTS(inputs),
    STAPES_OUTPUTS(outputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_dump,
    .configure = configure,
    .process = process,
    .event = event,
    .flush = flush,
    .close = close_dump,
};
