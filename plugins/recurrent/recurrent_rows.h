/* recurrent_rows.h - what an instance of recurrent.network keeps, and the rows that go through it. */
#ifndef RECURRENT_ROWS_H
#define RECURRENT_ROWS_H

#include <stapes/kit.h>
#include <stapes/stage.h>

typedef struct recurrent_settings {
    const char *model;
    float       longest; /* s */
} recurrent_settings;

/* What all instances of a model share. */
typedef struct recurrent_shared {
    const stapes_model *model;
    stapes_network     *network;
} recurrent_shared;

typedef struct recurrent_state {
    const recurrent_shared *shared;
    stapes_network_shape    shape;
    stapes_stream          *stream;
    stapes_time             hop;  /* of the input */
    float                  *held; /* bidirectional: (most, in), rows of the segment so far */
    uint32_t                most; /* of them */
    uint32_t                n_held;
    bool                    begun;
    stapes_time             origin; /* of the first row */
    int64_t                 rows_in, rows_out;
    char                    recipe[300];
} recurrent_state;

/* Takes the stream, and for a bidirectional network memory for the rows that are held. Status, with words. */
int recurrent_rows_take_memory(const stapes_instance *me);

/* Forgets what was begun. */
void recurrent_rows_begin_again(recurrent_state *state);

/* stapes_stage.process, flush, process_many and flush_many. */
int recurrent_rows_process(const stapes_instance *me, uint32_t port, const stapes_packet *packet);
int recurrent_rows_flush(const stapes_instance *me, int how);
int recurrent_rows_process_many(const stapes_instance *const *many, const stapes_packet *const *packets,
                                uint32_t count);
int recurrent_rows_flush_many(const stapes_instance *const *many, uint32_t count, int how);

#endif
