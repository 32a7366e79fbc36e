"""`audioft predict` with times: windows, segments and summaries, in every format, of files and of a pipe."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile

from audioft.annotations import files
from audioft.inference.predictor import Predictor

RATE = makers.RATE
SEGMENTS = ("--what", "segments", "--window", 0.5)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def finds(events) -> None:
    """The turns are found, within a hop."""
    turns = (("high", 0.0, 1.5), ("low", 1.5, 4.0), ("high", 4.0, 5.25))  # of the recording `turns`
    assert [e.label for e in events] == [label for label, _, _ in turns]
    for e, (_, start, end) in zip(events, turns, strict=True):
        assert e.start == pytest.approx(start, abs=0.26)
        assert e.end == pytest.approx(end, abs=0.26)


def test_windows(predict, model, turns):
    out, _ = predict(turns, "--what", "windows", "--window", 0.5, "--all-scores", "--top-k", 2)
    found = rows(out)
    assert list(found[0]) == [
        *("path", "start", "end", "label", "score", "label_2", "score_2"),
        *("score:high", "score:low", "error"),
    ]
    timeline = Predictor(model).timeline(turns, window=0.5)
    assert [float(r["start"]) for r in found] == pytest.approx(timeline.windows.starts.tolist(), abs=1e-6)
    high = timeline.windows.scores[:, 0].tolist()
    assert [float(r["score:high"]) for r in found] == pytest.approx(high, abs=1e-6)
    assert all(float(r[f"score:{r['label']}"]) == float(r["score"]) >= float(r["score_2"]) for r in found)
    assert {r["error"] for r in found} == {""}


def test_segments_as_csv_and_jsonl_and_in_python(predict, model, turns, tmp_path):
    found = rows(predict(turns, *SEGMENTS)[0])
    expected = Predictor(model).timeline(turns, window=0.5).segments()
    finds(expected)
    assert list(found[0]) == ["path", "start", "end", "label", "score", "error"]
    assert [(r["label"], float(r["start"]), float(r["end"])) for r in found] == [
        (e.label, pytest.approx(e.start, abs=1e-6), pytest.approx(e.end, abs=1e-6)) for e in expected
    ]
    predict(turns, *SEGMENTS, "--out", tmp_path / "s.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [r["score"] for r in lines] == [float(r["score"]) for r in found]
    assert [(r["path"], r["label"]) for r in lines] == [(r["path"], r["label"]) for r in found]


@pytest.mark.parametrize(("form", "name"), [("raven", "s.txt"), ("rttm", "s.rttm"), ("audacity", "labels")])
def test_other_programs_formats_are_read_back(predict, model, turns, tmp_path, form, name):
    again = makers.tone(tmp_path / "again.wav", makers.PITCHES["low"], 1.0)
    predict(turns, again, *SEGMENTS, "--format", form, "--out", tmp_path / name)
    if form == "audacity":
        assert sorted(p.name for p in (tmp_path / name).iterdir()) == ["again.txt", "high and low.txt"]
        read = {p.stem: files.read(p)[""] for p in (tmp_path / name).iterdir()}
    else:
        read = {Path(k).stem: v for k, v in files.read(tmp_path / name).items()}
    finds(read["high and low"])
    assert [(e.label, e.start, e.end) for e in read["again"]] == [("low", 0.0, pytest.approx(1.0))]
    if form == "raven":  # times count over both recordings, as Raven shows them in one window
        last = (tmp_path / name).read_text().splitlines()[-1].split("\t")
        assert float(last[3]) == pytest.approx(5.25)
    if form == "rttm":
        assert "high%20and%20low" in (tmp_path / name).read_text()


def test_summary(predict, model, turns, tmp_path):
    high, low = rows(predict(turns, "--what", "summary", "--window", 0.5)[0])
    assert list(low) == [
        *("path", "label", "seconds", "share", "segments", "score", "mean", "first", "last", "duration", "error")
    ]
    assert (high["label"], high["segments"], low["label"], low["segments"]) == ("high", "2", "low", "1")
    timeline = Predictor(model).timeline(turns, window=0.5)
    for row, place in ((high, 0), (low, 1)):
        own = [e for e in timeline.segments() if e.label == row["label"]]
        assert float(row["seconds"]) == pytest.approx(sum(e.seconds for e in own), abs=1e-5)
        assert float(row["share"]) == pytest.approx(float(row["seconds"]) / 5.25, abs=1e-5)
        assert float(row["first"]) == pytest.approx(own[0].start, abs=1e-5)
        assert float(row["last"]) == pytest.approx(own[-1].end, abs=1e-5)
        assert float(row["score"]) == pytest.approx(timeline.moments.scores[:, place].max(), abs=1e-5)
        assert (float(row["duration"]), row["error"]) == (pytest.approx(5.25), "")
    # the mean is the score of the plain table
    (plain,) = rows(predict(turns, "--window", 0.5, "--hop", 0.25, "--all-scores")[0])
    assert (plain["score:high"], plain["score:low"]) == (high["mean"], low["mean"])
    found = timeline.summary()
    assert [(s.label, s.segments) for s in found] == [("high", 2), ("low", 1)]
    assert [s.seconds for s in found] == pytest.approx([float(high["seconds"]), float(low["seconds"])], abs=1e-5)
    predict(turns, "--what", "summary", "--window", 0.5, "--out", tmp_path / "s.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [(r["label"], r["segments"], r["score"]) for r in lines] == [
        ("high", 2, float(high["score"])),
        ("low", 1, float(low["score"])),
    ]


def test_a_label_that_never_occurs_has_a_row_of_zeros(predict, turns, tmp_path):
    quick = ("--what", "summary", "--window", 0.5, "--min-duration", 2)
    high, low = rows(predict(turns, *quick)[0])
    assert (high["segments"], float(high["seconds"]), float(high["share"])) == ("0", 0.0, 0.0)
    assert (high["first"], high["last"]) == ("", "")
    assert float(high["score"]) > 0.5
    assert low["segments"] == "1"
    predict(turns, *quick, "--out", tmp_path / "s.jsonl")
    line = json.loads((tmp_path / "s.jsonl").read_text().splitlines()[0])
    assert (line["seconds"], line["segments"], line["first"], line["last"]) == (0.0, 0, None, None)


def test_rules_change_what_is_a_segment(predict, turns):
    assert len(rows(predict(turns, *SEGMENTS, "--min-duration", 9)[0])) == 0
    only = rows(predict(turns, *SEGMENTS, "--min-duration", 2)[0])
    assert [r["label"] for r in only] == ["low"]
    joined = rows(predict(turns, *SEGMENTS, "--close-gaps", 3)[0])
    assert sorted(r["label"] for r in joined) == ["high", "low"]


def test_a_picture_a_recording(predict, turns, tmp_path):
    import matplotlib.image

    makers.tone(tmp_path / "deep" / "high and low.wav", 500, 0.3)
    predict(turns, tmp_path / "deep", *SEGMENTS, "--plot", tmp_path / "pictures")
    pictures = sorted(p.name for p in (tmp_path / "pictures").iterdir())
    assert pictures == ["high and low.png", "high and low.wav.png"]
    image = matplotlib.image.imread(tmp_path / "pictures" / "high and low.png")
    assert image.shape[1] == 1300
    assert image.std() > 0.1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--format", "raven", "--what", "windows"), "--format raven holds segments"),
        (("--format", "audacity"), "name a folder for them with --out"),
        (("--what", "segments", "--out", "x.xlsx"), "expected a file ending in .csv, .jsonl or .rttm"),
        (("--what", "segments", "--window", "1", "--hop", "2"), "a hop of 2 s leaves out what lies between windows"),
        (("--window", "1", "--hop", "2"), "a hop of 2 s leaves out what lies between windows of 1 s"),
        (("--what", "segments", "--top-k", "2"), "--top-k goes with --what windows"),
        (("--what", "summary", "--all-scores"), "every label has a row"),
        (("--format", "audacity", "--out", "x.csv"), "name a folder for them"),
        (("--window", "0.01"), "a window of 0.01 s is too short"),
        (("--raw", "16000,s16le,1"), "--raw says what standard input holds; give - as the input"),
        (("-",), "- is standard input, and the only input then"),
    ],
)
def test_what_does_not_go_together_is_said(refused, model, turns, arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused("predict", model, turns, *arguments, code=2, said=(said,))
    assert list(tmp_path.iterdir()) == []


def test_recordings_and_labels_beside_them_are_not_written_over(refused, model, turns, tmp_path):
    import shutil

    own = shutil.copy(turns, tmp_path / "own.flac")
    (tmp_path / "own.txt").write_text("mine")
    refused("predict", model, own, "--format", "audacity", "--out", tmp_path, code=2, said=("holds the recordings",))
    refused("predict", model, own, "--format", "csv", "--out", own, code=2, said=("is one of the recordings",))
    assert (tmp_path / "own.txt").read_text() == "mine"
    assert Path(own).read_bytes() == turns.read_bytes()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--window", "0"), ("--hop", "-1"), ("--threshold", "1.5"), ("--release", "0"), ("--min-duration", "x")],
)
def test_numbers_out_of_range_end_the_call(audioft_command, model, turns, option, value):
    code, out, err = audioft_command("predict", model, turns, f"{option}={value}")
    assert (code, out) == (2, "")
    assert option in err


def test_a_break_is_a_row(predict, turns, tmp_path):
    data, rate = soundfile.read(turns)
    soundfile.write(tmp_path / "broken.wav", data, rate)
    whole = (tmp_path / "broken.wav").read_bytes()
    (tmp_path / "broken.wav").write_bytes(whole[: 44 + 2 * 2 * RATE])
    given = (tmp_path / "broken.wav", turns, tmp_path / "gone.wav", "--window", 0.5)
    summed = rows(predict(*given, "--what", "summary", code=1)[0])
    assert [(Path(r["path"]).name, r["label"], r["duration"], bool(r["error"])) for r in summed] == [
        *(("broken.wav", label, "2.000000", True) for label in ("high", "low")),
        *((turns.name, label, "5.250000", False) for label in ("high", "low")),
    ]
    out, err = predict(*given, "--what", "segments", code=1)
    found = rows(out)
    (said,) = [r for r in found if r["error"]]
    assert said["path"] == str(tmp_path / "broken.wav")
    assert float(said["start"]) == pytest.approx(2.0)
    assert "truncated or damaged" in said["error"]
    assert [r["label"] for r in found if r["path"] == said["path"]] == ["high", "low", ""]
    assert "gone.wav: no such file or folder" in err
    assert "2 of 3 inputs could not be labelled to their end" in err
    predict(*given, "--format", "audacity", "--out", tmp_path / "labels", code=1)
    last = (tmp_path / "labels" / "broken.txt").read_text().splitlines()[-1].split("\t")
    assert last[0] == last[1] == "2.000000"
    assert last[2].startswith("breaks off: ")
    listed = (tmp_path / "labels" / "failures.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in listed[1:]] == [str(tmp_path / "broken.wav"), str(tmp_path / "gone.wav")]
    predict(*given, "--format", "rttm", "--out", tmp_path / "s.rttm", code=1)
    assert ";; " in (tmp_path / "s.rttm").read_text()
    assert "breaks off at 2.000 s" in (tmp_path / "s.rttm").read_text()


@pytest.mark.slow
def test_five_hundred_recordings_of_which_ten_are_damaged(predict, tmp_path):
    rng = np.random.default_rng(0)
    suffixes = ("wav", "flac", "ogg", "mp3", "aiff")
    for i in range(490):
        rate = int(rng.choice([8000, 16000, 22050, 44100, 48000]))
        seconds = float(rng.uniform(0.2, 3.0))
        wave = 0.1 * rng.normal(size=(round(seconds * rate), int(rng.integers(1, 3))))
        soundfile.write(tmp_path / f"{i:03d}.{suffixes[i % 5]}", wave, rate)
    damaged = []
    for i in range(10):
        path = tmp_path / f"damaged {i}.wav"
        soundfile.write(path, 0.1 * rng.normal(size=3 * RATE), RATE)
        data = path.read_bytes()
        cut = (b"", b"nonsense" * 100, data[: len(data) // 2], data[:60], b"\0" * 5000)[i % 5]
        path.write_bytes(cut)
        damaged.append(path)
    out, err = predict(tmp_path, "--what", "summary", code=1)
    found = rows(out)
    assert len({r["path"] for r in found if not r["error"]}) == 490
    assert len([r for r in found if not r["error"]]) == 2 * 490
    assert {r["path"] for r in found if r["error"]} == {str(p) for p in damaged}
    assert "10 of 500 inputs could not be labelled to their end" in err
    for path in damaged:
        assert f"audioft: {path}: " in err
