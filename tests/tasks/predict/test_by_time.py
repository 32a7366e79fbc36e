"""`audioft predict` by hour, day and site, with clock times, and `audioft.activity`: when and where what is heard."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile

import audioft
from audioft.annotations import files
from audioft.inference.predictor import Predictor

HIGH, LOW = makers.PITCHES["high"], makers.PITCHES["low"]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def tones(path: Path, *seconds: tuple[float, float]) -> Path:
    """A recording of tones that follow one another, each of a pitch and so many seconds."""
    parts = [np.sin(2 * np.pi * hz * np.arange(round(s * makers.RATE)) / makers.RATE) for hz, s in seconds]
    wave = 0.3 * np.concatenate(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, wave + np.random.default_rng(0).normal(0, 0.02, len(wave)), makers.RATE)
    return path


@pytest.fixture(scope="module")
def field(tmp_path_factory) -> Path:
    """Two sites; a recording goes on for two seconds after the hour, and one has no time."""
    folder = tmp_path_factory.mktemp("field")
    tones(folder / "WOOD_20240131_055957.wav", (HIGH, 2.0), (LOW, 3.0))
    tones(folder / "WOOD_20240201_050000.wav", (HIGH, 2.0))
    tones(folder / "lake" / "20240131T050000+0100.wav", (LOW, 2.0))
    tones(folder / "lake" / "odd.wav", (LOW, 2.5))
    return folder


QUICK = ("--window", 0.5)


def test_by_hour(predict, field):
    out, err = predict(field, "--by", "hour", *QUICK)
    found = {(r["hour"], r["label"]): r for r in rows(out)}
    assert list(found) == [(hour, label) for hour in ("05", "06", "unknown") for label in ("high", "low")]
    recorded = {hour: float(found[hour, "low"]["recorded"]) for hour in ("05", "06", "unknown")}
    assert recorded == pytest.approx({"05": 7.0, "06": 2.0, "unknown": 2.5})
    seconds = {key: float(r["seconds"]) for key, r in found.items()}
    assert seconds["06", "low"] == pytest.approx(2.0)
    assert seconds["06", "high"] == 0.0
    assert seconds["05", "low"] == pytest.approx(3.0, abs=0.3)
    assert seconds["05", "high"] == pytest.approx(4.0, abs=0.3)
    assert (found["05", "low"]["segments"], found["06", "low"]["segments"]) == ("2", "0")  # counted where it begins
    assert {r["recordings"] for (hour, _), r in found.items() if hour == "05"} == {"3"}
    assert float(found["06", "low"]["share"]) == pytest.approx(1.0)
    assert err.count("1 of 4 recordings") == 1
    assert "odd.wav) say no time, neither by name nor header, and are counted as unknown" in err
    assert "several zones (+01:00, none)" in err


@pytest.mark.parametrize(
    ("by", "more", "keys"),
    [
        ("site", (), {("WOOD",), ("lake",)}),
        ("site", ("--site", "folder"), {("FIELD",), ("lake",)}),
        ("day", (), {("2024-01-31",), ("2024-02-01",), ("unknown",)}),
        ("site,day", (), {("WOOD", "2024-01-31"), ("WOOD", "2024-02-01"), ("lake", "2024-01-31"), ("lake", "unknown")}),
    ],
)
def test_by_day_and_site(predict, field, by, more, keys):
    out, err = predict(field, "--what", "summary", "--by", by, *more, *QUICK)
    found = rows(out)
    got = {tuple(r[name] for name in by.split(",")) for r in found}
    assert got == {tuple(field.name if part == "FIELD" else part for part in key) for key in keys}
    assert sum(float(r["recorded"]) for r in found if r["label"] == "low") == pytest.approx(11.5)
    assert ("say no time" in err) == ("day" in by)


def test_a_table_says_when_and_where(predict, field, tmp_path):
    table = tmp_path / "t.csv"
    lines = ["WOOD_20240131_055957.wav;31.01.2024 22:59:57;A", "odd.wav;31.01.2024 12:00;B"]
    table.write_text("\n".join(["file;seen;plot", *lines, ""]))
    given = ("--recorded", table, "--time-column", "seen", "--site", "plot", *QUICK)
    out, err = predict(field, "--by", "site,hour", *given)
    found = {(r["site"], r["hour"]) for r in rows(out)}
    assert found == {("A", "22"), ("A", "23"), ("B", "12"), ("unknown", "05")}
    assert "t.csv has no row of 2 of 4 recordings" in err
    assert "say no time" not in err


def test_clock_times_stand_beside_the_seconds(predict, field):
    first, odd = field / "WOOD_20240131_055957.wav", field / "lake" / "odd.wav"
    given = (first, field / "lake" / "20240131T050000+0100.wav", odd, "--clock", *QUICK)
    found = rows(predict(*given, "--what", "segments")[0])
    assert list(found[0])[:5] == ["path", "start", "end", "clock_start", "clock_end"]
    assert (found[0]["clock_start"], found[1]["clock_end"]) == ("2024-01-31T05:59:57.000", "2024-01-31T06:00:02.000")
    start = float(found[1]["start"])
    assert found[1]["clock_start"] == f"2024-01-31T05:59:{57 + start:06.3f}"
    assert found[2]["clock_start"] == "2024-01-31T05:00:00.000+01:00"
    assert (found[3]["start"], found[3]["clock_start"], found[3]["clock_end"]) == ("0.000000", "", "")
    windows = rows(predict(*given, "--what", "windows")[0])
    assert windows[1]["clock_start"] == "2024-01-31T05:59:57.250"
    summed = rows(predict(*given, "--what", "summary")[0])
    high, low = summed[:2]
    assert {r["clock_begin"] for r in (high, low)} == {"2024-01-31T05:59:57.000"}
    assert (high["clock_first"], low["clock_last"]) == ("2024-01-31T05:59:57.000", "2024-01-31T06:00:02.000")
    never = summed[2]
    assert (never["segments"], never["clock_first"], never["clock_last"]) == ("0", "", "")
    assert never["clock_begin"] == "2024-01-31T05:00:00.000+01:00"


def test_raven_has_a_column_for_clock_times(predict, field, tmp_path):
    given = (field / "WOOD_20240131_055957.wav", field / "lake" / "odd.wav", "--format", "raven", *QUICK)
    predict(*given, "--clock", "--out", tmp_path / "clock.txt")
    found = list(csv.DictReader(io.StringIO((tmp_path / "clock.txt").read_text()), delimiter="\t"))
    assert [r["Begin Date Time"] for r in found][::2] == ["2024/01/31 05:59:57.000", ""]
    predict(*given, "--out", tmp_path / "plain.txt")
    assert files.read(tmp_path / "clock.txt") == files.read(tmp_path / "plain.txt")


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_what_was_summed_up_is_gone_on_with(predict, refused, model, field, tmp_path, form):
    out, whole = tmp_path / f"out.{form}", tmp_path / f"whole.{form}"
    predict(field, "--by", "site,hour", *QUICK, "--out", whole)
    parts = (tmp_path / "whole.recordings.csv").read_bytes()
    kept = tmp_path / "out.recordings.csv"
    for size in (0, 9, len(parts) // 3, len(parts) - 1, len(parts)):
        kept.write_bytes(parts[:size])
        out.unlink(missing_ok=True)
        predict(field, "--by", "site,hour", *QUICK, "--out", out, "--resume")
        assert (out.read_bytes(), kept.read_bytes()) == (whole.read_bytes(), parts)
    # another sum of the same recordings hears at most the last of them again
    said = predict(field, "--by", "day", *QUICK, "--out", out, "--resume")[1]
    assert "day" in out.read_text().splitlines()[0]
    assert kept.read_bytes() == parts
    assert "what each recording brings is in" in said
    again = predict(field, "--by", "day", *QUICK)[0]
    if form == "csv":
        assert again == out.read_text()
    else:
        assert [json.loads(line)["label"] for line in out.read_text().splitlines()] == [r["label"] for r in rows(again)]
    before = out.read_bytes()
    call = ("predict", model, field, "--by", "day", "--out", out)
    refused(*call, *QUICK, code=2, said=("is there already", "--resume"))
    refused(*call, "--resume", *QUICK, "--site", "folder", code=2, said=("site: was None, is folder",))
    refused(*call, "--resume", "--window", 0.4, code=2, said=("window: was 0.5, is 0.4",))
    kept.write_bytes(parts.replace(b"high", b"bird"))
    (tmp_path / ".out.recordings.csv.made.json").unlink()
    refused(*call, "--resume", *QUICK, code=2, said=("'bird', or figures, that are not of this model",))
    kept.unlink()
    refused(*call, "--resume", *QUICK, code=2, said=("there is no out.recordings.csv beside it to go on with",))
    assert out.read_bytes() == before


def test_what_cannot_be_heard_is_told_and_no_part_of_the_sum(predict, field, tmp_path):
    for name in ("WOOD_20240131_055957.wav", "WOOD_20240201_050000.wav"):
        shutil.copy(field / name, tmp_path / name)
    broken = tmp_path / "WOOD_20240201_050000.wav"
    broken.write_bytes(broken.read_bytes()[: 44 + makers.RATE * 2])
    (tmp_path / "WOOD_20240201_070000.wav").write_bytes(b"nonsense")
    out = tmp_path / "out" / "a.csv"
    given = (tmp_path, tmp_path / "gone.wav", "--by", "hour", *QUICK, "--out", out)
    for more in ((), ("--resume",)):
        err = predict(*given, *more, code=1)[1]
        assert "3 of 4 inputs could not be labelled to their end" in err or more
        found = {(r["hour"], r["label"]): float(r["recorded"]) for r in rows(out.read_text())}
        assert found == pytest.approx({(h, x): s for h, s in (("05", 4.0), ("06", 2.0)) for x in ("high", "low")})
        failed = rows((tmp_path / "out" / "a.failures.csv").read_text())
        assert sorted(Path(r["path"]).name for r in failed) == [
            *("WOOD_20240201_050000.wav", "WOOD_20240201_070000.wav", "gone.wav")
        ]
        kept = rows((tmp_path / "out" / "a.recordings.csv").read_text())
        assert [(r["label"], r["seconds"], bool(r["error"])) for r in kept][-1] == ("", "", True)
    shutil.rmtree(tmp_path / "out")
    predict(tmp_path / "WOOD_20240201_070000.wav", "--by", "hour", *QUICK, "--out", out, code=1)
    assert not out.exists()
    assert not (tmp_path / "out" / "a.recordings.csv").exists()


def test_pictures_of_hours(predict, field, tmp_path):
    err = predict(field, "--by", "hour", "--plot", tmp_path / "p", *QUICK)[1]
    assert sorted(p.name for p in (tmp_path / "p").iterdir()) == ["activity.days.png", "activity.png"]
    assert "drawn: " in err
    err = predict(field / "lake" / "odd.wav", "--by", "site", "--plot", tmp_path / "none", *QUICK)[1]
    assert "nothing is drawn: no hour is known" in err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    "site", [b"S\xe9", "Café 東京".encode(), b"a$\\frac$b", b"S" * 150], ids=["bytes", "wide", "TeX", "long"]
)
def test_names_of_sites_in_pictures(predict, field, tmp_path, site):
    folder = os.path.join(os.fsencode(tmp_path), b"in")
    os.mkdir(folder)
    try:
        for day in (b"31", b"30"):
            shutil.copy(field / "WOOD_20240201_050000.wav", os.path.join(folder, site + b"_202401%b_000000.wav" % day))
    except OSError:  # a file system that has no such names
        pytest.skip("names are UTF-8 here")
    (tmp_path / "in" / "S_20240131_010000.wav").write_text("no")
    given = (tmp_path / "in", "--by", "site,hour", "--plot", tmp_path / "p", "--out", tmp_path / "a.csv", *QUICK)
    err = predict(*given, code=1)[1]
    assert "1 of 3 inputs could not be labelled" in err
    assert "rows written to" in err
    assert len([*(tmp_path / "p").iterdir()]) == 2


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_of_pictures_that_cannot_be_is_refused_first(refused, model, field, tmp_path, monkeypatch, place):
    (tmp_path / "file").write_text("mine")
    monkeypatch.setattr(Predictor, "follow", None)
    call = ("predict", model, field, "--by", "hour", "--plot", tmp_path / place, "--out", tmp_path / "a.csv")
    refused(*call, code=2, said=(f"--plot {tmp_path / place} cannot be made",))
    assert makers.files(tmp_path) == {"file": b"mine"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--by", "week"), "by 'week': recordings are summed up by hour, day or site"),
        (("--by", ""), "hour, day or site"),
        (("--by", "hour,hour"), "name each of hour, day and site once"),
        (("--by", "hour", "--what", "segments"), "--by sums up --what summary; leave --what segments out"),
        (("--by", "hour", "--clock"), "leave --clock out"),
        (("--by", "hour", "--format", "raven"), "with --by use csv or jsonl"),
        (("--by", "hour", "--top-k", "2"), "leave --top-k and --all-scores out"),
        (("--by", "hour", "--out", "x.txt"), "expected a file ending in .csv or .jsonl"),
        (("--by", "hour"), "--by hour needs the time at which recordings begin"),
        (("--by", "site,day"), "--by site,day needs the time"),
        (("--what", "segments", "--clock"), "--clock needs the time at which recordings begin"),
        (("--clock",), "--clock: for what happens when: add --what segments"),
        (("--format", "audacity", "--out", "d", "--clock"), "--format audacity has no place for clock times"),
        (("--format", "rttm", "--out", "x.rttm", "--clock"), "--format rttm has no place for clock times"),
        (("--site", "folder"), "--site: for times and sites: add --by hour or --clock"),
        (("--what", "summary", "--recorded", "t.csv"), "--recorded: for times and sites"),
        (("--by", "hour", "--recorded", "t.csv"), "t.csv: no such table"),
        (("--by", "site", "--site", "plot"), "--site plot is a column of a table"),
        (("--clock", "--what", "windows", "--time-column", "when"), "--time-column when is a column of a table"),
    ],
)
def test_what_does_not_go_together_is_said(refused, model, turns, arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused("predict", model, turns, *arguments, code=2, said=(said,))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [("--by", "site"), ("--clock",)])
def test_standard_input_has_no_time(refused, model, options):
    refused("predict", model, "-", *options, code=2, said=("- has no name that says when and where",))


def test_in_python(model, field, tmp_path, predict):
    found = audioft.activity(audioft.load_model(model), field, window=0.5)
    expected = rows(predict(field, "--by", "site,hour", *QUICK)[0])
    got = found.rows(["site", "hour"])
    assert [(r["site"], r["hour"], r["label"], r["segments"]) for r in got] == [
        (r["site"], r["hour"], r["label"], int(r["segments"])) for r in expected
    ]
    assert [r["seconds"] for r in got] == pytest.approx([float(r["seconds"]) for r in expected], abs=1e-5)
    assert found.failures == []
    assert "4 recordings, 11.5 s" in repr(found)
    none = audioft.activity(model, [field / "lake" / "odd.wav", tmp_path / "gone.wav"], window=0.5)
    assert {r["hour"] for r in none.rows("hour")} == {"unknown"}
    assert [reason for _, reason in none.failures] == ["no such file or folder"]
    with pytest.raises(audioft.AudioftError, match="name files"):
        audioft.activity(model, np.zeros(16000, np.float32))
    with pytest.raises(audioft.AudioftError, match="no inputs"):
        audioft.activity(model, [])
    fewer = audioft.activity(model, field, window=0.5, min_seconds=2.75)
    assert sum(r["segments"] for r in fewer.rows("site")) == 1
