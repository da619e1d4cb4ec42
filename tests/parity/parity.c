/* parity.c - stapes-parity DIR: does stapes compute what other people's programs compute?
 *
 * DIR holds reference cases (tests/peers/make_reference.py writes them): one folder each, with what a
 * peer was given, what it answered, and how far from that an answer may be. Every case whose kind is
 * known here is run through the kit and compared. Exit code 0: all that ran are met and all that
 * DIR/required names are among them; 1: not so; 2: wrong usage. docs/parity.md says more.
 */
#include "parity_kinds.h"
#include "parity_plain.h"

#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct names {
    char **items;
    size_t count;
} names;

static const char usage[] =
    "usage: stapes-parity [--json] DIR [NAME...]\n"
    "  Runs the reference cases in DIR and compares with what the peers answered.\n"
    "  NAME: a case, a family (torch, features, ctc) or the begin of cases' names; none means all of DIR,\n"
    "  and then every case that DIR/required names must be there and be met.\n"
    "  --json: print a list of objects instead of lines.\n";

static void *checked(void *memory)
{
    if (!memory) {
        fputs("stapes-parity: out of memory\n", stderr);
        exit(2);
    }
    return memory;
}

static void add(names *list, const char *name)
{
    list->items = checked(realloc(list->items, (list->count + 1) * sizeof *list->items));
    list->items[list->count++] = checked(strdup(name));
}

static void drop(names *list)
{
    for (size_t i = 0; i < list->count; i++) free(list->items[i]);
    free(list->items);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static bool has(const names *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], name) == 0) return true;
    return false;
}

/* The folders in `place` that hold a case.json, sorted. False if `place` cannot be read. */
static bool find_cases(const char *place, names *found)
{
    DIR *folder = opendir(place);
    if (!folder) {
        fprintf(stderr, "stapes-parity: %s: %s; give a folder of reference cases such as tests/reference\n",
                place, strerror(errno));
        return false;
    }
    for (struct dirent *entry; (entry = readdir(folder));) {
        char        path[4096];
        struct stat info;
        int         length = snprintf(path, sizeof path, "%s/%s/case.json", place, entry->d_name);
        if (entry->d_name[0] != '.' && length > 0 && (size_t)length < sizeof path && stat(path, &info) == 0)
            add(found, entry->d_name);
    }
    closedir(folder);
    if (found->count) qsort(found->items, found->count, sizeof *found->items, by_name);
    return true;
}

/* The lines of place/required that are names; an absent file names none. */
static void read_required(const char *place, names *required)
{
    char path[4096], line[512];
    snprintf(path, sizeof path, "%s/required", place);
    FILE *file = fopen(path, "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, " \t\r\n")] = 0;
        if (line[0] && line[0] != '#') add(required, line);
    }
    fclose(file);
}

static bool is_wanted(const char *name, char **wanted, int n_wanted)
{
    for (int i = 0; i < n_wanted; i++)
        if (strncmp(name, wanted[i], strlen(wanted[i])) == 0) return true;
    return n_wanted == 0;
}

/* The weights of a case as they are (number 0), and in the forms that models are quantised to. */
static const struct {
    const char *name;
    uint32_t    number;
} forms[] = {{"", 0}, {"int8", STAPES_I8}, {"bf16", STAPES_BF16}, {"f16", STAPES_F16}};

/* False: the case has no such form. */
static bool run(const char *place, const char *name, uint32_t number, parity_result *result)
{
    stapes_error error = {0};
    parity_case *c = parity_open(place, name, &error);
    *result = (parity_result){.covered = true};
    if (c && number && !parity_has_forms(c)) {
        parity_close(c);
        return false;
    }
    parity_allowance allowance = {0};
    if (c && number) allowance = parity_derive(place, name, number, &error);
    if (error.status) {
        snprintf(result->words, sizeof result->words, "%s", error.text);
        parity_close(c);
        return true;
    }
    result->met = true;
    result->covered = false;
    if (!number || parity_quantize(c, number, allowance.largest, allowance.typical))
        parity_run(c, result);
    else
        result->covered = true;
    stapes_error *failure = parity_error(c);
    if (result->covered && failure->status) {
        result->met = false;
        snprintf(result->words, sizeof result->words, "%s", failure->text);
    }
    parity_close(c);
    return true;
}

