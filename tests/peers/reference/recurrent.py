"""torch-*: recurrent networks of torch.nn.

Tensors: input.x (B,T,F) with zeros behind each length; input.lengths (B); input.h0 (L*D,B,P or H)
and input.c0 (L*D,B,H) where the state does not start at zero; weight.* by torch's names; output.y
(B,T,D*P or D*H), zero behind each length; output.hn and output.cn, the state after the last frame.
Cases run in pieces add input.pieces (K), how many frames each piece has, and output.pieces_h
(K,L*D,B,P or H) and output.pieces_c, the state after each piece; the whole run gives the same y.
"""

import numpy as np
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from reference import precision
from reference.cases import Case, Draw, case

CELLS = {
    "rnn_tanh": lambda *sizes, **rest: torch.nn.RNN(*sizes, nonlinearity="tanh", **rest),
    "rnn_relu": lambda *sizes, **rest: torch.nn.RNN(*sizes, nonlinearity="relu", **rest),
    "gru": torch.nn.GRU,
    "lstm": torch.nn.LSTM,
}
WHY = "another order of the sums, another exp and tanh cost a few steps each; a wrong gate costs 1e-2"


def draw_weights(draw: Draw, shapes: dict[str, tuple], hidden: int, gain: float) -> dict[str, np.ndarray]:
    """Uniform as torch starts them, times `gain`: above 1, so that gates leave their linear part."""
    return {name: draw.uniform(*shape, bound=gain / hidden ** 0.5) for name, shape in shapes.items()}


def draw_lengths(draw: Draw, batch: int, frames: int, shortest_is_1: bool = True) -> list[int]:
    """Unequal lengths in no order: the longest is `frames`, and from three recordings on one has 1."""
    lengths = [int(n) for n in draw.random.integers(1, frames + 1, batch)]
    lengths[int(draw.random.integers(batch))] = frames
    if batch >= 3 and shortest_is_1:
        lengths[lengths.index(min(lengths))] = 1
    return lengths


def run(module, x: torch.Tensor, lengths: list[int], state):
    """One run of a torch module on a padded batch; y is padded with zeros, the state is a tuple."""
    packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    y, last = module(packed, state)
    y, _ = pad_packed_sequence(y, batch_first=True, total_length=x.shape[1])
    return y, last if isinstance(last, tuple) else (last,)


def run_in_pieces(module, x: torch.Tensor, pieces: list[int], state):
    """The same frames piece by piece, the state carried on; returns the state after each piece."""
    states, outputs = [], []
    for piece in torch.split(x, pieces, dim=1):
        y, last = module(piece, state)
        state = last
        outputs.append(y)
        states.append(last if isinstance(last, tuple) else (last,))
    return torch.cat(outputs, dim=1), [torch.stack(tensors) for tensors in zip(*states)]


def peer_in(dtype, build, weights, x, lengths, state, pieces):
    """Everything that a case states, computed in one precision; arrays by their tensor's name."""
    module = build().to(dtype)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    x = torch.from_numpy(x).to(dtype)
    if state is not None:
        state = tuple(torch.from_numpy(part).to(dtype) for part in state)
        state = state if len(state) == 2 else state[0]
    answers = {}
    with torch.no_grad():
        y, last = run(module, x, lengths, state)
        answers["output.y"] = y
        answers.update(zip(("output.hn", "output.cn"), last))
        if pieces:
            again, states = run_in_pieces(module, x, pieces, state)
            if (again - y).abs().max() > 1e-5:
                raise ArithmeticError("torch's run in pieces differs from its run of the whole")
            answers.update(zip(("output.pieces_h", "output.pieces_c"), states))
    return {name: value.numpy() for name, value in answers.items()}


