/* parity_ctc.c - cases of greedy decoding and of the CTC loss. */
#include "parity_kinds.h"

void parity_ctc_greedy(parity_case *c, parity_result *result)
{
    uint32_t      blank = parity_integer(c, "blank");
    parity_tensor scores = parity_get(c, "input.log_probs", 2);
    if (parity_failed(c)) return;
    size_t           rows = scores.shape[0];
    stapes_run      *runs = parity_memory(c, rows + 1, sizeof *runs);
    stapes_best_path path = {0};
    size_t n = stapes_follow_path(&path, scores.data, (uint32_t)rows, (uint32_t)scores.shape[1], blank, runs);
    n += stapes_end_path(&path, blank, &runs[n]);

    int64_t *tokens = parity_memory(c, n, sizeof *tokens);
    int64_t *starts = parity_memory(c, n, sizeof *starts);
    int64_t *ends = parity_memory(c, n, sizeof *ends);
    for (size_t i = 0; i < n; i++) {
        tokens[i] = runs[i].label;
        starts[i] = (int64_t)runs[i].first;
        ends[i] = (int64_t)runs[i].end;
    }
    parity_compare_ids(c, result, "output.tokens", tokens, n);
    parity_compare_ids(c, result, "output.starts", starts, n);
    parity_compare_ids(c, result, "output.ends", ends, n);
}

void parity_ctc_loss(parity_case *c, parity_result *result)
{
    uint32_t       blank = parity_integer(c, "blank");
    parity_tensor  scores = parity_get(c, "input.log_probs", 3);
    size_t         n_lengths, n_targets, n_target_lengths;
    const int64_t *lengths = parity_integers(c, "input.lengths", &n_lengths);
    const int64_t *targets = parity_integers(c, "input.targets", &n_targets);
    const int64_t *target_lengths = parity_integers(c, "input.target_lengths", &n_target_lengths);
    if (parity_failed(c)) return;
    size_t batch = scores.shape[0], longest = batch ? n_targets / batch : 0;
    if (n_lengths != batch || n_target_lengths != batch) {
        parity_fail(c, "case.safetensors: lengths and target_lengths are not one for each of %zu texts",
                    batch);
        return;
    }
    float   *loss = parity_memory(c, batch, sizeof *loss);
    double  *room = parity_memory(c, 2 * longest + 1, sizeof *room);
    int32_t *target = parity_memory(c, longest, sizeof *target);
    for (size_t b = 0; b < batch; b++) {
        if (lengths[b] < 0 || (size_t)lengths[b] > scores.shape[1] || target_lengths[b] < 0 ||
            (size_t)target_lengths[b] > longest) {
            parity_fail(c, "case.safetensors: lengths of text %zu are outside its tensors", b);
            return;
        }
        for (size_t i = 0; i < (size_t)target_lengths[b]; i++) target[i] = (int32_t)targets[b * longest + i];
        loss[b] = (float)-stapes_score_target(scores.data + b * scores.shape[1] * scores.shape[2],
                                              (uint32_t)lengths[b], (uint32_t)scores.shape[2], blank, target,
                                              (uint32_t)target_lengths[b], room);
    }
    parity_compare(c, result, "output.loss", loss, batch);
}
