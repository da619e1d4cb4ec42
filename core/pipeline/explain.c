/* explain.c - mistakes as people read them:
 *
 *   asr.yaml:4:5: unknown stage 'feature.logmel'; did you mean 'features.logmel'?
 *       4 |   - feature.logmel
 *         |     ^~~~~~~~~~~~~~
 */
#include "contract/utf8.h"
#include "pipeline/graph.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDEST = 140, BEFORE = 60 }; /* characters of a line that are shown, and those before the caret */

/* One character of a line as it may go to a terminal. */
static size_t show(FILE *out, const char *text, size_t length)
{
    uint32_t code = 0;
    size_t   n = st_utf8_next(text, length, &code);
    if (n == 0 || (code < 0x20 && code != '\t') || (code >= 0x7f && code < 0xa0))
        (void)fputc('?', out);
    else
        (void)fwrite(text, 1, n, out);
    return n ? n : 1;
}

static void explain_line(FILE *out, const st_mistake *mistake)
{
    const char *line = mistake->line;
    size_t      length = strlen(line), at = 0;
    uint32_t count = st_utf8_count(line, length), column = mistake->mark.column - 1, first = 0, last = count;
    if (count > WIDEST) {
        first = column > BEFORE ? column - BEFORE : 0;
        last = count - first > WIDEST ? first + WIDEST : count;
    }
    for (uint32_t i = 0; i < first; i++) {
        uint32_t code;
        size_t   n = st_utf8_next(line + at, length - at, &code);
        at += n ? n : 1;
    }
    size_t begin = at;
    (void)fprintf(out, "%6u | %s", mistake->mark.line, first ? "..." : "");
    for (uint32_t i = first; i < last; i++) at += show(out, line + at, length - at);
    (void)fprintf(out, "%s\n       | %s", last < count ? "..." : "", first ? "   " : "");
    at = begin;
    for (uint32_t i = first; i < column; i++) { /* a tab under a tab, so that both are as wide */
        bool     tab = at < length && line[at] == '\t';
        uint32_t code;
        size_t   n = at < length ? st_utf8_next(line + at, length - at, &code) : 1;
        at += n ? n : 1;
        (void)fputc(tab ? '\t' : ' ', out);
    }
    (void)fputc('^', out);
    for (uint32_t i = 1; i < mistake->width && column + i < last; i++) (void)fputc('~', out);
    (void)fputc('\n', out);
}

char *st_graph_explain(const st_graph *graph)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out = graph->n_mistakes ? open_memstream(&text, &size) : NULL;
    if (!out) return NULL;
    for (uint32_t i = 0; i < graph->n_mistakes; i++) {
        const st_mistake *mistake = &graph->mistakes[i];
        if (mistake->mark.line == 0) {
            (void)fprintf(out, "%s: %s\n", mistake->mark.file, mistake->text);
            continue;
        }
        (void)fprintf(out, "%s:%u:%u: %s\n", mistake->mark.file, mistake->mark.line, mistake->mark.column,
                      mistake->text);
        if (mistake->line) explain_line(out, mistake);
    }
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}
