/* draw.c - the graph for Graphviz: a box for each stage with what was set, an arrow for each connection
 * with its ports and kind, a frame around each sub-pipeline. */
#include "contract/format.h"
#include "pipeline/graph.h"
#include "plugin/parameter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_VALUE = 48 };

/* Text inside a quoted DOT string. */
static void put(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') (void)fputc('\\', out);
        (void)fputc((unsigned char)*text < 0x20 ? ' ' : *text, out);
    }
}

/* The sub-pipeline that a node belongs to: "asr" of "asr.search"; its length, 0 for none. */
static size_t frame_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

static bool same_frame(const char *a, const char *b)
{
    return frame_of(a) == frame_of(b) && !strncmp(a, b, frame_of(a));
}

static void draw_node(FILE *out, const st_node *node, uint32_t index)
{
    char value[1024];
    (void)fprintf(out, "  n%u [label=\"", index);
    put(out, node->name + (frame_of(node->name) ? frame_of(node->name) + 1 : 0));
    (void)fputs("\\n", out);
    put(out, node->stage->name);
    (void)fputs("\\n", out);
    for (uint32_t i = 0; i < node->stage->n_parameters; i++) {
        const stapes_parameter *row = &node->stage->parameters[i];
        if (!node->set[i]) continue;
        st_parameter_text(row, node->settings, value, sizeof value);
        if (row->initial && !strcmp(value, row->initial)) continue;
        if (strlen(value) > LONGEST_VALUE) { /* cut between characters */
            size_t end = LONGEST_VALUE;
            while (end && ((unsigned char)value[end] & 0xc0) == 0x80) end--;
            memcpy(value + end, "...", 4);
        }
        put(out, row->name);
        (void)fputs(" = ", out);
        put(out, value);
        if (row->unit) (void)fprintf(out, " %s", row->unit);
        (void)fputs("\\l", out);
    }
    (void)fputs("\"", out);
    if (node->stage->n_inputs == 0 || node->stage->n_outputs == 0)
        (void)fputs(", style=\"rounded,filled,bold\"", out);
    (void)fputs("];\n", out);
}

static void draw_edges(FILE *out, const st_graph *graph, uint32_t index)
{
    const st_node *node = &graph->nodes[index];
    char           kinds[160];
    for (uint32_t i = 0; i < node->stage->n_inputs; i++) {
        const st_input *input = &node->inputs[i];
        if (input->node < 0) continue;
        const stapes_port *from = &graph->nodes[input->node].stage->outputs[input->port],
                          *to = &node->stage->inputs[i];
        uint32_t both = from->kinds & to->kinds;
        (void)fprintf(out, "  n%d -> n%u [label=\"", (int)input->node, index);
        put(out, from->name);
        (void)fputs(" > ", out);
        put(out, to->name);
        (void)fprintf(out, "\\n%s\"];\n",
                      st_format_kinds_text(both ? both : from->kinds, kinds, sizeof kinds));
    }
}

char *st_graph_dot(const st_graph *graph)
{
    char  *text = NULL;
    size_t size = 0;
    FILE  *out = open_memstream(&text, &size);
    if (!out) return NULL;
    (void)fputs("digraph \"", out);
    put(out, graph->name);
    (void)fputs("\" {\n  rankdir=LR;\n  label=\"", out);
    put(out, graph->name);
    if (graph->summary[0]) (void)fputs(": ", out);
    put(out, graph->summary);
    (void)fputs(
        "\";\n  labelloc=t;\n  fontname=\"Helvetica\";\n"
        "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#eef3f8\", fontname=\"Helvetica\"];\n"
        "  edge [fontname=\"Helvetica\", fontsize=10];\n",
        out);
    for (uint32_t i = 0; i < graph->n_nodes; i++) {
        const char *name = graph->nodes[i].name;
        uint32_t    first = 0;
        while (!same_frame(graph->nodes[first].name, name)) first++;
        if (first < i) continue; /* drawn with the first of its frame */
        if (frame_of(name)) {
            (void)fprintf(out, "  subgraph cluster_%u {\n  color=gray;\n  label=\"", i);
            for (size_t j = 0; j < frame_of(name); j++) (void)fputc(name[j], out); /* names need no escape */
            (void)fputs("\";\n", out);
        }
        for (uint32_t j = i; j < graph->n_nodes; j++)
            if (same_frame(graph->nodes[j].name, name)) draw_node(out, &graph->nodes[j], j);
        if (frame_of(name)) (void)fputs("  }\n", out);
    }
    for (uint32_t i = 0; i < graph->n_nodes; i++) draw_edges(out, graph, i);
    (void)fputs("}\n", out);
    if (fclose(out) == 0) return text;
    free(text);
    return NULL;
}
