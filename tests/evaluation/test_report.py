from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from made_predictions import multi, predictions, single

from audioft.errors import UsageError
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import as_html
from audioft.evaluation.metrics import compute
from audioft.evaluation.report import Report
from audioft.evaluation.text import fit, width
from audioft.models.heard import TOO_GOOD


def test_it_holds_the_figures_with_intervals_and_says_what_was_resampled():
    p = single(0)
    report = make_report(p, "test", resamples=100)
    accuracy = report.metrics["accuracy"]
    assert next(iter(report.metrics)) == report.main == "accuracy"
    assert accuracy.value == compute(p)["accuracy"]
    assert accuracy.low < accuracy.value < accuracy.high
    assert (report.clips, report.groups, report.unit, report.thresholds) == (60, 60, "clips", None)
    assert np.trace(report.confusion) / 60 == pytest.approx(accuracy.value)


def test_one_clip_is_one_clip():
    report = dataclasses.replace(make_report(single(0), "test", resamples=0), clips=1, groups=1)
    assert str(report).startswith("test: 1 clip, ")
    assert str(dataclasses.replace(report, clips=2)).startswith("test: 2 clips in 1 group, ")


def test_several_labels_have_thresholds_and_no_confusion():
    report = make_report(multi(0), "valid", thresholds=[0.2, 0.4, 0.6, 0.8], resamples=20)
    assert next(iter(report.metrics)) == report.main == "map"
    assert list(report.thresholds.values()) == [0.2, 0.4, 0.6, 0.8]
    assert report.confusion is None
    assert "threshold" in str(report)


@pytest.mark.parametrize("kind", [single, multi])
def test_what_is_saved_is_strict_json_and_comes_back(tmp_path, kind):
    p = kind(1)
    scores = np.column_stack([p.scores, np.zeros(len(p))])
    targets = np.column_stack([p.targets, np.zeros(len(p))])
    labels = ("a", "犬", '"', "\udcff", "absent")
    report = make_report(predictions(scores, targets, p.multilabel, labels=labels), "test", resamples=10)
    report.save(tmp_path / "new" / "report.json")
    text = (tmp_path / "new" / "report.json").read_text(encoding="utf-8")
    assert json.loads(text, parse_constant=lambda name: pytest.fail(name))["classes"][4]["roc_auc"] is None
    again = Report.load(tmp_path / "new" / "report.json")
    assert math.isnan(again.classes[4]["roc_auc"])
    assert (again.to_dict(), str(again), again.labels) == (report.to_dict(), str(report), labels)
    assert any("no clip has the label absent" in note for note in again.notes)


@pytest.mark.parametrize("text", ["{", "[]", '{"format": "audioft-report", "format_version": 99}',
                                  '{"format": "audioft-report", "format_version": 1}'])  # fmt: skip
def test_a_file_that_is_no_report_is_refused(tmp_path, text):
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(UsageError, match=r"r\.json"):
        Report.load(tmp_path / "r.json")
    with pytest.raises(UsageError, match="missing"):
        Report.load(tmp_path / "missing.json")


def test_text_names_each_class_and_keeps_columns_under_wide_letters():
    labels = ("dog", "犬の声", "a\u0301\x1b[31m", "x" * 60)
    p = single(0)
    text = str(make_report(predictions(p.scores, p.targets, labels=labels), "test", resamples=10))
    assert "\x1b" not in text
    assert "犬の声" in text
    lines = text.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("label"))
    assert len({width(line) for line in lines[head : head + 5]}) == 1
    assert "* accuracy" in text
    assert "most often confused" in text


def test_of_many_classes_the_worst_and_best_are_shown():
    report = make_report(single(0, count=300, classes=30), "test", resamples=0)
    assert "(15 more labels" in str(report)
    worst = min(report.classes, key=lambda c: c["f1"])["label"]
    best = max(report.classes, key=lambda c: c["f1"])["label"]
    table = str(report).split("most often")[0]
    assert worst in table
    assert best in table
    assert "95 %" not in str(report)


def test_unknown_targets_are_noted():
    report = make_report(multi(0, masked=True), "test", resamples=10)
    assert "targets are unknown" in str(report)
    assert report.caution == ""