@case("torch-rnn-tanh", cell="rnn_tanh", sizes=(17, 33, 1), frames=40)
@case("torch-rnn-relu-2-layers", cell="rnn_relu", sizes=(5, 63, 2), batch=3, frames=31)
@case("torch-rnn-tanh-bidirectional", cell="rnn_tanh", sizes=(9, 31, 2), bidirectional=True, batch=3, frames=21)
@case("torch-rnn-relu-pieces", cell="rnn_relu", sizes=(7, 15, 2), batch=2, frames=29, pieces=True, carried=True)
@case("torch-rnn-tanh-no-bias", cell="rnn_tanh", sizes=(4, 7, 2), bias=False, frames=19)
@case("torch-gru", cell="gru", sizes=(40, 65, 1), frames=50)
@case("torch-gru-2-layers", cell="gru", sizes=(11, 48, 2), batch=2, frames=33)
@case("torch-gru-bidirectional-3-layers", cell="gru", sizes=(13, 31, 3), bidirectional=True, batch=4, frames=27)
@case("torch-gru-no-bias", cell="gru", sizes=(6, 17, 2), bias=False, batch=2, frames=23)
@case("torch-gru-pieces", cell="gru", sizes=(12, 33, 2), batch=3, frames=37, pieces=True, carried=True)
@case("torch-gru-one", cell="gru", sizes=(1, 1, 1), frames=9)
@case("torch-gru-loud", cell="gru", sizes=(8, 16, 1), frames=25, loudness=300.0)
@case("torch-lstm", cell="lstm", sizes=(3, 129, 1), frames=30)
@case("torch-lstm-2-layers", cell="lstm", sizes=(20, 32, 2), batch=2, frames=35)
@case("torch-lstm-no-bias", cell="lstm", sizes=(10, 21, 2), bias=False, frames=26)
@case("torch-lstm-bidirectional", cell="lstm", sizes=(23, 64, 1), bidirectional=True, batch=4, frames=41)
@case("torch-lstm-bidirectional-3-layers", cell="lstm", sizes=(15, 19, 3), bidirectional=True, batch=3, frames=33)
@case("torch-lstm-bidirectional-state", cell="lstm", sizes=(7, 24, 2), bidirectional=True, batch=3, frames=18,
      carried=True)
@case("torch-lstm-pieces", cell="lstm", sizes=(16, 47, 2), batch=3, frames=43, pieces=True, carried=True)
@case("torch-lstm-one", cell="lstm", sizes=(1, 1, 1), frames=1)
@case("torch-lstm-long", cell="lstm", sizes=(2, 17, 1), frames=700)
@case("torch-lstm-loud", cell="lstm", sizes=(8, 16, 1), frames=25, loudness=300.0)
@case("torch-lstm-projection", cell="lstm", sizes=(19, 65, 1), projection=17, frames=30)
@case("torch-lstm-projection-2-layers", cell="lstm", sizes=(6, 33, 2), projection=9, bias=False, batch=3, frames=24)
@case("torch-lstm-projection-bidirectional", cell="lstm", sizes=(14, 40, 2), projection=11, bidirectional=True,
      batch=3, frames=22)
@case("torch-lstm-projection-pieces", cell="lstm", sizes=(5, 63, 2), projection=31, batch=2, frames=34, pieces=True,
      carried=True)
def recurrent(draw: Draw, cell, sizes, frames, projection=0, bidirectional=False, bias=True, batch=1,
              pieces=False, carried=False, loudness=1.0) -> Case:
    """A stack of layers of one cell. The sizes given are those of seed 0."""
    if sizes[:2] != (1, 1):
        sizes = (draw.size(sizes[0], 1, 140), draw.size(sizes[1], 2, 140), draw.size(sizes[2], 1, 3))
        frames = draw.size(frames, 1, 90)
        batch = draw.size(batch, 1, 5)
    if projection:
        projection = draw.size(projection, 1, sizes[1] - 1)
    return stack(draw, cell, sizes, frames, projection, bidirectional, bias, batch, pieces, carried, loudness)


