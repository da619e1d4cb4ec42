"""`stapes verify`: anybody's plugin, a good and a bad one, built here with nothing but the headers."""
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree

import program

# what comes out depends on where a packet ends
BAD = """
#include <stapes/stage.h>
static const stapes_port in[] = {{"in", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static const stapes_port out[] = {{"out", STAPES_KIND(STAPES_AUDIO), 0, NULL}};
static int rows(const stapes_instance *me, const float *x, float *y, uint32_t n, uint32_t columns)
{
    (void)me;
    for (size_t i = 0; i < (size_t)n * columns; i++) y[i] = i + columns < (size_t)n * columns ? x[i] : 0;
    return STAPES_OK;
}
static const stapes_stage stage = {.size = sizeof(stapes_stage), .name = "bad.ends", .summary = "breaks its word",
    STAPES_INPUTS(in), STAPES_OUTPUTS(out), .rows = rows};
STAPES_PLUGIN("bad", "0.1.0", "MIT", &stage);
"""


class Verify(program.Program):
    def build_bad(self):
        compiler = os.environ.get("CC", "cc")
        if not shutil.which(compiler):
            self.skipTest(f"{compiler} is not installed")
        self.write("bad.c", BAD)
        subprocess.run([compiler, "-std=c11", "-O1", "-fPIC", "-shared", "-I", program.SOURCE / "core/include", "bad.c",
                        "-o", "bad.so"], cwd=self.folder, check=True)

    def test_bad_stage(self):
        self.build_bad()
        out, _ = self.stapes("verify", "./bad.so", "--test", "cuts", "--seed", "7", code=3)
        self.assertRegex(out, r"(?m)^  FAILED +cuts|^  failed +cuts")
        self.assertIn("seed 7", out)
        report = json.loads(self.stapes("verify", "./bad.so", "--test", "cuts", "--seed", "7", "--json", code=3)[0])
        self.assertIn("cuts", json.dumps(report))
        junit = self.stapes("verify", "./bad.so", "--test", "cuts", "--junit", code=3)[0]
        root = xml.etree.ElementTree.fromstring(junit)
        self.assertTrue(list(root.iter("failure")))

    def test_good_test_of_a_bad_stage(self):
        self.build_bad()
        self.stapes("verify", "./bad.so", "--test", "descriptor", "--stage", "bad.ends")

    def test_no_plugin(self):
        self.write("text.so", "this is text")
        _, words = self.stapes("verify", "./text.so", code=3)
        self.assertIn("text.so", words)
        self.stapes("verify", "./nothing.so", code=3)

    def test_wrong_words(self):
        self.build_bad()
        self.stapes("verify", code=2)
        self.stapes("verify", "./bad.so", "--seed", "x", code=2)
        self.stapes("verify", "./bad.so", "--limit", "0", code=2)
        _, words = self.stapes("verify", "./bad.so", "--test", "cutz", code=2)
        self.assertIn("cuts", words)
        self.stapes("verify", "./bad.so", "--stage", "bad.end", code=2)

    def test_list(self):
        self.assertRegex(self.stapes("verify", "--list")[0], r"(?m)^cuts +\S")


if __name__ == "__main__":
    program.main()
