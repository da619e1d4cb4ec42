/* share.c - objects that instances of one runtime have in common, such as models: made by the first who
 * asks, destroyed when the last one that asked is closed. */
#include "runtime/engine.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct st_shared {
    struct st_shared *next;
    char             *key;
    void             *object;
    void (*destroy)(void *object);
    uint64_t users;
} st_shared;

struct st_held {
    struct st_held *next;
    st_shared      *shared;
};

struct st_share {
    pthread_mutex_t lock; /* recursive: a model may be made of others */
    st_shared      *objects;
};

st_share *st_share_open(void)
{
    pthread_mutexattr_t kind;
    st_share           *share = calloc(1, sizeof *share);
    if (!share) return NULL;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&share->lock, &kind);
    pthread_mutexattr_destroy(&kind);
    return share;
}

void st_share_close(st_share *share)
{
    if (!share) return;
    pthread_mutex_destroy(&share->lock);
    free(share);
}

static void destroy_shared(st_share *share, st_shared *shared)
{
    for (st_shared **p = &share->objects; *p; p = &(*p)->next) {
        if (*p != shared) continue;
        *p = shared->next;
        break;
    }
    if (shared->destroy) shared->destroy(shared->object);
    free(shared->key);
    free(shared);
}

int st_share_get(st_share *share, st_instance *instance, const char *key,
                 int (*make)(const stapes_instance *me, void *argument, void **object),
                 void (*destroy)(void *object), void *argument, void **object)
{
    st_shared *shared, *made = NULL;
    int        status = STAPES_OK;
    st_held   *held = calloc(1, sizeof *held);
    pthread_mutex_lock(&share->lock);
    for (shared = share->objects; shared && strcmp(shared->key, key); shared = shared->next) {
    }
    if (!held) {
        shared = NULL;
    } else if (!shared) {
        made = calloc(1, sizeof *made);
        if (made) made->key = strdup(key);
        if (made && made->key) {
            status = make(&instance->me, argument, &made->object);
            made->destroy = destroy;
            if (status >= 0) {
                made->next = share->objects;
                share->objects = shared = made;
                made = NULL;
            }
        }
    }
    if (shared) {
        shared->users++;
        held->shared = shared;
        held->next = instance->held;
        instance->held = held;
        held = NULL;
        *object = shared->object;
        status = STAPES_OK;
    }
    pthread_mutex_unlock(&share->lock);
    if (!shared && status >= 0)
        status = st_error_set(&instance->engine->error, STAPES_ENOMEM, "no memory for the shared object '%s'",
                              key);
    if (made) free(made->key);
    free(made);
    free(held);
    return status;
}

void st_share_release(st_share *share, st_instance *instance)
{
    while (instance->held) {
        st_held *held = instance->held;
        instance->held = held->next;
        pthread_mutex_lock(&share->lock);
        if (!--held->shared->users) destroy_shared(share, held->shared);
        pthread_mutex_unlock(&share->lock);
        free(held);
    }
}
