#!/usr/bin/env python3
"""Trains a recurrent network with CTC on lists of speech and writes it as a model folder of stapes.

    train_ctc.py features RECIPE --data DIR [--data DIR ...] --cache DIR     log-mel of every variant, once
    train_ctc.py lists RECIPE --data DIR [--data DIR ...] --out DIR          what the model hears, compressed
    train_ctc.py train RECIPE --cache DIR --out DIR [--workers 2]            resumes by itself if DIR has a checkpoint
    train_ctc.py export RECIPE --checkpoint FILE --out FOLDER                the model folder (weights as F16)
    train_ctc.py evaluate FOLDER --data DIR --list LIST.tsv                  word and character error rate, greedy
    train_ctc.py expect FOLDER --data DIR --list LIST.tsv --out FILE         network inputs and outputs, for tests

A recipe (models/an4/recipe.yaml) names the lists, how each is varied, how they are mixed as training goes on, the
network and the schedule. A list is a TSV with the columns audio, speaker, seconds, text; its audio is looked for below
each --data folder. Everything drawn at random depends on the recipe's seed, the worker and the step alone, so that a run
which was stopped and resumed is the run that was not; it is repeated exactly with the same --workers, torch and CPU.

The features are Kaldi's log-mel filter bank as the stage features.logmel computes it. The LSTM runs unpacked, the
input of the backward direction turned round by each recording's own length: equal to torch's packed bidirectional
LSTM, but on the path that oneDNN speeds up.

Needs torch (CPU) 2, numpy, scipy, soundfile, soxr, pyyaml.
"""
import argparse
import csv
import json
import lzma
import math
import os
import random
import re
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor

os.environ.setdefault("OMP_NUM_THREADS", "1")         # one thread a process; before numpy and torch read it
import numpy as np                                     # noqa: E402
import soundfile                                       # noqa: E402
import soxr                                            # noqa: E402
import yaml                                            # noqa: E402
import torch                                           # noqa: E402
import torch.distributed as dist                       # noqa: E402
import torch.nn.functional as F                        # noqa: E402
from scipy.signal import fftconvolve                   # noqa: E402
from torch import nn                                   # noqa: E402

POOL = 20              # batches that are drawn and sorted by length together; checkpoints lie on multiples of it
FLOOR = 1.1920928955078125e-07


# ---- features ------------------------------------------------------------------------------------------------------

