#!/usr/bin/env python3
"""Makes labelled speech in the manner of AN4 with Debian's synthesizers, for training and for examples.

    make_speech.py corpus --out DIR [--count 4000] [--seed 1] [--spell WORDLIST] [--avoid LIST.tsv ...]
    make_speech.py say --voice flite:rms --text "ENTER FIVE" --out FILE.wav

`corpus` writes DIR/synth/*.flac and DIR/synth.tsv (audio, speaker, seconds, text: the columns that train_ctc.py
reads), the voice standing as the speaker. The sentences are drawn by rules (letters, spelled words, digits, numbers,
dates, commands); a sentence found in a list given by --avoid is drawn again, and the voices named by RESERVED are
never used, so that an example spoken by one of them is new to the model. The same seed gives the same corpus.

Needs espeak-ng, flite, festival (with festvox-kallpc16k or festvox-us-slt-hts), and python3-soundfile, soxr, numpy.
"""
import argparse
import csv
import os
import random
import re
import subprocess
import sys
import tempfile

import numpy as np
import soundfile
import soxr

RATE = 16000
RESERVED = {"flite:rms"}  # the voice of examples/audio: no training list may name it
FLITE = ["flite:slt", "flite:awb", "flite:kal16", "flite:kal"]
FESTIVAL = ["festival:kal_diphone", "festival:cmu_us_slt_arctic_hts"]
ACCENTS = ["en-us"] * 6 + ["en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029"]
TIMBRES = ["", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "Adam", "Alex", "Alicia",
           "Andrea", "Andy", "Annie", "Auntie", "Belinda", "Benjamin", "Boris", "Caleb", "David", "Denis", "Diogo",
           "Ed", "Edward", "Gene", "Gustave", "Hugo", "Iven", "Jacky", "John", "Lee", "Linda", "Marco", "Mario", "Max",
           "Michael", "Mike", "Paul", "Pablo", "Quincy", "Rob", "Robert", "Steph", "Steph2", "Zac", "anika", "klatt",
           "klatt2", "klatt4", "shelby", "travis", "victor", "grandma", "grandpa"]
ESPEAK = [f"espeak:{accent}+{timbre}" for accent in dict.fromkeys(ACCENTS) for timbre in TIMBRES]

DIGITS = "ONE TWO THREE FOUR FIVE SIX SEVEN EIGHT NINE".split()
TEENS = "TEN ELEVEN TWELVE THIRTEEN FOURTEEN FIFTEEN SIXTEEN SEVENTEEN EIGHTEEN NINETEEN".split()
TENS = "TWENTY THIRTY FORTY FIFTY SIXTY SEVENTY EIGHTY NINETY".split()
ORDINALS = ("FIRST SECOND THIRD FOURTH FIFTH SIXTH SEVENTH EIGHTH NINTH TENTH ELEVENTH TWELFTH THIRTEENTH FOURTEENTH "
            "FIFTEENTH SIXTEENTH SEVENTEENTH EIGHTEENTH NINETEENTH TWENTIETH").split()
MONTHS = "JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER".split()
COMMANDS = "YES NO GO HELP STOP START REPEAT".split()
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ESPEAK_LETTERS = {"A": "[[eI]]"}                      # espeak-ng reads a lone A as the article
FLITE_LETTERS = {"A": "ay"}                           # so do flite and festival


# ---- sentences -----------------------------------------------------------------------------------------------------

def digit(draw):
    """A digit's word; zero has two."""
    return draw.choice(DIGITS * 2 + ["OH", "ZERO"])


def below_hundred(draw):
    """A number from 1 to 99 in words."""
    kind = draw.random()
    if kind < 0.2:
        return draw.choice(DIGITS)
    if kind < 0.45:
        return draw.choice(TEENS)
    return draw.choice(TENS) + (" " + draw.choice(DIGITS) if draw.random() < 0.8 else "")


def number(draw):
    """A number, a house number or a postal code as it is said."""
    kind = draw.random()
    if kind < 0.35:
        return " ".join(below_hundred(draw) for _ in range(draw.choice([1, 2, 2, 3])))
    if kind < 0.8:
        return " ".join(digit(draw) for _ in range(draw.choice([1, 2, 3, 4, 5, 5, 6, 7, 7])))
    words = [draw.choice(DIGITS), draw.choice(["HUNDRED", "THOUSAND"])]
    if draw.random() < 0.6:
        words += (["AND"] if draw.random() < 0.4 else []) + [below_hundred(draw)]
    return " ".join(words)


def date(draw):
    """A month, a day and mostly a year."""
    day = draw.choice(ORDINALS) if draw.random() < 0.75 else draw.choice(["TWENTY " + d for d in ORDINALS[:9]] +
                                                                           ["THIRTIETH", "THIRTY FIRST"])
    year = "NINETEEN " + (draw.choice(TENS) + " " + draw.choice(DIGITS) if draw.random() < 0.8 else draw.choice(TENS))
    return " ".join([draw.choice(MONTHS), day] + ([year] if draw.random() < 0.8 else []))


def sentence(draw, spell):
    """One sentence; `spell` are words to be spelled."""
    kind = draw.random()
    if kind < 0.30:
        letters = " ".join(draw.choice(ALPHABET) for _ in range(draw.choice([1, 2, 3, 4, 4, 5, 5])))
        head = draw.choice(["ENTER ", "ERASE ", "RUBOUT ", "", "", ""])
        tail = " " + number(draw) if draw.random() < 0.7 else ""
        return head + letters + tail
    if kind < 0.65:
        return " ".join(" ".join(draw.choice(spell)) for _ in range(draw.choice([1, 1, 1, 2])))
    if kind < 0.85:
        return (draw.choice(["ENTER ", "ERASE ", "RUBOUT ", "AREA CODE "]) if draw.random() < 0.3 else "") + number(draw)
    if kind < 0.96:
        return date(draw)
    return draw.choice(COMMANDS + ["APOSTROPHE S", "FIRST OF " + draw.choice(MONTHS), "SECOND HALF", "REPEAT " + number(draw)])


