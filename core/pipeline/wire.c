/* wire.c - connections: who takes what from whom, whether that fits, and in which order the stages
 * stand (the wire part of draft.h). What hangs on something that was a mistake already is left alone
 * (`doubt`), so that one slip is told once. */
#include "contract/format.h"
#include "pipeline/draft.h"

#include <string.h>

/* Where something comes from: an output of a part. Without part: unknown, and told already. */
typedef struct source {
    st_part *part;
    uint32_t port;
} source;

static const char *title(st_draft *draft, const st_part *part, st_spot spot)
{
    return st_notes_text(&draft->notes, "'%s' (%s)", st_assign_name(part, spot.mark), part->node.stage->name);
}

static st_part *exit_of(const st_entry *entry)
{
    while (entry->sub) {
        if (entry->sub->n_entries == 0) return NULL;
        entry = &entry->sub->entries[entry->sub->n_entries - 1];
    }
    return entry->part;
}

static st_part *entrance_of(const st_entry *entry)
{
    while (entry->sub) {
        if (entry->sub->n_entries == 0) return NULL;
        entry = &entry->sub->entries[0];
    }
    return entry->part;
}

/* "; did you mean 'out'?" or "; it has out, rest" */
static const char *port_names(st_draft *draft, const stapes_port *ports, uint32_t count, const char *wanted)
{
    const char **names = st_arena_take(&draft->graph.arena, count, sizeof *names);
    if (!names) {
        draft->notes.no_memory = true;
        return "";
    }
    for (uint32_t i = 0; i < count; i++) names[i] = ports[i].name;
    const char *near = st_notes_nearest(&draft->notes, wanted, names, count);
    if (near[0]) return near;
    return st_notes_text(&draft->notes, "; it has %s", st_notes_join(&draft->notes, names, count));
}

static uint32_t find_port(const stapes_port *ports, uint32_t count, const char *name)
{
    uint32_t i = 0;
    while (i < count && strcmp(ports[i].name, name)) i++;
    return i;
}

/* ---- from --------------------------------------------------------------------------------------- */

/* Whoever writes the name of the stage, audio.file, where the name in this pipeline is wanted. */
static bool tell_own_name(st_draft *draft, const st_scope *scope, const char *text, st_spot spot)
{
    for (uint32_t i = 0; i < scope->n_entries; i++) {
        const st_entry *entry = &scope->entries[i];
        if (!entry->uses || strcmp(entry->uses, text) || !entry->name[0]) continue;
        st_notes_add(&draft->notes, spot, STAPES_EUSAGE,
                     "'from' takes the name of a stage in this pipeline; %s is called '%s' here", entry->uses,
                     entry->name);
        return true;
    }
    return false;
}

static source find_output(st_draft *draft, const st_scope *scope, st_part *part, const char *full,
                          const char *port, st_spot spot)
{
    const stapes_stage *stage = part->node.stage;
    if (stage->n_outputs == 0) {
        st_notes_add(&draft->notes, spot, STAPES_EUSAGE, "%s has no outputs: nothing can be taken from it",
                     title(draft, part, spot));
        return (source){0};
    }
    uint32_t index = port ? find_port(stage->outputs, stage->n_outputs, port) : 0;
    part->used = true;
    if (index < stage->n_outputs) return (source){part, index};
    if (tell_own_name(draft, scope, full, spot)) return (source){0};
    st_notes_add(&draft->notes, spot, STAPES_EUSAGE, "%s has no output '%s'%s", title(draft, part, spot),
                 st_notes_word(&draft->notes, port),
                 port_names(draft, stage->outputs, stage->n_outputs, port));
    return (source){0};
}

