"""Wrong words: what was found, what is allowed, the nearest name, and exit code 2."""
import program
from program import TRIVIAL


class Usage(program.Program):
    def wrong(self, *words, says, code=2):
        out, talk = self.stapes(*words, code=code)
        self.assertEqual(out, "", "a mistake prints nothing to standard output")
        self.assertIn(says, talk)
        return talk

    def test_commands(self):
        self.wrong("lst", says="unknown command or pipeline 'lst'; did you mean 'list'?")
        self.wrong("qqqqqqqq", says="unknown command or pipeline 'qqqqqqqq'\n")
        self.wrong("help", "chek", says="did you mean 'check'?")
        self.write("a.wav", "")
        self.wrong("a.wav", says="stapes transcribe a.wav")

    def test_options(self):
        self.wrong("run", TRIVIAL, "--stat", says="unknown option '--stat'; did you mean '--stats'?")
        self.wrong("run", "--bogus", TRIVIAL, says="options of a pipeline come after its name")
        self.wrong("run", TRIVIAL, "-x", says="unknown option '-x'")
        self.wrong("run", TRIVIAL, "--trace", says="--trace needs a value: --trace FILE.json")
        self.wrong("list", "--json=maybe", says="--json is yes or no, not 'maybe'")
        self.wrong("bench", "--runs", "0", says="--runs is a number 1 to 1000, not '0'")
        self.wrong("run", TRIVIAL, "--threads", "many", says="--threads is a number 0 to 1024")
        self.wrong("--quit", says="unknown option '--quit'; did you mean '--quiet'?")

    def test_arguments(self):
        self.wrong("list", "model", says="did you mean 'models'?")
        self.wrong("list", "models", "stages", says="what is 'stages'?")
        self.wrong("version", "1", says="takes no arguments; what is '1'?")
        self.wrong("check", says="is missing")
        self.wrong("run", says="FILE, NAME or 'one ! liner' is missing")
        self.wrong("inspect", says="is missing")
        self.wrong("completion", "fish", says="bash and zsh, not for 'fish'")
        self.wrong("bench", "startp", says="did you mean 'startup'?")
        self.wrong("new", "Upper", says="is no name")
        self.wrong("run", TRIVIAL, "a.wav", says="takes no arguments; what is 'a.wav'?")

    def test_pipelines(self):
        self.wrong("run", "nothing", says="nothing")
        self.wrong("run", "no/such.yaml", says="no/such.yaml")
        self.wrong("run", "app.silence !", says="pipeline:1:")
        self.wrong("run", "app.silence ! app.identity", says="app.identity")
        self.wrong("run", "app.silence rate=0 ! app.discard", says="rate")

    def test_line_without_quotes(self):
        self.wrong("run", *TRIVIAL.split(" "), says="stands in quotes: stapes run 'STAGE ! STAGE'")

    def test_set(self):
        words = self.wrong("run", TRIVIAL, "--set", "seconds", says="--set takes stage.parameter=value, not 'seconds'")
        self.assertTrue(words.endswith("see 'stapes run --help'\n"))
        self.wrong("run", TRIVIAL, "--set", "silence.secnds=1", says="did you mean 'seconds'?")
        self.wrong("run", TRIVIAL, "--set", "silense.seconds=1", says="silence")
        self.wrong("run", TRIVIAL, "--set", "silence.rate=0.5", says="rate")
        self.wrong("run", TRIVIAL, "--set", "silence.rate=1 MHz", says="Hz")

    def test_required_argument(self):
        self.need_stages("audio.file")
        self.write("one.yaml", "arguments: {files: {set: read.path}}\n"
                               "stages: [{read: {use: audio.file}}, {none: {use: app.discard}}]\n")
        words = self.wrong("run", "one.yaml", says="FILE... is missing: stapes run one.yaml FILE...")
        self.assertIn("see 'stapes run one.yaml --help'", words)

    def test_globals_anywhere(self):
        self.assertEqual(self.stapes("-q", "run", TRIVIAL), ("", ""))
        self.assertEqual(self.stapes("run", "-q", TRIVIAL), ("", ""))
        self.assertEqual(self.stapes("--threads", "2", "run", TRIVIAL, "--quiet"), ("", ""))

    def test_two_dashes_end_options(self):
        self.wrong("run", TRIVIAL, "--", "--stats", says="what is '--stats'?")


if __name__ == "__main__":
    program.main()
