/* graph_test.c - pipelines read. Each file of tests/data/broken is named for what is wrong with it, and
 * beside it stands NAME.expected with the whole explanation, compared to the letter; tests/data/good has
 * what they become. A file NAME.line is a one-liner, NAME.yaml is YAML. STAPES_TEST_UPDATE=1 writes the
 * expected files anew, to be looked at before they are kept. */
#include "check.h"
#include "fake_stages.h"
#include "pipeline/graph.h"
#include "pipeline/oneliner.h"
#include "plugin/parameter.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

static st_registry *open_registry(const char *extra)
{
    stapes_error error = {0};
    st_registry *registry = st_registry_open(extra, &error);
    CHECK(registry && st_registry_add(registry, &fake_plugin, &error) >= 0);
    CHECK_TEXT(error.text, "");
    return registry;
}

static char *read_text(const char *path)
{
    FILE  *file = fopen(path, "rb");
    char  *text = NULL;
    size_t size = 0;
    FILE  *out = open_memstream(&text, &size);
    for (int c; file && (c = fgetc(file)) != EOF;) (void)fputc(c, out);
    if (file) fclose(file);
    fclose(out);
    return text;
}

static st_graph *parse(st_registry *registry, const char *text)
{
    st_graph_places places = {"tests/data/good/parts", "tests/data/models"};
    stapes_error    error = {0};
    st_graph       *graph = st_graph_read(registry, &places, "line", text, &error);
    CHECK(graph && error.status == 0);
    return graph;
}

/* ---- files ---------------------------------------------------------------------------------------- */

/* The graph in a few words: nodes with what was set, where their inputs come from, options. */
static char *tell(const st_graph *graph)
{
    char  *text = NULL, value[1024];
    size_t size = 0;
    FILE  *out = open_memstream(&text, &size);
    fprintf(out, "%s: %s\n", graph->name, graph->summary);
    for (uint32_t i = 0; i < graph->n_nodes; i++) {
        const st_node *node = &graph->nodes[i];
        fprintf(out, "%s = %s", node->name, node->stage->name);
        for (uint32_t j = 0; j < node->stage->n_parameters; j++)
            if (node->set[j])
                fprintf(out, " %s=%s", node->stage->parameters[j].name,
                        st_parameter_text(&node->stage->parameters[j], node->settings, value, sizeof value));
        for (uint32_t j = 0; j < node->stage->n_inputs; j++) {
            if (node->inputs[j].node < 0) continue;
            CHECK((uint32_t)node->inputs[j].node < i);
            const st_node *from = &graph->nodes[node->inputs[j].node];
            fprintf(out, " %s<%s.%s", node->stage->inputs[j].name, from->name,
                    from->stage->outputs[node->inputs[j].port].name);
        }
        fprintf(out, "\n");
    }
    for (uint32_t i = 0; i < graph->n_options + (graph->argument != NULL); i++) {
        const st_option *option = i < graph->n_options ? &graph->options[i] : graph->argument;
        fprintf(out, "%s %s:", i < graph->n_options ? "option" : "argument", option->name);
        for (uint32_t j = 0; j < option->n_targets; j++)
            fprintf(out, " %s.%s", graph->nodes[option->target_nodes[j]].name,
                    option->target_parameters[j]->name);
        fprintf(out, " [%s] %s\n", option->initial ? option->initial : "", option->help ? option->help : "");
    }
    fclose(out);
    return text;
}

static void compare(const char *found, const char *path)
{
    char expected_path[512];
    snprintf(expected_path, sizeof expected_path, "%.*s.expected", (int)(strrchr(path, '.') - path), path);
    if (getenv("STAPES_TEST_UPDATE")) {
        FILE *file = fopen(expected_path, "wb");
        CHECK(file && fputs(found, file) >= 0 && fclose(file) == 0);
    }
    char *expected = read_text(expected_path);
    if (strcmp(found, expected) != 0) fprintf(stderr, "%s is not as its .expected says:\n", path);
    CHECK_TEXT(found, expected);
    free(expected);
}

/* Paths of this machine do not belong into expected texts. */
static char *without_paths(const char *text)
{
    char  *clean = NULL;
    size_t size = 0;
    FILE  *out = open_memstream(&clean, &size);
    while (*text) {
        size_t build = strlen(STAPES_BUILD_DIR);
        if (!strncmp(text, STAPES_BUILD_DIR, build)) {
            fputs("BUILD", out);
            text += build;
        } else {
            fputc(*text++, out);
        }
    }
    fclose(out);
    return clean;
}

