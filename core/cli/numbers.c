/* numbers.c - see numbers.h. The path built into the program (its RUNPATH) leads to the library's folder
 * from its own, in the build tree as in the package, so a package may be moved. */
#include "cli/numbers.h"

#include "contract/error.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The same place, found from the program's own: for who comes between us and dlopen and hides whose RUNPATH
 * it is (a sanitizer does). */
static void *open_beside(void)
{
    char    path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    char   *slash;
    if (n <= 0) return NULL;
    path[n] = 0;
    slash = strrchr(path, '/');
    if (!slash ||
        strlen(STAPES_BIN_TO_LIB "/" STAPES_KIT_LIBRARY) >= sizeof path - (size_t)(slash + 1 - path))
        return NULL;
    strcpy(slash + 1, STAPES_BIN_TO_LIB "/" STAPES_KIT_LIBRARY);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* Not closed again: libraries behind it may have started threads. */
static void *load(stapes_error *error)
{
    static void *handle;
    if (!handle) handle = dlopen(STAPES_KIT_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!handle) handle = open_beside();
    if (!handle) {
        const char *why = dlerror();
        st_error_set(error, STAPES_EMODEL,
                     STAPES_KIT_LIBRARY
                     " cannot be loaded: %s; it belongs beside the program, in " STAPES_BIN_TO_LIB
                     ": build or install stapes whole",
                     why ? why : "unknown reason");
    }
    return handle;
}

int st_numbers_get(const char *name, void *function, stapes_error *error)
{
    void *handle = load(error), *symbol = handle ? dlsym(handle, name) : NULL;
    if (!handle) return STAPES_EMODEL;
    if (!symbol)
        return st_error_set(
            error, STAPES_EMODEL,
            "%s has no function %s: it is of another version than the program, install stapes "
            "whole",
            st_numbers_path(error), name);
    memcpy(function, &symbol, sizeof symbol); /* the way that POSIX knows from a data pointer to a function */
    return STAPES_OK;
}

const char *st_numbers_path(stapes_error *error)
{
    static char      path[PATH_MAX];
    void            *handle = load(error);
    struct link_map *map = NULL;
    if (!handle) return NULL;
    return dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && realpath(map->l_name, path) ? path
                                                                                     : STAPES_KIT_LIBRARY;
}
