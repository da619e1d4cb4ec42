/* quantize_memory_test.c - a model folder quantised and loaded while memory runs out: the n-th allocation of
 * the kit is not there, for every n (the linker leads its calls here). It says so, and leaves nothing behind.
 */
#include "check.h"
#include <stapes/kit.h>

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#define MODEL STAPES_SOURCE_DIR "/tests/data/models/tiny-uni"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static long allowed = -1; /* allocations until one is not there; negative: all are */

static bool is_there(void) { return allowed < 0 || allowed-- != 0; }

void *__wrap_malloc(size_t size) { return is_there() ? __real_malloc(size) : NULL; }
void *__wrap_calloc(size_t count, size_t size) { return is_there() ? __real_calloc(count, size) : NULL; }
void *__wrap_realloc(void *old, size_t size) { return is_there() ? __real_realloc(old, size) : NULL; }
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return is_there() ? __real_aligned_alloc(alignment, size) : NULL;
}

/* Names in a folder; with `remove`, files in it are removed. */
static int count_names(const char *path, bool remove)
{
    DIR           *folder = opendir(path);
    struct dirent *entry;
    int            count = 0;
    while (folder && (entry = readdir(folder))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        count++;
        if (remove) (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder) (void)closedir(folder);
    return count;
}

/* Once with allocation n not there; false once there are not so many. */
static bool quantize_with(const char *place, long n)
{
    char                          out[100];
    stapes_error                  error = {0};
    stapes_quantize_options       options = {.number = STAPES_I8};
    const stapes_quantize_report *report = NULL;
    (void)snprintf(out, sizeof out, "%s/out", place);
    allowed = n;
    int  status = stapes_quantize_model(MODEL, out, &options, &report, &error);
    bool was_missing = allowed < 0;
    allowed = -1;
    CHECK(status == error.status && (status == STAPES_OK || status == STAPES_ENOMEM));
    CHECK((status == STAPES_OK) == (report != NULL) && (status == STAPES_OK) == !error.text[0]);
    CHECK(count_names(place, false) == (status == STAPES_OK));
    if (status == STAPES_OK) {
        CHECK(count_names(out, true) == 4);
        CHECK(rmdir(out) == 0);
    } else {
        CHECK(was_missing);
        CHECK_HAS(error.text, "no memory");
    }
    stapes_close_quantize_report(report);
    return was_missing;
}

int main(void)
{
    char place[] = "/tmp/stapes-quantize-memory-XXXXXX";
    long n = 0;
    CHECK(mkdtemp(place) != NULL);
    while (n < 100000 && quantize_with(place, n)) n++;
    printf("%ld allocations\n", n);
    CHECK(n > 50 && n < 100000);
    CHECK(rmdir(place) == 0);
    return check_done();
}
