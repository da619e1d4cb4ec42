/* drive.h - whole lives of a stage, from open to close, as a plan says: for the contract suite. */
#ifndef ST_DRIVE_H
#define ST_DRIVE_H

#include "suite/feed.h"

enum { ST_DRIVE_SEGMENTS = 6 };

typedef struct st_plan {
    int         cut, flavours[ST_DRIVE_SEGMENTS]; /* enum st_feed_cut; enum st_feed_flavour */
    uint32_t    n_segments, first;               /* segments `first` to first + n - 1 of one long recording */
    uint32_t    combinations[ST_DRIVE_SEGMENTS]; /* the formats of each segment */
    bool        recordings;                      /* each segment is a recording of its own, from time 0 */
    bool        reconfigure;     /* configure comes before each segment, not only where formats change */
    double      seconds;         /* of each segment; 0: the shortest, one row */
    stapes_time start;           /* of the recording's first segment */
    uint64_t    content, random; /* seeds of what is in it, and of how it is cut */
    int         parallel;
    bool        goes_on; /* flush(end) does not come yet */
    uint32_t    refuse_emit;
} st_plan;

/* An ordinary plan: one segment of the usual length of `combination`. */
st_plan st_drive_plan(const st_case *c, uint32_t combination);

/* Opens, configures, sends all segments, flushes, closes. The first status that is negative ends it (close
 * comes all the same). `sent` gets what the stage sent (may be NULL), `words` (may be NULL) the stage's own
 * words on failure. Breaches are failures of the case, told with `doing`. */
int st_drive_run(st_case *c, const st_plan *plan, const char *doing, st_record *sent, stapes_error *words);

/* The same for lives that may not fail at all: a negative status is a failure of the case. False then, and
 * after a breach. */
bool st_drive_good(st_case *c, const st_plan *plan, const char *doing, st_record *sent);

/* The part between open and close, for a probe that is open. */
int st_drive_stream(st_probe *probe, const st_plan *plan);

/* Pointers to the formats of a combination, NULL behind the last input. */
void st_drive_formats(const st_case *c, uint32_t combination, const stapes_format **formats);

/* "audio, 16000 Hz, 1 channel" of the first input. Returns text. */
const char *st_drive_format_text(const st_case *c, uint32_t combination, char *text, size_t size);

#endif
