/* suite_formats.c - formats for the contract suite: read, written, tried on a stage. */
#include "contract/format.h"
#include "suite/drive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- in words
 * ---------------------------------------------------------------------------------------------- */

static bool read_hop(const char *value, stapes_time *hop)
{
    char  *rest;
    double number = strtod(value, &rest);
    if (rest == value || !(number >= 0) || number > 1e12) return false;
    if (!strncmp(rest, "ms", 2))
        number *= 705600;
    else if (!strncmp(rest, "flicks", 6))
        number *= 1;
    else if (*rest == 's')
        number *= 705600000;
    else
        return false;
    *hop = (stapes_time)llround(number);
    return true;
}

bool st_suite_read_format(const char *text, st_arena *arena, stapes_format *format, char *wrong, size_t size)
{
    size_t length = strcspn(text, " ");
    *format = (stapes_format){.size = sizeof *format, .columns = 1};
    for (uint32_t kind = STAPES_AUDIO; kind < STAPES_EVENT; kind++)
        if (strlen(st_format_kind_name(kind)) == length && !strncmp(text, st_format_kind_name(kind), length))
            format->kind = kind;
    if (!format->kind) {
        (void)snprintf(wrong, size,
                       "--format '%.100s': begins with no kind (audio, frames, scores, tokens, text, bytes)",
                       text);
        return false;
    }
    for (const char *at = text + length; *at;) {
        const char *value;
        char       *rest = NULL;
        bool        good = false;
        while (*at == ' ') at++;
        if (!*at) break;
        length = strcspn(at, " ");
        value = at + strcspn(at, "=");
        value += *value == '=';
        if (!strncmp(at, "recipe=", 7)) {
            length = strlen(at);
            format->recipe = st_arena_string(arena, value);
            good = true;
        } else if (!strncmp(at, "vocabulary=", 11)) {
            format->vocabulary = st_arena_string_n(arena, value, (size_t)(at + length - value));
            good = true;
        } else if (!strncmp(at, "hop=", 4)) {
            good = read_hop(value, &format->hop);
        } else if (!strncmp(at, "columns=", 8) || !strncmp(at, "rate=", 5)) {
            unsigned long number = strtoul(value, &rest, 10);
            good = rest == at + length && rest > value && number <= UINT32_MAX;
            *(at[0] == 'c' ? &format->columns : &format->rate) = (uint32_t)number;
        }
        if (!good) {
            (void)snprintf(
                wrong, size,
                "--format: '%.*s' is none of rate=N, columns=N, hop=10ms, vocabulary=..., recipe=... (to the "
                "end)",
                length > 100 ? 100 : (int)length, at);
            return false;
        }
        at += length;
    }
    return true;
}

char *st_suite_write_format(const stapes_format *format, st_arena *arena)
{
    return st_arena_format(arena, "%s columns=%u rate=%u hop=%lldflicks%s%s%s%s",
                           st_format_kind_name(format->kind), format->columns, format->rate,
                           (long long)format->hop, format->vocabulary ? " vocabulary=" : "",
                           format->vocabulary ? format->vocabulary : "", format->recipe ? " recipe=" : "",
                           format->recipe ? format->recipe : "");
}

/* ---- candidates
 * ---------------------------------------------------------------------------------------------- */

#define HOP (STAPES_SECOND / 100)

static const stapes_format known[] = {
    {.kind = STAPES_AUDIO, .columns = 1, .rate = 16000},
    {.kind = STAPES_AUDIO, .columns = 2, .rate = 44100},
    {.kind = STAPES_AUDIO, .columns = 1, .rate = 8000},
    {.kind = STAPES_AUDIO, .columns = 2, .rate = 48000},
    {.kind = STAPES_FRAMES, .columns = 80, .hop = HOP},
    {.kind = STAPES_FRAMES, .columns = 13, .hop = HOP},
    {.kind = STAPES_FRAMES, .columns = 40, .hop = HOP},
    {.kind = STAPES_FRAMES, .columns = 1, .hop = HOP},
    {.kind = STAPES_SCORES, .columns = 29, .hop = 3 * HOP},
    {.kind = STAPES_SCORES, .columns = 5, .hop = HOP},
    {.kind = STAPES_TOKENS, .columns = 1},
    {.kind = STAPES_TEXT, .columns = 1},
    {.kind = STAPES_BYTES, .columns = 1},
};

enum { MOST_CANDIDATES = 32, MOST_TRIES = 200 };

typedef struct candidates {
    stapes_format formats[MOST_CANDIDATES];
    uint32_t      count;
} candidates;

