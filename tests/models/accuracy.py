#!/usr/bin/env python3
"""What smaller weights cost: model an4 as it is shipped (float16, computed in float32) and quantised to int8, bf16 and
f16 by `stapes quantize`.

Usage: accuracy.py STAPES SOURCE. With AN4's test recordings ($STAPES_SHARED/data/an4, or ../shared beside the source
tree) the word error rate of each, by jiwer's definition; always the scores of the recording in examples/audio.
  shipped  exactly the word error rate that the card states: kernels do not change it
  f16      the same bytes as the shipped model
  int8     at most 0.3 points more words wrong; bf16, too
"""
import ast
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

PROGRAM, SOURCE = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "tests/peers"))
import score_wer  # noqa: E402

EXAMPLE = SOURCE / "examples/audio/stapes.flac"
DATA = pathlib.Path(os.environ.get("STAPES_SHARED", SOURCE.parent / "shared")) / "data/an4"
STATED = 39  # words wrong of 773, models/an4/CARD.md
POINTS = 0.3
failures = []


def check(good, words):
    if not good:
        failures.append(words)
        print(f"not so: {words}")


def stapes(*words):
    done = subprocess.run([PROGRAM, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"stapes {' '.join(map(str, words))}: exit code {done.returncode}\n{done.stderr}")
    return done.stdout


def transcribe(model, *files):
    return stapes("transcribe", "--model", model, "--format", "jsonl", *files)


def wrong_words(said, heard):
    """Substitutions, deletions and insertions: the edit distance of two lists of words."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(before + (word != other), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def count_wrong(output):
    """Words wrong, and words, of all recordings of the list."""
    said = score_wer.read_list(str(DATA / "test.tsv"))
    heard = {pathlib.Path(a["file"]).stem: score_wer.plain(a["text"]) for a in map(json.loads, output.splitlines())}
    check(heard.keys() == said.keys(), "every recording of the list has one answer")
    return (sum(wrong_words(text.split(), heard.get(name, "").split()) for name, text in said.items()),
            sum(len(text.split()) for text in said.values()))


def scores(model, folder):
    """Log probabilities of the example: rows of labels."""
    path = folder / "scores.npy"
    stapes("run", f"audio.file path={EXAMPLE} ! audio.resample rate=16000 channels=mix ! features.logmel model={model} ! "
           f"recurrent.network model={model} ! debug.dump path={path}")
    data = path.read_bytes()
    size = struct.unpack("<H", data[8:10])[0]
    about = ast.literal_eval(data[10:10 + size].decode())
    rows, columns = about["shape"]
    numbers = struct.unpack(f"<{rows * columns}f", data[10 + size:10 + size + 4 * rows * columns])
    path.unlink()
    return [numbers[r * columns:(r + 1) * columns] for r in range(rows)]


def main():
    with tempfile.TemporaryDirectory(prefix="stapes-accuracy-") as folder:
        folder = pathlib.Path(folder)
        models = {"shipped": SOURCE / "models/an4"}
        for kind in ("int8", "bf16", "f16"):
            models[kind] = folder / kind
            stapes("quantize", models["shipped"], models[kind], "--type", kind)
        files = sorted((DATA / "test").glob("*.flac"))
        if not files:
            print(f"skipped: AN4's test recordings, {DATA} is not there; the example alone is compared")
        reference = {"example": scores(models["shipped"], folder), "words": transcribe(models["shipped"], EXAMPLE)}
        for kind, model in models.items():
            found = scores(model, folder)
            pairs = list(zip(found, reference["example"]))
            same = sum(a.index(max(a)) == b.index(max(b)) for a, b in pairs) / len(pairs)
            largest = max(abs(math.exp(x) - math.exp(y)) for a, b in pairs for x, y in zip(a, b))
            line = (f"{kind:8} weights {(model / 'weights.safetensors').stat().st_size / 1e6:.2f} MB; example: best label equal in "
                    f"{100 * same:.1f} % of {len(pairs)} rows, probabilities differ by up to {largest:.4f}")
            if kind in ("shipped", "f16"):
                check(found == reference["example"], f"{kind}: the scores of the example are the same bits")
            check(same >= 0.97, f"{kind}: the best label is the same in 97 % of the rows")
            check(json.loads(transcribe(model, EXAMPLE))["text"] == json.loads(reference["words"])["text"],
                  f"{kind}: the words of the example are the same")
            if files:
                output = transcribe(model, *files)
                wrong, words = count_wrong(output)
                line += f"; AN4: word error rate {100 * wrong / words:.2f} %, {wrong} of {words} words"
                if kind == "shipped":
                    reference["an4"] = output
                    check(wrong == STATED, f"shipped: {STATED} words are wrong")
                elif kind == "f16":
                    check(output == reference["an4"], "f16: the same bytes as the shipped model")
                else:
                    check(100 * wrong / words <= 100 * STATED / words + POINTS, f"{kind}: at most {POINTS} points worse")
            print(line, flush=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
