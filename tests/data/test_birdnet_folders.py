"""Folders that are called as BirdNET's analyzer has it: a note, or what it means by them."""

from __future__ import annotations

import makers
import pytest

from audioft.data.manifest import load
from audioft.data.reading.choices import Choices


@pytest.fixture
def folder(tmp_path):
    for name in ("dog", "rain", "-dog", "dog,rain", "Background"):
        makers.tone(tmp_path / name / "a.wav", seed=len(name))
    return tmp_path


def test_they_are_told(folder):
    m = load(folder)
    assert not m.multilabel
    assert any(
        n.startswith("'-dog', 'dog,rain' count as classes of these names; data.folders=birdnet") for n in m.notes
    )


def test_as_birdnet_means_them(folder):
    m = load(folder, choices=Choices(folders="birdnet"))
    assert m.multilabel
    assert m.labels == ("dog", "rain")
    assert {c.name.split("/")[0]: c.labels for c in m.clips} == {
        "dog": ("dog",),
        "rain": ("rain",),
        "-dog": (),
        "dog,rain": ("dog", "rain"),
        "Background": (),
    }


def test_a_comma_alone_is_no_hint(tmp_path):
    for name in ("Bark, loud", "Rain"):
        makers.tone(tmp_path / name / "a.wav")
    assert load(tmp_path).notes == ()
