"""Runs the program under test, for the other files of this folder."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("STAPES_PROGRAM", str(pathlib.Path(__file__).resolve().parents[2] / "build/dev/bin/stapes"))
SOURCE = pathlib.Path(os.environ.get("STAPES_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("STAPES_BUILD", SOURCE / "build/dev"))
TRIVIAL = "app.silence seconds=0.1 ! app.discard"


def environment(**more):
    """Nothing of the person who runs the tests: no plugins, pipelines and models of theirs."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("STAPES_")}
    clean.update({"HOME": "/nonexistent", "XDG_DATA_HOME": "/nonexistent"})
    clean.update(more)
    return clean


class Program(unittest.TestCase):
    """A folder of its own for each test, and the program."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stapes-test-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def stapes(self, *words, code=0, stdin=None, timeout=60, env=None, stdout=None):
        """Runs it; the exit code must be `code`. Returns what it printed: (output, words)."""
        done = subprocess.run([PROGRAM, *map(str, words)], input=stdin, text=True, cwd=self.folder, timeout=timeout,
                              stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE, env=env or environment())
        self.assertEqual(done.returncode, code, f"stapes {' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def write(self, name, text):
        """A file in the test's folder."""
        path = self.folder / name
        path.write_text(text)
        return path

    def stages(self):
        """The names of all stages that this build has."""
        import json
        return {s["name"] for p in json.loads(self.stapes("list", "--json")[0]) for s in p["stages"]}

    def need_stages(self, *names):
        """Skips a test whose stages are not part of this build."""
        missing = set(names) - self.stages()
        if missing:
            self.skipTest(f"this build lacks {', '.join(sorted(missing))}")


def main():
    """As unittest.main, but 77 where every test was skipped."""
    result = unittest.main(exit=False, verbosity=1).result
    if result.wasSuccessful() and result.testsRun and len(result.skipped) == result.testsRun:
        print("skipped: " + result.skipped[0][1])
        sys.exit(77)
    sys.exit(not result.wasSuccessful())
