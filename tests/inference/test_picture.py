"""Pictures of recordings: pages of long ones, true labels beside found ones, only labels that occur."""

from __future__ import annotations

from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
import soundfile

from audioft.annotations.event import Event
from audioft.audio.hearing import Hearing
from audioft.data.clip import Clip
from audioft.inference import picture as pictures
from audioft.inference.columns import BANDS, spectrograms
from audioft.inference.picture import Picture

LABELS = tuple(f"label {i}" for i in range(40))


@pytest.fixture
def recording(tmp_path) -> Clip:
    """Twenty seconds, in the eighth of which is a tone of 4 kHz."""
    time = np.arange(20 * 16000) / 16000
    wave = np.where((time >= 7) & (time < 8), 0.5 * np.sin(2 * np.pi * 4000 * time), 0.0)
    soundfile.write(tmp_path / "a.wav", wave, 16000)
    return Clip(tmp_path / "a.wav", "a.wav")


def taken(events=(), true=None, seconds=20.0, step=1.0) -> Picture:
    picture = Picture(LABELS, true)
    starts = np.arange(0, seconds, step)
    picture.add(starts, starts + step, np.tile(np.linspace(0, 1, len(LABELS)), (len(starts), 1)), events)
    return picture


def saved(picture, clip, folder) -> list[str]:
    picture.save(lambda ending: folder / f"p{ending}", clip, None)
    return sorted(p.name for p in folder.glob("p*"))


def test_a_long_recording_is_pages_of_one_scale_and_width(recording, tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "PAGE", 6.0)
    shown = []
    monkeypatch.setattr(pictures, "draw", lambda page, place: shown.append((page, Path(place).name)))
    monkeypatch.setattr(pictures, "MOST_PAGES", 4)
    taken([Event(LABELS[3], 5.0, 7.0)]).save(lambda ending: tmp_path / f"p{ending}", recording, None)
    assert [name for _, name in shown] == [f"p.page-0{k}.png" for k in (1, 2, 3, 4)]
    assert [(p.start, p.end) for p, _ in shown] == [(0, 6), (6, 12), (12, 18), (18, 24)]
    assert {p.labels for p, _ in shown} == {(LABELS[3],)}
    assert [len(p.scores) for p, _ in shown] == [300, 300, 300, 100]
    loud = [p.seen.max() for p, _ in shown]
    assert loud[1] - max(loud[0], *loud[2:]) > 50
    assert "page 2 of 4" in shown[1][0].title


@pytest.mark.slow
def test_a_day_has_no_more_pages_than_can_be_looked_through():
    picture = Picture(LABELS)
    picture.add(np.array([0.0]), np.array([86400.0]), np.ones((1, len(LABELS))), [])
    pages = list(picture._pages())
    assert len(pages) <= pictures.MOST_PAGES
    assert pages[-1].end >= 86400
    assert picture.scores.values.size <= 2.1 * pictures.VALUES


def test_of_a_short_one_there_is_one_picture(recording, tmp_path):
    assert saved(taken([Event(LABELS[0], 1, 2)]), recording, tmp_path) == ["p.png"]
    image = matplotlib.image.imread(tmp_path / "p.png")
    assert image.shape[1] == 1300
    assert image.std() > 0.1


def test_true_labels_are_drawn_in_grey_beside_the_found_ones(recording, tmp_path):
    grey = np.array([0x6B, 0x72, 0x80]) / 255
    found = [Event(LABELS[0], 1, 9)]
    shares = []
    for true in (None, [Event(LABELS[0], 2, 12)]):
        saved(taken(found, true), recording, tmp_path)
        image = matplotlib.image.imread(tmp_path / "p.png")[..., :3]
        lane = image[int(image.shape[0] * 0.75) :]
        shares.append(float((np.abs(lane - grey) < 0.01).all(-1).mean()))
    assert shares[1] > shares[0] + 0.01


@pytest.mark.parametrize(
    ("found", "true", "shown"),
    [
        ([1, 2], None, [1, 2]),
        ([1], [5], [1, 5]),
        ([], None, [37, 38, 39]),  # of none, those that score highest
        (range(40), None, range(16, 40)),
    ],
)
def test_labels_that_never_occur_are_left_out(found, true, shown):
    picture = taken([Event(LABELS[i], 1, 2) for i in found], None if true is None else [Event(LABELS[5], 1, 2)])
    assert list(picture._page(0, 20).labels) == [LABELS[i] for i in shown]


def test_a_spectrogram_in_pages_is_that_of_the_whole(recording):
    (whole,) = spectrograms(recording, 100.0, Hearing(16000))
    parts = list(spectrograms(recording, 5.0, Hearing(16000)))
    assert [p.shape for p in parts] == [(500, BANDS)] * 3 + [(len(whole) - 1500, BANDS)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_what_cannot_be_read_is_drawn_without_a_spectrogram(tmp_path):
    assert saved(taken(), Clip(tmp_path / "gone.wav", "gone.wav\udcff$\\frac"), tmp_path) == ["p.png"]