/* NAME, NAME.PORT, or the same with names of sub-pipelines before. */
static source find_source(st_draft *draft, const st_scope *scope, const char *text, st_spot spot)
{
    st_notes       *notes = &draft->notes;
    size_t          length = strcspn(text, ".");
    const char     *rest = text[length] ? text + length + 1 : NULL;
    const st_entry *entry = st_scope_find(scope, text, length);
    if (!entry) {
        const char *name = st_notes_text(notes, "%.*s", (int)length, text);
        if (tell_own_name(draft, scope, text, spot)) return (source){0};
        st_notes_add(notes, spot, STAPES_EUSAGE, "no stage is called '%s'%s", st_notes_word(notes, name),
                     st_scope_nearest(draft, scope, name));
        return (source){0};
    }
    if (entry->sub && rest && (strchr(rest, '.') || st_scope_find(entry->sub, rest, strlen(rest))))
        return find_source(draft, entry->sub, rest, spot);
    st_part *part = exit_of(entry);
    return part ? find_output(draft, scope, part, text, rest, spot) : (source){0};
}

static void connect(st_draft *draft, st_part *part, uint32_t input, source from, st_spot spot)
{
    if (!from.part) {
        part->doubt = draft->lost = true;
        return;
    }
    part->node.inputs[input] = (st_input){(int32_t)from.part->index, from.port, spot.mark};
    part->input_spots[input] = spot;
}

/* `from: {port: NAME.PORT, ...}` */
static void connect_map(st_draft *draft, const st_scope *scope, st_part *part, const st_tree *map)
{
    st_notes           *notes = &draft->notes;
    const stapes_stage *stage = part->node.stage;
    for (uint32_t i = 0; i < map->n; i++) {
        const st_tree *key = map->keys[i], *value = map->items[i];
        uint32_t       input = find_port(stage->inputs, stage->n_inputs, key->text);
        if (input == stage->n_inputs) {
            st_notes_add(notes, key->spot, STAPES_EUSAGE, "%s has no input '%s'%s",
                         title(draft, part, key->spot), st_notes_word(notes, key->text),
                         port_names(draft, stage->inputs, stage->n_inputs, key->text));
            part->doubt = true;
        }
        if (value->kind != ST_TREE_SCALAR) {
            st_notes_add(notes, value->spot, STAPES_EUSAGE, "expected NAME or NAME.PORT, found %s",
                         st_tree_say(notes, value));
            part->doubt = draft->lost = true;
            continue;
        }
        source from = find_source(draft, scope, value->text, value->spot);
        if (input < stage->n_inputs) connect(draft, part, input, from, value->spot);
    }
}

static void connect_from(st_draft *draft, const st_scope *scope, st_part *part, const st_tree *from)
{
    if (from->kind == ST_TREE_SCALAR) {
        connect(draft, part, 0, find_source(draft, scope, from->text, from->spot), from->spot);
    } else if (from->kind == ST_TREE_MAP) {
        connect_map(draft, scope, part, from);
    } else {
        part->doubt = draft->lost = true;
        if (from->kind == ST_TREE_BAD) return;
        st_notes_add(&draft->notes, from->spot, STAPES_EUSAGE,
                     "expected NAME, NAME.PORT or {input: NAME.PORT, ...} after 'from:', found %s",
                     st_tree_say(&draft->notes, from));
    }
}

/* What `from` names is used, even where nobody knows by what. */
static void use_from(st_draft *draft, const st_scope *scope, const st_tree *from)
{
    if (from->kind == ST_TREE_SCALAR) find_source(draft, scope, from->text, from->spot);
    for (uint32_t i = 0; from->kind == ST_TREE_MAP && i < from->n; i++)
        if (from->items[i]->kind == ST_TREE_SCALAR)
            find_source(draft, scope, from->items[i]->text, from->items[i]->spot);
}

static void connect_before(st_draft *draft, const st_entry *entry, const st_entry *before, st_part *part)
{
    st_part *last = exit_of(before);
    if (part->node.inputs[0].node >= 0) return; /* a sub-pipeline that connects its first stage itself */
    if (!last) {
        part->doubt = true;
    } else if (last->node.stage->n_outputs == 0) {
        part->doubt = true;
        st_notes_add(&draft->notes, entry->spot, STAPES_EUSAGE,
                     "%s comes after %s, which has no outputs: say from: NAME",
                     title(draft, part, entry->spot), title(draft, last, entry->spot));
    } else {
        last->used = true;
        connect(draft, part, 0, (source){last, 0}, entry->spot);
    }
}

