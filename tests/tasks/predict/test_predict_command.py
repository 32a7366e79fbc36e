"""`audioft predict`: a row or a failure for each input, and the same score by every way."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from pathlib import Path

import makers
import numpy as np
import pytest
import soundfile


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def predict(audioft_command, trained):
    """`predict(*arguments) -> rows of the CSV on standard output`, of a call that goes well."""

    def call(*arguments, model=trained.folder) -> list[dict[str, str]]:
        code, out, err = audioft_command("predict", model, *arguments)
        told = [line for line in err.splitlines() if " left out: " not in line]  # texts beside recordings
        assert (code, told) == (0, [])
        return table(out)

    return call


def test_one_row_an_input_in_their_order(predict, two_tones):
    given = [two_tones / "low" / "low_03.wav", two_tones / "high" / "high_01.wav", two_tones / "low" / "low_00.wav"]
    rows = predict(*given)
    assert [r["path"] for r in rows] == [str(p) for p in given]
    assert list(rows[0]) == ["path", "label", "score"]
    assert all(r["label"] in ("high", "low") and 0.5 <= float(r["score"]) <= 1 for r in rows)


def test_top_k_and_all_scores_add_columns(predict, two_tones):
    rows = predict(two_tones / "low", "--top-k", 5, "--all-scores")
    assert list(rows[0]) == ["path", "label", "score", "label_2", "score_2", "score:high", "score:low"]
    for r in rows:
        assert {r["label"], r["label_2"]} == {"high", "low"}
        assert float(r["score"]) >= float(r["score_2"])
        assert float(r["score:high"]) + float(r["score:low"]) == pytest.approx(1, abs=2e-6)
        assert r[f"score:{r['label']}"] == r["score"]


def test_several_labels_reach_their_thresholds(predict, trained_several, chords):
    rows = predict(chords, "--all-scores", model=trained_several.folder)
    assert list(rows[0]) == ["path", "label", "score", "labels", "score:high", "score:low", "score:mid"]
    card = json.loads((trained_several.model / "audioft.json").read_text())
    limits = dict(zip(card["labels"], card["thresholds"], strict=True))
    for r in rows:
        given = [x for x in r["labels"].split(";") if x]
        near = [x for x in limits if abs(float(r[f"score:{x}"]) - limits[x]) < 2e-6]  # six digits are written
        wanted = [x for x in limits if float(r[f"score:{x}"]) >= limits[x]]
        assert [x for x in given if x not in near] == [x for x in wanted if x not in near]


def test_json_lines_hold_the_same(audioft_command, predict, trained, two_tones, tmp_path):
    rows = predict(two_tones, "--all-scores")
    out = tmp_path / "deep" / "p.jsonl"
    assert audioft_command("predict", trained.folder, two_tones, "--out", out, "--top-k", 2, "--all-scores")[0] == 0
    entries = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(e["path"], e["label"], f"{e['score']:.6f}") for e in entries] == [
        (r["path"], r["label"], r["score"]) for r in rows
    ]
    assert set(entries[0]["scores"]) == {"high", "low"}
    assert [t["label"] for t in entries[0]["top"]] == sorted(
        entries[0]["scores"], key=lambda x: -entries[0]["scores"][x]
    )


def _counts(printed: str) -> str:
    most = Counter(row["label"] for row in table(printed)).most_common()
    return ", ".join(f"{label} {count}" for label, count in most)


def test_a_file_holds_what_standard_output_would(audioft_command, trained, two_tones, tmp_path):
    _, printed, _ = audioft_command("predict", trained.folder, two_tones)
    code, out, err = audioft_command("predict", trained.folder, two_tones, "--out", tmp_path / "p.csv")
    assert (code, out, err) == (0, "", f"12 rows written to {tmp_path / 'p.csv'}: {_counts(printed)}\n")
    assert (tmp_path / "p.csv").read_text() == printed
    assert not (tmp_path / "p.failures.csv").exists()


def test_what_fails_goes_to_a_table_of_its_own_and_the_code_tells(audioft_command, trained, two_tones, tmp_path):
    (tmp_path / "bad.wav").write_text("no")
    call = ("predict", trained.folder, two_tones / "low", tmp_path / "bad.wav", tmp_path / "gone.wav")
    code, out, err = audioft_command(*call)
    assert (code, len(table(out))) == (1, 6)
    assert "2 of 8 inputs could not be labelled" in err
    assert audioft_command(*call, "--out", tmp_path / "p.csv")[0] == 1
    with open(tmp_path / "p.failures.csv", newline="", encoding="utf-8") as f:
        assert [Path(r["path"]).name for r in csv.DictReader(f)] == ["bad.wav", "gone.wav"]
    # the table of an earlier call does not outlive a call without failures
    again = ("predict", trained.folder, two_tones, "--out", tmp_path / "p.csv")
    assert audioft_command(*again, "--overwrite")[0] == 0
    assert not (tmp_path / "p.failures.csv").exists()


def test_how_much_goes_through_at_once_changes_no_score(predict, tmp_path):
    for i in range(7):
        makers.tone(tmp_path / f"{i}.wav", 200 + 300 * i, 0.05 + 0.37 * i, seed=i)
    many, one = (predict(tmp_path, "--all-scores", "--batch-seconds", s) for s in (60, 1))
    for a, b in zip(many, one, strict=True):
        assert a["path"] == b["path"]
        assert float(a["score:high"]) == pytest.approx(float(b["score:high"]), abs=1e-5)


def test_predict_and_evaluate_give_one_score(audioft_command, predict, trained, two_tones, tmp_path):
    rows = predict(two_tones, "--all-scores")
    assert audioft_command("evaluate", trained.folder, two_tones, "--out", tmp_path / "e")[0] == 0
    with open(tmp_path / "e" / "predictions.csv", newline="", encoding="utf-8") as f:
        scored = {r["path"]: r for r in csv.DictReader(f)}
    assert len(scored) == len(rows) == 12
    for r in rows:
        other = scored[Path(r["path"]).relative_to(two_tones).as_posix()]
        column = next(c for c in other if c.startswith("score") and c.endswith("high"))
        assert float(r["score:high"]) == pytest.approx(float(other[column]), abs=2e-6)


def test_a_long_recording_gets_the_mean_of_its_windows(predict, tmp_path, trained):
    rng = np.random.default_rng(4)
    time = np.arange(25 * makers.RATE) / makers.RATE
    wave = (0.3 * np.sin(2 * np.pi * (200 + 90 * time) * time) + rng.normal(0, 0.05, len(time))).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", wave, makers.RATE, subtype="FLOAT")
    for i, begin in enumerate((0, 10, 15)):  # the last window is moved back
        part = wave[begin * makers.RATE : (begin + 10) * makers.RATE]
        soundfile.write(tmp_path / f"part_{i}.wav", part, makers.RATE, subtype="FLOAT")
    long, *parts = (
        float(predict(tmp_path / f"{n}.wav", "--all-scores", "--window", 10)[0]["score:high"])
        for n in ("long", "part_0", "part_1", "part_2")
    )
    assert np.ptp(parts) > 1e-3  # otherwise any weighting would do
    assert long == pytest.approx(np.mean(parts), abs=1e-5)


def test_a_window_is_by_default_as_long_as_the_clips_trained_on(predict, tmp_path, trained):
    assert json.loads((trained.model / "audioft.json").read_text())["window"] == 0.5
    makers.tone(tmp_path / "long.wav", seconds=1.7)
    (default,) = predict(tmp_path / "long.wav")
    (same,) = predict(tmp_path / "long.wav", "--window", 0.5, "--hop", 0.5)
    (other,) = predict(tmp_path / "long.wav", "--window", 1.0)
    assert default == same != other


def test_folders_are_searched_in_depth_and_patterns_are_expanded(predict, tmp_path):
    for name in ("a.wav", "deep/b.flac", "deep/deeper/ç 数据 [1].wav", "deep/.hidden/c.wav"):
        makers.tone(tmp_path / name)
    (tmp_path / "deep" / "notes.txt").write_text("not audio, and nobody asked for it")

    def names(*given) -> list[str]:
        return [Path(r["path"]).relative_to(tmp_path).as_posix() for r in predict(*given)]

    everything = ["a.wav", "deep/b.flac", "deep/deeper/ç 数据 [1].wav"]
    assert names(tmp_path) == everything
    assert sorted(names(tmp_path / "**" / "*.wav")) == [everything[0], everything[2]]
    assert names(tmp_path / "deep" / "*.flac") == ["deep/b.flac"]
    assert names(tmp_path / everything[2]) == [everything[2]]  # brackets in a name are no pattern
    assert names(tmp_path / "a.wav", tmp_path) == everything  # each file once


def test_any_rate_length_and_container_is_heard(predict, tmp_path):
    rng = np.random.default_rng(0)
    for rate, suffix in ((8000, "wav"), (44100, "flac"), (48000, "ogg"), (96000, "aiff")):
        sound = 0.3 * np.sin(2 * np.pi * 440 * np.arange(rate // 3) / rate) + 0.01 * rng.normal(size=rate // 3)
        soundfile.write(tmp_path / f"{rate}.{suffix}", sound, rate)
    assert len(predict(tmp_path)) == 4
