#!/usr/bin/env python3
"""The peers of the bench that are Python packages, each in a process of its own, by the rules of bench_side.h.

    bench_peer.py torchaudio|kaldi-native-fbank --input FILE [--output FILE]
    bench_peer.py --versions
"""

import os
import sys
import time

SHORTEST = 2e-3  # seconds of one timing
now = time.process_time if "STAPES_BENCH_CPU_TIME" in os.environ else time.perf_counter


def serve(work):
    """As bench_serve: "ready", then a line of seconds for each "repeat N"."""
    print("ready", flush=True)
    inner = 1
    for line in sys.stdin:
        repeats = int(line.split()[1])
        begin = now()
        work()
        while now() - begin < SHORTEST / 2:
            work()
        seconds = []
        while len(seconds) < repeats:
            begin = now()
            for _ in range(inner):
                work()
            taken = now() - begin
            if taken < SHORTEST:
                inner *= 2
            else:
                seconds.append(taken / inner)
        print(*(f"{s:.9g}" for s in seconds), flush=True)


def write(options, array):
    if "output" in options:
        import numpy as np
        np.ascontiguousarray(array, np.float32).tofile(options["output"])


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


KINDS = {"torchaudio": serve_torchaudio, "kaldi-native-fbank": serve_kaldi_native_fbank}


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
