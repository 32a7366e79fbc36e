"""Learning curves: power laws found again in made-up errors, draws by seed, groups, and what is said of more clips."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from audioft.evaluation.effective_size import of_clips
from audioft.tasks.learning_curve import draws
from audioft.tasks.learning_curve.curve_report import LearningCurve, png
from audioft.tasks.learning_curve.draws import (
    METHODS,
    Outlook,
    Point,
    by_probe,
    by_prototypes,
    draw,
    measure,
    outlook,
    sizes,
)
from audioft.tasks.learning_curve.power_law import PowerLaw, fit

SIZES = np.array([1, 2, 5, 10, 20, 40.0])


@pytest.mark.parametrize("law", [PowerLaw(0.1, 0.6, 0.5), PowerLaw(0.0, 0.5, 0.25), PowerLaw(0.3, 0.5, 1.2)], ids=str)
def test_a_power_law_is_found_again(law):
    errors = [law.error(n) for n in SIZES]
    found = fit(SIZES, errors)
    assert (found.a, found.b, found.c) == pytest.approx((law.a, law.b, law.c), abs=0.02)
    assert fit(SIZES, errors, start=found).error(160) == pytest.approx(law.error(160), abs=1e-3)


def test_what_is_uncertain_counts_less():
    law = PowerLaw(0.1, 0.6, 0.5)
    errors = np.array([law.error(n) for n in SIZES])
    errors[0] -= 0.3
    sigma = np.array([1, 0.01, 0.01, 0.01, 0.01, 0.01])
    assert fit(SIZES, errors, sigma).error(160) == pytest.approx(law.error(160), abs=0.005)
    assert abs(fit(SIZES, errors).error(160) - law.error(160)) > 0.015


def test_no_law_where_there_is_none():
    with pytest.raises(ValueError, match="3 numbers of clips, and a curve needs 4"):
        fit([1, 2, 3], [0.5, 0.4, 0.3])
    with pytest.raises(ValueError, match=r"^there is 1 number of clips, and a curve needs 4"):
        fit([1], [0.5])
    with pytest.raises(ValueError, match="does not fall"):
        fit(SIZES, [0.3, 0.3, 0.2, 0.3, 0.3, 0.3])


def test_draws_are_of_the_seed_balanced_and_one_within_the_next():
    labels = np.array(["a"] * 9 + ["b"] * 3 + ["c"] * 6)
    first = draw(labels, 4, seed=1, number=0)
    assert np.array_equal(first, draw(labels, 4, seed=1, number=0))
    assert [int((labels[first] == x).sum()) for x in "abc"] == [4, 3, 4]
    assert len(set(first.tolist())) == len(first)
    assert set(draw(labels, 2, 1, 0)) < set(first)
    assert len({tuple(draw(labels, 4, 1, d)) for d in range(10)}) > 5
    assert len({tuple(draw(labels, 4, s, 0)) for s in range(10)}) > 5
    assert sizes(labels, [20, 9, 4, 1, 4]) == [1, 4]


def blobs(each: int = 30, spread: float = 1.6, seed: int = 0):
    """Three labels, half of their clips to learn from."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.array(["x", "y", "z"]), each)
    x = np.eye(3)[np.repeat(range(3), each)] @ rng.normal(size=(3, 8)) + rng.normal(0, spread, (3 * each, 8)) / 2 + 3
    learn, test = np.arange(0, 3 * each, 2), np.arange(1, 3 * each, 2)
    return x.astype(np.float32), labels, learn, test


def test_prototypes_are_the_nearest_centred_mean_directions():
    x, labels, learn, test = blobs()
    mean = x[learn].astype(float).mean(0)

    def unit(v):
        return v / np.linalg.norm(v, axis=-1, keepdims=True)

    z = unit(x[learn] - mean)
    made = {c: unit(z[labels[learn] == c].mean(0)) for c in "xyz"}
    expected = [max("xyz", key=lambda c, v=v: float(unit(v - mean) @ made[c])) for v in x[test].astype(float)]
    assert by_prototypes(x[learn], labels[learn], x[test]).tolist() == expected