/* What the options say for a kind, or else the known ones; for each kind of the port. */
static bool find_candidates(st_case *c, const stapes_port *port, candidates *found)
{
    char wrong[300];
    for (uint32_t kind = STAPES_AUDIO; kind < STAPES_EVENT; kind++) {
        bool given = false;
        if (!(port->kinds & STAPES_KIND(kind))) continue;
        for (uint32_t i = 0; i < c->options->n_formats && found->count < MOST_CANDIDATES; i++) {
            stapes_format format;
            if (!st_suite_read_format(c->options->formats[i], &c->arena, &format, wrong, sizeof wrong)) {
                st_suite_fail(c, "%s", wrong);
                return false;
            }
            if (format.kind != kind) continue;
            found->formats[found->count++] = format;
            given = true;
        }
        for (uint32_t i = 0; i < STAPES_COUNT(known) && !given && found->count < MOST_CANDIDATES; i++) {
            if (known[i].kind != kind) continue;
            found->formats[found->count] = known[i];
            found->formats[found->count++].size = sizeof(stapes_format);
        }
    }
    if (port->flags & STAPES_OPTIONAL && found->count < MOST_CANDIDATES)
        found->formats[found->count++] = (stapes_format){0}; /* unconnected */
    return true;
}

/* Counts the places up; false after the last. Inputs of the same kinds go together first. */
static bool next(uint32_t *places, const candidates *all, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (++places[i] < all[i].count) return true;
        places[i] = 0;
    }
    return false;
}

static void try_hostile(st_case *c, st_probe *probe)
{
    static char         recipe[5001];
    const stapes_format hostile[] = {
        {.size = sizeof(stapes_format), .kind = STAPES_AUDIO, .columns = 1, .rate = 1},
        {.size = sizeof(stapes_format), .kind = STAPES_AUDIO, .columns = 24, .rate = 192000},
        {.size = sizeof(stapes_format), .kind = STAPES_AUDIO, .columns = 1, .rate = UINT32_MAX},
        {.size = sizeof(stapes_format), .kind = STAPES_AUDIO, .columns = 100000, .rate = 37811},
        {.size = sizeof(stapes_format),
         .kind = STAPES_FRAMES,
         .columns = 1000000,
         .hop = HOP,
         .recipe = recipe},
        {.size = sizeof(stapes_format), .kind = STAPES_FRAMES, .columns = 80, .hop = INT64_MAX / 2},
        {.size = sizeof(stapes_format), .kind = STAPES_FRAMES, .columns = 80, .recipe = ""},
        {.size = sizeof(stapes_format),
         .kind = STAPES_SCORES,
         .columns = 1000000,
         .hop = 1,
         .vocabulary = recipe},
        {.size = sizeof(stapes_format), .kind = STAPES_TOKENS, .columns = 1, .vocabulary = "sha256:0"},
    };
    memset(recipe, 'x', sizeof recipe - 1);
    for (uint32_t i = 0; i < STAPES_COUNT(hostile); i++) {
        const stapes_format *formats[ST_SUITE_PORTS];
        char                 text[200];
        if (!(c->stage->inputs[0].kinds & STAPES_KIND(hostile[i].kind))) continue;
        for (uint32_t port = 0; port < c->stage->n_inputs; port++) formats[port] = &hostile[i];
        (void)snprintf(c->doing, sizeof c->doing, "configure with %.150s",
                       st_format_text(&hostile[i], text, sizeof text));
        (void)st_probe_configure(probe, formats); /* either answer will do */
    }
}

void st_suite_formats(st_case *c)
{
    candidates   all[ST_SUITE_PORTS];
    uint32_t     places[ST_SUITE_PORTS] = {0}, n = c->stage->n_inputs;
    stapes_error words = {0};
    st_probe     probe;
    int          status;
    memset(all, 0, sizeof all);
    for (uint32_t i = 0; i < n; i++) {
        if (!find_candidates(c, &c->stage->inputs[i], &all[i])) return;
        if (all[i].count) continue;
        st_suite_skip(c, "input '%s' takes only what the suite cannot make; give one with --format",
                      c->stage->inputs[i].name);
        return;
    }
    if (st_probe_make(c, &probe, "probe") < 0) return;
    status = st_probe_open(&probe);
    if (status < 0) {
        st_suite_skip(c, "open refuses: %s", probe.error.text);
        goto done;
    }
    for (uint32_t tries = 0; n && tries < MOST_TRIES; tries++) {
        const stapes_format *formats[ST_SUITE_PORTS];
        bool                 any = false;
        for (uint32_t i = 0; i < n; i++) {
            formats[i] = all[i].formats[places[i]].kind ? &all[i].formats[places[i]] : NULL;
            any |= formats[i] != NULL;
        }
        if (any) {
            char text[200];
            (void)snprintf(c->doing, sizeof c->doing, "configure with %.150s",
                           formats[0] ? st_format_text(formats[0], text, sizeof text) : "some inputs open");
            status = st_probe_configure(&probe, formats);
            if (status < 0 && !words.status) words = probe.error;
            if (status >= 0 && c->n_combinations < ST_SUITE_COMBINATIONS) {
                for (uint32_t i = 0; i < n; i++)
                    c->combinations[c->n_combinations].inputs[i] = all[i].formats[places[i]];
                c->n_combinations++;
            }
        }
        if (!next(places, all, n)) break;
    }
    if (n) try_hostile(c, &probe);
    if (n && !c->n_combinations)
        st_suite_skip(c, "it refuses all formats that the suite knows; give one with --format. Its words: %s",
                      words.text);
done:
    st_probe_close(&probe);
    (void)st_probe_broken(&probe, c->doing[0] ? c->doing : "open");
    st_record_clear(&probe.sent);
}
