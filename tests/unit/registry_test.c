/* registry_test.c - plugins found, loaded, looked at and refused. The little plugins that it needs are
 * built from tests/plugin/variant.c. */
#include "check.h"
#include "plugin/parameter.h"
#include "plugin/registry.h"

#include <fenv.h>
#include <float.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PLUGINS STAPES_BUILD_DIR "/test-plugins"

static char folder[] = "/tmp/stapes-registry-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[4][200];
    static int  turn;
    turn = (turn + 1) % 4;
    (void)snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

static void write_file(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, length, file) == length);
    if (file) fclose(file);
}

static double seconds_now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* Refused both when it is loaded here and when it is looked at, with the same words. */
static void refused(const char *path, const char *words)
{
    stapes_error     error = {0};
    st_registry     *registry = st_registry_open(NULL, &error);
    const st_listed *listed;
    CHECK(st_registry_load(registry, path, &error) == NULL);
    CHECK(error.status == STAPES_EMODEL);
    CHECK_HAS(error.text, words);
    CHECK_HAS(error.text, path);
    listed = st_registry_look(registry, path);
    CHECK(listed != NULL);
    CHECK_HAS(listed->problem, words);
    st_registry_close(registry);
}

/* Bad only while loading: never loaded in this process. */
static void bad_at_load(const char *name, double seconds, const char *words)
{
    stapes_error     error = {0};
    st_registry     *registry = st_registry_open(NULL, &error);
    const st_listed *listed;
    char             path[200];
    double           begin = seconds_now();
    (void)snprintf(path, sizeof path, "%s/%s.so", PLUGINS, name);
    st_registry_limit(registry, seconds);
    listed = st_registry_look(registry, path);
    CHECK(listed != NULL);
    CHECK_HAS(listed->problem, words);
    CHECK(seconds_now() - begin < seconds + 10);
    st_registry_close(registry);
}

static void good_one(void)
{
    stapes_error        error = {0};
    st_registry        *registry = st_registry_open(NULL, &error);
    const st_plugin    *plugin = st_registry_load(registry, PLUGINS "/good.so", &error);
    const stapes_stage *stage;
    const st_listed    *listed;
    CHECK(plugin != NULL);
    CHECK_TEXT(plugin->about.name, "variant");
    CHECK_TEXT(plugin->about.version, "1.0.0");
    CHECK(plugin->about.n_stages == 1);
    CHECK(st_registry_load(registry, PLUGINS "/../test-plugins/good.so", &error) == plugin);
    stage = st_registry_find(registry, "variant.scale", &error);
    CHECK(stage == &plugin->stages[0] && stage->n_parameters == 5);
    CHECK(st_registry_plugin_of(registry, stage) == plugin);
    CHECK(st_parameter_find(stage, "loud")->flags == STAPES_IS_ADVANCED);
    listed = st_registry_look(registry, PLUGINS "/good.so");
    CHECK(!listed->problem && listed->n_stages == 1);
    CHECK_TEXT(listed->stages[0], "variant.scale");
    CHECK_TEXT(listed->summaries[0], "scales");
    CHECK_TEXT(listed->licence, "MIT");
    st_registry_close(registry);
}

/* Structures that have grown since: what we know is read, the rest left alone. */
static void longer_one(void)
{
    stapes_error        error = {0};
    st_registry        *registry = st_registry_open(NULL, &error);
    const st_plugin    *plugin = st_registry_load(registry, PLUGINS "/longer.so", &error);
    const stapes_stage *stage = plugin ? &plugin->stages[0] : NULL;
    CHECK(stage && stage->n_parameters == 2 && stage->parameter_size == sizeof(stapes_parameter));
    if (stage) {
        CHECK(stage->size == sizeof(stapes_stage));
        CHECK_TEXT(stage->parameters[1].name, "sizes");
        CHECK_TEXT(stage->parameters[1].initial, "7");
    }
    st_registry_close(registry);
}

