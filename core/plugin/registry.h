/* registry.h - plugins found on the search path, loaded when a stage of theirs is first named.
 *
 * A stage `family.what` is looked for in FAMILY.so of each folder in turn, and only if none has it in
 * the other files, which are looked at in a child process with a time limit. Nothing is remembered as
 * bad. A loaded plugin stays loaded until the registry is closed. Not for two threads at once. */
#ifndef ST_REGISTRY_H
#define ST_REGISTRY_H

#include <stapes/stage.h>

typedef struct st_registry st_registry;

/* A plugin in this process. Tables are the loader's own copies (structures that grow are copied into
 * zeroed ones of our size, once); strings and functions are the plugin's. */
typedef struct st_plugin {
    const char         *path; /* "" for stages built into the program */
    stapes_plugin       about;
    const stapes_stage *stages; /* about.n_stages of them; parameter rows have our size */
} st_plugin;

/* `extra`: folders with ':' between, looked at first, or NULL. Then $STAPES_PLUGIN_PATH, the user's
 * folder ($XDG_DATA_HOME/stapes/plugins, ~/.local/share/stapes/plugins), and the folder stapes/plugins
 * beside the library or program that this code is in (installed and build tree alike). */
st_registry *st_registry_open(const char *extra, stapes_error *error);
void         st_registry_close(st_registry *registry);

/* Stages built into the program or library; `about` must live as long as the registry. */
int st_registry_add(st_registry *registry, const stapes_plugin *about, stapes_error *error);

/* The stage of that name, its plugin loaded now if need be. NULL: none, or its plugin is no good:
 * error says "unknown stage 'feature.logmel'; did you mean 'features.logmel'?" or why the file is none. */
const stapes_stage *st_registry_find(st_registry *registry, const char *stage, stapes_error *error);

/* Loads one file for good. NULL with words: dlerror, symbol missing, "built for ABI 0, this is 1:
 * rebuild it", layout, changed floating-point mode, a descriptor that is not sane. */
const st_plugin *st_registry_load(st_registry *registry, const char *path, stapes_error *error);

/* The plugin that a stage of this registry came from. */
const st_plugin *st_registry_plugin_of(const st_registry *registry, const stapes_stage *stage);

/* What is on the search path, each looked at in a child process (and so not loaded here); built-in
 * stages first, with the path "". */
typedef struct st_listed {
    const char        *path;
    const char        *problem; /* NULL, or why it is no plugin */
    const char        *name, *version, *licence;
    uint32_t           n_stages;
    const char *const *stages;    /* names */
    const char *const *summaries; /* of each stage */
} st_listed;

/* The list stays good until the next call of list or find, or close; sorted by path. The folders' own
 * copies of a file name that was found before are left out. NULL without memory. */
const st_listed *st_registry_list(st_registry *registry, uint32_t *count);

/* One file looked at in the same way; good until the next look. NULL without memory. */
const st_listed *st_registry_look(st_registry *registry, const char *path);

/* How long one file may take to load when it is looked at; 5 s unless said. */
void st_registry_limit(st_registry *registry, double seconds);

/* Folders in the order in which they are searched. */
const char *const *st_registry_folders(const st_registry *registry, uint32_t *count);

#endif
