#!/usr/bin/env python3
"""demo.py SOURCE: the first command of the README prints what examples/audio/list.tsv says is spoken."""
import csv
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1])


def main():
    """Runs tools/demo, which finds everything built already."""
    with open(SOURCE / "examples/audio/list.tsv", encoding="utf-8") as file:
        expected = [row["text"] for row in csv.DictReader(file, delimiter="\t")][:1]
    done = subprocess.run([SOURCE / "tools/demo"], capture_output=True, text=True, timeout=600)
    print(done.stderr)
    if done.returncode or done.stdout.splitlines() != expected or "real-time factor" not in done.stderr:
        sys.exit(f"tools/demo: exit code {done.returncode}, printed {done.stdout!r}, expected {expected}")
    print("tools/demo:", expected[0])


if __name__ == "__main__":
    main()
