"""features-stft-*: short-time spectra of librosa and torch on speech.

Tensors and parameters are those of features.py without what belongs to filters, with, besides:

values      magnitude, power, or complex: real and imaginary part of each line in turn
log         of magnitudes db is 20 log10, of power 10 log10
top_db      log db: no value further below the greatest of all; 0: none
"""

import librosa
import numpy as np
import torch
import torchaudio

from reference import precision, speech
from reference.cases import Case, Draw, case
from reference.features import describe, draw_samples

WHY = "a line of the FFT has the noise of the loudest one; a wrong window or place costs 1e-1"


def finish(samples, single, double, what, source, parameters, peer, versions) -> Case:
    parameters = {"preemphasis": 0.0, "remove_dc": False, "log": "none", "floor": 0.0, "offset": 0.0, "top_db": 0.0,
                  "normalise": "none", "pad_to": 0, **parameters}
    return Case(kind="stft", what=f"{what}; {source}", parameters=parameters,
                tensors={"input.samples": samples, "output.y": double.astype(np.float32)},
                tolerance=precision.from_noise(peer, [(single, double)], times=4, steps=16, why=WHY),
                versions={**versions, "numpy": np.__version__})


def values_of(spectrum: np.ndarray, values: str) -> np.ndarray:
    """(frames, numbers) of a complex spectrum (frames, lines)."""
    if values == "complex":
        return np.stack([spectrum.real, spectrum.imag], axis=2).reshape(len(spectrum), -1)
    return np.abs(spectrum) ** (2 if values == "power" else 1)


@case("features-stft-librosa", which=0, rate=22050, samples=6000, sizes=(1024, 512, 1024), values="magnitude")
@case("features-stft-librosa-complex", which=1, rate=16000, samples=3000, sizes=(400, 200, 400), values="complex")
@case("features-stft-librosa-odd", which=3, rate=16000, samples=3000, sizes=(301, 150, 375), values="power")
@case("features-stft-librosa-hamming", which=2, rate=8000, samples=3000, sizes=(256, 128, 256), values="complex",
      center=False, shape="hamming", pad="none")
@case("features-stft-librosa-reflect", which=2, rate=16000, samples=2500, sizes=(320, 200, 441), values="magnitude",
      pad="reflect")
@case("features-stft-librosa-db", which=4, rate=16000, samples=4000, sizes=(512, 256, 512), values="magnitude",
      log="db", top_db=60.0)
@case("features-stft-librosa-one-sample", which=0, rate=16000, exactly=1, sizes=(256, 64, 256), values="magnitude")
def librosa_stft(draw: Draw, which, rate, sizes, values, samples=0, exactly=0, center=True, shape="hann",
                 pad="zeros", log="none", top_db=0.0) -> Case:
    window, hop, fft = sizes
    sound, source = speech.excerpt(draw, which, rate, exactly or draw_samples(draw, samples, fft, rate))
    settings = {"n_fft": fft, "win_length": window, "hop_length": hop, "window": shape, "center": center,
                "pad_mode": {"zeros": "constant"}.get(pad, "reflect")}
    answers = []
    for dtype, kind in ((np.float32, np.complex64), (np.float64, np.complex128)):
        spectrum = values_of(librosa.stft(sound.astype(dtype), dtype=kind, **settings).T, values)
        if log == "db":
            spectrum = librosa.amplitude_to_db(spectrum, top_db=top_db)
        answers.append(spectrum)
    behind = f", then amplitude_to_db(top_db={top_db:g})" if log == "db" else ""
    return finish(sound, *answers, what=f"librosa.stft {describe(settings)}, {values}{behind}", source=source,
                  peer="librosa", versions={"librosa": librosa.__version__},
                  parameters={"style": "librosa", "rate": rate, "window": window, "hop": hop, "fft": fft,
                              "window_shape": f"{shape}_periodic", "pad": pad, "values": values, "log": log,
                              "floor": 1e-5 if log == "db" else 0.0, "top_db": top_db})


@case("features-stft-torch-complex", which=3, rate=16000, samples=3000, sizes=(400, 160, 512), values="complex")
@case("features-stft-torch-power", which=0, rate=16000, samples=3000, sizes=(400, 200, 400), values="power")
def torch_stft(draw: Draw, which, rate, samples, sizes, values) -> Case:
    window, hop, fft = sizes
    sound, source = speech.excerpt(draw, which, rate, draw_samples(draw, samples, fft, rate))
    answers = []
    for dtype in (torch.float32, torch.float64):
        spectrum = torch.stft(torch.from_numpy(sound).to(dtype), fft, hop, window, return_complex=True,
                              window=torch.hann_window(window, dtype=dtype))
        answers.append(values_of(spectrum.T.numpy(), values))
    return finish(sound, *answers, what=f"torch.stft n_fft={fft}, hop={hop}, hann_window({window}), {values}",
                  source=source, peer="torch", versions={"torch": torch.__version__},
                  parameters={"style": "torchaudio", "rate": rate, "window": window, "hop": hop, "fft": fft,
                              "window_shape": "hann_periodic", "pad": "reflect", "values": values})


@case("features-stft-torchaudio-db", which=1, rate=16000, samples=4000)
def torchaudio_db(draw: Draw, which, rate, samples) -> Case:
    sound, source = speech.excerpt(draw, which, rate, draw_samples(draw, samples, 400, rate))
    answers = []
    for dtype in (torch.float32, torch.float64):
        with precision.torch_default(dtype):
            power = torchaudio.transforms.Spectrogram(n_fft=400, hop_length=200)(torch.from_numpy(sound).to(dtype))
            answers.append(torchaudio.transforms.AmplitudeToDB("power", top_db=70.0)(power).T.numpy())
    return finish(sound, *answers, what="torchaudio.transforms.Spectrogram n_fft=400, then AmplitudeToDB(top_db=70)",
                  source=source, peer="torchaudio",
                  versions={"torchaudio": torchaudio.__version__, "torch": torch.__version__},
                  parameters={"style": "torchaudio", "rate": rate, "window": 400, "hop": 200, "fft": 400,
                              "window_shape": "hann_periodic", "pad": "reflect", "values": "power", "log": "db",
                              "floor": 1e-10, "top_db": 70.0})
