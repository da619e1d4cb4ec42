/* stage_bench.h - one instance of a stage of a plugin on a small host, which keeps what comes out: for tests
 * that call a stage's functions themselves. */
#ifndef STAGE_BENCH_H
#define STAGE_BENCH_H

#include <stapes/stage.h>

#include <stddef.h>

enum { BENCH_TOKENS = 4000 };

typedef struct bench {
    const stapes_stage *stage;
    stapes_instance     me;
    char                words[1024];
    stapes_format       formats[2]; /* of the outputs */
    stapes_bounds       bounds;
    void               *workers;          /* NULL: host->parallel works alone (bench_open_workers) */
    bool                canceled;         /* the answer of host->canceled, from */
    uint32_t            asked, cancel_at; /* the n-th question on, 0: not */
    uint32_t            refuse;           /* the n-th emit is refused, 0: none */
    uint32_t            rows;             /* of output 0, frames and scores */
    float              *values;           /* (rows, columns) */
    stapes_time        *starts;           /* (rows) */
    size_t              room;             /* rows that fit */
    stapes_token        tokens[BENCH_TOKENS];
    uint32_t            n_tokens, n_texts;
    char                text[400];
    stapes_text         last;
    stapes_time         text_start, text_end;
} bench;

/* The one stage of a plugin, opened with this model; longest in seconds where it has that. */
int bench_open(bench *b, const char *file, const char *model, float longest);

/* Closes the instance and frees what was kept. */
void bench_close(bench *b);

int bench_configure(bench *b, const stapes_format *in);
int bench_push(bench *b, const stapes_format *in, stapes_time start, const float *data, uint32_t rows);
int bench_flush(bench *b);
int bench_event(bench *b, uint32_t type, uint32_t segment);

/* The recipe that a model asks for, from the words with which it refuses an input without; returns text. */
const char *bench_recipe(const char *file, const char *model, char *text, size_t size);

/* A packet as bench_push makes it. */
stapes_packet bench_packet(const stapes_format *in, stapes_time start, const float *data, uint32_t rows);

/* The runtime's own threads, for instances whose `workers` they are. */
void *bench_open_workers(uint32_t threads);
void  bench_close_workers(void *workers);

#endif
