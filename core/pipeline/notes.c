/* notes.c - see notes.h. A text is checked before anything reads it (size, UTF-8, characters that YAML
 * forbids), so that the readers after it never meet bytes that they cannot place in a line. */
#include "pipeline/notes.h"

#include "contract/utf8.h"
#include "plugin/parameter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONGEST_WORD = 60, MOST_NAMES = 12 };

void st_notes_open(st_notes *notes, st_arena *arena)
{
    *notes = (st_notes){.arena = arena};
    notes->last_page = &notes->pages;
}

void *st_notes_grow(st_notes *notes, void *list, uint32_t n, uint32_t *room, size_t item_size)
{
    if (n < *room) return list;
    uint32_t more = *room ? *room * 2 : 8;
    void    *moved = more > *room ? st_arena_take(notes->arena, more, item_size) : NULL;
    if (!moved) {
        notes->no_memory = true;
        return NULL;
    }
    if (n) memcpy(moved, list, n * item_size);
    *room = more;
    return moved;
}

static const char *text_v(st_notes *notes, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int   length = vsnprintf(NULL, 0, format, again);
    char *text = length < 0 ? NULL : st_arena_take(notes->arena, (size_t)length + 1, 1);
    va_end(again);
    if (!text) {
        notes->no_memory = true;
        return "";
    }
    (void)vsnprintf(text, (size_t)length + 1, format, arguments);
    return text;
}

const char *st_notes_text(st_notes *notes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const char *text = text_v(notes, format, arguments);
    va_end(arguments);
    return text;
}

static const char *shorten(st_notes *notes, const char *word, size_t most)
{
    size_t   length = strlen(word), used = 0;
    char    *shown = st_arena_take(notes->arena, length + 4, 1);
    uint32_t code;
    if (!shown) {
        notes->no_memory = true;
        return "";
    }
    for (size_t at = 0, count = 0; at < length; count++) {
        size_t n = st_utf8_next(word + at, length - at, &code);
        if (count == most) {
            memcpy(shown + used, "...", 4);
            return shown;
        }
        if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0)) {
            shown[used++] = '?';
        } else {
            memcpy(shown + used, word + at, n);
            used += n;
        }
        at += n ? n : 1;
    }
    return shown;
}

const char *st_notes_word(st_notes *notes, const char *word) { return shorten(notes, word, LONGEST_WORD); }
const char *st_notes_clean(st_notes *notes, const char *text) { return shorten(notes, text, SIZE_MAX); }

const char *st_notes_nearest(st_notes *notes, const char *word, const char *const *candidates, uint32_t count)
{
    const char *near = count ? st_parameter_nearest(word, candidates, count) : NULL;
    return near ? st_notes_text(notes, "; did you mean '%s'?", near) : "";
}

const char *st_notes_join(st_notes *notes, const char *const *names, uint32_t count)
{
    const char *text = "";
    for (uint32_t i = 0; i < count && i < MOST_NAMES; i++)
        text = st_notes_text(notes, "%s%s%s", text, i ? ", " : "", names[i]);
    return count > MOST_NAMES ? st_notes_text(notes, "%s, ...", text) : text;
}

/* ---- mistakes ---------------------------------------------------------------------------------- */

static const st_page *page_of(const st_notes *notes, const char *file)
{
    for (const st_page *page = notes->pages; page; page = page->next)
        if (page->file == file) return page;
    return NULL;
}

static size_t line_end(const st_page *page, uint32_t line)
{
    size_t begin = page->lines[line], end = page->lines[line + 1];
    for (size_t at = begin; at < end;) {
        uint32_t code;
        size_t   n = st_utf8_next(page->text + at, end - at, &code);
        if (st_utf8_break(page->text + at, end - at)) return at;
        at += n ? n : 1;
    }
    return end;
}

static const char *line_of(st_notes *notes, const st_mark *mark)
{
    const st_page *page = page_of(notes, mark->file);
    if (!page || mark->line == 0 || mark->line > page->n_lines) return NULL;
    size_t begin = page->lines[mark->line - 1];
    return st_notes_text(notes, "%.*s", (int)(line_end(page, mark->line - 1) - begin), page->text + begin);
}

