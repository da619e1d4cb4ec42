"""The progress line: on a terminal only, rewritten in place, gone at the end."""
import os
import pty
import re
import select
import subprocess
import time

import program
from program import PROGRAM

# long enough to be seen: many small packets through many stages
LONG = "app.silence seconds=15000 packet=16 rate=1000" + " ! app.identity" * 20 + " ! app.discard"


class Progress(program.Program):
    def on_terminal(self, *words, stdout_too=False):
        """What appears on the terminal, and the exit code."""
        leader, follower = pty.openpty()
        seen = b""
        with subprocess.Popen([PROGRAM, *words], stdin=subprocess.DEVNULL, stderr=follower, cwd=self.folder,
                              stdout=follower if stdout_too else subprocess.DEVNULL,
                              env=program.environment()) as run:
            os.close(follower)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                if select.select([leader], [], [], 0.2)[0]:
                    try:
                        piece = os.read(leader, 65536)
                    except OSError:  # the other side is closed
                        break
                    if not piece:
                        break
                    seen += piece
                elif run.poll() is not None:
                    break
            code = run.wait()
        os.close(leader)
        return seen.decode(), code

    def test_line_on_a_terminal(self):
        seen, code = self.on_terminal("run", LONG)
        self.assertEqual(code, 0)
        self.assertRegex(seen, r"\r\x1b\[Ksilence: [\d:.]+ (s|min|h) done, [\d.]+ times real time")
        self.assertTrue(seen.endswith("\r\x1b[K"), repr(seen[-60:]))
        self.assertNotIn("\n", seen)

    def test_none_when_quiet(self):
        self.assertEqual(self.on_terminal("run", LONG, "--quiet"), ("", 0))

    def test_none_without_a_terminal(self):
        self.assertEqual(self.stapes("run", LONG)[1], "")

    def test_stats_come_after_the_line(self):
        seen, code = self.on_terminal("run", LONG, "--stats")
        self.assertEqual(code, 0)
        table = seen[seen.index("packets in") - 60:]
        self.assertIsNone(re.search(r"times real time$", table.split("packets in")[0].split("\x1b[K")[-1]))


if __name__ == "__main__":
    program.main()
