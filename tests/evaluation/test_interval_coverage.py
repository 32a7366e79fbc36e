"""Intervals hold as often as they say, in some of the cases of the benchmark; the middle 95 % of resamples do not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from interval_coverage import CASES, Case, coverage, lines


@pytest.mark.parametrize(
    ("case", "figures", "replicates"),
    [
        (Case("one", 20, 0.95), ("accuracy", "f1_macro", "balanced_accuracy", "recall of a label"), 120),
        (Case("one", 40, 0.95, grouped=True), ("accuracy", "f1_macro", "precision_macro"), 120),
        (Case("several", 20, 0.99), ("roc_auc", "map"), 80),
        (Case("events", 8, 0.95), ("event_f1", "event_recall", "segment_error_rate"), 120),
        (Case("frames", 8, 0.99), ("map of frames",), 40),
        (Case("speakers", 5, 2.5), ("EER",), 25),
        (Case("curves", 20, 0.99), ("after 40 a label",), 30),
    ],
    ids=str,
)
def test_they_hold_where_the_middle_of_resamples_does_not(case, figures, replicates):
    found = coverage(case, replicates, resamples=40)
    for name in figures:
        assert found[name].ours >= 0.93, name
        assert found[name].middle < 0.9, name
        assert found[name].width < 0.95, name  # from 0 to 1 everything holds


def test_they_are_no_wider_than_they_must_be():
    """Of many clips with many errors both agree."""
    found = coverage(Case("one", 300, 0.7), 60, resamples=60)
    for name in ("accuracy", "f1_macro"):
        assert 0.85 <= found[name].ours < 1
        assert found[name].width < 0.13  # 2 x 1.96 standard errors are 0.104


def test_the_table_has_the_worst_of_each_size():
    cases = [c for c in CASES if c.kind == "events" and c.size == 8]
    found = {c: coverage(c, 2, resamples=5) for c in cases}
    worst = 100 * min(figures["event_f1"].ours for figures in found.values())
    (row,) = [line for line in lines(found) if line.startswith("| event_f1 |")]
    assert f"/ {worst:.1f} (" in row
