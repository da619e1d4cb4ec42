/* parity_kinds.c - the table of kinds. */
#include "parity_kinds.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    void (*run)(parity_case *c, parity_result *result);
} kinds[] = {
    {"recurrent", parity_recurrent},
    {"linear", parity_linear},
    {"convolution", parity_convolution},
    {"log_softmax", parity_log_softmax},
    {"network", parity_network},
    {"features", parity_features},
    {"mfcc", parity_mfcc},
    {"stft", parity_stft},
    {"deltas", parity_deltas},
    {"ctc_greedy", parity_ctc_greedy},
    {"ctc_loss", parity_ctc_loss},
};

void parity_run(parity_case *c, parity_result *result)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, parity_kind(c)) == 0) {
            result->covered = true;
            kinds[i].run(c, result);
            return;
        }
    }
    snprintf(result->words, sizeof result->words, "kind '%s' is not known here", parity_kind(c));
}
