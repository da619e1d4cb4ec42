/* team.h - threads that share many short pieces of work, one after the other.
 *
 * A recurrent layer has a thousand steps a second of some microseconds each, and weights that fit into the
 * caches of two processors but not of one: so a step's units are divided, and each member of the team always
 * computes the same share, whose weights stay in its own cache. Waking threads for every step would cost more
 * than the step; the members wait in a loop instead.
 *
 * Nobody depends on a member: whoever is called through stapes_callbacks.parallel may come late, or after
 * all is done, or be the same thread. The leader hands out a share to each member for each step, computes its
 * own, and takes back what nobody has begun.
 *
 * Processors of one machine are not always equally fast (others use them too, or half of them), and a step is
 * done when the last share is. So the time that shares take is measured, and now and then the shares are made
 * such that they would have taken the same. Who computes what changes no result. */
#ifndef ST_TEAM_H
#define ST_TEAM_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ST_TEAM_MOST = 16 };

typedef struct st_team {
    uint32_t size;                   /* the leader counted */
    uint32_t rounds;                 /* since the shares were last made */
    double   cuts[ST_TEAM_MOST + 1]; /* share i is from cuts[i] to cuts[i + 1] of the whole, 1 */
    double   busy[ST_TEAM_MOST];     /* seconds, since then */
    void (*work)(void *argument, uint32_t share);
    void       *argument;
    uint64_t    step;
    atomic_bool over;
    struct {
        alignas(64) atomic_ullong offered; /* twice the step; and one, once somebody has taken it */
        atomic_ullong finished;            /* the step */
        double        took;                /* seconds; written before `finished` */
    } members[ST_TEAM_MOST];               /* [0] is not used */
} st_team;

void st_team_open(st_team *team, uint32_t size);

/* The leader: computes all shares, and returns when all are done. */
void st_team_run(st_team *team, void (*work)(void *argument, uint32_t share), void *argument);

/* The first of `count` things that belong to a share; of the share after the last, `count`. The same for all
 * members during a step. */
size_t st_team_first(const st_team *team, size_t count, uint32_t share);

/* The leader: there is no more; members return. */
void st_team_end(st_team *team);

/* Member 1 ... size - 1: takes shares until the leader ends. */
void st_team_join(st_team *team, uint32_t member);

#endif
