"""The least time that a row can take on a machine whose arithmetic and reading bench_machine has measured.

Counted are the operations of the products (and of the FFT) at the peak rate of their numbers, and the reading of
weights that every step of a recurrent layer must do again, from wherever one core's share of them fits. Not counted:
activations, the input and output, what threads cost. So no program reaches it, and one at twice of it is good.
"""

import json
import math

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
GATES = {"lstm": 4, "gru": 3}


def read_rate(machine, threads, size):
    """Bytes a second of all threads together, each reading its own `size` bytes again and again."""
    measured = sorted((int(kib) * 1024, rate * 1e9) for kib, rate in machine[str(threads)]["read"].items())
    for (low, fast), (high, slow) in zip(measured, measured[1:]):
        if low <= size <= high:
            part = (size - low) / (high - low)
            return fast + part * (slow - fast)
    return measured[0][1] if size < measured[0][0] else measured[-1][1]


def arithmetic(machine, threads, numbers, operations):
    return operations / (1e9 * machine[str(threads)]["int8" if numbers == "int8" else "float32"])


def recurrent_floor(machine, threads, load, sizes):
    numbers, batch = load["numbers"], load["batch"]
    hidden, directions = sizes["hidden"], sizes["directions"]
    gates = GATES[sizes["cell"]] * hidden
    widths = [sizes["inputs"]] + [hidden * directions] * (sizes["layers"] - 1)
    if load["piece"]:  # every call reads all weights
        weights = sum(gates * (width + hidden) for width in widths) * directions
        one = max(arithmetic(machine, threads, numbers, 2 * weights * load["piece"]),
                  weights * BYTES[numbers] / read_rate(machine, threads, weights * BYTES[numbers] / threads))
        return one * sizes["rows"] / load["piece"]
    size = gates * hidden * BYTES[numbers]  # of the weights of one direction's step: a thread has one direction
    per_step = max(arithmetic(machine, threads, numbers, 2 * gates * hidden * batch * directions),
                   directions * size / read_rate(machine, threads, size))
    inputs = sum(arithmetic(machine, threads, numbers, 2 * gates * width * batch * directions) for width in widths)
    return sizes["rows"] * (inputs + per_step * sizes["layers"])


def floor(row, places):
    """Seconds."""
    machine, load, threads = places["machine"], row.load, row.threads
    if load["kind"] == "recurrent":
        sizes = load.get("sizes") or json.loads((places["models"] / load["network"] / "network.json").read_text())
        return recurrent_floor(machine, threads, load, sizes)
    if load["kind"] == "logmel":  # a real FFT of n points: 2.5 n log2 n; each line is in two filters
        fft, window = load["fft"], load["window"]
        operations = 2.5 * fft * math.log2(fft) + 6 * window + 3 * (fft / 2) + 4 * (fft / 2)
        return arithmetic(machine, threads, "float32", operations * load["rows"])
    weights = load["out"] * load["in"]
    return max(arithmetic(machine, threads, "float32", 2 * weights * load["rows"]),
               4 * weights / read_rate(machine, threads, 4 * weights / threads))
