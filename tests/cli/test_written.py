"""What `stapes new` writes passes the whole contract suite at once."""
import os
import subprocess

import program


class Written(program.Program):
    def passes(self, *words):
        self.stapes("new", "tilt", *words)
        env = program.environment(PATH=os.environ["PATH"],
                                  PKG_CONFIG_PATH=str(next(program.BUILD.rglob("stapes.pc")).parent))
        subprocess.run(["make", "-s"], cwd=self.folder / "tilt", check=True, env=env)
        out, _ = self.stapes("verify", "tilt/tilt.so", "--seed", "1", timeout=600)
        self.assertIn("0 failed", out)

    def test_c(self):
        self.passes()

    def test_cpp(self):
        self.passes("--cpp")


if __name__ == "__main__":
    program.main()
