#!/usr/bin/env python3
"""audio_pipelines.py STAPES PLUGINS: good and bad audio through the program, with the words and exit codes
that people see. PLUGINS holds the stage test.count (count_stage.c). Every file is made here."""

import array
import json
import math
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

STAPES, PLUGINS = sys.argv[1], sys.argv[2]
failures = []
checks = 0


def check(condition, *words):
    global checks
    checks += 1
    if not condition:
        failures.append(" ".join(str(w) for w in words))
        print("not so:", *words, file=sys.stderr)


# ---- files ------------------------------------------------------------------------------------------

def tone(rate, seconds, channels=1, frequency=440.0):
    count = int(rate * seconds)
    rows = (int(12000 * math.sin(2 * math.pi * frequency * i / rate)) for i in range(count))
    return array.array("h", (value for row in rows for value in [row] * channels)).tobytes()


def wav(data, rate=16000, channels=1, tag=1, bits=16, says=None, total=None):
    """A WAV file; `says` and `total` are lengths to lie about."""
    says = len(data) if says is None else says
    total = 36 + says if total is None else total
    block = channels * bits // 8
    return (b"RIFF" + struct.pack("<I", total & 0xffffffff) + b"WAVEfmt " +
            struct.pack("<IHHIIHH", 16, tag, channels, rate, rate * block, block, bits) +
            b"data" + struct.pack("<I", says) + data)


def put(name, content):
    with open(name, "wb") as file:
        file.write(content)
    return name


def get(name):
    with open(name, "rb") as file:
        return file.read()


# ---- runs -------------------------------------------------------------------------------------------

def run_stages(stages, stdin=b"", env=None, stdout=subprocess.PIPE):
    """A pipeline of [name, stage, parameters]; the answer has code, out, err."""
    lines = ["stages:"]
    for name, stage, parameters in stages:
        lines.append("  - %s: %s" % (name, json.dumps(dict(use=stage, **parameters), ensure_ascii=False)))
    put("pipeline.yaml", "\n".join(lines).encode())
    environment = dict(os.environ, STAPES_PLUGIN_PATH=PLUGINS, LC_ALL="C.UTF-8", **(env or {}))
    done = subprocess.run([STAPES, "run", "./pipeline.yaml"], input=stdin, stdout=stdout, stderr=subprocess.PIPE,
                          env=environment, timeout=60)
    done.out = (done.stdout or b"").decode(errors="surrogateescape")
    done.err = done.stderr.decode(errors="surrogateescape")
    return done


def count(paths, stdin=b"", env=None, reading=None, writing=None, **more):
    """What test.count finds in these files."""
    paths = paths if isinstance(paths, list) else [paths]
    return run_stages([["read", "audio.file", dict(path=paths, **(reading or {}))],
                       ["count", "test.count", {}],
                       ["write", "text.write", writing or {}]], stdin, env, **more)


def expect(title, done, code, out=None, err=()):
    check(done.returncode == code, title, "exit code", done.returncode, "instead of", code, done.err)
    if out is not None:
        check(done.out == out, title, "printed", repr(done.out), "instead of", repr(out), done.err)
    for words in [err] if isinstance(err, str) else err:
        check(words in done.err, title, "said", repr(done.err), "without", repr(words))
    check("Sanitizer" not in done.err, title, done.err)


# ---- what works ---------------------------------------------------------------------------------------

def test_good():
    put("plain.wav", wav(tone(16000, 1)))
    put("stereo8k.wav", wav(tone(8000, 0.5, 2), 8000, 2))
    put("fast.wav", wav(tone(192000, 0.1), 192000))
    put("many.wav", wav(tone(16000, 0.1, 24), 16000, 24))
    put("one.wav", wav(b"\x01\x02"))
    expect("several formats", count(["plain.wav", "stereo8k.wav", "fast.wav", "many.wav", "one.wav", "plain.wav"]), 0,
           "16000 x 1 at 16000 Hz\n4000 x 2 at 8000 Hz\n19200 x 1 at 192000 Hz\n1600 x 24 at 16000 Hz\n"
           "1 x 1 at 16000 Hz\n16000 x 1 at 16000 Hz\n")
    for ms in (1, 7, 1000, 10000):
        expect("packets of %d ms" % ms, count("plain.wav", reading={"packet": ms}), 0, "16000 x 1 at 16000 Hz\n")
    odd = "it's \"a\" file,\u00e4 \u4e2d.wav"
    put(odd, wav(tone(16000, 0.25)))
    done = count([odd, "one.wav"], writing={"format": "jsonl"})
    expect("jsonl", done, 0)
    objects = [json.loads(line) for line in done.out.splitlines()]
    check(len(objects) == 2 and objects[0]["file"] == odd and objects[1]["file"] == "one.wav", objects)
    check(objects[0]["seconds"] == 0.25 and objects[0]["text"] == "4000 x 1 at 16000 Hz", objects[0])
    check(objects[0]["segments"] == [{"start": 0, "end": 0.25, "text": "4000 x 1 at 16000 Hz", "words": [
        {"text": "4000", "start": 0, "end": 0.125, "confidence": 0.5},
        {"text": "x", "start": 0.125, "end": 0.25}]}], objects[0])