def test_points_are_means_over_draws_of_the_learn_side_alone():
    x, labels, learn, test = blobs()
    told: list[int] = []
    points = measure(x, labels, learn, test, shots=[2, 5, 99], draws=4, seed=3, progress=told.append)
    assert told == list(range(1, 10))
    assert [p.shots for p in points] == [2, 5, None]
    assert [p.clips for p in points] == [6, 15, 45]
    rows = learn[draw(labels[learn], 5, 3, 2)]
    for method, way in (("prototypes", by_prototypes), ("probe", by_probe)):
        right = way(x[rows], labels[rows], x[test]) == labels[test]
        assert np.array_equal(points[1].hits[method][2], right)
        assert points[1].accuracy(method) == pytest.approx(points[1].hits[method].mean())
        low, high = points[1].interval(method)
        assert low <= points[1].accuracy(method) <= high
        low, high = points[-1].interval(method)
        assert low < points[-1].accuracy(method) < high or high == 1
        x_changed = x.copy()
        x_changed[test] = 0
    again = measure(x_changed, labels, learn, test, shots=[5], draws=1, seed=3)
    assert again[0].hits["probe"].mean() < points[1].accuracy("probe")  # the tested clips are only asked about


def made_points(law: PowerLaw, draws: int = 40, tested: int = 400, seed: int = 0) -> list[Point]:
    rng = np.random.default_rng(seed)
    hard = rng.random(tested)  # how hard each clip is, the same at all sizes

    def hits(n: int, times: int) -> np.ndarray:
        return hard + rng.normal(0, 0.02, (times, tested)) > law.error(n)

    shots = [1, 3, 10, 30]
    points = [Point(n, 4 * n, 4, {m: hits(n, draws) for m in METHODS}) for n in shots]
    return [*points, Point(None, 400, 4, {m: hits(100, 1) for m in METHODS})]


