/* place.c - see place.h. The package's own folders are found from where this code lies: beside the
 * library (lib/), or beside the program that it is linked into (bin/). So a package may be moved. */
#include "plugin/place.h"

#include "contract/error.h"
#include "plugin/parameter.h"

#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *variable, *folder, *what;
} kinds[] = {[ST_PLUGINS] = {"STAPES_PLUGIN_PATH", "plugins", "plugin"},
             [ST_PIPELINES] = {"STAPES_PIPELINE_PATH", "pipelines", "pipeline"},
             [ST_MODELS] = {"STAPES_MODEL_PATH", "models", "model"}};

/* Takes ".", ".." and doubled slashes out of an absolute path without links. */
static void tidy(char *path)
{
    char *out = path;
    for (char *in = path; *in;) {
        size_t length;
        while (*in == '/') in++;
        length = strcspn(in, "/");
        if (length == 2 && in[0] == '.' && in[1] == '.') {
            while (out > path && *--out != '/') {
            }
        } else if (length && !(length == 1 && in[0] == '.')) {
            *out++ = '/';
            memmove(out, in, length);
            out += length;
        }
        in += length;
    }
    if (out == path) *out++ = '/';
    *out = 0;
}

/* The folder of the library that holds this code (or the library folder beside the program that does),
 * or NULL. */
static const char *library_folder(st_arena *arena)
{
    char             path[PATH_MAX], *slash, *folder;
    Dl_info          info;
    struct link_map *map = NULL;
    bool             library;
    /* data of this object tells as much as code, and needs no cast from a function */
    library = dladdr1(kinds, &info, (void **)&map, RTLD_DL_LINKMAP) && map && map->l_name && *map->l_name;
    if (library) {
        if (!realpath(map->l_name, path)) return NULL;
    } else {
        ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
        if (length <= 0) return NULL;
        path[length] = 0;
    }
    slash = strrchr(path, '/');
    if (!slash) return NULL;
    *slash = 0;
    folder = st_arena_format(arena, "%s/%s", path, library ? "" : STAPES_BIN_TO_LIB);
    if (folder) tidy(folder);
    return folder;
}

typedef struct list {
    const char **items;
    uint32_t     count, room;
} list;

/* Adds `text`, which lives in the arena, unless it is there. False without memory. */
static bool add_once(list *all, st_arena *arena, const char *text)
{
    if (!text) return false;
    for (uint32_t i = 0; i < all->count; i++)
        if (!strcmp(all->items[i], text)) return true;
    if (all->count == all->room) {
        uint32_t     room = all->room ? all->room * 2 : 16;
        const char **items = st_arena_take(arena, room, sizeof *items);
        if (!items) return false;
        if (all->count) memcpy(items, all->items, all->count * sizeof *items);
        all->items = items;
        all->room = room;
    }
    all->items[all->count++] = text;
    return true;
}

/* Adds the folders of a search path. */
static bool add_path(list *all, st_arena *arena, const char *path)
{
    while (path && *path) {
        size_t length = strcspn(path, ":"), kept = length;
        while (kept > 1 && path[kept - 1] == '/') kept--;
        if (kept && !add_once(all, arena, st_arena_string_n(arena, path, kept))) return false;
        path += length + (path[length] == ':');
    }
    return true;
}

const char *const *st_place_folders(int kind, const char *extra, st_arena *arena, uint32_t *count)
{
    list        all = {0};
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME"), *package;
    const char *folder = kinds[kind].folder;
    bool        good = add_path(&all, arena, extra) && add_path(&all, arena, getenv(kinds[kind].variable));
    *count = 0;
    if (good && data && data[0] == '/')
        good = add_once(&all, arena, st_arena_format(arena, "%s/stapes/%s", data, folder));
    else if (good && home && home[0] == '/')
        good = add_once(&all, arena, st_arena_format(arena, "%s/.local/share/stapes/%s", home, folder));
    package = good ? library_folder(arena) : NULL;
    if (package) {
        char *path = kind == ST_PLUGINS
                         ? st_arena_format(arena, "%s/stapes/%s", package, folder)
                         : st_arena_format(arena, "%s/%s/%s", package, STAPES_LIB_TO_DATA, folder);
        if (path) tidy(path);
        good = add_once(&all, arena, path);
    }
    if (!good) return NULL;
    if (!all.items) all.items = st_arena_take(arena, 1, sizeof *all.items);
    *count = all.count;
    return all.items;
}

/* ---- names ------------------------------------------------------------------------------------------------
 */

static bool is_folder(const char *path)
{
    struct stat about;
    return !stat(path, &about) && S_ISDIR(about.st_mode);
}

