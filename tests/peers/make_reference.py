#!/usr/bin/env python3
"""Writes reference cases: what other people's programs compute, for stapes-parity to compare with.

Run it with the Python of the peers (tests/peers/setup makes it):

    build/peers/bin/python tests/peers/make_reference.py                  every case, seed 0, into tests/reference
    build/peers/bin/python tests/peers/make_reference.py --seed 1 --out /tmp/one ctc torch-lstm

A NAME is a case or a family (what stands before the first hyphen). docs/parity.md has the rest.
"""

import argparse
import os
import pathlib
import sys
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")  # one order of sums, so that two runs give the same bytes
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is fetched

HERE = pathlib.Path(__file__).resolve().parent
COMMITTED = HERE.parent / "reference"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="cases or families; none means all")
    parser.add_argument("--seed", type=int, default=0, help="0 is what the repository carries (default)")
    parser.add_argument("--out", type=pathlib.Path, help="folder for the cases; for seed 0 tests/reference")
    parser.add_argument("--speech", metavar="DIR", help="shared data with samples/ and an4/ "
                        "(default $STAPES_SHARED/data, else ../shared/data)")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    arguments = parser.parse_args()
    if arguments.seed < 0:
        parser.error(f"--seed {arguments.seed}: seeds are 0 or greater")
    if arguments.out is None and arguments.seed != 0 and not arguments.list:
        parser.error(f"--seed {arguments.seed} needs --out DIR: tests/reference holds seed 0")

    try:
        import torch
        from reference import (  # noqa: F401 (they register)
            cases, cepstra, ctc, deltas, features, layers, recurrent, spectra, speech)
    except ModuleNotFoundError as error:
        print(f"make_reference: {error}: run tests/peers/setup, then use build/peers/bin/python", file=sys.stderr)
        return 2
    torch.set_num_threads(1)
    # Meant so: a recording shorter than a window, and torch's plain code where oneDNN has none.
    warnings.filterwarnings("ignore", message="n_fft=.* is too large for input signal")
    warnings.filterwarnings("ignore", message="LSTM with projections is not supported with oneDNN")
    try:
        names = cases.select(arguments.names)
    except LookupError as error:
        print(f"make_reference: {error.args[0]}", file=sys.stderr)
        return 2
    if arguments.list:
        print("\n".join(names))
        return 0

    print(f"make_reference: {speech.use(arguments.speech)}", file=sys.stderr)
    out = arguments.out or COMMITTED
    total = 0
    for name in names:
        made = cases.make(name, arguments.seed)
        size = cases.write(made, name, arguments.seed, out)
        total += size
        print(f"{name}: {made.what} [{size / 1024:.0f} KiB, within {made.tolerance.absolute:g}"
              f"{f' + {made.tolerance.relative:g} of it' if made.tolerance.relative else ''}]")
    print(f"make_reference: {len(names)} cases, {total / 1e6:.1f} MB, in {out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
