"""Names that scripts outside rely on: `stapes transcribe [--model ..] [--format ..] FILE...`."""
import json

import program


class Names(program.Program):
    def setUp(self):
        super().setUp()
        self.need_stages("audio.file", "features.logmel", "recurrent.network", "ctc.search", "text.write")
        self.recordings = sorted((program.SOURCE / "examples/audio").glob("*.flac"))
        if not self.recordings:
            self.skipTest("there is no example recording")
        # where the model that we ship is not there yet, one of random weights for tests: what it reads is
        # nonsense, and all else is the same
        self.model = program.SOURCE / "models/an4"
        if not (self.model / "model.yaml").exists():
            self.model = program.SOURCE / "tests/data/models/tiny-uni"

    def transcribe(self, *words, **more):
        return self.stapes("transcribe", "--model", self.model, *words, **more)

    def test_text(self):
        out, _ = self.transcribe(*self.recordings)
        self.assertEqual(len(out.splitlines()), len(self.recordings))
        self.assertRegex(out, r"[A-Za-z]")

    def test_json_lines(self):
        out, _ = self.transcribe("--format", "jsonl", *self.recordings)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([line["file"] for line in lines], [str(p) for p in self.recordings])
        for line in lines:
            self.assertLessEqual({"file", "text", "seconds", "segments"}, set(line))
            self.assertGreater(line["seconds"], 0)
            for segment in line["segments"]:
                self.assertLessEqual({"start", "end", "text"}, set(segment))
                self.assertLessEqual(segment["start"], segment["end"])
            self.assertEqual(" ".join(s["text"] for s in line["segments"]).split(), line["text"].split())

    def test_model_by_name(self):
        here = program.environment(STAPES_MODEL_PATH=str(self.model.parent))
        by_name = self.stapes("transcribe", "--model", self.model.name, self.recordings[0], env=here)[0]
        self.assertEqual(by_name, self.transcribe(self.recordings[0])[0])
        _, words = self.stapes("transcribe", "--model", self.model.name[:-1], self.recordings[0], code=3, env=here)
        self.assertIn(f"did you mean '{self.model.name}'", words)

    def test_the_default_model(self):
        if not (program.SOURCE / "models/an4/model.yaml").exists():
            self.skipTest("models/an4 is not there")
        self.assertEqual(self.stapes("transcribe", *self.recordings)[0], self.transcribe(*self.recordings)[0])

    def test_statistics_and_trace(self):
        out, words = self.transcribe("--stats", "--trace", "trace.json", self.recordings[0])
        for stage in ("audio.file", "audio.resample", "features.logmel", "recurrent.network", "ctc.search", "text.write"):
            self.assertIn(stage, words)
        trace = json.loads((self.folder / "trace.json").read_text())["traceEvents"]
        spoken = [e["name"] for e in trace if e.get("ph") == "X" and e["pid"] == 2]
        self.assertEqual(spoken, out.split())

    def test_look(self):
        self.need_stages("debug.show")
        out, _ = self.stapes("look", "--model", self.model, self.recordings[0])
        self.assertEqual(out, self.transcribe(self.recordings[0])[0])
        for name in ("sound.png", "features.png", "scores.png"):
            self.assertEqual((self.folder / name).read_bytes()[:4], b"\x89PNG", name)

    def test_the_other_pipelines(self):
        self.need_stages("debug.show", "debug.dump", "audio.write")
        recording = self.recordings[0]
        self.stapes("spectrogram", recording)
        self.stapes("features", recording)
        self.stapes("convert", recording, "--output", "{name}.wav", "--rate", "8000")
        self.assertTrue({"spectrogram.png", "features.npy", "features.npy.tsv", f"{recording.stem}.wav"}
                        <= {p.name for p in self.folder.iterdir()})

    def test_standard_input(self):
        with self.recordings[0].open("rb") as file:
            import subprocess
            done = subprocess.run([program.PROGRAM, "transcribe", "--model", self.model, "-"], stdin=file,
                                  capture_output=True, text=True, check=False, env=program.environment())
        if done.returncode == 1:  # what is not WAV may be refused there, with words
            self.assertIn("standard input", done.stderr)
        else:
            self.assertEqual(done.stdout, self.transcribe(self.recordings[0])[0])

    def test_one_bad_file_takes_no_other_down(self):
        bad = self.write("bad.wav", "this is text")
        out, words = self.transcribe(bad, self.recordings[0], "nothing.wav", code=1)
        self.assertEqual(out, self.transcribe(self.recordings[0])[0])
        self.assertIn("bad.wav", words)
        self.assertIn("nothing.wav", words)
        self.assertIn("2 of 3 inputs failed", words)
        _, words = self.transcribe(bad, code=1)
        self.assertEqual(len(words.splitlines()), 1, words)


if __name__ == "__main__":
    program.main()
