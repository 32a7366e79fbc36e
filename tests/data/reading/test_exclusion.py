"""`data.exclude`: patterns, folders, names, and files of names as people and programs write them."""

from __future__ import annotations

from pathlib import Path

import makers
import pytest

from audioft.data import manifest, source
from audioft.data.reading.choices import Choices
from audioft.data.reading.exclusion import excluded
from audioft.data.source import EventUse
from audioft.errors import DataError, UsageError

NAMES = ["dog/a.wav", "dog/old/b.wav", "cat/A.WAV", "cat/c.wav", "cat/d[1].wav"]


def out(*entries, root=Path("/data"), names=NAMES, notes=None):
    return sorted(excluded(entries, names, root, [] if notes is None else notes).names)


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


LISTS = [
    ("l.csv", "path,start,end\nn.wav,{},{}\n"),
    ("l.csv", "path,start,end,stage,reason\nn.wav,{},{},decode,damaged\n"),
    ("l.csv", "file;Begin Time (s);End Time (s)\nn.wav;{};{}\n"),
    ("l.tsv", "path\tonset\toffset\nsomewhere/n.wav\t{}\t{}\n"),
    ("l.jsonl", '{{"path": "n.wav", "start": {}, "end": {}}}\n'),
    ("predictions.csv", "path,start,end,label,score,error\nn.wav,{},{},x,0.9,\n"),
]


class TestTimes:
    """A list with times leaves out these, in clips of a table, in events, and where recordings are not cut."""

    CUTS = ((0, 1, "x"), (1, 2, "y"), (1.5, 2.5, "x"), (3, 4, "y"))

    @pytest.fixture
    def data(self, tmp_path):
        rows = ["file_name,start,end,label"]
        for name in ("n", "other"):
            for folder in ("data", "table"):
                makers.tone(tmp_path / folder / f"{name}.wav", seconds=5)
            rows += [f"{name}.wav,{start},{end},{x}" for start, end, x in self.CUTS]
            lines = "".join(f"{start}\t{end}\t{x}\n" for start, end, x in self.CUTS)
            (tmp_path / "data" / f"{name}.txt").write_text(lines)
        (tmp_path / "table" / "t.csv").write_text("\n".join(rows))
        return tmp_path / "data"

    @pytest.fixture
    def table(self, data):
        return data.parent / "table" / "t.csv"

    def list_of(self, tmp_path, form, start, end):
        name, text = form
        (tmp_path / name).write_text(text.format(start, end))
        return Choices(exclude=[str(tmp_path / name)])

    @pytest.mark.parametrize("form", LISTS)
    @pytest.mark.parametrize(
        ("start", "end", "left"),
        [
            (1, 2, [0, 1.5, 3]),
            (1.2, 1.3, [0, 1.5, 3]),
            (1.7, 3.5, [0]),
            (2.6, 2.9, [0, 1, 1.5, 3]),
            (0.5, 1, [1, 1.5, 3]),
        ],
    )
    def test_clips_and_events(self, data, table, tmp_path, form, start, end, left):
        choices = self.list_of(tmp_path, form, start, end)
        for source_of, use in ((table, None), (table, "clips"), (data, "clips")):
            found = source.load(source_of, events=EventUse(use), choices=choices)
            assert [c.start for c in found.clips if c.name == "n.wav"] == left
            assert sum(c.name == "other.wav" for c in found.clips) == 4
            said = [n for n in found.notes if "data.exclude" in n]
            assert len(said) == 1
            assert ("nothing is labelled in the times" in said[0]) == (len(left) == 4)

    def test_to_the_end(self, table, tmp_path):
        (tmp_path / "l.csv").write_text("path,start,end\nn.wav,2.2,\n")
        found = source.load(table, choices=Choices(exclude=[str(tmp_path / "l.csv")]))
        assert [c.start for c in found.clips if c.name == "n.wav"] == [0, 1]

    def test_a_row_without_times_leaves_out_the_recording(self, table, tmp_path):
        (tmp_path / "l.csv").write_text("path,start,end\nn.wav,0,1\nn.wav,,\nother.wav,3,4\n")
        found = source.load(table, choices=Choices(exclude=[str(tmp_path / "l.csv")]))
        assert [(c.name, c.start) for c in found.clips] == [("other.wav", start) for start in (0, 1, 1.5)]

    def test_what_is_left_out_is_no_background(self, data, tmp_path):
        choices = self.list_of(tmp_path, LISTS[0], 2.5, 5)
        found = source.load(data, events=EventUse("clips", background="class"), choices=choices)
        between = [(c.start, c.end) for c in found.clips if c.labels == ("background",) and c.name == "n.wav"]
        assert all(end <= 2.5 for _, end in between)
        whole = source.load(data, events=EventUse("clips", background="class"))
        assert any(c.start >= 2.5 for c in whole.clips if c.labels == ("background",) and c.name == "n.wav")

    def test_where_recordings_are_heard_as_a_whole_so_they_are_left_out(self, data, tmp_path):
        choices = self.list_of(tmp_path, LISTS[0], 1, 2)
        found = source.load(data, events=EventUse("frames"), choices=choices)
        assert {c.name for c in found.clips} == {"other.wav"}
        assert any(
            "1 recording is left out by data.exclude as a whole, for times in it: n.wav" in n for n in found.notes
        )
        makers.tones(tmp_path / "classes", each=2)
        (tmp_path / "l.csv").write_text("path,start,end\nhigh_00.wav,0.1,0.2\n")
        found = manifest.load(tmp_path / "classes", choices=Choices(exclude=[str(tmp_path / "l.csv")]))
        assert "high/high_00.wav" not in {c.name for c in found.clips}
        assert any("as a whole, for times in it" in n for n in found.notes)

    def test_times_that_are_none_are_told(self, table, tmp_path):
        with pytest.raises(DataError, match=r"l\.csv line 2: start 3 is not before end 2"):
            source.load(table, choices=self.list_of(tmp_path, LISTS[0], 3, 2))