static void check_file(st_registry *registry, const char *path, bool good)
{
    st_graph_places places = {"tests/data/good/parts", "tests/data/models"};
    stapes_error    error = {0};
    char           *line = strstr(path, ".line") ? read_text(path) : NULL;
    st_graph       *graph = st_graph_read(registry, &places, line ? "line" : path, line, &error);
    CHECK(graph && error.status == 0);
    CHECK_TEXT(error.text, "");
    if (good) {
        char *words = st_graph_explain(graph), *dot = st_graph_dot(graph), *told = tell(graph);
        CHECK_TEXT(words ? words : "", "");
        CHECK_HAS(dot, "digraph");
        compare(told, path);
        free(words);
        free(dot);
        free(told);
    } else {
        int status = st_graph_finish(graph, &error); /* some mistakes show only here */
        CHECK(status < 0 && error.status == status && graph->n_mistakes > 0);
        for (uint32_t i = 0; i < graph->n_mistakes; i++) CHECK(graph->mistakes[i].status < 0);
        char *words = st_graph_explain(graph), *clean = without_paths(words ? words : "");
        compare(clean, path);
        free(words);
        free(clean);
    }
    free(line);
    st_graph_close(graph);
}

static int check_folder(const char *folder, bool good)
{
    st_registry    *registry = open_registry(NULL), *with_bad_plugin = open_registry("tests/data/plugins");
    struct dirent **files;
    int             n = scandir(folder, &files, NULL, alphasort), count = 0;
    CHECK(n > 0);
    for (int i = 0; i < n; i++) {
        char        path[512];
        const char *dot = strrchr(files[i]->d_name, '.');
        snprintf(path, sizeof path, "%s/%s", folder, files[i]->d_name);
        if (dot && dot != files[i]->d_name && (!strcmp(dot, ".yaml") || !strcmp(dot, ".line"))) {
            check_file(strncmp(files[i]->d_name, "plugin-", 7) ? registry : with_bad_plugin, path, good);
            count++;
        }
        free(files[i]);
    }
    if (n > 0) free(files);
    st_registry_close(registry);
    st_registry_close(with_bad_plugin);
    return count;
}

/* ---- texts --------------------------------------------------------------------------------------------- */

static void check_texts(st_registry *registry)
{
    CHECK(st_oneliner_is("audio.file path=a.wav ! text.write"));
    CHECK(st_oneliner_is("  audio.file\tpath=\"stages: x\""));
    CHECK(st_oneliner_is("read@audio.file path=a:b"));
    CHECK(!st_oneliner_is("stages: [audio.file]"));
    CHECK(!st_oneliner_is("stages :\n  - audio.file"));
    CHECK(!st_oneliner_is("# a note\nstages:"));
    CHECK(!st_oneliner_is("- audio.file\n- text.write"));
    CHECK(!st_oneliner_is("{stages: [audio.file]}"));
    CHECK(!st_oneliner_is(""));

    st_graph *graph = parse(registry, "audio.file path=x ! features.logmel ! debug.drop");
    CHECK(graph->n_mistakes == 0 && graph->n_nodes == 3 && !st_graph_explain(graph));
    CHECK(st_graph_find(graph, "logmel") == 1 && st_graph_find(graph, "mel") == -1);
    st_graph_close(graph);

    char *deep = malloc(100001), *wide = malloc(300001);
    memset(deep, '[', 100000);
    deep[100000] = 0;
    graph = parse(registry, deep);
    CHECK(graph->n_mistakes == 1);
    CHECK_HAS(graph->mistakes[0].text, "more than 16 lists and maps");
    st_graph_close(graph);
    memset(wide, 'a', 300000);
    wide[300000] = 0;
    graph = parse(registry, wide);
    CHECK(graph->n_mistakes == 1);
    CHECK_HAS(graph->mistakes[0].text, "has 300000 bytes; a pipeline has at most 262144");
    st_graph_close(graph);
    strcpy(wide, "stages:\n");
    for (int i = 0; i < 3000; i++) strcat(wide + 8 + i * 13, "- debug.dump\n");
    graph = parse(registry, wide);
    CHECK(graph->n_mistakes == 1);
    CHECK_HAS(graph->mistakes[0].text, "more than 1000 stages");
    CHECK(graph->n_nodes == 0);
    st_graph_close(graph);
    strcpy(wide, "stages:\n");
    for (int i = 0; i < 200; i++) strcat(wide + 8 + i * 5, "- []\n");
    graph = parse(registry, wide);
    CHECK(graph->n_mistakes == 51);
    CHECK_HAS(graph->mistakes[50].text, "50 mistakes are shown, and reading stopped here");
    st_graph_close(graph);
    free(deep);
    free(wide);
}

/* ---- set and finish ------------------------------------------------------------------------------------ */

static const char transcribe[] = "name: transcribe\n"
                                 "options:\n"
                                 "  model: {set: [features.model, network.model], default: tiny}\n"
                                 "  format: {set: write.format}\n"
                                 "arguments:\n"
                                 "  files: {set: read.path}\n"
                                 "stages:\n"
                                 "  - read: {use: audio.file}\n"
                                 "  - features: {use: features.logmel}\n"
                                 "  - network: {use: recurrent.network}\n"
                                 "  - search: {use: ctc.search}\n"
                                 "  - write: {use: text.write}\n";

