"""The same bytes under several names: told where the labels differ, one group of a split that is made."""

from __future__ import annotations

import dataclasses
import shutil

import makers
import pytest
import soundfile

from audioft.data import twins
from audioft.data.check import check
from audioft.data.manifest import load
from audioft.data.splits import check_leaks, split


@pytest.fixture
def doubled(tmp_path):
    makers.tones(tmp_path, each=8)
    for i in range(3):
        shutil.copy(tmp_path / "low" / f"low_0{i}.wav", tmp_path / "high" / f"copy_{i}.wav")
    (tmp_path / "low" / "link.wav").symlink_to("low_07.wav")  # counts once
    (tmp_path / "high" / "other.wav").symlink_to("../low/low_06.wav")
    shutil.copy(tmp_path / "low" / "low_05.wav", tmp_path / "low" / "again.wav")
    return load(tmp_path)


@pytest.mark.parametrize("heard", [False, True])
def test_differing_labels_are_told_wherever_they_fall(doubled, heard):
    digests = [c.digest for c in check(doubled.clips)] if heard else [""] * len(doubled.clips)
    found = twins.found(doubled.clips, digests)
    assert found.notes[0].startswith("4 times, high/copy_0.wav (high) and low/low_00.wav (low), ")
    assert "the same bytes under different labels" in found.notes[0]
    assert found.notes[1].startswith("1 recordings are there under several names, as low/again.wav and low/low_05.wav")
    assert [c.path for c in found.clips] == [c.path for c in doubled.clips]


@pytest.mark.parametrize("seed", range(4))
def test_a_split_that_is_made_keeps_them_together(doubled, seed):
    digests = [c.digest for c in check(doubled.clips)]
    found = twins.found(doubled.clips, digests)
    m = doubled.__class__(doubled.root, found.clips, doubled.labels, False, "classes")
    check_leaks(m, split(m, valid=0.3, test=0.3, seed=seed), digests)


def test_nothing_is_said_or_changed_where_there_are_none(tmp_path):
    m = load(makers.tones(tmp_path, each=3))
    found = twins.found(m.clips, [c.digest for c in check(m.clips)])
    assert (found.clips, found.notes) == (m.clips, ())


def test_one_recording_in_two_formats_is_told(tmp_path):
    makers.tones(tmp_path, each=3)
    samples, rate = soundfile.read(tmp_path / "low" / "low_00.wav")
    soundfile.write(tmp_path / "low" / "low_00.flac", samples, rate)
    clips = load(tmp_path).clips
    (note,) = twins.found(clips, [""] * len(clips)).notes
    assert note.startswith("in 1 place names differ in their suffix alone, as low/low_00.flac and low/low_00.wav: ")
    together = [dataclasses.replace(c, group="one") for c in clips]
    assert twins.found(together, [""] * len(clips)).notes == ()
