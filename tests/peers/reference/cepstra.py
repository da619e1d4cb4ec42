"""features-mfcc-*: cepstral coefficients of several programs on speech.

Tensors and parameters are those of features.py, with, besides:

ceps        coefficients, of an orthonormal cosine transform of type 2
lifter      0: none; else coefficient i times 1 + lifter / 2 sin(pi i / lifter), i from 0 (kaldi) or 1
energy      true: coefficient 0 is log(max(energy of the window, energy_floor, 2^-23)), its mean taken away if
            remove_dc, before pre-emphasis and window
top_db      log db: no value further below the greatest of all; 0: none
"""

import kaldi_native_fbank
import librosa
import numpy as np
import torch
import torchaudio
from torchaudio.compliance import kaldi

from reference import precision, speech
from reference.cases import Case, Draw, case
from reference.features import describe, draw_samples, kaldi_parameters, spectrum_parameters

WHY = "a coefficient adds up all filters, whose noise the lifter multiplies; a wrong lifter or order costs 1e-1"


def finish(samples, single, double, what, source, parameters, peer, versions) -> Case:
    parameters = {"top_db": 0.0, "lifter": 0.0, "energy": False, "energy_floor": 0.0, **parameters}
    return Case(kind="mfcc", what=f"{what}; {source}", parameters=parameters,
                tensors={"input.samples": samples, "output.y": double.astype(np.float32)},
                tolerance=precision.from_noise(peer, [(single, double)], times=2, steps=64, why=WHY),
                versions={**versions, "numpy": np.__version__})


@case("features-mfcc-kaldi", which=0, rate=16000, samples=12000)
@case("features-mfcc-kaldi-energy", which=1, rate=16000, samples=9000, energy=True, energy_floor=0.0)
@case("features-mfcc-kaldi-energy-floor", which=3, rate=8000, samples=6000, energy=True, energy_floor=1.0, ceps=20)
@case("features-mfcc-kaldi-no-lifter", which=2, rate=16000, samples=6000, lifter=0.0, mels=40, ceps=40)
@case("features-mfcc-kaldi-one-window", which=0, rate=16000, exactly=400)
@case("features-mfcc-kaldi-silence", which=None, rate=16000, exactly=1600, energy=True, energy_floor=0.0)
def kaldi_mfcc(draw: Draw, which, rate, samples=0, exactly=0, mels=23, ceps=13, lifter=22.0, energy=False,
               energy_floor=1.0) -> Case:
    window, hop = int(rate * 0.025), int(rate * 0.010)
    count = exactly or draw_samples(draw, samples, window, rate)
    if which is None:
        sound, source = np.zeros(count, np.float32), "digital silence"
    else:
        sound, source = speech.excerpt(draw, which, rate, count)
    lifter = draw.choice(lifter, [lifter, 17.5]) if lifter and not exactly else lifter
    settings = {"sample_frequency": float(rate), "num_mel_bins": mels, "num_ceps": ceps, "cepstral_lifter": lifter,
                "use_energy": energy, "energy_floor": energy_floor, "dither": 0.0}
    answers = []
    for dtype in (torch.float32, torch.float64):
        with precision.torch_default(dtype):
            answers.append(kaldi.mfcc(torch.from_numpy(sound).to(dtype)[None], **settings).numpy())
    return finish(sound, *answers, what=f"torchaudio.compliance.kaldi.mfcc {describe(settings)}", source=source,
                  peer="torchaudio", versions={"torchaudio": torchaudio.__version__, "torch": torch.__version__},
                  parameters={**kaldi_parameters(rate, window, hop, mels, 20.0, 0.0, "povey"), "ceps": ceps,
                              "lifter": lifter, "energy": energy, "energy_floor": energy_floor})


