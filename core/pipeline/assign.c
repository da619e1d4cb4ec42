/* assign.c - values for parameters: those of an entry, the defaults of options, and what the command
 * line says (the assign part of draft.h). */
#include "contract/error.h"
#include "pipeline/draft.h"
#include "plugin/parameter.h"

#include <string.h>

enum { MOST_TEXT = 1024 };

static uint32_t index_of(const st_part *part, const stapes_parameter *row)
{
    return (uint32_t)(row - part->node.stage->parameters);
}

const char *st_assign_name(const st_part *part, st_mark mark)
{
    return part->node.name + (part->scope->page->file == mark.file ? strlen(part->scope->prefix) : 0);
}

int st_assign_value(st_draft *draft, st_part *part, const stapes_parameter *row, const char *text,
                    const char *const *items, uint32_t n_items, st_mark mark, stapes_error *error)
{
    stapes_error why = {0};
    int          status =
        text ? st_parameter_set(row, part->node.settings, text, &draft->graph.arena, &why)
                      : st_parameter_set_list(row, part->node.settings, items, n_items, &draft->graph.arena, &why);
    if (status < 0) return st_error_set(error, status, "%s: %s", st_assign_name(part, mark), why.text);
    part->node.set[index_of(part, row)] = true;
    part->node.set_marks[index_of(part, row)] = mark;
    return STAPES_OK;
}

static bool is_list(const stapes_parameter *row)
{
    return row->type == STAPES_INTS || row->type == STAPES_FLOATS || row->type == STAPES_STRINGS;
}

/* A value as it was written; what is wrong becomes a mistake. */
static void set_tree(st_draft *draft, st_part *part, const stapes_parameter *row, const st_tree *value)
{
    st_notes    *notes = &draft->notes;
    stapes_error error = {0};
    char         takes[MOST_TEXT];
    bool         pieces = value->kind == ST_TREE_LIST || (value->n > 0 && is_list(row));
    const char **items = NULL;
    if (value->kind == ST_TREE_BAD) return;
    if (value->kind == ST_TREE_NULL || value->kind == ST_TREE_MAP ||
        (value->kind == ST_TREE_LIST && !is_list(row))) {
        st_notes_add(notes, value->spot, STAPES_EUSAGE, "%s: %s takes %s, found %s",
                     st_assign_name(part, value->spot.mark), row->name,
                     st_parameter_takes(row, takes, sizeof takes), st_tree_say(notes, value));
        return;
    }
    if (pieces && !(items = st_arena_take(notes->arena, value->n, sizeof *items))) {
        notes->no_memory = true;
        return;
    }
    for (uint32_t i = 0; pieces && i < value->n; i++) {
        items[i] = value->items[i]->text;
        if (value->items[i]->kind == ST_TREE_SCALAR) continue;
        if (value->items[i]->kind == ST_TREE_BAD) return;
        st_notes_add(notes, value->items[i]->spot, STAPES_EUSAGE, "%s: %s takes %s, found %s in the list",
                     st_assign_name(part, value->spot.mark), row->name,
                     st_parameter_takes(row, takes, sizeof takes), st_tree_say(notes, value->items[i]));
        return;
    }
    if (st_assign_value(draft, part, row, pieces ? NULL : value->text, items, value->n, value->spot.mark,
                        &error) >= 0)
        return;
    if (error.status == STAPES_ENOMEM)
        notes->no_memory = true;
    else
        st_notes_add(notes, value->spot, STAPES_EUSAGE, "%s", st_notes_clean(notes, error.text));
}

/* "features.logmel has no parameter 'winow'; did you mean 'window'?" */
static const char *unknown_parameter(st_draft *draft, const stapes_stage *stage, const char *name)
{
    st_notes    *notes = &draft->notes;
    const char **names = st_arena_take(notes->arena, stage->n_parameters, sizeof *names);
    if (!names) {
        notes->no_memory = true;
        return "";
    }
    for (uint32_t i = 0; i < stage->n_parameters; i++) names[i] = stage->parameters[i].name;
    const char *near = st_notes_nearest(notes, name, names, stage->n_parameters);
    if (!near[0])
        near = stage->n_parameters == 0
                   ? "; it has none"
                   : st_notes_text(notes, "; it has %s", st_notes_join(notes, names, stage->n_parameters));
    return st_notes_text(notes, "%s has no parameter '%s'%s", stage->name, st_notes_word(notes, name), near);
}

