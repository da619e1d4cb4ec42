/* doctor.c - `stapes doctor`: what is installed, what works, and what to do about the rest. */
#include "cli/bench.h"
#include "cli/call.h"
#include "cli/hardware.h"
#include "cli/numbers.h"
#include "cli/program.h"
#include "cli/talk.h"
#include "plugin/place.h"
#include "runtime/engine.h"

#include <stapes/kit/machine.h>

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint32_t problems;

/* What is wrong and what to do, indented under what it is about. */
static void problem(const char *what, const char *remedy)
{
    problems++;
    printf("  ! ");
    st_talk_wrap(stdout, what, 4, 4, st_talk_width(stdout));
    if (remedy) {
        printf("    -> ");
        st_talk_wrap(stdout, remedy, 7, 7, st_talk_width(stdout));
    }
}

/* ---- plugins ---- */

static void look_at_plugins(st_registry *registry)
{
    uint32_t           n_folders = 0, count = 0;
    const char *const *folders = st_registry_folders(registry, &n_folders);
    const st_listed   *listed = st_registry_list(registry, &count);
    fputs("\nplugins\n", stdout);
    for (uint32_t i = 0; i < n_folders; i++)
        printf("  folder %s%s\n", folders[i], access(folders[i], R_OK) == 0 ? "" : " (not there)");
    for (uint32_t i = 0; i < count; i++) {
        if (listed[i].problem)
            problem(listed[i].path, listed[i].problem);
        else
            printf("  %-12s %-8s %u stage%s, %s\n", listed[i].name, listed[i].version, listed[i].n_stages,
                   listed[i].n_stages == 1 ? "" : "s", listed[i].path[0] ? listed[i].path : "built in");
    }
    if (count <= 1) /* those that are built in */
        problem("no plugins are found in these folders", "build stapes whole, or set STAPES_PLUGIN_PATH");
}

/* ---- libraries ---- */

/* Libraries that our plugins load, asked for their versions by the function named. */
static const struct library {
    const char *name, *file, *symbol, *purpose, *package;
} libraries[] = {
    {"libsndfile", "libsndfile.so.1", "sf_version_string", "reads recordings", "libsndfile1"},
    {"libsoxr", "libsoxr.so.0", "soxr_version", "resamples", "libsoxr0"},
    {"libpng", "libpng16.so.16", "png_get_libpng_ver", "pictures of debug.show", "libpng16-16"},
};

static void look_at_library(const struct library *library)
{
    void       *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL);
    const char *version = NULL;
    void       *symbol = handle ? dlsym(handle, library->symbol) : NULL;
    if (!handle) {
        char remedy[128];
        (void)snprintf(remedy, sizeof remedy, "sudo apt install %s", library->package);
        problem(library->file, remedy);
        return;
    }
    if (symbol) {
        /* the way that POSIX knows from a data pointer to a function */
        const char *(*ask)(void *);
        memcpy(&ask, &symbol, sizeof ask);
        version = ask(NULL);
    }
    printf("  %-12s %s (%s)\n", library->name, version ? version : "there", library->purpose);
    /* not closed: some start threads that would lose their code */
}

static void look_at_libraries(void)
{
    stapes_error error = {0};
    const char  *kit = st_numbers_path(&error);
    fputs("\nlibraries\n", stdout);
    if (kit)
        printf("  %-12s %s (numbers of stages)\n", "kit", kit);
    else
        problem(error.text, NULL);
    for (size_t i = 0; i < STAPES_COUNT(libraries); i++) look_at_library(&libraries[i]);
}

/* ---- numbers ---- */

static void show_product(const stapes_product_report *report)
{
    char line[1024];
    int  used;
    if (report->problem) {
        (void)snprintf(line, sizeof line, "not used, not required: %s", report->problem);
        printf("  %-13s", report->name);
        st_talk_wrap(stdout, line, 15, 15, st_talk_width(stdout));
        return;
    }
    used = snprintf(line, sizeof line, "%s%s%s, %s", report->title, *report->version ? " " : "",
                    report->version, report->kernels);
    if (report->block)
        (void)snprintf(line + used, sizeof line - (size_t)used,
                       " (%s); %u rows at a time; loaded in %.1f ms, takes %.1f MB", report->choice,
                       report->block, (double)report->load_ms, (double)report->memory / 1e6);
    printf("%c %-10s %7.1f %8.1f   ", report->taken ? '*' : ' ', report->name, (double)report->few,
           (double)report->many);
    st_talk_wrap(stdout, line, 32, 32, st_talk_width(stdout));
}

static void look_at_numbers(void)
{
    __typeof__(&stapes_describe_machine) describe;
    __typeof__(&stapes_measure_product)  measure;
    stapes_error                         error = {0};
    stapes_product_report                report;
    char                                 line[512];
    if (st_numbers_get("stapes_describe_machine", &describe, &error) < 0 ||
        st_numbers_get("stapes_measure_product", &measure, &error) < 0)
        return; /* look_at_libraries has said why */
    stapes_machine machine = describe();
    fputs("\nnumbers\n", stdout);
    printf("  %-12s %s, of %s (STAPES_CPU chooses)\n", "processor", machine.path, machine.paths);
    (void)snprintf(line, sizeof line, "%s: %s", machine.product, machine.product_why);
    printf("  %-13s", "products");
    st_talk_wrap(stdout, line, 15, 15, st_talk_width(stdout));
    for (uint32_t i = 0; i < machine.n_warnings; i++) {
        if (i < machine.n_mistakes) {
            problem(machine.warnings[i], NULL);
        } else {
            fputs("  note: ", stdout);
            st_talk_wrap(stdout, machine.warnings[i], 8, 8, st_talk_width(stdout));
        }
    }
    fputs(
        "  GFLOP/s of one thread with 8 and 512 rows, 640 inputs, 1,280 outputs (STAPES_PRODUCT chooses):\n",
        stdout);
    for (uint32_t i = 0; measure(i, &report); i++) show_product(&report);
}

