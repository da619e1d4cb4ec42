"""torch-linear, torch-conv1d, torch-log-softmax, torch-network: what stands before and behind the
recurrent layers.

Tensors: input.x and output.y (T, features), row-major, one recording; weight.* by torch's names
(torch.nn.Conv1d's weight is (outputs, inputs, kernel)). A network has weight.front.*,
weight.recurrent.* and weight.head.*.
"""

import numpy as np
import torch

from reference import precision
from reference.cases import Case, Draw, Tolerance, case

SUMS = "another order of the sums costs a few steps; a wrong row costs 1e-1"


def from_sums(single: np.ndarray, double: np.ndarray) -> Tolerance:
    """Of values that are sums, whose error follows the largest term and not the result."""
    return precision.from_noise("torch", [(single, double)], times=16, steps=32, why=SUMS)


def from_values(single: np.ndarray, double: np.ndarray) -> Tolerance:
    """Of values that are each as precise as they are large."""
    return precision.from_relative_noise("torch", single, double, times=16, steps=32, small=1.0,
                                         why="another exp and log cost a few steps")


def finish(draw: Draw, build, gains: dict[str, float], x: np.ndarray, kind, what, parameters,
           tolerance=from_sums) -> Case:
    """Draws the weights of `build()`, runs it in both precisions, and makes the case."""
    weights = {}
    for name, value in build().state_dict().items():
        fan_in = int(np.prod(value.shape[1:])) or 1
        gain = gains.get(name.split(".")[0], 1.0)
        weights[name] = draw.uniform(*value.shape, bound=gain / fan_in ** 0.5)
    answers = []
    for dtype in (torch.float32, torch.float64):
        module = build().to(dtype)
        module.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
        with torch.no_grad():
            answers.append(module(torch.from_numpy(x).to(dtype)).numpy())
    tensors = {"input.x": x, "output.y": answers[1].astype(np.float32)}
    tensors.update({f"weight.{name}": value for name, value in weights.items()})
    return Case(kind=kind, what=what, parameters=parameters, tensors=tensors,
                tolerance=tolerance(*answers),
                versions={"torch": torch.__version__, "numpy": np.__version__})


ACTIVATIONS = {"none": torch.nn.Identity, "relu": torch.nn.ReLU, "tanh": torch.nn.Tanh}


class Linear(torch.nn.Module):
    """torch.nn.Linear and an activation, the parameters named weight and bias."""

    def __init__(self, inputs, outputs, bias, activation):
        super().__init__()
        linear = torch.nn.Linear(inputs, outputs, bias=bias)
        self.weight, self.bias = linear.weight, linear.bias
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x):
        return self.activation(torch.nn.functional.linear(x, self.weight, self.bias))


@case("torch-linear", sizes=(65, 29), rows=37)
@case("torch-linear-relu", sizes=(129, 63), rows=16, activation="relu")
@case("torch-linear-no-bias", sizes=(3, 130), rows=5, bias=False)
@case("torch-linear-one", sizes=(1, 1), rows=1)
def linear(draw: Draw, sizes, rows, bias=True, activation="none") -> Case:
    inputs, outputs = draw.size(sizes[0], 1, 300), draw.size(sizes[1], 1, 300)
    x = draw.normal(draw.size(rows, 1, 80), inputs)
    return finish(draw, lambda: Linear(inputs, outputs, bias, activation), {}, x, kind="linear",
                  what=f"torch.nn.Linear({inputs}, {outputs}){'' if bias else ', no bias'}, then {activation}",
                  parameters={"input": inputs, "output": outputs, "bias": bias, "activation": activation})


class Convolution(torch.nn.Module):
    """torch.nn.Conv1d over (T, features) and an activation, the parameters named weight and bias."""

    def __init__(self, inputs, outputs, kernel, stride, padding, activation):
        super().__init__()
        convolution = torch.nn.Conv1d(inputs, outputs, kernel)
        self.weight, self.bias = convolution.weight, convolution.bias
        self.stride, self.padding = stride, padding
        self.activation = ACTIVATIONS[activation]()

    def forward(self, x):
        y = torch.nn.functional.conv1d(x.T[None], self.weight, self.bias, self.stride, self.padding)
        return self.activation(y[0].T)


