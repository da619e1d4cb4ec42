"""`stapes new`: the stage builds, loads and passes the contract suite at once, from the build tree and
from an installed package."""
import json
import os
import pathlib
import re
import shutil
import subprocess

import program


class New(program.Program):
    def build(self, folder, pkgconfig, *words):
        env = program.environment(PKG_CONFIG_PATH=str(pkgconfig), PATH=os.environ["PATH"])
        done = subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, env=env, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertNotIn("warning", done.stderr)

    def pkgconfig(self, root):
        found = [p.parent for p in pathlib.Path(root).rglob("stapes.pc")]
        self.assertEqual(len(found), 1, f"one stapes.pc is in {root}")
        return found[0]

    def use(self, name, stage, language):
        """Builds, inspects, runs and verifies the new plugin; its words come from `stapes new` itself."""
        if not shutil.which("make") or not shutil.which("pkg-config"):
            self.skipTest("make and pkg-config are not installed")
        folder = self.folder / name
        self.assertEqual({p.name for p in folder.iterdir()}, {f"{name}.{language}", "Makefile", "README.md"})
        self.build(folder, self.pkgconfig(program.BUILD))
        out, _ = self.stapes("inspect", folder / f"{name}.so")
        self.assertIn(stage, out)
        about = json.loads(self.stapes("inspect", folder / f"{name}.so", "--json")[0])
        self.assertEqual((about["plugin"], [s["name"] for s in about["stages"]]), (name, [stage]))
        here = program.environment(STAPES_PLUGIN_PATH=str(folder))
        self.stapes("run", f"app.silence ! {stage} coefficient=0.9 ! app.discard", env=here)
        _, words = self.stapes("run", f"app.silence ! {stage} coefficient=2 ! app.discard", code=2, env=here)
        self.assertIn("coefficient", words)

    def test_c(self):
        self.stapes("new", "tilt")
        self.assertLess(len((self.folder / "tilt/tilt.c").read_text().splitlines()), 50)
        self.use("tilt", "tilt.filter", "c")

    def test_cpp(self):
        self.stapes("new", "tilt.up", "--cpp")
        self.use("tilt", "tilt.up", "cpp")

    def test_the_commands_that_it_tells_work(self):
        _, words = self.stapes("new", "tilt", "--dir", ".")
        told = re.search(r"next: (.*)", words).group(1)
        first = told.split(" verify ")[0].rsplit("&&", 1)[0]
        done = subprocess.run(["sh", "-c", first], cwd=self.folder, capture_output=True, text=True, check=False,
                              env=program.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.folder / "tilt/tilt.so").exists())

    def test_nothing_is_overwritten(self):
        self.stapes("new", "tilt")
        self.write("tilt/tilt.c", "mine")
        _, words = self.stapes("new", "tilt", code=2)
        self.assertIn("tilt is there already", words)
        self.assertEqual((self.folder / "tilt/tilt.c").read_text(), "mine")

    def test_from_an_installed_package(self):
        prefix = self.folder / "prefix"
        done = subprocess.run(["cmake", "--install", program.BUILD, "--prefix", prefix], capture_output=True, text=True,
                              check=False)
        if done.returncode:
            self.skipTest("not everything is built: " + done.stderr.strip().splitlines()[0])
        moved = self.folder / "moved"
        prefix.rename(moved)  # a package may be moved
        stapes = moved / "bin/stapes"
        subprocess.run([stapes, "new", "tilt"], cwd=self.folder, check=True, capture_output=True,
                       env=program.environment())
        self.build(self.folder / "tilt", self.pkgconfig(moved))
        done = subprocess.run([stapes, "run", "--plugin-path", "tilt", "app.silence ! tilt.filter ! app.discard"],
                              cwd=self.folder, capture_output=True, text=True, check=False, env=program.environment())
        self.assertEqual(done.returncode, 0, done.stderr)
        listed = subprocess.run([stapes, "list"], capture_output=True, text=True, check=True,
                                env=program.environment()).stdout
        self.assertNotIn("broken", listed)
        self.assertIn(str(moved.resolve()), listed)
        for name in ("share/bash-completion/completions/stapes", "share/zsh/site-functions/_stapes"):
            self.assertTrue((moved / name).stat().st_size > 100, name)


if __name__ == "__main__":
    program.main()
