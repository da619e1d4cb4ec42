"""features-*: log-mel features of several programs on speech.

Tensors: input.samples (N), output.y (frames, mels), row-major whatever the peer's own order is.
`parameters` has the same names for every peer:

style       kaldi, torchaudio, librosa or whisper: how that program does what the rest leaves open
rate        Hz; low and high, the mel filters' outer edges, are Hz too
window, hop, fft   samples; a window shorter than the fft stands in its middle, for kaldi at its start
window_shape       povey, hamming, blackman, hann (all symmetric), hann_periodic, rectangular
scale       htk (2595 log10(1 + f/700)) or slaney (linear below 1 kHz)
norm        none (triangles of height 1) or slaney (of equal area)
triangles   mel or hz: in which of the two the sides are straight
power       2 or 1: sums of power or of magnitude
log         none, natural, log10 or db (10 log10); of max(x, floor), or of x + offset where there is one
pad         none: frame t begins at sample t*hop, and only whole frames count; reflect, zeros: it is
            centred on that sample, and the ends are padded by half an fft; mirror: Kaldi without
            snip_edges, it is centred on t*hop + hop/2, and the last sample is repeated first
preemphasis, remove_dc   as Kaldi does them, frame by frame, before the window
normalise   none; utterance: each bin less its mean, by its deviation; running: the same over the frame
            and `span` before it, for the first frames over the first `warmup`; whisper: at least the
            segment's greatest value less 8, then (x + 4) / 4, and the last frame is dropped
pad_to      samples: zeros are appended up to this length first (whisper)
"""

import kaldi_native_fbank
import librosa
import numpy as np
import torch
import torchaudio
import transformers
from torchaudio.compliance import kaldi

from reference import precision, speech
from reference.cases import Case, Draw, case

WHY = "a bin near the floor or with a single FFT line doubles the noise; a wrong scale costs 1e-1"
FLOAT_EPSILON = float(np.finfo(np.float32).eps)


def finish(samples, single, double, what, source, parameters, peer, versions) -> Case:
    """Makes the case from the peer's two runs, (frames, mels) each."""
    if parameters["log"] == "none":
        tolerance = precision.from_relative_noise(peer, single, double, times=4, steps=64,
                                                  small=1e-6 * precision.largest(double), why=WHY)
    else:
        tolerance = precision.from_noise(peer, [(single, double)], times=2, steps=64, why=WHY)
    return Case(kind="features", what=f"{what}; {source}", parameters=parameters,
                tensors={"input.samples": samples, "output.y": double.astype(np.float32)},
                tolerance=tolerance, versions={**versions, "numpy": np.__version__})


def logarithm(values: np.ndarray, log: str, floor: float) -> np.ndarray:
    """Of max(values, floor), in the values' own precision."""
    if log == "db":
        return librosa.power_to_db(values, amin=floor, top_db=None)
    function = {"none": lambda x: x, "natural": np.log, "log10": np.log10}[log]
    return function(np.maximum(values, values.dtype.type(floor)))