@case("torch-conv1d", sizes=(40, 33), kernel=3, stride=1, padding=1, frames=30)
@case("torch-conv1d-stride-2-relu", sizes=(23, 17), kernel=5, stride=2, padding=2, frames=41, activation="relu")
@case("torch-conv1d-stride-3", sizes=(8, 65), kernel=7, stride=3, padding=0, frames=50)
@case("torch-conv1d-kernel-1", sizes=(13, 5), kernel=1, stride=1, padding=0, frames=20)
@case("torch-conv1d-shorter-than-kernel", sizes=(3, 4), kernel=9, stride=2, padding=4, frames=3)
def conv1d(draw: Draw, sizes, kernel, stride, padding, frames, activation="none") -> Case:
    inputs, outputs = draw.size(sizes[0], 1, 130), draw.size(sizes[1], 1, 130)
    if frames > kernel:
        frames = draw.size(frames, kernel, 90)
    x = draw.normal(frames, inputs)
    return finish(
        draw, lambda: Convolution(inputs, outputs, kernel, stride, padding, activation), {}, x,
        kind="convolution",
        what=f"torch.nn.Conv1d({inputs}, {outputs}, {kernel}, stride={stride}, padding={padding}), then {activation}",
        parameters={"input": inputs, "output": outputs, "kernel": kernel, "stride": stride, "padding": padding,
                    "activation": activation, "bias": True})


@case("torch-log-softmax", sizes=(40, 29), scale=4.0)
@case("torch-log-softmax-large", sizes=(12, 65), scale=3000.0)
@case("torch-log-softmax-one", sizes=(3, 1), scale=1.0)
def log_softmax(draw: Draw, sizes, scale) -> Case:
    labels = draw.size(sizes[1], 2, 500) if sizes[1] > 1 else 1
    x = draw.normal(draw.size(sizes[0], 1, 60), labels, scale=scale)
    return finish(draw, lambda: torch.nn.LogSoftmax(dim=-1), {}, x, kind="log_softmax",
                  what=f"torch.nn.LogSoftmax over {labels} labels, scores of about {scale:g}",
                  parameters={"labels": labels}, tolerance=from_values)


class Network(torch.nn.Module):
    """Convolution that subsamples, recurrent layers, linear head, log_softmax: an acoustic model."""

    def __init__(self, inputs, front, hidden, layers, labels, cell, kernel, stride, bidirectional):
        super().__init__()
        self.front = Convolution(inputs, front, kernel, stride, kernel // 2, "relu")
        self.recurrent = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell](
            front, hidden, num_layers=layers, bidirectional=bidirectional)
        self.head = Linear(hidden * (2 if bidirectional else 1), labels, True, "none")

    def forward(self, x):
        y, _ = self.recurrent(self.front(x))
        return torch.log_softmax(self.head(y), dim=-1)


@case("torch-network-lstm", cell="lstm", bidirectional=True)
@case("torch-network-gru", cell="gru", bidirectional=False)
def network(draw: Draw, cell, bidirectional) -> Case:
    inputs, front, hidden = draw.size(40, 1, 100), draw.size(33, 1, 100), draw.size(31, 1, 100)
    layers, labels = draw.size(2, 1, 3), draw.size(29, 2, 100)
    kernel, stride = draw.choice((3, 2), [(1, 1), (3, 1), (3, 2), (5, 3)])
    x = draw.normal(draw.size(61, kernel, 120), inputs)
    return finish(
        draw, lambda: Network(inputs, front, hidden, layers, labels, cell, kernel, stride, bidirectional),
        {"recurrent": 2.0, "head": 3.0}, x, kind="network",
        what=f"Conv1d({inputs}, {front}, {kernel}, stride={stride}), relu, {layers} layers of {cell} "
             f"{hidden}{', bidirectional' if bidirectional else ''}, Linear, log_softmax over {labels} labels",
        parameters={"input": inputs, "front": front, "kernel": kernel, "stride": stride, "padding": kernel // 2,
                    "activation": "relu", "cell": cell, "hidden": hidden, "layers": layers,
                    "bidirectional": bidirectional, "labels": labels})
