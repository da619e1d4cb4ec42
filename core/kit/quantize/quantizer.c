/* quantizer.c - tensors and model folders quantised; see stapes/kit/quantize.h. A model is loaded before
 * anything is written, so that only right ones are quantised, and what was written is loaded before it gets
 * its name. */
#include <stapes/kit/quantize.h>

#include "contract/amount.h"
#include "contract/error.h"
#include "kit/quantize/folder.h"
#include "kit/quantize/model_notes.h"
#include "kit/quantize/plan.h"
#include <stapes/kit/network.h>

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

typedef struct own_report {
    stapes_quantize_report about; /* first: what the caller has is a pointer to it */
    st_arena               arena;
} own_report;

void stapes_close_quantize_report(const stapes_quantize_report *report)
{
    if (!report) return;
    own_report *own = (own_report *)(uintptr_t)report;
    st_arena_close(&own->arena);
    free(own);
}

static int check_number(uint32_t number, stapes_error *error)
{
    if (number == STAPES_I8 || number == STAPES_F16 || number == STAPES_BF16) return STAPES_OK;
    return st_error_set(error, STAPES_EUSAGE, "weights cannot become %s, allowed are I8, BF16 and F16",
                        stapes_name_number(number));
}

/* What the plan knows; errors of rounding come later. */
static void fill_report(own_report *report, const st_plan *plan, uint32_t count)
{
    report->about.tensors = plan->about;
    report->about.n_tensors = count;
    for (uint32_t i = 0; i < count; i++) report->about.parameters += plan->about[i].count;
    report->about.bytes_after = plan->bytes;
}

static own_report *open_report(stapes_error *error)
{
    own_report *report = calloc(1, sizeof *report);
    if (!report) (void)st_error_set(error, STAPES_ENOMEM, "no memory");
    if (report) report->about.size = sizeof report->about;
    return report;
}

/* Gives the report away, or, where nobody wants it or all is lost, closes it. */
static void give_report(own_report *report, int status, const stapes_quantize_report **to)
{
    if (to) *to = status >= 0 ? &report->about : NULL;
    if (report && (!to || status < 0)) stapes_close_quantize_report(&report->about);
}

/* ---- tensors --------------------------------------------------------------------------------------------
 */

void *stapes_quantize_tensors(const stapes_tensor *const *tensors, uint32_t count, uint32_t number,
                              size_t *bytes, const stapes_quantize_report **report, stapes_error *error)
{
    st_plan     plan;
    void       *file = NULL;
    own_report *own = NULL;
    int         status = check_number(number, error);
    if (status >= 0 && !(own = open_report(error))) status = STAPES_ENOMEM;
    if (status >= 0) status = st_plan_make(&plan, tensors, count, number, NULL, &own->arena, error);
    if (status >= 0 && !(file = plan.bytes <= PTRDIFF_MAX ? malloc((size_t)plan.bytes) : NULL))
        status = st_error_set(error, STAPES_ENOMEM, "no memory for %llu bytes of tensors",
                              (unsigned long long)plan.bytes);
    if (status >= 0) status = st_plan_write(&plan, file, NULL, NULL, error);
    if (status >= 0) {
        *bytes = (size_t)plan.bytes;
        fill_report(own, &plan, count);
        for (uint32_t i = 0; i < count; i++) own->about.bytes_before += tensors[i]->bytes;
    }
    give_report(own, status, report);
    return file;
}

/* ---- model folders ----------------------------------------------------------------------------------------
 */

typedef struct work {
    const char                    *from;
    const stapes_model            *model;
    const stapes_quantize_options *options;
    const char                    *weights; /* path of the old ones */
    stapes_tensors                *tensors;
    st_folder                      folder; /* the new one */
    st_plan                        plan;
    own_report                    *report;
    stapes_error                  *error;
} work;

static int fail_memory(work *w) { return st_error_set(w->error, STAPES_ENOMEM, "no memory"); }

/* The new folder is neither the old one nor inside or around it. */
static int check_places(work *w)
{
    char       *from = realpath(w->from, NULL);
    const char *to = w->folder.path;
    bool        inside = from && st_folder_holds(from, to), around = from && st_folder_holds(to, from);
    int         status = STAPES_OK;
    if (!from)
        status = st_error_set(w->error, STAPES_ESYSTEM, "%s: cannot be looked at", w->from);
    else if (inside && around)
        status =
            st_error_set(w->error, STAPES_EUSAGE, "%s: is the model's own folder: choose another name", to);
    else if (inside)
        status = st_error_set(w->error, STAPES_EUSAGE,
                              "%s: is inside the model's own folder, %s: choose a place beside it", to, from);
    else if (around)
        status = st_error_set(
            w->error, STAPES_EUSAGE,
            "%s: holds the model's own folder, %s, and would be replaced: choose another name", to, from);
    free(from);
    return status;
}

