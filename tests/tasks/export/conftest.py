"""Exports that several tests look at."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

import audioft
from audioft.core.progress import Console


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory):
    """An export of `trained`, its file in int8 unmeasured; not to be changed."""
    out = tmp_path_factory.mktemp("exports") / "tones"
    audioft.export(trained, out=out, int8="unmeasured", console=Console(quiet=True))
    return out


@pytest.fixture(scope="session")
def paths(two_tones):
    return sorted(two_tones.rglob("*.wav"))


@pytest.fixture(scope="session")
def long(paths, tmp_path_factory):
    """All recordings one after the other, of another rate."""
    import soxr

    whole = np.concatenate([soundfile.read(p, dtype="float32")[0] for p in paths])
    path = tmp_path_factory.mktemp("long") / "long.wav"
    soundfile.write(path, soxr.resample(whole, 16000, 22050), 22050)
    return path
