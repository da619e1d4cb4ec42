/* fuzz_graph.h - one pipeline text read, explained, drawn, set and finished: what both targets do. */
#ifndef ST_FUZZ_GRAPH_H
#define ST_FUZZ_GRAPH_H

#include "pipeline/graph.h"

#include <stdlib.h>
#include <string.h>

static inline void fuzz_graph(const char *text)
{
    st_graph_places places = {STAPES_SOURCE_DIR "/tests/data/good/parts",
                              STAPES_SOURCE_DIR "/tests/data/models"};
    stapes_error    error = {0};
    st_registry    *registry = st_registry_open(NULL, &error);
    st_graph       *graph = registry ? st_graph_read(registry, &places, "text", text, &error) : NULL;
    if (graph) {
        if (graph->n_mistakes && graph->n_nodes) abort();
        for (uint32_t i = 0; i < graph->n_nodes; i++)
            for (uint32_t j = 0; j < graph->nodes[i].stage->n_inputs; j++)
                if (graph->nodes[i].inputs[j].node >= (int32_t)i) abort(); /* not in order */
        for (uint32_t i = 0; i < graph->n_mistakes; i++)
            if (!graph->mistakes[i].text[0] || graph->mistakes[i].status >= 0) abort();
        free(st_graph_dot(graph));
        (void)st_graph_set(graph, "file.path", "a.wav", &error);
        (void)st_graph_set(graph, "model", "tiny", &error);
        (void)st_graph_check(graph, &error);
        (void)st_graph_finish(graph, &error);
        free(st_graph_explain(graph));
        st_graph_close(graph);
    }
    st_registry_close(registry);
}

/* The bytes as a string, up to the first 0. The caller frees it. */
static inline char *fuzz_text(const unsigned char *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text) exit(1);
    if (size) memcpy(text, data, size);
    text[size] = 0;
    return text;
}

#endif
