/* callbacks.h - what a long computation of the kit may use of its caller's. */
#ifndef STAPES_KIT_CALLBACKS_H
#define STAPES_KIT_CALLBACKS_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A NULL field is one that the caller does not have; so is a NULL pointer instead of the whole. A stage
 * fills it from its host (host->canceled, host->parallel). Used only during the call it is given to, by the
 * calling thread and by those that `parallel` lends. */
typedef struct stapes_callbacks {
    bool (*canceled)(void *user); /* looked at now and then; true: the call ends with STAPES_ECANCELED */
    /* Runs work(argument, i) for each i below `count`, maybe on several threads, and returns when all are
     * done. Results do not depend on who ran what. */
    void (*parallel)(void *user, uint32_t count, void (*work)(void *argument, uint32_t i), void *argument);
    void    *user;
    uint32_t threads; /* how many `parallel` has; 0: not known */
} stapes_callbacks;

#ifdef __cplusplus
}
#endif
#endif
