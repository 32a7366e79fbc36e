from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from audioft.annotations.event import Event
from audioft.annotations.segments import Segmenter, segments

TOLERANCE = 1e-6


def by_hand(starts, ends, scores, labels, thresholds, release, min_seconds, close_gaps, skip):
    """The four steps one after the other, a cell at a time."""
    found = []
    for column, label in enumerate(labels):
        if label in skip:
            continue
        events: list[list[float]] = []
        inside = False
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            score = scores[i][column]
            touches = i > 0 and start - ends[i - 1] <= TOLERANCE
            if inside and touches and score >= thresholds[column] * release:
                events[-1] = [events[-1][0], end, max(events[-1][2], score)]
            elif score >= thresholds[column]:
                events.append([start, end, score])
                inside = True
            else:
                inside = False
        closed: list[list[float]] = []
        for start, end, score in events:
            if closed and start - closed[-1][1] <= close_gaps + TOLERANCE:
                closed[-1] = [closed[-1][0], end, max(closed[-1][2], score)]
            else:
                closed.append([start, end, score])
        found += [(s, column, Event(label, s, e, p)) for s, e, p in closed if e - s >= min_seconds - TOLERANCE]
    return [event for _, _, event in sorted(found, key=lambda f: f[:2])]


def cells(scores, seconds=1.0):
    """Contiguous cells of one label."""
    starts = seconds * np.arange(len(scores))
    return starts, starts + seconds, np.array(scores, float)[:, None]


def pushed(segmenter, starts, ends, scores, edges) -> list[list[Event]]:
    """What each push gives, and last what `finish` does."""
    given = [segmenter.push(starts[a:b], ends[a:b], scores[a:b]) for a, b in itertools.pairwise(edges)]
    return [*given, segmenter.finish()]


def random_case(rng: np.random.Generator):
    cells, labels = int(rng.integers(0, 60)), int(rng.integers(1, 4))
    lengths = rng.choice([0.25, 0.5, 1.0], cells)
    holes = np.where(rng.random(cells) < 0.15, rng.choice([2e-7, 0.25, 0.5, 1.5], cells), 0)
    starts = np.cumsum(holes + np.append(0, lengths)[:-1]) if cells else np.zeros(0)
    # few values, so that scores often are exactly at a limit
    scores = rng.choice([0.0, 0.1, 0.2, 0.25, 0.3, 0.5, 0.6, 0.9, 1.0], (cells, labels))
    rules = {
        "labels": [f"l{i}" for i in range(labels)],
        "thresholds": rng.choice([0.0, 0.25, 0.5, 0.6, 1.0, 2.0], labels, p=[0.05, 0.2, 0.35, 0.2, 0.15, 0.05]),
        "release": float(rng.choice([0.5, 0.8, 1.0])),
        "min_seconds": float(rng.choice([0, 0.5, 1, 2])),
        "close_gaps": float(rng.choice([0, 0.25, 0.5, 1.5])),
        "skip": ["l0"] if rng.random() < 0.2 else [],
    }
    return starts, starts + lengths, scores, rules


@pytest.mark.parametrize("seed", range(300))
def test_random_scores_cut_at_random_are_what_is_found_by_hand(seed):
    rng = np.random.default_rng(seed)
    starts, ends, scores, rules = random_case(rng)
    expected = by_hand(starts, ends, scores, **rules)
    assert segments(starts, ends, scores, **rules) == expected
    place = {label: i for i, label in enumerate(rules["labels"])}
    many = np.sort(rng.integers(0, len(starts) + 1, int(rng.integers(0, 12))))
    for edges in ([0, *many, len(starts)], range(len(starts) + 1)):
        given = pushed(Segmenter(**rules), starts, ends, scores, edges)
        for events in given:
            assert events == sorted(events, key=lambda e: (e.start, place[e.label]))
        assert sorted(itertools.chain(*given), key=lambda e: (e.start, place[e.label])) == expected


def test_the_random_cases_have_events_gaps_and_short_ones():
    """Else the test above would prove little."""
    counts = {"events": 0, "closed": 0, "dropped": 0, "released": 0}
    for seed in range(300):
        starts, ends, scores, rules = random_case(np.random.default_rng(seed))
        full = by_hand(starts, ends, scores, **rules)
        counts["events"] += len(full)
        counts["closed"] += full != by_hand(starts, ends, scores, **{**rules, "close_gaps": 0})
        counts["dropped"] += full != by_hand(starts, ends, scores, **{**rules, "min_seconds": 0})
        counts["released"] += full != by_hand(starts, ends, scores, **{**rules, "release": 1})
    assert all(n > 50 for n in counts.values()), counts


