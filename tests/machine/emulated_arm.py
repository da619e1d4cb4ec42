#!/usr/bin/env python3
"""The plain path compiles and passes for another architecture: aarch64, with a cross compiler and qemu-aarch64.

Usage: emulated_arm.py SOURCE FOLDER. Compiles the kit without what needs libyaml (model folders), so that a compiler
and the C library are all it takes, links unit tests with it and runs them. Logs lie in FOLDER.
"""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

COMPILER, EMULATOR, ROOT = "aarch64-linux-gnu-gcc", "qemu-aarch64", "/usr/aarch64-linux-gnu"
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-D_GNU_SOURCE",
         "-ffp-contract=off"]
LEFT_OUT = {"yaml_map.c"}  # it needs a library; what needs it stays unlinked in the archive
TESTS = ["unit/paths_test.c", "unit/functions_test.c", "unit/backend_test.c", "unit/safetensors_test.c",
         "unit/ctc_test.c", "unit/json_test.c", "unit/logmel_test.c", "unit/cepstra_test.c", "unit/deltas_test.c",
         "threads/workers_test.c", "threads/team_test.c"]


def main():
    """Compiles, links, runs."""
    source, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    for tool in (COMPILER, EMULATOR):
        if not shutil.which(tool):
            print(f"skipped: there is no {tool} (packages gcc-aarch64-linux-gnu, libc6-dev-arm64-cross, qemu-user)")
            return 77
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    core = source / "core"
    files = [f for part in ("kit", "contract") for f in sorted((core / part).rglob("*.c"))]
    files = [f for f in files if f.name not in LEFT_OUT and "_avx" not in f.name] + [core / "runtime/workers.c"]
    include = [f"-I{core}", f"-I{core}/include", f"-I{source}/tests", f'-DSTAPES_SOURCE_DIR="{source}"']

    def build(job):
        words, log = job
        done = subprocess.run([COMPILER, *FLAGS, *include, *map(str, words)], capture_output=True, text=True)
        log.write_text(done.stderr)
        return f"{log}:\n{done.stderr[:2000]}" if done.returncode else None

    objects = [folder / f"{f.stem}.o" for f in files]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        wrong = list(filter(None, pool.map(build, [(["-c", f, "-o", o], o.with_suffix(".log"))
                                                   for f, o in zip(files, objects)])))
        if not wrong:
            archive = folder / "libkit.a"
            subprocess.run(["aarch64-linux-gnu-ar", "rcs", archive, *objects], check=True)
            programs = [folder / pathlib.Path(t).stem for t in TESTS]
            wrong = list(filter(None, pool.map(build, [
                ([source / "tests" / t, archive, "-lpthread", "-ldl", "-lm", "-o", p], p.with_suffix(".log"))
                for t, p in zip(TESTS, programs)])))
    for words in wrong:
        print(f"failed: {words}")
    if wrong:
        return 1
    print(f"{len(files)} files compiled for aarch64")
    failures = 0
    for program in programs:
        done = subprocess.run([EMULATOR, "-L", ROOT, program], capture_output=True, text=True, timeout=900)
        good = done.returncode == 0 and " 0 failed" in done.stdout
        failures += not good
        last = (done.stdout.strip().splitlines() or ["nothing printed"])[-1]
        print(f"{'good' if good else 'failed'}: {program.name}: {last}")
        if not good:
            print(f"exit code {done.returncode}\n{done.stdout[-1500:]}{done.stderr[-1500:]}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
