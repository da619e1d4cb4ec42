#!/usr/bin/env python3
"""What a build for every x86-64 machine may not contain: instructions that not every one has, outside the objects of
the paths that are chosen at run time.

Usage: check_instructions.py BUILD. Looks at the objects of the core, the kit and the plugins with objdump. The objects
of the wide paths must contain such instructions: else this test would see none anywhere.
"""
import pathlib
import re
import shutil
import subprocess
import sys

WIDE_PATHS = re.compile(r"_avx(2|512)\.c\.o$")
# AVX and later by their registers and by the v before a name; SSE3 to SSE4.2 and others by name
LATER = re.compile(
    r"%[yz]mm|%k[0-7]\b|^v[a-z0-9]+ |^(pshufb|ph(add|sub)\w*|pabs[bwd]|pmaddubsw|psign[bwd]|pmulhrsw|palignr|addsub\w+|"
    r"h(add|sub)p[sd]|mov(d|sh|sl)dup|lddqu|pmov[sz]x\w+|p?blend\w+|round[ps][sd]|dpp[sd]|ptest|pmulld|pmuldq|packusdw|"
    r"pcmp(eq|gt)q|pcmp[ei]str[im]|p(max|min)(s[bd]|u[wd])|pinsr[bdq]|pextr[bdq]|insertps|extractps|mpsadbw|phminposuw|"
    r"movntdqa|crc32\w*|popcnt\w*|movbe\w*|aes\w+|pclmul\w*|andn|bextr|bls\w+|bzhi|mulx|pdep|pext|rorx|s[ah][lr]x)\b")


def later_instructions(path):
    """The first instructions of an object that not every machine has: (function, instruction), and their number."""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True, check=True).stdout
    function, first, count = "", None, 0
    for line in text.splitlines():
        head = re.match(r"[0-9a-f]+ <(.*)>:$", line)
        if head:
            function = head.group(1)
            continue
        found = re.match(r"\s+[0-9a-f]+:\s+(.*)", line)
        if found and LATER.search(found.group(1).split("#")[0].split("<")[0].strip() + " "):
            count += 1
            first = first or (function, found.group(1).strip())
    return first, count


def main():
    """Looks at every object."""
    build = pathlib.Path(sys.argv[1])
    if not shutil.which("objdump"):
        print("skipped: there is no objdump")
        return 77
    objects = [p for folder in ("core", "plugins") for p in sorted((build / folder).rglob("*.o"))]
    wide, wrong = 0, 0
    for path in objects:
        first, count = later_instructions(path)
        if WIDE_PATHS.search(path.name):
            wide += count > 100
        elif first:
            wrong += 1
            print(f"{path.relative_to(build)}: {count} instructions that not every x86-64 machine has, the first in "
                  f"{first[0]}: {first[1]}")
    print(f"{len(objects)} objects, {wide} of the wide paths, {wrong} wrong ones")
    return 0 if objects and wide >= 2 and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
