/* hook.c - see hook.h. The functions that stand in for those of the C library are at the end, with the
 * table that names them. */
#include "suite/hook.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#if defined(__x86_64__)
#define READABLE 1
#define IS_ADDRESS(type)                                                                                     \
    ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT || (type) == R_X86_64_64)
#elif defined(__aarch64__)
#define READABLE 1
#define IS_ADDRESS(type)                                                                                     \
    ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT || (type) == R_AARCH64_ABS64)
#else
#define READABLE 0
#endif

enum { MOST_OBJECTS = 512, MOST_OWN = 8 };

typedef struct range {
    uintptr_t begin, end;
} range;

static struct {
    const struct link_map *before[MOST_OBJECTS]; /* loaded when st_hook_prepare was called */
    uint32_t               n_before;
    range                  own[MOST_OWN]; /* code of the plugin and of libstapes-kit */
    uint32_t               n_own;
    atomic_ullong          counts[ST_HOOK_KINDS], allocations, fail_at;
    _Atomic(const char *)  first[ST_HOOK_KINDS];
} hooks;

static _Thread_local bool in_stream, paused;

void st_hook_stream(bool in_stream_call) { in_stream = in_stream_call; }
void st_hook_pause(bool pause) { paused = pause; }

void st_hook_reset(void)
{
    for (int i = 0; i < ST_HOOK_KINDS; i++) {
        atomic_store(&hooks.counts[i], 0);
        atomic_store(&hooks.first[i], NULL);
    }
}

uint64_t    st_hook_count(int kind) { return atomic_load(&hooks.counts[kind]); }
const char *st_hook_first(int kind) { return atomic_load(&hooks.first[kind]); }

void st_hook_fail_at(uint64_t n)
{
    atomic_store(&hooks.allocations, 0);
    atomic_store(&hooks.fail_at, n);
}

uint64_t st_hook_allocations(void) { return atomic_load(&hooks.allocations); }

bool st_hook_fails(void)
{
    uint64_t n;
    if (paused) return false;
    n = atomic_fetch_add(&hooks.allocations, 1) + 1;
    return n == atomic_load(&hooks.fail_at);
}

static bool is_own(const void *caller)
{
    for (uint32_t i = 0; i < hooks.n_own; i++)
        if ((uintptr_t)caller >= hooks.own[i].begin && (uintptr_t)caller < hooks.own[i].end) return true;
    return false;
}

static void count(int kind, const char *name, const void *caller)
{
    const char *none = NULL;
    if (!in_stream || paused || (kind != ST_HOOK_MEMORY && !is_own(caller))) return;
    atomic_fetch_add(&hooks.counts[kind], 1);
    (void)atomic_compare_exchange_strong(&hooks.first[kind], &none, name);
}

/* Counts an allocation; true: it is to fail. */
static bool takes_memory(const char *name, const void *caller)
{
    count(ST_HOOK_MEMORY, name, caller);
    if (!is_own(caller) || !st_hook_fails()) return false;
    errno = ENOMEM;
    return true;
}

/* ---- the functions
 * ------------------------------------------------------------------------------------------- */

#define CALLER __builtin_return_address(0)