def mel_bank(mels, rate=16000, size=512, low=20.0):
    """(size/2+1, mels) float64: Kaldi's triangles, straight in the mel scale, from `low` Hz to half the rate."""
    mel = lambda hertz: 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
    edges = np.linspace(mel(low), mel(rate / 2), mels + 2)
    bins = mel(np.arange(size // 2) * rate / size)[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0.0, np.minimum(rise, fall))
    return np.vstack([bank, np.zeros((1, mels))])                   # the bin at half the rate counts for nothing


BANKS = {}
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85     # Kaldi's "povey"


def logmel(samples, mels=80):
    """(frames, mels) float32 of samples (n) in [-1, 1] at 16 kHz: windows of 25 ms each 10 ms, none beyond the end."""
    if mels not in BANKS:
        BANKS[mels] = mel_bank(mels).astype("float32")
    if len(samples) < 400:
        return np.zeros((0, mels), "float32")
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype("float32"), 400)[::160]
    frames = frames - frames.mean(axis=1, keepdims=True)
    frames[:, 1:] = frames[:, 1:] - np.float32(0.97) * frames[:, :-1].copy()
    frames[:, 0] *= np.float32(1 - 0.97)
    spectrum = np.fft.rfft(frames * WINDOW.astype("float32"), 512)
    power = (spectrum.real ** 2 + spectrum.imag ** 2).astype("float32")
    return np.log(np.maximum(power @ BANKS[mels], np.float32(FLOOR)))


def normalize(features):
    """Each bin of (frames, mels) with mean 0 and variance 1 over the recording."""
    features = features.astype("float32")
    return (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-5)


def stack(features, wide, stride):
    """(frames, mels) to (1 + (frames - wide) // stride, wide * mels): neighbours side by side, an incomplete group dropped."""
    count = 1 + (len(features) - wide) // stride if len(features) >= wide else 0
    if count == 0:
        return np.zeros((0, wide * features.shape[1]), "float32")
    index = np.arange(count)[:, None] * stride + np.arange(wide)
    return features[index].reshape(count, -1)


def read_audio(path):
    """Mono float32 at 16 kHz."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)
    return samples if rate == 16000 else soxr.resample(samples, rate, 16000).astype("float32")


def find(name, folders):
    """Where `name` lies below one of the data folders."""
    for folder in folders:
        path = os.path.join(folder, name)
        if os.path.exists(path):
            return path
    sys.exit(f"train_ctc.py: {name}: in none of {', '.join(folders)}")


def read_list(path):
    with open(path, encoding="utf-8") as rows:
        return list(csv.DictReader(rows, delimiter="\t", quoting=csv.QUOTE_NONE))


def plain(text):
    """Upper case, letters, apostrophes and single spaces."""
    text = text.upper().replace("\u2019", "'").replace("-", " ")
    return " ".join(re.sub(r"[^A-Z' ]", "", text).split())


# ---- what makes variants of a recording ----------------------------------------------------------------------------

def vary(samples, variant, draw, noises, rooms):
    """Samples at another speed, level, in a room, in noise, as `variant` says; `draw` is a random.Random."""
    speed = draw.choice(variant.get("speed", [1.0]))
    if speed != 1.0:
        samples = soxr.resample(samples, 16000 * speed, 16000).astype("float32")
    if rooms and draw.random() < variant.get("reverb", 0.0):
        room = rooms[draw.randrange(len(rooms))]
        wet = fftconvolve(samples, room)[:len(samples)].astype("float32")
        share = draw.uniform(0.2, 0.8)
        samples = (1 - share) * samples + share * wet * (rms(samples) / max(rms(wet), 1e-6))
    if noises and draw.random() < variant.get("noise", 0.0):
        noise = noises[draw.randrange(len(noises))]
        start = draw.randrange(len(noise))
        noise = np.resize(np.roll(noise, -start), len(samples))
        ratio = draw.uniform(*variant.get("snr", [8, 30]))
        samples = samples + noise * (rms(samples) / max(rms(noise), 1e-6) * 10 ** (-ratio / 20))
    if draw.random() < variant.get("band", 0.0):       # hiss, so that silence is not always digital
        samples = samples + rms(samples) * 10 ** (-draw.uniform(25, 50) / 20) * np.random.default_rng(draw.getrandbits(32)).standard_normal(len(samples)).astype("float32")
    low, high = variant.get("level", [-12, 3])
    return np.clip(samples * 10 ** (draw.uniform(low, high) / 20), -1, 1).astype("float32")


def rms(samples):
    return float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0


SOUNDS = {}


def load_sounds(recipe, folders):
    """Noises and room responses that the recipe names, read once in each process."""
    if not SOUNDS:
        names = recipe.get("augment", {})
        SOUNDS["noises"] = [read_audio(find(row["audio"], folders)) for path in names.get("noise", [])
                            for row in read_list(find(path, folders))]
        rooms = []
        for path in names.get("rooms", []):
            for row in read_list(find(path, folders)):
                room = read_audio(find(row["audio"], folders))
                if len(room) >= 4000 and np.abs(room).max() > 0:
                    start = max(0, int(np.abs(room).argmax()) - 16)
                    rooms.append(room[start:start + 12000] / np.abs(room).max())
        SOUNDS["rooms"] = rooms
    return SOUNDS["noises"], SOUNDS["rooms"]


def features_of(job):
    """float16 log-mel of one recording in one variant (a job of `features`)."""
    recipe, folders, path, variant, seed = job
    noises, rooms = load_sounds(recipe, folders)
    return logmel(vary(read_audio(path), variant, random.Random(seed), noises, rooms), recipe["features"]["mels"]).astype("float16")


def rows_of(source, folders):
    """The rows of a source's lists that are used."""
    rows = [row for path in source["lists"] for row in read_list(find(path, folders))]
    rows = [row for row in rows if plain(row["text"]) and float(row["seconds"]) <= source.get("longest", 1e9)]
    if "speakers" in source:
        rows = [row for row in rows if row["speaker"] in source["speakers"]]
    return [row for row in rows if row["speaker"] not in source.get("leave-out", [])]


def lists(args):
    """OUT/SOURCE.tsv.xz: what the model hears, so that anyone can see what it has not heard."""
    recipe = read_recipe(args.recipe)
    os.makedirs(args.out, exist_ok=True)
    for name, source in {**recipe["sources"], "dev": recipe["dev"]}.items():
        rows = rows_of(source, args.data)
        with lzma.open(os.path.join(args.out, name + ".tsv.xz"), "wt", preset=9, encoding="utf-8", newline="\n") as out:
            out.write("audio\tspeaker\tseconds\ttext\n")
            out.writelines(f"{row['audio']}\t{row['speaker']}\t{row['seconds']}\t{plain(row['text'])}\n" for row in rows)
        speakers = len({row["speaker"] for row in rows})
        print(f"{name}: {len(rows)} recordings, {sum(float(row['seconds']) for row in rows) / 3600:.2f} h, {speakers} speakers or voices")


def features(args):
    recipe = read_recipe(args.recipe)
    os.makedirs(args.cache, exist_ok=True)
    with ProcessPoolExecutor(args.workers) as workers:
        for name, source in {**recipe["sources"], "dev": recipe["dev"]}.items():
            if args.only and name not in args.only or os.path.exists(os.path.join(args.cache, name + ".tsv")):
                continue
            rows = rows_of(source, args.data)
            variants = [v for v in source.get("variants", [{"level": [0, 0]}]) for _ in range(v.get("copies", 1))]
            jobs = [(recipe, args.data, find(row["audio"], args.data), variant, f"{recipe['seed']} {name} {v} {row['audio']}")
                    for v, variant in enumerate(variants) for row in rows]
            begun, at = time.time(), 0
            path = os.path.join(args.cache, name)
            with open(path + ".f16.part", "wb") as data, open(path + ".tsv.part", "w", encoding="utf-8") as index:
                index.write("start\tframes\taudio\tspeaker\ttext\n")
                for i, made in enumerate(workers.map(features_of, jobs, chunksize=16)):
                    row = rows[i % len(rows)]
                    data.write(made.tobytes())
                    index.write(f"{at}\t{len(made)}\t{row['audio']}\t{row['speaker']}\t{plain(row['text'])}\n")
                    at += len(made)
                    if i % 1000 == 999 or i + 1 == len(jobs):
                        left = (time.time() - begun) / (i + 1) * (len(jobs) - i - 1)
                        print(f"{name}: {i + 1} of {len(jobs)}, {at / 360000:.2f} h, {left:.0f} s left", flush=True)
            os.rename(path + ".f16.part", path + ".f16")
            os.rename(path + ".tsv.part", path + ".tsv")


# ---- the network ---------------------------------------------------------------------------------------------------

class Turn(torch.autograd.Function):
    """x (T,B,F) with each column's first n frames in reverse order, by rows (T*B): its own inverse."""

    @staticmethod
    def forward(context, x, rows):
        context.save_for_backward(rows)
        return x.reshape(-1, x.shape[2]).index_select(0, rows).view(x.shape)

    @staticmethod
    def backward(context, gradient):
        rows, = context.saved_tensors
        return gradient.reshape(-1, gradient.shape[2]).index_select(0, rows).view(gradient.shape), None


def turn_rows(lengths, longest):
    """Row numbers (T*B) for Turn."""
    t = torch.arange(longest)[:, None]
    back = torch.where(t < lengths, lengths - 1 - t, t)
    return (back * len(lengths) + torch.arange(len(lengths))).reshape(-1)


class Lstm(nn.Module):
    """torch.nn.LSTM, uni- or bidirectional, kept as one unpacked LSTM for each layer and direction."""

    def __init__(self, layer, dropout):
        super().__init__()
        self.name, self.dropout = layer["name"], dropout
        self.directions = 2 if layer.get("bidirectional") else 1
        wide = [layer["in"]] + [layer["hidden"] * self.directions] * (layer["layers"] - 1)
        self.parts = nn.ModuleList(nn.ModuleList(nn.LSTM(n, layer["hidden"]) for _ in range(self.directions)) for n in wide)
        for part in self.parts.modules():
            if isinstance(part, nn.LSTM):
                hidden = part.hidden_size
                for k in range(4):
                    nn.init.orthogonal_(part.weight_hh_l0.data[k * hidden:(k + 1) * hidden])
                part.bias_ih_l0.data[hidden:2 * hidden] += 1.0           # remembers to begin with

    def forward(self, x, lengths):
        rows = turn_rows(lengths, len(x))
        for i, layer in enumerate(self.parts):
            x = F.dropout(x, self.dropout, self.training) if i else x
            y = [layer[0](x)[0]]
            if self.directions == 2:
                y.append(Turn.apply(layer[1](Turn.apply(x, rows))[0], rows))
            x = torch.cat(y, dim=2) if len(y) > 1 else y[0]
        return x, lengths

    def tensors(self):
        """Name and tensor as torch.nn.LSTM has them."""
        for i, layer in enumerate(self.parts):
            for d, part in enumerate(layer):
                for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                    yield f"{self.name}.{kind}_l{i}" + ("_reverse" if d else ""), getattr(part, kind + "_l0")


class Plain(nn.Module):
    """A linear layer or a convolution over time, with its activation."""

    def __init__(self, layer, dropout):
        super().__init__()
        self.name, self.layer, self.dropout = layer["name"], layer, dropout
        self.inner = nn.Linear(layer["in"], layer["out"]) if layer["layer"] == "linear" else \
            nn.Conv1d(layer["in"], layer["out"], layer["kernel"], layer.get("stride", 1), layer.get("padding", 0))

    def forward(self, x, lengths):
        if self.layer["layer"] == "linear":
            x = self.inner(x)
        else:
            inside = (torch.arange(len(x))[:, None] < lengths)[:, :, None]
            x = self.inner((x * inside).permute(1, 2, 0)).permute(2, 0, 1)
            lengths = (lengths + 2 * self.inner.padding[0] - self.inner.kernel_size[0]) // self.inner.stride[0] + 1
        x = {"none": lambda y: y, "relu": F.relu, "tanh": torch.tanh}[self.layer.get("activation", "none")](x)
        return x, lengths

    def tensors(self):
        yield self.name + ".weight", self.inner.weight
        yield self.name + ".bias", self.inner.bias


class Network(nn.Module):
    """The layers of a model folder, in order; returns log-probabilities (T,B,C) and lengths (B)."""

    def __init__(self, layers, dropout=0.0):
        super().__init__()
        self.layers = nn.ModuleList((Lstm if layer["layer"] == "lstm" else Plain)(layer, dropout) for layer in layers)
        self.dropout = dropout

    def forward(self, x, lengths):
        for i, layer in enumerate(self.layers):
            if i and i == len(self.layers) - 1:
                x = F.dropout(x, self.dropout, self.training)
            x, lengths = layer(x, lengths)
        return F.log_softmax(x, dim=2), lengths

    def tensors(self):
        for layer in self.layers:
            yield from layer.tensors()


# ---- model folders -------------------------------------------------------------------------------------------------

def write_safetensors(path, tensors):
    """Numpy arrays (float32 or float16) by name."""
    kinds, header, at = {"float32": "F32", "float16": "F16"}, {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        for array in tensors.values():
            out.write(np.ascontiguousarray(array).tobytes())


def read_safetensors(path):
    with open(path, "rb") as file:
        data = file.read()
    size = int.from_bytes(data[:8], "little")
    header, kinds, out = json.loads(data[8:8 + size]), {"F32": "<f4", "F16": "<f2"}, {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = (8 + size + offset for offset in entry["data_offsets"])
            out[name] = np.frombuffer(data[start:end], kinds[entry["dtype"]]).reshape(entry["shape"]).astype("float32")
    return out


def labels_of(recipe):
    return recipe.get("labels", ["<blank>", "<space>", "'"] + list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def average(paths):
    """Mean of the weights of some checkpoints of one run: flatter than any of them, and better on speech not heard."""
    states = [torch.load(path, weights_only=True)["model"] for path in paths]
    return {name: sum(state[name] for state in states) / len(states) for name in states[0]}


def export(args):
    recipe = read_recipe(args.recipe)
    network = Network(recipe["network"])
    network.load_state_dict(average(args.checkpoint))
    os.makedirs(args.out, exist_ok=True)
    kind = "float32" if args.float32 else "float16"
    write_safetensors(os.path.join(args.out, "weights.safetensors"),
                      {name: tensor.detach().numpy().astype(kind) for name, tensor in network.tensors()})
    with open(os.path.join(args.out, "vocabulary.txt"), "w", encoding="utf-8") as out:
        out.writelines(label + "\n" for label in labels_of(recipe))
    flow = lambda row: "{" + ", ".join(f"{k}: {str(v).lower() if isinstance(v, bool) else v}" for k, v in row.items()) + "}"
    with open(os.path.join(args.out, "model.yaml"), "w", encoding="utf-8") as out:
        out.write(f"stapes-model: 1\nname: {recipe['name']}\nsummary: {recipe['summary']}\nlicence: {recipe['licence']}\nfeatures:\n")
        out.writelines(f"  {key}: {value}\n" for key, value in recipe["features"].items())
        out.write("network:\n" + "".join(f"  - {flow(layer)}\n" for layer in recipe["network"]))
        out.write("output: log_softmax\nvocabulary: vocabulary.txt\nblank: 0\n")
    size = sum(os.path.getsize(os.path.join(args.out, name)) for name in os.listdir(args.out) if os.path.isfile(os.path.join(args.out, name)))
    print(f"{args.out}: {sum(t.numel() for _, t in network.tensors()) / 1e6:.2f} M parameters, {size / 1e6:.2f} MB")


def open_model(folder):
    """The description and the network of a model folder, ready to run."""
    with open(os.path.join(folder, "model.yaml"), encoding="utf-8") as file:
        model = yaml.safe_load(file)
    with open(os.path.join(folder, model["vocabulary"]), encoding="utf-8") as file:
        labels = file.read().splitlines()
    network = Network(model["network"]).eval()
    weights = read_safetensors(os.path.join(folder, "weights.safetensors"))
    with torch.no_grad():
        for name, tensor in network.tensors():
            tensor.copy_(torch.from_numpy(weights[name].copy()))
    return model, labels, network


# ---- scoring -------------------------------------------------------------------------------------------------------

def greedy(log_probabilities, labels):
    """Text of (T,C): the best label of each frame, repeats once, blanks away."""
    text, before = [], -1
    for label in log_probabilities.argmax(axis=1).tolist():
        if label != before and label != 0:
            text.append(labels[label])
        before = label
    return " ".join("".join(text).replace("<space>", " ").split())


def distance(a, b):
    """Levenshtein's distance of two sequences."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def score(pairs):
    """Word and character error rate in per cent of (said, heard): all edits over all words, as jiwer counts."""
    words = sum(distance(said.split(), heard.split()) for said, heard in pairs) / sum(len(said.split()) for said, _ in pairs)
    letters = sum(distance(said, heard) for said, heard in pairs) / sum(len(said) for said, _ in pairs)
    return 100 * words, 100 * letters


def inputs_of(path, model):
    """(frames, width) network input of an audio file."""
    settings = model["features"]
    return stack(normalize(logmel(read_audio(path), settings["mels"])), settings["stack"], settings["stride"])


def run_one(network, x):
    with torch.no_grad():
        return network(torch.from_numpy(x)[:, None], torch.tensor([len(x)]))[0][:, 0].numpy()


def evaluate(args):
    model, labels, network = open_model(args.folder)
    pairs = []
    for row in read_list(args.list):
        if args.speakers and row["speaker"] not in args.speakers.split(","):
            continue
        pairs.append((plain(row["text"]), greedy(run_one(network, inputs_of(find(row["audio"], args.data), model)), labels)))
        if args.show and pairs[-1][0] != pairs[-1][1]:
            print(f"{row['audio']}\n  said  {pairs[-1][0]}\n  heard {pairs[-1][1]}")
    words, letters = score(pairs)
    print(f"{len(pairs)} recordings, {sum(len(said.split()) for said, _ in pairs)} words: "
          f"word error rate {words:.2f} %, character error rate {letters:.2f} %")


def expect(args):
    model, labels, network = open_model(args.folder)
    tensors = {}
    for row in read_list(args.list)[:args.count]:
        x = inputs_of(find(row["audio"], args.data), model)
        y = run_one(network, x)
        tensors[row["audio"] + ".input"], tensors[row["audio"] + ".output"] = x, y
        print(f"{row['audio']}: {greedy(y, labels)}")
    write_safetensors(args.out, tensors)


# ---- training ------------------------------------------------------------------------------------------------------

class Cache:
    """A source's features on disk, mapped, with its index."""

    def __init__(self, folder, name, recipe):
        settings = recipe["features"]
        self.mels, self.wide, self.stride = settings["mels"], settings["stack"], settings["stride"]
        self.data = np.memmap(os.path.join(folder, name + ".f16"), "float16", "r").reshape(-1, self.mels)
        ids = {label: i for i, label in enumerate(labels_of(recipe))}
        ids[" "] = ids["<space>"]
        self.rows = []
        for row in read_list(os.path.join(folder, name + ".tsv")):
            frames, target = int(row["frames"]), [ids[letter] for letter in row["text"]]
            need = len(target) + sum(a == b for a, b in zip(target, target[1:]))
            if (frames - self.wide - self.stride) // self.stride >= max(need, 4):
                self.rows.append((int(row["start"]), frames, target, row["text"]))
        self.mean = sum(row[1] for row in self.rows) / len(self.rows)

    def item(self, row, draw=None, masks=None):
        """Network input (frames, width) and target; with `draw` (numpy Generator) shifted and masked (SpecAugment)."""
        start, frames, target, _ = row
        x = normalize(self.data[start:start + frames])
        if draw is not None:
            x = x[draw.integers(0, self.stride):]
            for _ in range(masks["bands"]):
                width = draw.integers(0, masks["band"] + 1)
                low = draw.integers(0, self.mels - width + 1)
                x[:, low:low + width] = 0
            for _ in range(masks["gaps"]):
                width = draw.integers(0, min(masks["gap"], len(x) // 8) + 1)
                low = draw.integers(0, len(x) - width + 1)
                x[low:low + width] = 0
        return stack(x, self.wide, self.stride), target


def batch_of(items):
    """x (T,B,F), lengths (B), targets in a row, their lengths (B)."""
    lengths = torch.tensor([len(x) for x, _ in items])
    batch = torch.zeros(int(lengths.max()), len(items), items[0][0].shape[1])
    for i, (x, _) in enumerate(items):
        batch[:len(x), i] = torch.from_numpy(x)
    return batch, lengths, torch.tensor([label for _, t in items for label in t]), torch.tensor([len(t) for _, t in items])


def mix_at(recipe, progress):
    """Share of audio of each source at `progress` (0 to 1), straight lines between the recipe's points."""
    points = recipe["mix"]
    names = points[0]["share"].keys()
    at = [point["at"] for point in points]
    return {name: float(np.interp(progress, at, [point["share"].get(name, 0.0) for point in points])) for name in names}


def draw_pool(caches, recipe, worker, pool, steps):
    """POOL batches [(cache name, row number)...], each of about recipe[frames] network frames of similar lengths."""
    draw = np.random.default_rng([recipe["seed"], worker, pool])
    share = mix_at(recipe, pool * POOL / steps)
    names = [name for name in caches if share[name] > 0]
    odds = np.array([share[name] / caches[name].mean for name in names])
    odds /= odds.sum()
    budget, picked, total = POOL * recipe["frames"], [], 0
    stride = recipe["features"]["stride"]
    while total < budget:
        name = names[draw.choice(len(names), p=odds)]
        number = int(draw.integers(len(caches[name].rows)))
        frames = caches[name].rows[number][1] // stride
        picked.append((frames, name, number))
        total += frames
    picked.sort()
    batches, sum_frames = [[] for _ in range(POOL)], 0
    for frames, name, number in picked:
        batches[min(POOL - 1, int(sum_frames * POOL / total))].append((name, number))
        sum_frames += frames
    batches = [batch for batch in batches if batch]
    order = draw.permutation(len(batches))
    return [batches[i] for i in np.resize(order, POOL)]


def rate_at(recipe, step, steps):
    """Learning rate: a straight climb, then half a cosine down to `rate-end` of the height."""
    warm = recipe["warmup"]
    if step < warm:
        return recipe["rate"] * (step + 1) / warm
    low = recipe.get("rate-end", 0.005)
    return recipe["rate"] * (low + (1 - low) * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / (steps - warm)))))


def dev_score(network, cache, labels):
    network.eval()
    pairs = []
    order = sorted(cache.rows, key=lambda row: row[1])
    with torch.no_grad():
        for i in range(0, len(order), 16):
            items = [cache.item(row) for row in order[i:i + 16]]
            x, lengths, _, _ = batch_of(items)
            out, lengths = network(x, lengths)
            for b, row in enumerate(order[i:i + 16]):
                pairs.append((row[3], greedy(out[:lengths[b], b].numpy(), labels)))
    network.train()
    return score(pairs), pairs


def work(worker, recipe, args):
    """One of args.workers processes that train together, the gradients averaged at each step."""
    torch.set_num_threads(1)
    if args.workers > 1:
        dist.init_process_group("gloo", init_method="file://" + os.path.abspath(os.path.join(args.out, "meeting")),
                                rank=worker, world_size=args.workers)
    labels, steps = labels_of(recipe), args.steps or recipe["steps"]
    caches = {name: Cache(args.cache, name, recipe) for name in recipe["sources"]}
    dev = Cache(args.cache, "dev", recipe)
    torch.manual_seed(recipe["seed"])
    network = Network(recipe["network"], recipe["dropout"])
    weights = list(network.parameters())
    decay = [w for w in weights if w.dim() > 1]
    other = [w for w in weights if w.dim() <= 1]
    optimizer = torch.optim.AdamW([{"params": decay, "weight_decay": recipe["decay"]}, {"params": other, "weight_decay": 0.0}],
                                  lr=recipe["rate"], betas=(0.9, 0.98), fused=True)
    if args.start:
        network.load_state_dict(average(args.start))
    first, spent, latest = 0, 0.0, os.path.join(args.out, "latest.pt")
    if os.path.exists(latest):
        state = torch.load(latest, weights_only=True)
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, spent = state["step"], state["spent"]
    if worker == 0:
        for name, cache in caches.items():
            print(f"{name}: {len(cache.rows)} recordings, {cache.mean * len(cache.rows) / 360000:.2f} h, variants counted")
        print(f"dev: {len(dev.rows)} recordings; {sum(w.numel() for w in weights) / 1e6:.2f} M parameters; "
              f"steps {first} to {steps}, {args.workers} workers", flush=True)
    begun, losses, frames, pool = time.time(), [], 0, None
    network.train()
    for step in range(first, steps):
        if pool is None or step % POOL == 0:
            pool = draw_pool(caches, recipe, worker, step // POOL, steps)
        torch.manual_seed(hash((recipe["seed"], worker, step)) & 0x7fffffff)
        draw = np.random.default_rng([recipe["seed"], worker, step, 7])
        items = [caches[name].item(caches[name].rows[number], draw, recipe["masks"]) for name, number in pool[step % POOL]]
        x, lengths, targets, target_lengths = batch_of(items)
        out, out_lengths = network(x, lengths)
        loss = F.ctc_loss(out, targets, out_lengths, target_lengths, reduction="sum", zero_infinity=True) / target_lengths.sum()
        optimizer.zero_grad()
        loss.backward()
        if args.workers > 1:
            flat = torch.cat([w.grad.reshape(-1) for w in weights] + [loss.detach().reshape(1)])
            dist.all_reduce(flat)
            flat /= args.workers
            at = 0
            for w in weights:
                w.grad.copy_(flat[at:at + w.numel()].view_as(w))
                at += w.numel()
            losses.append(float(flat[-1]))
        else:
            losses.append(float(loss.detach()))
        frames += int(lengths.sum()) * args.workers
        nn.utils.clip_grad_norm_(weights, recipe["clip"])
        for group in optimizer.param_groups:
            group["lr"] = rate_at(recipe, step, steps)
        optimizer.step()
        done = step + 1
        if worker == 0 and (done % args.report == 0 or done == steps):
            seconds = time.time() - begun
            left = seconds / (done - first) * (steps - done)
            hours = frames * recipe["features"]["stride"] / 360000
            line = f"step {done} of {steps}  loss {np.mean(losses[-args.report:]):.4f}  rate {rate_at(recipe, step, steps):.2e}"
            if done % args.check == 0 or done == steps:
                (words, letters), _ = dev_score(network, dev, labels)
                line += f"  dev WER {words:.2f} %  CER {letters:.2f} %"
            print(f"{line}  heard {hours:.1f} h in {(spent + seconds) / 60:.1f} min, {left / 60:.0f} min left", flush=True)
        if worker == 0 and done % POOL == 0 and (done % args.check == 0) or worker == 0 and done == steps:
            state = {"model": network.state_dict(), "optimizer": optimizer.state_dict(), "step": done,
                     "spent": spent + time.time() - begun}
            torch.save(state, latest + ".part")
            os.replace(latest + ".part", latest)
            if done % args.keep == 0 or done == steps:
                shutil.copy(latest, os.path.join(args.out, f"step-{done}.pt"))
    if args.workers > 1:
        dist.barrier()
        dist.destroy_process_group()


def train(args):
    recipe = read_recipe(args.recipe)
    if args.check % POOL:
        sys.exit(f"train_ctc.py: --check must be a multiple of {POOL}, is {args.check}")
    os.makedirs(args.out, exist_ok=True)
    if args.workers == 1:
        return work(0, recipe, args)
    meeting = os.path.join(args.out, "meeting")
    if os.path.exists(meeting):
        os.remove(meeting)
    torch.multiprocessing.spawn(work, (recipe, args), args.workers)


def read_recipe(path):
    with open(path, encoding="utf-8") as file:
        return yaml.safe_load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(name, run, text, data=False, recipe=False):
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(run=run)
        if recipe:
            sub.add_argument("recipe")
        else:
            sub.add_argument("folder", help="model folder")
        if data:
            sub.add_argument("--data", action="append", required=True, help="folder below which lists and audio lie")
        return sub

    sub = command("features", features, "compute the features of every variant of every recording", data=True, recipe=True)
    sub.add_argument("--cache", required=True)
    sub.add_argument("--workers", type=int, default=2)
    sub.add_argument("--only", action="append", help="only this source")
    sub = command("lists", lists, "write what is trained on, for the model folder", data=True, recipe=True)
    sub.add_argument("--out", required=True)
    sub = command("train", train, "train, or go on training", recipe=True)
    sub.add_argument("--cache", required=True)
    sub.add_argument("--out", required=True, help="folder of checkpoints")
    sub.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    sub.add_argument("--start", nargs="+", help="checkpoints whose averaged weights a new run begins with")
    sub.add_argument("--steps", type=int, help="another length of the schedule than the recipe's")
    sub.add_argument("--report", type=int, default=20, help="steps between lines")
    sub.add_argument("--check", type=int, default=200, help="steps between scores on the dev speakers and checkpoints")
    sub.add_argument("--keep", type=int, default=1000, help="steps between checkpoints that stay")
    sub = command("export", export, "write the model folder", recipe=True)
    sub.add_argument("--checkpoint", required=True, nargs="+", help="several of one run are averaged")
    sub.add_argument("--out", required=True)
    sub.add_argument("--float32", action="store_true", help="weights as F32 instead of F16")
    sub = command("evaluate", evaluate, "score a model folder on a list", data=True)
    sub.add_argument("--list", required=True)
    sub.add_argument("--speakers", help="only these, comma-separated")
    sub.add_argument("--show", action="store_true", help="print what was misheard")
    sub = command("expect", expect, "write inputs and outputs of the network for some recordings", data=True)
    sub.add_argument("--list", required=True)
    sub.add_argument("--count", type=int, default=5)
    sub.add_argument("--out", required=True)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
