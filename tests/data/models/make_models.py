#!/usr/bin/env python3
"""Writes the model folders that tests use: tiny-* (random weights) and broken/*, each of which is wrong in
one way and says in expected.txt what stapes must say about it ({folder} stands for its path; "..." at the end for
more words).

Usage: make_models.py [FOLDER]; by default the folder of this script. Needs nothing but Python.
"""
import json
import pathlib
import random
import shutil
import struct
import sys

HERE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
LETTERS = ["<blank>", "<space>", "'"] + [chr(code) for code in range(ord("a"), ord("z") + 1)]


def draw(seed, *shape, bound=0.5):
    generator = random.Random(seed)
    count = 1
    for size in shape:
        count *= size
    return shape, [generator.uniform(-bound, bound) for _ in range(count)]


def safetensors(tensors, kind="F32"):
    """Bytes of a file; tensors: name to (shape, values), or (shape, values, kind) for one of another kind."""
    header, data = {}, b""
    for name, (shape, values, *own) in tensors.items():
        dtype = own[0] if own else kind
        part = struct.pack(f"<{len(values)}{ {'F32': 'f', 'F16': 'e', 'F64': 'd', 'I8': 'b', 'I32': 'i'}[dtype]}", *values)
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [len(data), len(data) + len(part)]}
        data += part
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def write(name, model, weights, labels=None, expected=None, others=None):
    folder = HERE / name
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    if model is not None:
        (folder / "model.yaml").write_bytes(model if isinstance(model, bytes) else model.encode())
    if weights is not None:
        (folder / "weights.safetensors").write_bytes(weights)
    if labels is not None:
        (folder / "vocabulary.txt").write_bytes(labels if isinstance(labels, bytes) else "".join(f"{label}\n" for label in labels).encode())
    if expected is not None:
        (folder / "expected.txt").write_text(expected + "\n")
    for file, text in (others or {}).items():
        (folder / file).write_text(text)


def recurrent(name, cell, inputs, hidden, layers, directions, seed):
    gates = {"lstm": 4, "gru": 3, "rnn": 1}[cell]
    for layer in range(layers):
        wide = inputs if layer == 0 else hidden * directions
        for d in range(directions):
            end = f"_l{layer}" + ("_reverse" if d else "")
            for part, shape in (("weight_ih", (gates * hidden, wide)), ("weight_hh", (gates * hidden, hidden)),
                                ("bias_ih", (gates * hidden,)), ("bias_hh", (gates * hidden,))):
                yield f"{name}.{part}{end}", draw(f"{seed}{part}{end}", *shape, bound=1.5)


TINY_BI = """stapes-model: 1
name: tiny-bi
summary: random weights, for tests; bidirectional
licence: CC0-1.0
features: {rate: 16000, style: kaldi, mels: 8, normalize: utterance, stack: 3, stride: 3}
network:
  - {layer: lstm, name: lstm, in: 24, hidden: 16, layers: 2, bidirectional: true}
  - {layer: linear, name: head, in: 32, out: 29}
output: log_softmax
vocabulary: vocabulary.txt
blank: 0
"""
TINY_UNI = """stapes-model: 1
name: tiny-uni
summary: random weights, for tests; streaming
licence: CC0-1.0
features: {rate: 16000, style: kaldi, mels: 8}
network:
  - {layer: conv1d, name: front, in: 8, out: 12, kernel: 3, stride: 2, padding: 1, activation: relu}
  - {layer: gru, name: gru, in: 12, hidden: 16, layers: 2}
  - {layer: linear, name: head, in: 16, out: 29}
output: log_softmax
vocabulary: vocabulary.txt
blank: 0
"""
TINY_UPPER = """stapes-model: 1
name: tiny-upper
summary: random weights, for tests; other labels, any features
licence: CC0-1.0
network:
  - {layer: linear, name: head, in: 8, out: 29}
output: log_softmax
vocabulary: vocabulary.txt
blank: 0
"""
TINY_PLAIN = """stapes-model: 1
name: tiny-plain
summary: random weights, for tests; gives frames, has no labels
licence: CC0-1.0
network:
  - {layer: rnn, name: rnn, in: 8, hidden: 4, nonlinearity: relu, bias: false}
output: none
"""
SMALL = """stapes-model: 1
name: small
network:
  - {layer: linear, name: head, in: 4, out: 3}
output: log_softmax
vocabulary: vocabulary.txt
blank: 0
"""


def small():
    return {"head.weight": draw("w", 3, 4), "head.bias": draw("b", 3)}


