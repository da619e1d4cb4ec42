/* scope.c - what a pipeline text says: its keys, its entries with their names, and what each entry uses,
 * a stage of a plugin or another pipeline (the scope part of draft.h). */
#include "contract/error.h"
#include "pipeline/draft.h"
#include "plugin/parameter.h"
#include "plugin/place.h"

#include <stdio.h>
#include <string.h>

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
static const char name_characters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789-";

static bool is_name(const char *name)
{
    return name[0] && strchr(letters, name[0]) && strspn(name, name_characters) == strlen(name);
}

static const char *pipeline_of(const char *uses)
{
    static const char prefix[] = "pipeline.";
    return strncmp(uses, prefix, sizeof prefix - 1) ? NULL : uses + sizeof prefix - 1;
}

/* ---- one entry -------------------------------------------------------------------------------- */

/* `K: {...}`: a name if `use` is inside, else a stage. */
static void read_pair(st_draft *draft, st_entry *entry, const st_tree *key, const st_tree *value)
{
    st_notes      *notes = &draft->notes;
    const st_tree *use = st_tree_get(value, "use");
    const char    *shown = st_notes_word(notes, key->text);
    entry->spot = key->spot;
    if (value->kind == ST_TREE_BAD) return;
    if (value->kind == ST_TREE_SCALAR || value->kind == ST_TREE_LIST) {
        st_notes_add(notes, value->spot, STAPES_EUSAGE,
                     "expected the parameters of '%s' as a map, {parameter: value}, found %s", shown,
                     st_tree_say(notes, value));
        entry->uses = key->text; /* a stage by this name is looked for all the same */
        entry->uses_spot = key->spot;
        if (!strchr(key->text, '.')) entry->uses = NULL, entry->name = key->text;
        return;
    }
    entry->parameters = value->kind == ST_TREE_MAP ? value : NULL;
    entry->from = st_tree_get(value, "from");
    if (!use) {
        entry->uses = key->text;
        entry->uses_spot = key->spot;
        if (!strchr(key->text, '.') && value->kind == ST_TREE_MAP) {
            st_notes_add(notes, key->spot, STAPES_EUSAGE,
                         "'%s' does not say which stage it is: write %s: {use: FAMILY.WHAT, ...}", shown,
                         shown);
            entry->uses = NULL;
            entry->name = key->text;
        }
        return;
    }
    entry->name = key->text;
    if (!is_name(key->text)) {
        st_notes_add(notes, key->spot, STAPES_EUSAGE,
                     "'%s' cannot be a name: a name has letters (a to z), digits, '_' and '-' and begins "
                     "with a letter",
                     shown);
        entry->name = "";
    }
    if (use->kind == ST_TREE_BAD) return;
    if (use->kind != ST_TREE_SCALAR) {
        st_notes_add(notes, use->spot, STAPES_EUSAGE,
                     "expected a stage after 'use:', such as audio.file, found %s", st_tree_say(notes, use));
        return;
    }
    entry->uses = use->text;
    entry->uses_spot = use->spot;
}

/* `- audio.resample:` and the parameters under it not deep enough: a map of several entries. */
static void read_slipped(st_draft *draft, st_entry *entry, const st_tree *item)
{
    st_notes *notes = &draft->notes;
    bool      indented = item->items[0]->kind == ST_TREE_NULL;
    if (!strcmp(item->keys[0]->text, "use"))
        st_notes_add(
            notes, item->keys[0]->spot, STAPES_EUSAGE,
            "a stage is written NAME: {use: FAMILY.WHAT, ...} or FAMILY.WHAT: {...}; the name is missing");
    else
        st_notes_add(notes, item->keys[1]->spot, STAPES_EUSAGE,
                     indented ? "'%s' stands beside '%s' and not inside it: indent it by two blanks more"
                              : "'%s' stands beside '%s': begin each stage with '- ' on a line of its own",
                     st_notes_word(notes, item->keys[1]->text), st_notes_word(notes, item->keys[0]->text));
    st_tree slipped = *item;
    if (!indented || !strcmp(item->keys[0]->text, "use")) {
        entry->spot = item->keys[0]->spot;
        return;
    }
    slipped.keys++;
    slipped.items++;
    slipped.n--;
    st_tree *inside = st_tree_make(notes, ST_TREE_MAP, item->spot, NULL);
    if (!inside) return;
    *inside = slipped;
    read_pair(draft, entry, item->keys[0], inside);
}

