"""What the later calls read from the tables of `audioft auto` is what was read at first, whatever the data is."""

from __future__ import annotations

import csv
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile

import audioft
from audioft.assembly import recordings, resolve
from audioft.assembly.folds import learnt
from audioft.errors import DataError, UsageError
from audioft.inference.predictor import Predictor
from audioft.tasks.auto import beginning, first_model, look, tables
from audioft.tasks.auto.work import Work

QUIET = audioft.Console(quiet=True)


def rows(folder: Path, head: str, lines: list[str], audio: Path | None = None, **how) -> Path:
    """A table whose first cell is the recording; a tone each, high where it is even."""
    folder.mkdir(parents=True, exist_ok=True)
    for i, line in enumerate(lines):
        name = next(csv.reader([line]))[0]
        makers.tone((audio or folder) / name, (2400.0, 300.0)[i % 2], seed=i, **how)
    (folder / "table.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    return folder / "table.csv"


def several(tmp: Path):
    return makers.chords(tmp / "chords"), {}


def one_clip_a_label_too_few(tmp: Path):
    lines = [f"{i}.wav,{('a', 'b')[i % 2]}" for i in range(4)]
    return rows(tmp, "file_name,label", lines), {}


def sides_without_a_test(tmp: Path):
    lines = [f"{i}.wav,{('a', 'b')[i % 2]},{'valid' if i > 9 else 'train'}" for i in range(14)]
    return rows(tmp, "file_name,label,split", lines), {}


def groups_of_a_column(tmp: Path):
    lines = [f"{i}.wav,{('a', 'b')[i % 2]},person {i // 2},{i % 3}" for i in range(24)]
    return rows(tmp, "file_name,label,who,room", lines), {"data.group": "who"}


def labels_that_look_missing(tmp: Path):
    lines = [f"{i}.wav,{('NA', 'none')[i % 2]}" for i in range(16)]
    return rows(tmp, "file_name,label", lines), {"data.na": "keep"}


def names_of_all_kinds(tmp: Path):
    names = [
        "a, b.wav",
        '"quoted".wav',
        "Grün ö.wav",
        "two blanks .wav",
        "it's.wav",
        "a;b.wav",
        "50%.wav",
        "a@1-2.wav",
    ]
    names += [f"sub dir/{i}.wav" for i in range(12)]
    quoted = ['"' + n.replace('"', '""') + '"' for n in names]
    lines = [f'{n},"{("Zaun, könig", "low;er")[i % 2]}"' for i, n in enumerate(quoted)]
    return rows(tmp / "a dir, with ü", "file_name,label", lines), {"data.label": "label"}


def recordings_elsewhere(tmp: Path):
    lines = [f"{i}.wav,{('a', 'b')[i % 2]}" for i in range(16)]
    return rows(tmp / "lists", "file_name,label", lines, audio=tmp / "far"), {"data.audio_root": str(tmp / "far")}


def renamed_dropped_merged(tmp: Path):
    lines = [f"{i}.wav,{('a', 'b', 'c', 'd', 'e')[i % 5]}" for i in range(40)]
    choices = {"data.rename": {"a": "first"}, "data.merge": {"both": ["b", "c"]}, "data.drop": ["e"]}
    return rows(tmp, "file_name,label", lines), choices


def label_files(tmp: Path):
    for i in range(12):
        makers.tone(tmp / f"{i:02d}.wav", (2400.0, 300.0)[i % 2], 2.0, seed=i)
        label = ("high", "low")[i % 2]
        (tmp / f"{i:02d}.txt").write_text(f"0.1\t0.6\t{label}\n1.0\t1.7\t{label}\n")
    return tmp, {}


def slow_and_stereo(tmp: Path):
    lines = [f"{i}.wav,{('a', 'b')[i % 2]}" for i in range(16)]
    table = rows(tmp, "file_name,label", lines, channels=2)
    for i in range(8):
        samples, _ = soundfile.read(tmp / f"{i}.wav")
        soundfile.write(tmp / f"{i}.wav", samples[::2], 8000)
    return table, {}


def some_bad_files(tmp: Path):
    lines = [f"{i:02d}.wav,{('a', 'b')[i % 2]}" for i in range(40)]
    table = rows(tmp, "file_name,label", lines)
    (tmp / "00.wav").write_text("no recording")
    (tmp / "21.wav").write_bytes((tmp / "21.wav").read_bytes()[:60])
    return table, {}


def very_different_lengths(tmp: Path):
    lines = [f"{i}.wav,{('a', 'b')[i % 2]}" for i in range(16)]
    table = rows(tmp, "file_name,label", lines)
    makers.tone(tmp / "0.wav", 2400.0, 40.0)
    makers.tone(tmp / "3.wav", 300.0, 0.05)
    return table, {"data.max_seconds": 5}


KINDS = (
    *(several, one_clip_a_label_too_few, sides_without_a_test, groups_of_a_column, labels_that_look_missing),
    *(names_of_all_kinds, recordings_elsewhere, renamed_dropped_merged, label_files, slow_and_stereo, some_bad_files),
    very_different_lengths,
)


def begun(tmp: Path, source: Path, overrides) -> Work:
    """After the step that looks at the data."""
    (tmp / "out").mkdir()
    asked = beginning.Asked(source, 2, ["mini"], None, overrides)
    work = beginning.work(asked, tmp / "out", QUIET, resume=False, overwrite=False)
    work.kept.steps["data"] = look.look(work)
    return work


def told(data: recordings.Data, sides: bool = True, only=None) -> dict:
    where = data.split.sides(len(data.manifest.clips))
    if tables.folded(data):  # who chooses on folds learns from the validation side in the end
        where = ["test" if side == "test" else "learnt" for side in where]
    return {
        (c.path, c.start, c.end): (
            *(c.labels, c.unknown, c.group or c.key, where[i] if sides else None),
            {k: v for k, v in c.columns.items() if k not in tables_own and v},
        )
        for i, c in enumerate(data.manifest.clips)
        if only is None or i in only
    }


tables_own = {"path", "file_name", "label", "labels", "split", "start", "end", "duration", "sha256", "group", "who"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_the_tables_say_what_was_read_at_first(kind, tmp_path):
    source, overrides = kind(tmp_path / "data")
    work = begun(tmp_path, source, overrides)
    first = work.data()
    whole = resolve.settings(work.at(tables.CLIPS), overrides=[*work.settings, *work.sides])
    again = recordings.load(whole, QUIET)
    assert told(again) == told(first)
    assert again.manifest.labels == first.manifest.labels
    assert again.manifest.multilabel == first.manifest.multilabel
    own = set(learnt(first).tolist())
    part = resolve.settings(work.at(tables.LEARN), overrides=[*work.settings, "data.valid=null", "data.test=null"])
    assert told(recordings.load(part, QUIET), sides=False) == told(first, sides=False, only=own)


def test_where_no_side_can_be_made_that_is_said(tmp_path):
    work = begun(tmp_path, *one_clip_a_label_too_few(tmp_path / "data"))
    said = " ".join(work.kept.steps["data"].said)
    assert "there are too few clips for a test side: none is made" in said
    assert "no clip is left to be tested" in said
    assert work.sides == ["data.test=null"]
    done = first_model.make(work)
    assert "on 2 clips that it did not learn from" in done.said[0]
    assert Predictor(work.folder / "model").labels == ("a", "b")


def test_bad_files_are_told_and_listed(tmp_path):
    work = begun(tmp_path, *some_bad_files(tmp_path / "data"))
    said = " ".join(work.kept.steps["data"].said)
    assert "38 clips of 2 labels" in said
    assert "bad_files.csv" in said, said
    assert (tmp_path / "out" / "bad_files.csv").read_text().count("wav") == 2


def test_more_bad_files_than_are_allowed_end_it(tmp_path, auto, monkeypatch):
    source, _ = some_bad_files(tmp_path / "data")
    with pytest.raises(DataError, match=r"data\.max_bad=0\.01") as e:
        auto(source, tmp_path / "out", overrides={"data.max_bad": 0.01})
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["bad_files.csv"]
    assert str(tmp_path / "out" / "bad_files.csv") in str(e.value)


def test_labels_with_times_as_frames_are_refused(tmp_path, auto):
    source, _ = label_files(tmp_path / "data")
    with pytest.raises(UsageError, match=r"events\.use=clips"):
        auto(source, tmp_path / "out", overrides={"events.use": "frames"})
    assert not (tmp_path / "out").exists()


@pytest.fixture
def quick(monkeypatch):
    """Only the steps that read the tables in ways of their own."""
    from audioft.tasks.auto import auto_run

    for name in ("curve", "settings"):
        monkeypatch.setitem(auto_run.LEAST, name, 1e9)


@pytest.mark.parametrize("kind", [labels_that_look_missing, names_of_all_kinds, several], ids=lambda k: k.__name__)
def test_probe_and_report_take_odd_data(kind, tmp_path, auto, quick):
    source, overrides = kind(tmp_path / "data")
    found = auto(source, tmp_path / "out", overrides=overrides)
    assert not found.failed
    assert found.steps["measured"].found["clips"] == len(_tested(found))
    assert found.best.figure == ("map" if kind is several else "accuracy")


def _tested(found):
    with open(found.folder / "clips.csv", newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if row["split"] == "test"]


def test_two_labels_of_two_clips_end_with_a_model_of_folds(tmp_path, auto):
    source, _ = one_clip_a_label_too_few(tmp_path / "data")
    found = auto(source, tmp_path / "out")
    assert not found.failed
    assert found.tested is None
    assert "no clip is left to test on" in found.steps["measured"].said[0]
    assert np.isclose(sum(next(iter(Predictor(found.model).predict([source.parent / "0.wav"]))).scores.values()), 1)


def test_a_label_that_stands_alone_is_left_out_and_advised(tmp_path):
    folder = makers.tones(tmp_path / "data", each=10)
    makers.tone(folder / "lone" / "only.wav", 1200.0)
    work = begun(tmp_path, folder, {})
    assert work.data().manifest.labels == ("high", "low")
    step = work.kept.steps["data"]
    assert step.found["tested"] > 0
    assert "'lone'" in step.said[1]
    assert "data.drop=[lone]" in step.calls[0]
    assert step.found["advice"][0]["said"].startswith("more clips of lone")