def test_what_more_would_bring_is_expected_within_its_band():
    law = PowerLaw(0.05, 0.5, 0.4)
    points = made_points(law)
    found = outlook(points, "probe", np.arange(400), seed=0)
    assert isinstance(found, Outlook)
    for factor in (2, 4):
        x = found.expected[factor]
        assert x.low < x.accuracy < x.high
        assert x.low < 1 - law.error(factor * 100) < x.high
        assert x.gain == pytest.approx(law.error(100) - law.error(factor * 100), abs=0.015)
        assert x.gain_low <= x.gain <= x.gain_high
        assert x.gain_high - x.gain_low < x.high - x.low
    assert outlook(points, "probe", np.arange(400), seed=0) == found
    whole = outlook(points, "probe", np.arange(400) // 40, seed=0)  # ten groups say less than 400 clips
    assert isinstance(whole, Outlook)
    assert whole.expected[2].high - whole.expected[2].low != found.expected[2].high - found.expected[2].low


def test_an_interval_is_over_tested_clips_and_over_draws():
    same = np.tile(np.arange(100) < 80, (10, 1))
    point = Point(1, 4, 4, {"probe": same})
    assert point.interval("probe") == pytest.approx(of_clips(same[0], np.arange(100)))
    few = Point(1, 4, 4, {"probe": same}, np.arange(100) // 20)
    perfect = Point(1, 4, 4, {"probe": same | True})
    assert perfect.interval("probe") == pytest.approx((0.025**0.01, 1))
    widths = [high - low for low, high in (p.interval("probe") for p in (perfect, point, few))]
    assert widths[0] < widths[1] < widths[2]
    half = Point(1, 4, 4, {"probe": np.repeat([[True], [False]], 5, 0) | (np.arange(100) < 60)})
    low, high = half.interval("probe")
    assert high - low > 1.5 * widths[1]  # ten draws, half of them by far the better


def test_a_group_of_like_clips_widens_the_band(monkeypatch):
    monkeypatch.setattr(draws, "RESAMPLES", 100)
    points = made_points(PowerLaw(0.05, 0.5, 0.4))
    order = np.argsort(points[0].hits["probe"].mean(0), kind="stable")
    groups = np.empty(400, int)
    groups[order] = np.arange(400) // 20  # hard clips together
    alone, together = (outlook(points, "probe", g, 0) for g in (np.arange(400), groups))
    assert isinstance(alone, Outlook)
    assert isinstance(together, Outlook)
    assert together.expected[2].high - together.expected[2].low > 1.3 * (alone.expected[2].high - alone.expected[2].low)


def test_why_nothing_can_be_said_is_said():
    points = made_points(PowerLaw(0.05, 0.5, 0.4))
    groups = np.arange(400)
    assert "3 numbers of clips" in str(outlook(points[2:], "probe", groups, 0))
    assert "does not fall" in str(outlook([points[-1]] * 4, "probe", groups, 0))
    perfect = [Point(p.shots, p.clips, 4, {m: h | True for m, h in p.hits.items()}) for p in points]
    assert "right already" in str(outlook(perfect, "probe", groups, 0))


def curve(points: list[Point]) -> LearningCurve:
    outlooks = {m: outlook(points, m, np.arange(400), 0) for m in METHODS}
    return LearningCurve(tuple(points), outlooks, "tones", 0.25, 400)


def test_the_table_the_sentence_the_files_and_the_picture(monkeypatch):
    monkeypatch.setattr(draws, "RESAMPLES", 40)
    points = made_points(PowerLaw(0.05, 0.5, 0.4), draws=10)
    found = curve(points)
    lines = str(found).splitlines()
    assert [line.split()[0] for line in lines[3:8]] == ["1", "3", "10", "30", "all"]
    assert f"{points[0].accuracy('probe'):.3f}" in lines[3]
    assert "with 200 about" in lines[-1]
    assert "with 400 about" in lines[-1]
    assert "points more" in lines[-1]
    rows = list(csv.DictReader(io.StringIO(found.csv())))
    assert [r["shots"] for r in rows if r["method"] == "probe"] == ["1", "3", "10", "30", "all", "2 x all", "4 x all"]
    assert float(rows[0]["accuracy"]) == pytest.approx(points[0].accuracy("prototypes"), abs=1e-6)
    assert json.loads(json.dumps(found.json(), allow_nan=False))["rows"][4]["low"] < points[-1].accuracy("prototypes")
    assert png(found).startswith(b"\x89PNG")
    short = curve(points[2:])
    assert "cannot be said: there are 3 numbers of clips" in str(short)
    assert json.loads(json.dumps(short.json(), allow_nan=False))["outlooks"]["probe"]["why_not"]
    assert png(short) != png(found)


def test_few_tested_clips_or_groups_are_told():
    points = made_points(PowerLaw(0.05, 0.5, 0.4))
    many, few = (str(LearningCurve(tuple(points), dict.fromkeys(METHODS, "no"), "", 0.5, n)) for n in (400, 12))
    assert "Caution" not in many
    assert "Caution: only 400 clips in 12 groups tested, clips of one group go together" in few


def test_labels_with_fewer_clips_are_told_in_the_table():
    labels = np.array(["x"] * 10 + ["y"] * 4)
    x = np.random.default_rng(0).normal(size=(14, 3)).astype(np.float32)
    learn, test = np.arange(0, 14, 2), np.arange(1, 14, 2)
    points = measure(x, labels, learn, test, shots=[3], draws=2, seed=0)
    assert (points[0].clips, points[0].each) == (5, 2.5)
    told = LearningCurve(tuple(points), dict.fromkeys(METHODS, "no"), "", 0.5, 200)
    assert "3 at most (2.5)" in str(told)
