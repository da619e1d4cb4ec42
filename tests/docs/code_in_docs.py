#!/usr/bin/env python3
"""Code in the documentation is that of files which tests build.

    code_in_docs.py [--write] ROOT

A comment `<!-- from FILE: "FIRST" to "LAST" -->` stands before a fenced block: the block is the part of FILE
from the line that begins with FIRST up to, not with, the line that begins with LAST (`end`: to its end). Without
--write, differences are printed and the exit code is 1; with it the blocks are renewed.
"""
import pathlib
import re
import sys

BLOCK = re.compile(r'(<!-- from (\S+): "([^"]+)" to ("[^"]+"|end) -->\n```c\n)(.*?)(```)', re.S)


def part(root, name, first, last):
    """The lines of a file from `first` to before `last`."""
    lines = (root / name).read_text(encoding="utf-8").splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith(first)), None)
    if begin is None:
        sys.exit(f"{name}: no line begins with {first!r}")
    end = len(lines)
    if last != "end":
        end = next((i for i in range(begin + 1, len(lines)) if lines[i].startswith(last.strip('"'))), None)
        if end is None:
            sys.exit(f"{name}: no line after {first!r} begins with {last}")
    return "\n".join(lines[begin:end]).rstrip() + "\n"


def main():
    """Checks or renews every page of docs."""
    write = "--write" in sys.argv
    root = pathlib.Path([a for a in sys.argv[1:] if a != "--write"][0])
    stale, count = 0, 0
    for page in sorted((root / "docs").rglob("*.md")):
        text = page.read_text(encoding="utf-8")
        count += len(BLOCK.findall(text))
        renewed = BLOCK.sub(lambda m: m.group(1) + part(root, m.group(2), m.group(3), m.group(4)) + m.group(6), text)
        if renewed == text:
            continue
        stale += 1
        if write:
            page.write_text(renewed, encoding="utf-8")
        else:
            print(f"{page.relative_to(root)}: code is not that of its file; renew it: tests/docs/code_in_docs.py --write .")
    print(f"{count} blocks of code, {stale} pages {'renewed' if write else 'stale'}")
    if not count:
        print("no block was found: the marks have changed")
    return 1 if (stale and not write) or not count else 0


if __name__ == "__main__":
    sys.exit(main())