static void *hooked_malloc(size_t size) { return takes_memory("malloc", CALLER) ? NULL : malloc(size); }
static void *hooked_calloc(size_t n, size_t size)
{
    return takes_memory("calloc", CALLER) ? NULL : calloc(n, size);
}
static void *hooked_realloc(void *old, size_t size)
{
    return takes_memory("realloc", CALLER) ? NULL : realloc(old, size);
}
static void *hooked_aligned_alloc(size_t alignment, size_t size)
{
    return takes_memory("aligned_alloc", CALLER) ? NULL : aligned_alloc(alignment, size);
}
static void *hooked_memalign(size_t alignment, size_t size)
{
    return takes_memory("memalign", CALLER) ? NULL : memalign(alignment, size);
}
static int hooked_posix_memalign(void **memory, size_t alignment, size_t size)
{
    return takes_memory("posix_memalign", CALLER) ? ENOMEM : posix_memalign(memory, alignment, size);
}
static char *hooked_strdup(const char *text) { return takes_memory("strdup", CALLER) ? NULL : strdup(text); }
static char *hooked_strndup(const char *text, size_t n)
{
    return takes_memory("strndup", CALLER) ? NULL : strndup(text, n);
}
static int hooked_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    count(ST_HOOK_LOCK, "pthread_mutex_lock", CALLER);
    return pthread_mutex_lock(mutex);
}
static int hooked_pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    count(ST_HOOK_LOCK, "pthread_rwlock_rdlock", CALLER);
    return pthread_rwlock_rdlock(lock);
}
static int hooked_pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    count(ST_HOOK_LOCK, "pthread_rwlock_wrlock", CALLER);
    return pthread_rwlock_wrlock(lock);
}
static int hooked_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
    count(ST_HOOK_LOCK, "pthread_cond_wait", CALLER);
    return pthread_cond_wait(condition, mutex);
}
static int hooked_usleep(useconds_t time)
{
    count(ST_HOOK_LOCK, "usleep", CALLER);
    return usleep(time);
}
static int hooked_nanosleep(const struct timespec *time, struct timespec *left)
{
    count(ST_HOOK_LOCK, "nanosleep", CALLER);
    return nanosleep(time, left);
}
static int hooked_open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t  mode;
    va_start(arguments, flags);
    mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(arguments, mode_t) : 0;
    va_end(arguments);
    count(ST_HOOK_FILE, "open", CALLER);
    return open(path, flags, mode);
}
static FILE *hooked_fopen(const char *path, const char *mode)
{
    count(ST_HOOK_FILE, "fopen", CALLER);
    return fopen(path, mode);
}
static ssize_t hooked_read(int file, void *bytes, size_t size)
{
    count(ST_HOOK_FILE, "read", CALLER);
    return read(file, bytes, size);
}
static ssize_t hooked_write(int file, const void *bytes, size_t size)
{
    count(ST_HOOK_FILE, "write", CALLER);
    return write(file, bytes, size);
}
static size_t hooked_fread(void *bytes, size_t size, size_t n, FILE *file)
{
    count(ST_HOOK_FILE, "fread", CALLER);
    return fread(bytes, size, n, file);
}
static size_t hooked_fwrite(const void *bytes, size_t size, size_t n, FILE *file)
{
    count(ST_HOOK_FILE, "fwrite", CALLER);
    return fwrite(bytes, size, n, file);
}
static int hooked_puts(const char *text)
{
    count(ST_HOOK_FILE, "puts", CALLER);
    return fputs(text, stdout) < 0 ? EOF : fputc('\n', stdout);
}
static int hooked_fputs(const char *text, FILE *file)
{
    count(ST_HOOK_FILE, "fputs", CALLER);
    return fputs(text, file);
}
static int hooked_printf(const char *format, ...)
{
    va_list arguments;
    int     n;
    count(ST_HOOK_FILE, "printf", CALLER);
    va_start(arguments, format);
    n = vfprintf(stdout, format, arguments);
    va_end(arguments);
    return n;
}
static int hooked_fprintf(FILE *file, const char *format, ...)
{
    va_list arguments;
    int     n;
    count(ST_HOOK_FILE, "fprintf", CALLER);
    va_start(arguments, format);
    n = vfprintf(file, format, arguments);
    va_end(arguments);
    return n;
}
static int hooked_printf_chk(int flag, const char *format, ...)
{
    va_list arguments;
    int     n;
    (void)flag;
    count(ST_HOOK_FILE, "printf", CALLER);
    va_start(arguments, format);
    n = vfprintf(stdout, format, arguments);
    va_end(arguments);
    return n;
}
static int hooked_fprintf_chk(FILE *file, int flag, const char *format, ...)
{
    va_list arguments;
    int     n;
    (void)flag;
    count(ST_HOOK_FILE, "fprintf", CALLER);
    va_start(arguments, format);
    n = vfprintf(file, format, arguments);
    va_end(arguments);
    return n;
}

typedef void any_function(void);

static const struct {
    const char   *name;
    any_function *function;
} table[] = {
#define ROW(name)                                                                                            \
    {                                                                                                        \
#name, (any_function *)hooked_##name                                                                 \
    }
    ROW(malloc),
    ROW(calloc),
    ROW(realloc),
    ROW(aligned_alloc),
    ROW(memalign),
    ROW(posix_memalign),
    ROW(strdup),
    ROW(strndup),
    ROW(pthread_mutex_lock),
    ROW(pthread_rwlock_rdlock),
    ROW(pthread_rwlock_wrlock),
    ROW(pthread_cond_wait),
    ROW(usleep),
    ROW(nanosleep),
    ROW(open),
    {"open64", (any_function *)hooked_open},
    ROW(fopen),
    {"fopen64", (any_function *)hooked_fopen},
    ROW(read),
    ROW(write),
    ROW(fread),
    ROW(fwrite),
    ROW(puts),
    ROW(fputs),
    ROW(printf),
    ROW(fprintf),
    {"__printf_chk", (any_function *)hooked_printf_chk},
    {"__fprintf_chk", (any_function *)hooked_fprintf_chk},
#undef ROW
};

