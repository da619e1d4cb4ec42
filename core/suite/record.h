/* record.h - what a stage sent, kept and compared: for the contract suite. */
#ifndef ST_RECORD_H
#define ST_RECORD_H

#include <stapes/stage.h>

/* A packet or event, copied. */
typedef struct st_sent {
    uint32_t       port;
    stapes_format  format; /* texts live as long as the suite's child process */
    stapes_time    start, duration;
    uint32_t       rows;
    unsigned char *bytes; /* data; of a text: all that it says, one after the other */
    size_t         length;
    bool           final;   /* of a text */
    uint32_t       event;   /* type of an event, or 0 */
    uint32_t       segment; /* how many segments ended on this port before */
} st_sent;

typedef struct st_record {
    st_sent *items;
    uint32_t count, room;
    bool     incomplete; /* no memory */
} st_record;

/* Appends copies. `segment` as in st_sent. */
void st_record_packet(st_record *record, uint32_t port, uint32_t segment, const stapes_packet *packet);
void st_record_event(st_record *record, uint32_t port, uint32_t segment, const stapes_event *event);

/* Removes and frees all. */
void st_record_clear(st_record *record);

/* Whether both say the same for the segments from `first` on of each (counted from there): the same rows
 * with the same times and bits however they were packed, the same final texts, the same events in their
 * order. `exact`: packets and revisions too. False with words in `text`. */
bool st_record_same(const st_record *a, uint32_t a_first, const st_record *b, uint32_t b_first, bool exact,
                    char *text, size_t size);

/* Bytes of one row of packets of that format; 1 where rows are bytes (text too). */
size_t st_record_row_size(const stapes_format *format);

/* The first row with a NaN among the floats that were sent, told in `text`; false if there is none. */
bool st_record_has_nan(const st_record *record, char *text, size_t size);

#endif
