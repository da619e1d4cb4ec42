"""Every command does what its help says."""
import json
import os
import re
import stat
import subprocess

import program
from program import TRIVIAL

ENDINGS = """name: endings
summary: a pipeline with options of every kind
options:
  seconds: {set: silence.seconds, default: 0.5, help: how long it is silent}
  rate: {set: silence.rate}
stages:
  - silence: {use: app.silence}
  - same: {use: app.identity}
  - none: {use: app.discard}
"""


class Commands(program.Program):
    def test_no_words(self):
        out, _ = self.stapes()
        for name in ("run", "list", "inspect", "check", "graph", "new", "verify", "bench", "doctor", "completion"):
            self.assertRegex(out, rf"(?m)^  {name} ")

    def test_version(self):
        out, _ = self.stapes("version")
        self.assertRegex(out, r"^stapes \d+\.\d+\.\d+ \(plugin ABI \d+\.\d+\)\n$")
        self.assertEqual(self.stapes("--version")[0], out)

    def test_help_of_every_command(self):
        names = re.findall(r"(?m)^## stapes (\S+)", self.stapes("help", "--markdown")[0])
        self.assertGreater(len(names), 10)
        for name in names:
            page = self.stapes("help", name)[0]
            self.assertIn(f"stapes {name}", page)
            self.assertEqual(page, self.stapes(name, "--help")[0])
            self.assertEqual(page, self.stapes(name, "-h")[0])

    def test_run_line_with_stats(self):
        out, words = self.stapes("run", "app.silence seconds=10 rate=8000 packet=1000 ! app.identity ! app.discard",
                                 "--stats")
        self.assertEqual(out, "")
        line = re.search(r"(?m)^identity +app\.identity +(\d+) +(\d+) +(\d+)", words)
        self.assertEqual(line.groups(), ("80", "80", "80000"))
        self.assertRegex(words, r"10\.000 s of media: [\d.]+ times real time \(real-time factor [\d.]+\)")

    def test_run_file_with_options(self):
        self.write("endings.yaml", ENDINGS)
        def rows(*more):
            words = self.stapes("run", "endings.yaml", "--stats", *more)[1]
            return int(re.search(r"(?m)^same .*? \d+ +\d+ +(\d+) ", words).group(1))
        self.assertEqual(rows(), 8000)
        self.assertEqual(rows("--seconds", "2"), 32000)
        self.assertEqual(rows("--seconds=2", "--rate=8000"), 16000)
        self.assertEqual(rows("--set", "silence.seconds=3"), 48000)
        self.assertEqual(rows("--set", "seconds=3", "--set=silence.rate=1000"), 3000)
        self.assertEqual(rows("--seconds", "2", "--set", "silence.seconds=1"), 16000, "the later word counts")

    def test_pipeline_as_command(self):
        folder = self.folder / "mine"
        folder.mkdir()
        (folder / "endings.yaml").write_text(ENDINGS)
        here = program.environment(STAPES_PIPELINE_PATH=str(folder))
        page = self.stapes("endings", "--help", env=here)[0]
        self.assertIn("a pipeline with options of every kind", page)
        self.assertRegex(page, r"--seconds S +how long it is silent \(default: 0\.5\)")
        self.assertRegex(page, r"--rate HZ")
        self.assertEqual(page, self.stapes("help", "endings", env=here)[0])
        self.assertIn("32000", self.stapes("endings", "--seconds", "2", "--stats", env=here)[1])
        self.assertIn("32000", self.stapes("--pipeline-path", folder, "endings", "--seconds", "2", "--stats")[1])
        self.assertIn("32000", self.stapes("endings", "--seconds", "2", "--stats", "--pipeline-path", folder)[1])
        self.assertIn("endings", self.stapes("help", env=here)[0])
        listed = json.loads(self.stapes("list", "pipelines", "--json", env=here)[0])
        mine = [p for p in listed if p["name"] == "endings"]
        self.assertEqual(mine[0]["summary"], "a pipeline with options of every kind")
        self.assertIsNone(mine[0]["problem"])

    def test_trace(self):
        self.stapes("run", TRIVIAL, "--trace", "trace.json")
        trace = json.loads((self.folder / "trace.json").read_text())
        events = trace["traceEvents"] if isinstance(trace, dict) else trace
        self.assertTrue(any(e.get("ph") == "X" for e in events))

    def test_list(self):
        out, _ = self.stapes("list")
        self.assertIn("app.silence", out)
        plugins = json.loads(self.stapes("list", "--json")[0])
        own = [p for p in plugins if p["path"] is None]
        self.assertEqual([p["plugin"] for p in own], ["app"])
        self.assertIn("app.discard", [s["name"] for s in own[0]["stages"]])
        models = json.loads(self.stapes("list", "models", "--json")[0])
        self.assertIsInstance(models, list)

    def test_broken_plugin_is_named_and_hides_nothing(self):
        bad = self.folder / "plugins"
        bad.mkdir()
        (bad / "broken.so").write_text("this is text")
        here = program.environment(STAPES_PLUGIN_PATH=str(bad))
        out, _ = self.stapes("list", env=here)
        self.assertRegex(out, r"(?s)broken\n  .*broken\.so: \S")
        self.assertIn("app.silence", out)
        _, words = self.stapes("inspect", bad / "broken.so", code=3)
        self.assertRegex(words, r"broken\.so: .*(ELF|header|too short)")
        report, _ = self.stapes("doctor", code=3, env=here)
        self.assertIn("broken.so", report)

    def test_inspect(self):
        out, _ = self.stapes("inspect", "app.silence")
        self.assertRegex(out, r"(?m)^  seconds +number 0 to 1000000 \(s\); default 1 s$")
        stage = json.loads(self.stapes("inspect", "app.silence", "--json")[0])
        self.assertEqual(stage["outputs"][0]["kinds"], "audio")
        self.assertIsNone(stage["batch"])
        if "recurrent.network" in self.stages():
            self.assertIn("\nseveral instances in one batch: process_many, flush_many\n", self.stapes("inspect", "recurrent.network")[0])
            self.assertEqual(json.loads(self.stapes("inspect", "recurrent.network", "--json")[0])["batch"], "process_many, flush_many")
        self.assertIn({"name": "seconds", "type": "float", "default": "1"}.items(),
                      [dict(list(p.items())[:3]).items() for p in stage["parameters"]])
        _, words = self.stapes("inspect", "app.silense", code=2)
        self.assertIn("did you mean 'app.silence'?", words)

    def test_check(self):
        good = self.write("good.yaml", ENDINGS)
        self.assertEqual(self.stapes("check", good)[0], f"{good}: good\n")
        bad = self.write("bad.yaml", "stages:\n  - app.silnce\n  - app.discard: {secnds: 3}\n")
        out, words = self.stapes("check", good, bad, code=2)
        self.assertEqual(out, f"{good}: good\n")
        self.assertIn("bad.yaml:2:", words)
        self.assertIn("bad.yaml:3:", words)
        self.assertIn("did you mean 'app.silence'?", words)
        self.stapes("check", TRIVIAL)
        self.stapes("check", "nothing.yaml", code=2)

    def test_check_of_all_our_pipelines(self):
        for path in sorted((program.SOURCE / "pipelines").glob("*.yaml")):
            name = path.stem
            used = set(re.findall(r"use: ([a-z]+\.[a-z_]+)", path.read_text()))
            missing = used - self.stages()
            with self.subTest(name):
                if missing:
                    self.skipTest(f"this build lacks {missing}")
                self.stapes("check", "--shallow", name)

    def test_graph(self):
        dot, _ = self.stapes("graph", TRIVIAL)
        self.assertTrue(dot.startswith("digraph"), dot)
        self.assertIn("app.silence", dot)

    def test_graph_svg(self):
        empty = self.folder / "bin"
        empty.mkdir()
        _, words = self.stapes("graph", TRIVIAL, "--svg", "a.svg", code=4, env=program.environment(PATH=str(empty)))
        self.assertIn("sudo apt install graphviz", words)
        self.assertFalse((self.folder / "a.svg").exists())
        try:
            subprocess.run(["dot", "-V"], check=True, capture_output=True)
        except FileNotFoundError:
            self.skipTest("Graphviz is not installed")
        self.stapes("graph", TRIVIAL, "--svg", "a.svg")
        self.assertIn("<svg", (self.folder / "a.svg").read_text())
        self.assertIn("<svg", self.stapes("graph", TRIVIAL, "--svg", "-")[0])
        before = self.folder.stat().st_mode
        self.stapes("graph", TRIVIAL, "--svg", self.folder, code=4)
        self.assertEqual(self.folder.stat().st_mode, before)
        (self.folder / "null").symlink_to("/dev/null")  # a mistake would replace the link, not the device
        self.stapes("graph", TRIVIAL, "--svg", "null")
        self.assertTrue(stat.S_ISCHR(os.stat(self.folder / "null").st_mode))
        self.stapes("graph", TRIVIAL, "--svg", "no/such/a.svg", code=4)
        self.assertEqual(list(self.folder.glob("*part*")), [])

    def test_doctor(self):
        out, _ = self.stapes("doctor")
        for part in ("plugin ABI", "CPU features", "plugins\n", "libraries\n", "numbers\n", "models\n", "ms"):
            self.assertIn(part, out)


if __name__ == "__main__":
    program.main()
