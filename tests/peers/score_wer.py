#!/usr/bin/env python3
"""Word error rate of a recogniser's output against a list of recordings, by jiwer's definition:
(substitutions + deletions + insertions) / words said, over all recordings together.

    stapes transcribe --format jsonl ../shared/data/an4/test/*.flac > out.jsonl
    build/peers/bin/python tests/peers/score_wer.py ../shared/data/an4/test.tsv out.jsonl

LIST is tab-separated with a header line that names at least `audio` and `text`. HYPOTHESES are
either JSON lines with `file` and `text`, matched by file name whatever their order, or plain lines
of text, one for each recording in the order of the list. '-' reads standard input. Upper and lower
case and the width of spaces do not count; every recording of the list does, and one without an
answer counts as all its words deleted.
"""

import argparse
import csv
import json
import pathlib
import sys


class Refused(Exception):
    """The input cannot be scored; the message says why and what to do."""


def read_list(path: str) -> dict[str, str]:
    """File name without folder and ending -> what was said."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        for column in ("audio", "text"):
            if column not in (rows.fieldnames or ()):
                raise Refused(f"{path}:1: no column '{column}' in the header line, which has "
                              f"{rows.fieldnames}: give a tab-separated list such as data/an4/test.tsv")
        said = {}
        for row in rows:
            name = pathlib.Path(row["audio"]).stem
            if name in said:
                raise Refused(f"{path}:{rows.line_num}: a second recording is named '{name}'")
            said[name] = plain(row["text"])
    if not said:
        raise Refused(f"{path}: the list names no recording")
    return said


def read_hypotheses(path: str, names: list[str]) -> dict[str, str]:
    """The same names -> what was recognised."""
    with (sys.stdin if path == "-" else open(path, encoding="utf-8")) as file:
        lines = [line.rstrip("\n") for line in file]
    if not (lines and lines[0].lstrip().startswith("{")):
        if len(lines) != len(names):
            raise Refused(f"{path}: {len(lines)} lines of text for {len(names)} recordings: transcribe every "
                          "recording in the order of the list, or use --format jsonl")
        return {name: plain(line) for name, line in zip(names, lines)}
    heard = {}
    for number, line in enumerate(lines, 1):
        try:
            answer = json.loads(line)
            name, text = pathlib.Path(answer["file"]).stem, answer["text"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise Refused(f"{path}:{number}: not an object with 'file' and 'text': {error!r}") from None
        if name in heard:
            raise Refused(f"{path}:{number}: a second answer for '{name}'")
        heard[name] = plain(text)
    return heard


def plain(text: str) -> str:
    return " ".join(text.upper().split())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", metavar="LIST")
    parser.add_argument("hypotheses", metavar="HYPOTHESES")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="show the N worst recordings, aligned")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of words")
    arguments = parser.parse_args()
    try:
        import jiwer
    except ModuleNotFoundError:
        print("score_wer: jiwer is not installed here: run tests/peers/setup, then use build/peers/bin/python",
              file=sys.stderr)
        return 2
    try:
        said = read_list(arguments.list)
        heard = read_hypotheses(arguments.hypotheses, list(said))
    except (Refused, OSError, UnicodeDecodeError) as error:
        print(f"score_wer: {error}", file=sys.stderr)
        return 2

    unanswered = [name for name in said if name not in heard]
    unknown = [name for name in heard if name not in said]
    if unanswered:
        print(f"score_wer: {len(unanswered)} of {len(said)} recordings have no answer and count as deleted, "
              f"{unanswered[0]} first", file=sys.stderr)
    if unknown:
        print(f"score_wer: {len(unknown)} answers are for recordings that are not in the list and do not count, "
              f"{unknown[0]} first", file=sys.stderr)

    names = list(said)
    total = jiwer.process_words([said[name] for name in names], [heard.get(name, "") for name in names])
    words = total.hits + total.substitutions + total.deletions
    correct = sum(said[name] == heard.get(name, "") for name in names)
    if arguments.json:
        print(json.dumps({
            "wer": total.wer, "words": words, "substitutions": total.substitutions, "deletions": total.deletions,
            "insertions": total.insertions, "recordings": len(names), "correct": correct,
            "unanswered": len(unanswered)}))
    else:
        print(f"word error rate {100 * total.wer:.2f} %: {total.substitutions} substituted, {total.deletions} "
              f"deleted, {total.insertions} inserted of {words} words; {correct} of {len(names)} recordings "
              "without an error")
    if arguments.worst > 0:
        scored = [(jiwer.process_words(said[name], heard.get(name, "")), name) for name in names]
        scored.sort(key=lambda pair: -pair[0].wer)
        for one, name in scored[:arguments.worst]:
            print(f"\n{name}: {100 * one.wer:.0f} %")
            print(jiwer.visualize_alignment(one, show_measures=False, skip_correct=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
