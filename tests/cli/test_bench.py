"""`stapes bench --json`: a list of objects with fixed names. The figures themselves are no test."""
import json

import program


class Bench(program.Program):
    def test_json(self):
        out, words = self.stapes("bench", "--json", "--runs", "2", "startup", "packet", "load")
        figures = json.loads(out)
        self.assertEqual({f["name"] for f in figures}, {"startup", "packet", "load"})
        for figure in figures:
            self.assertLessEqual({"name", "unit", "median", "low", "high", "threads"}, set(figure))
            self.assertLessEqual(figure["low"], figure["median"])
            self.assertLessEqual(figure["median"], figure["high"])
            self.assertGreaterEqual(figure["threads"], 1)
        self.assertEqual({f["name"]: f["unit"] for f in figures}["packet"], "ns")
        self.assertIn("core", words)

    def test_text(self):
        out, _ = self.stapes("bench", "load", "--runs", "1")
        self.assertRegex(out, r"^load +[\d.e-]+ ms ")

    def test_what_cannot_be_measured_is_said(self):
        _, words = self.stapes("bench", "gstreamer-startup", code=4, env=program.environment(PATH="/nonexistent"))
        self.assertIn("sudo apt install gstreamer1.0-tools", words)


if __name__ == "__main__":
    program.main()
