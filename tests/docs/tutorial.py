#!/usr/bin/env python3
"""tutorial.py STAPES SOURCE PKGCONFIG: what docs/writing-a-stage.md does, done: the example is built, verified,
inspected and run, and its numbers are right."""
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile

STAPES, SOURCE, PKGCONFIG = sys.argv[1:4]


def run(folder, *command):
    """Standard output of a command that must succeed."""
    environment = dict(os.environ, PKG_CONFIG_PATH=PKGCONFIG, STAPES=STAPES)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def write_wav(path, rate, values):
    """Float samples, one channel."""
    data = struct.pack(f"<{len(values)}f", *values)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " +
                   struct.pack("<IHHIIHH", 16, 3, 1, rate, 4 * rate, 4, 32) + b"data" + struct.pack("<I", len(data)))
        file.write(data)


def main():
    """Builds in a folder of its own and compares levels with the definition."""
    with tempfile.TemporaryDirectory() as work:
        folder = os.path.join(work, "stage-level")
        shutil.copytree(os.path.join(SOURCE, "examples", "stage-level"), folder)
        run(folder, "make")
        run(folder, STAPES, "verify", "./level.so")
        if "hop" not in run(folder, STAPES, "inspect", "./level.so") + run(folder, STAPES, "inspect", "--plugin-path", ".",
                                                                           "level.db"):
            sys.exit("stapes inspect does not show the parameter hop")
        rate, loud, quiet = 16000, 0.5, 0.01
        wave = [(loud if i < rate else quiet) * math.sin(2 * math.pi * 100 * i / rate) for i in range(2 * rate + 100)]
        write_wav(os.path.join(folder, "a.wav"), rate, wave)
        run(folder, STAPES, "run", "--plugin-path", ".",
            "audio.file path=a.wav ! level.db hop=20 ! debug.dump path=level.npy ! app.discard")
        content = open(os.path.join(folder, "level.npy"), "rb").read()
        size = struct.unpack("<H", content[8:10])[0]
        levels = struct.unpack(f"<{(len(content) - 10 - size) // 4}f", content[10 + size:])
        if len(levels) != 101:
            sys.exit(f"{len(levels)} levels instead of 101 (100 whole hops and the rest)")
        for i, amplitude in ((0, loud), (49, loud), (50, quiet), (99, quiet)):
            expected = 10 * math.log10(amplitude ** 2 / 2 + 1e-10)
            if abs(levels[i] - expected) > 0.01:
                sys.exit(f"level {i} is {levels[i]} dB instead of {expected}")
    print("built, verified, run: 101 levels")


if __name__ == "__main__":
    main()