void st_wire_scope(st_draft *draft, st_scope *scope)
{
    for (uint32_t i = 0; i < scope->n_entries && !draft->notes.no_memory; i++) {
        st_entry *entry = &scope->entries[i], *before = i ? entry - 1 : NULL;
        if (entry->sub) st_wire_scope(draft, entry->sub);
        st_part *part = entrance_of(entry);
        if (!part) {
            if (entry->from)
                use_from(draft, scope, entry->from);
            else if (before && exit_of(before))
                exit_of(before)->used = true;
        } else if (part->node.stage->n_inputs == 0) {
            if (!entry->from) continue;
            st_notes_add(&draft->notes, entry->from->spot, STAPES_EUSAGE,
                         "%s is a source, it has no inputs: delete 'from'",
                         title(draft, part, entry->from->spot));
            use_from(draft, scope, entry->from);
        } else if (entry->from) {
            connect_from(draft, scope, part, entry->from);
        } else if (before) {
            connect_before(draft, entry, before, part);
        }
    }
}

/* ---- inputs without a source, outputs without a taker ------------------------------------------------ */

static void check_inputs(st_draft *draft, st_part *part)
{
    st_notes           *notes = &draft->notes;
    const stapes_stage *stage = part->node.stage;
    uint32_t            n_connected = 0;
    char                kinds[160];
    if (part->doubt || stage->n_inputs == 0) return;
    for (uint32_t i = 0; i < stage->n_inputs; i++) n_connected += part->node.inputs[i].node >= 0;
    for (uint32_t i = 0; i < stage->n_inputs; i++) {
        const stapes_port *port = &stage->inputs[i];
        if (part->node.inputs[i].node >= 0 || (port->flags & STAPES_OPTIONAL && n_connected)) continue;
        st_format_kinds_text(port->kinds, kinds, sizeof kinds);
        part->doubt = true;
        if (n_connected) {
            st_notes_add(
                notes, part->spot, STAPES_EUSAGE,
                "%s has nothing at its input '%s' (%s): write from: {%s: NAME, ...} with all of its inputs",
                title(draft, part, part->spot), port->name, kinds, port->name);
        } else {
            const char *begin = st_remedy_source(draft, port->kinds);
            st_notes_add(
                notes, part->spot, STAPES_EUSAGE,
                "%s is the first and takes %s from nowhere: begin with a source%s%s, or say from: NAME",
                title(draft, part, part->spot), kinds, begin ? " such as " : "", begin ? begin : "");
            return;
        }
    }
}

static void check_outputs(st_draft *draft, const st_part *part)
{
    const stapes_stage *stage = part->node.stage;
    char                kinds[160];
    if (part->used || draft->lost || stage->n_outputs == 0) return;
    /* One that writes what passes may come last: debug.dump. */
    if (stage->n_inputs && stage->flags & STAPES_TOUCHES_FILES) return;
    const char *sink = st_remedy_sink(draft, part->kinds[0]);
    st_format_kinds_text(part->kinds[0], kinds, sizeof kinds);
    st_notes_add(&draft->notes, part->spot, STAPES_EUSAGE,
                 "%s leads nowhere: no stage takes its output '%s' (%s); add a sink%s%s",
                 title(draft, part, part->spot), stage->outputs[0].name, kinds, sink ? " such as " : "",
                 sink ? sink : "");
}

/* ---- order ----------------------------------------------------------------------------------------------
 */

static bool is_ready(const st_draft *draft, const st_part *part)
{
    for (uint32_t i = 0; i < part->node.stage->n_inputs; i++)
        if (part->node.inputs[i].node >= 0 && draft->parts[part->node.inputs[i].node]->place < 0)
            return false;
    return true;
}

/* The first input whose source has no place yet; every part in a circle, or behind one, has such an input. */
static uint32_t waits_for(const st_draft *draft, const st_part *part)
{
    uint32_t i = 0;
    while (part->node.inputs[i].node < 0 || draft->parts[part->node.inputs[i].node]->place >= 0) i++;
    return i;
}

