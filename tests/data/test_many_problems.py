"""The same problem in many rows, files or label files is told once: for every reader of data."""

from __future__ import annotations

import dataclasses
import json
import os

import makers
import pytest

from audioft.annotations import files as label_files
from audioft.configuration.config import Config, check
from audioft.data import label_folders, manifest, splits, unlabelled_pool
from audioft.data.check import check as check_recordings
from audioft.data.check import enforce, headers
from audioft.data.clip import Clip
from audioft.data.event_clips import around_events
from audioft.data.reading.choices import PLAIN
from audioft.errors import ConfigError, DataError

WRONG = {  # a row's name, label, start and end, and what is told of 75 of them
    "gone": (("gone/{i}.wav", "x", "", ""), "(gone/0.wav)", "no such file: ... in "),
    "no label": (("a.wav", "", "{i}", ""), "", "its label is empty; fill it in"),
    "no number": (("a.wav", "x", "soon", ""), "", "start 'soon' is not a number; expected seconds"),
    "reversed": (("a.wav", "x", "{i}.5", "{i}"), "(0.5, 0)", "start ... is not before end ..."),
}


def told(error: DataError) -> list[str]:
    """The lines of a message below its head."""
    lines = str(error).splitlines()
    assert lines[0] == f"{len(error.problems)} problems in the data:"
    return [line.removeprefix("  - ") for line in lines[1:]]


def rows() -> list[tuple[str, ...]]:
    """1,000 rows, of which 300 are wrong in four ways, 75 each, in turn."""
    found: list[tuple[str, ...]] = [("a.wav", "x", str(i), str(i + 1)) for i in range(1000)]
    for way, (cells, _, _) in enumerate(WRONG.values()):
        for i in range(75):
            found[12 * i + 3 * way] = tuple(c.format(i=i) for c in cells)
    return found


COLUMNS = ("file_name", "label", "start", "end")


def written(kind: str) -> str:
    if kind == "jsonl":
        return "\n".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) for row in rows())
    return "\n".join({"csv": ",", "tsv": "\t"}[kind].join(row) for row in [COLUMNS, *rows()])


@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "rows"])
def test_a_table_wrong_in_four_ways(tmp_path, kind):
    makers.tone(tmp_path / "a.wav")
    source = tmp_path / f"t.{kind}"
    if kind == "rows":
        source = [dict(zip(COLUMNS, row, strict=True)) for row in rows()]
    else:
        source.write_text(written(kind))
    with pytest.raises(DataError) as caught:
        manifest.load(source, root=tmp_path)
    assert len(caught.value.problems) == 300
    lines = told(caught.value)
    assert len(lines) == 4
    place, first = ("rows", 1) if kind == "rows" else (f"{tmp_path}/t.{kind} lines", 1 if kind == "jsonl" else 2)
    for way, (line, (_, beside, what)) in enumerate(zip(lines, WRONG.values(), strict=True)):
        assert line.startswith(f"75 times, {place} {first + 3 * way}{f' {beside}' if beside else ''}, "), line
        assert " and 72 more: " in line
        assert what in line


def test_rows_that_do_not_fit_a_table(tmp_path):
    (tmp_path / "t.csv").write_text("file_name,label\n" + "a.wav\n" * 40 + "a.wav,x,y\n" * 40)
    (tmp_path / "t.jsonl").write_text("[1, 2]\n" * 40 + '{"file_name": \n' * 40)
    with pytest.raises(DataError) as caught:
        manifest.load(tmp_path / "t.csv")
    assert len(told(caught.value)) == 1
    assert "lines 2 (1), 3 (1), 4 (1) and 77 more: ... cells, but the header has 2" in told(caught.value)[0]
    with pytest.raises(DataError) as caught:
        manifest.load(tmp_path / "t.jsonl")
    first, second = told(caught.value)
    assert "lines 1, 2, 3 and 37 more: expected an object with file_name and label, found '[1, 2]'" in first
    assert "lines 41, 42, 43 and 37 more: not JSON" in second


