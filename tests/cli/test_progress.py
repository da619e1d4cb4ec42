"""The progress line: on a terminal only, rewritten in place, gone at the end."""
import array
import math
import os
import pty
import re
import select
import signal
import subprocess
import threading
import time
import wave

import program
from program import PROGRAM

ENDLESS = "app.silence seconds=1000000 packet=16 ! app.discard"


class Progress(program.Program):
    def terminal(self):
        """Both ends of a terminal made for the test."""
        try:
            return pty.openpty()
        except OSError as error:
            return self.skipTest("no terminal can be had here: %s" % error)

    def on_terminal(self, *words, until, seconds, results=False):
        """What appears on the terminal until `until` does or the time is over; then Ctrl-C ends the run."""
        leader, follower = self.terminal()
        seen, stopped = "", False
        with subprocess.Popen([PROGRAM, "run", ENDLESS, *words], stdin=subprocess.DEVNULL,
                              stdout=follower if results else subprocess.DEVNULL, stderr=follower, cwd=self.folder, env=program.environment()) as run:
            os.close(follower)
            end = time.monotonic() + seconds
            while True:
                if select.select([leader], [], [], 0.05)[0]:
                    try:
                        piece = os.read(leader, 65536)
                    except OSError:  # the other side is closed
                        break
                    if not piece:
                        break
                    seen += piece.decode()
                if not stopped and (time.monotonic() > end or until and re.search(until, seen)):
                    run.send_signal(signal.SIGINT)
                    stopped = True
            self.assertEqual(run.wait(20), 130)
        os.close(leader)
        return seen

    def test_line_on_a_terminal(self):
        line = r"silence: [\d:.]+ (s|min|h) done, [\d.]+ times real time"
        seen = self.on_terminal(until=line + r"\r\x1b\[K" + line, seconds=20)
        self.assertRegex(seen, r"^\r\x1b\[K" + line)
        self.assertTrue(seen.endswith("\r\x1b[Kstapes: stopped before the end\r\n"), repr(seen[-90:]))
        self.assertEqual(seen.count("\n"), 1)

    def test_line_beside_a_sink_of_audio(self):
        """A sink that takes audio all the time prints nothing: the line shows itself, results on the terminal or not."""
        self.assertRegex(self.on_terminal(until="times real time", seconds=20, results=True), "times real time")

    def test_none_when_quiet(self):
        self.assertEqual(self.on_terminal("--quiet", until=None, seconds=3), "")

    def test_none_without_a_terminal(self):
        with subprocess.Popen([PROGRAM, "run", ENDLESS], stderr=subprocess.PIPE, text=True,
                              env=program.environment()) as run:
            time.sleep(3)
            run.send_signal(signal.SIGINT)
            self.assertEqual(run.stderr.read(), "stapes: stopped before the end\n")

    def test_results_on_the_same_terminal(self):
        self.need_stages("audio.file", "features.logmel", "recurrent.network", "ctc.search", "text.write", "debug.show")
        model = program.SOURCE / "tests/data/models/tiny-uni"
        samples = array.array("h", (int(9000 * math.sin(i * i / 4e5)) for i in range(60 * 16000)))
        recording = self.folder / "long.wav"
        with wave.open(str(recording), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(samples.tobytes())
        expected = self.stapes("look", "--model", str(model), *[str(recording)] * 3)[0].splitlines()
        # A line is drawn only after a while, and not just after a result: each recording comes through a pipe and takes
        # some seconds, however fast this machine is.
        pipes = []
        for name in "123":
            (self.folder / name).mkdir()
            pipes.append(self.folder / name / "long.wav")
            os.mkfifo(pipes[-1])
        threading.Thread(target=self.feed, args=(pipes, recording.read_bytes()), daemon=True).start()
        words = [PROGRAM, "look", "--model", str(model), *map(str, pipes)]
        leader, follower = self.terminal()
        seen = b""
        with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=follower, stderr=follower, cwd=self.folder,
                              env=program.environment()) as run:
            os.close(follower)
            while True:
                try:
                    piece = os.read(leader, 65536)
                except OSError:
                    break
                if not piece:
                    break
                seen += piece
            self.assertEqual(run.wait(20), 0)
        os.close(leader)
        text = seen.decode()
        self.assertRegex(text, r"file \d of 3 long\.wav: [\d.:]+ (s|min) done")
        visible = [line.split("\x1b[K")[-1] for line in text.split("\r\n")]
        self.assertEqual(visible, expected + [""])

    def feed(self, pipes, data):
        """Writes the data into each pipe in turn, over two seconds each."""
        size = len(data) // 20 + 1
        for path in pipes:
            with open(path, "wb") as pipe:
                for at in range(0, len(data), size):
                    pipe.write(data[at:at + size])
                    pipe.flush()
                    time.sleep(0.1)

    def test_statistics_come_after_the_line(self):
        seen = self.on_terminal("--stats", until="times real time", seconds=20)
        before, after = seen.split("packets in", 1)
        self.assertRegex(before, r"\r\x1b\[K(stapes: .*\r\n)?stage +kind +$")
        self.assertNotIn("\x1b", after)


if __name__ == "__main__":
    program.main()
