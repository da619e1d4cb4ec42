/* drive_corpus.c - runs a fuzz target without libFuzzer, as a plain test: over all files of the folders
 * given, and over up to 64 beginnings of each, because a file that was cut short is the most usual
 * damage. Prints the name of the file before it runs, where STAPES_FUZZ_SHOW is set. */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BEGINNINGS = 64 };

static void run_file(const char *path)
{
    FILE    *file = fopen(path, "rb");
    long     size = file && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *data = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (!data || fseek(file, 0, SEEK_SET) != 0 || fread(data, 1, (size_t)size, file) != (size_t)size) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(1);
    }
    fclose(file);
    LLVMFuzzerTestOneInput(data, (size_t)size);
    size_t step = (size_t)size / MOST_BEGINNINGS + 1;
    for (size_t length = 0; length < (size_t)size; length += step) {
        uint8_t *begin = malloc(length ? length : 1); /* of its own, so that ASan sees a read beyond it */
        if (!begin) exit(1);
        memcpy(begin, data, length);
        LLVMFuzzerTestOneInput(begin, length);
        free(begin);
    }
    free(data);
}

int main(int argc, char **argv)
{
    int count = 0;
    for (int i = 1; i < argc; i++) {
        struct dirent **files;
        int             n = scandir(argv[i], &files, NULL, alphasort);
        for (int j = 0; j < n; j++) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", argv[i], files[j]->d_name);
            if (files[j]->d_name[0] != '.') {
                if (getenv("STAPES_FUZZ_SHOW")) fprintf(stderr, "%s\n", path);
                run_file(path);
                count++;
            }
            free(files[j]);
        }
        if (n >= 0) free(files);
    }
    printf("%d files\n", count);
    return count > 0 ? 0 : 1;
}