def test_a_long_recording_in_blocks_is_what_is_found_by_hand():
    rng = np.random.default_rng(1)
    scores = np.clip(0.5 + np.cumsum(rng.normal(0, 0.1, (70_000, 2)), axis=0) % 1 - 0.5, 0, 1)
    starts = 0.02 * np.arange(len(scores))
    ends = np.append(starts[1:], starts[-1] + 0.02)
    rules = {"labels": ["a", "b"], "thresholds": [0.6, 0.8], "release": 0.8, "min_seconds": 0.1, "close_gaps": 0.06}
    expected = by_hand(starts, ends, scores, **rules, skip=())
    assert len(expected) > 1000
    assert segments(starts, ends, scores, **rules) == expected  # more cells than a block has


@pytest.mark.parametrize(
    ("scores", "release", "expected"),
    [
        ([0.5], 1, [(0, 1, 0.5)]),  # at the threshold
        ([0.49], 1, []),
        ([0.6, 0.5, 0.4, 0.9], 1, [(0, 2, 0.6), (3, 4, 0.9)]),
        ([0.6, 0.4, 0.4, 0.3], 0.8, [(0, 3, 0.6)]),  # at the release
        ([0.6, 0.39, 0.4, 0.6], 0.8, [(0, 1, 0.6), (3, 4, 0.6)]),  # between the limits nothing begins
        ([0.4, 0.4, 0.5, 0.4, 0.7, 0.4], 0.8, [(2, 6, 0.7)]),  # nor does an event reach back
    ],
)
def test_hysteresis(scores, release, expected):
    for edges in ([0, len(scores)], range(len(scores) + 1)):
        segmenter = Segmenter(["x"], [0.5], release=release)
        given = pushed(segmenter, *cells(scores), edges)
        assert [(e.start, e.end, e.score) for events in given for e in events] == expected


@pytest.mark.parametrize(("close_gaps", "count"), [(0, 3), (0.19, 3), (0.2, 2), (0.39, 2), (0.4, 1)])
def test_gaps_up_to_the_limit_are_closed(close_gaps, count):
    """Gaps of 2 and of 4 cells of 0.1 s, whose times are not exact in binary."""
    found = segments(*cells([1, 0, 0, 0.7, 0, 0, 0, 0, 0.8], 0.1), ["x"], [0.5], close_gaps=close_gaps)
    assert len(found) == count
    assert found[0].score == 1


@pytest.mark.parametrize(("min_seconds", "count"), [(0, 2), (0.2, 2), (0.21, 1), (0.3, 1), (0.31, 0)])
def test_what_is_as_long_as_the_minimum_stays(min_seconds, count):
    found = segments(*cells([0, 1, 1, 0, 0, 1, 1, 1], 0.1), ["x"], [0.5], min_seconds=min_seconds)
    assert len(found) == count


def test_gaps_are_closed_before_the_short_are_dropped():
    arguments = (*cells([1, 0, 1, 0, 0, 1]), ["x"], [0.5])
    assert segments(*arguments, min_seconds=2) == []
    assert segments(*arguments, min_seconds=2, close_gaps=1) == [Event("x", 0, 3, 1.0)]


def test_a_hole_in_time_is_a_gap():
    starts, ends, scores = [0, 1.5], [1, 2.5], [[0.9], [0.5]]
    for edges in ([0, 2], [0, 1, 2]):
        two = pushed(Segmenter(["x"], [0.5]), starts, ends, scores, edges)
        assert list(itertools.chain(*two)) == [Event("x", 0, 1, 0.9), Event("x", 1.5, 2.5, 0.5)]
        one = pushed(Segmenter(["x"], [0.5], close_gaps=0.5), starts, ends, scores, edges)
        assert list(itertools.chain(*one)) == [Event("x", 0, 2.5, 0.9)]
    # what only goes on cannot go on over a hole
    assert segments(starts, ends, [[0.9], [0.45]], ["x"], [0.5], release=0.8, close_gaps=9) == [Event("x", 0, 1, 0.9)]


@pytest.mark.parametrize("shift", [-9e-7, 9e-7])
def test_cells_that_touch_but_for_rounding_are_one_event(shift):
    for edges in ([0, 2], [0, 1, 2]):
        given = pushed(Segmenter(["x"], [0.5], 0.8), [0, 1 + shift], [1, 2], [[0.9], [0.4]], edges)
        assert list(itertools.chain(*given)) == [Event("x", 0, 2, 0.9)]


