"""Windows with a target for every frame."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
import tiny
import torch

from audioft.annotations.event import Event
from audioft.augmentation import Mixup
from audioft.core.runtime import generator
from audioft.data.annotated import Annotated, Found
from audioft.data.batching import collate
from audioft.data.clip import Clip
from audioft.data.dataset import Draw, Preparation
from audioft.data.event_clips import as_windows
from audioft.data.frames import FrameGrid, TrainingWindows, require_shown
from audioft.data.targets import targets
from audioft.errors import DataError

RATE = 16000
GRID = FrameGrid(((400, 320),), RATE)
EVENTS = (Event("loud", 1.0, 1.5), Event("soft", 3.2, 3.3), Event("loud", 5.0, 5.8))


@pytest.fixture
def windows(tmp_path):
    """`windows(**more)`: six seconds, noise where something happens and silent elsewhere; and 0.3 s of noise."""
    rng = np.random.default_rng(0)
    wave = np.zeros(6 * RATE)
    for e in EVENTS:
        at = slice(round(e.start * RATE), round(e.end * RATE))
        wave[at] = rng.normal(0, 0.2 if e.label == "loud" else 0.02, len(wave[at]))
    soundfile.write(tmp_path / "a.wav", wave, RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "b.wav", rng.normal(0, 0.2, round(0.3 * RATE)), RATE, subtype="FLOAT")
    found = Found(
        tmp_path,
        (
            Annotated(Clip(tmp_path / "a.wav", "a.wav"), EVENTS, 6.0),
            Annotated(Clip(tmp_path / "b.wav", "b.wav"), (Event("loud", 0.0, 0.3),), 0.3),
        ),
        "recording",
        (),
    )

    def make(**more):
        manifest = as_windows(found, 2.0)
        wanted, known = targets(manifest.clips, manifest.labels, True)
        how = {
            "seconds": [2.0, 2.0, 2.0, 0.3],
            "targets": wanted,
            "known": known,
            "prepare": Preparation(RATE, False, 400),
            "max_seconds": 2.0,
            "seed": 0,
            "multilabel": True,
        } | more
        return TrainingWindows(manifest.clips, manifest.events, manifest.labels, GRID, **how)

    return make


@pytest.mark.parametrize("kind", ["wav2vec2", "data2vec-audio"])
def test_the_grid_is_the_encoders(kind):
    encoder = tiny.make_classifier(kind).encoder
    grid = FrameGrid(encoder.convolutions, encoder.sample_rate)
    samples = torch.arange(300, 20_000, 37)
    expected = encoder.frame_lengths(samples).clamp(min=0)
    assert [grid.count(n) for n in samples.tolist()] == expected.tolist()
    assert grid.seconds == encoder.seconds_per_frame
    starts, ends = grid.edges(16_000)
    assert (len(starts), starts[0], ends[-1]) == (49, 0.0, 1.0)


def test_targets_move_with_the_window(windows):
    """A frame that is called loud is loud, one that is called nothing is silent, whatever was drawn."""
    dataset = windows()
    starts = set()
    for epoch in range(20):
        for index in range(3):
            item = dataset[Draw(index, epoch)]
            assert item.targets.shape == item.known.shape == (GRID.count(2 * RATE), 2)
            assert item.known.all()
            frames = item.waveform.unfold(0, 400, 320).square().mean(-1).sqrt()
            loud, soft = item.targets[:, 0] > 0, item.targets[:, 1] > 0
            assert (frames[loud] > 0.1).all()
            # half a frame's overlap decides, and a frame's window is longer than its stride
            silent = ~(loud | soft)
            near = torch.nn.functional.max_pool1d((loud | soft).float()[None], 5, 1, 2)[0] > 0
            assert (frames[silent & ~near] == 0).all()
            starts.add(round(float(item.waveform.nonzero()[0]) if item.waveform.any() else -1))
    assert len(starts) > 20
    assert {float(x) for x in dataset[Draw(3)].targets.unique(dim=0).flatten()} == {0.0, 1.0}
    assert dataset[Draw(3)].targets[:, 0].all()


def test_an_item_is_a_function_of_its_address(windows):
    a, b = windows()[Draw(1, 4)], windows()[Draw(1, 4)]
    torch.testing.assert_close(a.waveform, b.waveform, rtol=0, atol=0)
    torch.testing.assert_close(a.targets, b.targets, rtol=0, atol=0)
    assert not torch.equal(a.waveform, windows()[Draw(1, 5)].waveform)


def test_mixing_unites_what_happens_in_both(windows):
    mixed, plain = windows(mixup=Mixup(p=1.0, alpha=5.0)), windows()
    more = 0
    for epoch in range(30):
        item, alone = mixed[Draw(0, epoch)], plain[Draw(0, epoch)]
        assert item.targets.shape == alone.targets.shape
        assert (item.targets >= alone.targets).all()
        more += int((item.targets > alone.targets).any())
    assert more > 5
    for epoch in range(8):  # partners of another length have no common time, so the clip stays alone
        short, drawn = mixed[Draw(3, epoch)], Mixup(p=1.0).draw(generator(0, epoch, "b.wav", 0, "mixup"), 4)
        same = torch.equal(short.waveform, plain[Draw(3, epoch)].waveform)
        assert same == (drawn["partner"] != 3)


def test_a_batch_knows_nothing_beyond_a_clips_own_frames(windows):
    dataset = windows()
    batch = collate([dataset[Draw(0)], dataset[Draw(3)]])
    own = GRID.count(round(0.3 * RATE))
    assert batch.targets.shape == (2, GRID.count(2 * RATE), 2)
    assert batch.known[1, :own].all()
    assert not batch.known[1, own:].any()
    assert batch.known[0].all()


@pytest.mark.parametrize("seconds", [0.0, 0.004])
def test_a_label_that_no_frame_would_show_is_refused(seconds):
    events = [Event("click", 1.0, 1.0 + seconds), Event("wren", 1.0, 2.0), Event("wren", 3.0, 3.001)]
    with pytest.raises(DataError, match=r"no frame of 0\.02 s would show 'click', whose longest event lasts 0"):
        require_shown(events, 0.02)
    require_shown(events[1:], 0.02)
