/* guard.c - see guard.h. */
#include "suite/guard.h"

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
    st_guard       *spare; /* a mapping that is used again if the next one has its size */
} all = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static size_t page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

static char  *inner(const st_guard *guard) { return guard->mapping + page_size(); }
static size_t inner_size(const st_guard *guard) { return guard->mapped - 2 * page_size(); }

static void unmap(st_guard *guard)
{
    (void)munmap(guard->mapping, guard->mapped);
    free(guard);
}

/* A mapping of that size: the spare one, or a new one between two forbidden pages. */
static st_guard *take_mapping(size_t mapped)
{
    st_guard *guard, *other = NULL;
    pthread_mutex_lock(&all.mutex);
    guard = all.spare;
    all.spare = NULL;
    pthread_mutex_unlock(&all.mutex);
    if (guard && guard->mapped != mapped) {
        other = guard;
        guard = NULL;
    }
    if (other) unmap(other);
    if (guard) {
        char *mapping = guard->mapping;
        (void)mprotect(mapping + page_size(), mapped - 2 * page_size(), PROT_READ | PROT_WRITE);
        memset(guard, 0, sizeof *guard);
        guard->mapping = mapping;
        guard->mapped = mapped;
        return guard;
    }
    guard = calloc(1, sizeof *guard);
    if (!guard) return NULL;
    guard->mapping = mmap(NULL, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard->mapping == MAP_FAILED) {
        free(guard);
        return NULL;
    }
    guard->mapped = mapped;
    (void)mprotect(inner(guard), inner_size(guard), PROT_READ | PROT_WRITE);
    return guard;
}

/* `head`: bytes in front that are neither data nor pattern. */
static st_guard *make(size_t bytes, size_t head, const char *what)
{
    size_t    page = page_size(), used = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT, room;
    st_guard *guard;
    if (bytes > SIZE_MAX / 2) return NULL;
    room = (used + head + page) / page * page; /* at least a byte of pattern in front */
    guard = take_mapping(room + 2 * page);
    if (!guard) return NULL;
    guard->what = what;
    guard->bytes = bytes;
    guard->head = head;
    guard->data = inner(guard) + room - used;
    memset(inner(guard) + head, PATTERN, room - used - head);
    memset(guard->data, 0, bytes);
    memset(guard->data + bytes, PATTERN, used - bytes);
    pthread_mutex_lock(&all.mutex);
    guard->next = all.live;
    if (all.live) all.live->previous = guard;
    all.live = guard;
    pthread_mutex_unlock(&all.mutex);
    return guard;
}

st_guard *st_guard_make(size_t bytes, const char *what) { return make(bytes, 0, what); }

st_guard *st_guard_packet(size_t bytes, const char *what)
{
    st_guard *guard = make(bytes, HEAD_PLACE + sizeof(stapes_packet), what);
    if (!guard) return NULL;
    memset(inner(guard), 0, guard->head);
    memcpy(inner(guard), &guard, sizeof guard);
    atomic_store(&guard->references, 1);
    st_guard_head(guard)->data = guard->data;
    return guard;
}

stapes_packet *st_guard_head(const st_guard *guard)
{
    return (stapes_packet *)(void *)(inner(guard) + HEAD_PLACE);
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
    (void)mprotect(inner(guard), inner_size(guard), PROT_READ);
}

bool st_guard_whole(const st_guard *guard)
{
    const unsigned char *begin = (const unsigned char *)inner(guard);
    const unsigned char *end = begin + inner_size(guard);
    for (const unsigned char *at = begin + guard->head; at < (const unsigned char *)guard->data; at++)
        if (*at != PATTERN) return false;
    for (const unsigned char *at = (const unsigned char *)guard->data + guard->bytes; at < end; at++)
        if (*at != PATTERN) return false;
    return true;
}

void st_guard_release(st_guard *guard)
{
    st_guard *oldest, *other;
    pthread_mutex_lock(&all.mutex);
    if (guard->next) guard->next->previous = guard->previous;
    if (guard->previous)
        guard->previous->next = guard->next;
    else
        all.live = guard->next;
    guard->released = true;
    (void)mprotect(inner(guard), inner_size(guard), PROT_NONE);
    oldest = all.released[all.turn];
    all.released[all.turn] = guard;
    all.turn = (all.turn + 1) % MOST_RELEASED;
    other = oldest ? all.spare : NULL;
    if (oldest) all.spare = oldest;
    pthread_mutex_unlock(&all.mutex);
    if (other) unmap(other);
}

static const char *explain_one(const st_guard *guard, const void *address, char *text, size_t size)
{
    long        place = (long)((const char *)address - guard->data);
    const char *at = address;
    if (at < guard->mapping || at >= guard->mapping + guard->mapped) return NULL;
    if (guard->released)
        (void)snprintf(text, size, "uses %s after it was released", guard->what);
    else if (place >= 0 && (size_t)place < guard->bytes)
        (void)snprintf(text, size, "writes to %s (byte %ld of %zu)", guard->what, place, guard->bytes);
    else if (at >= inner(guard) && at < inner(guard) + guard->head)
        (void)snprintf(text, size, "writes to the head of %s", guard->what);
    else
        (void)snprintf(text, size, "reaches outside %s (byte %ld of %zu)", guard->what, place, guard->bytes);
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
