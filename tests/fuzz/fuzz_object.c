/* fuzz_object.c - files that say they are plugins: read before they are loaded, never believed. */
#include "fuzz.h"
#include "plugin/object.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void count(void *user, const char *name)
{
    size_t *total = user;
    *total += strlen(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char         path[40];
    stapes_error error = {0};
    size_t       total = 0;
    int          file = memfd_create("object", 0), status;
    if (file < 0 || write(file, data, size) != (ssize_t)size) return 0;
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    status = st_object_imports(path, count, &total, &error);
    if (status < 0 && !error.text[0]) __builtin_trap();
    if (status >= 0 && error.status) __builtin_trap();
    (void)close(file);
    return 0;
}
