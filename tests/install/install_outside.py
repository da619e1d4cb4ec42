#!/usr/bin/env python3
"""install_outside.py CMAKE SOURCE BUILD LIBDIR: installs to a temporary prefix, moves that elsewhere, builds
the examples with nothing but it, verifies the stages, and runs all of it."""

import array
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile

CMAKE, SOURCE, BUILD, LIBDIR = sys.argv[1:5]
work = tempfile.mkdtemp(prefix="stapes-install-")
prefix = os.path.join(work, "elsewhere", "stapes")
stapes = os.path.join(prefix, "bin", "stapes")

# Nothing of the build tree, and nothing of the person who runs this.
clean = {name: value for name, value in os.environ.items()
         if not name.startswith(("STAPES_", "PKG_CONFIG", "CMAKE_", "LD_")) and name not in ("CFLAGS", "CXXFLAGS")}
clean.update(HOME=work, XDG_DATA_HOME=os.path.join(work, "data"), LC_ALL="C.UTF-8",
             PKG_CONFIG_PATH=os.path.join(prefix, LIBDIR, "pkgconfig"), STAPES=stapes)


def fail(*words):
    print(*words, file=sys.stderr)
    sys.exit(1)


def run(*command, cwd=work, code=0):
    done = subprocess.run(command, cwd=cwd, env=clean, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    if done.returncode != code:
        fail(" ".join(command), "\nexit code", done.returncode, "instead of", code, "\n" + out + err)
    return out


def install():
    first = os.path.join(work, "first")
    run(CMAKE, "--install", BUILD, "--prefix", first)
    os.makedirs(os.path.dirname(prefix))
    shutil.move(first, prefix)
    expected = ["bin/stapes", "include/stapes/stage.h", "include/stapes/runtime.h", "include/stapes/kit.h",
                LIBDIR + "/libstapes.so", LIBDIR + "/libstapes-kit.so", LIBDIR + "/pkgconfig/stapes.pc",
                LIBDIR + "/pkgconfig/stapes-kit.pc", LIBDIR + "/cmake/stapes/stapes-config.cmake",
                LIBDIR + "/stapes/plugins/audio.so", LIBDIR + "/stapes/plugins/text.so",
                "share/stapes/pipelines/transcribe.yaml", "share/bash-completion/completions/stapes",
                "share/zsh/site-functions/_stapes"]
    missing = [name for name in expected if not os.path.exists(os.path.join(prefix, name))]
    if missing:
        fail("not installed:", *missing)


def check_independence():
    """Nothing that was installed leads back to where it was built or first put."""
    for folder, _, names in os.walk(prefix):
        for name in names:
            path = os.path.join(folder, name)
            if os.path.islink(path):
                target = os.path.realpath(path)
                if not target.startswith(os.path.realpath(prefix)) or not os.path.exists(target):
                    fail(path, "leads to", target)
                continue
            with open(path, "rb") as file:
                content = file.read()
            if content[:4] == b"\x7fELF":
                dynamic = run("readelf", "-d", path)
                places = [line for line in dynamic.splitlines() if "PATH" in line]
                if any(BUILD in line or work in line for line in places):
                    fail(path, "looks for libraries in", *places)
            elif os.path.join(work, "first").encode() in content or BUILD.encode() in content:
                fail(path, "names the place where it was built or installed")


def example(name):
    """A copy of the example, away from the tree."""
    folder = os.path.join(work, name)
    shutil.copytree(os.path.join(SOURCE, "examples", name), folder)
    return folder


def write_wav(path, rate, samples):
    data = array.array("h", samples).tobytes()
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " +
                   struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16) + b"data" + struct.pack("<I", len(data)))
        file.write(data)