/* Loads all of a model, so that it is known to be right. */
static int check_loads(const stapes_model *model, stapes_error *error)
{
    stapes_network *network = stapes_load_network(model, error);
    stapes_close_network(network);
    return network ? STAPES_OK : error->status;
}

static int make_plan(work *w)
{
    st_arena             *arena = &w->report->arena;
    uint32_t              count = stapes_count_tensors(w->tensors);
    const stapes_tensor **sources = st_arena_take(arena, count, sizeof *sources);
    struct stat           about;
    if (!sources) return fail_memory(w);
    for (uint32_t i = 0; i < count; i++) sources[i] = stapes_get_tensor(w->tensors, i);
    int status =
        st_plan_make(&w->plan, sources, count, w->options->number, w->options->callbacks, arena, w->error);
    if (status < 0) {
        (void)st_error_within(w->error, "%s", w->weights);
        return status;
    }
    fill_report(w->report, &w->plan, count);
    if (stat(w->weights, &about) == 0) w->report->about.bytes_before = (uint64_t)about.st_size;
    return STAPES_OK;
}

/* Whether there is room for the weights; known before the first byte. */
static int check_space(work *w)
{
    char           needed[ST_AMOUNT_TEXT], there[ST_AMOUNT_TEXT];
    struct statvfs about;
    if (statvfs(w->folder.temporary, &about) != 0) return STAPES_OK; /* writing will tell */
    uint64_t space = (uint64_t)about.f_bavail * about.f_frsize;
    if (w->plan.bytes <= space) return STAPES_OK;
    return st_error_set(w->error, STAPES_ESYSTEM, "%s: the weights need %s, the disk has %s", w->folder.path,
                        st_amount_write(w->plan.bytes, needed), st_amount_write(space, there));
}

static int write_weights(work *w)
{
    stapes_output output;
    char         *path = st_arena_format(&w->report->arena, "%s/weights.safetensors", w->folder.temporary);
    if (!path) return fail_memory(w);
    int status = stapes_begin_output(&output, path, w->error);
    if (status >= 0) status = st_plan_write(&w->plan, NULL, &output, w->options->callbacks, w->error);
    if (status >= 0) status = stapes_end_output(&output, w->error);
    stapes_drop_output(&output);
    return status;
}

static int write_others(work *w)
{
    static const char *const ours[] = {"weights.safetensors", "model.yaml", "CARD.md", NULL};
    st_folder_rest           rest;
    st_arena                *arena = &w->report->arena;
    int status = st_folder_copy(w->from, w->folder.temporary, ours, arena, &rest, w->error);
    if (status < 0) return status;
    w->report->about.left_out = rest.names;
    w->report->about.n_left_out = rest.count;
    status = st_model_notes_yaml(w->from, w->folder.temporary, w->options->number, arena, w->error);
    return status < 0 ? status
                      : st_model_notes_card(w->from, w->folder.temporary, w->model->name, w->options->number,
                                            &w->report->about, arena, w->error);
}

/* What was written loads like any other model. */
static int check_written(work *w)
{
    const stapes_model *model = stapes_open_model(w->folder.temporary, w->error);
    int                 status = model ? check_loads(model, w->error) : w->error->status;
    stapes_close_model(model);
    return status;
}

static int write_folder(work *w)
{
    int status = st_folder_begin(&w->folder, &w->report->arena, w->error);
    if (status >= 0) status = check_space(w);
    if (status >= 0) status = write_weights(w);
    if (status >= 0) status = write_others(w);
    if (status >= 0) status = check_written(w);
    if (status >= 0) status = st_folder_end(&w->folder, w->error);
    st_folder_drop(&w->folder);
    return status;
}

static int quantize(work *w, const char *out)
{
    st_arena *arena = &w->report->arena;
    int       status = check_number(w->options->number, w->error);
    if (status < 0) return status;
    if (!(w->model = stapes_open_model(w->from, w->error))) return w->error->status;
    status = st_folder_look(&w->folder, out, w->options->replace, "model.yaml", arena, w->error);
    if (status >= 0) status = check_places(w);
    if (status >= 0) status = check_loads(w->model, w->error);
    if (status < 0) return status;
    if (!(w->weights = st_arena_format(arena, "%s/weights.safetensors", w->from))) return fail_memory(w);
    if (!(w->tensors = stapes_open_tensors(w->weights, w->error))) return w->error->status;
    status = make_plan(w);
    return status < 0 ? status : write_folder(w);
}

int stapes_quantize_model(const char *folder, const char *out, const stapes_quantize_options *options,
                          const stapes_quantize_report **report, stapes_error *error)
{
    stapes_error own = {0};
    work         w = {.from = folder, .options = options, .error = error ? error : &own};
    int          status = STAPES_ENOMEM;
    if ((w.report = open_report(w.error))) status = quantize(&w, out);
    stapes_close_tensors(w.tensors);
    stapes_close_model(w.model);
    give_report(w.report, status, report);
    return status;
}
