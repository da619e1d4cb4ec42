#!/usr/bin/env python3
"""Our side of the bench works at tiny sizes, and what it times is what it says: bench_test.py BENCH_KIT REFERENCE
BENCH_STAGE RECURRENT.SO MODEL_WITH_24_INPUTS.

A bench of wrong numbers is worthless. The driver compares with the peers; this test, which needs none, compares with
plain Python and with a reference case of the features. It asserts no time.
"""

import array
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

KIT, REFERENCE = sys.argv[1], pathlib.Path(sys.argv[2])
STAGE, PLUGIN, MODEL = sys.argv[3:6]
failed = 0


def check(true, words):
    global failed
    if not true:
        failed += 1
        print(f"bench_test: {words}", file=sys.stderr)


def run_side(folder, kind, program=None, **options):
    """The floats that a side computes; it must also answer with as many positive times as it is asked for."""
    out = folder / "out.f32"
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([*([program] if program else [KIT, kind]), *words, "--output", str(out)], input="repeat 3\nrepeat 1\n", text=True,
                          capture_output=True, timeout=120)
    lines = done.stdout.splitlines()
    check(done.returncode == 0, f"{kind}: exit {done.returncode}: {done.stderr}")
    check(lines[:1] == ["ready"] and [len(line.split()) for line in lines[1:]] == [3, 1], f"{kind}: said {lines}")
    check(all(float(word) > 0 for line in lines[1:] for word in line.split()), f"{kind}: times {lines}")
    return floats(out.read_bytes()) if out.exists() else []


def floats(data):
    numbers = array.array("f")
    numbers.frombytes(data)
    return list(numbers)


def write_safetensors(path, tensors):
    header, data = {}, b""
    for name, (shape, values) in sorted(tensors.items()):
        block = array.array("f", values).tobytes()
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(block)]}
        data += block
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    data = path.read_bytes()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    return {name: floats(data[end + row["data_offsets"][0]:end + row["data_offsets"][1]])
            for name, row in json.loads(data[8:end]).items()}


def distance(a, b):
    return max((abs(x - y) for x, y in zip(a, b)), default=math.inf) if len(a) == len(b) else math.inf


# ---- plain Python ----------------------------------------------------------------------------------------------------

def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def times(matrix, vector):
    return [sum(w * x for w, x in zip(row, vector)) for row in matrix]


def add(*vectors):
    return [sum(numbers) for numbers in zip(*vectors)]


def run_layer(cell, weights, end, hidden, rows):
    """Rows of hidden numbers; weights: (shape, values) by torch's names."""
    def matrix(name):
        (count, width), values = weights[name + end]
        return [values[i * width:(i + 1) * width] for i in range(count)]
    w, r, b, c = (matrix("weight_ih"), matrix("weight_hh"), weights["bias_ih" + end][1], weights["bias_hh" + end][1])
    h, state, out = [0.0] * hidden, [0.0] * hidden, []
    for row in rows[::-1] if end.endswith("_reverse") else rows:
        a, s = add(times(w, row), b), add(times(r, h), c)
        gate = lambda k, v: v[k * hidden:(k + 1) * hidden]  # noqa: E731
        both = add(a, s)
        if cell == "lstm":
            i, f, o = ([sigmoid(x) for x in gate(k, both)] for k in (0, 1, 3))
            g = [math.tanh(x) for x in gate(2, both)]
            state = [f[j] * state[j] + i[j] * g[j] for j in range(hidden)]
            h = [o[j] * math.tanh(state[j]) for j in range(hidden)]
        else:
            reset, update = ([sigmoid(x) for x in gate(k, both)] for k in (0, 1))
            n = [math.tanh(x + u * y) for x, y, u in zip(gate(2, a), gate(2, s), reset)]
            h = [(1 - update[j]) * n[j] + update[j] * h[j] for j in range(hidden)]
        out.append(h)
    return out[::-1] if end.endswith("_reverse") else out


def draw_network(draw, cell, inputs, hidden, layers, directions):
    gates, weights = 4 if cell == "lstm" else 3, {}
    for layer in range(layers):
        width = inputs if layer == 0 else hidden * directions
        for end in (f"_l{layer}", f"_l{layer}_reverse")[:directions]:
            for name, shape in (("weight_ih", [gates * hidden, width]), ("weight_hh", [gates * hidden, hidden]),
                                ("bias_ih", [gates * hidden]), ("bias_hh", [gates * hidden])):
                weights[name + end] = (shape, [draw.uniform(-0.5, 0.5) for _ in range(math.prod(shape))])
    return weights


