"""features-deltas-*: derivatives of rows over time, as librosa and Kaldi (torchaudio) compute them.

Tensors: input.x (rows, columns), output.y (rows, columns x (1 + order)): the row, its first and its second
derivative side by side. Parameters: style (kaldi, librosa), width (rows), order (1, 2).

Kaldi's add-deltas takes the second derivative from input that is continued by its first and last row; that is
torchaudio's compute_deltas twice over input so continued, cut back afterwards. librosa refuses fewer rows than
a width with mode interp; nearest is what stapes does there.
"""

import librosa
import numpy as np
import torch
import torchaudio

from reference import precision
from reference.cases import Case, Draw, case

WHY = "a sum of a few products; a wrong weight or end costs 1e-1"


def finish(x, single, double, what, style, width, order, peer, versions) -> Case:
    return Case(kind="deltas", what=what, parameters={"style": style, "width": width, "order": order},
                tensors={"input.x": x, "output.y": double.astype(np.float32)},
                tolerance=precision.from_noise(peer, [(single, double)], times=4, steps=16, why=WHY),
                versions={**versions, "numpy": np.__version__})


@case("features-deltas-librosa", rows=40, columns=13, width=9)
@case("features-deltas-librosa-wide", rows=60, columns=5, width=21)
@case("features-deltas-librosa-just-a-width", rows=9, columns=7, width=9, fixed=True)
@case("features-deltas-librosa-short", rows=6, columns=7, width=9, mode="nearest", fixed=True)
@case("features-deltas-librosa-one-row", rows=1, columns=4, width=9, mode="nearest", fixed=True)
def librosa_deltas(draw: Draw, rows, columns, width, mode="interp", fixed=False) -> Case:
    rows = rows if fixed else draw.size(rows, width, 80)
    x = draw.normal(rows, columns, scale=5.0).astype(np.float32)
    answers = []
    for dtype in (np.float32, np.float64):
        parts = [x.astype(dtype)]
        parts += [librosa.feature.delta(x.astype(dtype), width=width, order=order, axis=0, mode=mode)
                  for order in (1, 2)]
        answers.append(np.concatenate(parts, axis=1))
    return finish(x, *answers, what=f"librosa.feature.delta, width={width}, order 1 and 2, mode={mode}, {rows} rows",
                  style="librosa", width=width, order=2, peer="librosa", versions={"librosa": librosa.__version__})


@case("features-deltas-kaldi", rows=40, columns=13, width=5, order=2)
@case("features-deltas-kaldi-wide", rows=30, columns=6, width=9, order=2)
@case("features-deltas-kaldi-first", rows=25, columns=20, width=5, order=1)
@case("features-deltas-kaldi-short", rows=3, columns=8, width=5, order=2, fixed=True)
@case("features-deltas-kaldi-one-row", rows=1, columns=8, width=5, order=2, fixed=True)
def kaldi_deltas(draw: Draw, rows, columns, width, order, fixed=False) -> Case:
    rows = rows if fixed else draw.size(rows, 1, 80)
    x = draw.normal(rows, columns, scale=5.0).astype(np.float32)
    more = width  # rows on either side, more than both derivatives reach
    answers = []
    for dtype in (torch.float32, torch.float64):
        part = torch.nn.functional.pad(torch.from_numpy(x).to(dtype).T[None], (more, more), mode="replicate")[0]
        parts = [part]
        for _ in range(order):
            part = torchaudio.functional.compute_deltas(part, win_length=width)
            parts.append(part)
        answers.append(torch.cat(parts)[:, more:more + rows].T.numpy())
    return finish(x, *answers, what=f"torchaudio.functional.compute_deltas, win_length={width}, {order} times over "
                  f"{rows} rows continued at both ends",
                  style="kaldi", width=width, order=order, peer="torchaudio",
                  versions={"torchaudio": torchaudio.__version__, "torch": torch.__version__})
