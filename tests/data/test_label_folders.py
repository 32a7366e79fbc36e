"""Label files beside recordings: which are read, what their scores mean, points, selections without a label."""

from __future__ import annotations

from pathlib import Path

import makers
import pytest

from audioft.data import event_clips, label_folders
from audioft.data.reading.choices import Choices
from audioft.data.source import EventUse, load
from audioft.errors import DataError, UsageError

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)"
BIRDNET = f"{RAVEN}\tCommon Name\tConfidence\n1\tS\t1\t0\t1\t0\t8000\tWren\t0.12\n2\tS\t1\t1\t2\t0\t8000\tnocall\t1.0\n"
PERSON = f"{RAVEN}\tAnnotation\n1\tS\t1\t0.5\t1.5\t0\t8000\twren\n2\tS\t1\t1.5\t2\t0\t8000\towl\n"


@pytest.fixture
def night(tmp_path) -> Path:
    for i in range(3):
        makers.tone(tmp_path / f"rec{i}.wav", seconds=2.0, seed=i)
    return tmp_path


def write(night: Path, suffix: str, text: str) -> None:
    for i in range(3):
        (night / f"rec{i}{suffix}").write_text(text)


def read(night: Path, label=None, **choices):
    return label_folders.read(night, label, False, Choices(**choices), False)


def labels(found) -> list[str]:
    return [e.label for e in found.recordings[0].events]


def test_two_label_files_of_one_recording_are_refused_with_both_names(night):
    write(night, ".Table.1.selections.txt", PERSON)
    write(night, ".BirdNET.selection.table.txt", BIRDNET)
    with pytest.raises(DataError) as caught:
        read(night)
    text = str(caught.value)
    for part in ("rec0.Table.1.selections.txt", "rec0.BirdNET.selection.table.txt", "data.label_files"):
        assert part in text
    assert labels(read(night, label_files="*.Table.1.selections.txt")) == ["wren", "owl"]
    with pytest.raises(UsageError, match="matches no label file; there are 'rec0"):
        read(night, label_files="*.rttm")


@pytest.mark.parametrize("other", [".txt", ".Table.2.selections.txt"])
def test_two_of_other_kinds(night, other):
    write(night, ".Table.1.selections.txt", PERSON)
    write(night, other, "0\t1\tx\n" if other == ".txt" else PERSON)
    with pytest.raises(DataError, match="has several label files"):
        read(night)
    assert len(labels(read(night, label_files="*.txt"))) > 2  # all that were asked for


def test_detections_are_labels_where_their_score_is_said(night):
    write(night, ".BirdNET.selection.table.txt", BIRDNET.replace("0.12", "0.7"))
    with pytest.raises(DataError, match=r"have scores, as a program's detections have; data\.min_score=0\.5"):
        read(night)
    found = read(night, min_score=0.5)
    assert labels(found) == ["Wren"]
    assert any("3 of 6 labels are left out: under data.min_score, or nocall" in n for n in found.notes)
    assert labels(read(night, min_score=0.8)) == []


def test_detections_of_rttm(night):
    lines = "".join(f"SPEAKER rec{i} 1 0 1 <NA> <NA> anna 0.4 <NA>\n" for i in range(3))
    (night / "all.rttm").write_text(lines)
    with pytest.raises(DataError, match="have scores"):
        read(night)
    assert labels(read(night, min_score=0.3)) == ["anna"]
    (night / "all.rttm").write_text(lines.replace("0.4", "<NA>"))
    assert labels(read(night)) == ["anna"]


def test_half_of_the_tables_without_a_label_column(night):
    write(night, ".Table.1.selections.txt", f"{RAVEN}\tSpecies\n1\tS\t1\t0\t1\t0\t8000\twren\n")
    (night / "rec1.Table.1.selections.txt").write_text(f"{RAVEN}\n1\tS\t1\t0\t1\t0\t8000\n")
    for label in (None, "Species"):
        with pytest.raises(DataError, match=r"data\.unlabelled=skip"):
            read(night, label)
        skipped, called = (read(night, label, unlabelled=how) for how in ("skip", "background"))
        assert [a.clip.name for a in skipped.recordings] == ["rec0.wav", "rec2.wav"]
        assert [e.label for a in called.recordings for e in a.events] == ["wren", "background", "wren"]
        assert any("a selection without a label is left out" in n for n in skipped.notes)


def test_a_column_of_another_name_is_said_once(night):
    write(night, ".Table.1.selections.txt", f"{RAVEN}\ttag\n1\tS\t1\t0\t1\t0\t8000\twren\n")
    found = read(night)
    assert labels(found) == ["wren"]
    assert [n for n in found.notes if "'tag'" in n] == [
        "labels are in the column 'tag', the one that Raven does not know (3 times)"
    ]


@pytest.mark.parametrize("missing", ["NA", "nan", "None"])
def test_missing_labels_of_label_files(night, missing):
    write(night, ".txt", f"0\t1\t{missing}\n1\t2\tx\n")
    with pytest.raises(DataError, match=r"counts as empty.*data\.na=keep"):
        read(night)
    assert labels(read(night, na="keep")) == [missing, "x"]


@pytest.mark.parametrize("use", ["clips", "frames"])
def test_points_are_refused_or_given_a_width(night, use):
    write(night, ".txt", "0.5\t0.5\tclick\n1\t1.5\twren\n1.99\t1.99\tclick\n")
    with pytest.raises(DataError, match=r"'click' at .* s has no length.*events\.point_width"):
        load(night, events=EventUse(use))
    m = load(night, events=EventUse(use, point_width=0.2))
    assert "6 points last 0.2 s (events.point_width)" in m.notes
    found = event_clips.widened(read(night), 0.2)
    assert [(e.label, e.start, e.end) for e in found.recordings[0].events] == [
        ("click", 0.4, 0.6),
        ("wren", 1.0, 1.5),
        ("click", 1.89, 2.0),
    ]


def test_points_of_a_table(night):
    (night / "t.csv").write_text("file_name,onset,offset,label\nrec0.wav,0.5,0.5,click\nrec1.wav,1,1.5,wren\n")
    with pytest.raises(DataError, match="point_width"):
        load(night / "t.csv")
    with pytest.raises(DataError, match="has no length"):
        load(night / "t.csv", events=EventUse("frames"))
    m = load(night / "t.csv", events=EventUse("clips", point_width=0.2))
    assert [(c.start, c.end) for c in m.clips] == [(0.4, 0.6), (1.0, 1.5)]


def test_a_single_label_file_in_a_folder_of_classes_is_asked_about(tmp_path):
    makers.tones(tmp_path, each=3)
    (tmp_path / "low" / "low_00.txt").write_text("0.1\t0.3\tx\n")
    with pytest.raises(DataError, match=r"1 of 6 recordings have a label file, as low/low_00\.txt.*data\.source_kind"):
        load(tmp_path)
    assert load(tmp_path, choices=Choices(source_kind="classes")).labels == ("high", "low")
    with pytest.raises(DataError, match="all events have the one label 'x'"):
        load(tmp_path, choices=Choices(source_kind="events"))


def test_label_files_of_most_recordings_decide_and_are_named(tmp_path):
    names = sorted(makers.tones(tmp_path, each=3).rglob("*.wav"))
    for i, path in enumerate(names):
        path.with_suffix(".txt").write_text(f"0.1\t0.3\t{'xy'[i % 2]}\n")
    m = load(tmp_path)
    assert m.labels == ("x", "y")
    assert "labels with times come from 6 recordings' label files, as high/high_00.txt" in m.notes
