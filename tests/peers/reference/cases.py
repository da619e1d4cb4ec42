"""What a reference case is, how it is registered, and how it is written.

A case is a function that takes a Draw (seeded random numbers, and the sizes that seed 0 uses) and
returns a Case. Its random numbers depend on the seed and on its name alone, so that a case made by
itself equals the one made together with all the others.
"""

import dataclasses
import json
import pathlib
import zlib
from collections.abc import Callable

import numpy as np
from safetensors.numpy import save_file

DTYPES = (np.float32, np.int32, np.int64)


@dataclasses.dataclass
class Tolerance:
    """A result r meets the reference e where |r - e| <= absolute + relative * |e|, for each element."""

    absolute: float
    relative: float
    why: str


@dataclasses.dataclass
class Case:
    """What a peer was given and what it answered. Tensors are named input.*, weight.*, output.*."""

    kind: str
    what: str
    parameters: dict
    tensors: dict[str, np.ndarray]
    tolerance: Tolerance
    versions: dict[str, str]


class Draw:
    """Random numbers of one case. Seed 0 takes the sizes that the case names, others draw their own."""

    def __init__(self, seed: int, name: str):
        self.seed = seed
        self.random = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))

    def size(self, committed: int, least: int, greatest: int) -> int:
        """A size: `committed` for seed 0, else one of least..greatest."""
        if self.seed == 0:
            return committed
        return int(self.random.integers(least, greatest + 1))

    def choice(self, committed, others):
        """One of several settings: `committed` for seed 0, else one of `others`."""
        if self.seed == 0:
            return committed
        return others[int(self.random.integers(len(others)))]

    def normal(self, *shape: int, scale: float = 1.0) -> np.ndarray:
        return (scale * self.random.standard_normal(shape)).astype(np.float32)

    def uniform(self, *shape: int, bound: float) -> np.ndarray:
        return self.random.uniform(-bound, bound, shape).astype(np.float32)


_registry: dict[str, Callable[[Draw], Case]] = {}


def case(name: str, **arguments):
    """Registers the function below under `name`; several of these above one function give several
    cases, told apart by their arguments."""

    def register(function):
        if name in _registry:
            raise ValueError(f"two cases are named {name}")
        _registry[name] = lambda draw: function(draw, **arguments)
        return function

    return register


def names() -> list[str]:
    return sorted(_registry)


def family(name: str) -> str:
    return name.split("-")[0]


def select(wanted: list[str]) -> list[str]:
    """The cases that a list of cases and families means; all of them for an empty list."""
    if not wanted:
        return names()
    chosen = set()
    for word in wanted:
        matching = [name for name in names() if word in (name, family(name))]
        if not matching:
            families = ", ".join(sorted({family(name) for name in names()}))
            raise LookupError(f"no case or family is named '{word}': the families are {families}; "
                              "--list prints the cases")
        chosen.update(matching)
    return sorted(chosen)


def make(name: str, seed: int) -> Case:
    """Runs the peer of one case."""
    return _registry[name](Draw(seed, name))


def write(case: Case, name: str, seed: int, out: pathlib.Path) -> int:
    """Writes DIR/name/case.json and case.safetensors; returns their size in bytes."""
    for key, value in case.tensors.items():
        if value.dtype not in DTYPES:
            raise TypeError(f"{name}: tensor '{key}' is {value.dtype}: float32, int32 or int64 are allowed")
        if key.split(".")[0] not in ("input", "weight", "output"):
            raise ValueError(f"{name}: tensor '{key}' should be named input.*, weight.* or output.*")
        if np.isnan(value).any():
            raise ValueError(f"{name}: tensor '{key}' holds NaN: the peer was given something it cannot do")
    description = {
        "name": name,
        "family": family(name),
        "kind": case.kind,
        "what": case.what,
        "versions": case.versions,
        "tolerance": {"absolute": case.tolerance.absolute, "relative": case.tolerance.relative},
        "why": case.tolerance.why,
        "parameters": case.parameters,
        "seed": seed,
    }
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "case.json"
    text.write_text(json.dumps(description, indent=2) + "\n")
    tensors = folder / "case.safetensors"
    save_file({key: np.ascontiguousarray(value) for key, value in case.tensors.items()}, tensors)
    return text.stat().st_size + tensors.stat().st_size