# ---- voices --------------------------------------------------------------------------------------------------------

def spoken(text, letters, pause):
    """The text as a synthesizer should be given it: lower-case words, upper-case letters, some pauses."""
    words = [letters.get(word, word) if len(word) == 1 else word.lower() for word in text.split()]
    return re.sub(r"\s+", " ", "".join(word + (pause() if i + 1 < len(words) else "") for i, word in enumerate(words)))


def synthesize(voice, text, draw=None):
    """Samples (float32, 16 kHz, mono) of `text` in `voice`; with `draw` pace, pitch and pauses vary."""
    system, name = voice.split(":", 1)
    vary = draw.uniform if draw else lambda low, high: (low + high) / 2
    comma = vary(0.0, 0.35) if draw else 0.0
    pause = lambda: ", " if draw and draw.random() < comma else " "
    with tempfile.TemporaryDirectory() as folder:
        wav = os.path.join(folder, "a.wav")
        if system == "espeak":
            command = ["espeak-ng", "-v", name, "-s", str(int(vary(115, 195))), "-p", str(int(vary(20, 80))),
                       "-g", str(int(vary(0, 9))), "-w", wav, spoken(text, ESPEAK_LETTERS, pause)]
            given = None
        elif system == "flite":
            command = ["flite", "-voice", name, "--setf", f"duration_stretch={vary(0.85, 1.35):.3f}"]
            if draw:
                command += ["--setf", f"int_f0_target_mean={vary(85, 190):.1f}"]
            command += ["-t", " " + spoken(text, FLITE_LETTERS, pause), "-o", wav]
            given = None
        else:
            command = ["text2wave", "-eval", f"(voice_{name})", "-o", wav]
            if draw:
                command[3:3] = ["-eval", f"(Parameter.set 'Duration_Stretch {vary(0.85, 1.3):.3f})"]
            given = spoken(text, FLITE_LETTERS, pause).encode()
        subprocess.run(command, input=given, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        samples, rate = soundfile.read(wav, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    if rate != RATE:
        samples = soxr.resample(samples, rate, RATE)
    peak = float(np.abs(samples).max()) if len(samples) else 0.0
    if peak < 1e-3 or len(samples) < RATE // 4:
        raise ValueError("nearly nothing was said")
    return (samples * (0.5 / peak)).astype("float32")


def pick_voice(draw):
    """A voice, natural ones more often than their number would give."""
    kind = draw.random()
    if kind < 0.62:
        return f"espeak:{draw.choice(ACCENTS)}+{draw.choice(TIMBRES)}"
    if kind < 0.97:
        return draw.choice(FLITE[:2] * 3 + FLITE[2:])
    return draw.choice(FESTIVAL)


# ---- commands ------------------------------------------------------------------------------------------------------

def corpus(args):
    draw = random.Random(args.seed)
    avoid = {"THIS IS NEVER SAID"}
    for path in args.avoid:
        with open(path, encoding="utf-8") as rows:
            avoid |= {row["text"] for row in csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE)}
    with open(args.spell, encoding="utf-8") as lines:
        spell = sorted({line.split()[0].upper() for line in lines if re.fullmatch(r"[A-Za-z]{2,9}", line.split()[0])})
    os.makedirs(os.path.join(args.out, "synth"), exist_ok=True)
    failed = 0
    with open(os.path.join(args.out, "synth.tsv"), "w", encoding="utf-8") as out:
        out.write("audio\tspeaker\tseconds\ttext\n")
        for index in range(args.count):
            text, voice = sentence(draw, spell), pick_voice(draw)
            while text in avoid:
                text = sentence(draw, spell)
            assert voice not in RESERVED
            try:
                samples = synthesize(voice, text, random.Random(f"{args.seed} {index}"))
            except (subprocess.CalledProcessError, ValueError, soundfile.LibsndfileError) as error:
                failed += 1
                if failed > args.count // 10:
                    sys.exit(f"make_speech.py: more than a tenth failed, last {voice}: {error}")
                continue
            name = f"synth/{index:05d}.flac"
            soundfile.write(os.path.join(args.out, name), samples, RATE, subtype="PCM_16")
            out.write(f"{name}\t{voice}\t{len(samples) / RATE:.3f}\t{text}\n")
            if sys.stderr.isatty() or index % 500 == 0:
                print(f"{index} of {args.count}, {failed} failed", end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr)


def say(args):
    samples = synthesize(args.voice, args.text.upper())
    soundfile.write(args.out, samples, RATE, subtype="PCM_16")
    print(f"{args.out}: {len(samples) / RATE:.2f} s, {args.voice}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    make = commands.add_parser("corpus", help="a training corpus")
    make.add_argument("--out", required=True)
    make.add_argument("--count", type=int, default=4000, help="sentences")
    make.add_argument("--seed", type=int, default=1)
    make.add_argument("--spell", required=True, help="file whose first word of each line may be spelled (cmudict.dict)")
    make.add_argument("--avoid", action="append", default=[], help="list (TSV with a column text) of sentences not to say")
    make.set_defaults(run=corpus)
    one = commands.add_parser("say", help="one recording")
    one.add_argument("--voice", required=True, help="espeak:NAME, flite:NAME or festival:NAME")
    one.add_argument("--text", required=True)
    one.add_argument("--out", required=True)
    one.set_defaults(run=say)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