static const char *unknown_option(st_draft *draft, const st_scope *scope, const char *name)
{
    st_notes    *notes = &draft->notes;
    const char **names = st_arena_take(notes->arena, scope->n_setters, sizeof *names);
    if (!names) {
        notes->no_memory = true;
        return "";
    }
    for (uint32_t i = 0; i < scope->n_setters; i++) names[i] = scope->setters[i].option.name;
    const char *near = st_notes_nearest(notes, name, names, scope->n_setters);
    if (!near[0] && st_scope_find(scope, name, strlen(name)))
        near = st_notes_text(notes, "; its stage '%s' has parameters: write %s.PARAMETER", name, name);
    else if (!near[0])
        near = scope->n_setters == 0
                   ? "; it has none"
                   : st_notes_text(notes, "; it has %s", st_notes_join(notes, names, scope->n_setters));
    return st_notes_text(notes, "pipeline '%s' has no option '%s'%s", st_notes_word(notes, scope->name),
                         st_notes_word(notes, name), near);
}

/* ---- names of what can be set ------------------------------------------------------------------- */

st_setter *st_scope_setter(const st_scope *scope, const char *name)
{
    for (uint32_t i = 0; i < scope->n_setters; i++)
        if (!strcmp(scope->setters[i].option.name, name)) return &scope->setters[i];
    return NULL;
}

/* Fills target from "node.parameter", "sub.option", "sub.node.parameter" or "option". Otherwise says why
 * not; "" where that was said already. */
static const char *resolve(st_draft *draft, const st_scope *scope, const char *name, st_target *target)
{
    size_t length = strcspn(name, ".");
    *target = (st_target){0};
    if (!name[length]) {
        target->setter = st_scope_setter(scope, name);
        return target->setter ? NULL : unknown_option(draft, scope, name);
    }
    const st_entry *entry = st_scope_find(scope, name, length);
    const char     *rest = name + length + 1;
    if (!entry) {
        const char *first = st_notes_text(&draft->notes, "%.*s", (int)length, name);
        return st_notes_text(&draft->notes, "no stage is called '%s'%s", st_notes_word(&draft->notes, first),
                             st_scope_nearest(draft, scope, first));
    }
    if (entry->sub) return resolve(draft, entry->sub, rest, target);
    if (!entry->part) return "";
    target->part = entry->part;
    target->row = st_parameter_find(entry->part->node.stage, rest);
    return target->row ? NULL : unknown_parameter(draft, entry->part->node.stage, rest);
}

int st_assign_target(st_draft *draft, const st_scope *scope, const char *name, st_target *target,
                     stapes_error *error)
{
    const char *words = resolve(draft, scope, name, target);
    if (draft->notes.no_memory) return st_error_set(error, STAPES_ENOMEM, "no memory");
    return words ? st_error_set(error, STAPES_EUSAGE, "%s", words) : STAPES_OK;
}

/* ---- parameters of an entry ------------------------------------------------------------------------ */

static void set_all(st_draft *draft, const st_target *target, const st_tree *value)
{
    if (!target->setter) {
        set_tree(draft, target->part, target->row, value);
        return;
    }
    const st_setter *setter = target->setter;
    for (uint32_t i = 0; i < setter->option.n_targets; i++)
        set_tree(draft, draft->parts[setter->parts[i]], setter->option.target_parameters[i], value);
}

void st_assign_entry(st_draft *draft, st_scope *scope, st_entry *entry)
{
    (void)scope;
    const st_tree *map = entry->parameters;
    for (uint32_t i = 0; map && (entry->part || entry->sub) && i < map->n; i++) {
        const char *key = map->keys[i]->text, *words;
        st_target   target = {.part = entry->part};
        if (!strcmp(key, "use") || !strcmp(key, "from")) continue;
        if (entry->sub) {
            words = resolve(draft, entry->sub, key, &target);
        } else {
            target.row = st_parameter_find(entry->part->node.stage, key);
            words = target.row ? NULL : unknown_parameter(draft, entry->part->node.stage, key);
        }
        if (!words)
            set_all(draft, &target, map->items[i]);
        else if (words[0])
            st_notes_add(&draft->notes, map->keys[i]->spot, STAPES_EUSAGE, "%s", words);
    }
}

