"""An encoder's pass over the clips, in a process of its own."""

from __future__ import annotations

import io

import makers
import numpy as np
import pytest

from audioft.errors import ModelError
from audioft.tasks.probe import encoder_pass


@pytest.mark.slow
def test_a_pass_in_a_process_of_its_own(small_encoder, two_tones, tmp_path):
    clips = tuple(makers.clip(p) for p in sorted(two_tones.rglob("*.wav"))[:5])
    order = encoder_pass.Order(
        str(small_encoder), clips, ("",) * 5, (0.5,) * 5, 5, None, "cpu", tmp_path / "s", tmp_path / "x.npy"
    )
    told: list[int] = []
    found, passed = encoder_pass.features(order, told.append, print)
    assert found.shape == (5, 3, 32)
    assert np.isfinite(found).all()
    assert (told[0], told[-1]) == (0, 5)
    assert (passed.reused, passed.width, passed.failures) == (0, 16, ())
    assert passed.seconds_per_minute is not None
    assert 0 < passed.seconds_per_minute < 600
    assert passed.peak_bytes is None or 0 < passed.peak_bytes < 2e9


@pytest.mark.slow
def test_what_fails_in_another_process_is_told_in_its_words(tmp_path):
    order = encoder_pass.Order("./nowhere", (), (), (), 5, None, "cpu", None, tmp_path / "x.npy")
    with pytest.raises(ModelError, match=r"encoder './nowhere': no such folder"):
        encoder_pass.features(order, lambda done: None, print)


def test_a_process_that_is_killed_is_told(monkeypatch, tmp_path):
    order = encoder_pass.Order("log-mel", (), (), (), 5, None, "cpu", None, tmp_path / "x.npy")
    monkeypatch.setattr(encoder_pass.pickle, "dump", lambda order, file: file.write(b"no pickle"))
    with pytest.raises(ModelError, match=r"ended with code 1 before it was done: .*Unpickling"):
        encoder_pass.features(order, lambda done: None, print)
    assert "not enough memory" in encoder_pass._ended(-9, io.BytesIO())
    assert "not enough memory" in encoder_pass._ended(1, io.BytesIO(b"RuntimeError: can't allocate memory\nmore"))
    assert "not enough memory" not in encoder_pass._ended(-11, io.BytesIO(b"Segmentation fault"))