def small_int8(numbers=(1, -2, 3, -4, 127, -127, 0, 5, 6, -7, 8, -9), scales=(0.5, 0.25, 1.0), shape=(3,), kind="F32", **others):
    """The model `small` with int8 weights, right by itself; `others` replace tensors, None takes one away."""
    tensors = {"head.weight": ((3, 4), numbers, "I8"), "head.weight_scale": (shape, scales, kind), "head.bias": draw("b", 3)}
    tensors |= {f"head.{name}": tensor for name, tensor in others.items()}
    return safetensors({name: tensor for name, tensor in tensors.items() if tensor})


def write_tiny():
    head = {"head.weight": draw("bi", 29, 32, bound=4), "head.bias": draw("bi", 29)}
    write("tiny-bi", TINY_BI, safetensors(dict(recurrent("lstm", "lstm", 24, 16, 2, 2, "bi")) | head, "F16"), LETTERS)
    front = {"front.weight": draw("front", 12, 8, 3, bound=0.2), "front.bias": draw("front", 12)}
    head = {"head.weight": draw("uni", 29, 16, bound=4), "head.bias": draw("uni", 29)}
    write("tiny-uni", TINY_UNI, safetensors(front | dict(recurrent("gru", "gru", 12, 16, 2, 1, "uni")) | head), LETTERS)
    upper = {"head.weight": draw("upper", 29, 8), "head.bias": draw("upper", 29)}
    write("tiny-upper", TINY_UPPER, safetensors(upper), [label.upper() if len(label) == 1 else label for label in LETTERS])
    plain = {"rnn.weight_ih_l0": draw("plain", 4, 8), "rnn.weight_hh_l0": draw("plain-h", 4, 4)}
    write("tiny-plain", TINY_PLAIN, safetensors(plain))


def broken(name, expected, model=SMALL, weights=None, labels=("<blank>", "a", "b"), others=None):
    write("broken/" + name, model, safetensors(small()) if weights is None else weights or None, labels, expected, others)


