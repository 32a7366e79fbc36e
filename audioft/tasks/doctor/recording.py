"""One recording, layer by layer: what its bytes, its header, its decoder and the encoder's rate make of it."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from audioft.audio import isolated_decoder, media, remarks, signatures
from audioft.core.wording import counted
from audioft.data.check import check
from audioft.data.clip import Clip
from audioft.errors import AudioError
from audioft.tasks.doctor.diagnosis import Finding

RATE = 16000  # Hz, at which encoders hear


def examine(path: str | os.PathLike[str]) -> Iterator[Finding]:
    """Look at a recording's layers in turn, and say whether it would be used.

    Yields:
        What was found; the last says why it would not be used, where it would not.
    """
    name = os.fspath(path)
    place = Path(os.path.abspath(name))
    try:
        size = place.stat().st_size
        with place.open("rb") as file:
            head = file.read(400)
        other = signatures.other(head, place)
        kind = f"{other.words}: its decoder is {_other_decoder()}" if other else "decoded by libsndfile"
        begins = " ".join(f"{b:02x}" for b in head[:12])
        yield Finding("bytes", f"{counted(size, 'byte')}, beginning with {begins}; {kind}")
    except OSError as e:
        yield Finding("bytes", f"{name} cannot be read: {e.strerror}", "look at the name and at who may read it")
        return
    try:
        info = isolated_decoder.probe(place)
    except AudioError as e:
        yield Finding("header", e.reason, "not used; convert it to FLAC or WAV, or leave it out")
        return
    told = "of a length that the header does not tell" if math.isnan(info.seconds) else f"{info.seconds:.3f} s"
    several = f", {info.recordings} recordings one after the other" if info.recordings > 1 else ""
    yield Finding("header", f"{info.format}, {info.rate} Hz, {counted(info.channels, 'channel')}, {told}{several}")
    yield _heard("decoder", isolated_decoder.stream(place, rate=None, block_seconds=1.0), info.rate)
    remarks.of(place)  # the same is said of the next
    yield _heard("resampled", isolated_decoder.stream(place, rate=RATE, block_seconds=1.0), RATE)
    said = remarks.of(place)
    (found,) = check([Clip(place, name)])
    if (said := found.note or said) and said not in (found.problem or ()):
        yield Finding("note", said)
    if found.problem is None:
        yield Finding("use", "it would be used")
    else:
        stage, reason = found.problem
        yield Finding("use", f"it would not be used ({stage}): {reason}", "mend it, or leave it out")


def _other_decoder() -> str:
    found = media.decoder()
    return found[1] if found else f"missing: {media.ADVICE}"


def _heard(name: str, blocks: Iterable[np.ndarray], rate: int) -> Finding:
    """Length and level of what comes, up to where it breaks off."""
    count, peak, power, failure = 0, 0.0, 0.0, ""
    try:
        for block in blocks:
            good = block[np.isfinite(block)]
            count += len(block)
            peak = max(peak, float(np.abs(good).max(initial=0)))
            power += float(np.square(good, dtype=np.float64).sum())
    except AudioError as e:
        failure = f"; then: {e.reason}"
    level = f"peak {_decibels(peak)}, mean level {_decibels(math.sqrt(power / max(count, 1)))}"
    return Finding(name, f"{count / rate:.3f} s at {rate} Hz, {level}{failure}")


def _decibels(value: float) -> str:
    return f"{20 * math.log10(value):.1f} dB" if value > 0 else "none (zeros)"
