/* loader.c - see loader.h. What can be known without running the file's code is looked at first
 * (object.h): code that was loaded cannot be taken back. */
#include "plugin/loader.h"

#include "contract/error.h"
#include "plugin/child.h"
#include "plugin/descriptor.h"
#include "plugin/object.h"

#include <dlfcn.h>
#include <fenv.h>
#include <float.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- floating point
 * ---------------------------------------------------------------------------------------- */

/* How this thread computes, found out by computing: it is the same on every machine. */
typedef struct float_mode {
    bool keeps_small_results, keeps_small_inputs;
    int  rounding, traps;
} float_mode;

static float_mode look_at_floats(void)
{
    volatile float least = FLT_MIN, half = 0.5f, small = FLT_TRUE_MIN, one = 1.0f;
    volatile float result = least * half, input = small * one;
    float_mode     mode = {.rounding = fegetround(), .traps = fegetexcept()};
    uint32_t       bits;
    memcpy(&bits, (const void *)&input, sizeof bits); /* a comparison would flush it, too */
    mode.keeps_small_inputs = bits != 0;
    memcpy(&bits, (const void *)&result, sizeof bits);
    mode.keeps_small_results = bits != 0;
    return mode;
}

static bool same_mode(float_mode a, float_mode b)
{
    return a.keeps_small_inputs == b.keeps_small_inputs && a.keeps_small_results == b.keeps_small_results &&
           a.rounding == b.rounding && a.traps == b.traps;
}

/* ---- loading
 * ------------------------------------------------------------------------------------------------- */

/* dlerror begins with the path, which our words have already. */
static const char *why_not(const char *path)
{
    const char *words = dlerror();
    size_t      length = strlen(path);
    if (!words) return "unknown reason";
    if (!strncmp(words, path, length) && words[length] == ':') words += length + 1;
    while (*words == ' ') words++;
    return words;
}

static int load(const char *path, st_loaded *loaded, stapes_error *error)
{
    union {
        void *symbol;
        const stapes_plugin *(*function)(void);
    } entry;
    char       here[PATH_MAX];
    float_mode before, after;
    fenv_t     floats;
    int        status = st_object_check(path, error);
    if (status < 0) return status;
    if (!strchr(path, '/')) { /* else dlopen would look on its own path */
        if (snprintf(here, sizeof here, "./%s", path) >= (int)sizeof here)
            return st_error_set(error, STAPES_EMODEL, "its path is too long");
        path = here;
    }
    loaded->plugin.path = st_arena_string(&loaded->arena, path);
    if (!loaded->plugin.path) return st_error_set(error, STAPES_ENOMEM, "no memory");

    (void)fegetenv(&floats);
    before = look_at_floats();
    loaded->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    after = look_at_floats();
    (void)fesetenv(&floats);
    if (!loaded->handle) return st_error_set(error, STAPES_EMODEL, "cannot be loaded: %s", why_not(path));
    if (!same_mode(before, after))
        return st_error_set(
            error, STAPES_EMODEL,
            "changes how floating-point numbers are computed (%s): link it without -ffast-math and "
            "-Ofast",
            before.rounding != after.rounding ? "rounding"
            : before.traps != after.traps     ? "traps"
                                              : "tiny numbers become zero");
    entry.symbol = dlsym(loaded->handle, STAPES_ENTRY_NAME);
    if (!entry.symbol)
        return st_error_set(error, STAPES_EMODEL,
                            "is no plugin: it has no symbol " STAPES_ENTRY_NAME " (a plugin ends with "
                            "STAPES_PLUGIN(...) of stapes/stage.h)");
    return st_descriptor_read(entry.function(), &loaded->plugin, &loaded->arena, error);
}

int st_loader_open(const char *path, st_loaded *loaded, stapes_error *error)
{
    stapes_error inner = {0};
    memset(loaded, 0, sizeof *loaded);
    if (load(path, loaded, &inner) < 0) {
        st_loader_close(loaded);
        return st_error_set(error, inner.status, "%.300s: %s", path, inner.text);
    }
    return STAPES_OK;
}

