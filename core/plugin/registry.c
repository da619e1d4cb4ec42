/* registry.c - see registry.h. */
#include "plugin/registry.h"

#include "contract/error.h"
#include "plugin/loader.h"
#include "plugin/parameter.h"
#include "plugin/place.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Tables that somebody holds never move: a list, in the order of loading. */
typedef struct entry {
    struct entry *next;
    char         *real; /* path without links; "" for built-in stages */
    st_loaded     loaded;
} entry;

struct st_registry {
    st_arena           arena; /* folders */
    st_arena           list_arena, look_arena;
    const char *const *folders;
    uint32_t           n_folders;
    entry             *first, **last;
    double             seconds;
    const st_listed   *recent; /* the last list, and when it was made; see recent_list */
    uint32_t           n_recent;
    double             recent_at;
};

st_registry *st_registry_open(const char *extra, stapes_error *error)
{
    st_registry *registry = calloc(1, sizeof *registry);
    if (registry) {
        registry->last = &registry->first;
        registry->seconds = 5;
        registry->folders = st_place_folders(ST_PLUGINS, extra, &registry->arena, &registry->n_folders);
        if (registry->folders) return registry;
    }
    st_registry_close(registry);
    st_error_set(error, STAPES_ENOMEM, "no memory");
    return NULL;
}

void st_registry_close(st_registry *registry)
{
    if (!registry) return;
    while (registry->first) {
        entry *one = registry->first;
        registry->first = one->next;
        st_loader_close(&one->loaded);
        free(one->real);
        free(one);
    }
    st_arena_close(&registry->arena);
    st_arena_close(&registry->list_arena);
    st_arena_close(&registry->look_arena);
    free(registry);
}

void st_registry_limit(st_registry *registry, double seconds) { registry->seconds = seconds; }

const char *const *st_registry_folders(const st_registry *registry, uint32_t *count)
{
    *count = registry->n_folders;
    return registry->folders;
}

/* An entry to be filled; takes `real`, also when it fails. */
static entry *make(char *real, stapes_error *error)
{
    entry *one = real ? calloc(1, sizeof *one) : NULL;
    if (!one) {
        free(real);
        st_error_set(error, STAPES_ENOMEM, "no memory");
        return NULL;
    }
    one->real = real;
    return one;
}

static void keep(st_registry *registry, entry *one)
{
    *registry->last = one;
    registry->last = &one->next;
}

static void drop(entry *one)
{
    free(one->real);
    free(one);
}

int st_registry_add(st_registry *registry, const stapes_plugin *about, stapes_error *error)
{
    entry *one = make(strdup(""), error);
    int    status;
    if (!one) return STAPES_ENOMEM;
    status = st_loader_adopt(about, &one->loaded, error);
    if (status < 0)
        drop(one);
    else
        keep(registry, one);
    registry->recent = NULL;
    return status;
}

const st_plugin *st_registry_load(st_registry *registry, const char *path, stapes_error *error)
{
    char  *real = realpath(path, NULL);
    entry *one;
    for (one = registry->first; real && one; one = one->next)
        if (!strcmp(one->real, real)) {
            free(real);
            return &one->loaded.plugin;
        }
    one = make(real ? real : strdup(path), error);
    if (!one) return NULL;
    if (st_loader_open(path, &one->loaded, error) < 0) {
        drop(one);
        return NULL;
    }
    keep(registry, one);
    return &one->loaded.plugin;
}

static const stapes_stage *stage_in(const st_plugin *plugin, const char *name)
{
    for (uint32_t i = 0; i < plugin->about.n_stages; i++)
        if (!strcmp(plugin->stages[i].name, name)) return &plugin->stages[i];
    return NULL;
}

const st_plugin *st_registry_plugin_of(const st_registry *registry, const stapes_stage *stage)
{
    for (const entry *one = registry->first; one; one = one->next)
        if (stage_in(&one->loaded.plugin, stage->name) == stage) return &one->loaded.plugin;
    return NULL;
}

/* ---- finding ---------------------------------------------------------------------------------------------
 */