def test_rows_that_are_there_twice_and_lead_out(tmp_path):
    makers.tone(tmp_path / "out.wav")
    (tmp_path / "in").mkdir()
    rows = "".join(f"a{i}.wav,x\n" for i in range(30))
    for i in range(30):
        makers.tone(tmp_path / "in" / f"a{i}.wav", seconds=0.05)
    (tmp_path / "in" / "t.csv").write_text(f"file_name,label\n{rows}{rows}" + "../out.wav,x\n" * 30)
    with pytest.raises(DataError) as caught:
        manifest.load(tmp_path / "in" / "t.csv")
    lines = told(caught.value)
    table = f"{tmp_path}/in/t.csv"
    assert len(lines) == 2
    assert lines[0].startswith(f"30 times, {table} lines 32 (a0.wav, {table} line 2), 33 (a1.wav, {table} line 3), ")
    assert lines[0].endswith(" and 27 more: ... with the same start and end is already in ...")
    assert lines[1].startswith(
        f"30 times, {table} lines 62, 63, 64 and 27 more: ../out.wav leads out of {tmp_path}/in;"
    )


def test_a_folder_with_many_files_that_lead_out_and_many_folders_that_are_no_text(tmp_path):
    makers.tone(tmp_path / "out.wav")
    for i in range(50):
        (tmp_path / "in" / "x").mkdir(parents=True, exist_ok=True)
        os.symlink(tmp_path / "out.wav", tmp_path / "in" / "x" / f"{i:02d}.wav")
        odd = os.path.join(os.fsencode(tmp_path / "in"), b"\xff%02d" % i)
        os.mkdir(odd)
        os.link(tmp_path / "out.wav", os.path.join(odd, b"a.wav"))
    with pytest.raises(DataError) as caught:
        manifest.load(tmp_path / "in")
    assert sorted(told(caught.value), reverse=True) == [
        f"50 times, x/00.wav, x/01.wav, x/02.wav and 47 more: ... leads out of {tmp_path}/in; move the recording into "
        "the folder, or set data.allow_outside=true if you trust the source",
        r"50 times, b'\xff00', b'\xff01', b'\xff02' and 47 more: the name of the folder is not UTF-8, and a label is "
        "text: rename the folder",
    ]


@pytest.mark.parametrize("how", ["decoded", "headers"])
def test_a_folder_with_fifty_broken_files(tmp_path, how):
    for i in range(50):
        path = makers.tone(tmp_path / f"{i:02d}.wav", seconds=0.5 + i / 100)
        if i < 20:
            path.write_bytes(b"")
        elif i < 35:
            path.write_text("no sound")
        else:
            makers.tone(path, seconds=0.001 * (1 + i % 5))
    clips = [Clip(p, p.name) for p in sorted(tmp_path.glob("*.wav"))]
    found = headers(clips) if how == "headers" else check_recordings(clips)
    with pytest.raises(DataError) as caught:
        enforce(clips, found, 0.05, "bad_files.csv")
    head, *lines = str(caught.value).splitlines()
    assert head.startswith("50 of 50 clips (100.0%) cannot be used")
    assert "; all are listed in bad_files.csv." in head
    assert len(lines) == 3
    assert "20 times, 00.wav, 01.wav, 02.wav and 17 more: the file is empty (0 bytes)" in lines[0]
    assert "15 times, 20.wav, 21.wav, 22.wav and 12 more: not audio that soundfile can read" in lines[1]
    assert "15 times, 35.wav (1.0), 36.wav (2.0), 37.wav (3.0) and 12 more: only ... ms long, expected at" in lines[2]
    assert "expected at least 25 ms" in lines[2]