int st_loader_adopt(const stapes_plugin *about, st_loaded *loaded, stapes_error *error)
{
    int status;
    memset(loaded, 0, sizeof *loaded);
    loaded->plugin.path = "";
    status = st_descriptor_read(about, &loaded->plugin, &loaded->arena, error);
    if (status < 0) st_loader_close(loaded);
    return status;
}

void st_loader_close(st_loaded *loaded)
{
    if (loaded->handle) (void)dlclose(loaded->handle);
    st_arena_close(&loaded->arena);
    memset(loaded, 0, sizeof *loaded);
}

/* ---- looking
 * --------------------------------------------------------------------------------------------------- */

/* In the child: the words of what is wrong (empty: nothing), then the plugin's, its stages' names and
 * summaries, each with its terminating zero. */
static void look_in_child(void *argument, st_child_answer *answer)
{
    st_loaded    loaded;
    stapes_error error = {0};
    char         count[16];
    memset(&loaded, 0, sizeof loaded);
    if (load(argument, &loaded, &error) < 0) {
        st_child_send_text(answer, error.text);
        return;
    }
    (void)snprintf(count, sizeof count, "%u", loaded.plugin.about.n_stages);
    st_child_send_text(answer, "");
    st_child_send_text(answer, loaded.plugin.about.name);
    st_child_send_text(answer, loaded.plugin.about.version);
    st_child_send_text(answer, loaded.plugin.about.licence);
    st_child_send_text(answer, count);
    for (uint32_t i = 0; i < loaded.plugin.about.n_stages; i++) {
        st_child_send_text(answer, loaded.plugin.stages[i].name);
        st_child_send_text(answer, loaded.plugin.stages[i].summary);
    }
}

/* The next string of the answer, "" when there is none. */
static const char *next_text(const char **at, const char *end)
{
    const char *text = *at;
    size_t      length = text < end ? strnlen(text, (size_t)(end - text)) : 0;
    if (text >= end) return "";
    *at = text + length + 1;
    return text;
}

const st_listed *st_loader_look(const char *path, double seconds, st_arena *arena)
{
    st_listed       *listed = st_arena_take(arena, 1, sizeof *listed);
    char            *own_path = st_arena_string(arena, path), text[200];
    const char      *at, *end, **names, **summaries;
    st_child_outcome outcome;
    stapes_error     error = {0};
    if (!listed || !own_path) return NULL;
    listed->path = own_path;
    if (st_object_check(path, &error) < 0 ||
        st_child_run(look_in_child, own_path, seconds, true, arena, &outcome, &error) < 0) {
        listed->problem = st_arena_string(arena, error.text);
        return listed->problem ? listed : NULL;
    }
    if (outcome.end == ST_CHILD_LATE)
        listed->problem = st_arena_format(arena, "did not load within %g s", seconds);
    else if (outcome.end != ST_CHILD_DONE)
        listed->problem =
            st_arena_string(arena, st_child_tell(&outcome, "while loading", seconds, text, sizeof text));
    if (outcome.end != ST_CHILD_DONE) return listed->problem ? listed : NULL;

    at = outcome.answer;
    end = at + outcome.length;
    listed->problem = next_text(&at, end);
    if (listed->problem[0]) return listed;
    listed->problem = NULL;
    listed->name = next_text(&at, end);
    listed->version = next_text(&at, end);
    listed->licence = next_text(&at, end);
    listed->n_stages = (uint32_t)strtoul(next_text(&at, end), NULL, 10);
    names = st_arena_take(arena, listed->n_stages, sizeof *names);
    summaries = st_arena_take(arena, listed->n_stages, sizeof *summaries);
    if (!names || !summaries) return NULL;
    for (uint32_t i = 0; i < listed->n_stages; i++) {
        names[i] = next_text(&at, end);
        summaries[i] = next_text(&at, end);
    }
    listed->stages = names;
    listed->summaries = summaries;
    return listed;
}