def single(value):
    """Rounded to float32."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def check_stage(name, coefficient):
    """Built, verified, and run between stages of ours: y[n] = x[n] - c * x[n - 1], sample by sample."""
    folder = example(name)
    run("make", cwd=folder)
    run(stapes, "inspect", "./preemphasis.so", cwd=folder)
    run(stapes, "verify", "./preemphasis.so", cwd=folder)
    samples = [int(20000 * math.sin(i * i / 5000.0)) for i in range(4000)]
    write_wav(os.path.join(folder, "in.wav"), 16000, samples)
    run(stapes, "run", "--plugin-path", folder, "audio.file path=in.wav ! preemphasis.filter coefficient=%g "
        "! audio.write path=out.wav encoding=f32" % coefficient, cwd=folder)
    with open(os.path.join(folder, "out.wav"), "rb") as file:
        content = file.read()
    found = struct.unpack("<4000f", content[-16000:])
    x = [value / 32768.0 for value in samples]
    c = single(coefficient)
    for i, value in enumerate(found):
        expected = x[i] - c * (x[i - 1] if i else 0.0)
        if abs(value - expected) > 1e-6:
            fail(name, "sample", i, "is", value, "instead of", expected)
    # a user's own folder of plugins is searched without being named
    mine = os.path.join(clean["XDG_DATA_HOME"], "stapes", "plugins")
    os.makedirs(mine, exist_ok=True)
    shutil.copy(os.path.join(folder, "preemphasis.so"), mine)
    run(stapes, "run", "audio.file path=in.wav ! preemphasis.filter ! app.discard", cwd=folder)
    shutil.rmtree(mine)


def check_kit():
    """A program of somebody's that uses the kit alone."""
    with open(os.path.join(work, "kit.c"), "w") as file:
        file.write('#include <stapes/kit.h>\n#include <stdio.h>\nint main(void)\n{\n    char text[STAPES_HASH_TEXT];\n'
                   '    return puts(stapes_hash_bytes("abc", 3, text)) < 0;\n}\n')
    flags = run("pkg-config", "--cflags", "--libs", "stapes-kit").split()
    run("cc", "-std=c11", "kit.c", "-o", "kit", "-Wl,-rpath," + os.path.join(prefix, LIBDIR), *flags)
    if run(os.path.join(work, "kit")) != ("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"):
        fail("the kit computes another SHA-256 of 'abc'")


def check_embedding():
    """The application, built in both ways, gives the text that the program gives."""
    folder = example("embed")
    run("make", cwd=folder)
    run(CMAKE, "-B", "build", "-DCMAKE_PREFIX_PATH=" + prefix, cwd=folder)
    run(CMAKE, "--build", "build", cwd=folder)
    run(os.path.join(folder, "embed"), cwd=folder, code=2)
    run(os.path.join(folder, "embed"), "no.wav", cwd=folder, code=1)
    model = "an4"
    if not os.path.exists(os.path.join(prefix, "share", "stapes", "models", model, "weights.safetensors")):
        model = os.path.join(SOURCE, "tests", "data", "models", "tiny-bi")
        with open(os.path.join(folder, "embed.yaml")) as file:
            text = file.read()
        with open(os.path.join(folder, "embed.yaml"), "w") as file:
            file.write(text.replace("model: an4", "model: " + model))
    flac = os.path.join(SOURCE, "examples", "audio", "stapes.flac")
    run(stapes, "run", "audio.file path=%s ! audio.write path=a.wav" % flac, cwd=folder)
    expected = run(stapes, "transcribe", "--model", model, "a.wav", cwd=folder).strip()
    if not expected:
        fail("the installed program hears nothing in", flac)
    for program in ("embed", os.path.join("build", "embed")):
        out = run(os.path.join(folder, program), "a.wav", cwd=folder)
        if expected not in out:
            fail(program, "printed", repr(out), "without", repr(expected))


try:
    install()
    check_independence()
    check_stage("stage-c", 0.5)
    check_stage("stage-cpp", 0.97)
    check_kit()
    check_embedding()
    print("installed, moved, built outside, verified, run")
finally:
    shutil.rmtree(work, ignore_errors=True)
