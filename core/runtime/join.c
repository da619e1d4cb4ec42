/* join.c - stages of several inputs: what comes is brought into the order of time.
 *
 * Each connected input has a queue. A packet is handed on once no other input can still bring something
 * that starts before it: because something later waits there, because a mark promised so, because its
 * recording has ended, or because nothing comes any more. Equal starts go in the order of the ports. Times
 * start again with each recording, so the order is by (recordings that ended before, start). A segment
 * end waits for those of the other inputs; then the stage is flushed once. */
#include "runtime/engine.h"

#include <stdlib.h>

static bool is_event(const stapes_packet *packet, uint32_t type)
{
    return packet->kind == STAPES_EVENT && ((const stapes_event *)packet->data)->type == type;
}

static bool connected(const st_instance *instance, uint32_t port)
{
    return instance->node->inputs[port].node >= 0;
}

static const stapes_packet *head(const st_queue *queue)
{
    return queue->count ? queue->items[queue->first] : NULL;
}

static int push(st_instance *instance, st_queue *queue, const stapes_packet *packet)
{
    if (queue->count == queue->size) {
        uint32_t              size = queue->size ? queue->size * 2 : 16;
        const stapes_packet **items = malloc(size * sizeof *items);
        if (!items || size < queue->size) {
            free(items);
            return st_error_set(&instance->engine->error, STAPES_ENOMEM, "no memory for %u waiting packets",
                                size);
        }
        for (uint32_t i = 0; i < queue->count; i++) items[i] = queue->items[(queue->first + i) % queue->size];
        free(queue->items);
        queue->items = items;
        queue->size = size;
        queue->first = 0;
    }
    st_pool_retain(packet);
    queue->items[(queue->first + queue->count++) % queue->size] = packet;
    return STAPES_OK;
}

static void drop(st_queue *queue)
{
    const stapes_packet *packet = queue->items[queue->first];
    queue->first = (queue->first + 1) % queue->size;
    queue->count--;
    st_pool_release(packet);
}

/* Whether input `other` can still bring something that belongs before (epoch, start) of input `port`. */
static bool may_precede(const st_queue *other, uint32_t other_port, uint64_t epoch, stapes_time start,
                        uint32_t port)
{
    if (other->ended || other->count || other->at_barrier) return false; /* its head was compared */
    if (other->seen != epoch) return other->seen < epoch;
    return other->progress < start || (other->progress == start && other_port < port);
}

/* The input whose head is next, or -1 if none may go yet. */
static int64_t next_port(const st_instance *instance)
{
    int64_t     best = -1;
    uint64_t    best_epoch = 0;
    stapes_time best_start = 0;
    for (uint32_t p = 0; p < instance->stage->n_inputs; p++) {
        const st_queue *queue = &instance->queues[p];
        if (!queue->count || queue->at_barrier) continue;
        stapes_time start = head(queue)->start;
        if (best < 0 || queue->epoch < best_epoch || (queue->epoch == best_epoch && start < best_start))
            best = p, best_epoch = queue->epoch, best_start = start;
    }
    for (uint32_t p = 0; best >= 0 && p < instance->stage->n_inputs; p++)
        if (p != best && connected(instance, p) &&
            may_precede(&instance->queues[p], p, best_epoch, best_start, (uint32_t)best))
            return -1;
    return best;
}

/* All inputs stand at a segment end (or have ended): flush once, then the events, in order of ports. */
static int pass_barrier(st_instance *instance)
{
    stapes_time position = INT64_MIN;
    for (uint32_t p = 0; p < instance->stage->n_inputs; p++) {
        const st_queue *queue = &instance->queues[p];
        if (queue->at_barrier && head(queue)->start > position) position = head(queue)->start;
    }
    int status = st_flow_flush(instance, STAPES_FLUSH_SEGMENT);
    for (uint32_t i = 0; i < instance->stage->n_outputs && status >= 0; i++)
        status = st_flow_mark(instance, i, position);
    for (uint32_t p = 0; p < instance->stage->n_inputs; p++) {
        st_queue *queue = &instance->queues[p];
        if (!queue->at_barrier) continue;
        if (status >= 0) status = st_flow_take_event(instance, p, head(queue));
        queue->at_barrier = false;
        drop(queue);
    }
    return status;
}

static bool all_at_barrier(const st_instance *instance)
{
    bool any = false;
    for (uint32_t p = 0; p < instance->stage->n_inputs; p++) {
        if (!connected(instance, p)) continue;
        if (instance->queues[p].at_barrier)
            any = true;
        else if (!instance->queues[p].ended || instance->queues[p].count)
            return false;
    }
    return any;
}

/* Hands on all that may go. */
static int pump(st_instance *instance)
{
    for (;;) {
        if (all_at_barrier(instance)) {
            int status = pass_barrier(instance);
            if (status < 0) return status;
        }
        int64_t p = next_port(instance);
        if (p < 0) return STAPES_OK;
        st_queue            *queue = &instance->queues[p];
        const stapes_packet *packet = head(queue);
        if (is_event(packet, STAPES_SEGMENT_END)) {
            queue->at_barrier = true;
            continue;
        }
        int status = packet->kind == STAPES_EVENT ? st_flow_take_event(instance, (uint32_t)p, packet)
                                                  : st_flow_take(instance, (uint32_t)p, packet);
        if (is_event(packet, STAPES_RECORDING_END)) queue->epoch++;
        drop(queue);
        if (status < 0) return status;
    }
}

int st_join_put(st_instance *instance, uint32_t port, const stapes_packet *packet)
{
    st_queue *queue = &instance->queues[port];
    int       status = push(instance, queue, packet);
    if (status < 0) return status;
    if (packet->start > queue->progress) queue->progress = packet->start;
    if (is_event(packet, STAPES_RECORDING_END)) {
        queue->seen++;
        queue->progress = INT64_MIN;
    }
    return pump(instance);
}

int st_join_mark(st_instance *instance, uint32_t port, stapes_time position)
{
    st_queue *queue = &instance->queues[port];
    if (position <= queue->progress) return STAPES_OK;
    queue->progress = position;
    return pump(instance);
}

int st_join_end(st_instance *instance)
{
    for (uint32_t p = 0; p < instance->stage->n_inputs; p++) instance->queues[p].ended = true;
    return pump(instance);
}

void st_join_clear(st_instance *instance)
{
    for (uint32_t p = 0; p < instance->stage->n_inputs; p++) {
        st_queue *queue = &instance->queues[p];
        while (queue->count) drop(queue);
        queue->at_barrier = false;
        queue->epoch = queue->seen = 0; /* all inputs start the next recording together */
        queue->progress = INT64_MIN;
    }
}
