#!/usr/bin/env python3
"""The build runs on an x86-64 machine without AVX: unit tests of the kit and one transcription under qemu-x86_64.

Usage: emulated_x86.py BUILD SOURCE. The processors: Nehalem (2008: up to SSE4.2) and qemu64 (SSE3 and little else).
That a wide instruction would be noticed is shown first, with a program that has one. On SandyBridge (AVX without AVX2)
OpenBLAS is taken by itself, if it is there.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

PROCESSORS = ["Nehalem", "qemu64"]
FEW = ["paths_test", "network_test", "safetensors_test", "ctc_test"]
TESTS = {"Nehalem": FEW + ["streams_test", "functions_test", "fft_test", "logmel_test", "quantize_test"], "qemu64": FEW}
PROBE = "int main(void) { __asm__ volatile(\"vaddps %ymm0, %ymm0, %ymm0\"); return 0; }\n"
failures = 0


def emulate(processor, words, **more):
    """Runs a program as on that processor."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STAPES_")}
    clean.update({"HOME": "/nonexistent", "XDG_DATA_HOME": "/nonexistent"}, **more)
    return subprocess.run(["qemu-x86_64", "-cpu", processor, *map(str, words)], capture_output=True, text=True, env=clean,
                          timeout=900)


def check(good, what, done):
    """One line for each check; of a failed one also what the program said."""
    global failures
    if not good:
        failures += 1
        print(f"failed: {what}: exit code {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    else:
        print(f"good: {what}", flush=True)


def main():
    """All checks."""
    build, source = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if not shutil.which("qemu-x86_64"):
        print("skipped: there is no qemu-x86_64 (package qemu-user)")
        return 77
    program, example = build / "bin/stapes", source / "examples/audio/stapes.flac"
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STAPES_")}
    here = subprocess.run([program, "transcribe", example], capture_output=True, text=True, check=True, env=clean).stdout
    with tempfile.TemporaryDirectory() as folder:
        probe = pathlib.Path(folder) / "probe"
        subprocess.run(["cc", "-x", "c", "-o", probe, "-"], input=PROBE, text=True, check=True)
        for processor in PROCESSORS:
            done = emulate(processor, [probe])
            check(done.returncode in (-signal.SIGILL, 128 + signal.SIGILL), f"{processor}: AVX is an illegal instruction",
                  done)
    for processor in PROCESSORS:
        for name in TESTS[processor]:
            done = emulate(processor, [build / "bin" / name])
            check(done.returncode == 0 and " 0 failed" in done.stdout, f"{processor}: {name}", done)
        done = emulate(processor, [program, "transcribe", example])
        check(done.returncode == 0 and done.stdout == here and done.stderr == "", f"{processor}: the same text", done)
        done = emulate(processor, [program, "transcribe", example], STAPES_CPU="avx2")
        check(done.returncode == 0 and done.stdout == here and "STAPES_CPU=avx2: this machine has not all of its "
              "instructions; 'baseline' is used" in done.stderr, f"{processor}: STAPES_CPU=avx2 is refused with words", done)
    done = emulate("SandyBridge", [program, "transcribe", example])
    check(done.returncode == 0 and done.stdout == here, "SandyBridge: the same text", done)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