static void read_entry(st_draft *draft, st_entry *entry, const st_tree *item)
{
    st_notes *notes = &draft->notes;
    *entry = (st_entry){.name = "", .spot = item->spot};
    if (item->kind == ST_TREE_SCALAR) {
        entry->uses = item->text;
        entry->uses_spot = item->spot;
    } else if (item->kind == ST_TREE_MAP && item->n == 1) {
        read_pair(draft, entry, item->keys[0], item->items[0]);
    } else if (item->kind == ST_TREE_MAP && item->n > 1) {
        read_slipped(draft, entry, item);
    } else if (item->kind != ST_TREE_BAD) {
        st_notes_add(notes, item->spot, STAPES_EUSAGE,
                     "expected a stage, FAMILY.WHAT or FAMILY.WHAT: {parameter: value}, found %s",
                     st_tree_say(notes, item));
    }
}

/* ---- names ---------------------------------------------------------------------------------------- */

st_entry *st_scope_find(const st_scope *scope, const char *name, size_t length)
{
    for (uint32_t i = 0; length && i < scope->n_entries; i++)
        if (!strncmp(scope->entries[i].name, name, length) && !scope->entries[i].name[length])
            return &scope->entries[i];
    return NULL;
}

const char *st_scope_nearest(st_draft *draft, const st_scope *scope, const char *name)
{
    const char **names = st_arena_take(&draft->graph.arena, scope->n_entries, sizeof *names);
    uint32_t     count = 0;
    for (uint32_t i = 0; names && i < scope->n_entries; i++)
        if (scope->entries[i].name[0]) names[count++] = scope->entries[i].name;
    const char *near = names ? st_notes_nearest(&draft->notes, name, names, count) : "";
    if (near[0] || count == 0) return near;
    return st_notes_text(&draft->notes, "; there are %s", st_notes_join(&draft->notes, names, count));
}

/* Given names must differ; the others get what stands after the dot, with a number if that is taken. */
static void name_entries(st_draft *draft, st_scope *scope)
{
    st_notes *notes = &draft->notes;
    for (uint32_t i = 0; i < scope->n_entries; i++) {
        st_entry       *entry = &scope->entries[i];
        const st_entry *first = st_scope_find(scope, entry->name, strlen(entry->name));
        if (!first || first == entry) continue;
        st_notes_add(notes, entry->spot, STAPES_EUSAGE,
                     "two stages are called '%s'; the first is in line %u: rename one", entry->name,
                     first->spot.mark.line);
        entry->name = "";
        entry->uses = NULL;
    }
    for (uint32_t i = 0; i < scope->n_entries; i++) {
        st_entry *entry = &scope->entries[i];
        if (entry->name[0] || !entry->uses) continue;
        const char *dot = strrchr(entry->uses, '.'), *base = dot ? dot + 1 : entry->uses, *name = base;
        uint32_t    number = 1;
        if (!is_name(base)) continue;
        for (uint32_t j = 0; j < i; j++) {
            const char *other = scope->entries[j].uses ? strrchr(scope->entries[j].uses, '.') : NULL;
            number += other && !strcmp(other + 1, base);
        }
        if (number > 1) name = st_notes_text(notes, "%s%u", base, number);
        while (!notes->no_memory && st_scope_find(scope, name, strlen(name)))
            name = st_notes_text(notes, "%s%u", base, ++number);
        entry->name = name;
    }
}

/* ---- what an entry uses ----------------------------------------------------------------------------- */

static bool add_part(st_draft *draft, st_scope *scope, st_entry *entry, const stapes_stage *stage)
{
    st_arena    *arena = &draft->graph.arena;
    stapes_error error = {0};
    st_part     *part = st_arena_take(arena, 1, sizeof *part);
    st_part    **parts =
        st_notes_grow(&draft->notes, draft->parts, draft->n_parts, &draft->room_parts, sizeof *parts);
    if (!part || !parts) goto no_memory;
    draft->parts = parts;
    *part = (st_part){.spot = entry->spot, .scope = scope, .index = draft->n_parts, .place = -1};
    part->node.name = st_notes_text(&draft->notes, "%s%s", scope->prefix, entry->name);
    part->node.stage = stage;
    part->node.settings = st_arena_take(arena, 1, stage->settings_size);
    part->node.set = st_arena_take(arena, stage->n_parameters, sizeof *part->node.set);
    part->node.set_marks = st_arena_take(arena, stage->n_parameters, sizeof *part->node.set_marks);
    part->node.inputs = st_arena_take(arena, stage->n_inputs, sizeof *part->node.inputs);
    part->input_spots = st_arena_take(arena, stage->n_inputs, sizeof *part->input_spots);
    part->kinds = st_arena_take(arena, stage->n_outputs, sizeof *part->kinds);
    part->node.mark = entry->spot.mark;
    if (!part->node.settings || !part->node.set || !part->node.set_marks || !part->node.inputs ||
        !part->input_spots || !part->kinds)
        goto no_memory;
    for (uint32_t i = 0; i < stage->n_inputs; i++) part->node.inputs[i].node = -1;
    if (st_parameter_defaults(stage, part->node.settings, arena, &error) < 0) {
        if (error.status == STAPES_ENOMEM) goto no_memory;
        st_notes_add(&draft->notes, entry->uses_spot, STAPES_EMODEL, "%s", error.text);
        return false;
    }
    parts[draft->n_parts++] = part;
    entry->part = part;
    return true;
no_memory:
    draft->notes.no_memory = true;
    return false;
}

