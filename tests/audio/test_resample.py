"""Resampling of a stream: the same samples wherever the pieces end."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from audioft.audio.resample import resampled
from audioft.errors import AudioError


@pytest.mark.parametrize(("source", "target"), [(44100, 16000), (8000, 16000), (48000, 16000), (22050, 16000)])
@pytest.mark.parametrize("piece", [1, 313, 44100])
def test_in_blocks_as_in_whole(source, target, piece):
    x = np.random.default_rng(0).normal(0, 0.2, 20_000 if piece == 1 else 5 * source).astype(np.float32)
    whole = soxr.resample(x, source, target, quality="HQ")
    found = np.concatenate(list(resampled((x[i : i + piece] for i in range(0, len(x), piece)), source, target)))
    assert len(found) == len(whole)
    assert np.abs(found - whole).max() < 1e-5


def test_what_came_before_a_failure_is_given_to_its_last_sample():
    x = np.random.default_rng(1).normal(0, 0.2, 30_000).astype(np.float32)

    def pieces():
        yield x[:20_000]
        yield x[20_000:]
        raise AudioError("x.wav", "decode", "damaged")

    found = []
    with pytest.raises(AudioError, match="damaged"):
        found.extend(resampled(pieces(), 44100, 16000))
    whole = soxr.resample(x, 44100, 16000, quality="HQ")
    np.testing.assert_allclose(np.concatenate(found), whole, atol=1e-5)