@case("features-mfcc-kaldi-native", samples=6000)
def kaldi_native(draw: Draw, samples) -> Case:
    """Kaldi's own code."""
    sound, source = speech.excerpt(draw, 4, 16000, draw_samples(draw, samples, 400, 16000))
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.dither = 0.0
    program = kaldi_native_fbank.OnlineMfcc(options)
    program.accept_waveform(16000.0, sound.tolist())
    program.input_finished()
    single = np.array([program.get_frame(index) for index in range(program.num_frames_ready)], np.float32)
    with precision.torch_default(torch.float64):
        double = kaldi.mfcc(torch.from_numpy(sound.astype(np.float64))[None], dither=0.0, use_energy=True,
                            energy_floor=0.0).numpy()
    return finish(sound, single, double, what=f"kaldi-native-fbank's OnlineMfcc as it comes, {len(single)} frames",
                  source=source, peer="kaldi-native-fbank (float64: torchaudio's mfcc)",
                  versions={"kaldi-native-fbank": kaldi_native_fbank.__version__,
                            "torchaudio": torchaudio.__version__},
                  parameters={**kaldi_parameters(16000, 400, 160, 23, 20.0, 0.0, "povey"), "ceps": 13,
                              "lifter": 22.0, "energy": True})


@case("features-mfcc-librosa", which=0, rate=22050, samples=12000, sizes=(2048, 512, 2048), mels=128, ceps=20)
@case("features-mfcc-librosa-lifter", which=1, rate=16000, samples=9000, sizes=(400, 160, 512), mels=40, ceps=13,
      lifter=22.0)
@case("features-mfcc-librosa-quiet", which=2, rate=16000, samples=8000, sizes=(512, 128, 512), mels=64, ceps=30,
      fade=True)
def librosa_mfcc(draw: Draw, which, rate, samples, sizes, mels, ceps, lifter=0.0, fade=False) -> Case:
    window, hop, fft = sizes
    sound, source = speech.excerpt(draw, which, rate, draw_samples(draw, samples, fft, rate))
    if fade:  # down to digital silence, so that top_db has something to hold
        sound = (sound * np.linspace(1.0, 0.0, len(sound)) ** 8).astype(np.float32)
    settings = {"sr": rate, "n_fft": fft, "win_length": window, "hop_length": hop, "n_mels": mels, "n_mfcc": ceps,
                "lifter": lifter}
    answers = []
    for dtype in (np.float32, np.float64):
        answers.append(librosa.feature.mfcc(y=sound.astype(dtype), dtype=dtype, **settings).T)
    return finish(sound, *answers, what=f"librosa.feature.mfcc {describe(settings)}", source=source, peer="librosa",
                  versions={"librosa": librosa.__version__},
                  parameters={**spectrum_parameters("librosa", rate, window, hop, fft, mels, 0.0, rate / 2,
                                                    scale="slaney", norm="slaney", log="db", floor=1e-10,
                                                    pad="zeros"), "ceps": ceps, "lifter": lifter, "top_db": 80.0})


@case("features-mfcc-torchaudio", which=3, rate=16000, samples=9000, ceps=40, mels=64)
def torchaudio_mfcc(draw: Draw, which, rate, samples, ceps, mels) -> Case:
    sound, source = speech.excerpt(draw, which, rate, draw_samples(draw, samples, 400, rate))
    settings = {"sample_rate": rate, "n_mfcc": ceps, "melkwargs": {"n_mels": mels, "n_fft": 400, "hop_length": 160}}
    answers = []
    for dtype in (torch.float32, torch.float64):
        with precision.torch_default(dtype):
            answers.append(torchaudio.transforms.MFCC(**settings)(torch.from_numpy(sound).to(dtype)).T.numpy())
    return finish(sound, *answers, what=f"torchaudio.transforms.MFCC {describe(settings)}", source=source,
                  peer="torchaudio", versions={"torchaudio": torchaudio.__version__, "torch": torch.__version__},
                  parameters={**spectrum_parameters("torchaudio", rate, 400, 160, 400, mels, 0.0, rate / 2, log="db",
                                                    floor=1e-10), "ceps": ceps, "top_db": 80.0})
