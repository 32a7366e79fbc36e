"""A clip of one window is the same to training and to a validation, so that it passes what is frozen once."""

from __future__ import annotations

import makers
import pytest
import torch

import audioft
from audioft.assembly import build
from audioft.assembly.fitting import frozen_cache, training_clips
from audioft.core.runtime import Processes
from audioft.data.dataset import Draw
from audioft.data.windowed import clip_windows
from audioft.evaluation.scoring import preparation


@pytest.mark.parametrize(("longest", "one"), [(10.0, True), (0.4, False)])
def test_a_clip_of_one_window_has_one_entry(tmp_path, small_encoder, longest, one):
    data = makers.tones(tmp_path / "tones", each=4)
    given = {"freeze": "all", "data.max_seconds": longest, "data.workers": 0, "model.start": "random"}
    config = audioft.settings(data, str(small_encoder), overrides=given)
    parts = build.assembled(config, Processes("cpu"), audioft.Console(quiet=True), "fp32")
    inner = training_clips.of(parts, parts.data.clips("train"))
    assert inner.is_drawn(0) != one, "a longer one is cropped, another part each time"
    with frozen_cache.opened(parts, inner, tmp_path / "spare") as cache:
        if cache is None:
            assert not one
            return
        (cut,) = cache.stores
        for i, clip in enumerate(inner.clips):
            (window,) = clip_windows(clip, preparation(parts.model), parts.max_seconds)
            assert torch.equal(window.waveform, inner[Draw(i, 0)].waveform)
            assert cache.name(cut, Draw(i, 0)) == cache.side_name(clip)
