/* guard.c - see guard.h. */
#include "plugin/guard.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIGNMENT = 64, PATTERN = 0xC5, MOST_RELEASED = 128, HEAD_PLACE = 64 };

static struct {
    pthread_mutex_t mutex;
    st_guard       *live;
    st_guard       *released[MOST_RELEASED];
    uint32_t        turn;
} all = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static void *map(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

st_guard *st_guard_make(size_t bytes, const char *what)
{
    size_t    page = page_size(), used = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, room;
    st_guard *guard;
    if (bytes > SIZE_MAX / 2) return NULL;
    room = used ? (used + page - 1) / page * page : page;
    guard = calloc(1, sizeof *guard);
    if (!guard) return NULL;
    guard->mapped = room + 2 * page;
    guard->mapping = map(guard->mapped);
    if (!guard->mapping) {
        free(guard);
        return NULL;
    }
    guard->what = what;
    guard->bytes = bytes;
    guard->data = guard->mapping + page + room - used;
    if (room > used) memset(guard->mapping + page, PATTERN, room - used);
    memset(guard->data + bytes, PATTERN, used - bytes);
    (void)mprotect(guard->mapping, page, PROT_NONE);
    (void)mprotect(guard->mapping + page + room, page, PROT_NONE);
    pthread_mutex_lock(&all.mutex);
    guard->next = all.live;
    if (all.live) all.live->previous = guard;
    all.live = guard;
    pthread_mutex_unlock(&all.mutex);
    return guard;
}

st_guard *st_guard_packet(size_t bytes, const char *what)
{
    st_guard *guard = st_guard_make(bytes, what);
    char     *page = guard ? map(page_size()) : NULL;
    if (!page) {
        if (guard) st_guard_release(guard);
        return NULL;
    }
    memcpy(page, &guard, sizeof guard);
    guard->page = page;
    atomic_store(&guard->references, 1);
    st_guard_head(guard)->data = guard->data;
    return guard;
}

stapes_packet *st_guard_head(const st_guard *guard)
{
    return (stapes_packet *)(void *)(guard->page + HEAD_PLACE);
}

st_guard *st_guard_of(const stapes_packet *packet)
{
    st_guard *found = NULL;
    /* the head of ours lies at one place of a page; any other address is a stranger's */
    if (!packet || (uintptr_t)packet % page_size() != HEAD_PLACE) return NULL;
    memcpy(&found, (const char *)packet - HEAD_PLACE, sizeof found);
    return found;
}

void st_guard_lock(st_guard *guard)
{
    guard->read_only = true;
    (void)mprotect(guard->mapping + page_size(), guard->mapped - 2 * page_size(), PROT_READ);
    if (guard->page) (void)mprotect(guard->page, page_size(), PROT_READ);
}

bool st_guard_whole(const st_guard *guard)
{
    const unsigned char *begin = (const unsigned char *)guard->mapping + page_size();
    const unsigned char *end = begin + guard->mapped - 2 * page_size();
    for (const unsigned char *at = begin; at < (const unsigned char *)guard->data; at++)
        if (*at != PATTERN) return false;
    for (const unsigned char *at = (const unsigned char *)guard->data + guard->bytes; at < end; at++)
        if (*at != PATTERN) return false;
    return true;
}

static void unmap(st_guard *guard)
{
    (void)munmap(guard->mapping, guard->mapped);
    if (guard->page) (void)munmap(guard->page, page_size());
    free(guard);
}

void st_guard_release(st_guard *guard)
{
    st_guard *oldest;
    pthread_mutex_lock(&all.mutex);
    if (guard->next) guard->next->previous = guard->previous;
    if (guard->previous)
        guard->previous->next = guard->next;
    else
        all.live = guard->next;
    guard->released = true;
    (void)mprotect(guard->mapping, guard->mapped, PROT_NONE);
    if (guard->page) (void)mprotect(guard->page, page_size(), PROT_NONE);
    oldest = all.released[all.turn];
    all.released[all.turn] = guard;
    all.turn = (all.turn + 1) % MOST_RELEASED;
    pthread_mutex_unlock(&all.mutex);
    if (oldest) unmap(oldest);
}

static bool lies_in(const void *address, const char *begin, size_t size)
{
    return begin && (const char *)address >= begin && (const char *)address < begin + size;
}

static const char *explain_one(const st_guard *guard, const void *address, char *text, size_t size)
{
    long place = (long)((const char *)address - guard->data);
    if (lies_in(address, guard->page, page_size())) {
        (void)snprintf(text, size,
                       guard->released ? "uses %s after it was released" : "writes to the head of %s",
                       guard->what);
    } else if (!lies_in(address, guard->mapping, guard->mapped)) {
        return NULL;
    } else if (guard->released) {
        (void)snprintf(text, size, "uses %s after it was released", guard->what);
    } else if (place >= 0 && (size_t)place < guard->bytes) {
        (void)snprintf(text, size, "writes to %s (byte %ld of %zu)", guard->what, place, guard->bytes);
    } else {
        (void)snprintf(text, size, "reaches outside %s (byte %ld of %zu)", guard->what, place, guard->bytes);
    }
    return text;
}

const char *st_guard_explain(const void *address, char *text, size_t size)
{
    const char *words = NULL;
    /* no lock: this runs in a signal handler of a process that is about to end */
    for (const st_guard *guard = all.live; guard && !words; guard = guard->next)
        words = explain_one(guard, address, text, size);
    for (uint32_t i = 0; i < MOST_RELEASED && !words; i++)
        if (all.released[i]) words = explain_one(all.released[i], address, text, size);
    return words;
}