/* ---- options and arguments --------------------------------------------------------------------------- */

static void add_target(st_draft *draft, st_setter *setter, uint32_t part, const stapes_parameter *row)
{
    st_notes *notes = &draft->notes;
    uint32_t  n = setter->option.n_targets;
    for (uint32_t i = 0; i < n; i++)
        if (setter->parts[i] == part && setter->option.target_parameters[i] == row) return;
    const stapes_parameter **rows = st_notes_grow(notes, (void *)setter->option.target_parameters, n,
                                                  &setter->room_targets, sizeof *rows);
    uint32_t *parts = st_notes_grow(notes, setter->parts, n, &setter->room_parts, sizeof *parts);
    if (!rows || !parts) return;
    rows[n] = row;
    parts[n] = part;
    setter->option.target_parameters = rows;
    setter->parts = parts;
    setter->option.n_targets = n + 1;
}

static void read_target(st_draft *draft, st_scope *scope, st_setter *setter, const st_tree *name,
                        const char *what)
{
    st_notes   *notes = &draft->notes;
    st_target   target;
    const char *words;
    if (name->kind == ST_TREE_BAD) return;
    if (name->kind != ST_TREE_SCALAR || !strchr(name->text, '.')) {
        st_notes_add(notes, name->spot, STAPES_EUSAGE,
                     "%s '%s': expected STAGE.PARAMETER after 'set:', found %s", what, setter->option.name,
                     st_tree_say(notes, name));
        return;
    }
    words = resolve(draft, scope, name->text, &target);
    if (words) {
        if (words[0])
            st_notes_add(notes, name->spot, STAPES_EUSAGE, "%s '%s': %s", what, setter->option.name, words);
        return;
    }
    if (target.part) add_target(draft, setter, target.part->index, target.row);
    for (uint32_t i = 0; target.setter && i < target.setter->option.n_targets; i++)
        add_target(draft, setter, target.setter->parts[i], target.setter->option.target_parameters[i]);
}

/* The default goes to all targets; a stage of the same file that says something else is a mistake,
 * because nobody could tell which one holds. */
static void set_default(st_draft *draft, st_scope *scope, st_setter *setter, const st_tree *value)
{
    st_notes   *notes = &draft->notes;
    const char *initial = value->kind == ST_TREE_SCALAR ? value->text : "";
    char        before[MOST_TEXT], after[MOST_TEXT];
    for (uint32_t i = 0; value->kind == ST_TREE_LIST && i < value->n; i++)
        initial = st_notes_text(notes, "%s%s%s", initial, i ? "," : "",
                                value->items[i]->kind == ST_TREE_SCALAR ? value->items[i]->text : "");
    setter->option.initial = initial;
    for (uint32_t i = 0; i < setter->option.n_targets && !notes->too_many; i++) {
        st_part                *part = draft->parts[setter->parts[i]];
        const stapes_parameter *row = setter->option.target_parameters[i];
        st_mark                 mark = part->node.set_marks[index_of(part, row)];
        bool                    given = part->node.set[index_of(part, row)] && mark.file == scope->page->file;
        st_parameter_text(row, part->node.settings, before, sizeof before);
        set_tree(draft, part, row, value);
        st_parameter_text(row, part->node.settings, after, sizeof after);
        if (given && strcmp(before, after) != 0)
            st_notes_add(
                notes, value->spot, STAPES_EUSAGE,
                "option '%s' is '%s' by default, but line %u sets %s.%s to '%s': delete one of the two",
                setter->option.name, st_notes_word(notes, after), mark.line,
                st_assign_name(part, value->spot.mark), row->name, st_notes_word(notes, before));
    }
}

