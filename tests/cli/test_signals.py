"""Ctrl-C, twice, and SIGTERM."""
import signal
import subprocess
import time

import program
from program import PROGRAM

# 16-frame packets of 11 days of silence: it would run for hours
ENDLESS = "app.silence seconds=1000000 packet=16 ! app.discard"


class Signals(program.Program):
    def start(self, *words):
        run = subprocess.Popen([PROGRAM, "run", ENDLESS, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env=program.environment())
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.stdout.close)
        self.addCleanup(run.kill)
        time.sleep(1.5)
        self.assertIsNone(run.poll(), "it was to run on")
        return run

    def test_interrupt(self):
        run = self.start()
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(10), 130)
        self.assertEqual(run.stderr.read(), "stapes: stopped before the end\n")

    def test_interrupt_with_stats(self):
        run = self.start("--stats")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(10), 130)
        self.assertIn("of media", run.stderr.read())

    def test_second_interrupt_ends_at_once(self):
        self.need_stages("audio.file")
        run = subprocess.Popen([PROGRAM, "run", "audio.file path=- encoding=s16le rate=16000 ! app.discard"],
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, env=program.environment())
        self.addCleanup(run.stdin.close)
        self.addCleanup(run.kill)
        time.sleep(1.5)  # it waits for input that does not come
        self.assertIsNone(run.poll())
        for _ in range(2):
            run.send_signal(signal.SIGINT)
            time.sleep(0.2)
        self.assertEqual(run.wait(5), 130)

    def test_terminate(self):
        run = self.start()
        run.send_signal(signal.SIGTERM)
        self.assertEqual(run.wait(10), 75)

    def test_trace_of_an_interrupted_run_is_whole(self):
        import json
        trace = self.folder / "trace.json"
        run = subprocess.Popen([PROGRAM, "run", "app.silence seconds=1000000 packet=100000 ! app.discard", "--trace",
                                str(trace)], stderr=subprocess.DEVNULL, env=program.environment())
        self.addCleanup(run.kill)
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(20), 130)
        json.loads(trace.read_text())

    def test_ignored_interrupt_stays_ignored(self):
        run = subprocess.Popen(["sh", "-c", f"trap '' INT; exec '{PROGRAM}' run '{ENDLESS}'"],
                               stderr=subprocess.DEVNULL, env=program.environment())
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        time.sleep(1.5)
        run.send_signal(signal.SIGINT)
        time.sleep(1.5)
        self.assertIsNone(run.poll())


if __name__ == "__main__":
    program.main()
