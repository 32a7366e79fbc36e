"""The one sentence: how good, what is weakest, and between what it may lie."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from made_predictions import multi, predictions, single

from audioft.evaluation.clip_report import make_report
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.sentence import share


def report_of(truth, given, labels=("chainsaw", "dog", "rain"), **how):
    scores = np.eye(len(labels))[given]
    return make_report(predictions(scores, np.eye(len(labels))[truth], labels=labels), "test", **how)


def bounded(report, name, low, high):
    e = report.metrics[name]
    return dataclasses.replace(report, metrics=report.metrics | {name: Estimate(e.value, low, high)})


def test_what_it_says_of_one_label_a_clip():
    truth = [0] * 10 + [1] * 9 + [2] * 9
    given = [2] * 4 + [0] * 6 + [1] * 9 + [2] * 9
    report = bounded(report_of(truth, given, resamples=10), "accuracy", 0.704, 0.951)
    assert report.sentence == "Right in 86 of 100; weakest: chainsaw, taken for rain; 28 clips, so between 70 and 95."


def test_what_is_taken_for_the_weakest_is_told_where_it_is_never_mistaken_itself():
    report = report_of([0, 1, 1, 1, 1, 2], [0, 0, 0, 1, 1, 2], resamples=0)
    assert report.sentence == "Right in 67 of 100; weakest: chainsaw, which dog is taken for; 6 clips."


def test_without_a_mistake_none_is_made_up():
    report = report_of([0, 1, 2], [0, 1, 2], resamples=0)
    assert report.sentence == "Right in 100 of 100; no label is mistaken; 3 clips."
    assert report_of([0], [0], resamples=0).sentence.endswith("1 clip.")


@pytest.mark.parametrize(("value", "said"), [(0.9999, "99"), (1.0, "100"), (0.0001, "1"), (0.0, "0"), (0.5, "50")])
def test_all_and_none_are_only_said_of_all_and_none(value, said):
    assert share(value) == said


def test_of_several_labels_a_clip_it_is_about_labels():
    report = bounded(make_report(multi(0), "test", resamples=10), "recall_micro", 0.5, 0.75)
    found, right = (share(report.figures[k]) for k in ("recall_micro", "precision_micro"))
    begins = f"Finds {found} of 100 labels that clips have; {right} of 100 that it gives are right; weakest: label "
    assert report.sentence.startswith(begins)
    assert report.sentence.endswith("60 clips, so between 50 and 75.")


def test_a_label_without_a_clip_is_not_the_weakest():
    report = make_report(single(0, absent=True), "test", resamples=0)
    assert "weakest: label 3" not in report.sentence


def test_a_report_of_before_has_a_sentence_too(tmp_path):
    report = make_report(single(0), "test", resamples=10)
    report.save(tmp_path / "report.json")
    assert type(report).load(tmp_path / "report.json").sentence == report.sentence


def test_of_several_labels_the_weakest_is_told_by_what_was_found_of_it():
    scores = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.9], [0.9, 0.1]])
    targets = np.array([[1, 1], [1, 1], [1, 1], [1, 0]])
    report = make_report(predictions(scores, targets, True, labels=("dog", "rain")), "test", resamples=0)
    said = "Finds 71 of 100 labels that clips have; 100 of 100 that it gives are right; "
    assert report.sentence == said + "weakest: rain, found in 1 of its 3 clips; 4 clips."
    report = make_report(predictions(1 - scores, 1 - targets, True, labels=("dog", "rain")), "test", resamples=0)
    assert "rain, right in 1 of the 3 clips it is given to" in report.sentence
