"""A second and a half of sound in every format, and whether all of it is heard."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import soundfile

from audioft.audio import io, media, mpeg_frames
from torture.outcome import Outcome

RATE = 16000
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "adpcm.wav": ("WAV", "MS_ADPCM"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", None),
    "aiff": ("AIFF", "PCM_16"),
}
#: What needs the other decoder, as ffmpeg is told to write it.
MEDIA = {"m4a": (), "mp4": ("-movflags", "faststart"), "webm": ("-c:a", "libopus"), "mkv": ("-c:a", "libvorbis")}
MEDIA |= {"wma": (), "aac": (), "3gp": ("-c:a", "aac"), "flv": ("-c:a", "aac", "-ar", "44100"), "avi": ()}


def originals(place: Path) -> dict[str, bytes]:
    """A second and a half of sound in every format, as bytes."""
    place.mkdir(parents=True, exist_ok=True)
    t = np.arange(RATE * 3 // 2) / RATE
    noise = np.random.default_rng(0).normal(0, 0.05, len(t))
    sound = (0.3 * np.sin(2 * np.pi * 440 * t) + noise).astype(np.float32)
    found = {}
    for name, (form, subtype) in FORMATS.items():
        path = place / f"original.{name}"
        soundfile.write(path, sound, RATE, format=form, subtype=subtype)
        found[name] = path.read_bytes()
    found["stream.mp3"] = found["mp3"][mpeg_frames.head_of(found["mp3"]).size :]  # without its length
    found["inside.wav"] = _inside_wav(found["stream.mp3"])
    found["chain.ogg"] = 2 * found["ogg"]
    return found | _media(place, place / "original.wav")


def _inside_wav(stream: bytes) -> bytes:
    """An MP3 stream as a WAV file."""
    form = struct.pack("<HHIIHHHHIHHH", 0x55, 1, RATE, 4000, 1, 0, 12, 1, 2, 576, 1, 0)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(stream)) + stream
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _media(place: Path, source: Path) -> dict[str, bytes]:
    """The sound of a file in the formats of phones and films; none where nothing writes or reads them."""
    found = {}
    for suffix, how in MEDIA.items() if shutil.which("ffmpeg") and media.decoder() else ():
        path = place / f"original.{suffix}"
        command = ["ffmpeg", "-y", "-v", "error", "-i", str(source), *how, str(path)]
        if subprocess.run(command, check=False, capture_output=True).returncode == 0:
            found[suffix] = path.read_bytes()
    return found


def compared(place: Path) -> Outcome:
    """Row 6, too: no format is ended early; ffmpeg finds the same sound of the same length."""
    found = Outcome()
    if not shutil.which("ffmpeg"):
        found.told = "ffmpeg is not there to compare with"
        return found
    for name, data in originals(place).items():
        path = place / f"whole.{name}"
        path.write_bytes(data)
        rate = io.probe(path).rate
        command = ["ffmpeg", "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(rate), "-f", "f32le", "-"]
        other = np.frombuffer(subprocess.run(command, check=False, capture_output=True).stdout, "<f4")
        own = io.read(path, rate=None)
        # the ends: what an encoder adds there, one leaves out and the other does not
        found.count(abs(len(own) - len(other)) < 0.1 * rate, f"{name}: {len(own)} samples, ffmpeg {len(other)}")
        lags = range(-1200, 1200) if len(own) > rate else ()
        middle = other[rate // 4 : 3 * rate // 4]
        alike = max((_alike(middle, own, rate // 4 + lag) for lag in lags), default=0.0)
        found.count(alike > 0.99, f"{name}: correlates with ffmpeg's by {alike:.3f}")
    found.told = f"{found.tried // 2} formats, lengths and samples as ffmpeg's"
    return found


def _alike(part: np.ndarray, whole: np.ndarray, at: int) -> float:
    other = whole[at : at + len(part)]
    return float(np.corrcoef(part, other)[0, 1]) if len(other) == len(part) else 0.0
