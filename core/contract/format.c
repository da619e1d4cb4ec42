/* format.c - see format.h. */
#include "contract/format.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {"nothing", "audio",     "frames", "scores", "tokens",
                                         "text",    "predictor", "bytes",  "event"};

const char *st_format_kind_name(uint32_t kind)
{
    return kind < STAPES_COUNT(kind_names) ? kind_names[kind] : "?";
}

char *st_format_kinds_text(uint32_t kinds, char *text, size_t size)
{
    size_t used = 0;
    if (size) text[0] = 0;
    if ((kinds & STAPES_ANY_DATA) == STAPES_ANY_DATA) {
        (void)snprintf(text, size, "anything");
        return text;
    }
    for (uint32_t kind = 1; kind < STAPES_COUNT(kind_names); kind++) {
        if (!(kinds & STAPES_KIND(kind)) || used >= size) continue;
        int n = snprintf(text + used, size - used, "%s%s", used ? " or " : "", kind_names[kind]);
        if (n > 0) used += (size_t)n;
    }
    return text;
}

static bool same_text(const char *a, const char *b) { return a && b ? !strcmp(a, b) : a == b; }

bool st_format_equal(const stapes_format *a, const stapes_format *b)
{
    return a->kind == b->kind && a->columns == b->columns && a->rate == b->rate && a->hop == b->hop &&
           same_text(a->recipe, b->recipe) && same_text(a->vocabulary, b->vocabulary);
}

char *st_format_text(const stapes_format *format, char *text, size_t size)
{
    double hop_ms = stapes_seconds(format->hop) * 1000.0;
    switch (format->kind) {
    case STAPES_AUDIO:
        (void)snprintf(text, size, "audio, %u Hz, %u channel%s", format->rate, format->columns,
                       format->columns == 1 ? "" : "s");
        break;
    case STAPES_FRAMES:
        /* the recipe's first word: who refuses a recipe shows it whole, beside the one needed */
        (void)snprintf(text, size, "frames, %u features every %g ms, %.*s", format->columns, hop_ms,
                       format->recipe ? (int)strcspn(format->recipe, " ") : 9,
                       format->recipe ? format->recipe : "no recipe");
        break;
    case STAPES_SCORES:
        (void)snprintf(text, size, "scores, %u labels every %g ms", format->columns, hop_ms);
        break;
    default: (void)snprintf(text, size, "%s", st_format_kind_name(format->kind));
    }
    return text;
}