def draw_samples(draw: Draw, committed: int, window: int, rate: int) -> int:
    """The length: for other seeds anything between one window and 1.5 s."""
    return draw.size(committed, window, rate * 3 // 2)


# Kaldi, as torchaudio does it.

@case("features-kaldi-16k-80", which=0, rate=16000, samples=16000, mels=80, low=20.0, high=-400.0)
@case("features-kaldi-8k-23", which=1, rate=8000, samples=8000, mels=23, low=20.0, high=0.0)
@case("features-kaldi-22050-40-hamming", which=2, rate=22050, samples=15000, mels=40, low=64.0, high=0.0,
      shape="hamming")
@case("features-kaldi-44100-80-hanning", which=4, rate=44100, samples=22000, mels=80, low=0.0, high=16000.0,
      shape="hanning")
@case("features-kaldi-magnitude", which=3, rate=16000, samples=8000, mels=40, low=20.0, high=0.0, power=1)
@case("features-kaldi-no-log", which=0, rate=16000, samples=8000, mels=40, low=20.0, high=0.0, log="none")
@case("features-kaldi-16-bit-scale", which=1, rate=16000, samples=12000, mels=80, low=20.0, high=0.0,
      loudness=32768.0)
@case("features-kaldi-mirror", which=4, rate=16000, samples=7000, mels=40, low=20.0, high=0.0, snip_edges=False)
@case("features-kaldi-blackman", which=1, rate=8000, samples=5000, mels=23, low=20.0, high=0.0, shape="blackman")
@case("features-kaldi-plain", which=2, rate=16000, samples=8000, mels=40, low=0.0, high=0.0, shape="rectangular",
      preemphasis=0.0, remove_dc=False)
@case("features-kaldi-one-window", which=0, rate=16000, exactly=400, mels=80, low=20.0, high=0.0)
@case("features-kaldi-one-window-and-a-sample", which=0, rate=16000, exactly=401, mels=80, low=20.0, high=0.0)
@case("features-kaldi-two-windows-less-a-sample", which=0, rate=16000, exactly=559, mels=80, low=20.0, high=0.0)
@case("features-kaldi-two-windows", which=0, rate=16000, exactly=560, mels=80, low=20.0, high=0.0)
@case("features-kaldi-silence", which=None, rate=16000, exactly=1600, mels=23, low=20.0, high=0.0)
def kaldi_fbank(draw: Draw, which, rate, mels, low, high, samples=0, exactly=0, shape="povey", power=2,
                log="natural", preemphasis=0.97, remove_dc=True, loudness=1.0, snip_edges=True) -> Case:
    window, hop = int(rate * 0.025), int(rate * 0.010)
    count = exactly or draw_samples(draw, samples, window, rate)
    if which is None:
        sound, source = np.zeros(count, np.float32), "digital silence"
    else:
        sound, source = speech.excerpt(draw, which, rate, count)
    sound = (sound * np.float32(loudness)).astype(np.float32)
    mels = draw.choice(mels, [23, 40, 80, 64]) if not exactly else mels
    settings = {
        "sample_frequency": float(rate), "num_mel_bins": mels, "low_freq": low, "high_freq": high,
        "window_type": shape, "use_power": power == 2, "use_log_fbank": log != "none",
        "preemphasis_coefficient": preemphasis, "remove_dc_offset": remove_dc, "dither": 0.0,
        "snip_edges": snip_edges}
    answers = []
    for dtype in (torch.float32, torch.float64):
        with precision.torch_default(dtype):
            answers.append(kaldi.fbank(torch.from_numpy(sound).to(dtype)[None], **settings).numpy())
    return finish(sound, *answers, what=f"torchaudio.compliance.kaldi.fbank {describe(settings)}", source=source,
                  peer="torchaudio", versions={"torchaudio": torchaudio.__version__, "torch": torch.__version__},
                  parameters=kaldi_parameters(rate, window, hop, mels, low, high, shape, power, log, preemphasis,
                                              remove_dc, "none" if snip_edges else "mirror"))


@case("features-kaldi-no-frame", samples=399)
@case("features-kaldi-no-sample", samples=0)
@case("features-kaldi-native", samples=6000)
def kaldi_native(draw: Draw, samples) -> Case:
    """Kaldi's own code; it also answers for less than a window, which torchaudio refuses."""
    sound, source = speech.excerpt(draw, 3, 16000, samples)
    options = kaldi_native_fbank.FbankOptions()
    options.frame_opts.dither = 0.0
    options.frame_opts.samp_freq = 16000.0
    options.mel_opts.num_bins = 40
    program = kaldi_native_fbank.OnlineFbank(options)
    program.accept_waveform(16000.0, sound.tolist())
    program.input_finished()
    rows = [program.get_frame(index) for index in range(program.num_frames_ready)]
    single = np.array(rows, np.float32).reshape(-1, 40)
    double = single.astype(np.float64)
    if rows:
        with precision.torch_default(torch.float64):
            double = kaldi.fbank(torch.from_numpy(sound.astype(np.float64))[None], sample_frequency=16000.0,
                                 num_mel_bins=40, dither=0.0).numpy()
    return finish(sound, single, double, what=f"kaldi-native-fbank, 40 bins, {len(rows)} frames", source=source,
                  peer="kaldi-native-fbank (float64: torchaudio's fbank)",
                  versions={"kaldi-native-fbank": kaldi_native_fbank.__version__,
                            "torchaudio": torchaudio.__version__},
                  parameters=kaldi_parameters(16000, 400, 160, 40, 20.0, 0.0, "povey"))


@case("features-normalised-utterance", which=0, how="utterance", samples=12000)
@case("features-normalised-running", which=3, how="running", samples=16000, span=40, warmup=15)
@case("features-normalised-running-short", which=1, how="running", samples=3000, span=40, warmup=30)
def normalised(draw: Draw, which, how, samples, span=0, warmup=0) -> Case:
    """Kaldi's features with each bin's mean taken away and divided by its deviation."""
    count = draw.size(samples, 1200, 24000)
    sound, source = speech.excerpt(draw, which, 16000, count)
    # On Kaldi's scale, and the last bit flickers: a bin that stays on the floor has no deviation to divide by.
    sound = np.float32(speech.STEP) * sound + draw.random.integers(-1, 2, count).astype(np.float32)
    # Not over a handful of frames: torchaudio subtracts squares of sums, and float32 may end below zero.
    span = draw.size(span, 16, 60)
    warmup = draw.size(warmup, 12, min(span, 50))
    answers = []
    for dtype in (torch.float32, torch.float64):
        with precision.torch_default(dtype):
            frames = kaldi.fbank(torch.from_numpy(sound).to(dtype)[None], num_mel_bins=40, dither=0.0)
            if how == "utterance":
                frames = frames.numpy()
                answers.append((frames - frames.mean(axis=0)) / frames.std(axis=0))
            else:
                answers.append(torchaudio.functional.sliding_window_cmn(
                    frames, cmn_window=span, min_cmn_window=warmup, center=False, norm_vars=True).numpy())
    behind = ("numpy's mean and std over the segment" if how == "utterance" else
              f"torchaudio.functional.sliding_window_cmn, cmn_window={span}, min_cmn_window={warmup}, norm_vars")
    return finish(sound, *answers, what=f"torchaudio.compliance.kaldi.fbank, 40 bins, then {behind}", source=source,
                  peer="torchaudio", versions={"torchaudio": torchaudio.__version__, "torch": torch.__version__},
                  parameters=kaldi_parameters(16000, 400, 160, 40, 20.0, 0.0, "povey", normalise=how, span=span,
                                              warmup=warmup))


def kaldi_parameters(rate, window, hop, mels, low, high, shape, power=2, log="natural", preemphasis=0.97,
                     remove_dc=True, pad="none", normalise="none", span=0, warmup=0) -> dict:
    return {
        "style": "kaldi", "rate": rate, "window": window, "hop": hop, "fft": 1 << (window - 1).bit_length(),
        "window_shape": {"hanning": "hann"}.get(shape, shape), "mels": mels, "low": low,
        "high": high if high > 0.0 else rate / 2 + high, "scale": "htk", "norm": "none", "triangles": "mel",
        "power": power, "log": log, "floor": FLOAT_EPSILON if log != "none" else 0.0, "offset": 0.0,
        "pad": pad, "preemphasis": preemphasis, "remove_dc": remove_dc, "normalise": normalise,
        "span": span, "warmup": warmup, "pad_to": 0}


def spectrum_parameters(style, rate, window, hop, fft, mels, low, high, **rest) -> dict:
    """What the peers without Kaldi's steps share."""
    return {
        "style": style, "rate": rate, "window": window, "hop": hop, "fft": fft, "window_shape": "hann_periodic",
        "mels": mels, "low": low, "high": high, "scale": "htk", "norm": "none", "triangles": "hz", "power": 2,
        "log": "natural", "floor": 0.0, "offset": 0.0, "pad": "reflect", "preemphasis": 0.0,
        "remove_dc": False, "normalise": "none", "span": 0, "warmup": 0, "pad_to": 0, **rest}


# torchaudio's MelSpectrogram, and the usual logarithm behind it.

@case("features-torchaudio-16k-80", which=1, rate=16000, samples=16000, sizes=(400, 160, 400), mels=80, offset=1e-6)
@case("features-torchaudio-slaney", which=0, rate=22050, samples=16000, sizes=(1024, 256, 1024), mels=80,
      scale="slaney", norm="slaney", offset=1e-5, power=1)
@case("features-torchaudio-short-window", which=2, rate=8000, samples=6000, sizes=(200, 80, 256), mels=40,
      offset=1e-10)
@case("features-torchaudio-not-centered", which=3, rate=16000, samples=9000, sizes=(512, 128, 512), mels=64,
      center=False, offset=1e-6)
@case("features-torchaudio-no-log", which=3, rate=16000, samples=8000, sizes=(400, 160, 512), mels=40, log="none")
def torchaudio_mel(draw: Draw, which, rate, samples, sizes, mels, scale="htk", norm="none", power=2, log="natural",
                   center=True, offset=0.0) -> Case:
    window, hop, fft = sizes
    sound, source = speech.excerpt(draw, which, rate, draw_samples(draw, samples, fft, rate))
    mels, hop = draw.choice(mels, [20, 40, 64]), draw.choice(hop, [hop, hop // 2, hop * 3 // 4])
    settings = {"sample_rate": rate, "n_fft": fft, "win_length": window, "hop_length": hop, "n_mels": mels,
                "power": float(power), "center": center, "mel_scale": scale, "norm": None if norm == "none" else norm}
    answers = []
    for dtype in (torch.float32, torch.float64):
        with precision.torch_default(dtype):
            mel = torchaudio.transforms.MelSpectrogram(**settings)(torch.from_numpy(sound).to(dtype)).T
            answers.append((mel if log == "none" else torch.log(mel + offset)).numpy())
    behind = "" if log == "none" else f", then log(x + {offset:g})"
    return finish(
        sound, *answers, what=f"torchaudio.transforms.MelSpectrogram {describe(settings)}{behind}", source=source,
        peer="torchaudio", versions={"torchaudio": torchaudio.__version__, "torch": torch.__version__},
        parameters=spectrum_parameters("torchaudio", rate, window, hop, fft, mels, 0.0, rate / 2, scale=scale,
                                       norm=norm, power=power, log=log, offset=offset,
                                       pad="reflect" if center else "none"))


# librosa.

@case("features-librosa-slaney", which=0, rate=22050, samples=16000, sizes=(1024, 256, 1024), mels=80, log="log10",
      floor=1e-10)
@case("features-librosa-htk", which=1, rate=16000, samples=12000, sizes=(400, 160, 512), mels=40, scale="htk",
      norm="none", log="natural", floor=1e-10)
@case("features-librosa-magnitude", which=4, rate=44100, samples=22000, sizes=(1102, 441, 2048), mels=80, power=1,
      log="log10", floor=1e-5)
@case("features-librosa-reflect", which=3, rate=16000, samples=8000, sizes=(400, 160, 400), mels=64, pad="reflect",
      log="natural", floor=1e-8)
@case("features-librosa-not-centered", which=2, rate=16000, samples=8000, sizes=(640, 320, 640), mels=40,
      center=False, low=50.0, high=7600.0, log="log10", floor=1e-10)
@case("features-librosa-no-log", which=2, rate=8000, samples=6000, sizes=(256, 80, 256), mels=32, scale="htk",
      log="none")
@case("features-librosa-db", which=0, rate=22050, samples=10000, sizes=(1024, 512, 1024), mels=40, log="db",
      floor=1e-10)
@case("features-librosa-shorter-than-window", which=1, rate=16000, samples=300, sizes=(400, 160, 400), mels=40,
      log="log10", floor=1e-10)
def librosa_mel(draw: Draw, which, rate, samples, sizes, mels, log, scale="slaney", norm="slaney", power=2,
                center=True, pad="zeros", low=0.0, high=0.0, floor=0.0) -> Case:
    window, hop, fft = sizes
    if samples > fft:
        samples = draw_samples(draw, samples, fft, rate)
    sound, source = speech.excerpt(draw, which, rate, samples)
    mels, hop = draw.choice(mels, [20, 40, 64]), draw.choice(hop, [hop, hop // 2, hop * 3 // 4])
    high = high or rate / 2
    settings = {
        "sr": rate, "n_fft": fft, "win_length": window, "hop_length": hop, "n_mels": mels, "fmin": low, "fmax": high,
        "power": float(power), "center": center, "pad_mode": {"zeros": "constant"}.get(pad, pad),
        "htk": scale == "htk", "norm": None if norm == "none" else norm}
    answers = []
    for dtype in (np.float32, np.float64):
        mel = librosa.feature.melspectrogram(y=sound.astype(dtype), dtype=dtype, **settings)
        answers.append(logarithm(mel.T, log, floor))
    name = {"natural": "log", "log10": "log10", "db": "power_to_db"}.get(log)
    behind = f", then {name}(max(x, {floor:g}))" if name else ""
    return finish(
        sound, *answers, what=f"librosa.feature.melspectrogram {describe(settings)}{behind}", source=source,
        peer="librosa", versions={"librosa": librosa.__version__},
        parameters=spectrum_parameters("librosa", rate, window, hop, fft, mels, low, high, scale=scale, norm=norm,
                                       power=power, log=log, floor=floor,
                                       pad=pad if center else "none"))


# Whisper.

@case("features-whisper-80", which=0, samples=24000, mels=80)
@case("features-whisper-128", which=1, samples=16000, mels=128)
@case("features-whisper-80-padded", which=4, samples=20000, mels=80, seconds=2)
@case("features-whisper-quiet", which=2, samples=12000, mels=80, level=0.003)
@case("features-whisper-short", which=3, exactly=401, mels=80)
@case("features-whisper-silence", which=None, exactly=4000, mels=80)
def whisper(draw: Draw, which, mels, samples=0, exactly=0, seconds=0, level=1.0) -> Case:
    """transformers' numpy code is the reference; OpenAI's formula in torch float32 gives the noise."""
    count = exactly or draw_samples(draw, samples, 402, 16000)
    if which is None:
        sound, source = np.zeros(count, np.float32), "digital silence"
    else:
        sound, source = speech.excerpt(draw, which, 16000, count)
        sound = speech.grid(level * sound)
    program = transformers.WhisperFeatureExtractor(feature_size=mels)
    padded = np.pad(sound, (0, max(0, 16000 * seconds - count)))
    double = program._np_extract_fbank_features(padded[None], device="cpu")[0].T.astype(np.float64)
    single = openai_formula(padded, program.mel_filters)
    what = f"transformers.WhisperFeatureExtractor({mels}), its numpy code"
    if seconds:
        what += f", padded to {seconds} s"
    return finish(
        sound, single, double, what=what, source=source, peer="OpenAI's formula in torch (float64: transformers)",
        versions={"transformers": transformers.__version__, "torch": torch.__version__},
        parameters=spectrum_parameters("whisper", 16000, 400, 160, 400, mels, 0.0, 8000.0, scale="slaney",
                                       norm="slaney", log="log10", floor=1e-10, normalise="whisper",
                                       pad_to=16000 * seconds))


def openai_formula(sound: np.ndarray, filters: np.ndarray) -> np.ndarray:
    """whisper.audio.log_mel_spectrogram in float32, for filters (201, mels)."""
    spectrum = torch.stft(torch.from_numpy(sound), 400, 160, window=torch.hann_window(400), return_complex=True)
    power = spectrum[..., :-1].abs() ** 2
    mel = torch.from_numpy(filters.T.astype(np.float32)) @ power
    log = torch.clamp(mel, min=1e-10).log10()
    log = torch.maximum(log, log.max() - 8.0)
    return ((log + 4.0) / 4.0).T.numpy()


def describe(settings: dict) -> str:
    return ", ".join(f"{name}={value}" for name, value in settings.items())
