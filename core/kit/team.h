/* team.h - threads that share many short pieces of work, one after the other.
 *
 * A recurrent layer has a thousand steps a second of some microseconds each, and weights that fit into the
 * caches of two processors but not of one: so a step's units are divided, and each member of the team always
 * computes the same share, whose weights stay in its own cache. Waking threads for every step would cost more
 * than the step; the members wait in a loop instead.
 *
 * Nobody depends on a member: whoever is called through stapes_callbacks.parallel may come late, or after
 * all is done, or be the same thread. The leader hands out a share to each member for each step, computes its
 * own, and takes back what nobody has begun. */
#ifndef ST_TEAM_H
#define ST_TEAM_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { ST_TEAM_MOST = 16 };

typedef struct st_team {
    uint32_t size; /* the leader counted */
    void (*work)(void *argument, uint32_t share);
    void       *argument;
    uint64_t    step;
    atomic_bool over;
    struct {
        alignas(64) atomic_ullong offered; /* twice the step; and one, once somebody has taken it */
        atomic_ullong finished;            /* the step */
    } members[ST_TEAM_MOST];               /* [0] is not used */
} st_team;

void st_team_open(st_team *team, uint32_t size);

/* The leader: computes all shares, and returns when all are done. */
void st_team_run(st_team *team, void (*work)(void *argument, uint32_t share), void *argument);

/* The leader: there is no more; members return. */
void st_team_end(st_team *team);

/* Member 1 ... size - 1: takes shares until the leader ends. */
void st_team_join(st_team *team, uint32_t member);

#endif