def test_recordings_that_break_off_in_many_places(tmp_path):
    for i in range(6):
        path = makers.tone(tmp_path / f"{i}.wav", seconds=1.0 + i)
        path.write_bytes(path.read_bytes()[: -8000 - 1000 * i])
    clips = [Clip(p, p.name) for p in sorted(tmp_path.glob("*.wav"))]
    with pytest.raises(DataError) as caught:
        enforce(clips, check_recordings(clips), 0.0)
    _, line = str(caught.value).splitlines()
    assert line.startswith("  - 6 times, 0.wav (")
    assert line.endswith("... s could be decoded: the file is truncated or damaged")


RAVEN = "Selection\tBegin Time (s)\tEnd Time (s)\tNotes\n1\t0.1\t0.2\tdog\n"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        (
            RAVEN,
            ["it has no labels; data.unlabelled=skip leaves"],
        ),
        (
            RAVEN.replace("Notes", "Species") + "2\tx\t0.3\tdog\n3\t0.4\t0.3\tdog\n4\t0.4\t0.5\t\n",
            ["Begin Time (s) 'x' is not a number", "end 0.3 is before start 0.4", "the label in 'species' is empty"],
        ),
        ("0.1\t0.2\n0.2\t0.3\tx\nsoon\t1\tx\n", ["the label is empty", "start 'soon' is not a number"]),
        (RAVEN.replace("Notes", "Species").replace("0.1\t0.2", "70.1\t70.2"), ["'dog' at 70.1 s begins after"]),
        (RAVEN.replace("dog", "d\xe9g").encode("latin-1"), ["byte 0xe9 is not UTF-8; save it as UTF-8"]),
        (RAVEN.encode("utf-16")[:-1], ["the label file begins as UTF-16 and is none; save it as UTF-8"]),
    ],
    ids=["columns", "raven lines", "audacity lines", "beyond", "latin-1", "utf-16"],
)
def test_eight_label_files_with_the_same_mistakes(tmp_path, text, kinds):
    for i in range(8):
        makers.tone(tmp_path / f"{i}.wav")
        (tmp_path / f"{i}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError) as caught:
        label_folders.read(tmp_path, None, False, PLAIN, False)
    lines = told(caught.value)
    assert len(lines) == len(kinds)
    for line, kind in zip(lines, kinds, strict=True):
        assert line.startswith("8 times, "), line
        assert " and 5 more: " in line
        assert kind in line


def test_the_column_that_eight_tables_lack(tmp_path):
    for i in range(8):
        makers.tone(tmp_path / f"{i}.wav")
        (tmp_path / f"{i}.txt").write_text(RAVEN)
    with pytest.raises(DataError) as caught:
        label_folders.read(tmp_path, "species", False, PLAIN, False)
    (line,) = told(caught.value)
    assert f"8 times, {tmp_path}/0.txt" in line
    assert "data.label='species': there is no such column" in line


def test_a_label_file_of_rttm_with_many_broken_lines(tmp_path):
    lines = [f"SPEAKER r 1 {i} x{i} <NA> <NA> a <NA> <NA>" for i in range(20)] + ["SPEAKER r 1"] * 20
    (tmp_path / "a.rttm").write_text("\n".join(lines))
    with pytest.raises(DataError) as caught:
        label_files.read(tmp_path / "a.rttm")
    first, second = told(caught.value)
    assert f"20 times, {tmp_path}/a.rttm lines 1 ('x0'), 2 ('x1'), 3 ('x2') and 17 more: tdur ... is not a" in first
    assert f"20 times, {tmp_path}/a.rttm lines 21, 22, 23 and 17 more: 3 fields, expected 10" in second


def test_label_files_of_recordings_that_are_not_there(tmp_path):
    makers.tone(tmp_path / "a.wav")
    for i in range(9):
        (tmp_path / f"gone{i}.txt").write_text("0\t1\tx\n")
    (tmp_path / "all.rttm").write_text("".join(f"SPEAKER {{r{i}}} 1 0 1 <NA> <NA> a <NA> <NA>\n" for i in range(9)))
    with pytest.raises(DataError) as caught:
        label_folders.read(tmp_path, None, False, PLAIN, False)
    first, second = told(caught.value)
    assert first.startswith("9 times, '{r0}', '{r1}', '{r2}' and 6 more: ")
    assert f"{tmp_path}/all.rttm speaks of ...: no such recording in {tmp_path}" in first
    assert second.startswith(f"9 times, {tmp_path}/gone0.txt, {tmp_path}/gone1.txt, {tmp_path}/gone2.txt and 6 more: ")
    assert "has no recording of its name beside it: no such recording" in second


def test_events_that_make_no_clips(tmp_path):
    for i in range(9):
        makers.tone(tmp_path / f"{i}.wav")
        (tmp_path / f"{i}.txt").write_text("0.1\t0.1\tx\n0.2\t0.3\ty\n0.2\t0.3\tz\n")
    found = label_folders.read(tmp_path, None, False, PLAIN, False)
    with pytest.raises(DataError) as caught:
        around_events(found, context=0, background="none", most=10, seed=0)
    first, second = told(caught.value)
    assert first.startswith("9 times, 0.wav, 1.wav, 2.wav and 6 more: 'x' at 0.1 s has no length")
    assert second.startswith("9 times, 0.wav, 1.wav, 2.wav and 6 more: 'y' and 'z' both from 0.2 to 0.3 s")


def test_many_unknown_settings():
    with pytest.raises(ConfigError) as caught:
        check({"zzz": {}, "data": {f"qq{i}": i for i in range(20)}}, further=None, kind=Config)
    assert len(caught.value.problems) == 21
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert any(
        line.startswith("  - 20 times, 'data.qq0', 'data.qq1', 'data.qq2' and 17 more: unknown key") for line in lines
    )


def test_many_recordings_on_two_sides_and_many_labels_on_one(tmp_path):
    names = [f"{side}/x/{i}.wav" for side in ("train", "test") for i in range(9)]
    names += [f"test/only{i}/{i}.wav" for i in range(9)] + ["train/y/a.wav", "test/y/a.wav"]
    for name in names:
        makers.tone(tmp_path / name, seed=len(name))
    found = manifest.load(tmp_path)
    with pytest.raises(DataError) as caught:
        splits.split(found, valid=None)
    (line,) = told(caught.value)
    assert line.startswith("9 times, 'only0' (test/only0/0.wav), 'only1' (test/only1/1.wav), 'only2' (")
    assert " and 6 more: label ... is only on the test side, in ...: give train clips of it, or leave" in line
    kept = found.select([i for i, c in enumerate(found.clips) if c.labels in (("x",), ("y",))])
    kept = dataclasses.replace(kept, labels=("x", "y"))
    with pytest.raises(DataError) as caught:
        splits.check_leaks(kept, splits.split(kept, valid=None), [c.name.rpartition("/")[2] for c in kept.clips])
    (line,) = told(caught.value)
    assert line.startswith("10 times, test/x/0.wav (test) and train/x/0.wav (train), test/x/1.wav (test) and ")
    assert " and 7 more: the same bytes on two sides: ...; delete one of them" in line


def test_many_classes_too_small_to_split(tmp_path):
    for i in range(12):
        makers.tone(tmp_path / f"c{i:02d}" / "a.wav")
    with pytest.raises(DataError) as caught:
        splits.split(manifest.load(tmp_path))
    (line,) = told(caught.value)
    assert line.startswith("12 times, 'c00', 'c01', 'c02' and 9 more: class ... has 1 clip, too few for train, ")


def test_many_files_that_a_pool_cannot_find(tmp_path):
    (tmp_path / "t.csv").write_text("file_name\n" + "".join(f"gone{i}.wav\n" for i in range(20)))
    with pytest.raises(DataError) as caught:
        unlabelled_pool.gather([unlabelled_pool.Source(str(tmp_path / "t.csv"))])
    (line,) = told(caught.value)
    assert f"20 times, {tmp_path}/t.csv lines 2 (gone0.wav), 3 (gone1.wav), 4 (gone2.wav) and 17 more: no such" in line
