"""Recordings without labels: what is passed over is told, and problems come together."""

from __future__ import annotations

import os

import makers
import pytest

from audioft.data.unlabelled_pool import Source, gather
from audioft.errors import DataError


def pooled(*places, **how):
    return gather([Source(str(p)) for p in places], **how)


def table(folder, text, name="metadata.csv"):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.txt", b"x", "2 text files are left out: "),
        ("a.png", b"x", "2 pictures are left out: "),
        ("more.zip", b"PK", "2 archives are left out: "),
        (".a.wav", b"x", "2 hidden files are left out: "),
        (".noise/a.wav", b"x", "2 hidden folders with recordings are left out: "),
        ("a.bin", b"\1", "2 files of another kind are left out: "),
        ("a.rttm", b"x", "2 label files are left out: "),
    ],
)
def test_what_is_passed_over_in_all_folders_is_told_in_a_line_a_reason(name, content, said, tmp_path):
    for place in ("one", "two"):
        makers.tone(tmp_path / place / "x.wav", seed=len(place))
        (tmp_path / place / name).parent.mkdir(exist_ok=True)
        (tmp_path / place / name).write_bytes(content)
    (note,) = pooled(tmp_path / "one", tmp_path / "two").notes
    assert note.startswith(said)
    assert all(f"{tmp_path / place / name.split('/')[0]}" in note for place in ("one", "two"))


def test_what_is_given_twice_is_told(tmp_path):
    makers.tone(tmp_path / "a" / "x.wav")
    makers.tone(tmp_path / "a" / "y.wav")
    (note,) = pooled(tmp_path / "a", tmp_path / "a" / "x.wav").notes
    assert note == "1 clip that is there already: counted once"


def test_a_folder_without_recordings_says_what_it_holds(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match=r"no recordings in this folder or below it; looked for .*; found 1 text file"):
        pooled(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_folders_that_cannot_be_read_are_refused(tmp_path):
    makers.tone(tmp_path / "x.wav")
    (tmp_path / "closed").mkdir(mode=0)
    with pytest.raises(DataError, match="the folder cannot be read: Permission denied"):
        pooled(tmp_path)


def test_problems_of_several_sources_come_together(tmp_path):
    makers.tone(tmp_path / "x.wav")
    one = table(tmp_path / "one", "file_name\ngone.wav\n")
    two = table(tmp_path / "two", "file_name,start,end\n../x.wav,0,1\nx.wav,2,1\n")
    makers.tone(tmp_path / "two" / "x.wav")
    with pytest.raises(DataError) as e:
        pooled(one, two)
    assert len(e.value.problems) == 3
    assert "correct one of them" not in str(e.value)
    assert "no such file: gone.wav" in str(e.value)
    assert "data.allow_outside=true" in str(e.value)


def test_times_are_understood_as_in_training(tmp_path):
    makers.tone(tmp_path / "x.wav", seconds=3)
    pool = pooled(table(tmp_path, "filename,Begin Time (s),End Time (s),species\nx.wav,1,2,wren\nx.wav,0:00:02,3,NA\n"))
    assert [(c.start, c.end) for c in pool.clips] == [(1.0, 2.0), (2.0, 3.0)]
    assert any("Begin Time (s)" in note for note in pool.notes)
    with pytest.raises(DataError, match=r"start 1 is not before end 1; correct one of them, or remove the row"):
        pooled(table(tmp_path, "file_name,start,end\nx.wav,1,1\n", "points.csv"))


def test_recordings_that_the_table_does_not_name_are_told(tmp_path):
    for name in ("x.wav", "y.wav"):
        makers.tone(tmp_path / name, seed=ord(name[0]))
    table(tmp_path, "file_name\nx.wav\n")
    (note,) = pooled(tmp_path).notes
    assert note.endswith("1 recording that the table does not name, left out: y.wav")


@pytest.mark.parametrize("name", ["a/x.wav", "/Users/anna/rec/a/x.wav", "C:\\rec\\a\\x.wav"])
def test_names_are_relative_to_another_root(name, tmp_path):
    makers.tone(tmp_path / "audio" / "a" / "x.wav")
    meta = table(tmp_path / "meta", f"file_name\n{name}\n")
    with pytest.raises(DataError, match=r"data\.audio_root"):
        pooled(meta)
    (clip,) = pooled(meta, audio_root=str(tmp_path / "audio")).clips
    assert clip.path == tmp_path / "audio" / "a" / "x.wav"
