"""Names that scripts outside rely on: `stapes transcribe [--model ..] [--format ..] FILE...`."""
import json

import program


class Names(program.Program):
    def setUp(self):
        super().setUp()
        self.need_stages("audio.file", "audio.write", "features.logmel", "recurrent.network", "ctc.search", "text.write")
        if not (program.SOURCE / "models/an4/model.yaml").exists():
            self.skipTest("models/an4 is not there")
        self.recordings = sorted((program.SOURCE / "examples/audio").glob("*.flac"))
        if not self.recordings:
            self.skipTest("there is no example recording")

    def test_text(self):
        out, _ = self.stapes("transcribe", *self.recordings)
        self.assertEqual(len(out.splitlines()), len(self.recordings))
        self.assertRegex(out, r"[A-Za-z]")

    def test_json_lines(self):
        out, _ = self.stapes("transcribe", "--format", "jsonl", *self.recordings)
        lines = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([line["file"] for line in lines], [str(p) for p in self.recordings])
        for line in lines:
            self.assertLessEqual({"file", "text", "seconds", "segments"}, set(line))
            self.assertGreater(line["seconds"], 0)
            for segment in line["segments"]:
                self.assertLessEqual({"start", "end", "text"}, set(segment))
                self.assertLessEqual(segment["start"], segment["end"])
            self.assertEqual(" ".join(s["text"] for s in line["segments"]).split(), line["text"].split())

    def test_model_by_folder(self):
        by_name = self.stapes("transcribe", "--model", "an4", self.recordings[0])[0]
        by_folder = self.stapes("transcribe", "--model", program.SOURCE / "models/an4", self.recordings[0])[0]
        self.assertEqual(by_name, by_folder)
        _, words = self.stapes("transcribe", "--model", "an5", self.recordings[0], code=3)
        self.assertIn("an4", words)

    def test_one_bad_file_takes_no_other_down(self):
        bad = self.write("bad.wav", "this is text")
        out, words = self.stapes("transcribe", bad, self.recordings[0], "nothing.wav", code=1)
        self.assertEqual(out, self.stapes("transcribe", self.recordings[0])[0])
        self.assertIn("bad.wav", words)
        self.assertIn("nothing.wav", words)
        self.assertIn("2 of 3 inputs failed", words)


if __name__ == "__main__":
    program.main()
