#!/usr/bin/env python3
"""Checks that the tree keeps its own rules: which folder may include which, names, lengths, promises.

Usage: check_house.py [ROOT]. Prints one line for each breach, `file:line: what; rule`, and exits 1 if there is any.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
LAYERS = ["contract", "plugin", "suite", "pipeline", "runtime", "cli"]  # each may include those before it
LONGEST = 800
breaches = []


def breach(path, line, text):
    breaches.append(f"{path.relative_to(ROOT)}:{line}: {text}")


def tracked(*patterns):
    """Files that git knows (or, outside a checkout, all that match)."""
    listed = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "--", *patterns],
                            capture_output=True, text=True)
    if listed.returncode == 0:
        return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]
    return [p for pattern in patterns for p in ROOT.rglob(pattern)]


def check_includes(path, text):
    """Arrows go downwards only: cli, runtime, pipeline, suite, plugin, contract; kit and plugins stand apart.

    The program may take types from stapes/kit/*.h: it loads the kit when a command computes and never links it.
    """
    parts = path.relative_to(ROOT).parts
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not found:
            continue
        quoted, name = found.group(1) == '"', found.group(2)
        if parts[0] == "core" and parts[1] in LAYERS:
            folder = name.split("/")[0]
            if quoted and folder in LAYERS and LAYERS.index(folder) > LAYERS.index(parts[1]):
                breach(path, number, f"core/{parts[1]} includes {name}; arrows go downwards: {' < '.join(LAYERS)}")
            types = parts[1] == "cli" and name.startswith("stapes/kit/")  # for what cli/numbers.c loads
            if ((quoted and folder == "kit") or name.startswith("stapes/kit")) and not types:
                breach(path, number, f"core/{parts[1]} includes {name}; the core knows no numbers")
        elif parts[:2] == ("core", "kit"):
            if name == "stapes/runtime.h" or (quoted and name.split("/")[0] in LAYERS[1:]):
                breach(path, number, f"the kit includes {name}; it may use stage.h, contract and itself")
        elif parts[0] == "plugins":
            own = quoted and (path.parent / name).is_file()
            ours = name.startswith("stapes/") or quoted
            if ours and not own and name != "stapes/stage.h" and not name.startswith("stapes/kit"):
                breach(path, number, f"a plugin includes {name}; it may use stapes/stage.h and stapes/kit.h")


def check_text(path, text):
    """Lengths, promises left in the code, paths of one machine."""
    lines = text.splitlines()
    code = path.suffix in (".c", ".h", ".cpp")
    if code and len(lines) > LONGEST:
        breach(path, len(lines), f"{len(lines)} lines; a file says one thing in at most {LONGEST}")
    if code and path.parts[-2] != "broken" and lines and not lines[0].startswith(("/*", "//")):
        breach(path, 1, "no head comment; say what the file does and why it is so")
    for number, line in enumerate(lines, 1):
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line) and path.name != "check_house.py":
            breach(path, number, "a promise in the code; finish it or write an issue")
        if code and re.search(r"-ffast-math|-Ofast|#\s*pragma\s+STDC\s+FP_CONTRACT\s+ON", line) and "tests" not in path.parts:
            if not line.lstrip().startswith(("*", "/*", "//")) and '"' not in line:
                breach(path, number, "fast-math; results may not depend on it")


def check_library_calls(path, text):
    """Libraries never exit, abort, print or install signal handlers."""
    parts = path.relative_to(ROOT).parts
    library = (parts[0] == "core" and parts[1] != "cli") or parts[0] == "plugins"
    if not library or path.suffix != ".c":
        return
    plain = re.sub(r"/\*.*?\*/", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
    plain = re.sub(r'"(\\.|[^"\\])*"', '""', plain)
    for number, line in enumerate(plain.splitlines(), 1):
        found = re.search(r"(?<![\w.>])(exit|abort|printf|puts|putchar|signal|sigaction|perror)\s*\(", line)
        if found and not (found.group(1) in ("signal", "sigaction") and path.name == "child.c"):  # in the child alone
            breach(path, number, f"a library calls {found.group(1)}; return a status with words")


def main():
    """Runs all checks over the tracked sources."""
    names = {}
    for path in tracked("*.c", "*.h", "*.cpp", "*.py", "*.sh", "*.yaml", "*.txt", "*.cmake"):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        parts = path.relative_to(ROOT).parts
        if "data" in parts or "corpus" in parts:
            continue
        if path.suffix in (".c", ".h", ".cpp"):
            check_includes(path, text)
            check_library_calls(path, text)
            if parts[0] in ("core", "plugins"):
                if path.name in names:
                    breach(path, 1, f"there is another {path.name}: {names[path.name]}; names are unique in the tree")
                names[path.name] = path.relative_to(ROOT)
        check_text(path, text)
    for line in breaches:
        print(line)
    print(f"{len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
