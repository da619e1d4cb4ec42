/* quantize.c - `stapes quantize`: a model with smaller weights, and what that cost. The work is the kit's. */
#include "cli/call.h"
#include "cli/numbers.h"
#include "cli/talk.h"
#include "contract/amount.h"
#include "contract/error.h"
#include "plugin/place.h"
#include <stapes/kit/quantize.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    uint32_t    number;
} types[] = {{"int8", STAPES_I8}, {"bf16", STAPES_BF16}, {"f16", STAPES_F16}};

/* The kit's functions, found when the command begins. */
static struct {
    __typeof__(&stapes_quantize_model)        quantize_model;
    __typeof__(&stapes_close_quantize_report) close_report;
    __typeof__(&stapes_name_number)           name_number;
} kit;

static int find_kit(stapes_error *error)
{
    int status = st_numbers_get("stapes_quantize_model", &kit.quantize_model, error);
    if (status >= 0) status = st_numbers_get("stapes_close_quantize_report", &kit.close_report, error);
    if (status >= 0) status = st_numbers_get("stapes_name_number", &kit.name_number, error);
    return status;
}

/* ---- interrupted
 * -------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stopped_by;

static void on_signal(int number)
{
    if (stopped_by) _exit(130);
    stopped_by = number;
}

static bool is_stopped(void *user)
{
    (void)user;
    return stopped_by != 0;
}

/* SIGINT and SIGTERM end the work between two tensors, so that nothing half-made stays; a second one ends the
 * program. */
static void catch_signals(void)
{
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, &before);
    if (before.sa_handler == SIG_IGN) sigaction(SIGINT, &before, NULL);
}

/* ---- words
 * -------------------------------------------------------------------------------------------------- */

static void print_row(int width, const char *name, const char *was, const char *is, uint64_t bytes_before,
                      uint64_t bytes_after)
{
    char before[ST_AMOUNT_TEXT], after[ST_AMOUNT_TEXT];
    printf("%-*s  %4s -> %-4s %10s -> %-10s", width, name, was, is, st_amount_write(bytes_before, before),
           st_amount_write(bytes_after, after));
}

/* A line for each tensor of weights; one for all others, which keep their numbers. */
static void print_report(const stapes_quantize_report *report, const char *out)
{
    stapes_quantized_tensor kept = {0}, all = {0};
    uint32_t                n_kept = 0;
    char                    words[64];
    int                     width = 24;
    for (uint32_t i = 0; i < report->n_tensors; i++)
        if ((int)strlen(report->tensors[i].name) > width) width = (int)strlen(report->tensors[i].name);
    for (uint32_t i = 0; i < report->n_tensors; i++) {
        const stapes_quantized_tensor *tensor = report->tensors + i;
        if (tensor->number_after == STAPES_F32) {
            n_kept++;
            kept.bytes_before += tensor->bytes_before;
            kept.bytes_after += tensor->bytes_after;
            continue;
        }
        print_row(width, tensor->name, kit.name_number(tensor->number_before),
                  kit.name_number(tensor->number_after), tensor->bytes_before, tensor->bytes_after);
        printf("  largest error %.2e, noise %.2g %%\n", tensor->error, 100.0 * tensor->noise);
        if (tensor->noise > all.noise) all = *tensor;
    }
    (void)snprintf(words, sizeof words, "%u other%s", n_kept, n_kept == 1 ? "" : "s");
    if (n_kept) {
        print_row(width, words, "", kit.name_number(STAPES_F32), kept.bytes_before, kept.bytes_after);
        puts("  as they were");
    }
    print_row(width, "weights.safetensors", "", "", report->bytes_before, report->bytes_after);
    printf("  %.0f %%", 100.0 * (double)report->bytes_after / (double)report->bytes_before);
    if (all.name) printf(", most noise in %s", all.name);
    putchar('\n');
    for (uint32_t i = 0; i < report->n_left_out; i++)
        st_talk_note("not copied: %s (hidden, larger than 64 MiB, or no file)", report->left_out[i]);
    st_talk_note("written: %s", out);
}

/* ---- the command
 * -------------------------------------------------------------------------------------------- */

/* The table of the command lets no other name through. */
static uint32_t number_of(const char *type)
{
    uint32_t i = 0;
    while (i + 1 < STAPES_COUNT(types) && strcmp(types[i].name, type) != 0) i++;
    return types[i].number;
}

int st_quantize_command(st_call *call)
{
    const char                   *type = st_call_value(call, "type"), *out = call->arguments[1], *folder;
    stapes_callbacks              callbacks = {.canceled = is_stopped};
    stapes_quantize_options       options = {.replace = st_call_flag(call, "force"), .callbacks = &callbacks};
    const stapes_quantize_report *report;
    stapes_error                  error = {0};
    int                           status;
    if (!type) return st_call_wrong(call, "--type is missing: int8, bf16 or f16");
    options.number = number_of(type);
    folder = st_place_model(call->runtime.model_path, call->arguments[0], &call->arena, &error);
    if (!folder || find_kit(&error) < 0) return st_talk_failure(&error);
    catch_signals();
    status = kit.quantize_model(folder, out, &options, &report, &error);
    if (status < 0 && stopped_by) {
        st_talk_note("interrupted: nothing was written");
        return stopped_by == SIGTERM ? 75 : 130;
    }
    if (status < 0) return st_talk_failure(&error);
    print_report(report, out);
    kit.close_report(report);
    return 0;
}
