"""Log-mel statistics as embeddings: against the same worked out clip by clip, and what cannot be read."""

from __future__ import annotations

from pathlib import Path

import makers
import numpy as np
import pytest
import torch

from audioft.audio import io
from audioft.data.clip import Clip
from audioft.models.log_mel import LogMel
from audioft.speakers import pair_floor


@pytest.fixture
def clips(tmp_path):
    paths = [makers.tone(tmp_path / f"{hz}.wav", hz, 0.5 + 0.1 * i, seed=i) for i, hz in enumerate((300, 400, 2000))]
    return [Clip(path, path.name) for path in paths]


def worked_out(path: Path) -> np.ndarray:
    samples = io.read(path, 16000)
    samples = torch.from_numpy((samples - samples.mean()) / samples.std())[None]
    frames = LogMel().frames(samples, torch.tensor([samples.shape[1]]))
    states = frames.states[0, : int(frames.lengths)].numpy()
    return np.concatenate([states.mean(0), states.std(0, ddof=1)])


def test_they_are_means_and_deviations_counted_in_deviations_over_the_clips(clips):
    found = pair_floor.embed(clips)
    raw = np.stack([worked_out(c.path) for c in clips])
    assert found.vectors.shape == (3, 160)
    np.testing.assert_allclose(found.vectors, (raw - raw.mean(0)) / raw.std(0), atol=2e-3)
    np.testing.assert_allclose(found.seconds, [0.5, 0.6, 0.7])


def test_what_cannot_be_read_is_told_and_changes_no_other(clips, tmp_path):
    (tmp_path / "broken.wav").write_bytes(b"no recording")
    heard: list[float] = []
    found = pair_floor.embed([clips[0], Clip(tmp_path / "broken.wav", "broken.wav"), *clips[1:]], heard.append)
    assert found.kept.tolist() == [0, 2, 3]
    assert list(found.failures) == [1]
    assert heard == pytest.approx([0.5, 1.1, 1.8])
    np.testing.assert_array_equal(found.vectors, pair_floor.embed(clips).vectors)


def test_of_nothing_there_is_nothing(tmp_path):
    assert len(pair_floor.embed([Clip(tmp_path / "gone.wav", "gone.wav")]).vectors) == 0