@pytest.mark.parametrize(
    ("count", "each", "classes", "said"),
    [
        (2, 1, 2, ("Too few clips to say much: 1 of each label.", "accuracy may be anything from 0.16 to 1.")),
        (7, 1, 2, ("Too few clips to say much: 7 clips.", "from 0.59 to 1.", "at least 10 of each label")),
        (60, 20, 2, ("Too few groups to say much: 60 clips in 3 groups.", "at least 10 groups")),
        (60, 60, 2, ("60 clips in 1 group. Nothing is known of other groups, so there are no intervals.",)),
        (20, 1, 10, ("Too few clips to say much: 2 of each label.", "from 0.83 to 1.")),
        (24, 1, 10, ("Too few clips to say much: 2 to 3 of a label.",)),
        (60, 1, 4, ()),
        (60, 6, 4, ()),
    ],
)
def test_too_little_to_say_much_is_said_first(count, each, classes, said):
    targets = np.eye(classes)[np.arange(count) % classes]
    report = make_report(predictions(targets, targets, each=each), "test", resamples=50)
    first = " ".join(str(report).split("\n\n")[0].split())
    assert bool(report.caution) == bool(said) == (first == report.caution)
    assert first.startswith("Too few") == bool(said)
    for words in said:
        assert words in first
    assert "nan" not in first


@pytest.mark.parametrize("kind", [single, multi])
def test_that_the_model_was_trained_on_the_clips_is_said_first_and_once(kind):
    trained, validated = f"3 of 60 clips were trained on by this run: {TOO_GOOD}", "2 of 60 clips were validated on"
    report = dataclasses.replace(make_report(kind(0), "test", resamples=50), notes=[validated, trained])
    for text in (str(report), as_html(report, [], {})):
        assert text.count(trained) == text.count(validated) == 1
        assert text.index(trained) < text.index("F1") < text.index(validated)
    assert "some of which the model was trained on" in report.sentence
    assert "so between" not in report.sentence
    assert "trained on" in repr(report)
    assert "trained on" not in repr(dataclasses.replace(report, notes=[validated]))


def test_a_label_that_no_clip_has_is_neither_found_nor_missed():
    report = make_report(single(0, absent=True), "test", resamples=50)
    line = next(x for x in str(report).splitlines() if x.startswith("label 3"))
    assert line.split()[2:5] == ["0", "0.000", "–"]
    assert line.split()[-2:] == ["–", "–"]


def test_without_intervals_it_is_said_all_the_same():
    report = make_report(single(0, count=5), "test", resamples=0)
    assert report.caution.startswith("Too few clips to say much: ")
    assert "anything" not in report.caution
    assert "95 %" not in str(report)


def test_a_rare_label_among_common_ones_is_noted():
    targets = np.eye(3)[[0] * 20 + [1] * 20 + [2] * 2]
    report = make_report(predictions(targets, targets), "test", resamples=10)
    assert report.caution == ""
    assert any("fewer than 3 clips have the label label 2" in note for note in report.notes)


def test_each_label_has_the_interval_of_its_recall(tmp_path):
    report = make_report(single(0), "test", resamples=10)
    for row in report.classes:
        assert 0 <= row["recall_low"] <= row["recall"] <= row["recall_high"] <= 1
        assert f"{row['recall_low']:.3f} – {row['recall_high']:.3f}" in str(report)


def test_a_report_of_before_there_was_caution_or_an_interval_of_recalls_is_read(tmp_path):
    make_report(single(0, count=5), "test", resamples=10).save(tmp_path / "report.json")
    old = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    del old["caution"]
    for row in old["classes"]:
        del row["recall_low"], row["recall_high"]
    (tmp_path / "report.json").write_text(json.dumps(old), encoding="utf-8")
    report = Report.load(tmp_path / "report.json")
    assert report.caution == ""
    assert "95 % interval " not in str(report)
    assert "accuracy" in as_html(report, [], {})


def test_cutting_a_label_counts_columns():
    assert fit("犬" * 20, 9) == "犬犬犬犬…"
    assert fit("dog", 9) == "dog"
