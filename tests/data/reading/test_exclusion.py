"""`data.exclude`: patterns, folders, names, and files of names as people and programs write them."""

from __future__ import annotations

from pathlib import Path

import makers
import pytest

from audioft.data import manifest, source
from audioft.data.reading.choices import Choices
from audioft.data.reading.exclusion import excluded
from audioft.errors import UsageError

NAMES = ["dog/a.wav", "dog/old/b.wav", "cat/A.WAV", "cat/c.wav", "cat/d[1].wav"]


def out(*entries, root=Path("/data"), names=NAMES, notes=None):
    return sorted(excluded(entries, names, root, [] if notes is None else notes))


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ("dog/*", ["dog/a.wav", "dog/old/b.wav"]),
        ("dog", ["dog/a.wav", "dog/old/b.wav"]),
        ("dog/old/", ["dog/old/b.wav"]),
        ("*/old/*", ["dog/old/b.wav"]),
        ("b*", ["dog/old/b.wav"]),
        ("c.wav", ["cat/c.wav"]),
        ("DOG/OLD/*", ["dog/old/b.wav"]),
        ("cat/a.wav", ["cat/A.WAV"]),
        ("cat\\c.wav", ["cat/c.wav"]),
        ("/data/cat/c.wav", ["cat/c.wav"]),
        ("elsewhere/data/cat/c.wav", ["cat/c.wav"]),
        ("C:\\Users\\anna\\cat\\C.wav", ["cat/c.wav"]),
        ("cat/d[1].wav", ["cat/d[1].wav"]),
    ],
)
def test_patterns_folders_and_names(entry, found):
    assert out(entry) == found


def test_a_name_that_several_have_is_asked_about():
    with pytest.raises(UsageError, match=r"may be 'cat/A\.WAV', 'dog/a\.wav'; write its folder, too, or \*/A\.wav"):
        out("A.wav")
    assert out("dog/A.wav") == ["dog/a.wav"]


def test_what_matches_nothing_is_named(tmp_path):
    notes: list[str] = []
    assert out("cat", "x*.wav", notes=notes) == ["cat/A.WAV", "cat/c.wav", "cat/d[1].wav"]
    assert notes == [
        "3 recordings are left out by data.exclude: cat/A.WAV, cat/c.wav, cat/d[1].wav",
        "data.exclude: of no recording here: x*.wav",
    ]
    with pytest.raises(UsageError, match=r"data\.exclude matches no recording: x\*\.wav; names are as cat/A\.WAV"):
        out("x*.wav")
    with pytest.raises(UsageError, match=r"bad\.csv: no such file"):
        out(str(tmp_path / "bad.csv"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "cat/c.wav\ndog/a.wav\n"),
        ("list.txt", "\ufeffcat\\c.wav\r\n\r\ndog\\a.wav\r\n"),
        ("list.csv", "cat/c.wav\ndog/a.wav\n"),
        ("bad_files.csv", "path,start,end,stage,reason\ncat/c.wav,,,check,silent\ndog/a.wav,,,decode,bad\n"),
        ("predictions.csv", "\ufeffpath,label,score\r\nrecordings/cat/c.wav,x,0.5\r\nrecordings/dog/a.wav,y,0.1\r\n"),
        ("list.jsonl", '{"path": "cat/c.wav"}\n{"path": "/data/dog/a.wav"}\n'),
        ("list.tsv", "label\tfile_name\nx\tcat/c.wav\ny\tdog/a.wav\n"),
    ],
)
def test_files_of_names(tmp_path, name, text):
    (tmp_path / name).write_bytes(text.encode())
    assert out(str(tmp_path / name)) == ["cat/c.wav", "dog/a.wav"]
    assert out(name, root=tmp_path) == ["cat/c.wav", "dog/a.wav"]  # beside the recordings


def test_names_of_no_recording_are_counted(tmp_path):
    (tmp_path / "l.txt").write_text("cat/c.wav\nowl/x.wav\nowl/y.wav\n")
    notes: list[str] = []
    out(str(tmp_path / "l.txt"), notes=notes)
    assert notes[1].endswith(f"2 of the 3 names in {tmp_path / 'l.txt'}, as owl/x.wav")


class TestSources:
    @pytest.fixture
    def data(self, tmp_path):
        makers.tones(tmp_path, each=2)
        return tmp_path

    def test_a_folder(self, data):
        found = manifest.load(data, choices=Choices(exclude=["high/high_00.wav"]))
        assert [c.name for c in found.clips] == ["high/high_01.wav", "low/low_00.wav", "low/low_01.wav"]

    def test_a_table_whose_file_is_not_there(self, data):
        (data / "metadata.csv").write_text("file_name,label\nhigh/high_00.wav,x\nlow/low_00.wav,y\ngone.wav,y\n")
        found = manifest.load(data, choices=Choices(exclude=["gone.wav"]))
        assert [c.name for c in found.clips] == ["high/high_00.wav", "low/low_00.wav"]
        found = manifest.load(data, least_labels=1, choices=Choices(exclude=["gone.wav", "low/*"]))
        assert [c.name for c in found.clips] == ["high/high_00.wav"]
        assert not any("low/low_00.wav" in n for n in found.notes if "does not name" in n)

    def test_label_files_of_what_is_left_out_are_not_looked_at(self, data):
        (data / "high" / "high_00.txt").write_text("0\t0.2\tx\n")
        (data / "low" / "low_00.txt").write_text("0\t99\ty\n9\t99\ty\n")
        how = {"label": None, "group": None, "allow_outside": False, "asked": True}
        found = source.read_annotated(data, choices=Choices(exclude=["low"]), **how)
        assert [a.clip.name for a in found.recordings] == ["high/high_00.wav"]
