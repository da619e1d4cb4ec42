"""What the shells offer: asked of the program, and of bash itself with the script loaded."""
import shutil
import subprocess

import program
from program import PROGRAM


class Completion(program.Program):
    def offered(self, *words, env=None):
        """The words that are offered for the last of these."""
        out, _ = self.stapes("completion", "words", "--", len(words), "stapes", *words, env=env)
        return [line.split("\t")[0] for line in out.splitlines()]

    def in_bash(self, line, env=None):
        """COMPREPLY after a Tab at the end of `line`, in bash with the script loaded."""
        words = line.split(" ")
        script = f"""
            source <('{PROGRAM}' completion bash)
            compopt() {{ :; }}
            COMP_WORDS=('{PROGRAM}' {' '.join("'" + w + "'" for w in words[1:])})
            COMP_CWORD={len(words) - 1}
            _stapes
            printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=self.folder, check=True,
                              env=env or program.environment(), timeout=30)
        self.assertEqual(done.stderr, "")
        return [word for word in done.stdout.split("\n") if word]

    def test_commands_and_pipelines(self):
        (self.folder / "p").mkdir()
        self.write("p/hear.yaml", "stages: [app.silence, app.discard]\n")
        here = program.environment(STAPES_PIPELINE_PATH=str(self.folder / "p"))
        self.assertEqual(self.offered("he", env=here), ["help", "hear"])
        self.assertIn("doctor", self.offered(""))
        self.assertEqual(self.offered("--ver"), ["--verbose"])
        self.assertIn("hear", self.offered("run", "h", env=here))

    def test_options(self):
        self.assertEqual(self.offered("run", "--st"), ["--stats"])
        self.assertIn("--quiet", self.offered("list", "--"))
        self.assertEqual(self.offered("run", "--trace", ""), [":files"])
        self.assertEqual(self.offered("new", "--dir", ""), [":folders"])
        self.assertEqual(self.offered("list", "mo"), ["models"])
        self.assertEqual(self.offered("completion", ""), ["bash", "zsh"])
        self.assertIn("startup", self.offered("bench", "st"))

    def test_stages(self):
        self.assertEqual(self.offered("inspect", "app.si"), ["app.silence", ":files"])

    def test_options_of_a_pipeline(self):
        self.write("a.yaml", "options: {length: {set: silence.seconds}}\nstages: [silence: {use: app.silence}, app.discard]\n")
        self.assertEqual(self.offered("run", "a.yaml", "--le"), ["--length"])
        self.assertIn("silence.seconds=", self.offered("run", "a.yaml", "--set", "silence."))

    def test_transcribe(self):
        self.need_stages("audio.file", "features.logmel", "recurrent.network", "ctc.search", "text.write")
        self.assertEqual(self.offered("transcribe", "--form"), ["--format"])
        self.assertEqual(self.offered("transcribe", "--format", "j"), ["jsonl"])
        self.assertEqual(self.offered("transcribe", "--format", "=", "j"), ["jsonl"])
        self.assertIn(":files", self.offered("transcribe", ""))
        models = self.folder / "models"
        (models / "tiny").mkdir(parents=True)
        (models / "tiny" / "model.yaml").write_text("x: 1\n")
        self.assertIn("tiny", self.offered("transcribe", "--model", "ti", env=program.environment(STAPES_MODEL_PATH=str(models))))

    def test_in_bash(self):
        self.assertEqual(self.in_bash("stapes vers"), ["version"])
        self.assertEqual(self.in_bash("stapes run --sta"), ["--stats"])
        self.write("a sound.wav", "")
        self.assertEqual(self.in_bash("stapes run --trace a"), ["a sound.wav"])
        self.write("a.yaml", "stages: [silence: {use: app.silence}, app.discard]\n")
        self.assertEqual(self.in_bash("stapes run a.yaml --set silence.se"), ["silence.seconds="])

    def test_zsh_script_parses(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        self.write("_stapes", self.stapes("completion", "zsh")[0])
        subprocess.run(["zsh", "-n", "_stapes"], check=True, cwd=self.folder)

    def test_in_zsh(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        self.write("_stapes", self.stapes("completion", "zsh")[0])
        script = f"""
            _describe() {{ printf '%s\\n' "${{(@P)4}}" }}
            compadd() {{ shift 3; printf '%s\\n' "$@" }}
            _files() {{ print :files }}
            compdef() {{ }}
            source ./_stapes
            words=('{PROGRAM}' run --sta) CURRENT=3
            _stapes
        """
        done = subprocess.run(["zsh", "-f", "-c", script], capture_output=True, text=True, cwd=self.folder, check=False,
                              env=program.environment(), timeout=30)
        self.assertEqual(done.stderr, "")
        self.assertTrue(done.stdout.startswith("--stats:prints what each stage did"), done.stdout)


if __name__ == "__main__":
    program.main()
