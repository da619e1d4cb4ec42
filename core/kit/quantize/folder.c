/* folder.c - see folder.h. */
#include "kit/quantize/folder.h"

#include "contract/error.h"
#include "kit/model/mapping.h"
#include <stapes/kit/output.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ATTEMPTS = 1000, DEEPEST = 16, MOST_BYTES = 64 << 20 };

static int fail_memory(stapes_error *error) { return st_error_set(error, STAPES_ENOMEM, "no memory"); }

static int fail_system(stapes_error *error, const char *path, const char *what)
{
    return st_error_set(error, STAPES_ESYSTEM, "%s: %s: %s", path, what, strerror(errno));
}

/* ---- looking --------------------------------------------------------------------------------------------
 */

bool st_folder_holds(const char *outer, const char *inner)
{
    size_t length = strlen(outer);
    while (length && outer[length - 1] == '/') length--;
    return !strncmp(outer, inner, length) && (!inner[length] || inner[length] == '/');
}

/* Whether a folder holds nothing. */
static bool is_empty(const char *path)
{
    DIR           *folder = opendir(path);
    struct dirent *entry;
    uint32_t       count = 0;
    while (folder && (entry = readdir(folder)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (folder) (void)closedir(folder);
    return folder && !count;
}

/* `path`, which is there, as an absolute path without links. */
static const char *resolve(const char *path, st_arena *arena, stapes_error *error)
{
    char       *real = realpath(path, NULL);
    const char *kept = real ? st_arena_string(arena, real) : NULL;
    if (!real)
        (void)fail_system(error, path, "cannot be looked at");
    else if (!kept)
        (void)fail_memory(error);
    free(real);
    return kept;
}

/* What is at `path` may be replaced. */
static int check_there(const char *path, const struct stat *about, bool replace, const char *mark,
                       st_arena *arena, stapes_error *error)
{
    const char *file = st_arena_format(arena, "%s/%s", path, mark);
    if (!file) return fail_memory(error);
    if (!S_ISDIR(about->st_mode))
        return st_error_set(error, STAPES_EUSAGE, "%s: is a file, expected the name of a new folder", path);
    if (!replace)
        return st_error_set(error, STAPES_EUSAGE,
                            "%s: is there already: choose another name, or replace it (--force)", path);
    if (access(file, F_OK) != 0 && !is_empty(path))
        return st_error_set(error, STAPES_EUSAGE,
                            "%s: holds no %s and other files, so it is not replaced: choose another name",
                            path, mark);
    return STAPES_OK;
}

int st_folder_look(st_folder *folder, const char *path, bool replace, const char *mark, st_arena *arena,
                   stapes_error *error)
{
    struct stat about;
    size_t      length = strlen(path);
    *folder = (st_folder){0};
    while (length > 1 && path[length - 1] == '/') length--;
    char *name = st_arena_string_n(arena, path, length);
    if (!name) return fail_memory(error);
    if (!*name) return st_error_set(error, STAPES_EUSAGE, "the name of the folder to write is empty");
    if (stat(name, &about) == 0) {
        int status = check_there(name, &about, replace, mark, arena, error);
        if (status < 0) return status;
        folder->replaces = true;
        folder->path = resolve(name, arena, error);
        return folder->path ? STAPES_OK : STAPES_ESYSTEM;
    }
    if (errno != ENOENT) return fail_system(error, name, "cannot be looked at");
    if (lstat(name, &about) == 0)
        return st_error_set(error, STAPES_EUSAGE, "%s: is a link that leads nowhere", name);
    char       *slash = strrchr(name, '/');
    const char *base = slash ? slash + 1 : name, *parent = !slash ? "." : slash == name ? "/" : name;
    if (!strcmp(base, ".") || !strcmp(base, ".."))
        return st_error_set(error, STAPES_EUSAGE, "%s: is no name of a new folder", name);
    if (slash && slash != name) *slash = 0; /* `parent` ends here */
    if (stat(parent, &about) != 0 || !S_ISDIR(about.st_mode))
        return st_error_set(error, STAPES_ESYSTEM, "%.*s: there is no folder '%s'", (int)length, path,
                            parent);
    parent = resolve(parent, arena, error);
    if (!parent) return STAPES_ESYSTEM;
    folder->path = st_arena_format(arena, "%s/%s", strcmp(parent, "/") != 0 ? parent : "", base);
    return folder->path ? STAPES_OK : fail_memory(error);
}

/* ---- made and put in place ---------------------------------------------------------------------------- */

int st_folder_begin(st_folder *folder, st_arena *arena, stapes_error *error)
{
    static atomic_uint serial;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        const char *name = st_arena_format(arena, "%s.part-%ld-%u", folder->path, (long)getpid(),
                                           atomic_fetch_add(&serial, 1));
        if (!name) return fail_memory(error);
        if (mkdir(name, 0777) == 0) {
            folder->temporary = name;
            return STAPES_OK;
        }
        if (errno != EEXIST) break;
    }
    return fail_system(error, folder->path, "cannot be made");
}

/* Removes what is at `path` in the open folder `at`, and all that it holds; links are not followed. */
static void remove_at(int at, const char *path, int depth)
{
    int  file = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = file >= 0 ? fdopendir(file) : NULL;
    if (!folder) {
        if (file >= 0) (void)close(file);
        (void)unlinkat(at, path, 0);
        return;
    }
    for (struct dirent *entry; depth < 2 * DEEPEST && (entry = readdir(folder));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            remove_at(dirfd(folder), entry->d_name, depth + 1);
    (void)closedir(folder);
    (void)unlinkat(at, path, AT_REMOVEDIR);
}

/* Syncs a folder's list of names, so that they outlive a loss of power; some file systems cannot. */
static void sync_names(const char *path)
{
    int file = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0) return;
    (void)fsync(file);
    (void)close(file);
}

int st_folder_end(st_folder *folder, stapes_error *error)
{
    sync_names(folder->temporary);
    int failed = renameat2(AT_FDCWD, folder->temporary, AT_FDCWD, folder->path,
                           folder->replaces ? RENAME_EXCHANGE : RENAME_NOREPLACE);
    if (failed && errno == EEXIST)
        return st_error_set(error, STAPES_EUSAGE, "%s: somebody else has made it meanwhile", folder->path);
    if (failed && (errno == EINVAL || errno == ENOSYS)) {
        /* a file system that cannot exchange or look first */
        if (folder->replaces) remove_at(AT_FDCWD, folder->path, 0);
        failed = rename(folder->temporary, folder->path);
        folder->replaces = false;
    }
    if (failed) return fail_system(error, folder->path, "cannot be put in place");
    if (folder->replaces) remove_at(AT_FDCWD, folder->temporary, 0); /* exchanged: it holds what was before */
    folder->temporary = NULL;
    return STAPES_OK;
}

void st_folder_drop(st_folder *folder)
{
    if (folder->temporary) remove_at(AT_FDCWD, folder->temporary, 0);
    folder->temporary = NULL;
}

/* ---- copied ---------------------------------------------------------------------------------------------
 */

static int leave_out(st_folder_rest *rest, const char *name, st_arena *arena, stapes_error *error)
{
    const char **names = st_arena_take(arena, (size_t)rest->count + 1, sizeof *names);
    if (!names) return fail_memory(error);
    if (rest->count) memcpy(names, rest->names, rest->count * sizeof *names);
    names[rest->count++] = name;
    rest->names = names;
    return STAPES_OK;
}

static int copy_file(const char *from, const char *to, stapes_error *error)
{
    st_mapping    file;
    stapes_output output;
    stapes_error  inner = {0};
    if (st_mapping_open(&file, from, &inner) < 0) return st_error_set(error, inner.status, "%s", inner.text);
    int status = stapes_begin_output(&output, to, error);
    if (status >= 0 && file.size) status = stapes_write_output(&output, file.data, file.size, error);
    if (status >= 0) status = stapes_end_output(&output, error);
    stapes_drop_output(&output);
    st_mapping_close(&file);
    return status;
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (!strcmp(name, *names)) return true;
    return false;
}

/* `inside`: the path from the top, "" there. */
static int copy_folder(const char *from, const char *to, const char *inside, int depth,
                       const char *const *but, st_arena *arena, st_folder_rest *rest, stapes_error *error)
{
    DIR           *folder = opendir(from);
    struct dirent *entry;
    int            status = folder ? STAPES_OK : fail_system(error, from, "cannot be read");
    while (status >= 0 && (entry = readdir(folder))) {
        const char *name = entry->d_name;
        char       *source = st_arena_format(arena, "%s/%s", from, name);
        char       *target = st_arena_format(arena, "%s/%s", to, name);
        char       *place = st_arena_format(arena, "%s%s", inside, name);
        struct stat about, own;
        if (!strcmp(name, ".") || !strcmp(name, "..") || (!depth && is_among(name, but))) continue;
        if (!source || !target || !place) {
            status = fail_memory(error);
        } else if (name[0] == '.' || lstat(source, &own) != 0 || stat(source, &about) != 0) {
            status = leave_out(rest, place, arena, error);
        } else if (S_ISREG(about.st_mode) && about.st_size <= MOST_BYTES) {
            status = copy_file(source, target, error);
        } else if (S_ISDIR(own.st_mode) && depth < DEEPEST) {
            char *below = st_arena_format(arena, "%s/", place);
            if (!below)
                status = fail_memory(error);
            else if (mkdir(target, 0777) != 0)
                status = fail_system(error, target, "cannot be made");
            else
                status = copy_folder(source, target, below, depth + 1, but, arena, rest, error);
        } else {
            status = leave_out(rest, place, arena, error);
        }
    }
    if (folder) (void)closedir(folder);
    return status;
}

int st_folder_copy(const char *from, const char *to, const char *const *but, st_arena *arena,
                   st_folder_rest *rest, stapes_error *error)
{
    *rest = (st_folder_rest){0};
    return copy_folder(from, to, "", 0, but, arena, rest, error);
}
