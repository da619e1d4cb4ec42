/* kit.h - libstapes-kit: numbers and model files for stages.
 *
 * A plugin may link it; it needs nothing else of stapes. One header for each part:
 *
 *   stapes/kit/tensors.h   safetensors files, mapped and checked
 *   stapes/kit/model.h     model folders: what model.yaml says, vocabularies
 *   stapes/kit/machine.h   what was chosen for this machine: processor's path, library for products
 *   stapes/kit/product.h   products of rows with packed weights
 *   stapes/kit/functions.h  functions of many numbers: tanh, softmax, ...
 *   stapes/kit/network.h   recurrent and feed-forward networks
 *   stapes/kit/quantize.h  models with weights of int8, bfloat16, float16
 *   stapes/kit/ctc.h       connectionist temporal classification: best path, score of a text
 *   stapes/kit/features.h  log-mel features, MFCC, short-time spectra
 *   stapes/kit/deltas.h    their derivatives over time
 *   stapes/kit/output.h    results written whole or not at all
 *   stapes/kit/hash.h      SHA-256
 *
 * Errors are records of stage.h (stapes_error) or NULL; the first cause wins. Objects that say "constant"
 * may be used by any number of threads at once. The same input gives the same bits whatever is computed
 * beside it and however it was cut.
 */
#ifndef STAPES_KIT_H
#define STAPES_KIT_H

#include <stapes/kit/ctc.h>
#include <stapes/kit/deltas.h>
#include <stapes/kit/features.h>
#include <stapes/kit/functions.h>
#include <stapes/kit/hash.h>
#include <stapes/kit/machine.h>
#include <stapes/kit/model.h>
#include <stapes/kit/network.h>
#include <stapes/kit/output.h>
#include <stapes/kit/product.h>
#include <stapes/kit/quantize.h>
#include <stapes/kit/tensors.h>

#endif