static void use_stage(st_draft *draft, st_scope *scope, st_entry *entry)
{
    stapes_error        error = {0};
    st_notes           *notes = &draft->notes;
    const stapes_stage *stage = st_registry_find(draft->registry, entry->uses, &error);
    if (stage) {
        add_part(draft, scope, entry, stage);
    } else if (error.status == STAPES_ENOMEM) {
        notes->no_memory = true;
    } else {
        const char *rule =
            strchr(entry->uses, '.') ? "" : " (stages are called FAMILY.WHAT, such as audio.file)";
        st_notes_add(notes, entry->uses_spot, error.status, "%s%s", st_notes_clean(notes, error.text), rule);
    }
}

/* Pipelines are looked for beside the file that includes them, and then on the pipeline path. */
static const char *find_pipeline(st_draft *draft, const st_scope *scope, const st_entry *entry,
                                 const char *name)
{
    st_notes    *notes = &draft->notes;
    stapes_error error = {0};
    const char  *path = draft->places.pipeline_path ? draft->places.pipeline_path : "", *folder = "";
    const char  *slash = scope->page->inode ? strrchr(scope->page->file, '/') : NULL;
    if (scope->page->inode)
        folder =
            slash ? st_notes_text(notes, "%.*s", (int)(slash - scope->page->file), scope->page->file) : ".";
    if (folder[0] && !strchr(folder, ':')) path = st_notes_text(notes, "%s:%s", folder, path);
    const char *file = st_place_pipeline(path, name, &draft->graph.arena, &error);
    if (file) return file;
    if (error.status == STAPES_ENOMEM)
        notes->no_memory = true;
    else
        st_notes_add(notes, entry->uses_spot, STAPES_EUSAGE, "%s", st_notes_clean(notes, error.text));
    return NULL;
}

static void use_pipeline(st_draft *draft, st_scope *scope, st_entry *entry)
{
    st_notes   *notes = &draft->notes;
    const char *name = pipeline_of(entry->uses), *way = st_notes_text(notes, "%s", name);
    if (!is_name(name)) {
        st_notes_add(notes, entry->uses_spot, STAPES_EUSAGE,
                     "'%s' is no name of a pipeline: write pipeline.NAME, for NAME.yaml on the pipeline path",
                     st_notes_word(notes, entry->uses));
        return;
    }
    if (!entry->name[0]) return; /* was a mistake */
    const char *file = find_pipeline(draft, scope, entry, name);
    if (!file) return;
    st_page *page = st_notes_read(notes, file, NULL, &entry->uses_spot);
    if (!page) return;
    for (const st_scope *outer = scope; outer; outer = outer->outer) {
        way = st_notes_text(notes, "%s -> %s", outer->name, way);
        if (outer->page != page) continue;
        st_notes_add(notes, entry->uses_spot, STAPES_EUSAGE, "a pipeline cannot include itself: %s", way);
        return;
    }
    if (scope->depth == ST_DRAFT_DEEPEST) {
        st_notes_add(notes, entry->uses_spot, STAPES_EUSAGE, "more than %d pipelines inside one another",
                     ST_DRAFT_DEEPEST);
        return;
    }
    if (!page->tree) page->tree = st_tree_read(notes, page);
    const char *prefix = st_notes_text(notes, "%s%s.", scope->prefix, entry->name);
    if (page->tree) entry->sub = st_scope_read(draft, scope, prefix, page, page->tree);
}

/* ---- the text ---------------------------------------------------------------------------------------- */

