/* hardware.c - see hardware.h. */
#include "cli/hardware.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* The value after "key : " on its first line in /proc/cpuinfo, "" if there is none. */
static void cpu_line(const char *key, char *value, size_t size)
{
    FILE  *file = fopen("/proc/cpuinfo", "re");
    char   line[8192];
    size_t length = strlen(key);
    value[0] = 0;
    while (file && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (strncmp(line, key, length) != 0 || !colon) continue;
        (void)snprintf(value, size, "%s", colon + 1 + (colon[1] == ' '));
        value[strcspn(value, "\n")] = 0;
        break;
    }
    if (file) fclose(file);
}

char *st_hardware_text(char *text, size_t size)
{
    char           cpu[160];
    struct utsname system;
    long           cores = sysconf(_SC_NPROCESSORS_ONLN);
    cpu_line("model name", cpu, sizeof cpu);
    if (uname(&system) != 0) memset(&system, 0, sizeof system);
    (void)snprintf(text, size, "%s (%s), %ld core%s, %s %s", cpu[0] ? cpu : "unknown CPU", system.machine,
                   cores, cores == 1 ? "" : "s", system.sysname, system.release);
    return text;
}

char *st_hardware_features(char *text, size_t size)
{
    static const char *const wanted[] = {"sse4_2",      "avx",         "f16c",     "fma",      "avx2",
                                         "avx_vnni",    "avx512f",     "avx512bw", "avx512vl", "avx512_vnni",
                                         "avx512_bf16", "avx512_fp16", "amx_bf16", "amx_int8", "asimd",
                                         "asimddp",     "bf16",        "i8mm",     "sve"};
    char                     flags[8192];
    size_t                   used = 0;
    cpu_line("flags", flags, sizeof flags);
    if (!flags[0]) cpu_line("Features", flags, sizeof flags);
    text[0] = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        size_t length = strlen(wanted[i]);
        bool   found = false;
        for (const char *at = flags; (at = strstr(at, wanted[i])); at += length)
            if ((at == flags || at[-1] == ' ') && (at[length] == ' ' || !at[length])) found = true;
        if (!found || used + length + 2 > size) continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? " " : "", wanted[i]);
    }
    return text;
}

unsigned long long st_hardware_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? (unsigned long long)pages * (unsigned long long)page : 0;
}
