"""What STAPES_CPU and STAPES_PRODUCT choose: the same text from each, a warning and the kit's own way where it is not
there, and `stapes doctor` says all of it."""
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
import program  # noqa: E402

EXAMPLE = program.SOURCE / "examples/audio/stapes.flac"


class Choice(program.Program):
    """The whole program, with the environment varied."""

    def transcribe(self, **environment):
        """The example's text, and what was said."""
        return self.stapes("transcribe", EXAMPLE, env=program.environment(**environment))

    def doctor(self, code=0, **environment):
        """The section `numbers` of the report, lines that were wrapped put together."""
        report, _ = self.stapes("doctor", code=code, env=program.environment(**environment))
        section = re.search(r"(?ms)^numbers\n(.*?)\n\n", report).group(1)
        return re.sub(r"\n {4,}", " ", section)

    def setUp(self):
        super().setUp()
        self.need_stages("audio.file", "features.logmel", "recurrent.network", "ctc.search", "text.write")

    def test_paths(self):
        paths = re.search(r"processor +(\w+), of ([\w ]+) \(", self.doctor())
        self.assertEqual(paths.group(1), paths.group(2).split()[0])
        self.assertEqual(paths.group(2).split()[-1], "baseline")
        text, words = self.transcribe()
        self.assertRegex(text, "[A-Z]{3}")
        self.assertEqual(words, "")
        for path in paths.group(2).split():
            self.assertEqual(self.transcribe(STAPES_CPU=path), (text, ""), path)
            self.assertIn(f"processor    {path}, of", self.doctor(STAPES_CPU=path))

    def test_wrong_path(self):
        text, _ = self.transcribe()
        found, words = self.transcribe(STAPES_CPU="sse9")
        self.assertEqual(found, text)
        self.assertRegex(words, r"STAPES_CPU=sse9: is no path, allowed are baseline, avx2 and avx512; '\w+' is used")
        self.assertIn("! STAPES_CPU=sse9: is no path", self.doctor(code=3, STAPES_CPU="sse9"))

    def test_products(self):
        text, _ = self.transcribe()
        report = self.doctor()
        self.assertRegex(report, r"(?m)^  products +own: ")
        self.assertRegex(report, r"(?m)^\* own +\d+\.\d +\d+\.\d   the kit's kernels, \w+$")
        for name in ("own", "openblas", "onednn"):
            absent = re.search(rf"(?m)^  {name} +not used, not required: (.*)$", report)
            if absent:
                print(f"skipped: {name}: {absent.group(1)}")
                self.assertIn("sudo apt install", absent.group(1))
                continue
            found, _ = self.transcribe(STAPES_PRODUCT=name)
            self.assertEqual(found, text, name)
            asked = self.doctor(STAPES_PRODUCT=name)
            self.assertIn(f"products     {name}: STAPES_PRODUCT={name}", asked)
            self.assertRegex(asked, rf"(?m)^\* {name} +\d+\.\d +\d+\.\d   ")
            if name != "own":
                self.assertRegex(asked, rf"(?m)^\* {name} .*\d+ rows at a time; loaded in [\d.]+ ms, takes [\d.]+ MB$")

    def test_wrong_product(self):
        text, _ = self.transcribe()
        found, words = self.transcribe(STAPES_PRODUCT="mkl")
        self.assertEqual(found, text)
        self.assertIn("STAPES_PRODUCT=mkl: is no library for products, allowed are own, openblas and onednn; the "
                      "kit's own kernels are used", words)
        self.assertIn("! STAPES_PRODUCT=mkl: is no library", self.doctor(code=3, STAPES_PRODUCT="mkl"))

    def test_absent_library(self):
        for file, name, package in (("libopenblas.so.0", "openblas", "libopenblas0-pthread"),
                                    ("libdnnl.so.2", "onednn", "libdnnl2")):
            self.write(file, "this is text")
            here = {"LD_LIBRARY_PATH": str(self.folder), "STAPES_PRODUCT": name}
            text, _ = self.transcribe()
            found, words = self.transcribe(**here)
            self.assertEqual(found, text)
            self.assertRegex(words, rf"STAPES_PRODUCT={name}: {re.escape(file)} cannot be loaded: .*; to install it: "
                                    rf"sudo apt install {package}; the kit's own kernels are used")
            report = self.doctor(code=3, **here)
            self.assertIn(f"! STAPES_PRODUCT={name}: {file} cannot be loaded", report)
            self.assertIn(f"products     own: STAPES_PRODUCT={name} cannot be used", report)


if __name__ == "__main__":
    program.main()