def test_formats():
    """Everything that audio.write writes comes back: the same samples where nothing is lost."""
    put("plain.wav", wav(tone(48000, 1), 48000))
    for ending in ("wav", "flac", "aiff", "caf", "w64", "rf64", "au"):
        done = run_stages([["read", "audio.file", {"path": ["plain.wav"]}],
                           ["write", "audio.write", {"path": "copy." + ending}]])
        expect("to " + ending, done, 0, "")
        done = run_stages([["read", "audio.file", {"path": ["copy." + ending]}],
                           ["write", "audio.write", {"path": "back.wav"}]])
        expect("from " + ending, done, 0, "")
        check(get("back.wav")[-96000:] == tone(48000, 1), ending, "changed the samples")
    for ending in ("ogg", "opus", "mp3"):
        done = run_stages([["read", "audio.file", {"path": ["plain.wav"]}],
                           ["write", "audio.write", {"path": "copy." + ending}]])
        expect("to " + ending, done, 0, "")
        done = count("copy." + ending)
        expect("from " + ending, done, 0)
        rows = int(done.out.split()[0] or 0)
        check(48000 <= rows < 52000 and done.out.endswith("x 1 at 48000 Hz\n"), ending, done.out)
    for encoding, bits in (("s24", 24), ("s32", 32), ("f32", 32)):
        done = run_stages([["read", "audio.file", {"path": ["plain.wav"]}],
                           ["write", "audio.write", {"path": "copy.wav", "encoding": encoding}]])
        expect(encoding, done, 0, "")
        done = run_stages([["read", "audio.file", {"path": ["copy.wav"]}],
                           ["write", "audio.write", {"path": "back.wav"}]])
        check(get("back.wav")[-96000:] == tone(48000, 1), encoding, "changed the samples")
        check(struct.unpack("<H", get("copy.wav")[34:36])[0] == bits, encoding)


def test_standard_input():
    samples = tone(16000, 0.3)
    expected = "4800 x 1 at 16000 Hz\n"
    expect("wav", count("-", stdin=wav(samples)), 0, expected)
    for says in (0, 0xffffffff, 0x7ffff000):
        expect("length %x" % says, count("-", stdin=wav(samples, says=says)), 0, expected)
    expect("something after the samples", count("-", stdin=wav(samples) + b"LIST\4\0\0\0abcd"), 0, expected)
    expect("cut short", count("-", stdin=wav(samples, says=32000)), 0, expected,
           "-: is cut short: its header says 1.000 s, there are 0.300 s; what is there is used")
    expect("cut short, refused", count("-", stdin=wav(samples, says=32000), reading={"truncated": "reject"}), 1, "",
           "-: is cut short: its header says 1.000 s, there are 0.300 s")
    for encoding, data in (("s16le", samples), ("u8", b"\x80" * 4800), ("f32le", b"\0" * 4 * 4800),
                           ("s24be", b"\0" * 3 * 4800), ("ulaw", b"\xff" * 4800), ("f64be", b"\0" * 8 * 4800)):
        expect(encoding, count("-", stdin=data, reading={"encoding": encoding, "rate": 16000}), 0, expected)
    expect("raw stereo", count("-", stdin=samples, reading={"encoding": "s16le", "rate": 8000, "channels": 2}), 0,
           "2400 x 2 at 8000 Hz\n")
    put("raw.bin", samples)
    expect("raw file", count("raw.bin", reading={"encoding": "s16le", "rate": 16000}), 0, expected)
    expect("half a sample too many", count("-", stdin=samples + b"x", reading={"encoding": "s16le", "rate": 16000}), 0,
           expected)
    expect("nothing", count("-"), 1, "", "-: is empty: nothing came")
    expect("text", count("-", stdin=b"hello world\n"), 1, "", "-: is text and no audio: \"hello world\"")
    expect("header only", count("-", stdin=wav(b"")), 1, "", "-: has no samples")
    expect("half a header", count("-", stdin=wav(samples)[:30]), 1, "", "-: is a WAV stream that ends inside its header")
    expect("ADPCM", count("-", stdin=wav(samples, tag=2, bits=4)), 1, "", "-: is a WAV stream with codec 2 of 4 bits")
    put("plain.wav", wav(samples))
    run_stages([["read", "audio.file", {"path": ["plain.wav"]}], ["write", "audio.write", {"path": "plain.flac"}]])
    expect("flac on a pipe", count("-", stdin=get("plain.flac")), 0, expected)
    expect("raw without a rate", count("-", reading={"encoding": "s16le"}), 2, "", "raw samples need it")
    expect("a rate without raw", count("plain.wav", reading={"rate": 8000}), 2, "", "to change the rate of a recording")
    expect("channels without raw", count("plain.wav", reading={"channels": 2}), 2, "", "use audio.resample")
    if shutil.which("sox"):
        piped = subprocess.run("sox plain.wav -t wav - | cat", shell=True, capture_output=True).stdout
        expect("from sox", count("-", stdin=piped), 0, expected)
    if shutil.which("ffmpeg"):
        piped = subprocess.run("ffmpeg -v error -i plain.wav -f wav - | cat", shell=True, capture_output=True).stdout
        expect("from ffmpeg", count("-", stdin=piped), 0, expected)
    # a named pipe and the shell's <(...)
    os.mkfifo("fifo")
    writer = subprocess.Popen(["sh", "-c", "cat plain.wav > fifo"])
    expect("named pipe", count("fifo"), 0, expected)
    writer.wait()


