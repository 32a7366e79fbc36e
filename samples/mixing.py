"""What every sample goes through: addressed randomness, noise, levels, a microphone, and a file on disk."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import soundfile
import soxr
from scipy.signal import butter, sosfilt

RATE = 16000  # Hz, of everything that is synthesised; only `write` knows other rates
SEED = "audioft samples 1"


def rng(*address: object) -> np.random.Generator:
    """A generator that depends on the address alone, so adding one sample never changes another.

    >>> bool(rng("dog", 3).integers(1000) == rng("dog", 3).integers(1000))
    True
    """
    return np.random.default_rng(list("/".join(map(str, (SEED, *address))).encode()))


def frames(seconds: float) -> int:
    """`seconds` as a whole number of samples at `RATE`."""
    return round(seconds * RATE)


def band(sound: np.ndarray, low: float | None, high: float | None, order: int = 2) -> np.ndarray:
    """`sound` `(T,)` between `low` and `high` Hz; None leaves that side open."""
    edges = [f for f in (low, high) if f is not None]
    kind = "bandpass" if len(edges) == 2 else "highpass" if low is not None else "lowpass"
    return sosfilt(butter(order, edges if len(edges) == 2 else edges[0], kind, fs=RATE, output="sos"), sound)


def noise(count: int, slope: float, g: np.random.Generator) -> np.ndarray:
    """Noise `(count,)` of unit RMS, power falling as frequency to the minus `slope` (0 white, 2 brown)."""
    spectrum = np.fft.rfft(g.standard_normal(count))
    f = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 40.0)  # below 40 Hz brown noise would eat all the level
    return to_rms(np.fft.irfft(spectrum * f ** (-slope / 2), count), 0.0)


def to_rms(sound: np.ndarray, level: float) -> np.ndarray:
    """`sound` scaled to an RMS of `level` dB relative to full scale."""
    return sound * (10 ** (level / 20) / max(float(np.sqrt(np.mean(sound**2))), 1e-9))


def fade(sound: np.ndarray, seconds_in: float, seconds_out: float) -> np.ndarray:
    """`sound` with raised-cosine ends."""
    sound = sound.copy()
    for edge, view in ((seconds_in, sound), (seconds_out, sound[::-1])):
        n = min(frames(edge), len(sound))
        view[:n] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(n, 1))
    return sound


def place(sound: np.ndarray, start: int, total: int) -> np.ndarray:
    """`sound` at sample `start` of `total` samples of silence; what stands over is cut off."""
    out = np.zeros(total)
    piece = sound[: max(total - start, 0)]
    out[start : start + len(piece)] = piece
    return out


def microphone(sound: np.ndarray, g: np.random.Generator, snr: tuple[float, float]) -> np.ndarray:
    """`sound` as some microphone in some room would give it, at a level that says nothing about its class.

    A drawn spectral tilt of up to 3 dB at either end, coloured noise at a signal-to-noise ratio drawn from
    `snr` (dB), and an RMS drawn from -36 to -22 dB. Without these, loudness or the digital silence between
    two sounds would give a class away.
    """
    low = band(sound, None, 1000.0, order=1)
    up, down = 10 ** (g.uniform(-3, 3, 2) / 20)
    sound = to_rms(up * (sound - low) + down * low, 0.0)
    sound = sound + to_rms(noise(len(sound), g.uniform(0.3, 1.8), g), -g.uniform(*snr))
    return limited(to_rms(sound, g.uniform(-36, -22)))


def limited(sound: np.ndarray) -> np.ndarray:
    """`sound` turned down until its peak fits."""
    return sound * min(1.0, 0.95 / float(np.abs(sound).max()))


def write(
    path: Path,
    sound: np.ndarray,
    rate: int = RATE,
    channels: int = 1,
    codec: str = "VORBIS",
    quality: float = 0.0,
) -> None:
    """Write mono `sound` `(T,)` at `RATE` as the file that the suffix of `path` names.

    Args:
        path: ends in .ogg, .flac, .wav (16 bit) or .mp3; its folder is made.
        sound: samples, -1 to 1.
        rate: Hz of the file.
        channels: 2 pans the sound a little to the left.
        codec: inside an .ogg, VORBIS or OPUS (about 22 kbit/s, and no 3 kB of header).
        quality: of Vorbis, 0 (smallest) to 1.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if rate != RATE:
        sound = soxr.resample(sound, RATE, rate)
    if channels == 2:
        late = np.concatenate([np.zeros(8), sound[:-8]])
        sound = np.stack([sound, 0.7 * late], axis=1)
    form, kind, level = {
        ".ogg": ("OGG", codec, 1.0 - quality if codec == "VORBIS" else 0.94),
        ".flac": ("FLAC", "PCM_16", 0.8),
        ".wav": ("WAV", "PCM_16", None),
        ".mp3": ("MP3", "MPEG_LAYER_III", 0.8),
    }[path.suffix]
    with soundfile.SoundFile(path, "w", rate, channels, kind, format=form, compression_level=level) as file:
        for i in range(0, len(sound), rate):  # libsndfile's Vorbis writer has crashed on long single writes
            file.write(sound[i : i + rate])
    if path.suffix == ".ogg":
        path.write_bytes(same_serial(path.read_bytes()))


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        r = byte << 24
        for _ in range(8):
            r = ((r << 1) ^ (0x04C11DB7 if r & 0x80000000 else 0)) & 0xFFFFFFFF
        table.append(r)
    return table


_CRC = _crc_table()


def same_serial(ogg: bytes, serial: int = 1) -> bytes:
    """The Ogg file with stream number `serial` in every page, and the checksums that go with it (RFC 3533).

    libsndfile draws the number from the clock, so the same sound would be other bytes at every run.
    """
    data, at = bytearray(ogg), 0
    while at < len(data):
        segments = data[at + 26]
        end = at + 27 + segments + sum(data[at + 27 : at + 27 + segments])
        data[at + 14 : at + 18] = serial.to_bytes(4, "little")
        data[at + 22 : at + 26] = bytes(4)
        crc = 0
        for byte in data[at:end]:
            crc = ((crc << 8) & 0xFFFFFFFF) ^ _CRC[(crc >> 24) ^ byte]
        data[at + 22 : at + 26] = crc.to_bytes(4, "little")
        at = end
    return bytes(data)


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV table in UTF-8 with Unix line ends, the same on every system."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(header)
        out.writerows(rows)