static void check_set(st_registry *registry)
{
    stapes_error error = {0};
    st_graph    *graph = parse(registry, transcribe);
    CHECK(graph->n_mistakes == 0 && graph->n_options == 2 && graph->argument);
    CHECK_TEXT(graph->options[1].help, "how it is written");

    CHECK(st_graph_check(graph, &error) == STAPES_OK);
    CHECK(st_graph_finish(graph, &error) == STAPES_EUSAGE);
    CHECK_TEXT(
        error.text,
        "line:8:5: read: parameter 'path' must be given, by the argument 'files': file name, what to read");
    error = (stapes_error){0};
    CHECK(st_graph_set(graph, "files", "a.wav", &error) == STAPES_OK);
    CHECK(st_graph_set(graph, "search.beam", "8", &error) == STAPES_OK);
    CHECK(st_graph_finish(graph, &error) == STAPES_OK && graph->n_mistakes == 0);
    const fake_search  *search = graph->nodes[3].settings;
    const fake_network *network = graph->nodes[2].settings;
    CHECK(search->beam == 8 && graph->nodes[3].set[0]);
    CHECK_TEXT(network->model, "tests/data/models/tiny");
    CHECK(st_graph_finish(graph, &error) == STAPES_OK);

    CHECK(st_graph_set(graph, "model", "tiyn", &error) == STAPES_OK);
    CHECK(st_graph_finish(graph, &error) == STAPES_EMODEL);
    CHECK_HAS(error.text, "line:9:5: features: model: there is no model 'tiyn'; did you mean 'tiny'?");
    error = (stapes_error){0};
    CHECK(st_graph_set(graph, "beam", "8", &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "pipeline 'transcribe' has no option 'beam'; it has model, format, files");
    error = (stapes_error){0};
    CHECK(st_graph_set(graph, "search", "8", &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "pipeline 'transcribe' has no option 'search'; its stage 'search' has parameters: "
                           "write search.PARAMETER");
    error = (stapes_error){0};
    CHECK(st_graph_set(graph, "serch.beam", "8", &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "no stage is called 'serch'; did you mean 'search'?");
    error = (stapes_error){0};
    CHECK(st_graph_set(graph, "search.bean", "8", &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "ctc.search has no parameter 'bean'; did you mean 'beam'?");
    error = (stapes_error){0};
    CHECK(st_graph_set(graph, "search.beam", "0", &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "search: beam: 0 is out of range");
    error = (stapes_error){0};
    const char *tags[] = {"a,b", "c"};
    CHECK(st_graph_set_list(graph, "read.tags", tags, 2, &error) == STAPES_OK);
    const fake_file *file = graph->nodes[0].settings;
    CHECK(file->tags.count == 2);
    CHECK_TEXT(file->tags.items[0], "a,b");
    CHECK(st_graph_set_list(graph, "search.beam", tags, 2, &error) == STAPES_EUSAGE);
    st_graph_close(graph);

    error = (stapes_error){0};
    graph = parse(registry, "audio.fil");
    CHECK(graph->n_nodes == 0 && st_graph_set(graph, "file.path", "a", &error) == STAPES_EUSAGE);
    error = (stapes_error){0};
    CHECK(st_graph_finish(graph, &error) == STAPES_EUSAGE && st_graph_check(graph, NULL) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "line:1:1: unknown stage 'audio.fil'; did you mean 'audio.file'?");
    CHECK(graph->n_mistakes == 1);
    st_graph_close(graph);
    st_graph_close(NULL);
}

static void check_dot(st_registry *registry)
{
    st_graph *graph = parse(
        registry, "audio.file path='a \"b\".wav' ! x@audio.resample rate=8000 channels=mix ! debug.dump ! "
                  "features.logmel ! debug.drop");
    char *dot = st_graph_dot(graph);
    CHECK_HAS(dot, "digraph \"line\" {");
    CHECK_HAS(dot, "n0 [label=\"file\\naudio.file\\npath = a \\\"b\\\".wav\\l\"");
    CHECK_HAS(dot, "n1 [label=\"x\\naudio.resample\\nrate = 8000 Hz\\l\"]");
    CHECK_HAS(dot, "n0 -> n1 [label=\"out > in\\naudio\"]");
    free(dot);
    st_graph_close(graph);
}

int main(void)
{
    CHECK(chdir(STAPES_SOURCE_DIR) == 0);
    unsetenv("STAPES_PLUGIN_PATH");
    unsetenv("STAPES_PIPELINE_PATH");
    unsetenv("STAPES_MODEL_PATH");
    setenv("XDG_DATA_HOME", "/nonexistent", 1);
    st_registry *registry = open_registry(NULL);
    check_texts(registry);
    check_set(registry);
    check_dot(registry);
    st_registry_close(registry);
    CHECK(check_folder("tests/data/broken", false) >= 30);
    CHECK(check_folder("tests/data/good", true) >= 5);
    return check_done();
}
