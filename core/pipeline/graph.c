/* graph.c - see graph.h: a text is read (tree.c, oneliner.c), understood (scope.c, assign.c), connected
 * (wire.c), and what is left when there are no mistakes becomes the graph. */
#include "pipeline/graph.h"

#include "contract/error.h"
#include "pipeline/draft.h"
#include "pipeline/oneliner.h"
#include "plugin/parameter.h"
#include "plugin/place.h"

#include <stdlib.h>
#include <string.h>

static void show_mistakes(st_draft *draft)
{
    st_notes_sort(&draft->notes);
    draft->graph.mistakes = draft->notes.list;
    draft->graph.n_mistakes = draft->notes.n;
}

/* Parts, in order, become nodes; targets of options become indices of nodes. */
static void make_nodes(st_draft *draft)
{
    st_graph *graph = &draft->graph;
    st_scope *scope = draft->scope;
    graph->nodes = st_arena_take(&graph->arena, draft->n_parts, sizeof *graph->nodes);
    graph->options = st_arena_take(&graph->arena, scope->n_setters, sizeof *graph->options);
    if (!graph->nodes || !graph->options) {
        draft->notes.no_memory = true;
        return;
    }
    for (uint32_t i = 0; i < draft->n_parts; i++) {
        const st_node *node = &draft->parts[i]->node;
        for (uint32_t j = 0; j < node->stage->n_inputs; j++)
            if (node->inputs[j].node >= 0) node->inputs[j].node = draft->parts[node->inputs[j].node]->place;
        graph->nodes[draft->parts[i]->place] = *node;
    }
    graph->n_nodes = draft->n_parts;
    for (uint32_t i = 0; i < scope->n_setters; i++) {
        st_setter *setter = &scope->setters[i];
        uint32_t  *nodes = st_arena_take(&graph->arena, setter->option.n_targets, sizeof *nodes);
        if (!nodes) {
            draft->notes.no_memory = true;
            return;
        }
        for (uint32_t j = 0; j < setter->option.n_targets; j++)
            nodes[j] = (uint32_t)draft->parts[setter->parts[j]]->place;
        setter->option.target_nodes = nodes;
        graph->options[i] = setter->option;
    }
    graph->n_options = scope->n_setters - (scope->has_argument ? 1 : 0);
    graph->argument = scope->has_argument ? &graph->options[graph->n_options] : NULL;
}

static void read_draft(st_draft *draft, const char *file, const char *text)
{
    st_notes *notes = &draft->notes;
    st_page  *page = st_notes_read(notes, file, text, NULL);
    if (!page) return;
    draft->graph.file = page->file;
    page->tree =
        text && st_oneliner_is(page->text) ? st_oneliner_read(notes, page) : st_tree_read(notes, page);
    if (!page->tree) return;
    draft->lost = notes->n > 0; /* what was left out may have been the use of something */
    draft->scope = st_scope_read(draft, NULL, "", page, page->tree);
    if (!draft->scope || notes->too_many || notes->no_memory) return;
    draft->graph.name = draft->scope->name;
    draft->graph.summary = draft->scope->summary;
    st_wire_scope(draft, draft->scope);
    if (!notes->no_memory && !notes->too_many) st_wire_check(draft);
    if (notes->n == 0 && !notes->no_memory) make_nodes(draft);
}

st_graph *st_graph_read(st_registry *registry, const st_graph_places *places, const char *file,
                        const char *text, stapes_error *error)
{
    st_draft *draft = calloc(1, sizeof *draft);
    if (!draft) {
        st_error_set(error, STAPES_ENOMEM, "no memory");
        return NULL;
    }
    draft->registry = registry;
    if (places) draft->places = *places;
    draft->graph.model_path = draft->places.model_path;
    draft->graph.file = draft->graph.name = draft->graph.summary = "";
    st_notes_open(&draft->notes, &draft->graph.arena);
    read_draft(draft, file, text);
    if (draft->notes.no_memory) {
        st_graph_close(&draft->graph);
        st_error_set(error, STAPES_ENOMEM, "%s: no memory", file);
        return NULL;
    }
    show_mistakes(draft);
    draft->n_read = draft->notes.n;
    return &draft->graph;
}

void st_graph_close(st_graph *graph)
{
    if (!graph) return;
    st_arena_close(&graph->arena);
    free(graph); /* the first field of its draft */
}

int32_t st_graph_find(const st_graph *graph, const char *name)
{
    for (uint32_t i = 0; i < graph->n_nodes; i++)
        if (!strcmp(graph->nodes[i].name, name)) return (int32_t)i;
    return -1;
}

/* ---- set ---------------------------------------------------------------------------------------- */

static int set(st_graph *graph, const char *name, const char *text, const char *const *items,
               uint32_t n_items, stapes_error *error)
{
    st_draft *draft = (st_draft *)graph;
    st_target target;
    st_mark   nowhere = {.file = ""};
    int       status;
    if (draft->n_read > 0)
        return st_error_set(error, STAPES_EUSAGE, "%s: has mistakes: nothing can be set", graph->file);
    status = st_assign_target(draft, draft->scope, name, &target, error);
    if (status < 0) return status;
    if (target.part)
        return st_assign_value(draft, target.part, target.row, text, items, n_items, nowhere, error);
    for (uint32_t i = 0; i < target.setter->option.n_targets && status >= 0; i++)
        status =
            st_assign_value(draft, draft->parts[target.setter->parts[i]],
                            target.setter->option.target_parameters[i], text, items, n_items, nowhere, error);
    return status;
}