def test_recurrent(folder, cell, directions, batch, **more):
    draw = random.Random(3)
    inputs, hidden, layers, count = 5, 9, 2, 7
    weights = draw_network(draw, cell, inputs, hidden, layers, directions)
    write_safetensors(folder / "w.safetensors", weights)
    x = array.array("f", [draw.gauss(0, 1) for _ in range(batch * count * inputs)])
    (folder / "x.f32").write_bytes(x.tobytes())
    expected = []
    for sequence in range(batch):
        at = sequence * count * inputs
        rows = [list(x[at + t * inputs:at + (t + 1) * inputs]) for t in range(count)]
        for layer in range(layers):
            parts = [run_layer(cell, weights, end, hidden, rows)
                     for end in (f"_l{layer}", f"_l{layer}_reverse")[:directions]]
            rows = [sum(row, []) for row in zip(*parts)]
        expected += sum(rows, [])
    got = run_side(folder, "recurrent", tensors=folder / "w.safetensors", input=folder / "x.f32", cell=cell, inputs=inputs,
                   hidden=hidden, layers=layers, directions=directions, batch=batch, rows=count, **more)
    far = distance(got, expected)
    check(far < 1e-5, f"{cell}, {directions} directions, batch {batch}, {more}: {far:.2g} from plain Python")


def random_numbers(count):
    """bench_random of bench_side.c, from its seed."""
    seed, numbers = 9, []
    for _ in range(count):
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        numbers.append((seed >> 40) * 2.0 ** -23 - 1)
    return numbers


def test_product(folder, number, threads, tolerance):
    out, inner, rows = 21, 33, 5
    numbers = random_numbers(out * inner + rows * inner)
    weights = [numbers[i * inner:(i + 1) * inner] for i in range(out)]
    x = [numbers[(out + r) * inner:(out + r + 1) * inner] for r in range(rows)]
    expected = [y for row in x for y in times(weights, row)]
    got = run_side(folder, "product", number=number, out=out, **{"in": inner}, rows=rows, threads=threads)
    far = distance(got, expected)
    check(far < tolerance, f"product {number}, {threads} threads: {far:.2g} from plain Python")


def test_logmel(folder):
    case = REFERENCE / "features-kaldi-16k-80"
    tensors = read_safetensors(case / "case.safetensors")
    about = json.loads((case / "case.json").read_text())
    (folder / "samples.f32").write_bytes(array.array("f", tensors["input.samples"]).tobytes())
    got = run_side(folder, "logmel", input=folder / "samples.f32", high=round(about["parameters"]["high"]))
    far = distance(got, tensors["output.y"])
    check(far < about["tolerance"]["absolute"], f"logmel: {far:.2g} from {about['what']}")


def test_segments(folder):
    """Segments of a bidirectional network: a place in the batch, other segments beside it, threads: the same bits."""
    options = {"program": STAGE, "plugin": PLUGIN, "model": MODEL, "columns": 24, "rows": 50}
    alone = run_side(folder, "segments", segments=5, **options)
    together = run_side(folder, "segments", segments=5, together=1, threads=2, **options)
    check(len(alone) == 5 * 50 * 29 and alone == together, "segments: together is not one at a time")
    check(alone[:50 * 29] == run_side(folder, "segments", segments=1, together=1, **options), "segments: one alone differs")
    check(alone[:50 * 29] != alone[50 * 29:100 * 29], "segments: two of them are the same")


def test_refusals():
    """A bench that goes on after an error would time nothing."""
    for words, expected in ((["recurrent", "--tensors", "/nowhere"], "--input are needed"), (["dance"], "usage"),
                            (["product", "--number", "F7"], "F32, F16, BF16 or I8"), (["product", "--rows", "few"], "few")):
        done = subprocess.run([KIT, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        check(done.returncode == 1 and expected in done.stderr and not done.stdout, f"{words}: {done}")


def main():
    with tempfile.TemporaryDirectory(prefix="stapes-bench-") as name:
        folder = pathlib.Path(name)
        test_recurrent(folder, "lstm", 2, 1, threads=2)
        test_recurrent(folder, "lstm", 2, 3)
        test_recurrent(folder, "gru", 1, 1, piece=1)
        test_recurrent(folder, "gru", 1, 1, piece=3)
        # a 127th of the largest weight and of the largest input, 33 products of numbers below 1
        for number, tolerance in (("F32", 1e-4), ("F16", 0.01), ("BF16", 0.1), ("I8", 0.3)):
            test_product(folder, number, 2, tolerance)
        test_logmel(folder)
        test_segments(folder)
    test_refusals()
    return 1 if failed else 0


sys.exit(main())
