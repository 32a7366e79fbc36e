"""Which model is taken, what is said of it, and which lie on the front."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re

import pytest
from pages import EVIL, shown

from audioft.evaluation.calibration.figures import Calibration
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.paired.delong import NOTHING
from audioft.evaluation.paired.gaps import MCNEMAR, Gap
from audioft.inference.cost import Cost
from audioft.tasks.compare.comparison import Comparison
from audioft.tasks.compare.page import as_html
from audioft.tasks.compare.picture import APART
from audioft.tasks.compare.row import Row


def comparison(scores, times, told=(), sizes=None):
    """Models `a`, `b`, ...; `told` are pairs of places that differ beyond chance."""
    sizes = sizes or [1_000_000] * len(scores)
    rows = tuple(
        Row(chr(97 + i), Estimate(s, s - 0.05, s + 0.05), 0.9, Calibration(0.1, 0.5, 0.2), Cost(size, 1000, t, (t,)))
        for i, (s, t, size) in enumerate(zip(scores, times, sizes, strict=True))
    )
    gaps = []
    for a in range(len(rows)):
        for b in range(a + 1, len(rows)):
            change, p = scores[b] - scores[a], 0.001 if (a, b) in told else 0.4
            gaps.append(
                Gap(a, b, Estimate(change, change - 0.04, change + 0.04), MCNEMAR, p, p, (3, 5), NOTHING, math.nan)
            )
    about = {"side": "test", "clock": "s of a processor"}
    return Comparison(rows, tuple(gaps), "accuracy", about, "100 clips", 100, 100)


@pytest.mark.parametrize(
    ("scores", "times", "told", "taken", "said"),
    [
        ((0.90, 0.80), (5.0, 1.0), [(0, 1)], "a", "10.0 points (+6.0 to +14.0) above b, more than chance"),
        ((0.90, 0.85), (5.0, 1.0), [], "a", "5.0 points (+1.0 to +9.0) above b, which may be chance"),
        ((0.90, 0.89), (5.0, 1.0), [], "b", "1.0 points (-3.0 to +5.0) below a, which may be chance"),
        ((0.90, 0.89), (5.0, 1.0), [(0, 1)], "a", "1.0 points"),  # told, however little
        ((0.90, 0.89), (1.0, 5.0), [], "a", "above b"),
        ((0.90, 0.90), (5.0, 1.0), [], "b", "nothing tells the two apart"),
        ((0.90, 0.89, 0.885), (9.0, 3.0, 1.0), [], "c", "corrected for 3 comparisons"),
        ((0.90, 0.70, 0.80), (9.0, 3.0, 1.0), [(0, 1), (0, 2)], "a", "above c"),
    ],
)
def test_the_best_is_taken_unless_a_cheaper_one_is_nearly_as_good(scores, times, told, taken, said):
    found = comparison(scores, times, told)
    assert found.best.name == taken
    assert said in found.sentence


def test_what_it_costs_is_said():
    found = comparison((0.9, 0.8), (4.0, 0.5), [(0, 1)], sizes=[20_000_000, 5_000_000])
    assert found.sentence.endswith(
        "It costs 4 s of a processor a minute of sound and 20 MB on disk, 8.0 times the time of b."
    )
    found = comparison((0.9, 0.8), (None, None), [(0, 1)], sizes=[20_000_000, 5_000_000])
    assert found.sentence.endswith("It costs 20 MB on disk, 4.0 times the size of b.")
    assert found.front() == []


def test_how_many_clips_would_tell():
    # 80 of 100 draws tell a gap of 2.8 standard errors, and half an interval is 1.96 of them
    found = comparison((0.90, 0.85), (5.0, 1.0))
    assert f"about {math.ceil(100 * (2.8 / 1.96 * 0.04 / 0.05) ** 2 / 10) * 10} clips" in found.sentence


def test_the_front_is_of_those_that_none_beats():
    found = comparison((0.9, 0.8, 0.85, 0.9, 0.7), (5.0, 1.0, 2.0, 4.0, 1.5))
    assert [found.rows[i].name for i in found.front()] == ["b", "c", "d"]
    page = as_html(found)
    assert page.count("<circle") == 5
    line = page.partition('<polyline points="')[2].partition('"')[0].split()
    across = [float(point.split(",")[0]) for point in line]
    assert len(line) == 3
    assert across == sorted(across)


def test_names_are_escaped():
    found = comparison((0.9, 0.8), (5.0, 1.0))
    rows = (dataclasses.replace(found.rows[0], name="<i>&"), found.rows[1])
    assert "<i>&" not in as_html(dataclasses.replace(found, rows=rows))


def test_one_that_was_trained_on_the_clips_is_not_taken():
    found = comparison((0.9, 0.8), (5.0, 1.0))
    found = dataclasses.replace(found, rows=(dataclasses.replace(found.rows[0], trained_on=True), found.rows[1]))
    assert found.best is None
    assert "a was trained on some of these clips" in found.sentence
    assert not any(row[0].startswith("*") for row in found.table())


def test_names_of_points_that_lie_together_are_apart():
    found = comparison((0.90, 0.901, 0.902, 0.7), (1.0, 1.01, 1.02, 1.0))
    page = as_html(found)
    heights = [float(y) for y in re.findall(r'y="([\d.]+)" text-anchor="start" font-size="12"', page)]
    assert len(heights) == 4
    assert all(b - a >= APART for a, b in itertools.pairwise(sorted(heights)))


def test_what_is_told_first_stands_in_lines_of_its_own():
    notes = ["3 of 9 clips were trained on by a: the figures are too good", "2 clips are left out"]
    found = dataclasses.replace(comparison((0.9, 0.8), (5.0, 1.0)), notes=notes, caution="Too few clips. Test on more.")
    first, rest = str(found).split("\n\n", 1)
    assert first.splitlines() == [f"{notes[0]}.", "Too few clips.", "Test on more."]
    assert "note: 2 clips are left out" in rest


def test_a_notebook_shows_the_sentence_and_the_tables():
    found = comparison((0.90, 0.80), (5.0, 1.0), [(0, 1)])
    page = shown(dataclasses.replace(found, notes=(EVIL,)))
    assert found.sentence in page.text
    assert len(page.all("table")) == 2
    assert repr(found) == "<Comparison of 2 models, accuracy, 100 clips>"
    few = shown(dataclasses.replace(found, caution=EVIL))
    assert "caution" in [a.get("class") for a in few.all("p")]