static void add(st_notes *notes, st_spot spot, int status, const char *text)
{
    for (uint32_t i = 0; i < notes->n; i++) {
        const st_mistake *old = &notes->list[i];
        if (old->mark.file == spot.mark.file && old->mark.line == spot.mark.line &&
            old->mark.column == spot.mark.column && !strcmp(old->text, text))
            return;
    }
    st_mistake *list = st_notes_grow(notes, notes->list, notes->n, &notes->room, sizeof *list);
    if (!list) return;
    notes->list = list;
    list[notes->n++] = (st_mistake){.mark = spot.mark,
                                    .status = status,
                                    .text = text,
                                    .line = line_of(notes, &spot.mark),
                                    .width = spot.width ? spot.width : 1};
}

void st_notes_add(st_notes *notes, st_spot spot, int status, const char *format, ...)
{
    if (notes->too_many) return;
    va_list arguments;
    va_start(arguments, format);
    add(notes, spot, status, text_v(notes, format, arguments));
    va_end(arguments);
    if (notes->n == ST_NOTES_MOST) {
        st_spot end = {.mark = {.file = spot.mark.file}};
        add(notes, end, STAPES_EUSAGE,
            st_notes_text(notes, "%u mistakes are shown, and reading stopped here", ST_NOTES_MOST));
        notes->too_many = true;
    }
}

static uint64_t rank(const st_notes *notes, const st_mistake *mistake)
{
    uint64_t number = 0;
    for (const st_page *page = notes->pages; page && page->file != mistake->mark.file; page = page->next)
        number++;
    return number;
}

static bool stands_before(const st_notes *notes, const st_mistake *a, const st_mistake *b)
{
    uint64_t rank_a = rank(notes, a), rank_b = rank(notes, b);
    uint32_t line_a = a->mark.line ? a->mark.line : UINT32_MAX,
             line_b = b->mark.line ? b->mark.line : UINT32_MAX;
    if (rank_a != rank_b) return rank_a < rank_b;
    if (line_a != line_b) return line_a < line_b;
    return a->mark.column < b->mark.column;
}

void st_notes_sort(st_notes *notes)
{
    for (uint32_t i = 1; i < notes->n; i++) { /* few, and often in order already */
        st_mistake mistake = notes->list[i];
        uint32_t   to = i;
        for (; to > 0 && stands_before(notes, &mistake, &notes->list[to - 1]); to--)
            notes->list[to] = notes->list[to - 1];
        notes->list[to] = mistake;
    }
}

/* ---- texts ----------------------------------------------------------------------------------------- */

st_spot st_notes_spot(const st_page *page, size_t begin, size_t end)
{
    uint32_t low = 0, high = page->n_lines;
    while (high - low > 1) { /* the last line that begins at or before `begin` */
        uint32_t middle = low + (high - low) / 2;
        if (page->lines[middle] <= begin)
            low = middle;
        else
            high = middle;
    }
    size_t last = line_end(page, low);
    if (end > last) end = last;
    st_spot spot = {.mark = {.file = page->file, .line = low + 1}, .width = 1};
    spot.mark.column = st_utf8_count(page->text + page->lines[low], begin - page->lines[low]) + 1;
    if (end > begin) spot.width = st_utf8_count(page->text + begin, end - begin);
    return spot;
}

static bool find_lines(st_notes *notes, st_page *page)
{
    uint32_t count = 1;
    for (int pass = 0; pass < 2; pass++) {
        size_t *lines = NULL;
        if (pass && !(lines = st_arena_take(notes->arena, (size_t)count + 1, sizeof *lines))) {
            notes->no_memory = true;
            return false;
        }
        count = 1;
        for (size_t at = 0; at < page->length;) {
            uint32_t code;
            size_t   n = st_utf8_break(page->text + at, page->length - at);
            if (n == 0) {
                n = st_utf8_next(page->text + at, page->length - at, &code);
                at += n ? n : 1;
                continue;
            }
            at += n;
            if (at == page->length) break;
            if (lines) lines[count] = at;
            count++;
        }
        if (lines) lines[count] = page->length;
        page->lines = lines;
    }
    page->n_lines = count;
    return true;
}

static bool is_allowed(uint32_t code)
{
    return code == '\t' || code == '\n' || code == '\r' || (code >= 0x20 && code < 0x7f) || code == 0x85 ||
           (code >= 0xa0 && code <= 0xfffd && code != 0xfeff) || code >= 0x10000;
}

