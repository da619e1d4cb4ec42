/* place_test.c - folders of plugins, pipelines and models: their order, names found in them, and words for
 * what is not there. */
#include "check.h"
#include "plugin/place.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[] = "/tmp/stapes-place-XXXXXX";

static const char *under(const char *name)
{
    static char path[8][200];
    static int  turn;
    turn = (turn + 1) % 8;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", root, name);
    return path[turn];
}

static void make_file(const char *name)
{
    FILE *file = fopen(under(name), "w");
    CHECK(file != NULL);
    if (file) fclose(file);
}

int main(void)
{
    st_arena           arena = {0};
    stapes_error       error = {0};
    uint32_t           count;
    const char *const *list;
    char               extra[500];

    CHECK(mkdtemp(root) != NULL);
    CHECK(!mkdir(under("a"), 0700) && !mkdir(under("b"), 0700) && !mkdir(under("a/small"), 0700));
    CHECK(!mkdir(under("b/small"), 0700) && !mkdir(under("b/large"), 0700) &&
          !mkdir(under("b/.hidden"), 0700));
    make_file("a/one.yaml");
    make_file("b/one.yaml");
    make_file("b/two.yml");
    make_file("b/notes.txt");
    CHECK(!mkdir(under("b/folder.yaml"), 0700));
    (void)snprintf(extra, sizeof extra, "%s::%s/:%s", under("a"), under("b"), under("a"));

    /* the order: given, environment, the user's, the package's; nothing twice */
    CHECK(!setenv("STAPES_MODEL_PATH", under("env"), 1) && !setenv("XDG_DATA_HOME", under("home"), 1));
    list = st_place_folders(ST_MODELS, extra, &arena, &count);
    CHECK(count == 5);
    CHECK_TEXT(list[0], under("a"));
    CHECK_TEXT(list[1], under("b"));
    CHECK_TEXT(list[2], under("env"));
    CHECK_TEXT(list[3], under("home/stapes/models"));
    CHECK_TEXT(list[4], STAPES_BUILD_DIR "/share/stapes/models");
    CHECK(!setenv("XDG_DATA_HOME", "relative", 1) && !setenv("HOME", "/home/somebody", 1));
    list = st_place_folders(ST_PIPELINES, NULL, &arena, &count);
    CHECK(count == 2);
    CHECK_TEXT(list[0], "/home/somebody/.local/share/stapes/pipelines");
    CHECK_TEXT(list[1], STAPES_BUILD_DIR "/share/stapes/pipelines");
    CHECK(!unsetenv("HOME") && !unsetenv("XDG_DATA_HOME") && !unsetenv("STAPES_MODEL_PATH"));
    list = st_place_folders(ST_PLUGINS, NULL, &arena, &count);
    CHECK(count == 1);
    CHECK_HAS(list[0], STAPES_BUILD_DIR "/lib");
    CHECK_HAS(list[0], "/stapes/plugins");

    /* names: sorted, each once, of the right kind */
    list = st_place_names(ST_MODELS, extra, &arena, &count);
    bool small = false, large = false;
    for (uint32_t i = 0; i < count; i++) {
        small |= !strcmp(list[i], "small");
        large |= !strcmp(list[i], "large");
        CHECK(list[i][0] != '.');
        if (i) CHECK(strcmp(list[i - 1], list[i]) < 0);
    }
    CHECK(small && large);
    list = st_place_names(ST_PIPELINES, extra, &arena, &count);
    uint32_t ones = 0, twos = 0, others = 0;
    for (uint32_t i = 0; i < count; i++) {
        ones += !strcmp(list[i], "one");
        twos += !strcmp(list[i], "two");
        others += !strcmp(list[i], "notes") || !strcmp(list[i], "folder");
    }
    CHECK(ones == 1 && twos == 1 && others == 0);

    /* found: the first folder that has it; a path is a path */
    CHECK_TEXT(st_place_model(extra, "small", &arena, &error), under("a/small"));
    CHECK_TEXT(st_place_model(extra, "large", &arena, &error), under("b/large"));
    CHECK_TEXT(st_place_model(NULL, under("b/large"), &arena, &error), under("b/large"));
    CHECK_TEXT(st_place_pipeline(extra, "one", &arena, &error), under("a/one.yaml"));
    CHECK_TEXT(st_place_pipeline(extra, "two", &arena, &error), under("b/two.yml"));
    CHECK_TEXT(st_place_pipeline(extra, under("b/notes.txt"), &arena, &error), under("b/notes.txt"));
    CHECK(!chdir(under("b")));
    CHECK_TEXT(st_place_pipeline(NULL, "one.yaml", &arena, &error), "one.yaml");
    CHECK_TEXT(st_place_model(NULL, "large", &arena, &error), "large");
    CHECK(error.status == 0);

    /* not found */
    CHECK(st_place_model(extra, "smal", &arena, &error) == NULL && error.status == STAPES_EMODEL);
    CHECK_HAS(error.text, "there is no model 'smal'; did you mean 'small'? (looked in ");
    CHECK_HAS(error.text, under("a"));
    error = (stapes_error){0};
    CHECK(st_place_model(extra, "zebra-in-the-grass", &arena, &error) == NULL);
    CHECK_HAS(error.text, "there are: ");
    CHECK_HAS(error.text, "large");
    error = (stapes_error){0};
    CHECK(st_place_model(extra, "", &arena, &error) == NULL && error.status == STAPES_EUSAGE);
    error = (stapes_error){0};
    CHECK(st_place_model(extra, under("nowhere"), &arena, &error) == NULL);
    CHECK_HAS(error.text, "there is no such folder");
    error = (stapes_error){0};
    CHECK(st_place_model(extra, under("b/notes.txt"), &arena, &error) == NULL);
    CHECK_HAS(error.text, "is a file, wanted is a folder");
    error = (stapes_error){0};
    CHECK(st_place_pipeline(extra, "on", &arena, &error) == NULL && error.status == STAPES_EUSAGE);
    CHECK_HAS(error.text, "there is no pipeline 'on'; did you mean 'one'?");
    error = (stapes_error){0};
    CHECK(st_place_pipeline(extra, "missing.yaml", &arena, &error) == NULL);
    CHECK_HAS(error.text, "pipeline file 'missing.yaml': there is no such file");
    error = (stapes_error){0};
    CHECK(st_place_pipeline(extra, "folder.yaml", &arena, &error) == NULL);
    CHECK_HAS(error.text, "is a folder, wanted is a YAML file");
    /* nobody lists folders that are not there, however long their names */
    static char long_name[6000];
    memset(long_name, 'y', sizeof long_name - 1);
    error = (stapes_error){0};
    CHECK(st_place_model(extra, long_name, &arena, &error) == NULL && error.status < 0);
    error = (stapes_error){0};
    CHECK(st_place_pipeline(extra, long_name, &arena, &error) == NULL && error.status < 0);

    st_arena_close(&arena);
    return check_done();
}
