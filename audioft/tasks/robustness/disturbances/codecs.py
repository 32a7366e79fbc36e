"""Real codecs by real encoders: those of libsndfile, and of ffmpeg where it is installed.

What a decoder gives is laid where it was: encoders begin with silence of their own. A clip enters below full scale and
leaves at its own level.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from scipy import fft
from torch import Tensor

from audioft.audio import recording
from audioft.augmentation import dsp
from audioft.errors import AudioError
from audioft.tasks.robustness.disturbances.base import Scene, disturbance

WIDEBAND, NARROWBAND = 16000, 8000  # Hz
HEADROOM = 0.89  # the peak that enters: -1 dB
MOST_DELAY = 0.15  # seconds by which a decoder may be late
MP3_KBITS = (8.0, 160.0)  # of MPEG-2 layer III, between which libsndfile's level of compression is linear
OPUS_KBITS = (6.0, 256.0)
MULAW_BITS, ADPCM_BITS = 8, 4

#: What only ffmpeg encodes: its names of the encoder, the container and the demuxer.
OF_FFMPEG = {"aac": ("aac", "adts", "aac"), "amr": ("libopencore_amrnb", "amr", "amr")}

Coder = Callable[[np.ndarray, int], np.ndarray]  # `(T,)` float32 and its rate to `(T',)` at the same rate


def coded(waveform: Tensor, scene: Scene, rate: int, coder: Coder) -> Tensor:
    """Through a codec that works at `rate` Hz."""
    peak = float(waveform.abs().max()) if len(waveform) else 0.0
    if peak <= dsp.SILENCE:
        return waveform
    gain = HEADROOM / peak
    there = waveform if rate == scene.rate else dsp.resampled(waveform, scene.rate / rate)
    given = (there * gain).clamp(-1, 1).numpy()
    back = torch.from_numpy(aligned(coder(given, rate), given, round(MOST_DELAY * rate))) / gain
    return back if rate == scene.rate else dsp.resampled(back, rate / scene.rate, length=len(waveform))


def aligned(decoded: np.ndarray, given: np.ndarray, most: int) -> np.ndarray:
    """`(T',)` decoded samples laid where they are most like the `(T,)` given, at most `most` later; `(T,)`."""
    size = fft.next_fast_len(len(given) + len(decoded) + most, real=True)
    alike = fft.irfft(fft.rfft(decoded, size) * fft.rfft(given, size).conj(), size)
    late = int(alike[: most + 1].argmax())
    out = np.zeros(len(given), np.float32)
    part = decoded[late : late + len(given)]
    out[: len(part)] = part
    return out


def sndfile(form: str, subtype: str, compression: float | None = None, constant: bool = False) -> Coder:
    """A codec of libsndfile, by its names."""

    def code(samples: np.ndarray, rate: int) -> np.ndarray:
        data = recording.encoded(samples, rate, form, subtype, compression, constant)
        return recording.decoded(data, "the disturbed clip")

    return code


@disturbance("mp3")
def mp3(waveform: Tensor, kbits: float, scene: Scene) -> Tensor:
    level = min(level_of(kbits, MP3_KBITS), 0.99)  # 1 is refused; from 0.98 on it is the lowest rate, too
    return coded(waveform, scene, WIDEBAND, sndfile("MP3", "MPEG_LAYER_III", level, True))


@disturbance("opus")
def opus(waveform: Tensor, kbits: float, scene: Scene) -> Tensor:
    return coded(waveform, scene, WIDEBAND, sndfile("OGG", "OPUS", level_of(kbits, OPUS_KBITS)))


@disturbance("vorbis")
def vorbis(waveform: Tensor, quality: float, scene: Scene) -> Tensor:
    return coded(waveform, scene, WIDEBAND, sndfile("OGG", "VORBIS", 1 - quality))


@disturbance("gsm")
def gsm(waveform: Tensor, times: float, scene: Scene) -> Tensor:
    for _ in range(round(times)):
        waveform = coded(waveform, scene, NARROWBAND, sndfile("WAV", "GSM610"))
    return waveform


@disturbance("mulaw")
def mulaw(waveform: Tensor, kbits: float, scene: Scene) -> Tensor:
    return coded(waveform, scene, round(1000 * kbits / MULAW_BITS), sndfile("WAV", "ULAW"))


@disturbance("adpcm")
def adpcm(waveform: Tensor, kbits: float, scene: Scene) -> Tensor:
    return coded(waveform, scene, round(1000 * kbits / ADPCM_BITS), sndfile("WAV", "IMA_ADPCM"))


@disturbance("aac")
def aac(waveform: Tensor, kbits: float, scene: Scene) -> Tensor:
    return coded(waveform, scene, WIDEBAND, ffmpeg(*OF_FFMPEG["aac"], kbits))


@disturbance("amr")
def amr(waveform: Tensor, kbits: float, scene: Scene) -> Tensor:
    return coded(waveform, scene, NARROWBAND, ffmpeg(*OF_FFMPEG["amr"], kbits))


def level_of(kbits: float, limits: tuple[float, float]) -> float:
    """libsndfile's level of compression, 0 to 1, for a bit rate.

    It refuses the level 1 for MP3; the next bit rate above is that of 0.99, too.

    >>> level_of(8, MP3_KBITS), level_of(160, MP3_KBITS)
    (0.99, 0.0)
    """
    least, most = limits
    return min((most - kbits) / (most - least), 0.99)


def ffmpeg(encoder: str, container: str, demuxer: str, kbits: float) -> Coder:
    """A codec of ffmpeg, by its names."""

    def code(samples: np.ndarray, rate: int) -> np.ndarray:
        raw = ["-f", "f32le", "-ar", str(rate), "-ac", "1"]
        data = _ran([*raw, "-i", "-", "-c:a", encoder, "-b:a", f"{kbits}k", "-f", container, "-"], samples.tobytes())
        return np.frombuffer(_ran(["-f", demuxer, "-i", "-", *raw, "-"], data), np.float32).copy()

    return code


def without(kind: str) -> str:
    """Why a kind cannot be made here, in words; empty where it can."""
    if kind not in OF_FFMPEG:
        return ""
    if not shutil.which("ffmpeg"):
        return "ffmpeg is not installed, which alone has its encoder"
    encoder = OF_FFMPEG[kind][0]
    listed = _encoders()
    return "" if encoder in listed else f"the ffmpeg on the path was built without its encoder, {encoder}"


@cache
def _encoders() -> frozenset[str]:
    """Names of the encoders that this machine's ffmpeg has."""
    done = subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, check=False)
    rows = (line.split() for line in done.stdout.decode(errors="replace").splitlines())
    return frozenset(row[1] for row in rows if len(row) > 1)


def _ran(arguments: list[str], given: bytes) -> bytes:
    command = ["ffmpeg", "-hide_banner", "-loglevel", "error", *arguments]
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise AudioError("the disturbed clip", "encode", f"ffmpeg: {said[-1]}")
    return done.stdout