/* Tells one circle and cuts it, so that the others are found too. */
static void tell_circle(st_draft *draft, st_part *part)
{
    st_notes *notes = &draft->notes;
    for (uint32_t i = 0; i < draft->n_parts; i++) /* far enough back to be inside the circle */
        part = draft->parts[part->node.inputs[waits_for(draft, part)].node];
    st_part *first = part, *at = part;
    do { /* begin with the one that was written first */
        at = draft->parts[at->node.inputs[waits_for(draft, at)].node];
        if (at->index < first->index) first = at;
    } while (at != part);
    const char *way = first->node.name;
    at = first;
    do {
        at = draft->parts[at->node.inputs[waits_for(draft, at)].node];
        way = st_notes_text(notes, "%s -> %s", at->node.name, way);
    } while (at != first && !notes->no_memory);
    uint32_t input = waits_for(draft, first);
    st_notes_add(notes, first->input_spots[input], STAPES_EUSAGE,
                 "these stages go in a circle: %s; a pipeline runs from sources to sinks", way);
    first->node.inputs[input].node = -1;
    first->doubt = true;
}

static void propagate_kinds(st_part *part, st_draft *draft)
{
    const stapes_stage *stage = part->node.stage;
    for (uint32_t i = 0; i < stage->n_outputs; i++) {
        uint32_t kinds = stage->outputs[i].kinds;
        if (stage->n_inputs && !stage->configure && part->node.inputs[0].node >= 0) {
            const st_input *input = &part->node.inputs[0];
            uint32_t        given = draft->parts[input->node]->kinds[input->port];
            if (given & kinds) kinds &= given;
        }
        part->kinds[i] = kinds;
    }
}

/* Each part in turn that has all it takes before it; of several the one that was written first. */
static void order(st_draft *draft)
{
    for (uint32_t n = 0; n < draft->n_parts && !draft->notes.no_memory;) {
        st_part *ready = NULL, *waiting = NULL;
        for (uint32_t i = 0; i < draft->n_parts && !ready; i++) {
            st_part *part = draft->parts[i];
            if (part->place >= 0) continue;
            if (is_ready(draft, part))
                ready = part;
            else if (!waiting)
                waiting = part;
        }
        if (ready) {
            ready->place = (int32_t)n++;
            propagate_kinds(ready, draft);
        } else {
            tell_circle(draft, waiting);
        }
    }
}

/* ---- kinds ------------------------------------------------------------------------------------------------
 */

static void check_kinds(st_draft *draft, const st_part *part)
{
    const stapes_stage *stage = part->node.stage;
    char                gives[160], takes[160];
    for (uint32_t i = 0; i < stage->n_inputs; i++) {
        const st_input *input = &part->node.inputs[i];
        if (input->node < 0) continue;
        const st_part *from = draft->parts[input->node];
        uint32_t       kinds = from->kinds[input->port];
        if (kinds & stage->inputs[i].kinds) continue;
        const char *port =
            from->node.stage->n_outputs > 1
                ? st_notes_text(&draft->notes, " at '%s'", from->node.stage->outputs[input->port].name)
                : "";
        const char *into =
            stage->n_inputs > 1 ? st_notes_text(&draft->notes, " at '%s'", stage->inputs[i].name) : "";
        st_notes_add(&draft->notes, part->input_spots[i], STAPES_EFORMAT,
                     "%s gives %s%s, but %s takes %s%s%s", title(draft, from, part->input_spots[i]),
                     st_format_kinds_text(kinds, gives, sizeof gives), port,
                     title(draft, part, part->input_spots[i]),
                     st_format_kinds_text(stage->inputs[i].kinds, takes, sizeof takes), into,
                     st_remedy_between(draft, kinds, stage->inputs[i].kinds));
    }
}

void st_wire_check(st_draft *draft)
{
    order(draft);
    for (uint32_t i = 0; i < draft->n_parts && !draft->notes.no_memory && !draft->notes.too_many; i++) {
        check_inputs(draft, draft->parts[i]);
        check_kinds(draft, draft->parts[i]);
        check_outputs(draft, draft->parts[i]);
    }
}
