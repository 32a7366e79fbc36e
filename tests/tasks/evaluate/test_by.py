"""`evaluate --by`: planted faults are found, in recordings too; and what happens where nothing can be compared."""

from __future__ import annotations

import csv
import json

import makers
import pages
import pytest
import soundfile
import tiny
from scipy.signal import butter, sosfilt
from transformers import Wav2Vec2FeatureExtractor

import audioft
from audioft.errors import UsageError
from audioft.evaluation.report import Report

QUIET = audioft.Console(quiet=True)


def table(folder, rows):
    with open(folder / "metadata.csv", "w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, fieldnames=list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return folder / "metadata.csv"


def tones(folder, count=60, **columns):
    """`count` tones of two labels; `columns` are functions of a clip's number."""
    rows = []
    for i in range(count):
        label = ("low", "high")[i % 2]
        makers.tone(folder / f"{i}.wav", makers.PITCHES[label], seed=100 + i)
        rows.append({"file_name": f"{i}.wav", "label": label, **{k: of(i) for k, of in columns.items()}})
    return rows


@pytest.fixture
def filtered(tmp_path):
    """A table whose site `mill`, every third pair of clips, has a filter that takes the high tone."""
    rows = tones(tmp_path, site=lambda i: "mill" if i % 6 < 2 else "lake", day=lambda i: f"day {i // 2 % 5}", n=str)
    sos = butter(8, makers.PITCHES["high"] / 4, fs=makers.RATE, output="sos")
    for row in rows:
        if row["site"] == "mill":
            path = tmp_path / row["file_name"]
            samples, rate = soundfile.read(path)
            soundfile.write(path, sosfilt(sos, samples), rate)
    return table(tmp_path, rows)


def test_a_site_with_another_filter_is_found_named_and_kept(trained, filtered, tmp_path, audioft_command):
    code, out, err = audioft_command("evaluate", trained.folder, filtered, "--out", tmp_path / "out")
    assert code == 0, err
    assert "Worst: site=mill, 20 clips" in out
    report = Report.load(tmp_path / "out" / "report.json")
    assert report.slices.worst.name == "site=mill"
    assert report.slices["site=lake"].value > 0.9 > report.slices["site=mill"].value + 0.3
    assert not [row.name for row in report.slices.rows if row.told and "day" in row.name and "mill" not in row.name]
    assert report.slices.notes == ("no slices by n (nearly a value a clip)",)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    pages.check(page)
    assert "site=mill" in page


def test_only_what_is_asked_for_is_compared(trained, filtered):
    def names(by):
        found = audioft.evaluate(trained, filtered, by=by, resamples=10, console=QUIET).slices
        return None if found is None else {row.name for row in found.rows}

    assert names("site") == names(["site"]) == {"site=mill", "site=lake"}
    assert names("site*day") == set()  # no crossing has 20 clips
    assert names("none") is None
    with pytest.raises(UsageError, match=r"by='sit': the data has no such column: did you mean 'site'\?"):
        audioft.evaluate(trained, filtered, by="sit", console=QUIET)
    with pytest.raises(UsageError, match=r"known are .*site$"):
        audioft.evaluate(trained, filtered, by="weather", console=QUIET)


def test_what_makes_no_slices_is_said_where_it_was_asked_for(trained, filtered):
    found = audioft.evaluate(trained, filtered, by="n", console=QUIET).slices
    assert (found.rows, found.notes) == ((), ("no slices by n: nearly a value a clip",))


def test_one_sex_that_is_missing_from_training_is_found(small_encoder, tmp_path):
    """Women speak an octave higher: what a model that knows men alone takes for low is a woman's high."""
    rows, low = [], makers.PITCHES["low"]
    for i in range(80):
        sex, label = ("m", "f")[i // 2 % 2], ("low", "high")[i % 2]
        side = "test" if i >= 24 else "train"
        if side == "train":
            sex = "m"
        pitch = low * (2 if label == "high" else 1) * (2 if sex == "f" else 1)
        makers.tone(tmp_path / f"{i}.wav", pitch, seed=i)
        rows.append({"file_name": f"{i}.wav", "label": label, "split": side, "sex": sex})
    run = makers.train(table(tmp_path, rows), small_encoder, tmp_path / "run", data__valid=None)
    worst = run.report.slices.worst
    assert worst.name == "sex=f"
    assert worst.gap < -0.3


def test_folders_of_sites_make_slices_and_names_tell_days(trained, tmp_path):
    for i in range(40):
        label, site = ("low", "high")[i % 2], ("north", "south")[i // 2 % 2]
        name = f"REC_2024060{1 + i % 4}_0{i % 10}00{i:02d}.wav"
        makers.tone(tmp_path / label / site / name, makers.PITCHES[label], seed=i)
    slices = audioft.evaluate(trained, tmp_path, resamples=10, console=QUIET).slices
    names = {row.name for row in slices.rows}
    assert {"folder 2=north", "folder 2=south", "day=2024-06-01"} <= names
    assert not any(name.startswith("folder 1=") for name in names)  # it is the label


def test_a_report_without_columns_has_no_slices(trained, two_tones, tmp_path):
    report = audioft.evaluate(trained, two_tones, out=tmp_path / "out", side="all", console=QUIET)
    assert report.slices is None
    assert "slices" not in json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))


def test_several_labels_are_compared_by_their_f1(trained_several, chords):
    report = audioft.evaluate(trained_several, chords, side="all", by="place", console=QUIET)
    assert report.slices.metric == "f1_micro"
    rows = [row for row in report.slices.rows if row.name.startswith("place=")]
    assert sum(row.clips for row in rows) == report.clips
    assert "too few" in str(report).lower()


def test_slices_are_discovered_by_what_is_measured(trained, tmp_path):
    """Every third pair of clips is 30 dB quieter, and its labels are wrong; no column says so."""
    rows = tones(tmp_path, 240)
    for i, row in enumerate(rows):
        if i % 6 < 2:
            samples, rate = soundfile.read(tmp_path / row["file_name"])
            soundfile.write(tmp_path / row["file_name"], samples * 10 ** (-30 / 20), rate, subtype="FLOAT")
            row["label"] = {"low": "high", "high": "low"}[row["label"]]
    data = table(tmp_path, rows)
    slices = audioft.evaluate(trained, data, discover=True, resamples=10, console=QUIET).slices
    worst = slices.worst
    assert worst.kind == "discovered"
    assert worst.name.startswith(("level up to", "noise floor up to", "clips that sound alike"))
    assert len(worst.examples) == 5
    assert all(int(name.removesuffix(".wav")) % 6 < 2 for name in worst.examples)
    assert worst.value < 0.1


def test_too_few_clips_to_discover_anything_in_is_said(trained, two_tones):
    slices = audioft.evaluate(trained, two_tones, side="all", discover=True, console=QUIET).slices
    assert slices.notes == ("12 clips are too few to discover slices in; it takes 100",)


def test_what_happens_when_is_compared_by_recordings_and_nothing_is_discovered_in_it(trained, tmp_path):
    """At the mill the labels of both tones are swapped, in all 12 of its recordings."""
    rows = []
    for i in range(24):
        place, label = ("mill", "lake")[i % 2], ("low", "high")[i // 2 % 2]
        makers.tone(tmp_path / f"{i}.wav", makers.PITCHES[label], seconds=1.5, seed=i)
        said = label if place == "lake" else {"low": "high", "high": "low"}[label]
        rows.append({"file_name": f"{i}.wav", "start": 0.0, "end": 1.5, "label": said, "place": place})
    data = table(tmp_path, rows)
    report = audioft.evaluate(trained, data, events=True, by="place", discover=True, resamples=10, console=QUIET)
    assert report.slices.metric == "segment_f1"
    assert report.slices.worst.name == "place=mill"
    assert any(note.startswith("no slices are discovered") for note in report.notes)


def test_a_model_that_transformers_wrote_has_slices_and_is_searched_for_more(tmp_path):
    model = tiny.make_model("wav2vec2", "ForSequenceClassification", num_labels=2)
    model.config.id2label, model.config.label2id = {0: "low", 1: "high"}, {"low": 0, "high": 1}
    model.save_pretrained(tmp_path / "model")
    Wav2Vec2FeatureExtractor(return_attention_mask=False).save_pretrained(tmp_path / "model")
    (tmp_path / "data").mkdir()
    data = table(tmp_path / "data", tones(tmp_path / "data", 110, site=lambda i: "ab"[i // 2 % 2]))
    found = audioft.evaluate(tmp_path / "model", data, by="site", discover=True, resamples=10, console=QUIET).slices
    assert {row.name for row in found.rows if row.kind == "column"} == {"site=a", "site=b"}
    assert found.tests == 1 + 5  # of discovered slices as many are counted, found or not
    assert not found.notes
