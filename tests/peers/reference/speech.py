"""Speech for the cases: short excerpts of recordings in the shared data, or a stand-in where those
are absent.

Seed 0 takes fixed places of recordings that anybody may use (they are committed inside the cases);
other seeds take any recording at hand, any place, and another level.
"""

import os
import pathlib

import numpy as np
import soundfile
import soxr

from reference.cases import Draw

HERE = pathlib.Path(__file__).resolve()
STEP = 32768.0

# For seed 0: recording, its first second. JFK's address is in the public domain; AN4 is free for any use.
COMMITTED = [
    ("samples/jfk.flac", 3.3),
    ("an4/test/an406-fcaw-b.flac", 0.9),
    ("an4/test/an391-mjwl-b.flac", 0.6),
    ("an4/test/an436-mjgm-b.flac", 0.8),
    ("samples/jfk.flac", 8.2),
]

_place: pathlib.Path | None = None


def use(folder: str | None) -> str:
    """Sets where the speech is: `folder`, else $STAPES_SHARED/data, else ../shared/data beside the
    repository. Returns a line that says what was found."""
    global _place
    shared = os.environ.get("STAPES_SHARED") or HERE.parents[3].parent / "shared"
    _place = pathlib.Path(folder) if folder else pathlib.Path(shared) / "data"
    if (_place / "samples").is_dir() and (_place / "an4" / "test").is_dir():
        return f"speech from {_place}"
    missing = _place
    _place = None
    return (f"no speech: {missing} has no samples/ and an4/test/; chirps and noise stand in for it. "
            "Name the folder with --speech or STAPES_SHARED")


def shared_file(path: str) -> pathlib.Path | None:
    """A file of the shared material (`path` counts from the folder that holds data/), if it is there."""
    if _place is None:
        return None
    found = _place.parent / path
    return found if found.is_file() else None


def excerpt(draw: Draw, which: int, rate: int, samples: int) -> tuple[np.ndarray, str]:
    """`samples` samples of speech at `rate`, on the grid of 16 bit samples, and where they come from."""
    if _place is None:
        return grid(chirp(draw, rate, samples)), "chirp and noise"
    if draw.seed == 0:
        name, start = COMMITTED[which % len(COMMITTED)]
        level = 1.0
    else:
        recordings = sorted(_place.glob("samples/**/*.flac")) + sorted(_place.glob("an4/test/*.flac"))
        name = str(recordings[int(draw.random.integers(len(recordings)))].relative_to(_place))
        start = None
        level = 10.0 ** draw.random.uniform(-2.0, 0.1)
    sound, own_rate = soundfile.read(_place / name, dtype="float64", always_2d=True)
    sound = sound.mean(axis=1)
    length = -(-samples * own_rate // rate) + own_rate // 10
    if start is None:
        start = loudest_of_some(draw, sound, length) / own_rate
    first = int(start * own_rate)
    piece = sound[first:first + length]
    if own_rate != rate:
        piece = soxr.resample(piece, own_rate, rate)
    if len(piece) < samples:
        piece = np.pad(piece, (0, samples - len(piece)))
    return grid(level * piece[:samples]), f"{name} from {start:.2f} s at level {level:.2g}"


def loudest_of_some(draw: Draw, sound: np.ndarray, length: int) -> int:
    """A random place, but speech rather than silence: the loudest of eight."""
    last = max(1, len(sound) - length)
    places = [int(place) for place in draw.random.integers(0, last, 8)]
    return max(places, key=lambda place: float(np.square(sound[place:place + length]).sum()))


def chirp(draw: Draw, rate: int, samples: int) -> np.ndarray:
    """Rises to half the rate in two seconds, swells and fades, over faint noise."""
    time = np.arange(samples) / rate
    sweep = np.sin(2.0 * np.pi * (80.0 * time + rate / 8.0 * time * time))
    return 0.3 * sweep * np.square(np.sin(3.0 * time + 0.5)) + 0.003 * draw.random.standard_normal(samples)


def grid(sound: np.ndarray) -> np.ndarray:
    """Rounds to 16 bits, as a recording would be."""
    return (np.clip(np.rint(sound * STEP), -STEP, STEP - 1.0) / STEP).astype(np.float32)
