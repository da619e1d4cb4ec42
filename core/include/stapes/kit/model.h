/* model.h - model folders: model.yaml, its vocabulary, and what they say about the network.
 *
 *   stapes-model: 1
 *   name: an4
 *   summary: spoken letters, digits and names; English
 *   licence: MIT
 *   features: {rate: 16000, style: kaldi, mels: 80}      # as the parameters of stage features.logmel
 *   network:                                             # in order; `name` begins the names of its tensors
 *     - {layer: conv1d, name: front, in: 80, out: 256, kernel: 3, stride: 2, padding: 1, activation: relu}
 *     - {layer: lstm, name: lstm, in: 256, hidden: 320, layers: 4, bidirectional: true}
 *     - {layer: linear, name: head, in: 640, out: 30}
 *   output: log_softmax                                  # or none
 *   vocabulary: vocabulary.txt                           # a label a line; `<space>`, `<blank>`
 *   blank: 0                                             # number of the blank, from 0
 *
 * The weights are in weights.safetensors beside it; stapes_load_network (network.h) reads them.
 */
#ifndef STAPES_KIT_MODEL_H
#define STAPES_KIT_MODEL_H

#include <stapes/stage.h>

#ifdef __cplusplus
extern "C" {
#endif

enum stapes_layer_kind { STAPES_LINEAR = 1, STAPES_CONV1D, STAPES_RNN, STAPES_GRU, STAPES_LSTM };

enum stapes_activation { STAPES_IDENTITY = 0, STAPES_RELU, STAPES_TANH, STAPES_SIGMOID };

/* A layer as torch.nn has it. `name` begins the names of its tensors: NAME.weight (linear: (out, in);
 * conv1d: (out, in, kernel)) and NAME.bias; NAME.weight_ih_l0, NAME.weight_hh_l0, NAME.bias_ih_l0,
 * NAME.bias_hh_l0, with projection NAME.weight_hr_l0, and so on for each layer of the stack and with
 * _reverse for the other direction. */
typedef struct stapes_layer {
    const char *name;
    uint32_t    kind;       /* enum stapes_layer_kind */
    uint32_t    in;         /* numbers of one input row */
    uint32_t    out;        /* of one output row; recurrent: of one direction, hidden or projection */
    uint32_t    kernel;     /* conv1d: rows under the kernel, */
    uint32_t    stride;     /* rows from one position to the next, */
    uint32_t    padding;    /* rows of zeros before the first and behind the last row */
    uint32_t    hidden;     /* recurrent: numbers of the state */
    uint32_t    layers;     /* recurrent: height of the stack */
    uint32_t    projection; /* lstm: proj_size, or 0 */
    uint32_t    activation; /* enum stapes_activation; rnn: STAPES_TANH or STAPES_RELU, inside the step */
    bool        bidirectional;
    bool        bias;
} stapes_layer;

/* A key of a map in model.yaml and its value as written, and the line where it stands. */
typedef struct stapes_setting {
    const char *key, *value;
    uint32_t    line;
} stapes_setting;

/* The labels of a network. */
typedef struct stapes_vocabulary {
    uint32_t           count;    /* 0: the model has none */
    uint32_t           blank;    /* the label that says nothing */
    const char *const *labels;   /* UTF-8; "<space>" divides words, as does a leading U+2581 */
    char               hash[72]; /* "sha256:..." of the file, as in stapes_format */
} stapes_vocabulary;

enum stapes_ending { STAPES_ENDS_PLAIN = 0, STAPES_ENDS_LOG_SOFTMAX };

/* What model.yaml and the vocabulary say; constant. Strings live as long as the model. GROWS */
typedef struct stapes_model {
    uint32_t              size;
    uint32_t              output; /* enum stapes_ending */
    const char           *folder, *name, *summary, *licence;
    const stapes_setting *features;
    uint32_t              n_features;
    uint32_t              n_layers;
    const stapes_layer   *layers;
    uint32_t              in, out; /* numbers of one row of the first layer's input, the last one's output */
    stapes_vocabulary     vocabulary;
    const char           *recipe; /* of the features, as in stapes_format; NULL where there are none */
} stapes_model;

/* Reads and checks model.yaml and the vocabulary of a folder, not the weights. Owned by the caller. NULL:
 * the error says file and line, what was found, and what is allowed. [control] */
STAPES_EXPORT const stapes_model *stapes_open_model(const char *folder, stapes_error *error);

/* NULL is allowed. [control] */
STAPES_EXPORT void stapes_close_model(const stapes_model *model);

#ifdef __cplusplus
}
#endif
#endif
