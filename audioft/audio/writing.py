"""Recordings written."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from audioft.audio import io
from audioft.errors import AudioftError


def write_wav(path: str | Path, samples: np.ndarray, rate: int, subtype: str = "PCM_16") -> None:
    """Write `(T,)` or `(T, channels)` samples as WAV; PCM clips what is outside -1 to 1, `FLOAT` does not."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    samples = np.asarray(samples)
    with io.begun(path, rate, 1 if samples.ndim == 1 else samples.shape[1], "WAV", subtype) as file:
        file.write(samples)


def convert(
    source: str | Path,
    path: str | Path,
    rate: int,
    start: float = 0.0,
    end: float | None = None,
    subtype: str = "PCM_16",
) -> None:
    """Decode a recording, or a cut of it, into a mono 16-bit WAV file at `rate` Hz, block by block.

    The file is whole or not there. Samples outside -1 to 1 are clipped. With the subtype `FLOAT` they are not, and the
    file is a W64 one, which may be longer than a WAV file.

    Raises:
        AudioError: as `audioft.audio.io.stream` does.
        AudioftError: it cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        exact = subtype == "FLOAT"
        with io.begun(partial, rate, 1, "W64" if exact else "WAV", subtype) as file:
            for block in io.stream(source, rate, start, end):
                file.write(block if exact else np.clip(block, -1, 1))
        os.replace(partial, path)
    except io.DECODER_ERRORS as e:
        raise AudioftError(f"cannot write {path}: {io.why(e)}; is the disk full?") from e
    finally:
        partial.unlink(missing_ok=True)
