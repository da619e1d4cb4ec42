#!/usr/bin/env python3
"""The peers of the bench that come from PyPI, each in a process of its own, by the rules of bench_side.h.

    bench_peer.py onnxruntime --model FILE --input FILE --batch 1 --rows 1000 --inputs 80 [--piece 1 --hidden 128
                  --layers 2] --threads 2 [--output FILE]
    bench_peer.py torchaudio|kaldi-native-fbank --input FILE [--output FILE]
    bench_peer.py --versions
"""

import os
import sys
import time

SHORTEST = 2e-3  # seconds of one timing


def serve(work):
    """As bench_serve: "ready", then a line of seconds for each "repeat N"."""
    print("ready", flush=True)
    inner = 1
    for line in sys.stdin:
        repeats = int(line.split()[1])
        begin = time.perf_counter()
        work()
        while time.perf_counter() - begin < SHORTEST / 2:
            work()
        seconds = []
        while len(seconds) < repeats:
            begin = time.perf_counter()
            for _ in range(inner):
                work()
            taken = time.perf_counter() - begin
            if taken < SHORTEST:
                inner *= 2
            else:
                seconds.append(taken / inner)
        print(*(f"{s:.9g}" for s in seconds), flush=True)


def write(options, array):
    if "output" in options:
        import numpy as np
        np.ascontiguousarray(array, np.float32).tofile(options["output"])


# ---- onnxruntime ---------------------------------------------------------------------------------------------------

def open_session(model, threads):
    import onnxruntime
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


def bound(session, inputs, outputs):
    """A function that runs the session on arrays bound beforehand: the least that Python can cost."""
    import onnxruntime
    binding = session.io_binding()
    for name, value in inputs.items():
        binding.bind_ortvalue_input(name, value)
    for name, value in outputs.items():
        binding.bind_ortvalue_output(name, value)
    run, raw = session._sess.run_with_iobinding, binding._iobinding
    settings = onnxruntime.RunOptions()
    return lambda: run(raw, settings), binding


def serve_onnxruntime(options):
    import numpy as np
    import onnxruntime
    batch, rows, inputs = (int(options[name]) for name in ("batch", "rows", "inputs"))
    x = np.fromfile(options["input"], np.float32, batch * rows * inputs).reshape(batch, rows, inputs)
    x = np.ascontiguousarray(x.transpose(1, 0, 2))  # time first, as the operators have it
    session = open_session(options["model"], int(options["threads"]))
    value = onnxruntime.OrtValue.ortvalue_from_numpy
    piece = int(options.get("piece", rows))
    if piece == rows:
        y = session.run(None, {"x": x})[0]
        write(options, y.transpose(1, 0, 2))
        run, _ = bound(session, {"x": value(x)}, {"y": value(np.empty_like(y))})
        return serve(run)

    # Frame by frame, the state carried on: two bindings whose states change places, so nothing is copied in Python.
    shape = (int(options["layers"]), batch, int(options["hidden"]))
    outputs, state = [], np.zeros(shape, np.float32)
    for row in range(0, rows, piece):
        y, state = session.run(["y", "hn"], {"x": x[row:row + piece], "h0": state})
        outputs.append(y)
    write(options, np.concatenate(outputs).transpose(1, 0, 2))
    frame, result = value(x[:piece].copy()), value(np.empty_like(outputs[0]))
    states = [value(np.zeros(shape, np.float32)) for _ in range(2)]
    steps = [bound(session, {"x": frame, "h0": states[i]}, {"y": result, "hn": states[1 - i]}) for i in range(2)]
    (one, _), (other, _) = steps

    def work():
        for _ in range(rows // piece // 2):
            one()
            other()
    assert rows % (2 * piece) == 0, f"{rows} rows are not pairs of pieces of {piece}"
    return serve(work)


def serve_empty(options):
    """The same calls of a network that copies one number: what Python and a call of onnxruntime cost."""
    import numpy as np
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "empty", ports[:1], ports[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    session = open_session(model.SerializeToString(), 1)
    value = onnxruntime.OrtValue.ortvalue_from_numpy
    run, _ = bound(session, {"x": value(np.zeros(1, np.float32))}, {"y": value(np.zeros(1, np.float32))})
    calls = int(options["rows"])

    def work():
        for _ in range(calls):
            run()
    return serve(work)


# ---- features ------------------------------------------------------------------------------------------------------

def serve_torchaudio(options):
    import numpy as np
    import torch
    import torchaudio
    torch.set_num_threads(1)
    samples = torch.from_numpy(np.fromfile(options["input"], np.float32)).unsqueeze(0)

    def work():
        with torch.inference_mode():
            return torchaudio.compliance.kaldi.fbank(samples, num_mel_bins=80, sample_frequency=16000.0, dither=0.0,
                                                     energy_floor=0.0)
    write(options, work().numpy())
    return serve(work)


def serve_kaldi_native_fbank(options):
    import kaldi_native_fbank as knf
    import numpy as np
    samples = np.fromfile(options["input"], np.float32)
    settings = knf.FbankOptions()
    settings.frame_opts.samp_freq = 16000
    settings.frame_opts.dither = 0.0
    settings.mel_opts.num_bins = 80
    settings.energy_floor = 0.0

    def work():  # all rows are computed here; handing them to Python is not counted
        fbank = knf.OnlineFbank(settings)
        fbank.accept_waveform(16000, samples)
        fbank.input_finished()
        return fbank
    fbank = work()
    write(options, np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)]))
    return serve(work)


KINDS = {"onnxruntime": serve_onnxruntime, "empty": serve_empty, "torchaudio": serve_torchaudio,
         "kaldi-native-fbank": serve_kaldi_native_fbank}


def main() -> int:
    if sys.argv[1:] == ["--versions"]:
        from importlib.metadata import version
        print(" ".join(f"{name}={version(name)}" for name in
                       ("onnxruntime", "onnx", "torch", "torchaudio", "kaldi-native-fbank")))
        return 0
    if len(sys.argv) < 2 or sys.argv[1] not in KINDS or len(sys.argv) % 2:
        print(__doc__, file=sys.stderr)
        return 2
    options = dict(zip((name.removeprefix("--") for name in sys.argv[2::2]), sys.argv[3::2]))
    return KINDS[sys.argv[1]](options) or 0


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    sys.exit(main())