static void read_stages(st_draft *draft, st_scope *scope, const st_tree *stages)
{
    st_notes *notes = &draft->notes;
    if (stages->kind == ST_TREE_BAD) return;
    if (stages->kind != ST_TREE_LIST || stages->n == 0) {
        st_notes_add(notes, stages->spot, STAPES_EUSAGE,
                     stages->kind == ST_TREE_MAP
                         ? "'stages' is a list: begin each stage with '- '"
                         : "expected a list of stages, '- audio.file' and so on, found %s",
                     stages->kind == ST_TREE_LIST ? "an empty one" : st_tree_say(notes, stages));
        return;
    }
    for (uint32_t i = 0; i < stages->n && !notes->too_many; i++) {
        st_entry *entries =
            st_notes_grow(notes, scope->entries, scope->n_entries, &scope->room_entries, sizeof *entries);
        if (!entries) return;
        scope->entries = entries;
        if (++draft->n_entries > ST_DRAFT_MOST) {
            st_notes_add(notes, stages->items[i]->spot, STAPES_EUSAGE,
                         "more than %d stages, those of sub-pipelines counted", ST_DRAFT_MOST);
            notes->too_many = true;
            return;
        }
        read_entry(draft, &entries[scope->n_entries++], stages->items[i]);
    }
    name_entries(draft, scope);
    for (uint32_t i = 0; i < scope->n_entries && !notes->no_memory && !notes->too_many; i++) {
        st_entry *entry = &scope->entries[i];
        if (!entry->uses) continue;
        if (pipeline_of(entry->uses))
            use_pipeline(draft, scope, entry);
        else
            use_stage(draft, scope, entry);
        st_assign_entry(draft, scope, entry);
    }
}

static const char *read_words(st_draft *draft, const st_tree *map, const char *key, const char *otherwise)
{
    const st_tree *value = st_tree_get(map, key);
    if (!value || value->kind == ST_TREE_NULL || value->kind == ST_TREE_BAD) return otherwise;
    if (value->kind == ST_TREE_SCALAR) return value->text;
    st_notes_add(&draft->notes, value->spot, STAPES_EUSAGE, "'%s' takes text, found %s", key,
                 st_tree_say(&draft->notes, value));
    return otherwise;
}

/* "transcribe" for "pipelines/transcribe.yaml". */
static const char *name_of_file(st_draft *draft, const st_page *page)
{
    const char *slash = strrchr(page->file, '/'), *name = slash ? slash + 1 : page->file;
    const char *dot = strrchr(name, '.');
    if (!dot || dot == name || (strcmp(dot, ".yaml") && strcmp(dot, ".yml"))) return name;
    return st_notes_text(&draft->notes, "%.*s", (int)(dot - name), name);
}

st_scope *st_scope_read(st_draft *draft, st_scope *outer, const char *prefix, const st_page *page,
                        const st_tree *tree)
{
    static const char *const known[] = {"name", "summary", "options", "arguments", "stages"};
    st_notes                *notes = &draft->notes;
    st_scope                *scope = st_arena_take(&draft->graph.arena, 1, sizeof *scope);
    if (!scope) {
        notes->no_memory = true;
        return NULL;
    }
    *scope =
        (st_scope){.outer = outer, .prefix = prefix, .page = page, .depth = outer ? outer->depth + 1 : 0};
    scope->name = name_of_file(draft, page);
    scope->summary = "";
    if (tree->kind == ST_TREE_BAD) return scope;
    if (tree->kind != ST_TREE_MAP) {
        st_notes_add(notes, tree->spot, STAPES_EUSAGE,
                     tree->kind == ST_TREE_LIST
                         ? "write 'stages:' on a line before this list"
                         : "expected 'stages:' and below it a list of stages, found %s",
                     st_tree_say(notes, tree));
        if (tree->kind == ST_TREE_LIST) read_stages(draft, scope, tree);
        return scope;
    }
    for (uint32_t i = 0; i < tree->n; i++) {
        const char *key = tree->keys[i]->text, *near;
        uint32_t    j = 0;
        while (j < STAPES_COUNT(known) && strcmp(key, known[j])) j++;
        if (j < STAPES_COUNT(known)) continue;
        near = st_notes_nearest(notes, key, known, STAPES_COUNT(known));
        st_notes_add(notes, tree->keys[i]->spot, STAPES_EUSAGE, "unknown key '%s'%s",
                     st_notes_word(notes, key),
                     near[0] ? near : "; a pipeline has name, summary, options, arguments, stages");
    }
    scope->name = read_words(draft, tree, "name", scope->name);
    scope->summary = read_words(draft, tree, "summary", "");
    const st_tree *stages = st_tree_get(tree, "stages");
    if (stages) {
        read_stages(draft, scope, stages);
        st_assign_setters(draft, scope, st_tree_get(tree, "options"), st_tree_get(tree, "arguments"));
    } else {
        st_spot nowhere = {.mark = {.file = page->file}};
        st_notes_add(notes, nowhere, STAPES_EUSAGE,
                     "has no stages: add 'stages:' and below it a list, '- audio.file' and so on");
    }
    return scope;
}
