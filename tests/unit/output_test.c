/* output_test.c - results written whole or not at all: names, links, full disk, closed pipe. */
#include "check.h"
#include <stapes/kit/output.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/stapes-output-XXXXXX";

static const char *in_folder(const char *name)
{
    static char path[2][200];
    static int  turn;
    turn = !turn;
    snprintf(path[turn], sizeof path[turn], "%s/%s", folder, name);
    return path[turn];
}

/* What the file says, "" if it is empty, NULL if there is none. */
static const char *content(const char *name)
{
    static char text[200];
    FILE       *file = fopen(in_folder(name), "rb");
    if (!file) return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static int count_files(void)
{
    int            count = 0;
    DIR           *all = opendir(folder);
    struct dirent *entry;
    while (all && (entry = readdir(all))) count += entry->d_name[0] != '.';
    closedir(all);
    return count;
}

int main(void)
{
    stapes_output output = {0};
    stapes_error  error = {0};
    CHECK(mkdtemp(folder) != NULL);

    /* complete: only then has it its name */
    CHECK(stapes_begin_output(&output, in_folder("a.txt"), &error) == STAPES_OK);
    CHECK(stapes_write_output(&output, "hello ", 6, &error) == STAPES_OK);
    CHECK(content("a.txt") == NULL && count_files() == 1);
    CHECK(stapes_write_output(&output, "world", 5, &error) == STAPES_OK);
    CHECK(stapes_end_output(&output, &error) == STAPES_OK);
    CHECK_TEXT(content("a.txt"), "hello world");
    CHECK(count_files() == 1);

    /* given up: the old one stays */
    CHECK(stapes_begin_output(&output, in_folder("a.txt"), &error) == STAPES_OK);
    CHECK(stapes_write_output(&output, "x", 1, &error) == STAPES_OK);
    stapes_drop_output(&output);
    stapes_drop_output(&output);
    CHECK_TEXT(content("a.txt"), "hello world");
    CHECK(count_files() == 1);

    /* a link stays a link, the file behind it is replaced; usual permissions */
    CHECK(symlink("a.txt", in_folder("link")) == 0);
    umask(027);
    CHECK(stapes_begin_output(&output, in_folder("link"), &error) == STAPES_OK);
    CHECK(stapes_write_output(&output, "new", 3, &error) == STAPES_OK);
    CHECK(stapes_end_output(&output, &error) == STAPES_OK);
    CHECK_TEXT(content("a.txt"), "new");
    struct stat about;
    CHECK(lstat(in_folder("link"), &about) == 0 && S_ISLNK(about.st_mode));
    CHECK(stat(in_folder("a.txt"), &about) == 0 && (about.st_mode & 0777) == 0640);
    CHECK(error.status == 0);

    /* what cannot be: each with its words, nothing left */
    CHECK(stapes_begin_output(&output, in_folder("no/where.txt"), &error) == STAPES_ESYSTEM);
    CHECK_HAS(error.text, "where.txt: there is no folder '");
    error.status = 0;
    CHECK(stapes_begin_output(&output, folder, &error) == STAPES_EUSAGE);
    CHECK_HAS(error.text, "is a folder; give a file");
    error.status = 0;
    CHECK(stapes_begin_output(&output, "", &error) == STAPES_EUSAGE);
    CHECK_TEXT(error.text, "the name of the file to write is empty");
    error.status = 0;
    CHECK(stapes_begin_output(&output, "/dev/full", &error) == STAPES_OK);
    CHECK(stapes_write_output(&output, "x", 1, &error) == STAPES_ESYSTEM);
    CHECK_TEXT(error.text, "/dev/full: cannot be written: No space left on device");
    stapes_drop_output(&output);
    CHECK(access("/dev/full", F_OK) == 0);

    /* a closed pipe: a status, not a signal; one that the program waits for itself is left alone */
    int ends[2], saved = dup(STDOUT_FILENO);
    CHECK(pipe(ends) == 0);
    fflush(stdout);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    error.status = 0;
    CHECK(stapes_begin_output(&output, "-", &error) == STAPES_OK);
    CHECK(stapes_write_output(&output, "x", 1, &error) == STAPES_EPIPE);
    CHECK(stapes_end_output(&output, &error) == STAPES_OK);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    CHECK_TEXT(error.text, "standard output: nobody reads any more");
    sigset_t waiting;
    sigpending(&waiting);
    CHECK(!sigismember(&waiting, SIGPIPE));

    unlink(in_folder("a.txt"));
    unlink(in_folder("link"));
    CHECK(rmdir(folder) == 0);
    return check_done();
}
