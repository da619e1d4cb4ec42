/* parity_kinds.h - how each kind of case is run: one function a kind, one file a family. */
#ifndef PARITY_KINDS_H
#define PARITY_KINDS_H

#include "parity_case.h"

/* Runs a case by its kind. result->covered stays false for a kind that is not known, and where a
 * function finds parameters that stapes does not have; result->words then say which. */
void parity_run(parity_case *c, parity_result *result);

/* One kind each: computes what the case asks for with the kit, and compares. */
void parity_recurrent(parity_case *c, parity_result *result);
void parity_linear(parity_case *c, parity_result *result);
void parity_convolution(parity_case *c, parity_result *result);
void parity_log_softmax(parity_case *c, parity_result *result);
void parity_network(parity_case *c, parity_result *result);
void parity_features(parity_case *c, parity_result *result);
void parity_mfcc(parity_case *c, parity_result *result);
void parity_stft(parity_case *c, parity_result *result);
void parity_deltas(parity_case *c, parity_result *result);
void parity_ctc_greedy(parity_case *c, parity_result *result);
void parity_ctc_loss(parity_case *c, parity_result *result);

#endif