static void search_path(void)
{
    stapes_error        error = {0};
    st_registry        *registry;
    const stapes_stage *stage;
    const st_listed    *list;
    uint32_t            count;
    char                extra[500];
    bool                bad = false, good = false;

    /* variant.so: found by its family; zoo.so has other.second; a bad file and a text stand beside */
    (void)mkdir(in_folder("a"), 0700);
    (void)mkdir(in_folder("b"), 0700);
    CHECK(!symlink(PLUGINS "/good.so", in_folder("b/variant.so")));
    CHECK(!symlink(PLUGINS "/two.so", in_folder("b/zoo.so")));
    CHECK(!symlink(PLUGINS "/crash.so", in_folder("a/crash.so")));
    write_file(in_folder("a/text.so"), "no plugin", 9);
    CHECK(!symlink(PLUGINS "/old_abi.so", in_folder("a/variant.so")));
    (void)snprintf(extra, sizeof extra, "%s:%s", in_folder("a"), in_folder("b"));

    /* the one in the first folder is bad, the next folder has it */
    registry = st_registry_open(extra, &error);
    stage = st_registry_find(registry, "variant.scale", &error);
    CHECK(stage && error.status == 0);
    if (stage) CHECK_TEXT(st_registry_plugin_of(registry, stage)->path, in_folder("b/variant.so"));
    /* a stage in a file of another name */
    stage = st_registry_find(registry, "other.second", &error);
    CHECK(stage && error.status == 0);
    /* unknown: the nearest, and that a file was no good */
    CHECK(st_registry_find(registry, "other.secnd", &error) == NULL);
    CHECK(error.status == STAPES_EUSAGE);
    CHECK_HAS(error.text, "unknown stage 'other.secnd'; did you mean 'other.second'?");
    CHECK_HAS(error.text, "3 files are no plugin");
    error = (stapes_error){0};
    CHECK(st_registry_find(registry, "../x", &error) == NULL && error.status == STAPES_EUSAGE);
    error = (stapes_error){0};
    CHECK(st_registry_find(registry, "", &error) == NULL && error.status == STAPES_EUSAGE);

    list = st_registry_list(registry, &count);
    for (uint32_t i = 0; i < count; i++) {
        if (i) CHECK(strcmp(list[i - 1].path, list[i].path) < 0);
        if (!strcmp(list[i].path, in_folder("a/crash.so"))) {
            bad = true;
            CHECK_HAS(list[i].problem, "crashed while loading: signal 11");
        }
        if (!strcmp(list[i].path, in_folder("b/zoo.so"))) good = !list[i].problem && list[i].n_stages == 2;
        CHECK(strcmp(list[i].path, in_folder("b/variant.so")) != 0); /* a file of that name came before */
    }
    CHECK(bad && good);
    st_registry_close(registry);

    /* only the bad one has the family: its problem is the answer */
    registry = st_registry_open(in_folder("a"), &error);
    error = (stapes_error){0};
    CHECK(st_registry_find(registry, "variant.scale", &error) == NULL);
    CHECK(error.status == STAPES_EMODEL);
    CHECK_HAS(error.text, "built for ABI 0, this is 1: rebuild it");
    /* and nothing is remembered: mended, it is found */
    CHECK(!unlink(in_folder("a/variant.so")));
    CHECK(!symlink(PLUGINS "/good.so", in_folder("a/variant.so")));
    error = (stapes_error){0};
    CHECK(st_registry_find(registry, "variant.scale", &error) != NULL);
    st_registry_close(registry);

    /* the environment comes after what was given */
    CHECK(!setenv("STAPES_PLUGIN_PATH", in_folder("b"), 1));
    registry = st_registry_open("/nowhere", &error);
    const char *const *folders = st_registry_folders(registry, &count);
    CHECK(count >= 3);
    CHECK_TEXT(folders[0], "/nowhere");
    CHECK_TEXT(folders[1], in_folder("b"));
    CHECK_HAS(folders[count - 1], "/lib");
    CHECK_HAS(folders[count - 1], "/stapes/plugins");
    CHECK(st_registry_find(registry, "other.second", &error) != NULL);
    st_registry_close(registry);
    CHECK(!unsetenv("STAPES_PLUGIN_PATH"));
}

static int nothing(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    (void)me, (void)port, (void)packet;
    return STAPES_END;
}