/* ---- programs ---- */

static const struct helper {
    const char *name, *option, *purpose, *package;
} helpers[] = {
    {"ffmpeg", "-version", "reads m4a, mp4 and webm", "ffmpeg"},
    {"dot", "-V", "draws pipelines (stapes graph --svg)", "graphviz"},
};

static void look_at_programs(void)
{
    fputs("\nother programs, not required\n", stdout);
    for (size_t i = 0; i < STAPES_COUNT(helpers); i++) {
        const char *const words[] = {helpers[i].name, helpers[i].option, NULL};
        char              line[256] = "";
        if (!st_program_exists(helpers[i].name)) {
            printf("  %-12s not installed; %s: sudo apt install %s\n", helpers[i].name, helpers[i].purpose,
                   helpers[i].package);
            continue;
        }
        (void)st_program_run(words, line, sizeof line, NULL);
        printf("  %-12s %s (%s)\n", helpers[i].name, line[0] ? line : "there", helpers[i].purpose);
    }
}

/* ---- pipelines, models, speed ---- */

static void look_at_names(st_call *call, int kind, const char *title, const char *extra)
{
    uint32_t           count = 0;
    const char *const *names = st_place_names(kind, extra, &call->arena, &count);
    printf("\n%s\n", title);
    for (uint32_t i = 0; names && i < count; i++) {
        stapes_error error = {0};
        const char  *path = kind == ST_MODELS ? st_place_model(extra, names[i], &call->arena, &error)
                                              : st_place_pipeline(extra, names[i], &call->arena, &error);
        const char  *table =
            path && kind == ST_MODELS ? st_arena_format(&call->arena, "%s/model.yaml", path) : NULL;
        printf("  %-16s %s%s\n", names[i], path ? path : error.text,
               table && access(table, R_OK) != 0 ? " (has no model.yaml: is no model yet)" : "");
    }
    if (count == 0) {
        uint32_t           n = 0;
        const char *const *folders = st_place_folders(kind, extra, &call->arena, &n);
        problem(kind == ST_MODELS ? "no models are found" : "no pipelines are found",
                kind == ST_MODELS ? "put model folders into one of these, or set STAPES_MODEL_PATH:"
                                  : "put pipeline files into one of these, or set STAPES_PIPELINE_PATH:");
        for (uint32_t i = 0; folders && i < n; i++) printf("       %s\n", folders[i]);
    }
}

static void time_tiny(st_call *call)
{
    st_bench b = {.options = call->runtime};
    double   ms;
    ssize_t  n = readlink("/proc/self/exe", b.program, sizeof b.program - 1);
    fputs("\nspeed\n", stdout);
    if (n <= 0 || st_bench_startup(&b, &ms) != 0 || st_bench_startup(&b, &ms) != 0)
        problem(n <= 0 ? "/proc/self/exe cannot be read" : b.why, NULL);
    else
        printf("  a trivial pipeline in a new process: %.1f ms\n", ms);
    if (st_bench_load(&b, &ms) == 0)
        printf("  a pipeline of ten stages, opened and closed: %.2f ms\n", ms);
    else
        problem(b.why, NULL);
}

int st_doctor_command(st_call *call)
{
    char            text[1024];
    stapes_error    error = {0};
    stapes_runtime *runtime = stapes_open_runtime(&call->runtime, &error);
    void           *yaml = dlsym(RTLD_DEFAULT, "yaml_get_version_string");
    if (!runtime) return st_talk_failure(&error);
    printf("stapes %s, plugin ABI %u.%u", stapes_version(), STAPES_ABI_MAJOR, STAPES_ABI_MINOR_LATEST);
    if (yaml) {
        const char *(*ask)(void);
        memcpy(&ask, &yaml, sizeof ask);
        printf(", libyaml %s", ask());
    }
    printf("\n%s, %.1f GiB of memory\n", st_hardware_text(text, sizeof text),
           (double)st_hardware_memory() / (1 << 30));
    printf("CPU features: %s\n", st_hardware_features(text, sizeof text));
    look_at_plugins(runtime->registry);
    look_at_libraries();
    look_at_numbers();
    look_at_programs();
    look_at_names(call, ST_PIPELINES, "pipelines", call->runtime.pipeline_path);
    look_at_names(call, ST_MODELS, "models", call->runtime.model_path);
    time_tiny(call);
    stapes_close_runtime(runtime);
    if (problems)
        printf("\n%u problem%s, marked with '!'\n", problems, problems == 1 ? "" : "s");
    else
        fputs("\nall is well\n", stdout);
    return problems ? 3 : 0;
}
