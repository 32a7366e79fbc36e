"""Recordings that are broken, or larger than they look."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import struct
import subprocess
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile

from audioft.audio import media, mpeg_frames
from audioft.data.check import check
from audioft.data.clip import Clip
from audioft.errors import AudioError
from torture.children import peak_mb
from torture.originals import RATE, originals
from torture.outcome import Outcome

LIES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\x01\0\0\0", b"\0\0\0\x80")


def mutated(data: bytes, draw: random.Random) -> bytes:
    """The file with bytes changed, cut, repeated, or a number in its header that lies."""
    changed = bytearray(data)
    how = draw.randrange(5)
    if how == 0:  # a few bytes anywhere
        for _ in range(draw.choice((1, 3, 10, 100))):
            changed[draw.randrange(len(changed))] ^= draw.randrange(1, 256)
    elif how == 1:  # bytes of the header
        for _ in range(draw.randrange(1, 8)):
            changed[draw.randrange(min(200, len(changed)))] = draw.randrange(256)
    elif how == 2:
        del changed[draw.randrange(len(changed)) :]
    elif how == 3:  # a length, a rate or a number of channels
        at = draw.randrange(min(120, len(changed) - 4))
        changed[at : at + 4] = draw.choice(LIES)
    else:  # a part twice, or missing
        a, b = sorted(draw.randrange(len(changed)) for _ in range(2))
        changed[a:a] = changed[a:b] if draw.random() < 0.5 else b""
        del changed[b : b + draw.randrange(1, 400)]
    return bytes(changed)


def broken(place: Path, files: int, seed: int = 0) -> Outcome:
    """Row 6: no recording can kill or hang the program; each that fails is named with path, stage and reason.

    Args:
        place: a folder.
        files: how many mutated ones.
        seed: of the mutations.
    """
    found, draw = Outcome(), random.Random(seed)
    whole = list(originals(place / "whole").items())
    folder = place / "broken"
    folder.mkdir()
    clips = []
    for i in range(files):
        name, data = whole[i % len(whole)]
        path = folder / f"{i:05d}.{name}"
        path.write_bytes(mutated(data, draw))
        clips.append(Clip(path, path.name))
    said: dict[str, int] = {}
    longest = failed = 0
    for part in range(0, files, 20):
        began = time.monotonic()
        for clip, result in zip(clips[part : part + 20], check(clips[part : part + 20], workers=2), strict=True):
            stage, reason = result.problem or ("", "")
            failed += bool(stage)
            said[stage or "heard"] = said.get(stage or "heard", 0) + 1
            crashed = "crashed" in reason or "hangs" in reason or "no sign of life" in reason
            said["decoder lost"] = said.get("decoder lost", 0) + crashed
            found.count(result.problem is None or bool(stage in ("open", "decode", "check") and reason), clip.name)
        longest = max(longest, time.monotonic() - began)
    told = ", ".join(f"{k} {v:,}" for k, v in sorted(said.items()))
    found.told = f"{failed:,} fail, each with stage and reason ({told}); 20 of them took at most {longest:.1f} s"
    found.count(longest < 20, f"20 recordings took {longest:.1f} s")
    return found


def lost_decoders(place: Path) -> Outcome:
    """Row 6, too: a decoder that crashes, hangs or stops takes down only itself.

    The decoders of the day do none of it, so a process that decodes is given code that does.
    """
    from audioft.audio import isolated_decoder

    found = Outcome()
    path = place / "a.wav"
    soundfile.write(path, np.zeros(RATE), RATE)
    deeds = {
        "crashed (SIGSEGV": "import ctypes; ctypes.string_at(0)",
        "crashed (SIGABRT": "import os; os.abort()",
        "hangs": "\nwhile True: pass",
        "no sign of life": "import time; time.sleep(600)",
    }
    root = str(Path(isolated_decoder.__file__).parents[2])
    before = isolated_decoder.COMPUTING, isolated_decoder.WAITING
    isolated_decoder.WAITING = 6.0  # a healthy one must begin within it, on a busy machine, too
    try:
        for expected, deed in deeds.items():
            serving = (
                f"import sys; sys.path.insert(0, {root!r})\nfrom audioft.audio import io, isolated_decoder as apart\n"
                f"apart.COMPUTING = 1.0\ndef deed(*a, **k):\n    exec({deed!r})\nio.stream = deed\napart.serve()"
            )
            decoder = isolated_decoder._Decoder(serving)
            isolated_decoder._pool()._take(decoder)
            began = time.monotonic()
            try:
                isolated_decoder.read(path)
                reason = "nothing"
            except AudioError as e:
                reason = f"{e.stage}: {e.reason}"
            quick = time.monotonic() - began < 20
            next_one = len(isolated_decoder.read(path)) == RATE
            gone = decoder.process.poll() is not None
            found.count(expected in reason and quick and next_one and gone, f"{expected}: {reason}")
            if expected != "no sign of life":  # what arrives through a pipe may take its time
                reason, quick = _piped(isolated_decoder, root, deed)
                found.count(expected in reason and quick, f"a pipe, {expected}: {reason}")
    finally:
        isolated_decoder.COMPUTING, isolated_decoder.WAITING = before
    found.told = "segmentation fault, abort, endless loop and standstill of a file; the first three of a pipe, too"
    return found


def _piped(isolated_decoder: ModuleType, root: str, deed: str) -> tuple[str, bool]:
    """What is said of a pipe whose decoder does that, and whether it is said soon."""
    serving = (
        f"import sys; sys.path.insert(0, {root!r})\nfrom audioft.audio import isolated_decoder as apart, live\n"
        f"apart.COMPUTING = 1.0\ndef deed(*a, **k):\n    exec({deed!r})\nlive.piped = deed\napart.serve()"
    )
    before, isolated_decoder.SERVING = isolated_decoder.SERVING, serving
    began = time.monotonic()
    reading, writing = os.pipe()
    try:
        os.write(writing, bytes(RATE))
        list(isolated_decoder.piped(reading, RATE))
        reason = "nothing"
    except AudioError as e:
        reason = f"{e.path}: {e.stage}: {e.reason}"
    finally:
        isolated_decoder.SERVING = before
        os.close(reading)
        os.close(writing)
    return reason, time.monotonic() - began < 20


def huge(place: Path, hours: float) -> Outcome:
    """Row 7: a small file cannot fill the memory.

    Args:
        place: a folder.
        hours: of the recordings that unfold to that.
    """
    found = Outcome()
    place.mkdir(parents=True, exist_ok=True)
    ordinary = place / "ordinary.wav"
    sound = np.random.default_rng(0).normal(0, 0.1, 10 * RATE)
    soundfile.write(ordinary, sound, RATE)
    usual = peak_mb(lambda: _hear(ordinary))
    grown = {}
    for path in (*_liars(place, ordinary), *_long(place, hours)):
        grown[path.name] = peak_mb(lambda p=path: _hear(p)) - usual
        found.count(grown[path.name] < 256, f"{path.name}: {grown[path.name]:.0f} MB more than an ordinary file")
    most = max(grown, key=grown.__getitem__)
    found.told = f"at most {grown[most]:+.0f} MB beside an ordinary file's {usual:.0f} MB ({most})"
    return found


def _hear(path: Path) -> None:
    """Look at a recording as the checking pass and as labelling do; a failure is an answer, too."""
    from audioft.audio import isolated_decoder

    check([Clip(path, path.name)])
    with contextlib.suppress(AudioError):
        for _ in isolated_decoder.stream(path):
            pass


def _liars(place: Path, ordinary: Path) -> list[Path]:
    """Files of a few hundred kB whose headers claim up to 2**63 - 1 frames."""
    data = ordinary.read_bytes()
    wav = place / "claims_4GB.wav"
    wav.write_bytes(data[:40] + b"\xff\xff\xff\xff" + data[44:])
    found = [wav]
    au = place / "claims_4GB.au"
    soundfile.write(au, np.zeros(1000), RATE, format="AU", subtype="PCM_16")
    au.write_bytes(au.read_bytes()[:8] + b"\x7f\xff\xff\xff" + au.read_bytes()[12:])
    w64 = place / "claims_2_63.w64"
    soundfile.write(w64, np.zeros(1000), RATE, format="W64", subtype="PCM_16")
    claim = bytearray(w64.read_bytes())
    at = claim.find(b"data") + 16
    claim[at : at + 8] = struct.pack("<q", 2**63 - 1)
    w64.write_bytes(claim)
    flac = place / "claims_2_36.flac"
    soundfile.write(flac, np.zeros(1000), RATE)
    claim = bytearray(flac.read_bytes())
    claim[21] |= 0x0F
    claim[22:26] = b"\xff\xff\xff\xff"
    flac.write_bytes(claim)
    return [*found, au, w64, flac]


def _long(place: Path, hours: float) -> list[Path]:
    """Recordings of silence, which FLAC makes small: hours of one channel, and minutes of eight at 192 kHz."""
    plain, wide = place / "hours.flac", place / "wide.flac"
    for path, rate, channels, seconds in ((plain, RATE, 1, 3600 * hours), (wide, 192_000, 8, 180 * hours)):
        with soundfile.SoundFile(path, "w", rate, channels, format="FLAC", subtype="PCM_16") as file:
            block = np.zeros((rate * 10, channels), np.int16)
            for _ in range(max(1, round(seconds / 10))):
                file.write(block)
    found = [plain, wide]
    if shutil.which("ffmpeg") and media.decoder():
        for suffix, how in (("mka", ("-c:a", "flac")), ("mov", ("-c:a", "alac")), ("webm", ("-c:a", "libopus"))):
            path = place / f"hours.{suffix}"
            length = hours * 3600 / (1 if suffix == "mka" else 10)
            silence = ["-f", "lavfi", "-t", f"{length:g}", "-i", f"anullsrc=r={RATE}:cl=mono"]
            command = ["ffmpeg", "-y", "-v", "error", *silence, *how, str(path)]
            if subprocess.run(command, check=False, capture_output=True).returncode == 0:
                found.append(path)
    stream = place / "hours.mp3"  # an MP3 stream, whose frames have to be counted
    sound = place / "minute.mp3"
    soundfile.write(sound, np.zeros(60 * RATE), RATE, format="MP3", bitrate_mode="VARIABLE", compression_level=0.5)
    data = sound.read_bytes()
    with stream.open("wb") as file:
        for _ in range(max(1, round(60 * hours))):
            file.write(data[mpeg_frames.head_of(data).size :])
    return [*found, stream]
