/* text_write.c - text.write: a sink that writes what was recognised, a line for each recording, as soon
 * as the recording ends.
 *
 * A recording without a word is an empty line, so that lines pair with recordings; one that was given up
 * gives none (its words go where messages go). Without recordings in the stream (a program that pushes
 * audio) each segment is a line. A file gets its name once everything is in it. */
#include <stapes/kit.h>
#include <stapes/stage.h>

#include "text_form.h"
#include "text_store.h"

#include <stdlib.h>
#include <string.h>

extern const stapes_stage text_write_stage;

enum { PLAIN, JSON_LINES };

typedef struct settings {
    const char *path;
    int32_t     format;
} settings;

typedef struct state {
    stapes_output output;
    text_store    store;
    text_line     line;
    char         *name; /* of the recording, or NULL */
    bool          in_recording;
    stapes_time   begin; /* of the segment */
} state;

static const stapes_parameter parameters[] = {
    STAPES_PARAMETER(settings, format, "txt",
                     "txt: the words; jsonl: a JSON object with times for each recording",
                     .choices = "txt|jsonl"),
    STAPES_PARAMETER(settings, path, "-", "the file; - is standard output", .flags = STAPES_IS_OUTPUT_FILE),
};

static int failed(const stapes_instance *me, const stapes_error *error)
{
    return me->host->fail(me, error->status, "%s", error->text);
}

static int open_sink(const stapes_instance *me)
{
    const settings *set = me->settings;
    state          *my = me->state;
    stapes_error    error = {0};
    return stapes_begin_output(&my->output, set->path, &error) ? failed(me, &error) : STAPES_OK;
}

static int process(const stapes_instance *me, uint32_t port, const stapes_packet *packet)
{
    state *my = me->state;
    (void)port;
    return text_store_add(&my->store, packet) ? me->host->fail(me, STAPES_ENOMEM, "no memory for a text")
                                              : STAPES_OK;
}

/* One line with all that is in the store. */
static int write_line(const stapes_instance *me, stapes_time length)
{
    const settings *set = me->settings;
    state          *my = me->state;
    stapes_error    error = {0};
    text_form_clear(&my->line);
    if (set->format == JSON_LINES)
        text_form_json(&my->line, &my->store, my->name, length);
    else
        text_form_plain(&my->line, &my->store);
    text_store_clear(&my->store);
    if (my->line.failed) return me->host->fail(me, STAPES_ENOMEM, "no memory for a line");
    return stapes_write_output(&my->output, my->line.bytes, my->line.length, &error) ? failed(me, &error)
                                                                                     : STAPES_OK;
}

static int begin_recording(const stapes_instance *me, const stapes_event *what)
{
    state *my = me->state;
    text_store_clear(&my->store);
    my->in_recording = true;
    free(my->name);
    my->name = what->name ? strdup(what->name) : NULL;
    return what->name && !my->name ? me->host->fail(me, STAPES_ENOMEM, "no memory") : STAPES_OK;
}

static int event(const stapes_instance *me, uint32_t port, const stapes_event *what)
{
    state *my = me->state;
    (void)port;
    switch (what->type) {
    case STAPES_RECORDING_BEGIN: return begin_recording(me, what);
    case STAPES_RECORDING_ABANDONED:
        text_store_clear(&my->store);
        my->in_recording = false;
        return STAPES_OK;
    case STAPES_RECORDING_END: my->in_recording = false; return write_line(me, what->position);
    case STAPES_SEGMENT_BEGIN: my->begin = what->position; return STAPES_OK;
    case STAPES_SEGMENT_END: return my->in_recording ? STAPES_OK : write_line(me, what->position - my->begin);
    default: return STAPES_OK;
    }
}

static int flush(const stapes_instance *me, int how)
{
    state       *my = me->state;
    stapes_error error = {0};
    if (how != STAPES_FLUSH_END) return STAPES_OK;
    /* Texts that no event closed. */
    if (my->store.n_segments && !my->in_recording) {
        int status = write_line(me, my->store.segments[my->store.n_segments - 1].end);
        if (status != STAPES_OK) return status;
    }
    return stapes_end_output(&my->output, &error) ? failed(me, &error) : STAPES_OK;
}

static void close_sink(const stapes_instance *me)
{
    state *my = me->state;
    stapes_drop_output(&my->output);
    text_store_close(&my->store);
    text_form_close(&my->line);
    free(my->name);
}

static const stapes_port inputs[] = {{.name = "in", .kinds = STAPES_KIND(STAPES_TEXT)}};

const stapes_stage text_write_stage = {
    .size = sizeof(stapes_stage),
    .flags = STAPES_TOUCHES_FILES,
    .name = "text.write",
    .summary = "writes texts: a line for each recording, plain or as JSON",
    STAPES_INPUTS(inputs),
    STAPES_PARAMETERS(parameters),
    .settings_size = sizeof(settings),
    .state_size = sizeof(state),
    .open = open_sink,
    .process = process,
    .event = event,
    .flush = flush,
    .close = close_sink,
};

STAPES_PLUGIN("text", "1.0.0", "MIT", &text_write_stage);
