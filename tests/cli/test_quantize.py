"""`stapes quantize`: the numbers that it writes are those of the format, computed here once more; it writes whole
folders or nothing; every wrong use is told what it is."""
import json
import os
import pathlib
import resource
import shutil
import signal
import struct
import subprocess
import time

import program

MODELS = program.SOURCE / "tests/data/models"
PACK = {"F64": "d", "F32": "f", "F16": "e", "I8": "b", "BF16": "H", "I32": "i"}


def read(path):
    """Tensors of a safetensors file: name to (kind, shape, numbers); bfloat16 as its bits."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, about in json.loads(data[8:8 + size]).items():
        begin, end = about["data_offsets"]
        part = data[8 + size + begin:8 + size + end]
        kind = about["dtype"]
        tensors[name] = (kind, about["shape"], struct.unpack(f"<{len(part) // struct.calcsize(PACK[kind])}{PACK[kind]}", part))
    return tensors


def float32(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


def half_even(number):
    return round(number)  # Python's round: ties to even


class Quantize(program.Program):
    def copy(self, name, to="model"):
        shutil.copytree(MODELS / name, self.folder / to)
        return self.folder / to

    def files(self, folder="."):
        return sorted(str(p.relative_to(self.folder)) for p in (self.folder / folder).rglob("*"))

    def change(self, folder, name, number, place=0):
        """Overwrites one number of a tensor."""
        path = folder / "weights.safetensors"
        data = bytearray(path.read_bytes())
        size = struct.unpack("<Q", data[:8])[0]
        about = json.loads(data[8:8 + size])[name]
        kind = PACK[about["dtype"]]
        at = 8 + size + about["data_offsets"][0] + place * struct.calcsize(kind)
        data[at:at + struct.calcsize(kind)] = struct.pack(f"<{kind}", number)
        path.write_bytes(data)

    def refuse(self, code, *words):
        """Runs `stapes quantize WORDS`, which must fail and leave the folder as it was. Returns what it said."""
        before = self.files()
        _, said = self.stapes("quantize", *words, code=code)
        self.assertEqual(self.files(), before)
        return said

    def test_int8(self):
        for model in ("tiny-uni", "tiny-bi", "tiny-plain", "tiny-upper"):
            with self.subTest(model):
                self.stapes("quantize", MODELS / model, model, "--type", "int8")
                old, new = (read(f / "weights.safetensors") for f in (MODELS / model, self.folder / model))
                for name, (kind, shape, numbers) in old.items():
                    if len(shape) == 1:
                        self.assertEqual(new.pop(name), ("F32", shape, numbers))
                        continue
                    kind, found_shape, q = new.pop(name)
                    scale_kind, scale_shape, scales = new.pop(name + "_scale")
                    self.assertEqual((kind, found_shape, scale_kind, scale_shape), ("I8", shape, "F32", shape[:1]))
                    width = len(numbers) // shape[0]
                    for o, scale in enumerate(scales):
                        row = numbers[o * width:(o + 1) * width]
                        self.assertEqual(scale, float32(max(map(abs, row)) / 127))
                        self.assertEqual([half_even(float32(w / scale)) for w in row], list(q[o * width:(o + 1) * width]))
                self.assertEqual(new, {})

    def test_16_bits(self):
        for kind, word in (("F16", "f16"), ("BF16", "bf16")):
            with self.subTest(kind):
                self.stapes("quantize", MODELS / "tiny-uni", word, "--type", word)
                old, new = (read(f / "weights.safetensors") for f in (MODELS / "tiny-uni", self.folder / word))
                self.assertEqual(old.keys(), new.keys())
                for name, (_, shape, numbers) in old.items():
                    if len(shape) == 1:
                        expected = ("F32", shape, numbers)
                    elif kind == "F16":
                        expected = (kind, shape, struct.unpack(f"<{len(numbers)}e", struct.pack(f"<{len(numbers)}e", *numbers)))
                    else:  # the upper half, one more where the lower one is more than half of it, or half and odd
                        bits = struct.unpack(f"<{len(numbers)}I", struct.pack(f"<{len(numbers)}f", *numbers))
                        expected = (kind, shape, tuple((b + 0x7fff + (b >> 16 & 1)) >> 16 for b in bits))
                    self.assertEqual(new[name], expected)

    def test_the_folder_is_a_model(self):
        self.need_stages("recurrent.network")
        model = self.copy("tiny-uni")
        (model / "CARD.md").write_text("# tiny-uni\n\nFor tests.")
        (model / "notes").mkdir()
        (model / "notes/a.txt").write_text("kept")
        (model / ".secret").write_text("not kept")
        (model / "away").symlink_to("/usr")
        out, words = self.stapes("quantize", "model", "small/", "--type", "int8", "--verbose")
        self.assertEqual(self.files("small"), [f"small/{n}" for n in (
            "CARD.md", "model.yaml", "notes", "notes/a.txt", "vocabulary.txt", "weights.safetensors")])
        self.assertEqual((self.folder / "small/vocabulary.txt").read_bytes(), (model / "vocabulary.txt").read_bytes())
        self.assertIn("not copied: .secret", words)
        self.assertIn("not copied: away", words)
        old, new = ((self.folder / f / "model.yaml").read_text().splitlines() for f in ("model", "small"))
        self.assertEqual([(a, b) for a, b in zip(old, new) if a != b],
                         [("summary: random weights, for tests; streaming",
                           'summary: "random weights, for tests; streaming; int8 weights"')])
        card = (self.folder / "small/CARD.md").read_text()
        self.assertTrue(card.startswith("# tiny-uni\n\nFor tests.\n\n## Quantised\n\nThe weights were rounded to int8 by `stapes quantize` from the model `tiny-uni`: 3865 numbers, "))
        sizes = [(self.folder / f / "weights.safetensors").stat().st_size for f in ("model", "small")]
        self.assertLess(sizes[1], sizes[0])
        self.assertIn(f"{100 * sizes[1] / sizes[0]:.0f} %", out)
        self.assertRegex(out, r"gru\.weight_hh_l1 +F32 -> I8 +3\.1 kB -> 960 bytes +largest error [1-9]\.[0-9]{2}e-0[1-9], noise 0\.[0-9]+ %")
        line = "app.silence ! features.logmel model={0} ! recurrent.network model={0} ! app.discard"
        self.stapes("run", line.format("./small"))

    def test_summaries(self):
        model = self.copy("tiny-plain")
        text = (model / "model.yaml").read_text()
        was = "summary: random weights, for tests; gives frames, has no labels\n"
        self.assertIn(was, text)
        for given, expected in (("summary: été \"ß\"  # 語\n", 'summary: "été \\"ß\\"; float16 weights"  # 語\n'),
                                ("summary: |\n  two\n  lines\n", 'summary: "two\\x0alines\\x0a; float16 weights"\n'),
                                ("summary: 'it''s'\n", 'summary: "it\'s; float16 weights"\n'), ("", "")):
            with self.subTest(given):
                (model / "model.yaml").write_text("# 模型\n" + text.replace(was, given))
                self.stapes("quantize", "model", "out", "--type", "f16", "--force")
                self.assertEqual((self.folder / "out/model.yaml").read_text(), "# 模型\n" + text.replace(was, expected))

    def test_names_and_what_is_there(self):
        env = program.environment(STAPES_MODEL_PATH=str(MODELS))
        self.stapes("quantize", "tiny-uni", "out", "--type", "bf16", env=env)
        first = (self.folder / "out/weights.safetensors").read_bytes()
        self.assertIn(f"{self.folder.resolve()}/out: is there already".split("/")[-1],
                      self.refuse(2, MODELS / "tiny-uni", "out", "--type", "int8"))
        self.assertEqual((self.folder / "out/weights.safetensors").read_bytes(), first)
        (self.folder / "out/old").write_text("")
        self.stapes("quantize", MODELS / "tiny-uni", "out", "--type", "int8", "--force")
        self.assertEqual(self.files(), ["out"] + [f"out/{n}" for n in ("CARD.md", "model.yaml", "vocabulary.txt", "weights.safetensors")])
        self.assertIn("tiny-uin", self.refuse(3, "tiny-uin", "other", "--type", "int8"))

    def test_wrong_words(self):
        tiny = MODELS / "tiny-uni"
        self.assertIn("--type is missing: int8, bf16 or f16", self.refuse(2, tiny, "out"))
        self.assertIn("--type is one of int8|bf16|f16, not 'int9'; did you mean 'int8'?",
                      self.refuse(2, tiny, "out", "--type", "int9"))
        self.assertIn("--type is one of int8|bf16|f16, not 'q4_k'\n", self.refuse(2, tiny, "out", "--type", "q4_k"))
        self.assertIn("takes MODEL OUT", self.refuse(2, tiny, "--type", "int8"))
        self.assertIn("the name of the folder to write is empty", self.refuse(2, tiny, "", "--type", "int8"))
        self.assertIn("is laid out as Hugging Face does", self.refuse(3, MODELS / "broken/hugging-face", "out", "--type", "int8"))
        self.assertIn("there is no such folder", self.refuse(3, "./nowhere", "out", "--type", "int8"))
        self.assertIn("out: there is no folder 'not'", self.refuse(4, tiny, "not/out", "--type", "int8").replace("not/out", "out"))
        self.assertIn("tensor 'head.bias' is missing", self.refuse(3, MODELS / "broken/weights-lack-a-tensor", "out", "--type", "int8"))
        self.assertIn("no name of a new folder", self.refuse(2, tiny, "new/..", "--type", "int8"))

    def test_wrong_places(self):
        self.copy("tiny-uni")
        for force in ((), ("--force",)):
            self.assertIn("inside the model's own folder", self.refuse(2, "model", "model/small", "--type", "int8", *force))
        self.assertIn("model: is there already", self.refuse(2, "model", "model", "--type", "int8"))
        self.assertIn("is the model's own folder", self.refuse(2, "model", "./model/", "--type", "int8", "--force"))
        (self.folder / "link").symlink_to("model")
        self.assertIn("is the model's own folder", self.refuse(2, "model", "link", "--type", "int8", "--force"))
        self.assertIn("inside the model's own folder", self.refuse(2, "model", "link/small", "--type", "int8"))
        (self.folder / "outer").mkdir()
        (self.folder / "outer/model.yaml").write_text("")
        shutil.copytree(self.folder / "model", self.folder / "outer/inner")
        self.assertIn("holds the model's own folder", self.refuse(2, "outer/inner", "outer", "--type", "int8", "--force"))
        (self.folder / "mine").mkdir()
        (self.folder / "mine/letter.txt").write_text("")
        self.assertIn("holds no model.yaml and other files, so it is not replaced",
                      self.refuse(2, "model", "mine", "--type", "int8", "--force"))
        (self.folder / "file").write_text("")
        self.assertIn("is a file", self.refuse(2, "model", "file", "--type", "int8", "--force"))
        (self.folder / "loose").symlink_to("nothing")
        self.assertIn("a link that leads nowhere", self.refuse(2, "model", "loose", "--type", "int8"))
        (self.folder / "empty").mkdir()
        self.stapes("quantize", "model", "empty", "--type", "int8", "--force")
        self.assertIn("empty/model.yaml", self.files())

    def test_wrong_numbers(self):
        model = self.copy("tiny-uni")
        self.change(model, "gru.weight_hh_l1", 70000.0, 35)
        self.assertIn("weights.safetensors: tensor 'gru.weight_hh_l1': number 3 of output 2 is 70000, F16 holds numbers up to "
                      "65504: take bf16 or int8", self.refuse(3, "model", "out", "--type", "f16"))
        self.stapes("quantize", "model", "large", "--type", "bf16")
        self.change(model, "gru.weight_hh_l1", 65519.0, 35)  # rounds to 65504
        self.stapes("quantize", "model", "half", "--type", "f16")
        self.change(model, "gru.weight_hh_l1", 3.4e38, 35)
        self.assertIn("is 3.4e+38, BF16 holds numbers up to 3.39e+38: take int8", self.refuse(3, "model", "out", "--type", "bf16"))
        for number, word in ((float("nan"), "nan"), (float("inf"), "inf"), (float("-inf"), "-inf")):
            self.change(model, "gru.weight_hh_l1", number, 35)
            for kind in ("int8", "bf16", "f16"):
                self.assertIn(f"tensor 'gru.weight_hh_l1': number 3 of output 2 is {word}, weights must be finite",
                              self.refuse(3, "model", "out", "--type", kind))
        self.change(model, "gru.weight_hh_l1", 0.5, 35)
        self.change(model, "head.bias", float("nan"), 4)
        self.assertIn("tensor 'head.bias': number 0 of output 4 is nan", self.refuse(3, "model", "out", "--type", "int8"))

    def test_what_is_quantised_already(self):
        self.stapes("quantize", MODELS / "tiny-uni", "small", "--type", "int8")
        for kind in ("int8", "bf16", "f16"):
            self.assertIn("weights.safetensors: tensor 'front.weight' is I8: these weights are quantised already, take those that they "
                          "were made of", self.refuse(2, "small", "out", "--type", kind))
        self.stapes("quantize", MODELS / "tiny-uni", "half", "--type", "f16")
        self.stapes("quantize", "half", "again", "--type", "f16")  # changes nothing
        self.assertEqual(*((self.folder / f / "weights.safetensors").read_bytes() for f in ("half", "again")))

    def test_zeros(self):
        model = self.copy("tiny-upper")
        for place in range(8):
            self.change(model, "head.weight", 0.0, place)
            self.change(model, "head.weight", 1e-41 * place, 8 + place)  # no normal number, nor is its 127th
        self.stapes("quantize", "model", "out", "--type", "int8")
        new = read(self.folder / "out/weights.safetensors")
        self.assertEqual((new["head.weight_scale"][2][0], new["head.weight"][2][:8]), (1.0, (0,) * 8))
        self.assertEqual(new["head.weight_scale"][2][1], 2.0**-126)

    def test_no_space(self):
        """A limit on the size of a file stands for the full disk: nothing is left of what was begun."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
        done = subprocess.run([program.PROGRAM, "quantize", MODELS / "tiny-uni", "out", "--type", "int8"], cwd=self.folder, text=True,
                              capture_output=True, env=program.environment(), preexec_fn=limit, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("cannot be written: File too large", done.stderr)
        self.assertEqual(self.files(), [])

    def test_a_small_disk(self):
        """A file system of 8 kB, where the weights would not fit: known before the first byte."""
        (self.folder / "disk").mkdir()
        mount = ["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs -o size=8k tmpfs disk 2> /dev/null || exit 77; "$@"; code=$?; ls -A disk; exit $code', "-"]
        done = subprocess.run([*mount, program.PROGRAM, "quantize", MODELS / "tiny-bi", "disk/out", "--type", "int8"], cwd=self.folder,
                              text=True, capture_output=True, env=program.environment(), check=False) if shutil.which("unshare") else None
        if not done or done.returncode in (1, 77) and "stapes" not in done.stderr:
            self.skipTest("no file system can be mounted here")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertRegex(done.stderr, r"disk/out: the weights need 1[0-9]\.[0-9] kB, the disk has 8\.2 kB\n")
        self.assertEqual(done.stdout, "")

    def test_a_place_that_cannot_be_written(self):
        if os.geteuid() == 0:
            self.skipTest("root may write everywhere")
        (self.folder / "locked").mkdir(mode=0o500)
        self.assertIn("cannot be made: Permission denied", self.refuse(4, MODELS / "tiny-uni", "locked/out", "--type", "int8"))

    def test_interrupted(self):
        """Whenever it is stopped: the whole folder is there, or nothing."""
        whole = [f"out/{n}" for n in ("CARD.md", "model.yaml", "vocabulary.txt", "weights.safetensors")]
        for delay in (0.0, 0.002, 0.005, 0.01, 0.02, 0.04):
            child = subprocess.Popen([program.PROGRAM, "quantize", MODELS / "tiny-bi", "out", "--type", "int8"], cwd=self.folder,
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=program.environment())
            time.sleep(delay)
            child.send_signal(signal.SIGINT)
            words = child.communicate(timeout=60)[1]
            self.assertIn(child.returncode, (0, 130, -signal.SIGINT), words)
            self.assertEqual(self.files(), ["out"] + whole if child.returncode == 0 else [], words)
            shutil.rmtree(self.folder / "out", ignore_errors=True)

    def test_without_the_kit(self):
        """A program that was copied away from its library says so."""
        (self.folder / "bin").mkdir()
        alone = self.folder / "bin/stapes"
        shutil.copy(program.PROGRAM, alone)
        done = subprocess.run([alone, "quantize", MODELS / "tiny-uni", "out", "--type", "int8"], cwd=self.folder, text=True,
                              capture_output=True, env=program.environment(), check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("libstapes-kit.so.1 cannot be loaded: ", done.stderr)
        self.assertIn("build or install stapes whole", done.stderr)
        self.assertEqual(self.files(), ["bin", "bin/stapes"])


if __name__ == "__main__":
    program.main()