static double now(void)
{
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* The list, or the last one if it is younger than a second: a pipeline file with thirty unknown stages does
 * not look at all plugins thirty times. */
static const st_listed *recent_list(st_registry *registry, uint32_t *count)
{
    if (registry->recent && now() - registry->recent_at < 1) {
        *count = registry->n_recent;
        return registry->recent;
    }
    return st_registry_list(registry, count);
}

/* The names that the word may have meant, from everything that can be found. */
static const stapes_stage *tell_unknown(st_registry *registry, const char *name, stapes_error *error)
{
    uint32_t         count, n_names = 0, bad = 0, room = 0;
    const st_listed *list = recent_list(registry, &count);
    const char     **names, *near, *first_bad = NULL;
    char             others[300] = "";
    for (uint32_t i = 0; i < count; i++) room += list[i].n_stages;
    names = st_arena_take(&registry->list_arena, room, sizeof *names);
    for (uint32_t i = 0; names && i < count; i++) {
        for (uint32_t j = 0; j < list[i].n_stages; j++) names[n_names++] = list[i].stages[j];
        if (!list[i].problem) continue;
        if (!bad++) first_bad = list[i].path;
    }
    near = names ? st_parameter_nearest(name, names, n_names) : NULL;
    if (bad)
        (void)snprintf(others, sizeof others, " (%u file%s no plugin: %.200s%s)", bad,
                       bad > 1 ? "s are" : " is", first_bad, bad > 1 ? ", ..." : "");
    if (near)
        st_error_set(error, STAPES_EUSAGE, "unknown stage '%.200s'; did you mean '%s'?%s", name, near,
                     others);
    else
        st_error_set(error, STAPES_EUSAGE,
                     "unknown stage '%.200s'; `stapes list` shows the %u that there are%s", name, n_names,
                     others);
    return NULL;
}

const stapes_stage *st_registry_find(st_registry *registry, const char *name, stapes_error *error)
{
    size_t              family = strcspn(name, ".");
    const stapes_stage *stage;
    const st_plugin    *plugin;
    const st_listed    *list;
    stapes_error        why = {0};
    uint32_t            count;
    char                path[PATH_MAX];

    for (const entry *one = registry->first; one; one = one->next)
        if ((stage = stage_in(&one->loaded.plugin, name))) return stage;

    for (uint32_t i = 0; family && !memchr(name, '/', family) && i < registry->n_folders; i++) {
        int n = snprintf(path, sizeof path, "%s/%.*s.so", registry->folders[i], (int)family, name);
        if (n < 0 || n >= (int)sizeof path || access(path, F_OK)) continue;
        plugin = st_registry_load(registry, path, &why); /* the first problem is kept, others may have it */
        if (plugin && (stage = stage_in(plugin, name))) return stage;
    }

    list = recent_list(registry, &count);
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t j = 0; j < list[i].n_stages; j++) {
            if (strcmp(list[i].stages[j], name)) continue;
            plugin = st_registry_load(registry, list[i].path, &why);
            if (plugin && (stage = stage_in(plugin, name))) return stage;
        }
    if (why.status < 0) {
        st_error_set(error, why.status, "stage '%.200s': %s", name, why.text);
        return NULL;
    }
    return tell_unknown(registry, name, error);
}

/* ---- listing
 * ----------------------------------------------------------------------------------------------- */

static bool is_object(const char *name)
{
    size_t length = strlen(name);
    return length > 3 && name[0] != '.' && !strcmp(name + length - 3, ".so");
}

typedef struct paths {
    const char **items;
    uint32_t     count, room;
} paths;

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Adds folder/name unless a file of that name was found before. */
static bool add_path(paths *all, st_arena *arena, const char *folder, const char *name)
{
    for (uint32_t i = 0; i < all->count; i++)
        if (!strcmp(file_name(all->items[i]), name)) return true;
    if (all->count == all->room) {
        uint32_t     room = all->room ? all->room * 2 : 32;
        const char **items = st_arena_take(arena, room, sizeof *items);
        if (!items) return false;
        if (all->count) memcpy(items, all->items, all->count * sizeof *items);
        all->items = items;
        all->room = room;
    }
    all->items[all->count] = st_arena_format(arena, "%s/%s", folder, name);
    return all->items[all->count++] != NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What is built in, told as if it had been found. */
static bool list_built_in(const st_plugin *plugin, st_arena *arena, st_listed *listed)
{
    const char **names = st_arena_take(arena, plugin->about.n_stages, sizeof *names);
    const char **summaries = st_arena_take(arena, plugin->about.n_stages, sizeof *summaries);
    if (!names || !summaries) return false;
    for (uint32_t i = 0; i < plugin->about.n_stages; i++) {
        names[i] = plugin->stages[i].name;
        summaries[i] = plugin->stages[i].summary;
    }
    *listed = (st_listed){.path = "",
                          .name = plugin->about.name,
                          .version = plugin->about.version,
                          .licence = plugin->about.licence,
                          .n_stages = plugin->about.n_stages,
                          .stages = names,
                          .summaries = summaries};
    return true;
}

const st_listed *st_registry_list(st_registry *registry, uint32_t *count)
{
    paths      all = {0};
    st_arena  *arena = &registry->list_arena;
    st_listed *list;
    uint32_t   built_in = 0;
    *count = 0;
    registry->recent = NULL;
    st_arena_close(arena);
    for (uint32_t i = 0; i < registry->n_folders; i++) {
        DIR           *folder = opendir(registry->folders[i]);
        struct dirent *file;
        bool           good = true;
        while (folder && good && (file = readdir(folder)))
            if (is_object(file->d_name)) good = add_path(&all, arena, registry->folders[i], file->d_name);
        if (folder) closedir(folder);
        if (!good) return NULL;
    }
    if (all.count) qsort(all.items, all.count, sizeof *all.items, by_text);
    for (const entry *one = registry->first; one; one = one->next) built_in += !one->real[0];
    list = st_arena_take(arena, all.count + built_in, sizeof *list);
    if (!list) return NULL;
    for (const entry *one = registry->first; one; one = one->next) {
        if (one->real[0]) continue;
        if (!list_built_in(&one->loaded.plugin, arena, &list[*count])) return NULL;
        (*count)++;
    }
    for (uint32_t i = 0; i < all.count; i++) {
        const st_listed *listed = st_loader_look(all.items[i], registry->seconds, arena);
        if (!listed) return NULL;
        list[(*count)++] = *listed;
    }
    registry->recent = list;
    registry->n_recent = *count;
    registry->recent_at = now();
    return list;
}

const st_listed *st_registry_look(st_registry *registry, const char *path)
{
    st_arena_close(&registry->look_arena);
    return st_loader_look(path, registry->seconds, &registry->look_arena);
}
