"""The same bytes for any --threads: the scores of a network, and the text that a pipeline writes."""
import program
from program import SOURCE

RECORDING = SOURCE / "examples/audio/stapes.flac"


class Threads(program.Program):
    def setUp(self):
        super().setUp()
        self.need_stages("audio.file", "audio.resample", "features.logmel", "recurrent.network", "debug.dump", "ctc.search")
        if not (SOURCE / "models/an4/weights.safetensors").exists():
            self.skipTest("the model an4 is not in this tree")

    def same(self, run):
        """run(threads, path) writes path."""
        found = []
        for threads in (1, 2, 3):
            path = self.folder / f"{threads}.out"
            run(threads, path)
            found.append(path.read_bytes())
            self.assertGreater(len(found[-1]), 20)
            self.assertEqual(found[0], found[-1], f"--threads 1 and --threads {threads} differ")

    def test_scores(self):
        self.same(lambda threads, path: self.stapes(
            "run", f"audio.file path={RECORDING} ! audio.resample rate=16000 channels=mix ! features.logmel model=an4 ! "
            f"recurrent.network model=an4 ! debug.dump path={path}", "--threads", threads, "--quiet"))

    def test_text(self):
        self.same(lambda threads, path: self.stapes(
            "transcribe", RECORDING, RECORDING, "--format", "jsonl", "--output", path, "--threads", threads, "--quiet"))


if __name__ == "__main__":
    program.main()
