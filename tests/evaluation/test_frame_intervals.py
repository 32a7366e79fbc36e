"""The interval of the average precision over frames, against drawing recordings anew and computing it of all frames."""

from __future__ import annotations

import numpy as np
import pytest

from audioft.annotations.event import Event
from audioft.evaluation import frame_intervals
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.event_report import make_event_report
from audioft.evaluation.frame_intervals import frame_bounds
from audioft.evaluation.ranking import frame_average_precision

LABELS = ("a", "b", "c")


def recordings(count, apart, seed=0, frames=60, rounding=6):
    """Recordings with events of a second; of the last label there are none."""
    random = np.random.default_rng(seed)
    heard, pairs = [], []
    for i in range(count):
        there = random.random((frames // 10, 3)) < (0.3, 0.2, 0.0)
        true = np.repeat(there, 10, axis=0).astype(float)
        scores = (random.normal(0, 1, true.shape) + apart * true).round(rounding)
        own = [Event(LABELS[c], float(s), s + 1.0) for s, c in zip(*np.nonzero(there), strict=True)]
        heard.append(Heard(f"{i}.wav", frames / 10, own, []))
        pairs.append((scores, true))
    return heard, pairs


def mean_of(pairs):
    return frame_average_precision([s for s, _ in pairs], [t for _, t in pairs])


def found(count, apart, resamples=200, **how):
    heard, pairs = recordings(count, apart, **how)
    mean = mean_of(pairs)[0]
    return mean, frame_bounds(mean, heard, pairs, LABELS, resamples, 0)


@pytest.mark.parametrize("rounding", [0, 6])
@pytest.mark.parametrize("classes", [8, 256])
def test_what_is_drawn_of_classes_is_what_is_drawn_of_all_frames(monkeypatch, rounding, classes):
    monkeypatch.setattr(frame_intervals, "CLASSES", classes)
    heard, pairs = recordings(12, 1.0, rounding=rounding)
    seen = {}
    of_draws = frame_intervals.effective_size.of_draws

    def noted(value, drawn, basis):
        return seen.update(drawn=drawn, basis=basis) or of_draws(value, drawn, basis)

    monkeypatch.setattr(frame_intervals.effective_size, "of_draws", noted)
    frame_bounds(mean_of(pairs)[0], heard, pairs, LABELS, 400, 0)
    random = np.random.default_rng(1)
    again = [mean_of([pairs[i] for i in random.integers(12, size=12)])[0] for _ in range(400)]
    assert seen["drawn"].mean() == pytest.approx(np.mean(again), abs=0.01)
    assert seen["drawn"].std() == pytest.approx(np.std(again), rel=0.2)
    counts = [len(r.reference) for r in heard]
    assert seen["basis"].counts.tolist() == counts


def test_more_recordings_make_it_narrower_and_perfect_scores_no_point():
    widths = []
    for count in (4, 16, 64):
        mean, (low, high) = found(count, 1.0)
        assert low < mean < high
        widths.append(high - low)
    assert widths[0] > widths[1] > widths[2]
    mean, (low, high) = found(16, 20.0)
    assert (mean, high) == (1.0, 1.0)
    assert 0.7 < low < 0.99


def test_where_there_is_none():
    assert np.isnan(found(1, 1.0)[1]).all()
    assert np.isnan(found(8, 1.0, resamples=0)[1]).all()
    heard, pairs = recordings(4, 1.0)
    assert np.isnan(frame_bounds(float("nan"), heard, pairs, LABELS, 50, 0)).all()


def test_the_report_of_events_has_it():
    heard, pairs = recordings(8, 1.0)
    report = make_event_report(LABELS, heard, pairs, "test", (0.5,) * 3, resamples=50)
    assert report.metrics["map"].low < report.metrics["map"].value < report.metrics["map"].high
    row = next(line for line in str(report).splitlines() if "mean average precision" in line.lower() or "mAP" in line)
    assert "–" in row
