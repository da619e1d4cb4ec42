/* new.c - `stapes new`: a plugin outside the tree, from the example that the tests build. In its text
 * "preemphasis.filter" is the stage's name and "preemphasis" the plugin's. */
#include "cli/new.h"
#include "cli/call.h"
#include "cli/talk.h"
#include "plugin/place.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char example_stage[] = "preemphasis.filter", example_plugin[] = "preemphasis";

/* [a-z][a-z0-9_]* of `length` characters */
static bool is_word(const char *text, size_t length)
{
    if (length == 0 || length > 64 || !islower((unsigned char)text[0])) return false;
    for (size_t i = 0; i < length; i++)
        if (!islower((unsigned char)text[i]) && !isdigit((unsigned char)text[i]) && text[i] != '_')
            return false;
    return true;
}

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* Writes `text` with the example's names replaced. */
static void put_replaced(FILE *file, const char *text, const char *plugin, const char *stage)
{
    while (*text) {
        if (starts(text, example_stage)) {
            fputs(stage, file);
            text += strlen(example_stage);
        } else if (starts(text, example_plugin)) {
            fputs(plugin, file);
            text += strlen(example_plugin);
        } else {
            fputc(*text++, file);
        }
    }
}

/* "DIR/plugin/preemphasis.c" with the plugin's name. NULL without memory. */
static char *path_of(st_arena *arena, const char *folder, const char *name, const char *plugin)
{
    if (starts(name, example_plugin))
        return st_arena_format(arena, "%s/%s%s", folder, plugin, name + strlen(example_plugin));
    return st_arena_format(arena, "%s/%s", folder, name);
}

static int write_file(const char *path, const char *text, const char *plugin, const char *stage)
{
    FILE *file = fopen(path, "wx");
    bool  failed;
    if (!file) {
        st_talk_error("%s: %s", path, strerror(errno));
        return 4;
    }
    put_replaced(file, text, plugin, stage);
    failed = ferror(file) != 0;
    if (fclose(file) != 0) failed = true;
    if (!failed) return 0;
    st_talk_error("%s: %s", path, errno ? strerror(errno) : "cannot be written");
    return 4;
}

/* The words before "stapes" that make pkg-config find the headers of this very installation, "" if it
 * looks there anyway. */
static const char *package_words(st_arena *arena)
{
    uint32_t           count = 0;
    const char *const *folders = st_place_folders(ST_PLUGINS, NULL, arena, &count);
    char              *library;
    if (!folders || count == 0) return "";
    /* the package's own folder is the last: LIB/stapes/plugins */
    library = st_arena_format(arena, "%s/../../pkgconfig", folders[count - 1]);
    library = library ? realpath(library, NULL) : NULL;
    if (!library) return "";
    {
        const char *words =
            starts(library, "/usr/lib/") || starts(library, "/usr/share/") || starts(library, "/usr/local/")
                ? ""
                : st_arena_format(arena, "PKG_CONFIG_PATH=%s ", library);
        free(library);
        return words ? words : "";
    }
}

/* The folder of PATH that has `stapes` is this one, or the program's own path is to be used. */
static const char *program_words(st_arena *arena)
{
    char    own[4096];
    ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    char   *path = getenv("PATH");
    if (n <= 0) return "stapes";
    own[n] = 0;
    for (char *copy = path ? st_arena_string(arena, path) : NULL, *folder;
         copy && (folder = strsep(&copy, ":"));) {
        char       *there = st_arena_format(arena, "%s/stapes", folder);
        struct stat a, b;
        if (there && stat(there, &a) == 0 && stat(own, &b) == 0 && a.st_ino == b.st_ino &&
            a.st_dev == b.st_dev)
            return "stapes";
    }
    return st_arena_string(arena, own);
}

int st_new_command(st_call *call)
{
    const char *name = call->arguments[0], *dot = strchr(name, '.'), *dir = st_call_value(call, "dir");
    const char *kind = st_call_flag(call, "cpp") ? "stage-cpp/" : "stage-c/";
    size_t      length = dot ? (size_t)(dot - name) : strlen(name);
    const char *plugin, *stage, *folder, *program;
    if (!is_word(name, length) || (dot && !is_word(dot + 1, strlen(dot + 1))))
        return st_call_wrong(call, "'%s' is no name: PLUGIN or PLUGIN.STAGE of small letters, digits and '_'",
                             name);
    plugin = st_arena_string_n(&call->arena, name, length);
    stage = dot ? name : st_arena_format(&call->arena, "%s.filter", name);
    folder = plugin ? st_arena_format(&call->arena, "%s/%s", dir ? dir : ".", plugin) : NULL;
    if (!stage || !folder) {
        st_talk_error("out of memory");
        return 4;
    }
    if (!dir) folder += 2;
    if (mkdir(folder, 0777) != 0) {
        if (errno == EEXIST)
            st_talk_error("%s is there already; nothing was written: choose another name or --dir", folder);
        else
            st_talk_error("%s: %s", folder, strerror(errno));
        return errno == EEXIST ? 2 : 4;
    }
    for (unsigned i = 0; i < st_new_files_count; i++) {
        const st_new_file *file = &st_new_files[i];
        char              *path;
        int                failed;
        if (!starts(file->name, kind)) continue;
        path = path_of(&call->arena, folder, file->name + strlen(kind), plugin);
        failed = path ? write_file(path, file->text, plugin, stage) : 4;
        if (failed) return failed;
        printf("%s\n", path);
    }
    program = program_words(&call->arena);
    st_talk_note("next: cd %s && %smake && %s verify ./%s.so", folder, package_words(&call->arena),
                 program ? program : "stapes", plugin);
    return 0;
}
