#!/usr/bin/env python3
"""Nothing that measures or shows a model was trained on: lists.py SOURCE_FOLDER

Of each models/*/lists: the sentence and the voice of every example in examples/audio are in none of the lists, nor is
any of AN4's ten test speakers, nor any of the 16 LibriSpeech speakers kept for measuring; and the speakers that choose
(dev) are in no other list.
"""
import csv
import glob
import lzma
import os
import sys

AN4_TEST = "fcaw fjlp fvap marh mdms2 menk miry mjgm mjwl mmxg".split()
LIBRISPEECH_KEPT = "61 121 237 260 908 1089 1320 1995 2830 3570 4446 5683 6930 7176 8455 8555".split()


def read(path):
    opener = lzma.open if path.endswith(".xz") else open
    with opener(path, "rt", encoding="utf-8") as rows:
        return list(csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE))


def main():
    source, wrong = sys.argv[1], []
    examples = read(os.path.join(source, "examples", "audio", "list.tsv"))
    folders = sorted(glob.glob(os.path.join(source, "models", "*", "lists")))
    for folder in folders:
        lists = {os.path.basename(path).split(".")[0]: read(path) for path in sorted(glob.glob(os.path.join(folder, "*.tsv*")))}
        dev = {row["speaker"] for row in lists.get("dev", [])}
        for name, rows in lists.items():
            texts, speakers = {row["text"] for row in rows}, {row["speaker"] for row in rows}
            voices = {part for speaker in speakers for part in (speaker, speaker.split("+")[0])}
            for example in examples:
                if example["text"] in texts:
                    wrong.append(f"{folder}/{name}: has the sentence of {example['audio']}")
                if example["speaker"] in voices:
                    wrong.append(f"{folder}/{name}: has the voice of {example['audio']}")
            for speaker in sorted(speakers & set(AN4_TEST + LIBRISPEECH_KEPT)):
                wrong.append(f"{folder}/{name}: has the speaker {speaker}, who is kept for measuring")
            if name != "dev" and speakers & dev:
                wrong.append(f"{folder}/{name}: has speakers of dev: {' '.join(sorted(speakers & dev))}")
            print(f"{os.path.relpath(folder, source)}/{name}: {len(rows)} recordings, {len(speakers)} speakers or voices")
    print("\n".join(wrong) or f"{len(examples)} examples, {len(folders)} models: nothing that measures was trained on")
    return 1 if wrong or not examples else 0


sys.exit(main())
