"""Labels with times: from a table, from label files beside recordings, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import makers
import pytest

from audioft.annotations import raven
from audioft.annotations.event import Event
from audioft.data import annotated
from audioft.data.reading.choices import Choices
from audioft.data.source import read_annotated
from audioft.errors import DataError


def read(source, asked=False, label=None, group=None, **choices):
    how = {"label": label, "group": group, "allow_outside": False, "choices": Choices(**choices)}
    return read_annotated(source, asked=asked, **how)


def told(found):
    return {a.clip.name: [(e.label, e.start, e.end) for e in a.events] for a in found.recordings}


@pytest.fixture
def night(tmp_path) -> Path:
    """Three recordings of two seconds in two folders, one of them with a blank in its name."""
    for i, name in enumerate(("a/one.wav", "a/two two.flac", "b/one.wav")):
        makers.tone(tmp_path / "night" / name, seconds=2.0, seed=i)
    return tmp_path / "night"


def test_audacity_files_beside_recordings(night):
    (night / "a" / "one.txt").write_text("0.5\t1.0\trobin\n0.2\t0.7\t wren \n")
    (night / "a" / "two two.txt").write_text("")
    found = read(night)
    assert told(found) == {"a/one.wav": [("wren", 0.2, 0.7), ("robin", 0.5, 1.0)], "a/two two.flac": []}
    assert [a.seconds for a in found.recordings] == [2.0, 2.0]
    assert {a.clip.group for a in found.recordings} == {"a/one.wav", "a/two two.flac"}
    assert "1 recordings without a label file are left out: b/one.wav" in found.notes[1]


def test_a_raven_table_of_one_and_of_many_recordings(night):
    line = raven.line(1, Event("robin", 0.5, 1.0), path="x/one.wav", begin=0.5, nyquist=8000)
    (night / "b" / "one.Table.1.selections.txt").write_text(raven.HEADER + line)
    many = [
        raven.line(1, Event("wren", 0.25, 0.5), path="C:\\rec\\two two.flac", begin=0.25, nyquist=8000),
        raven.line(2, Event("owl", 1.0, 1.5), path="C:\\rec\\two two.flac", begin=1.0, nyquist=8000),
    ]
    (night / "all.txt").write_text(raven.HEADER + "".join(many))
    found = read(night)
    assert told(found) == {
        "a/two two.flac": [("wren", 0.25, 0.5), ("owl", 1.0, 1.5)],
        "b/one.wav": [("robin", 0.5, 1.0)],
    }


def test_rttm_names_recordings_by_their_stem(night):
    (night / "all.rttm").write_text("SPEAKER two%20two 1 0.5 0.25 <NA> <NA> anna <NA> <NA>\n")
    assert told(read(night, asked=True)) == {"a/two two.flac": [("anna", 0.5, 0.75)]}


def test_folders_called_like_sides_are_sides(tmp_path):
    for side in ("train", "Test"):
        makers.tone(tmp_path / side / f"{side}.wav", seconds=1.0)
        (tmp_path / side / f"{side}.txt").write_text("0\t0.5\tx\n")
    assert {a.clip.name: a.clip.split for a in read(tmp_path).recordings} == {
        "Test/Test.wav": "test",
        "train/train.wav": "train",
    }


def test_everything_wrong_is_told_at_once(night):
    (night / "a" / "one.txt").write_text("0.5\tx\trobin\n0.5\t0.7\t\n1\t2\twren\n2\t3\twren\n")
    (night / "a" / "two two.txt").write_text("5.0\t6.0\trobin\n")
    (night / "b" / "three.txt").write_text("0.0\t1.0\trobin\n")
    (night / "gone.rttm").write_text("SPEAKER one 1 0.5 0.25 <NA> <NA> anna <NA> <NA>\n")  # there are two of them
    with pytest.raises(DataError) as caught:
        read(night)
    text = "\n".join(caught.value.problems)
    for part in (
        "one.txt line 1: end 'x' is not a number",
        "one.txt line 2: the label is empty",
        "'robin' at 5 s begins after the recording's end, 2.00 s",
        "three.txt has no recording of its name beside it",
        "speaks of 'one': no such recording",
    ):
        assert part in text, text


def test_texts_that_are_no_labels_are_passed_over(two_tones, tmp_path):
    makers.tone(tmp_path / "x" / "a.wav")
    (tmp_path / "x" / "a.txt").write_text("said by somebody: good morning\n")
    assert not annotated.has_label_files(tmp_path)
    assert read(tmp_path) is None
    with pytest.raises(DataError, match="no labels with times"):
        read(tmp_path, asked=True)


def test_a_name_with_its_ending_is_the_one_meant(tmp_path):
    for name in ("a.flac", "a.wav"):
        makers.tone(tmp_path / name, seconds=1.0)
    (tmp_path / "a.wav.txt").write_text("0\t0.5\tx\n")
    assert told(read(tmp_path)) == {"a.wav": [("x", 0.0, 0.5)]}


def test_a_text_beside_a_recording_that_is_no_label_file_is_told(night):
    (night / "a" / "one.txt").write_text("0\t0.5\tx\n")
    (night / "a" / "two two.txt").write_text("1 2 dog\n")
    notes = read(night, asked=True).notes
    assert any(
        "1 table or text beside recordings was not read: a/two two.txt; expected start, end and" in n for n in notes
    )


def test_where_a_recording_broke_off_is_no_event_when_read_again(night):
    (night / "a" / "one.txt").write_text("0\t0.5\tx\n1.5\t1.5\tbreaks off: the file is damaged\n")
    assert told(read(night, asked=True)) == {"a/one.wav": [("x", 0.0, 0.5)]}


def table(folder: Path, text: str) -> Path:
    (folder / "events.csv").write_text(text)
    return folder / "events.csv"


def test_a_table_with_times(night):
    rows = "a/one.wav,0.5,1.0,robin,x\na/one.wav,0.5,1.0,wren,x\nb/one.wav,1.0,,robin,y\n"
    path = table(night, "file_name,start,end,label,site\n" + rows)
    assert read(path) is None  # its rows are clips unless times are asked for
    found = read(path, asked=True, group="site")
    assert told(found) == {
        "a/one.wav": [("robin", 0.5, 1.0), ("wren", 0.5, 1.0)],
        "b/one.wav": [("robin", 1.0, 2.0)],
    }
    assert [a.clip.group for a in found.recordings] == ["x", "y"]
    assert all(a.clip.whole for a in found.recordings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file_name,label\na/one.wav,robin\n", "expected the columns start and end"),
        ("file_name,from_here,till,label\na/one.wav,0,1,robin\n", "the columns are file_name, from_here, label, till"),
        ("file_name,start,end,label\na/one.wav,20,22,robin\n", "begins after the recording's end, 2.00 s"),
        (
            "file_name,start,end,label,split\na/one.wav,0,1,x,train\na/one.wav,1,2,x,test\n",
            "a/one.wav: rows of one recording have more than one side",
        ),
        ("file_name,start,end,labels\na/one.wav,0,1,x;?\n", "unknown labels"),
    ],
)
def test_tables_that_cannot_be_events(night, text, said):
    with pytest.raises(DataError, match=said):
        read(table(night, text), asked=True)


def test_nothing_happens_in_a_recording_that_was_looked_through(night):
    path = table(night, "file_name,start,end,labels\na/one.wav,0,1,x\nb/one.wav,,,[]\n")
    assert told(read(path, asked=True)) == {"a/one.wav": [("x", 0.0, 1.0)], "b/one.wav": []}