def test_standard_output():
    put("plain.wav", wav(tone(44100, 0.5, 2), 44100, 2))
    done = run_stages([["read", "audio.file", {"path": ["plain.wav"]}], ["write", "audio.write", {"path": "-"}]])
    check(done.returncode == 0 and done.stdout[-88200:] == tone(44100, 0.5, 2), "to a pipe", done.err)
    expect("and back", count("-", stdin=done.stdout), 0, "22050 x 2 at 44100 Hz\n")
    with open("out.wav", "wb") as file:
        done = run_stages([["read", "audio.file", {"path": ["plain.wav"]}], ["write", "audio.write", {"path": "-"}]],
                          stdout=file)
    check(done.returncode == 0 and struct.unpack("<I", get("out.wav")[64:68])[0] == 88200, "to a file", done.err)
    expect("from that file", count("out.wav", reading={"truncated": "reject"}), 0, "22050 x 2 at 44100 Hz\n")


# ---- what does not ---------------------------------------------------------------------------------------

def test_bad_files():
    good = put("good.wav", wav(tone(16000, 0.1)))
    os.makedirs("folder", exist_ok=True)
    put("text.wav", b"Dear sir,\nthis is no audio.\n")
    put("list.m3u", b"#EXTM3U\nhttp://localhost/a.mp3\n")
    put("lfs.wav", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    put("empty.wav", b"")
    put("silent.wav", wav(b""))
    put("noise.wav", bytes((i * 7919 >> 3) & 255 for i in range(5000)))
    put("pdf.wav", b"%PDF-1.4\n%\xe2\xe3")
    put("short.wav", wav(tone(16000, 0.5), says=160000))
    put("header.wav", wav(tone(16000, 0.5))[:20])
    nan = array.array("f", [0.0] * 4000)
    nan[1234] = math.nan
    put("nan.wav", wav(nan.tobytes(), tag=3, bits=32))
    nan[1234], nan[2001] = 0, -math.inf
    put("infinite.wav", wav(nan.tobytes(), 8000, 2, tag=3, bits=32))
    line = "1600 x 1 at 16000 Hz\n"
    for name, words in (("missing.wav", "no such file"),
                        ("folder", "is a directory; give files"),
                        ("text.wav", "is text and no audio: \"Dear sir,\""),
                        ("list.m3u", "is text and no audio: \"#EXTM3U\""),
                        ("lfs.wav", "is a Git LFS pointer, not the file itself; fetch it: git lfs pull"),
                        ("empty.wav", "is empty (0 bytes)"),
                        ("silent.wav", "has no samples"),
                        ("pdf.wav", "is a PDF document"),
                        ("header.wav", ""), ("noise.wav", ""),
                        ("nan.wav", "sample 1234 (0.077 s) is NaN, not a number"),
                        ("infinite.wav", "sample 1000 (0.125 s) is infinite"),
                        ("x/y.wav", "no such file")):
        expect(name, count(name), 1, "", name + ": " + words)
        expect("the others of " + name, count([good, name, good]), 1, line + line, name + ": " + words)
    # a bad sample late in a recording: nothing of it comes out, the next one is whole
    late = array.array("f", [0.25] * 40000)
    late[39999] = math.nan
    put("late.wav", wav(late.tobytes(), tag=3, bits=32))
    expect("NaN at the end", count([good, "late.wav", good]), 1, line + line, "sample 39999 (2.500 s) is NaN")
    done = run_stages([["read", "audio.file", {"path": ["late.wav", "good.wav"]}],
                       ["write", "audio.write", {"path": "kept-{name}.wav"}]])
    expect("NaN at the end, written", done, 1, "", "is NaN")
    check(not os.path.exists("kept-late.wav") and os.path.exists("kept-good.wav"), os.listdir("."))
    expect("cut short", count(["short.wav", good]), 0, "8000 x 1 at 16000 Hz\n" + line,
           "short.wav: is cut short: its header says 5.000 s, there are 0.500 s; what is there is used")
    expect("cut short, refused", count(["short.wav", good], reading={"truncated": "reject"}), 1, line,
           "short.wav: is cut short")
    if os.geteuid() != 0:
        put("secret.wav", b"x")
        os.chmod("secret.wav", 0)
        expect("no permission", count("secret.wav"), 1, "", "secret.wav: cannot be read: permission denied")
    expect("no file at all", run_stages([["read", "audio.file", {"path": []}], ["write", "audio.write", {"path": "x.wav"}]]),
           2, "", "path")


def test_cut():
    put("plain.wav", wav(tone(16000, 2)))
    run_stages([["read", "audio.file", {"path": ["plain.wav"]}], ["write", "audio.write", {"path": "plain.flac"}]])
    whole = get("plain.flac")
    put("cut.flac", whole[:len(whole) // 2])
    done = count(["cut.flac", "plain.flac"])
    expect("half a FLAC", done, 0, err=["cut.flac: ", "; what is there is used"])
    check(done.out.endswith("\n32000 x 1 at 16000 Hz\n"), done.out)
    for ending in ("aiff", "au", "rf64"):
        run_stages([["read", "audio.file", {"path": ["plain.wav"]}],
                    ["write", "audio.write", {"path": "plain." + ending}]])
        whole = get("plain." + ending)
        put("cut." + ending, whole[:-32000])
        expect("half of " + ending, count("cut." + ending), 0, "16000 x 1 at 16000 Hz\n",
               "is cut short: its header says 2.000 s, there are 1.000 s; what is there is used")
    head = (b"NIST_1A\n   1024\nsample_count -i 16000\nsample_n_bytes -i 2\nchannel_count -i 1\n"
            b"sample_byte_format -s2 01\nsample_rate -i 16000\nsample_coding -s3 pcm\nend_head\n").ljust(1024)
    put("whole.sph", head + tone(16000, 1))
    done = count("whole.sph", reading={"truncated": "reject"})
    expect("SPHERE", done, 0, "16000 x 1 at 16000 Hz\n")
    put("cut.sph", head + tone(16000, 0.5))
    expect("half a SPHERE", count("cut.sph"), 0, "8000 x 1 at 16000 Hz\n", "its header says 1.000 s, there are 0.500 s")


def test_ffmpeg():
    put("it's.wav", wav(tone(44100, 1, 2), 44100, 2))
    nothing = {"PATH": os.path.abspath("folder")}
    os.makedirs("folder", exist_ok=True)
    mp4 = b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42isom\0\0\0\0"
    put("b'c.m4a", mp4)
    expect("without ffmpeg", count("b'c.m4a", env=nothing), 1, "",
           "b'c.m4a: is MPEG-4 audio or video, which is read through ffmpeg, and that is not installed; install it, "
           "or convert the file where it is: ffmpeg -i 'b'\\''c.m4a' 'b'\\''c.wav'")
    put("unknown.wav", b"\x01\x02\x03\x04" * 100)
    expect("without ffmpeg, unknown", count("unknown.wav", env=nothing), 1, "",
           "unknown.wav: is no audio that can be read: libsndfile: ")
    if not shutil.which("ffmpeg"):
        return print("skipped: files that need ffmpeg, which is not installed")
    expect("a broken MP4", count("b'c.m4a"), 1, "", "b'c.m4a: is MPEG-4 audio or video: ffmpeg: ")
    for name, options in (("a.m4a", ["-c:a", "aac"]), ("a.aac", ["-c:a", "aac"]), ("a.mkv", ["-c:a", "flac"]),
                          ("a.wma", ["-c:a", "wmav2"]), ("a.mp4", ["-c:a", "aac", "-movflags", "frag_keyframe"])):
        made = subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", "it's.wav"] + options + [name], capture_output=True)
        if made.returncode:
            print("skipped: ffmpeg here cannot write", name)
            continue
        done = count(name)
        expect(name, done, 0)
        rows = int(done.out.split()[0]) if done.out.strip() else 0
        check(42000 <= rows <= 44100 + 6000 and done.out.endswith("x 2 at 44100 Hz\n"), name, done.out)
        expect(name + " on a pipe", count("-", stdin=get(name)), 0, done.out)
    # lossless inside: the very samples
    done = run_stages([["read", "audio.file", {"path": ["a.mkv"]}], ["write", "audio.write", {"path": "back.wav"}]])
    expect("lossless", done, 0, "")
    check(get("back.wav")[-4 * 44100:] == tone(44100, 1, 2), "ffmpeg's samples differ")


def test_writing():
    put("a.wav", wav(tone(16000, 0.1)))
    os.makedirs("sub", exist_ok=True)
    put("sub/a.wav", wav(tone(16000, 0.2)))
    loud = array.array("f", [0.0, 1.5, -3.0, 1.0])
    put("loud.wav", wav(loud.tobytes(), tag=3, bits=32))

    def copy(paths, path, **more):
        return run_stages([["read", "audio.file", {"path": paths}], ["write", "audio.write", dict(path=path, **more)]])

    expect("by name and number", copy(["a.wav", "sub/a.wav"], "w-{name}-{number}.wav"), 0, "")
    check(os.path.exists("w-a-1.wav") and os.path.exists("w-a-2.wav"), os.listdir("."))
    expect("the same name twice", copy(["a.wav", "sub/a.wav"], "v-{name}.wav"), 2, "",
           "a second recording ('sub/a.wav') would overwrite 'v-a.wav'; put {number} into the path")
    expect("no pattern", copy(["a.wav", "loud.wav"], "u.wav"), 2, "", "put {name} or {number} into the path")
    expect("clipping", copy(["loud.wav"], "t.wav"), 0, "", "t.wav: 2 samples were clipped; the largest is 3 of full scale")
    check(get("t.wav")[-8:] == struct.pack("<4h", 0, 32767, -32768, 32767), get("t.wav")[-8:])
    done = copy(["loud.wav"], "s.wav", encoding="f32")
    expect("no clipping", done, 0, "")
    check("clipped" not in done.err, done.err)
    expect("ending", copy(["a.wav"], "a.txt"), 2, "", "'a.txt' has to end in .wav, .flac,")
    expect("no folder", copy(["a.wav"], "no/b.wav"), 4, "", "no/b.wav: there is no folder 'no'")
    expect("lossy with encoding", copy(["a.wav"], "a.ogg", encoding="s16"), 2, "", ".ogg has one of its own")
    put("odd.wav", wav(tone(11025, 0.1), 11025))
    expect("Opus has few rates", copy(["odd.wav"], "a.opus"), 2, "", "the format cannot hold it")
    if os.path.exists("/dev/full"):
        expect("stream to a full disk", run_full("audio.write"), 4, None, "cannot be written: No space left on device")
    check(not [name for name in os.listdir(".") if ".part-" in name], "left over", os.listdir("."))


def run_full(stage):
    """Standard output is a full disk."""
    with open("/dev/full", "wb") as full:
        stages = [["read", "audio.file", {"path": ["a.wav"]}], ["write", stage, {"path": "-"}]]
        if stage == "text.write":
            stages.insert(1, ["count", "test.count", {}])
        return run_stages(stages, stdout=full)


def small_disk(folder):
    """A file system of 64 KB, or None where we may not mount one."""
    os.makedirs(folder, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "stapes-test", folder], capture_output=True)
    return folder if done.returncode == 0 else None


def test_full_disk():
    put("long.wav", wav(tone(16000, 20)))
    put("a.wav", wav(tone(16000, 0.1)))
    if os.path.exists("/dev/full"):
        expect("text to a full disk", run_full("text.write"), 4, None, "cannot be written: No space left on device")
        expect("text to /dev/full", count("a.wav", writing={"path": "/dev/full"}), 4, "",
               "/dev/full: cannot be written: No space left on device")
    folder = small_disk("disk")
    if not folder:
        return print("skipped: a full disk, which needs the right to mount one")
    try:
        for ending in ("wav", "flac"):
            done = run_stages([["read", "audio.file", {"path": ["long.wav"]}],
                               ["write", "audio.write", {"path": "disk/long." + ending, "encoding": "s24"}]])
            expect("full disk, " + ending, done, 4, "", ["disk/long." + ending + ": cannot be written", "No space left"])
            check(os.listdir("disk") == [], "left over", os.listdir("disk"))
    finally:
        subprocess.run(["umount", folder])


def test_text_output():
    put("a.wav", wav(tone(16000, 0.1)))
    put("old.txt", b"old\n")
    expect("to a file", count(["a.wav", "a.wav"], writing={"path": "new.txt"}), 0, "")
    check(get("new.txt") == b"1600 x 1 at 16000 Hz\n" * 2, get("new.txt"))
    expect("some failed", count(["a.wav", "missing.wav"], writing={"path": "some.txt"}), 1, "")
    check(get("some.txt") == b"1600 x 1 at 16000 Hz\n", get("some.txt"))
    expect("no folder", count("a.wav", writing={"path": "no/new.txt"}), 4, "", "no/new.txt: there is no folder 'no'")
    expect("a folder", count("a.wav", writing={"path": "."}), 2, "", "is a folder; give a file")
    expect("format", count("a.wav", writing={"format": "jsonn"}), 2, "", ["jsonl", "txt"])
    # nobody reads: quietly done, no signal
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = count(["a.wav"] * 5, stdout=closed)
    check(done.returncode == 0, "closed pipe", done.returncode, done.err)
    with os.fdopen(os.dup(1), "wb"):
        done = subprocess.run("'%s' run ./pipeline.yaml | head -1" % STAPES, shell=True, capture_output=True,
                              env=dict(os.environ, STAPES_PLUGIN_PATH=PLUGINS))
    check(done.stdout == b"1600 x 1 at 16000 Hz\n" and b"rror" not in done.stderr, "head -1", done)


def test_written_at_once():
    """A line is there as soon as its recording ends, while the next one still waits for its audio."""
    put("a.wav", wav(tone(16000, 0.1)))
    count(["a.wav", "-"])
    running = subprocess.Popen([STAPES, "run", "./pipeline.yaml"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, env=dict(os.environ, STAPES_PLUGIN_PATH=PLUGINS))
    check(running.stdout.readline() == b"1600 x 1 at 16000 Hz\n", "the first line comes before the end")
    # waiting for audio that does not come, it still stops at once
    running.stdin.write(wav(tone(16000, 0.1), says=0xffffffff))
    running.stdin.flush()
    before = time.monotonic()
    running.send_signal(2)
    running.send_signal(2)
    try:
        code = running.wait(20)
    except subprocess.TimeoutExpired:
        running.kill()
        code = None
    # the second Ctrl-C, where it was not merged into the first, ends the process by the signal itself
    check(code in (130, -2), "interrupted while it waits", code)
    check(time.monotonic() - before < 10, "interrupted after", time.monotonic() - before)
    running.stdin.close()
    running.stdout.close()


def test_samples():
    """The samples of a file are those that sox reads."""
    if not shutil.which("sox"):
        return print("skipped: a comparison with sox, which is not installed")
    put("a.wav", wav(tone(16000, 0.5, 3, 333), 16000, 3))
    for name in ("a.wav", "b.flac", "b.au", "b24.wav"):
        if name != "a.wav":
            subprocess.run(["sox", "-D", "a.wav"] + (["-b", "24"] if "24" in name else []) + [name, "vol", "0.3"], check=True)
        run_stages([["read", "audio.file", {"path": [name]}],
                    ["write", "audio.write", {"path": "ours.wav", "encoding": "f32"}]])
        theirs = subprocess.run(["sox", "-D", name, "-t", "f32", "-"], capture_output=True, check=True).stdout
        check(len(theirs) == 8000 * 3 * 4 and get("ours.wav").endswith(theirs), name, "differs from sox")


def main():
    folder = tempfile.mkdtemp(prefix="stapes-audio-")
    os.chdir(folder)
    try:
        for name, test in list(globals().items()):
            if name.startswith("test_"):
                before = len(failures)
                test()
                if len(failures) > before:
                    print("in", name, file=sys.stderr)
    finally:
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
    print("%d checks, %d failed" % (checks, len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
