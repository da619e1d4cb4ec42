"""ctc-*: greedy decoding and the CTC loss.

Greedy: input.log_probs (T,V); output.tokens, output.starts, output.ends (int32): the ids left when
runs are collapsed and blanks dropped, the first frame of each run and the first one behind it.
Loss: input.log_probs (B,T,V), input.lengths (B), input.targets (B,S), input.target_lengths (B);
output.loss (B), natural logarithm, infinite where the text does not fit into the frames.
"""

import json
import tempfile

import numpy as np
import torch
import transformers

from reference import precision, speech
from reference.cases import Case, Draw, Tolerance, case

EXACT = Tolerance(0.0, 0.0, "ids and frames are integers: they are equal or wrong. The best label of "
                            "each frame leads by more than 1e-4, so that rounding decides nothing")
WHY = "sums of exponentials over the frames in another order; one frame more or less costs 1e-1"


def log_softmax(scores: np.ndarray) -> np.ndarray:
    return torch.log_softmax(torch.from_numpy(scores.astype(np.float64)), dim=-1).numpy().astype(np.float32)


def separate(scores: np.ndarray) -> np.ndarray:
    """Raises each frame's best label a little, so that no tie is left to the order of comparison."""
    best = scores.argmax(axis=-1)
    np.put_along_axis(scores, best[..., None], scores.max(axis=-1)[..., None] + 1e-3, axis=-1)
    return scores


def random_posteriors(draw: Draw, frames: int, labels: int, blank: int) -> np.ndarray:
    """What a network gives that is sure of itself: short runs of labels among blanks, over noise."""
    scores = draw.normal(frames, labels, scale=1.5)
    frame = 0
    while frame < frames:
        run = int(draw.random.integers(1, 5))
        label = blank if draw.random.random() < 0.5 else int(draw.random.integers(labels))
        scores[frame:frame + run, label] += 6.0
        frame += run
    return log_softmax(separate(scores))


def real_posteriors(draw: Draw) -> tuple[np.ndarray, int, str]:
    """LibriSpeech through somebody's network (371 frames, 28 characters and the blank, number 28)."""
    found = speech.shared_file("models/ctc-fixtures/libri_logits.json")
    if found is None:
        return random_posteriors(draw, 371, 29, 28), 28, "random posteriors (no libri_logits.json at hand)"
    scores = np.array(json.loads(found.read_text()), np.float32)
    if draw.seed != 0:
        scores = np.maximum(scores, -12.0) + draw.normal(*scores.shape, scale=float(draw.random.uniform(0, 3)))
        first = int(draw.random.integers(0, 100))
        scores = scores[first:first + int(draw.random.integers(1, 270))]
    return log_softmax(separate(scores)), 28, "libri_logits of pyctcdecode, log_softmax"