static bool is_yaml(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *const *st_place_names(int kind, const char *extra, st_arena *arena, uint32_t *count)
{
    list               all = {0};
    uint32_t           n_folders;
    const char *const *folders = st_place_folders(kind, extra, arena, &n_folders);
    *count = 0;
    if (!folders) return NULL;
    for (uint32_t i = 0; i < n_folders; i++) {
        DIR           *folder = opendir(folders[i]);
        struct dirent *entry;
        bool           good = true;
        while (folder && good && (entry = readdir(folder))) {
            const char *name = entry->d_name, *dot;
            char       *path;
            if (name[0] == '.') continue;
            path = st_arena_format(arena, "%s/%s", folders[i], name);
            if (!path) {
                good = false;
            } else if (kind == ST_MODELS) {
                if (is_folder(path)) good = add_once(&all, arena, st_arena_string(arena, name));
            } else if (is_yaml(name) && !is_folder(path)) {
                dot = strrchr(name, '.');
                good = add_once(&all, arena, st_arena_string_n(arena, name, (size_t)(dot - name)));
            }
        }
        if (folder) closedir(folder);
        if (!good) return NULL;
    }
    if (!all.items) all.items = st_arena_take(arena, 1, sizeof *all.items);
    if (all.count) qsort(all.items, all.count, sizeof *all.items, by_name);
    *count = all.count;
    return all.items;
}

/* "there is no model 'an5'; did you mean 'an4'? There are: ... (looked in ...)" */
static void tell_missing(int kind, int status, const char *extra, const char *name, st_arena *arena,
                         stapes_error *error)
{
    uint32_t           n_names, n_folders;
    const char *const *names = st_place_names(kind, extra, arena, &n_names);
    const char *const *folders = st_place_folders(kind, extra, arena, &n_folders);
    const char        *near = names ? st_parameter_nearest(name, names, n_names) : NULL;
    char               text[600];
    size_t             used = 0;
    if (!names || !folders) {
        st_error_set(error, STAPES_ENOMEM, "no memory");
        return;
    }
    text[0] = 0;
    if (near)
        used += (size_t)snprintf(text, sizeof text, "; did you mean '%.100s'?", near);
    else
        for (uint32_t i = 0; i < n_names && used < 300; i++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%.60s",
                                     i ? ", " : "; there are: ", names[i]);
    for (uint32_t i = 0; i < n_folders && used < sizeof text - 1; i++) {
        int n = snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : " (looked in ", folders[i]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (n_folders && used < sizeof text - 1) (void)snprintf(text + used, sizeof text - used, ")");
    st_error_set(error, status, "there is no %s '%.200s'%s", kinds[kind].what, name, text);
}

/* The path of `name` + `ending` in the first folder that has it, a folder or a file as wanted. */
static const char *search(int kind, const char *extra, const char *name, const char *ending, bool folder,
                          st_arena *arena)
{
    uint32_t           count;
    const char *const *folders = st_place_folders(kind, extra, arena, &count);
    for (uint32_t i = 0; folders && i < count; i++) {
        const char *path = st_arena_format(arena, "%s/%s%s", folders[i], name, ending);
        if (path && !access(path, F_OK) && is_folder(path) == folder) return path;
    }
    return NULL;
}

const char *st_place_model(const char *extra, const char *name, st_arena *arena, stapes_error *error)
{
    const char *found;
    if (!*name) {
        st_error_set(error, STAPES_EUSAGE, "the name of a model is empty");
        return NULL;
    }
    if (is_folder(name)) {
        found = st_arena_string(arena, name);
    } else if (strchr(name, '/')) {
        if (access(name, F_OK))
            st_error_set(error, STAPES_EMODEL, "model folder '%.400s': there is no such folder", name);
        else
            st_error_set(error, STAPES_EMODEL, "model folder '%.400s': is a file, wanted is a folder", name);
        return NULL;
    } else {
        found = search(ST_MODELS, extra, name, "", true, arena);
        if (!found) tell_missing(ST_MODELS, STAPES_EMODEL, extra, name, arena, error);
        return found;
    }
    if (!found) st_error_set(error, STAPES_ENOMEM, "no memory");
    return found;
}

const char *st_place_pipeline(const char *extra, const char *name, st_arena *arena, stapes_error *error)
{
    const char *found = NULL;
    if (!*name) {
        st_error_set(error, STAPES_EUSAGE, "the name of a pipeline is empty");
    } else if (strchr(name, '/') || is_yaml(name)) {
        if (access(name, F_OK))
            st_error_set(error, STAPES_EUSAGE, "pipeline file '%.400s': there is no such file", name);
        else if (is_folder(name))
            st_error_set(error, STAPES_EUSAGE, "pipeline file '%.400s': is a folder, wanted is a YAML file",
                         name);
        else if (!(found = st_arena_string(arena, name)))
            st_error_set(error, STAPES_ENOMEM, "no memory");
    } else {
        found = search(ST_PIPELINES, extra, name, ".yaml", false, arena);
        if (!found) found = search(ST_PIPELINES, extra, name, ".yml", false, arena);
        if (!found) tell_missing(ST_PIPELINES, STAPES_EUSAGE, extra, name, arena, error);
    }
    return found;
}