@case("torch-lstm-true-size", cell="lstm", committed=(80, 256, 1), others=(80, 256, 3))
@case("torch-gru-true-size", cell="gru", committed=(80, 128, 1), others=(80, 320, 2))
def true_size(draw: Draw, cell, committed, others) -> Case:
    """The sizes of networks that people use; seed 0 has one layer, since its weights are committed."""
    sizes = committed if draw.seed == 0 else others
    return stack(draw, cell, sizes, draw.size(60, 40, 120), bidirectional=True, batch=draw.size(2, 1, 3))


def stack(draw: Draw, cell, sizes, frames, projection=0, bidirectional=False, bias=True, batch=1,
          pieces=False, carried=False, loudness=1.0) -> Case:
    inputs, hidden, layers = sizes
    settings = {"num_layers": layers, "bias": bias, "bidirectional": bidirectional, "batch_first": True}
    if projection:
        settings["proj_size"] = projection

    def build():
        return CELLS[cell](inputs, hidden, **settings)

    shapes = {name: tuple(value.shape) for name, value in build().state_dict().items()}
    # A relu network with a gain above 1 grows without bound.
    weights = draw_weights(draw, shapes, hidden, gain=1.0 if cell == "rnn_relu" else 2.0)
    lengths = [frames] * batch if pieces else draw_lengths(draw, batch, frames)
    x = draw.normal(batch, frames, inputs, scale=loudness)
    for row, length in zip(x, lengths):
        row[length:] = 0.0
    state = None
    if carried:
        rows = layers * (2 if bidirectional else 1)
        state = (draw.normal(rows, batch, projection or hidden, scale=0.5),)
        if cell == "lstm":
            state += (draw.normal(rows, batch, hidden, scale=1.0),)
    cuts = draw_pieces(draw, frames) if pieces else []

    single = peer_in(torch.float32, build, weights, x, lengths, state, cuts)
    double = peer_in(torch.float64, build, weights, x, lengths, state, cuts)
    tensors = {"input.x": x, "input.lengths": np.array(lengths, np.int64)}
    if state is not None:
        tensors.update(zip(("input.h0", "input.c0"), state))
    if cuts:
        tensors["input.pieces"] = np.array(cuts, np.int64)
    tensors.update({f"weight.{name}": value for name, value in weights.items()})
    tensors.update({name: value.astype(np.float32) for name, value in double.items()})
    how = "".join((
        f", {layers} layers" if layers > 1 else "", ", bidirectional" if bidirectional else "",
        f", projected to {projection}" if projection else "", "" if bias else ", no bias",
        ", state given" if carried else ""))
    frames_of = f"pieces of {cuts} frames, {batch} at once" if cuts else f"lengths {lengths}"
    return Case(
        kind="recurrent",
        what=f"torch.nn.{type(build()).__name__}({inputs}, {hidden}){how}; {frames_of}",
        parameters={"cell": cell, "input": inputs, "hidden": hidden, "layers": layers,
                    "bidirectional": bidirectional, "bias": bias, "projection": projection, "batch": batch,
                    "frames": frames},
        tensors=tensors,
        tolerance=precision.from_noise("torch", [(single[name], double[name]) for name in double],
                                       times=16, steps=32, why=WHY,
                                       inner=largest_sum(x, weights) if loudness > 1.0 else 0.0),
        versions={"torch": torch.__version__, "numpy": np.__version__})


def largest_sum(x: np.ndarray, weights: dict[str, np.ndarray]) -> float:
    """The largest sum of magnitudes that input and first layer's weights give to one gate."""
    return float((np.abs(x) @ np.abs(weights["weight_ih_l0"]).T).max())


def draw_pieces(draw: Draw, frames: int) -> list[int]:
    """Cuts `frames` into pieces; the first has one frame."""
    pieces, left = [1], frames - 1
    while left > 0:
        pieces.append(int(draw.random.integers(1, min(left, 16) + 1)))
        left -= pieces[-1]
    return pieces