@case("ctc-greedy-random", sizes=(60, 33), blank="first")
@case("ctc-greedy-blank-last", sizes=(45, 12), blank="last")
@case("ctc-greedy-blank-inside", sizes=(30, 7), blank="inside")
@case("ctc-greedy-two-labels", sizes=(25, 2), blank="first")
@case("ctc-greedy-one-frame", sizes=(1, 5), blank="first")
@case("ctc-greedy-large-vocabulary", sizes=(20, 1025), blank="first")
@case("ctc-greedy-noise", sizes=(80, 5), blank="first", sure=False)
@case("ctc-greedy-only-blanks", sizes=(15, 6), blank="first", only_blanks=True)
@case("ctc-greedy-real", sizes=None, blank="real")
def greedy(draw: Draw, sizes, blank, sure=True, only_blanks=False) -> Case:
    if sizes is None:
        log_probs, blank, source = real_posteriors(draw)
    else:
        frames = draw.size(sizes[0], 1, 150) if sizes[0] > 1 else 1
        labels = draw.size(sizes[1], 3, 80) if 2 < sizes[1] < 1000 else sizes[1]
        blank = {"first": 0, "last": labels - 1, "inside": labels // 2}[blank]
        source = f"{'random' if sure else 'noise as'} posteriors"
        if only_blanks:
            scores = draw.normal(frames, labels)
            scores[:, blank] += 12.0
            log_probs = log_softmax(separate(scores))
        elif sure:
            log_probs = random_posteriors(draw, frames, labels, blank)
        else:
            log_probs = log_softmax(separate(draw.normal(frames, labels, scale=2.0)))
    tokens, starts, ends = transformers_greedy(log_probs, blank)
    return Case(
        kind="ctc_greedy",
        what=f"transformers.Wav2Vec2CTCTokenizer.decode(output_char_offsets=True) of torch.argmax; {source}",
        parameters={"frames": log_probs.shape[0], "labels": log_probs.shape[1], "blank": blank},
        tensors={"input.log_probs": log_probs, "output.tokens": np.array(tokens, np.int32),
                 "output.starts": np.array(starts, np.int32), "output.ends": np.array(ends, np.int32)},
        tolerance=EXACT, versions={"transformers": transformers.__version__, "torch": torch.__version__})


def transformers_greedy(log_probs: np.ndarray, blank: int) -> tuple[list[int], list[int], list[int]]:
    """Labels become characters of a private range of Unicode, so that any number of them has one."""
    characters = [chr(0xE000 + label) for label in range(log_probs.shape[1])]
    vocabulary = {character: label for label, character in enumerate(characters)}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(vocabulary, file)
        file.flush()
        tokenizer = transformers.Wav2Vec2CTCTokenizer(
            file.name, bos_token=None, eos_token=None, unk_token=characters[blank], pad_token=characters[blank],
            word_delimiter_token=None, replace_word_delimiter_char="")
    best = torch.from_numpy(log_probs).argmax(dim=-1).tolist()
    offsets = tokenizer.decode(best, output_char_offsets=True, clean_up_tokenization_spaces=False).char_offsets
    return ([vocabulary[entry["char"]] for entry in offsets], [entry["start_offset"] for entry in offsets],
            [entry["end_offset"] for entry in offsets])


@case("ctc-loss", sizes=(50, 29), batch=4)
@case("ctc-loss-blank-last", sizes=(40, 11), batch=3, blank_last=True)
@case("ctc-loss-large-vocabulary", sizes=(20, 500), batch=2)
@case("ctc-loss-long", sizes=(400, 5), batch=1)
@case("ctc-loss-tight", sizes=(24, 8), batch=5, tight=True)
def loss(draw: Draw, sizes, batch, blank_last=False, tight=False) -> Case:
    """Loss of random texts; `tight` ones just fit into their frames, do not fit, repeat a label or are empty."""
    frames, labels, batch = draw.size(sizes[0], 12, 200), draw.size(sizes[1], 3, 100), draw.size(batch, 1, 5)
    blank = labels - 1 if blank_last else 0
    lengths = [frames] + [int(n) for n in draw.random.integers(1, frames + 1, batch - 1)]
    texts = [[int(draw.random.integers(1, labels)) for _ in range(draw.random.integers(1, max(2, n // 3)))]
             for n in lengths]
    if tight:
        lengths = [frames] * 5
        once = [1 + k % 2 for k in range(frames)]
        texts = [once, [1] * (frames // 2), [1] * frames, [], once[:3] + [once[2]] * 3]
        batch = 5
    if blank_last:
        texts = [[label - 1 for label in text] for text in texts]
    log_probs = np.stack([random_posteriors(draw, frames, labels, blank) for _ in range(batch)])
    return finish_loss(log_probs, lengths, texts, blank, "random texts", "random posteriors")


@case("ctc-loss-real")
def loss_real(draw: Draw) -> Case:
    """The loss of what greedy decoding gives, of half of it, and of its reverse."""
    log_probs, blank, source = real_posteriors(draw)
    tokens, _, _ = transformers_greedy(log_probs, blank)
    texts = [tokens, tokens[:len(tokens) // 2], tokens[::-1]]
    return finish_loss(np.stack([log_probs] * 3), [len(log_probs)] * 3, texts, blank,
                       "its greedy text, the first half of that, its reverse", source)


def finish_loss(log_probs, lengths, texts, blank, what, source) -> Case:
    targets = np.full((len(texts), max(1, max(len(text) for text in texts))), blank, np.int64)
    for row, text in zip(targets, texts):
        row[:len(text)] = text
    answers = [
        torch.nn.functional.ctc_loss(
            torch.from_numpy(log_probs).to(dtype).transpose(0, 1), torch.from_numpy(targets), torch.tensor(lengths),
            torch.tensor([len(text) for text in texts]), blank=blank, reduction="none").numpy()
        for dtype in (torch.float32, torch.float64)]
    return Case(
        kind="ctc_loss",
        what=f"torch.nn.functional.ctc_loss of {what}, {len(texts)} at once, lengths {lengths}; {source}",
        parameters={"labels": log_probs.shape[2], "blank": blank, "batch": len(texts)},
        tensors={"input.log_probs": log_probs, "input.lengths": np.array(lengths, np.int64),
                 "input.targets": targets,
                 "input.target_lengths": np.array([len(text) for text in texts], np.int64),
                 "output.loss": answers[1].astype(np.float32)},
        tolerance=precision.from_relative_noise("torch", *answers, times=16, steps=32, small=1.0, why=WHY),
        versions={"torch": torch.__version__, "numpy": np.__version__})
