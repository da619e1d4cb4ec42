/* mapping.c - see mapping.h. */
#include "kit/model/mapping.h"

#include "contract/error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* -1 with words, or the descriptor of a regular file and its size. */
static int open_regular(const char *path, size_t *size, stapes_error *error)
{
    struct stat about;
    int         file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hold us */
    if (file < 0) {
        st_error_set(error,
                     errno == ENOMEM || errno == EMFILE || errno == ENFILE ? STAPES_ESYSTEM : STAPES_EMODEL,
                     "%s: %s", path, strerror(errno));
        return -1;
    }
    if (fstat(file, &about) != 0) {
        st_error_set(error, STAPES_ESYSTEM, "%s: %s", path, strerror(errno));
    } else if (!S_ISREG(about.st_mode)) {
        st_error_set(error, STAPES_EMODEL, "%s: is %s, expected a file", path,
                     S_ISDIR(about.st_mode) ? "a folder" : "no regular file");
    } else if ((uintmax_t)about.st_size > PTRDIFF_MAX) {
        st_error_set(error, STAPES_EMODEL, "%s: is too large to be mapped", path);
    } else {
        *size = (size_t)about.st_size;
        return file;
    }
    (void)close(file);
    return -1;
}

int st_mapping_open(st_mapping *mapping, const char *path, stapes_error *error)
{
    *mapping = (st_mapping){0};
    int file = open_regular(path, &mapping->size, error);
    if (file < 0) return STAPES_EMODEL; /* the record has the true one */
    if (mapping->size) {
        void *data = mmap(NULL, mapping->size, PROT_READ, MAP_PRIVATE, file, 0);
        if (data == MAP_FAILED) {
            int status =
                st_error_set(error, STAPES_ESYSTEM, "%s: cannot be mapped: %s", path, strerror(errno));
            (void)close(file);
            return status;
        }
        mapping->data = data;
    }
    (void)close(file);
    return STAPES_OK;
}

void st_mapping_close(st_mapping *mapping)
{
    if (mapping->data) (void)munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (st_mapping){0};
}

char *st_mapping_read(const char *path, size_t most, st_arena *arena, size_t *size, stapes_error *error)
{
    char *text = NULL;
    int   file = open_regular(path, size, error);
    if (file < 0) return NULL;
    if (*size > most) {
        st_error_set(error, STAPES_EMODEL, "%s: has %zu bytes, at most %zu are read", path, *size, most);
    } else if (!(text = st_arena_take(arena, *size + 1, 1))) {
        st_error_set(error, STAPES_ENOMEM, "%s: no memory", path);
    } else {
        size_t  got = 0;
        ssize_t n = 1;
        while (got < *size && n > 0) {
            n = read(file, text + got, *size - got);
            if (n < 0 && errno == EINTR)
                n = 1;
            else if (n > 0)
                got += (size_t)n;
        }
        if (n < 0) {
            st_error_set(error, STAPES_ESYSTEM, "%s: %s", path, strerror(errno));
            text = NULL;
        }
        *size = got;
    }
    (void)close(file);
    return text;
}