static const char *verdict(const parity_result *result)
{
    return !result->covered ? "not covered" : result->met ? "met" : "NOT met";
}

static void print_line(const char *name, const char *form, const parity_result *result)
{
    printf("%-39s %4s ", name, form);
    if (result->covered) {
        printf("largest difference %8.2e, %3.0f %% of what is allowed", result->largest,
               100.0 * result->share);
        if (result->has_ids) printf(", ids %s", result->ids_equal ? "equal" : "DIFFER");
        fputs(": ", stdout);
    }
    printf("%s%s%s\n", verdict(result), result->words[0] ? ": " : "", result->words);
}

static void print_json_text(const char *text)
{
    putchar('"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            printf("\\%c", *p);
        else if (*p < 0x20)
            printf("\\u%04x", *p);
        else
            putchar(*p);
    }
    putchar('"');
}

static void print_json(const char *name, const char *form, const parity_result *result, bool first)
{
    fputs(first ? "[\n  {\"name\": " : ",\n  {\"name\": ", stdout);
    print_json_text(name);
    if (form[0]) printf(", \"weights\": \"%s\"", form);
    printf(", \"result\": \"%s\"", verdict(result));
    if (result->covered && !result->words[0])
        printf(", \"largest\": %.9g, \"share\": %.6g", result->largest, result->share);
    if (result->has_ids) printf(", \"ids_equal\": %s", result->ids_equal ? "true" : "false");
    if (result->words[0]) {
        fputs(", \"words\": ", stdout);
        print_json_text(result->words);
    }
    putchar('}');
}

/* Says which required cases are not there, and how many are there and not met. Returns how many of both. */
static size_t report_required(const char *place, const names *required, const names *found, const names *met)
{
    size_t      n_absent = 0, n_unmet = 0;
    const char *first = NULL;
    for (size_t i = 0; i < required->count; i++) {
        const char *name = required->items[i];
        if (!has(found, name)) {
            n_absent++;
            fprintf(stderr,
                    "stapes-parity: %s/required names '%s', and there is no such case: make it with "
                    "tests/peers/make_reference.py %s\n",
                    place, name, name);
        } else if (!has(met, name)) {
            first = n_unmet++ ? first : name;
        }
    }
    if (n_unmet)
        fprintf(
            stderr,
            "stapes-parity: of the cases that %s/required names, %zu were not met or not covered, %s first\n",
            place, n_unmet, first);
    return n_absent + n_unmet;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    bool json = false;
    for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (option == 'j') {
            json = true;
        } else {
            fputs(usage, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind == argc) {
        fputs(usage, stderr);
        return 2;
    }
    const char *place = argv[optind];
    char      **wanted = argv + optind + 1;
    int         n_wanted = argc - optind - 1;

    names found = {0}, required = {0}, met = {0};
    if (!find_cases(place, &found)) return 2;
    if (n_wanted == 0) read_required(place, &required);

    size_t n_met = 0, n_failed = 0, n_uncovered = 0, n_run = 0;
    for (size_t i = 0; i < found.count; i++) {
        if (!is_wanted(found.items[i], wanted, n_wanted)) continue;
        for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
            parity_result result;
            if (!run(place, found.items[i], forms[f].number, &result)) break;
            if (json)
                print_json(found.items[i], forms[f].name, &result, n_run == 0);
            else
                print_line(found.items[i], forms[f].name, &result);
            fflush(stdout);
            n_run++;
            n_met += result.covered && result.met;
            n_uncovered += !result.covered;
            n_failed += result.covered && !result.met;
            if (!forms[f].number && result.covered && result.met) add(&met, found.items[i]);
            if (!result.covered) break;
        }
    }
    if (json) puts(n_run ? "\n]" : "[]");

    size_t n_lacking = report_required(place, &required, &found, &met);
    fprintf(json ? stderr : stdout, "%zu passed, %zu failed, %zu not covered\n", n_met, n_failed,
            n_uncovered);
    if (n_run == 0)
        fprintf(stderr, "stapes-parity: %s holds no case%s\n", place, n_wanted ? " of that name" : "");
    drop(&found);
    drop(&required);
    drop(&met);
    return n_failed || n_lacking || n_run == 0 ? 1 : 0;
}
