/* suite_file.c - tests of the contract suite about the file and its description. */
#include "contract/error.h"
#include "plugin/choice.h"
#include "plugin/object.h"
#include "plugin/parameter.h"
#include "suite/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- loading
 * ------------------------------------------------------------------------------------------------ */

/* Whether an option of --set fits some stage of the plugin. */
static bool fits(const st_plugin *plugin, const char *option)
{
    size_t length = strcspn(option, "=");
    if (!option[length]) return false;
    for (uint32_t i = 0; i < plugin->about.n_stages; i++) {
        const stapes_stage *stage = &plugin->stages[i];
        for (uint32_t j = 0; j < stage->n_parameters; j++) {
            char whole[300];
            (void)snprintf(whole, sizeof whole, "%s.%s", stage->name, stage->parameters[j].name);
            if ((strlen(whole) == length && !strncmp(whole, option, length)) ||
                (strlen(stage->parameters[j].name) == length &&
                 !strncmp(stage->parameters[j].name, option, length)))
                return true;
        }
    }
    return false;
}

void st_suite_loads(st_case *c)
{
    stapes_error error = {0};
    char         line[120] = "";
    int          caught = memfd_create("standard output", 0), before = dup(STDOUT_FILENO);
    (void)fflush(stdout);
    if (caught >= 0) (void)dup2(caught, STDOUT_FILENO);
    if (st_loader_open(c->path, &c->loaded, &error) < 0) st_suite_fail(c, "%s", error.text);
    (void)fflush(stdout);
    if (before >= 0) (void)dup2(before, STDOUT_FILENO);
    if (caught >= 0 && pread(caught, line, sizeof line - 1, 0) > 0) {
        line[strcspn(line, "\n")] = 0;
        st_suite_fail(c, "prints to standard output while it is loaded: '%s'", line);
    }
    if (caught >= 0) (void)close(caught);
    if (before >= 0) (void)close(before);
    for (uint32_t i = 0; i < c->options->n_set && c->verdict == ST_PASSED; i++)
        if (!fits(&c->loaded.plugin, c->options->set[i]))
            st_suite_fail(c, "--set %s: is not stage.parameter=value of a stage of this plugin",
                          c->options->set[i]);
    st_loader_close(&c->loaded);
}

/* ---- imports
 * -------------------------------------------------------------------------------------------------- */

static void check_import(void *user, const char *name)
{
    static const char *const forbidden[] = {"exit",        "_exit",        "_Exit",     "quick_exit",
                                            "abort",       "signal",       "sigaction", "bsd_signal",
                                            "sysv_signal", "__sysv_signal"};
    st_case                 *c = user;
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; i++)
        if (!strcmp(name, forbidden[i]))
            st_suite_fail(
                c,
                "it imports %s: a plugin does not end the program and leaves its signals alone; return a "
                "status with words (host->fail)",
                name);
}

void st_suite_imports(st_case *c)
{
    stapes_error error = {0};
    if (st_object_imports(c->path, check_import, c, &error) < 0) st_suite_skip(c, "the file %s", error.text);
}

/* ---- the description
 * -------------------------------------------------------------------------------------------- */

static void check_row(st_case *c, const stapes_parameter *row, const char *settings)
{
    stapes_error error = {0};
    st_arena     arena = {0};
    char         text[2000], again[2000];
    char        *other = st_arena_take(&arena, c->stage->settings_size + 1, 1);
    if (!other) return;
    /* what is written reads back as the same */
    (void)st_parameter_text(row, settings, text, sizeof text);
    if (row->initial && strlen(text) + 1 < sizeof text) {
        if (st_parameter_set(row, other, text, &arena, &error) < 0)
            st_suite_fail(c, "the default of '%s', written as '%.100s', does not read back: %s", row->name,
                          text, error.text);
        else if (strcmp(st_parameter_text(row, other, again, sizeof again), text))
            st_suite_fail(c, "the default of '%s' reads back as '%.100s' and not as '%.100s'", row->name,
                          again, text);
    }
    if (strlen(row->help) > 200)
        st_suite_fail(c, "the help of '%s' has %zu bytes, one line of at most 200 is wanted", row->name,
                      strlen(row->help));
    if (row->help[strlen(row->help) - 1] == ' ' || row->help[0] == ' ')
        st_suite_fail(c, "the help of '%s' begins or ends with a space", row->name);
    for (uint32_t i = 0; i < st_choice_count(row->choices); i++) {
        st_choice_copy(row->choices, i, text, sizeof text);
        if (st_parameter_set(row, other, text, &arena, &error) < 0)
            st_suite_fail(c, "'%s' does not take its own choice '%s': %s", row->name, text, error.text);
    }
    st_arena_close(&arena);
}

void st_suite_descriptor(st_case *c)
{
    stapes_error error = {0};
    st_arena     arena = {0};
    char        *settings = st_arena_take(&arena, c->stage->settings_size + 1, 1);
    if (!settings || st_parameter_defaults(c->stage, settings, &arena, &error) < 0) {
        st_suite_fail(c, "%s", error.status ? error.text : "no memory");
        st_arena_close(&arena);
        return;
    }
    if (strlen(c->stage->summary) > 120)
        st_suite_fail(c, "its summary has %zu bytes, one line of at most 120 is wanted",
                      strlen(c->stage->summary));
    for (uint32_t i = 0; i < c->stage->n_parameters; i++) check_row(c, &c->stage->parameters[i], settings);
    st_arena_close(&arena);
}