int st_graph_set(st_graph *graph, const char *name, const char *value, stapes_error *error)
{
    return set(graph, name, value, NULL, 0, error);
}

int st_graph_set_list(st_graph *graph, const char *name, const char *const *values, uint32_t count,
                      stapes_error *error)
{
    return set(graph, name, NULL, values, count, error);
}

/* ---- finish --------------------------------------------------------------------------------------- */

static bool is_set_by_user(const st_draft *draft, const st_part *part, const stapes_parameter *row)
{
    for (uint32_t i = 0; i < draft->scope->n_setters; i++) {
        const st_setter *setter = &draft->scope->setters[i];
        for (uint32_t j = 0; j < setter->option.n_targets; j++)
            if (setter->parts[j] == part->index && setter->option.target_parameters[j] == row) return true;
    }
    return false;
}

static void tell_required(st_draft *draft, const st_part *part, const stapes_parameter *row)
{
    char        takes[400];
    const char *how = "";
    for (uint32_t i = 0; i < draft->scope->n_setters; i++) {
        const st_setter *setter = &draft->scope->setters[i];
        for (uint32_t j = 0; j < setter->option.n_targets; j++) {
            if (setter->parts[j] != part->index || setter->option.target_parameters[j] != row) continue;
            bool argument = draft->scope->has_argument && i + 1 == draft->scope->n_setters;
            how = st_notes_text(&draft->notes, ", by the %s '%s'", argument ? "argument" : "option",
                                setter->option.name);
        }
    }
    st_notes_add(&draft->notes, part->spot, STAPES_EUSAGE, "%s: parameter '%s' must be given%s: %s%s%s",
                 st_assign_name(part, part->spot.mark), row->name, how,
                 st_parameter_takes(row, takes, sizeof takes), row->help ? ", " : "",
                 row->help ? row->help : "");
}

/* Replaces the name of a model by the path of its folder. */
static void find_models(st_draft *draft, st_part *part, uint32_t index)
{
    const stapes_parameter *row = &part->node.stage->parameters[index];
    const char             *field = (const char *)part->node.settings + row->offset;
    stapes_strings          names = {0};
    const char             *name;
    stapes_error            error = {0};
    if (row->type == STAPES_STRINGS) {
        memcpy(&names, field, sizeof names);
    } else if (row->type == STAPES_STRING) {
        memcpy(&name, field, sizeof name);
        names = (stapes_strings){name && name[0], &name};
    }
    const char **paths = names.count ? st_arena_take(&draft->graph.arena, names.count, sizeof *paths) : NULL;
    if (!paths) {
        draft->notes.no_memory |= names.count > 0;
        return;
    }
    for (uint32_t i = 0; i < names.count; i++) {
        paths[i] = st_place_model(draft->graph.model_path, names.items[i], &draft->graph.arena, &error);
        if (paths[i]) continue;
        st_spot spot = part->spot;
        if (part->node.set_marks[index].line)
            spot = (st_spot){part->node.set_marks[index], (uint32_t)strlen(names.items[i])};
        if (error.status == STAPES_ENOMEM)
            draft->notes.no_memory = true;
        else
            st_notes_add(&draft->notes, spot, error.status, "%s: %s: %s", st_assign_name(part, spot.mark),
                         row->name, error.text);
        return;
    }
    bool was_set = part->node.set[index];
    int  status =
        row->type == STAPES_STRINGS
             ? st_parameter_set_list(row, part->node.settings, paths, names.count, &draft->graph.arena, &error)
             : st_parameter_set(row, part->node.settings, paths[0], &draft->graph.arena, &error);
    part->node.set[index] = was_set;
    if (status == STAPES_ENOMEM) draft->notes.no_memory = true;
}

static int finish(st_graph *graph, bool whole, stapes_error *error)
{
    st_draft *draft = (st_draft *)graph;
    st_notes *notes = &draft->notes;
    if (draft->n_read == 0) {
        notes->n = 0; /* an earlier finish may have left some; what was set since may have mended them */
        notes->too_many = false;
        for (uint32_t i = 0; i < draft->n_parts; i++) {
            st_part *part = draft->parts[i];
            for (uint32_t j = 0; j < part->node.stage->n_parameters && !notes->no_memory; j++) {
                const stapes_parameter *row = &part->node.stage->parameters[j];
                if (!row->initial && !part->node.set[j] && (whole || !is_set_by_user(draft, part, row)))
                    tell_required(draft, part, row);
                if (row->flags & STAPES_IS_MODEL) find_models(draft, part, j);
            }
        }
        if (notes->no_memory) {
            notes->no_memory = false;
            return st_error_set(error, STAPES_ENOMEM, "%s: no memory", graph->file);
        }
        show_mistakes(draft);
    }
    if (graph->n_mistakes == 0) return STAPES_OK;
    const st_mistake *first = &graph->mistakes[0];
    st_error_set(error, first->status, "%s", first->text);
    if (first->mark.line)
        st_error_within(error, "%s:%u:%u", first->mark.file, first->mark.line, first->mark.column);
    else
        st_error_within(error, "%s", first->mark.file);
    return first->status;
}

int st_graph_finish(st_graph *graph, stapes_error *error) { return finish(graph, true, error); }
int st_graph_check(st_graph *graph, stapes_error *error) { return finish(graph, false, error); }
