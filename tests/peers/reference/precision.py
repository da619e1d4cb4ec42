"""Tolerances, derived from the peer itself.

The reference is the peer run in float64 and rounded once to float32: the value that it means,
free of one machine's order of sums. The same peer in float32 shows what that precision costs it on
this very case (the noise), and stapes, which also computes in float32, is allowed a multiple of it.
"""

import contextlib
import math

import numpy as np
import torch

from reference.cases import Tolerance

EPSILON = 2.0 ** -23  # distance of neighbouring float32 numbers around 1


@contextlib.contextmanager
def torch_default(dtype: torch.dtype):
    """Makes `dtype` what torch gives to tensors of no stated type, for programs that make their own."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def distance(single: np.ndarray, double: np.ndarray) -> float:
    """The largest difference between the float32 and the float64 run. Equal infinities do not count."""
    if double.size == 0:
        return 0.0
    with np.errstate(invalid="ignore"):
        difference = np.abs(single.astype(np.float64) - double)
    difference[single == double] = 0.0
    return float(difference.max())


def largest(array: np.ndarray) -> float:
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max()) if finite.size else 0.0


def from_noise(peer: str, pairs: list[tuple[np.ndarray, np.ndarray]], times: int, steps: int,
               why: str, inner: float = 0.0) -> Tolerance:
    """An absolute tolerance: `times` the noise, at least `steps` float32 steps of the largest value, and
    two of `inner`, the largest sum of magnitudes inside, where that is far above the values: a gate that
    happens to stand on its edge passes the whole error of that sum on, and chance decides in which run."""
    noise = max(distance(single, double) for single, double in pairs)
    step = EPSILON * max(1.0, max(largest(double) for _, double in pairs))
    also = f" and two of the largest sum inside ({2.0 * EPSILON * inner:.2g})" if inner else ""
    return Tolerance(
        absolute=two_digits(max(times * noise, steps * step, 2.0 * EPSILON * inner)), relative=0.0,
        why=f"{times} times the largest distance between {peer} in float32 and in float64 here "
            f"({two_digits(noise):.2g}), at least {steps} float32 steps of the largest value ({step:.2g} "
            f"each){also}: {why}")


def from_relative_noise(peer: str, single: np.ndarray, double: np.ndarray, times: int, steps: int, small: float,
                        why: str) -> Tolerance:
    """A relative tolerance, for values of many orders of magnitude; as from_noise, element by element.
    Values below `small` are held to that absolutely."""
    finite = np.isfinite(double)
    scale = np.maximum(np.abs(double[finite]), small)
    noise = largest((single[finite].astype(np.float64) - double[finite]) / scale)
    relative = two_digits(max(times * noise, steps * EPSILON))
    return Tolerance(
        absolute=two_digits(relative * small), relative=relative,
        why=f"{times} times the largest relative distance between {peer} in float32 and in float64 here "
            f"({two_digits(noise):.2g}), at least {steps} float32 steps; values below {small:.2g} are held to "
            f"that absolutely: {why}")


def two_digits(value: float) -> float:
    """Rounded up to two digits, so that tolerances read well."""
    if value == 0.0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit * (1 - 1e-12)) * unit:.1e}")