def write_broken():
    shutil.rmtree(HERE / "broken", ignore_errors=True)
    good, yaml, file = safetensors(small()), "{folder}/model.yaml", "{folder}/weights.safetensors"
    head = SMALL.replace("{layer: linear, name: head, in: 4, out: 3}", "%s")

    # weights
    broken("no-weights", f"{file}: No such file or directory", weights=b"")
    broken("weights-lack-a-tensor", f"{file}: tensor 'head.bias' is missing, its shape would be (3)",
           weights=safetensors({"head.weight": small()["head.weight"]}))
    broken("weights-have-one-more", f"{file}: tensor 'tail.bias' belongs to no layer of model.yaml: the two files are not of one model",
           weights=safetensors(small() | {"tail.bias": draw("b", 3)}))
    broken("weights-of-wrong-shape", f"{file}: tensor 'head.weight' has shape (4, 3), expected (3, 4)",
           weights=safetensors(small() | {"head.weight": draw("w", 4, 3)}))
    broken("weights-of-wrong-rank", f"{file}: tensor 'head.weight' has shape (12), expected (3, 4)",
           weights=safetensors(small() | {"head.weight": draw("w", 12)}))
    broken("weights-cut-short", f"{file}: tensor 'head.bias' ends at byte {len(good)}, the file has {len(good) - 5}: it was cut short or is damaged",
           weights=good[:-5])
    broken("weights-cut-in-header", f"{file}: header ends at byte {len(good) - 60}, the file has 40: it was cut short or is no safetensors file",
           weights=good[:40])
    broken("weights-with-lying-offsets", f"{file}: tensor 'head.bias': its data overlap those of tensor 'head.weight'",
           weights=good.replace(b'"data_offsets":[48,60]', b'"data_offsets":[40,52]'))
    broken("weights-longer-than-said", f"{file}: the last 4 bytes belong to no tensor", weights=good + b"more")
    broken("weights-are-text", f"{file}: header ends at byte 2336921126823289681, the file has 21: it was cut short or is no safetensors file",
           weights=b"Ich bin kein Modell.\n")
    broken("weights-are-integers", f"{file}: tensor 'head.bias' is I32, allowed are F32, F16, BF16 and F64",
           weights=good[:8] + good[8:].replace(b'"head.bias":{"dtype":"F32"', b'"head.bias":{"dtype":"I32"'))

    broken("weights-are-whole-numbers", f"{file}: tensor 'head.weight' is I32, allowed are F32, F16, BF16, F64 and I8 with scales",
           weights=good[:8] + good[8:].replace(b'"head.weight":{"dtype":"F32"', b'"head.weight":{"dtype":"I32"'))

    # int8 weights
    most = "allowed are numbers above 0 up to 2.67939e+36"
    write("tiny-int8", SMALL.replace("name: small", "name: tiny-int8"), small_int8(), ("<blank>", "a", "b"))
    broken("int8-without-scale", f"{file}: tensor 'head.weight_scale' is missing: tensor 'head.weight' is I8, its scales would be F32 of shape (3)",
           weights=small_int8(weight_scale=None))
    broken("int8-scale-of-wrong-shape", f"{file}: tensor 'head.weight_scale' has shape (2), expected (3), a scale for each output",
           weights=small_int8(scales=(0.5, 0.25), shape=(2,)))
    broken("int8-scale-of-wrong-rank", f"{file}: tensor 'head.weight_scale' has shape (3, 1), expected (3), a scale for each output",
           weights=small_int8(shape=(3, 1)))
    broken("int8-scale-no-float", f"{file}: tensor 'head.weight_scale' is I32, scales are F32", weights=small_int8(scales=(1, 1, 1), kind="I32"))
    broken("int8-scale-half", f"{file}: tensor 'head.weight_scale' is F16, scales are F32", weights=small_int8(kind="F16"))
    for name, value, words in (("zero", 0.0, "0"), ("negative", -0.25, "-0.25"), ("nan", float("nan"), "nan"), ("infinite", float("inf"), "inf"),
                               ("too-large", 3e36, "3e+36")):
        broken(f"int8-scale-{name}", f"{file}: tensor 'head.weight_scale': the scale of output 1 is {words}, {most}",
               weights=small_int8(scales=(0.5, value, 1.0)))
    broken("int8-scale-for-floats", f"{file}: tensor 'head.weight_scale' gives scales, and tensor 'head.weight' is F32: only I8 weights have scales",
           weights=small_int8(weight=draw("w", 3, 4)))
    broken("int8-scale-alone", f"{file}: tensor 'head.bias_scale' belongs to no layer of model.yaml: the two files are not of one model",
           weights=small_int8(bias_scale=draw("b", 3)))
    broken("int8-bias", f"{file}: tensor 'head.bias' is I8, allowed are F32, F16, BF16 and F64", weights=small_int8(bias=((3,), (1, 2, 3), "I8")))
    broken("int8-number-too-low", f"{file}: tensor 'head.weight' has the number -128 at output 2, int8 weights are -127 to 127",
           weights=small_int8(numbers=(1, -2, 3, -4, 127, -127, 0, 5, 6, -7, -128, -9)))
    broken("int8-of-wrong-shape", f"{file}: tensor 'head.weight' has shape (4, 3), expected (3, 4)",
           weights=small_int8(weight=((4, 3), [1] * 12, "I8")))

    # model.yaml
    broken("no-model-yaml", "{folder}: has no model.yaml: a model folder holds model.yaml, weights.safetensors and the vocabulary", model=None)
    broken("hugging-face", "{folder}: is laid out as Hugging Face does (config.json), expected a folder with model.yaml, weights.safetensors and the vocabulary",
           model=None, others={"config.json": "{}\n"})
    broken("yaml-no-yaml", f"{yaml}:5:7: did not find expected ',' or '}}' while parsing a flow mapping that began in line 4", model=head % "{layer: linear, name: head, in: 4, out: 3")
    broken("yaml-empty", f"{yaml}: is empty", model="# nothing\n")
    broken("yaml-is-a-list", f"{yaml}:1: expected a map of keys and values", model="- a\n- b\n")
    broken("yaml-two-documents", f"{yaml}:9: a second document begins here, expected one", model=SMALL + "---\nname: other\n")
    broken("yaml-is-latin-1", f"{yaml}: byte 29: invalid trailing UTF-8 octet", model=SMALL.replace("small", "small \u00e9t\u00e9").encode("latin-1"))
    broken("yaml-of-version-2", f"{yaml}:1: stapes-model: is version 2, this program reads version 1: take a newer one", model=SMALL.replace("stapes-model: 1", "stapes-model: 2"))
    broken("yaml-of-no-version", f"{yaml}:1: key 'stapes-model' is missing: a model of this kind begins with 'stapes-model: 1'", model=SMALL.replace("stapes-model: 1\n", ""))
    broken("key-unknown", f"{yaml}:3: key 'licens' is unknown, allowed are stapes-model, name, summary, licence, features, network, output, vocabulary, blank",
           model=SMALL.replace("network:", "licens: MIT\nnetwork:"))
    broken("key-twice", f"{yaml}:3: key 'name' was given before, in line 2", model=SMALL.replace("network:", "name: b\nnetwork:"))
    broken("key-name-missing", f"{yaml}:1: key 'name' is missing", model=SMALL.replace("name: small\n", ""))
    broken("key-output-missing", f"{yaml}:1: key 'output' is missing, allowed are log_softmax and none", model=SMALL.replace("output: log_softmax\n", ""))
    broken("output-unknown", f"{yaml}:5: output: found 'softmax', allowed are log_softmax and none", model=SMALL.replace("log_softmax", "softmax"))
    broken("layer-unknown", f"{yaml}:4: layer: found 'lsmt', allowed are linear, conv1d, rnn, gru, lstm", model=head % "{layer: lsmt, name: head, in: 4, out: 3}")
    broken("layer-key-unknown", f"{yaml}:4: layer linear: key 'hidden' is unknown, allowed are layer, name, in, out, activation, bias",
           model=head % "{layer: linear, name: head, in: 4, out: 3, hidden: 5}")
    broken("layer-key-missing", f"{yaml}:4: layer 'head': key 'out' is missing", model=head % "{layer: linear, name: head, in: 4}")
    broken("layer-size-no-number", f"{yaml}:4: layer 'head': in: found '4.5', expected a whole number", model=head % "{layer: linear, name: head, in: 4.5, out: 3}")
    broken("layer-size-absurd", f"{yaml}:4: layer 'head': in: 4000000000 is out of range, allowed are 1 to 1048576", model=head % "{layer: linear, name: head, in: 4000000000, out: 3}")
    broken("layer-stride-zero", f"{yaml}:4: layer 'head': stride: 0 is out of range, allowed are 1 to 65536",
           model=head % "{layer: conv1d, name: head, in: 4, out: 3, kernel: 3, stride: 0}")
    broken("layer-padding-too-much", f"{yaml}:4: layer 'head': padding: 2 is out of range, allowed are 0 to 1",
           model=head % "{layer: conv1d, name: head, in: 4, out: 3, kernel: 3, padding: 2}")
    broken("layer-projection-too-large", f"{yaml}:4: layer 'head': projection: 3, must be below hidden, 3", model=head % "{layer: lstm, name: head, in: 4, hidden: 3, projection: 3}")
    broken("layer-bool-unknown", f"{yaml}:4: layer 'head': bias: found 'yes', expected true or false", model=head % "{layer: linear, name: head, in: 4, out: 3, bias: yes}")
    broken("layer-name-with-slash", f"{yaml}:4: name: 'a/b': allowed are 1 to 200 letters, digits, '_', '-' and '.'", model=head % "{layer: linear, name: a/b, in: 4, out: 3}")
    broken("layers-do-not-fit", f"{yaml}:5: layer 'tail': in: found 5, layer 'head' before it gives 3 numbers",
           model=head % "{layer: linear, name: head, in: 4, out: 3}\n  - {layer: linear, name: tail, in: 5, out: 3}")
    broken("layers-of-one-name", f"{yaml}:5: name: another layer is 'head' already",
           model=head % "{layer: linear, name: head, in: 4, out: 3}\n  - {layer: linear, name: head, in: 3, out: 3}")
    broken("network-empty", f"{yaml}:3: network: 0 layers, allowed are 1 to 1000", model=SMALL.replace("network:\n  - {layer: linear, name: head, in: 4, out: 3}", "network: []"))
    broken("features-unknown-key", f"{yaml}:3: features: 'mel' is no option of the features; ...", model=SMALL.replace("network:", "features: {mel: 4}\nnetwork:"))
    broken("features-of-other-width", f"{yaml}:3: features: give 6 numbers a row (3 mels x 2 rows), layer 'head' takes 4",
           model=SMALL.replace("network:", "features: {style: kaldi, mels: 3, stack: 2}\nnetwork:"))

    # vocabulary
    words = "{folder}/vocabulary.txt"
    broken("no-vocabulary", f"{words}: No such file or directory", labels=None)
    broken("vocabulary-not-named", f"{yaml}:1: key 'vocabulary' is missing: log_softmax gives scores of labels", model=SMALL.replace("vocabulary: vocabulary.txt\n", ""))
    broken("vocabulary-elsewhere", f"{yaml}:6: vocabulary: '../x/vocabulary.txt' is not the name of a file in the model's folder", model=SMALL.replace("vocabulary.txt", "../x/vocabulary.txt"))
    broken("vocabulary-too-small", f"{words}: has 2 labels, layer 'head' of model.yaml gives scores of 3", labels=("<blank>", "a"))
    broken("vocabulary-with-empty-line", f"{words}:2: is empty, expected a label", labels=("<blank>", "", "b"))
    broken("vocabulary-with-a-label-twice", f"{words}: label 'a' stands there twice", labels=("<blank>", "a", "a"))
    broken("vocabulary-with-carriage-returns", f"{words}:1: ends with a carriage return, expected a newline only", labels=b"<blank>\r\na\r\nb\r\n")
    broken("vocabulary-is-latin-1", f"{words}:2: is no UTF-8 text", labels=b"<blank>\n\xe9\nb\n")
    broken("blank-out-of-range", f"{yaml}:7: blank: 3 is out of range, the network gives labels 0 to 2", model=SMALL.replace("blank: 0", "blank: 3"))


if __name__ == "__main__":
    write_tiny()
    write_broken()