static void built_in(void)
{
    static const stapes_port         outputs[] = {{.name = "out", .kinds = STAPES_KIND(STAPES_AUDIO)}};
    static const stapes_stage        stage = {.size = sizeof stage,
                                              .name = "app.audio",
                                              .summary = "audio that the program pushes",
                                              STAPES_OUTPUTS(outputs),
                                              .process = nothing};
    static const stapes_stage *const stages[] = {&stage};
    stapes_plugin                    about = {.size = sizeof about,
                                              .abi_major = STAPES_ABI_MAJOR,
                                              .layout = STAPES_LAYOUT,
                                              .n_stages = 1,
                                              .name = "app",
                                              .version = "1",
                                              .licence = "MIT",
                                              .stages = stages};
    stapes_error                     error = {0};
    st_registry                     *registry = st_registry_open(NULL, &error);
    const stapes_stage              *found;
    const st_listed                 *list;
    uint32_t                         count;
    CHECK(st_registry_add(registry, &about, &error) == STAPES_OK);
    found = st_registry_find(registry, "app.audio", &error);
    CHECK(found && found->process == nothing);
    CHECK_TEXT(st_registry_plugin_of(registry, found)->path, "");
    list = st_registry_list(registry, &count);
    CHECK(count >= 1 && list[0].path[0] == 0 && list[0].n_stages == 1);
    about.name = "Bad name";
    CHECK(st_registry_add(registry, &about, &error) == STAPES_EMODEL);
    CHECK_TEXT(error.text, "its name 'Bad name' is not of a to z, 0 to 9, _ and -");
    st_registry_close(registry);
}

static void floats_unchanged(void)
{
    volatile float least = FLT_MIN, half = 0.5f;
    CHECK(least * half > 0);
    CHECK(fegetround() == FE_TONEAREST);
}

int main(void)
{
    CHECK(mkdtemp(folder) != NULL);
    good_one();
    longer_one();
    built_in();

    refused(PLUGINS "/old_abi.so", "built for ABI 0, this is 1: rebuild it");
    refused(PLUGINS "/new_major.so", "built for ABI 2, this is 1: it needs a newer stapes");
    refused(PLUGINS "/new_minor.so", "asks for ABI 1.99, this is 1.1");
    refused(PLUGINS "/no_symbol.so", "no symbol stapes_plugin_entry");
    refused(PLUGINS "/wrong_layout.so", "laid out differently");
    refused(PLUGINS "/fast_math.so", "changes how floating-point numbers are computed");
    floats_unchanged();
    refused(PLUGINS "/undefined.so", "undefined symbol: nobody_defines_this");
    refused(PLUGINS "/null_entry.so", "returned NULL");
    refused(in_folder("missing.so"), "cannot be read: No such file");
    refused("/tmp", "is a folder");
    write_file(in_folder("text.so"), "hello, I am a text", 18);
    refused(in_folder("text.so"), "is no shared object: its first bytes are 68 65 6c 6c");
    write_file(in_folder("empty.so"), "", 0);
    refused(in_folder("empty.so"), "is empty");
    {
        unsigned char elf[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
        elf[16] = 3;
        elf[18] = 243; /* RISC-V */
        write_file(in_folder("riscv.so"), elf, sizeof elf);
        refused(in_folder("riscv.so"), "is built for riscv");
    }
    {
        /* begins of a good one: dlopen would die of them */
        char   bytes[20000];
        FILE  *file = fopen(PLUGINS "/good.so", "rb");
        size_t length = file ? fread(bytes, 1, sizeof bytes, file) : 0;
        CHECK(length > 10000);
        if (file) fclose(file);
        write_file(in_folder("cut.so"), bytes, 2000);
        refused(in_folder("cut.so"), "is cut short: a segment begins at");
        write_file(in_folder("cut.so"), bytes, 100);
        refused(in_folder("cut.so"), "is cut short or damaged");
        write_file(in_folder("cut.so"), bytes, 20);
        refused(in_folder("cut.so"), "is cut short: it has 20 bytes");
    }

    bad_at_load("crash", 5, "crashed while loading: signal 11 (Segmentation fault)");
    bad_at_load("abort", 5, "crashed while loading: signal 6");
    bad_at_load("exit", 5, "called exit(3) while loading");
    bad_at_load("hang", 0.3, "did not load within 0.3 s");
    bad_at_load("slow", 0.05, "did not load within 0.05 s");

    /* what leaves a process behind, or talks, is loaded all the same, and nobody hears it */
    stapes_error error = {0};
    st_registry *registry = st_registry_open(NULL, &error);
    double       begin = seconds_now();
    CHECK(st_registry_look(registry, PLUGINS "/daemon.so")->problem == NULL);
    CHECK(st_registry_look(registry, PLUGINS "/print.so")->problem == NULL);
    CHECK(st_registry_look(registry, PLUGINS "/slow.so")->problem == NULL);
    CHECK(seconds_now() - begin < 5);
    st_registry_close(registry);

    search_path();
    return check_done();
}
