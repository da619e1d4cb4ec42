"""Results to standard output, talk to standard error; closed pipes and full disks."""
import os
import stat
import subprocess

import program
from program import PROGRAM, TRIVIAL


class Streams(program.Program):
    def test_closed_pipe_is_quiet(self):
        for words in (["help"], ["list"], ["list", "--json"], ["help", "--markdown"], ["inspect", "app.silence"],
                      ["graph", TRIVIAL], ["completion", "bash"]):
            read, write = os.pipe()
            os.close(read)
            with self.subTest(words), os.fdopen(write, "w") as pipe:
                _, talk = self.stapes(*words, stdout=pipe)
                self.assertEqual(talk, "")

    def test_closed_pipe_in_a_run(self):
        self.need_stages("audio.write")
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "w") as pipe:
            _, talk = self.stapes("run", "app.silence seconds=100 ! audio.write path=-", stdout=pipe)
        self.assertEqual(talk, "")

    def test_full_disk(self):
        for words in (["help"], ["list"], ["help", "--markdown"], ["graph", TRIVIAL]):
            with self.subTest(words), open("/dev/full", "w") as full:
                _, talk = self.stapes(*words, stdout=full, code=4)
                self.assertEqual(talk, "stapes: standard output: No space left on device\n")

    def test_full_disk_in_a_run(self):
        self.need_stages("audio.write")
        with open("/dev/full", "w") as full:
            _, talk = self.stapes("run", "app.silence seconds=100 ! audio.write path=-", stdout=full, code=4)
        self.assertIn("No space left on device", talk)

    def test_trace_to_devices(self):
        # through links: a mistake here would replace the link, and not the device of the machine
        for name in ("full", "null"):
            (self.folder / name).symlink_to(f"/dev/{name}")
        _, talk = self.stapes("run", TRIVIAL, "--trace", "full", code=4)
        self.assertIn("full: the trace was not written: No space left on device", talk)
        self.stapes("run", TRIVIAL, "--trace", "null")
        for name in ("full", "null"):
            self.assertTrue(stat.S_ISCHR(os.stat(self.folder / name).st_mode), name)

    def test_streams_that_are_closed_at_the_start(self):
        done = subprocess.run(["sh", "-c", f"'{PROGRAM}' version >&-"], capture_output=True, text=True,
                              env=program.environment(), check=False)
        self.assertEqual(done.returncode, 4)
        self.assertIn("standard output: Bad file descriptor", done.stderr)
        done = subprocess.run(["sh", "-c", f"'{PROGRAM}' version <&- 2>&-"], capture_output=True, text=True,
                              env=program.environment(), check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("stapes", done.stdout)

    def test_quiet_says_nothing_but_errors(self):
        out, talk = self.stapes("new", "tilt", "--quiet")
        self.assertIn("tilt/tilt.c", out)
        self.assertEqual(talk, "")
        self.assertIn("unknown stage", self.stapes("run", "no.such ! app.discard", "--quiet", code=2)[1])


if __name__ == "__main__":
    program.main()