/* ---- finding the tables
 * ----------------------------------------------------------------------------------------- */

static const struct link_map *first_object(void)
{
    void            *program = dlopen(NULL, RTLD_NOW);
    struct link_map *map = NULL;
    if (program && dlinfo(program, RTLD_DI_LINKMAP, &map)) map = NULL;
    if (program) (void)dlclose(program);
    while (map && map->l_prev) map = map->l_prev;
    return map;
}

void st_hook_prepare(void)
{
    hooks.n_before = 0;
    for (const struct link_map *map = first_object(); map && hooks.n_before < MOST_OBJECTS; map = map->l_next)
        hooks.before[hooks.n_before++] = map;
}

#if READABLE
static bool was_there(const struct link_map *map)
{
    for (uint32_t i = 0; i < hooks.n_before; i++)
        if (hooks.before[i] == map) return true;
    return hooks.n_before == MOST_OBJECTS;
}

static void replace(void **slot, any_function *function)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)slot / page * page;
    /* read-only after relocation (RELRO) in most objects */
    if (mprotect((void *)begin, page, PROT_READ | PROT_WRITE)) return;
    memcpy(slot, &function, sizeof function);
}

static void hook_relocations(const struct link_map *map, const ElfW(Rela) * rows, size_t bytes,
                             const ElfW(Sym) * symbols, const char *names)
{
    for (size_t i = 0; rows && i < bytes / sizeof *rows; i++) {
        const char *name;
        if (!IS_ADDRESS(ELF64_R_TYPE(rows[i].r_info))) continue;
        name = names + symbols[ELF64_R_SYM(rows[i].r_info)].st_name;
        for (size_t j = 0; j < sizeof table / sizeof table[0]; j++)
            if (!strcmp(name, table[j].name))
                replace((void **)(map->l_addr + rows[i].r_offset), table[j].function);
    }
}

static void hook_object(const struct link_map *map)
{
    const ElfW(Rela) *jumps = NULL, *others = NULL;
    const ElfW(Sym) *symbols = NULL;
    const char *names = NULL;
    size_t      jump_bytes = 0, other_bytes = 0;
    for (const ElfW(Dyn) *entry = map->l_ld; entry && entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_JMPREL: jumps = (const void *)entry->d_un.d_ptr; break;
        case DT_PLTRELSZ: jump_bytes = entry->d_un.d_val; break;
        case DT_RELA: others = (const void *)entry->d_un.d_ptr; break;
        case DT_RELASZ: other_bytes = entry->d_un.d_val; break;
        case DT_SYMTAB: symbols = (const void *)entry->d_un.d_ptr; break;
        case DT_STRTAB: names = (const void *)entry->d_un.d_ptr; break;
        default: break;
        }
    }
    if (!symbols || !names) return;
    hook_relocations(map, jumps, jump_bytes, symbols, names);
    hook_relocations(map, others, other_bytes, symbols, names);
}

/* Keeps the addresses of an object's code. */
static int keep_range(struct dl_phdr_info *info, size_t size, void *argument)
{
    const struct link_map *map = argument;
    (void)size;
    if (info->dlpi_addr != map->l_addr || strcmp(info->dlpi_name, map->l_name)) return 0;
    for (int i = 0; i < info->dlpi_phnum && hooks.n_own < MOST_OWN; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X)) continue;
        hooks.own[hooks.n_own++] = (range){info->dlpi_addr + segment->p_vaddr,
                                           info->dlpi_addr + segment->p_vaddr + segment->p_memsz};
    }
    return 1;
}
#endif

bool st_hook_install(void *handle)
{
#if READABLE
    struct link_map *plugin = NULL;
    if (!handle || dlinfo(handle, RTLD_DI_LINKMAP, &plugin)) return false;
    hooks.n_own = 0;
    for (struct link_map *map = (struct link_map *)first_object(); map; map = map->l_next) {
        if (was_there(map)) continue;
        if (map == plugin || strstr(map->l_name, "/libstapes-kit.so")) (void)dl_iterate_phdr(keep_range, map);
        hook_object(map);
    }
    return hooks.n_own > 0;
#else
    (void)handle;
    return false;
#endif
}
