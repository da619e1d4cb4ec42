/* remedy.c - stages that would help, for messages (the remedy part of draft.h). First those of the
 * plugins that this pipeline uses; only if none of them helps, those of all plugins that can be found:
 * that starts a process for each, which nobody minds where a pipeline is wrong anyway. */
#include "pipeline/draft.h"

#include <stdlib.h>
#include <string.h>

enum { LONGEST_CHAIN = 4, N_KINDS = 8 };

typedef struct stages {
    const stapes_stage **items;
    uint32_t             n, room;
} stages;

static void add(st_draft *draft, stages *list, const stapes_stage *stage)
{
    for (uint32_t i = 0; i < list->n; i++)
        if (list->items[i] == stage) return;
    const stapes_stage **items =
        st_notes_grow(&draft->notes, (void *)list->items, list->n, &list->room, sizeof *items);
    if (!items) return;
    list->items = items;
    items[list->n++] = stage;
}

static int by_merit(const void *a, const void *b)
{
    const stapes_stage *one = *(const stapes_stage *const *)a, *other = *(const stapes_stage *const *)b;
    uint32_t            x = one->flags & STAPES_IS_CONVERTER, y = other->flags & STAPES_IS_CONVERTER;
    if (x != y) return x ? -1 : 1;
    return strcmp(one->name, other->name);
}

static stages known(st_draft *draft, bool everywhere)
{
    stages list = {0};
    for (uint32_t i = 0; i < draft->n_parts; i++) {
        const st_plugin *plugin = st_registry_plugin_of(draft->registry, draft->parts[i]->node.stage);
        for (uint32_t j = 0; plugin && j < plugin->about.n_stages; j++) add(draft, &list, &plugin->stages[j]);
    }
    if (everywhere) {
        uint32_t         count, n_found = 0;
        const st_listed *listed = st_registry_list(draft->registry, &count);
        const char     **found; /* copied: finding a stage may end the life of the list */
        for (uint32_t i = 0; listed && i < count; i++) n_found += listed[i].n_stages;
        found = st_arena_take(&draft->graph.arena, n_found, sizeof *found);
        n_found = 0;
        for (uint32_t i = 0; listed && found && i < count; i++)
            for (uint32_t j = 0; !listed[i].problem && j < listed[i].n_stages; j++)
                found[n_found++] = st_notes_text(&draft->notes, "%s", listed[i].stages[j]);
        for (uint32_t i = 0; i < n_found; i++) {
            stapes_error        error = {0};
            const stapes_stage *stage = st_registry_find(draft->registry, found[i], &error);
            if (stage) add(draft, &list, stage);
        }
    }
    if (list.n) qsort((void *)list.items, list.n, sizeof *list.items, by_merit);
    return list;
}

static uint32_t count_kinds(uint32_t kinds)
{
    uint32_t count = 0;
    for (uint32_t kind = 0; kind < N_KINDS; kind++) count += (kinds & STAPES_KIND(kind)) != 0;
    return count;
}

static uint32_t kind_of(uint32_t kinds)
{
    uint32_t kind = 0;
    while (kind < N_KINDS && !(kinds & STAPES_KIND(kind))) kind++;
    return kind;
}

/* Whether its first input is enough to run it. */
static bool takes_one(const stapes_stage *stage)
{
    for (uint32_t i = 1; i < stage->n_inputs; i++)
        if (!(stage->inputs[i].flags & STAPES_OPTIONAL)) return false;
    return stage->n_inputs > 0;
}

/* The shortest chain of stages from one set of kinds to the other: breadth first over kinds. */
static const char *find_chain(st_draft *draft, const stages *list, uint32_t from, uint32_t to)
{
    const stapes_stage *by[N_KINDS] = {0};
    uint32_t            before[N_KINDS] = {0}, reached = from & STAPES_ANY_DATA, last = reached;
    for (uint32_t step = 0; step < LONGEST_CHAIN && last && !(last & to); step++) {
        uint32_t next = 0;
        for (uint32_t i = 0; i < list->n; i++) {
            const stapes_stage *stage = list->items[i];
            if (!takes_one(stage) || stage->n_outputs == 0) continue;
            uint32_t kinds = stage->outputs[0].kinds, taken = stage->inputs[0].kinds & last;
            if (!taken || count_kinds(kinds) > 2) continue; /* what gives anything only passes it on */
            for (uint32_t kind = 1; kind < N_KINDS; kind++) {
                if (!(kinds & STAPES_KIND(kind)) || (reached | next) & STAPES_KIND(kind)) continue;
                by[kind] = stage;
                before[kind] = kind_of(taken);
                next |= STAPES_KIND(kind);
            }
        }
        reached |= next;
        last = next;
    }
    if (!(last & to) || from & to) return NULL;
    const char *chain = NULL;
    for (uint32_t kind = kind_of(last & to); kind < N_KINDS && by[kind]; kind = before[kind])
        chain =
            chain ? st_notes_text(&draft->notes, "%s and then %s", by[kind]->name, chain) : by[kind]->name;
    return chain;
}

const char *st_remedy_between(st_draft *draft, uint32_t from, uint32_t to)
{
    for (int everywhere = 0; everywhere < 2 && !draft->notes.no_memory; everywhere++) {
        stages      list = known(draft, everywhere != 0);
        const char *chain = find_chain(draft, &list, from, to);
        if (chain) return st_notes_text(&draft->notes, "; put %s between them", chain);
    }
    return "; no stage that can be found here turns one into the other";
}

static const char *find_end(st_draft *draft, uint32_t kinds, bool sink)
{
    for (int everywhere = 0; everywhere < 2 && !draft->notes.no_memory; everywhere++) {
        stages              list = known(draft, everywhere != 0);
        const stapes_stage *best = NULL;
        uint32_t            fewest = N_KINDS + 1; /* the one made for this rather than one for anything */
        for (uint32_t i = 0; i < list.n; i++) {
            const stapes_stage *stage = list.items[i];
            if ((sink ? stage->n_outputs : stage->n_inputs) != 0 ||
                (sink ? stage->n_inputs : stage->n_outputs) != 1)
                continue;
            uint32_t port_kinds = sink ? stage->inputs[0].kinds : stage->outputs[0].kinds;
            if (!(port_kinds & kinds) || count_kinds(port_kinds) >= fewest) continue;
            fewest = count_kinds(port_kinds);
            best = stage;
        }
        if (best) return best->name;
    }
    return NULL;
}

const char *st_remedy_sink(st_draft *draft, uint32_t kinds) { return find_end(draft, kinds, true); }
const char *st_remedy_source(st_draft *draft, uint32_t kinds) { return find_end(draft, kinds, false); }