static bool check_characters(st_notes *notes, const st_page *page)
{
    for (size_t at = 0; at < page->length;) {
        uint32_t code = 0;
        size_t   n = st_utf8_next(page->text + at, page->length - at, &code);
        if (n == 0) {
            const unsigned char *byte = (const unsigned char *)page->text + at;
            bool                 wide = at == 0 && page->length > 1 && byte[0] + byte[1] == 0xff + 0xfe;
            st_notes_add(notes, st_notes_spot(page, at, at + 1), STAPES_EUSAGE,
                         wide ? "this is UTF-16; a pipeline file is UTF-8: save it as UTF-8"
                              : "byte 0x%02x is not UTF-8: save the file as UTF-8",
                         (unsigned)*byte);
            return false;
        }
        if (!is_allowed(code)) {
            st_notes_add(notes, st_notes_spot(page, at, at + n), STAPES_EUSAGE,
                         "character U+%04X may not stand in a pipeline: delete it", (unsigned)code);
            return false;
        }
        at += n;
    }
    return true;
}

/* Reads a file whole; *problem says why not. */
static char *read_whole(st_notes *notes, const char *file, st_page *page, const char **problem, int *status)
{
    struct stat about;
    char       *text = NULL;
    size_t      used = 0, room = ST_NOTES_LONGEST;
    int         handle = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    *status = STAPES_EUSAGE;
    if (handle < 0 || fstat(handle, &about) != 0) {
        *problem = st_notes_text(notes, "cannot be read: %s", strerror(errno));
    } else if (S_ISDIR(about.st_mode)) {
        *problem = "is a folder, not a pipeline file";
    } else if (S_ISREG(about.st_mode) && about.st_size > ST_NOTES_LONGEST) {
        *problem = st_notes_text(notes, "has %lld bytes; a pipeline file has at most %d",
                                 (long long)about.st_size, ST_NOTES_LONGEST);
    } else {
        if (S_ISREG(about.st_mode) && about.st_size > 0) room = (size_t)about.st_size;
        if (!(text = st_arena_take(notes->arena, room + 2, 1))) notes->no_memory = true;
    }
    if (text) {
        ssize_t n;
        do { /* one byte more than expected, to see a pipe that goes on */
            n = read(handle, text + used, room + 1 - used);
            if (n > 0) used += (size_t)n;
        } while ((n > 0 && used <= room) || (n < 0 && errno == EINTR));
        if (n < 0) {
            *problem = st_notes_text(notes, "cannot be read: %s", strerror(errno));
            *status = STAPES_ESYSTEM;
        } else if (used > ST_NOTES_LONGEST) {
            *problem = st_notes_text(notes, "is longer than the %d bytes that a pipeline file may have",
                                     ST_NOTES_LONGEST);
        }
    }
    if (handle >= 0) (void)close(handle);
    page->length = used;
    if (!*problem && text) {
        page->device = (uint64_t)about.st_dev;
        page->inode = (uint64_t)about.st_ino;
    }
    return *problem ? NULL : text;
}

st_page *st_notes_read(st_notes *notes, const char *file, const char *text, const st_spot *asked)
{
    struct stat about;
    for (st_page *old = notes->pages; !text && old && stat(file, &about) == 0; old = old->next)
        if (old->inode && old->inode == (uint64_t)about.st_ino && old->device == (uint64_t)about.st_dev)
            return old->good ? old : NULL;
    st_page    *page = st_arena_take(notes->arena, 1, sizeof *page);
    const char *problem = NULL;
    int         status = STAPES_EUSAGE;
    if (!page) {
        notes->no_memory = true;
        return NULL;
    }
    page->file = st_notes_text(notes, "%s", file);
    *notes->last_page = page;
    notes->last_page = &page->next;
    if (text) {
        page->length = strlen(text);
        page->text = page->length <= ST_NOTES_LONGEST ? st_notes_text(notes, "%s", text) : NULL;
        if (!page->text)
            problem = st_notes_text(notes, "has %zu bytes; a pipeline has at most %d", page->length,
                                    ST_NOTES_LONGEST);
    } else {
        page->text = read_whole(notes, file, page, &problem, &status);
    }
    if (problem) {
        st_spot nowhere = {.mark = {.file = page->file}};
        if (asked)
            st_notes_add(notes, *asked, status, "'%s' %s", page->file, problem);
        else
            st_notes_add(notes, nowhere, status, "%s", problem);
        return NULL;
    }
    if (notes->no_memory) return NULL;
    if (page->length >= 3 && !memcmp(page->text, "\xef\xbb\xbf", 3)) {
        page->text += 3;
        page->length -= 3;
    }
    page->good = find_lines(notes, page) && check_characters(notes, page);
    return page->good ? page : NULL;
}
