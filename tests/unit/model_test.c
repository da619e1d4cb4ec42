/* model_test.c - model folders: the tiny ones are read as they are written, and each folder of
 * tests/data/models/broken is refused with the words of its expected.txt. */
#include "check.h"
#include <stapes/kit.h>

#include <dirent.h>
#include <stdlib.h>

#define MODELS STAPES_SOURCE_DIR "/tests/data/models"

static void check_tiny(void)
{
    stapes_error        error = {0};
    const stapes_model *m = stapes_open_model(MODELS "/tiny-uni", &error);
    CHECK_TEXT(error.text, "");
    if (!m) return;
    CHECK_TEXT(m->name, "tiny-uni");
    CHECK_TEXT(m->licence, "CC0-1.0");
    CHECK_TEXT(m->folder, MODELS "/tiny-uni");
    CHECK(m->n_features == 3 && m->n_layers == 3 && m->in == 8 && m->out == 29);
    CHECK_TEXT(m->features[2].key, "mels");
    CHECK_TEXT(m->features[2].value, "8");
    CHECK(m->features[2].line == 5);
    CHECK(m->layers[0].kind == STAPES_CONV1D && m->layers[0].kernel == 3 && m->layers[0].stride == 2);
    CHECK(m->layers[0].activation == STAPES_RELU && m->layers[0].bias);
    CHECK(m->layers[1].kind == STAPES_GRU && m->layers[1].layers == 2 && !m->layers[1].bidirectional);
    CHECK(m->output == STAPES_ENDS_LOG_SOFTMAX);
    CHECK(m->vocabulary.count == 29 && m->vocabulary.blank == 0);
    CHECK_TEXT(m->vocabulary.labels[1], "<space>");
    CHECK_TEXT(m->vocabulary.labels[28], "z");
    CHECK_TEXT(m->vocabulary.hash, "sha256:62b04885e125fda12bf1f8102381b4becc67e0f6ad61b9508fc3799dae069278");
    CHECK_HAS(m->recipe, "mels=8");

    stapes_network *n = stapes_load_network(m, &error);
    CHECK_TEXT(error.text, "");
    if (n) {
        stapes_network_shape shape = stapes_describe_network(n);
        CHECK(shape.in == 8 && shape.out == 29 && shape.stride == 2 && shape.offset == 0 && shape.ahead == 1);
        CHECK(!shape.bidirectional);
        CHECK(shape.parameters == 12 * 8 * 3 + 12 + 48 * (12 + 16 + 2) + 48 * (16 + 16 + 2) + 29 * 17);
        CHECK(stapes_count_rows(n, 0) == 0 && stapes_count_rows(n, 1) == 1 &&
              stapes_count_rows(n, 100) == 50);
    }
    stapes_close_network(n);
    stapes_close_model(m);
}

/* Text with each {folder} replaced. */
static void expand(const char *text, const char *folder, char *out, size_t size)
{
    const char *at = strstr(text, "{folder}");
    (void)snprintf(out, size, "%.*s%s%s", (int)(at ? at - text : 0), text, at ? folder : "",
                   at ? at + strlen("{folder}") : text);
}

static void check_broken(const char *name)
{
    char         folder[500], path[600], words[1500] = "", expected[2000];
    stapes_error error = {0};
    (void)snprintf(folder, sizeof folder, "%s/broken/%s", MODELS, name);
    (void)snprintf(path, sizeof path, "%s/expected.txt", folder);
    FILE *file = fopen(path, "r");
    CHECK(file && fgets(words, sizeof words, file));
    if (file) (void)fclose(file);
    words[strcspn(words, "\n")] = 0;
    expand(words, folder, expected, sizeof expected);

    const stapes_model *m = stapes_open_model(folder, &error);
    stapes_network     *n = m ? stapes_load_network(m, &error) : NULL;
    CHECK(n == NULL);
    CHECK(error.status == STAPES_EMODEL);
    size_t length = strlen(expected);
    if (length > 3 && !strcmp(expected + length - 3, "...") && strlen(error.text) > length - 3)
        error.text[length - 3] = expected[length - 3] = 0;
    CHECK_TEXT(error.text, expected);
    stapes_close_network(n);
    stapes_close_model(m);
}

int main(void)
{
    int            count = 0;
    stapes_error   error = {0};
    DIR           *folder = opendir(MODELS "/broken");
    struct dirent *entry;
    check_tiny();
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.') {
            check_broken(entry->d_name);
            count++;
        }
    if (folder) (void)closedir(folder);
    CHECK(count >= 40);

    CHECK(stapes_open_model("/nowhere", &error) == NULL);
    CHECK_TEXT(error.text, "/nowhere: No such file or directory");
    error.status = 0;
    CHECK(stapes_open_model("/dev/null", &error) == NULL);
    CHECK_TEXT(error.text,
               "/dev/null: is a file, expected a model folder: one with model.yaml, weights.safetensors "
               "and the vocabulary");
    return check_done();
}
