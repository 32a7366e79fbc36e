"""A threshold for recordings as a whole, and what is said of a table that was written."""

from __future__ import annotations

import csv
import json

import pytest

import audioft
from audioft.errors import DataError, UsageError


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


@pytest.fixture
def between(trained, two_tones):
    """A score that some recordings reach and others do not."""
    scores = sorted(p.score for p in audioft.predict(trained, two_tones))
    return round((scores[5] + scores[6]) / 2, 8)


def test_under_it_the_label_is_empty_and_the_score_stays(audioft_command, trained, two_tones, between, tmp_path):
    call = ("predict", trained.folder, two_tones)
    plain = rows(audioft_command(*call)[1])
    out = tmp_path / "p.csv"
    code, _, err = audioft_command(*call, "--threshold", between, "--out", out)
    found = rows(out.read_text())
    assert code == 0
    assert [r["score"] for r in found] == [r["score"] for r in plain]
    assert [r["label"] for r in found] == [r["label"] if float(r["score"]) >= between else "" for r in plain]
    assert {r["label"] == "" for r in found} == {True, False}
    assert f"12 rows written to {out}: " in err
    assert "no label 6" in err
    # gone on with as it was begun, and not otherwise
    kept = out.read_text()
    out.write_text("".join(kept.splitlines(keepends=True)[:-4]))
    assert audioft_command(*call, "--threshold", between, "--out", out, "--resume")[0] == 0
    assert out.read_text() == kept
    code, _, err = audioft_command(*call, "--out", out, "--resume")
    assert (code, "threshold: was" in err) == (2, True)


def test_json_lines_and_further_labels_hold_the_same(audioft_command, trained, two_tones, between):
    out = "--top-k", 2, "--threshold", between
    found = rows(audioft_command("predict", trained.folder, two_tones, *out)[1])
    assert all((r["label_2"] != "") == (float(r["score_2"]) >= between) for r in found)


def test_json_has_null_for_no_label(audioft_command, trained, two_tones, tmp_path):
    out = tmp_path / "p.jsonl"
    assert audioft_command("predict", trained.folder, two_tones, "--threshold", "1", "--out", out)[0] == 0
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert {(r["label"], 0 < r["score"] < 1) for r in found} == {(None, True)}


def test_several_labels_reach_it_in_place_of_the_models_own(audioft_command, trained_several, chords, tmp_path):
    call = ("predict", trained_several.folder, chords, "--all-scores")
    for least in (0.3, 0.6):
        for row in rows(audioft_command(*call, "--threshold", least)[1]):
            scores = {k.removeprefix("score:"): float(v) for k, v in row.items() if k.startswith("score:")}
            assert row["labels"] == ";".join(label for label, score in scores.items() if score >= least)
            assert row["label"] == max(scores, key=lambda label: scores[label])


def test_predictions_say_whether_their_label_reaches_it(trained, two_tones, between):
    for p in audioft.predict(trained, two_tones, threshold=between):
        assert p.labels == ((p.label,) if p.score >= between else ())


@pytest.mark.parametrize("option", ["--release", "--min-duration", "--close-gaps"])
def test_what_is_for_times_is_refused_without_them(refused, trained, two_tones, option):
    refused("predict", trained.folder, two_tones, option, "0.5", code=2, said=(f"{option}: for what happens when",))


def test_what_is_wrong_with_a_call_is_raised_by_the_call(tmp_path, trained):
    with pytest.raises(UsageError, match="model nix: no such folder"):
        audioft.predict("nix", tmp_path)
    with pytest.raises(DataError, match="nothing to label"):
        audioft.predict(trained, [])


def test_many_labels_are_told_in_short():
    from audioft.inference.tables import PredictionWriter

    writer = PredictionWriter("t.csv", ("a", "b"), False)
    writer.labelled.update({f"label {i:02d}": 20 - i for i in range(12)})
    writer.rows = writer.labelled.total()
    assert writer.told().startswith("174 rows written to t.csv: label 00 20, label 01 19, ")
    assert writer.told().endswith("label 07 13, 4 other labels 42")


def test_times_are_told_as_what_they_are(audioft_command, trained, two_tones, tmp_path):
    call = ("predict", trained.folder, two_tones / "low", "--out", tmp_path / "t.csv", "--what")
    for what, unit in (("windows", "windows"), ("summary", "rows"), ("segments", "segment")):
        err = audioft_command(*call, what, "--overwrite", "--threshold", "0.01")[2]
        assert unit in err, what
        told = next(line for line in err.splitlines() if line[0].isdigit())
        count = int(told.split()[0])
        assert count == len(rows((tmp_path / "t.csv").read_text()))
        assert sum(int(part.split()[-1]) for part in told.partition("csv: ")[2].split(",")) == count