static void read_setter(st_draft *draft, st_scope *scope, const st_tree *key, const st_tree *map,
                        bool argument)
{
    static const char *const known[] = {"set", "help", "default"};
    uint32_t                 n_known = argument ? 2 : 3;
    st_notes                *notes = &draft->notes;
    const char              *what = argument ? "argument" : "option", *name = st_notes_word(notes, key->text);
    st_setter               *setters =
        st_notes_grow(notes, scope->setters, scope->n_setters, &scope->room_setters, sizeof *setters);
    if (!setters) return;
    scope->setters = setters;
    if (!name[0] || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != strlen(name) || name[0] == '-')
        st_notes_add(notes, key->spot, STAPES_EUSAGE,
                     "'%s' cannot be the name of an %s: it has small letters, digits, '_' and '-'", name,
                     what);
    if (st_scope_setter(scope, key->text))
        st_notes_add(notes, key->spot, STAPES_EUSAGE,
                     "'%s' is an option already: give the argument another name", name);
    st_setter *setter = &setters[scope->n_setters];
    *setter = (st_setter){.option = {.name = key->text, .mark = key->spot.mark}};
    const st_tree *set = st_tree_get(map, "set"), *initial = argument ? NULL : st_tree_get(map, "default");
    const st_tree *help = st_tree_get(map, "help");
    for (uint32_t i = 0; map->kind == ST_TREE_MAP && i < map->n; i++) {
        const char *word = map->keys[i]->text;
        uint32_t    j = 0;
        while (j < n_known && strcmp(word, known[j])) j++;
        if (j == n_known)
            st_notes_add(notes, map->keys[i]->spot, STAPES_EUSAGE, "unknown key '%s' in %s '%s'%s",
                         st_notes_word(notes, word), what, name,
                         argument && !strcmp(word, "default") ? ": an argument has no default, an option has"
                         : argument                           ? "; an argument has set and help"
                                                              : "; an option has set, default and help");
    }
    if (!set || set->kind == ST_TREE_NULL)
        st_notes_add(notes, key->spot, STAPES_EUSAGE,
                     "%s '%s' does not say what it sets: write %s: {set: STAGE.PARAMETER}", what, name, name);
    else if (set->kind == ST_TREE_LIST)
        for (uint32_t i = 0; i < set->n; i++) read_target(draft, scope, setter, set->items[i], what);
    else
        read_target(draft, scope, setter, set, what);
    if (initial) set_default(draft, scope, setter, initial);
    if (help && help->kind != ST_TREE_SCALAR && help->kind != ST_TREE_BAD)
        st_notes_add(notes, help->spot, STAPES_EUSAGE, "'help' takes text, found %s",
                     st_tree_say(notes, help));
    setter->option.help = help && help->kind == ST_TREE_SCALAR ? help->text
                          : setter->option.n_targets           ? setter->option.target_parameters[0]->help
                                                               : NULL;
    scope->n_setters++;
}

void st_assign_setters(st_draft *draft, st_scope *scope, const st_tree *options, const st_tree *arguments)
{
    st_notes *notes = &draft->notes;
    for (int argument = 0; argument < 2; argument++) {
        const st_tree *map = argument ? arguments : options;
        if (!map || map->kind == ST_TREE_NULL || map->kind == ST_TREE_BAD) continue;
        if (map->kind != ST_TREE_MAP) {
            st_notes_add(notes, map->spot, STAPES_EUSAGE, "expected %s, found %s",
                         argument ? "an argument, {files: {set: STAGE.PARAMETER}}"
                                  : "options, {NAME: {set: STAGE.PARAMETER, default: ..., help: ...}}",
                         st_tree_say(notes, map));
            continue;
        }
        if (argument && map->n > 1)
            st_notes_add(notes, map->keys[1]->spot, STAPES_EUSAGE,
                         "a pipeline has one argument, '%s' is the second: make it an option",
                         st_notes_word(notes, map->keys[1]->text));
        for (uint32_t i = 0; i < map->n && !notes->too_many && !(argument && i > 0); i++) {
            read_setter(draft, scope, map->keys[i], map->items[i], argument);
            scope->has_argument = argument != 0;
        }
    }
}
