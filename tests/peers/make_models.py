#!/usr/bin/env python3
"""Writes the recurrent networks that stapes and onnxruntime both run in tests/bench, with random weights.

    build/peers/bin/python tests/peers/make_models.py              into build/peers/models (tests/peers/setup does it)
    build/peers/bin/python tests/peers/make_models.py --tiny --out /tmp/tiny      small ones, for the test of the bench

A folder for each network: model.onnx with LSTM or GRU operators as torch exports them; model.int8.onnx, the same
quantised dynamically by onnxruntime; float32.safetensors with torch's names; int8, float16 and bfloat16.safetensors
with the weights in those numbers (int8: a scale for each output in NAME_scale); input.f32, sequences (B,T,F) of
random numbers, raw; network.json, its sizes. The same seed gives the same bytes.
"""

import argparse
import json
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
# name: cell, numbers of an input row, hidden, layers, directions, sequences, rows of each
NETWORKS = {
    "bilstm-5x320": ("lstm", 80, 320, 5, 2, 8, 1000),
    "bilstm-3x512": ("lstm", 80, 512, 3, 2, 8, 1000),
    "gru-2x128": ("gru", 80, 128, 2, 1, 1, 1000),
}
TINY = {
    "bilstm-5x320": ("lstm", 7, 9, 2, 2, 8, 21),
    "bilstm-3x512": ("lstm", 5, 18, 1, 2, 8, 13),
    "gru-2x128": ("gru", 6, 11, 2, 1, 1, 17),
}
# where ONNX puts the gates that torch has as i f g o and as r z n
GATES = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


def draw_weights(random, cell, inputs, hidden, layers, directions):
    """Uniform as torch starts them; arrays by torch's names."""
    import numpy as np
    rows, bound = len(GATES[cell]) * hidden, hidden ** -0.5
    weights = {}
    for layer in range(layers):
        for end in ("", "_reverse")[:directions]:
            width = inputs if layer == 0 else hidden * directions
            for name, shape in (("weight_ih", (rows, width)), ("weight_hh", (rows, hidden)),
                                ("bias_ih", (rows,)), ("bias_hh", (rows,))):
                weights[f"{name}_l{layer}{end}"] = random.uniform(-bound, bound, shape).astype(np.float32)
    return weights


def onnx_model(weights, cell, inputs, hidden, layers, directions):
    """x (T,B,F) -> y (T,B,D*H); a GRU takes h0 (L,B,H) and gives hn, so that it can run frame by frame."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def gates(array):  # (G*H, ...) in ONNX's order
        parts = np.split(array, len(GATES[cell]))
        return np.concatenate([parts[i] for i in GATES[cell]])

    constants, nodes, states = [], [], []

    def constant(name, array):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    shape = constant("shape", np.array([0, 0, -1], np.int64))
    carried = cell == "gru"
    if carried:
        nodes.append(helper.make_node("Split", ["h0"], [f"h0_{i}" for i in range(layers)], axis=0,
                                      num_outputs=layers))
    now = "x"
    for layer in range(layers):
        ends = [f"_l{layer}{end}" for end in ("", "_reverse")[:directions]]
        w = constant(f"W{layer}", np.stack([gates(weights["weight_ih" + end]) for end in ends]))
        r = constant(f"R{layer}", np.stack([gates(weights["weight_hh" + end]) for end in ends]))
        b = constant(f"B{layer}", np.stack([np.concatenate([gates(weights["bias_ih" + end]),
                                                            gates(weights["bias_hh" + end])]) for end in ends]))
        settings = {"hidden_size": hidden, "direction": "bidirectional" if directions == 2 else "forward"}
        if cell == "gru":
            settings["linear_before_reset"] = 1
        nodes.append(helper.make_node(cell.upper(), [now, w, r, b] + (["", f"h0_{layer}"] if carried else []),
                                      [f"Y{layer}"] + ([f"hn_{layer}"] if carried else []), **settings))
        states.append(f"hn_{layer}")
        nodes.append(helper.make_node("Transpose", [f"Y{layer}"], [f"P{layer}"], perm=[0, 2, 1, 3]))
        now = "y" if layer == layers - 1 else f"y{layer}"
        nodes.append(helper.make_node("Reshape", [f"P{layer}", shape], [now]))
    takes = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["T", "B", inputs])]
    gives = [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["T", "B", directions * hidden])]
    if carried:
        nodes.append(helper.make_node("Concat", states, ["hn"], axis=0))
        takes.append(helper.make_tensor_value_info("h0", TensorProto.FLOAT, [layers, "B", hidden]))
        gives.append(helper.make_tensor_value_info("hn", TensorProto.FLOAT, [layers, "B", hidden]))
    graph = helper.make_graph(nodes, "stapes-bench", takes, gives, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return model


def quantised(weights):
    """int8 with a scale for each output; the biases stay float32."""
    import numpy as np
    tensors = {}
    for name, value in weights.items():
        if value.ndim == 1:
            tensors[name] = value
            continue
        scale = np.maximum(np.abs(value).max(axis=1), np.finfo(np.float32).tiny) / np.float32(127)
        tensors[name] = np.clip(np.rint(value / scale[:, None]), -127, 127).astype(np.int8)
        tensors[name + "_scale"] = scale.astype(np.float32)
    return tensors


def write_network(folder, sizes, random):
    import numpy as np
    import onnx
    import torch
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from safetensors.numpy import save_file
    from safetensors.torch import save_file as save_torch

    cell, inputs, hidden, layers, directions, batch, rows = sizes
    weights = draw_weights(random, cell, inputs, hidden, layers, directions)
    part = folder.with_name(folder.name + ".part")  # whole or not at all
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    onnx.save(onnx_model(weights, cell, inputs, hidden, layers, directions), part / "model.onnx")
    if cell == "lstm":
        quantize_dynamic(part / "model.onnx", part / "model.int8.onnx", weight_type=QuantType.QInt8)
    save_file(weights, part / "float32.safetensors")
    save_file(quantised(weights), part / "int8.safetensors")
    for name, number in (("float16", torch.float16), ("bfloat16", torch.bfloat16)):
        save_torch({key: torch.from_numpy(value).to(number if value.ndim == 2 else torch.float32)
                    for key, value in weights.items()}, part / f"{name}.safetensors")
    random.standard_normal((batch, rows, inputs)).astype(np.float32).tofile(part / "input.f32")
    names = ("cell", "inputs", "hidden", "layers", "directions", "batch", "rows")
    (part / "network.json").write_text(json.dumps(dict(zip(names, sizes))) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, help="folder for the networks (default build/peers/models)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tiny", action="store_true", help="small networks of the same names")
    arguments = parser.parse_args()
    if arguments.seed < 0:
        parser.error(f"--seed {arguments.seed}: seeds are 0 or greater")
    try:
        import logging
        import numpy as np
        import onnx, torch, onnxruntime.quantization, safetensors  # noqa: E401,F401
    except ModuleNotFoundError as error:
        print(f"make_models: {error}: run tests/peers/setup, then use build/peers/bin/python", file=sys.stderr)
        return 2
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser recommends a step that changes nothing here
    out = arguments.out or HERE.parents[1] / "build" / "peers" / "models"
    for number, (name, sizes) in enumerate((TINY if arguments.tiny else NETWORKS).items()):
        write_network(out / name, sizes, np.random.default_rng([arguments.seed, number]))
        total = sum(file.stat().st_size for file in (out / name).iterdir())
        print(f"{name}: {total / 1e6:.1f} MB in {out / name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