def test_an_event_is_given_as_soon_as_it_is_certain():
    segmenter = Segmenter(["x", "y"], [0.5, 0.5], close_gaps=1)
    given = pushed(segmenter, *cells([1, 0, 0, 0, 1])[:2], [[1, 1], [0, 1], [0, 1], [0, 0], [1, 0]], range(6))
    assert given == [
        [],
        [],  # a gap of 1 s would be closed
        [Event("x", 0, 1, 1.0)],
        [],
        [Event("y", 0, 3, 1.0)],
        [Event("x", 4, 5, 1.0)],
    ]


def test_events_of_one_time_are_in_the_order_of_the_labels():
    found = segments([0, 1], [1, 2], [[1, 1, 0], [1, 0, 1]], ["z", "a", "m"], [0.5] * 3)
    assert [e.label for e in found] == ["z", "a", "m"]


def test_labels_that_are_skipped():
    scores = [[1, 1, 0.7], [1, 1, 0.1]]
    assert segments([0, 1], [1, 2], scores, ["a", "b", "c"], [0.5] * 3, skip=["b", "no such label"]) == [
        Event("a", 0, 2, 1.0),
        Event("c", 0, 1, 0.7),
    ]
    assert segments([0, 1], [1, 2], scores, ["a", "b", "c"], [0.5] * 3, skip="abc") == []


def test_after_finish_the_next_recording_begins():
    segmenter = Segmenter(["x"], [0.5], release=0.5, close_gaps=10)
    for _ in range(2):
        assert segmenter.push([0], [1], [[0.9]]) == []
        assert segmenter.finish() == [Event("x", 0, 1, 0.9)]
    assert segmenter.push([0], [1], [[0.3]]) == []
    assert segmenter.finish() == []


def test_nothing_is_found_in_nothing():
    segmenter = Segmenter(["x", "y"], [0.5, 0.5])
    assert segmenter.push([], [], []) == segmenter.push(np.zeros(0), np.zeros(0), np.zeros((0, 2))) == []
    assert segmenter.finish() == []
    assert segments([], [], np.zeros((0, 2)), ["x", "y"], [0.5, 0.5]) == []


def test_what_is_kept_does_not_grow():
    segmenter = Segmenter(["x", "y"], [0.5, 0.5], close_gaps=3)
    rng = random.Random(0)
    for i in range(500):
        segmenter.push([i], [i + 1], [[rng.random(), 1.0]])
        assert len(segmenter._kept.labels) <= 2


@pytest.mark.parametrize(
    ("starts", "ends", "scores", "said"),
    [
        ([2], [3], [[np.nan]], "not finite"),
        ([2], [3], [[np.inf]], "not finite"),
        ([np.nan], [3], [[1]], "not finite"),
        ([2], [np.inf], [[1]], "not finite"),
        ([2], [3], [[1, 1]], r"\(1, 2\) do not fit; expected \(K,\), \(K,\) and \(K, 1\)"),
        ([2], [3, 4], [[1], [1]], "do not fit"),
        ([2, 3], [3, 4], [[1]], "do not fit"),
        ([[2]], [[3]], [[1]], "do not fit"),
        ([1.5], [3], [[1]], "out of order: one from 1.5 s to 3 s, after one up to 2 s"),
        ([3], [2.5], [[1]], "out of order: one from 3 s to 2.5 s"),
        ([2, 2.9], [3, 4], [[1], [1]], "one from 2.9 s to 4 s, after one up to 3 s"),
    ],
)
def test_what_is_refused_changes_nothing(starts, ends, scores, said):
    segmenter = Segmenter(["x"], [0.5])
    segmenter.push([0, 1], [1, 2], [[0], [0.8]])
    with pytest.raises(ValueError, match=said):
        segmenter.push(starts, ends, scores)
    assert segmenter.push([2, 3], [3, 4], [[0.9], [0]]) == [Event("x", 1, 3, 0.9)]


def test_the_first_cell_may_be_the_wrong_one():
    with pytest.raises(ValueError, match=r"one from 1 s to 0 s$"):
        Segmenter(["x"], [0.5]).push([1], [0], [[1]])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"thresholds": [0.5, 0.5]}, "expected 1 numbers"),
        ({"thresholds": [-0.1]}, "at least 0"),
        ({"thresholds": [np.nan]}, "at least 0"),
        ({"release": 0}, "release 0: expected more than 0 and at most 1"),
        ({"release": 1.1}, "release"),
        ({"release": np.nan}, "release"),
        ({"min_seconds": -1}, "min_seconds -1"),
        ({"min_seconds": np.nan}, "min_seconds nan"),
        ({"close_gaps": -0.1}, "close_gaps -0.1"),
        ({"close_gaps": np.inf}, "close_gaps inf"),
    ],
)
def test_arguments_out_of_range(arguments, said):
    with pytest.raises(ValueError, match=said):
        Segmenter(**{"labels": ["x"], "thresholds": [0.5], **arguments})
