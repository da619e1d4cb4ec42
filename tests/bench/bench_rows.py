"""The rows of the bench: what is computed, on which threads, by whom, and the ratio to reach."""

import array
import dataclasses
import json
import pathlib
import random
import typing


@dataclasses.dataclass
class Row:
    name: str
    work: str
    threads: int
    target: float  # ours / peer
    sides: typing.Callable  # places, folder -> [(name, command, environment)]; ours is named "ours"
    needs: typing.Callable  # places -> paths
    load: dict  # what the floor is computed from
    reference: str = ""  # the side whose result the others' are compared with
    measure: str = "largest"  # of |a - b|; "relative": over the largest |b|; "rms": of the difference over that of b
    tolerance: float = 1e-4
    repeats: int = 3  # timings in one round
    only_compared: tuple = ()


def threads_of(count):
    """What keeps a library to so many threads."""
    return {name: str(count) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


# ---- recurrent networks --------------------------------------------------------------------------------------------

# How far a network with rounded weights may lie from onnxruntime's float32 result, as rms over rms.
ROUNDED = {"int8": 0.015, "float16": 0.001, "bfloat16": 0.005}


def recurrent(network, title, ours, theirs, batch, threads, target, piece=0):
    """ours: the numbers of our weights; theirs: "float32" or "int8"."""
    def sides(places, _):
        folder = places["models"] / network
        sizes = json.loads((folder / "network.json").read_text())
        same = ["--input", folder / "input.f32", "--batch", batch, "--rows", sizes["rows"], "--inputs", sizes["inputs"],
                "--threads", threads]
        shape = ["--hidden", sizes["hidden"], "--layers", sizes["layers"]]
        pieces = ["--piece", piece] if piece else []

        def peer(numbers):
            model = folder / ("model.onnx" if numbers == "float32" else f"model.{numbers}.onnx")
            outputs = sizes["directions"] * sizes["hidden"]
            return [places["bench_onnx"], "--library", places["onnxruntime"], "--model", model, "--outputs", outputs, *same,
                    *(pieces + shape if piece else [])], threads_of(threads)
        listed = [("ours", [places["bench_kit"], "recurrent", "--tensors", folder / f"{ours}.safetensors", "--cell",
                            sizes["cell"], "--directions", sizes["directions"], *shape, *same,
                            *pieces], {}),
                  ("onnxruntime", *peer(theirs))]
        if theirs != "float32":
            listed.append(("float32", *peer("float32")))
        return listed

    form = {"float32": ""}.get(ours, f"-{ours}")
    exact = ours == "float32"
    return Row(
        name=f"{network}{'-stream' if piece else ''}{f'-batch-{batch}' if batch > 1 else ''}{form}"
             f"{'' if piece else f'-{threads}-threads' if threads > 1 else '-1-thread'}",
        work=title, threads=threads, target=target, sides=sides,
        needs=lambda places: (places["onnxruntime"], places["models"] / network / "network.json"),
        load={"kind": "recurrent", "network": network, "numbers": ours, "batch": batch, "piece": piece},
        reference="onnxruntime" if theirs == "float32" else "float32",
        only_compared=() if theirs == "float32" else ("float32",),
        measure="largest" if exact else "rms", tolerance=1e-5 if exact else ROUNDED[ours],
        repeats=3 if batch == 1 else 2)


def recurrent_rows():
    a, b, g = "bilstm-5x320", "bilstm-3x512", "gru-2x128"
    title = "BiLSTM 5x320, 1,000 frames"
    for threads in (2, 1):
        yield recurrent(a, f"{title}, batch 1, float32", "float32", "float32", 1, threads, 0.65)
    for threads in (2, 1):
        yield recurrent(a, f"{title}, batch 1, int8", "int8", "int8", 1, threads, 0.5)
    yield recurrent(a, f"{title}, batch 8, float32", "float32", "float32", 8, 2, 0.8)
    yield recurrent(a, f"{title}, batch 8, int8", "int8", "int8", 8, 2, 0.6)
    title = "BiLSTM 3x512, 1,000 frames, batch 1"
    yield recurrent(b, f"{title}, float32", "float32", "float32", 1, 2, 0.9)
    yield recurrent(b, f"{title}, int8", "int8", "int8", 1, 2, 0.7)
    for number in ("float16", "bfloat16"):
        yield recurrent(b, f"{title}, our weights {number}, the peer's float32", number, "float32", 1, 2, 0.55)
    yield recurrent(g, "GRU 2x128 streaming, 1,000 calls of one frame, float32", "float32", "float32", 1, 1, 0.3, 1)


# ---- several segments in one batch -----------------------------------------------------------------------------------

AN4 = {"cell": "lstm", "inputs": 240, "hidden": 256, "layers": 3, "directions": 2}


def segments(count, rows, threads, target):
    """The shipped model through the stage's own functions; the peer is the same stage, one instance after the other."""
    model = pathlib.Path(__file__).resolve().parents[2] / "models" / "an4"

    def sides(places, _):
        command = [places["bench_stage"], "--plugin", places["plugins"] / "recurrent.so", "--model", model, "--columns",
                   AN4["inputs"], "--segments", count, "--rows", rows, "--threads", threads]
        return [("ours", [*command, "--together", 1], {}), ("one at a time", command, {})]
    return Row(name=f"segments-{count}-{threads}-thread{'s' if threads > 1 else ''}", threads=threads, target=target,
               work=f"{count} segments of {rows * 0.03:g} s through the model an4, in one batch", sides=sides,
               needs=lambda places: (model / "weights.safetensors", places["plugins"] / "recurrent.so"),
               load={"kind": "recurrent", "numbers": "float16", "batch": count, "piece": 0, "sizes": {**AN4, "rows": rows}},
               reference="one at a time", tolerance=0.0, repeats=3)


# ---- log-mel -------------------------------------------------------------------------------------------------------

def write_speech(path, seconds=60, rate=16000):
    """Noise that swells and fades as syllables do: every bin of every row has something to say."""
    draw = random.Random(7)
    level, samples = 0.0, array.array("f")
    for i in range(seconds * rate):
        if i % 1600 == 0:
            level = 10 ** draw.uniform(-2.5, -0.3)
        samples.append(level * draw.uniform(-1, 1))
    pathlib.Path(path).write_bytes(samples.tobytes())


def logmel(peer, target):
    def sides(places, folder):
        path = folder / "samples.f32"
        write_speech(path)
        same = ["--input", path]
        return [("ours", [places["bench_kit"], "logmel", *same], {}),
                (peer, [*places["peer"], peer, *same], threads_of(1))]
    # torchaudio sums in float32: 0.004 is what its own reference case allows
    return Row(name=f"logmel-{peer}", work="log-mel 80, 60 s of audio", threads=1, target=target, sides=sides,
               needs=lambda places: (places["python"],), load={"kind": "logmel", "rows": 5998, "fft": 512, "window": 400,
                                                               "mels": 80},
               reference=peer, tolerance=0.004, repeats=5)


# ---- products ------------------------------------------------------------------------------------------------------

SHAPES = ((1280, 80), (1280, 320), (1280, 640), (1024, 240), (1024, 512), (512, 512), (2048, 512), (2048, 1024),
          (29, 512))


def product(out, inner, rows, threads=2):
    def sides(places, _):
        shape = ["--out", out, "--in", inner, "--rows", rows]
        listed = [("ours", [places["bench_kit"], "product", *shape, "--threads", threads], {})]
        libraries = [("OpenBLAS", "libopenblas.so.0", "sgemm"), ("oneDNN", "libdnnl.so.2", "dnnl_sgemm")]
        if rows == 1:
            libraries.append(("OpenBLAS sgemv", "libopenblas.so.0", "sgemv"))
        for name, library, function in libraries:
            if places["libraries"].get(library) is not None:
                listed.append((name, [places["bench_blas"], "--library", library, "--function", function, *shape],
                               {**threads_of(threads), **places["libraries"][library]}))
        return listed
    return Row(name=f"product-{out}x{inner}-{rows}", threads=threads, target=1.05,
               work=f"product {out} x {inner}, {rows:,} row{'s' if rows > 1 else ''}, float32", sides=sides,
               needs=lambda places: (), load={"kind": "product", "out": out, "in": inner, "rows": rows},
               reference="", measure="relative", tolerance=1e-5, repeats=3)


ROWS = [*recurrent_rows(), *(segments(8, 100, threads, 0.7) for threads in (1, 2)),
        logmel("torchaudio", 0.8), logmel("kaldi-native-fbank", 0.2),
        *(product(out, inner, rows) for out, inner in SHAPES for rows in (1, 8, 16, 100, 1500))]
