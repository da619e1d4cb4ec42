/* pipelines_page_test.c - the examples of docs/pipelines.md are what they say: pipelines without
 * mistakes, or with exactly those that the page shows. With the stages that are there. */
#include "check.h"
#include "pipeline/graph.h"
#include "plugin/registry.h"

#include <stdlib.h>
#include <unistd.h>

static st_registry *registry;
static char         folder[] = "/tmp/stapes-page-XXXXXX";

static const stapes_port any[] = {{"in", STAPES_ANY_DATA, 0, NULL}};
static int               take(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)me;
    (void)port;
    (void)packet;
    return STAPES_OK;
}

/* The runtime's own stages are not part of a bare registry. */
static const stapes_stage        discard = {.size = sizeof(stapes_stage),
                                            .name = "app.discard",
                                            .summary = "takes everything",
                                            STAPES_INPUTS(any),
                                            .process = take};
static const stapes_stage *const stages[] = {&discard};
static const stapes_plugin       built_in = {sizeof(stapes_plugin),
                                             STAPES_ABI_MAJOR,
                                             STAPES_ABI_MINOR,
                                             STAPES_LAYOUT,
                                             1,
                                             "app",
                                             "1.0.0",
                                             "MIT",
                                             stages};

/* The explanation of one text, "" if it is good. */
static char *explain(const char *file, const char *text)
{
    st_graph_places places = {folder, NULL};
    stapes_error    error = {0};
    st_graph       *graph = st_graph_read(registry, &places, file, text, &error);
    CHECK(graph != NULL);
    char *words = graph ? st_graph_explain(graph) : NULL;
    st_graph_close(graph);
    return words ? words : strdup("");
}

static int check_commands(char *block)
{
    int count = 0;
    for (char *at = strstr(block, "stapes run "); at; at = strstr(at, "stapes run ")) {
        char *begin = at + strlen("stapes run "), *end = strchr(begin + 1, *begin);
        CHECK(end && (*begin == '\'' || *begin == '"'));
        if (!end) break;
        *end = 0;
        char *words = explain("line", begin + 1);
        CHECK_TEXT(words, "");
        free(words);
        at = end + 1;
        count++;
    }
    return count;
}

int main(void)
{
    stapes_error error = {0};
    char        *page = NULL, *block, broken[4096] = "", broken_name[64] = "", path[256];
    int          n_pipelines = 0, n_commands = 0, n_shown = 0;
    FILE        *file = fopen(STAPES_SOURCE_DIR "/docs/pipelines.md", "rb");
    size_t       size = 0;
    CHECK(file && getdelim(&page, &size, 0, file) > 0 && mkdtemp(folder));
    if (file) fclose(file);
    registry = st_registry_open(NULL, &error);
    CHECK(registry && st_registry_add(registry, &built_in, &error) >= 0);
    for (char *at = page; registry && (block = strstr(at, "\n```")) && block[4] != '\n';) {
        char *language = block + 4, *text = strchr(language, '\n') + 1, *end = strstr(text, "\n```\n");
        CHECK(end != NULL);
        if (!end) break;
        end[1] = 0;
        at = end + 4;
        if (!strncmp(language, "yaml\n", 5)) {
            broken_name[0] = 0;
            if (sscanf(text, "# %60s\n", broken_name) == 1) { /* a file of that name, for others to include */
                snprintf(path, sizeof path, "%s/%s", folder, broken_name);
                FILE *copy = fopen(path, "wb");
                CHECK(copy && fputs(text, copy) >= 0 && fclose(copy) == 0);
                snprintf(broken, sizeof broken, "%s", text);
            }
            char *words = explain("page", text);
            if (!broken_name[0]) CHECK_TEXT(words, ""); /* parts cannot stand alone, broken ones come below */
            n_pipelines++;
            free(words);
        } else if (!strncmp(language, "sh\n", 3)) {
            n_commands += check_commands(text);
        } else if (!strncmp(language, "text\n", 5)) {
            char *words = explain(broken_name, broken);
            CHECK_TEXT(words, text);
            free(words);
            n_shown++;
        }
    }
    CHECK(n_pipelines >= 5 && n_commands >= 3 && n_shown == 1);
    st_registry_close(registry);
    snprintf(path, sizeof path, "%s/recognize.yaml", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/talk.yaml", folder);
    unlink(path);
    CHECK(rmdir(folder) == 0);
    free(page);
    return check_done();
}
