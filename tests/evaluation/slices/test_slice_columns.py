"""Which columns make slices, and which are said to make none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from audioft.data.clip import Clip
from audioft.errors import UsageError
from audioft.evaluation.slices import columns, known


def clips(cells, names=None):
    """A clip a row; `cells` are columns."""
    count = len(next(iter(cells.values()), names or ()))
    names = names or [f"{i}.wav" for i in range(count)]
    rows = [{k: str(v[i]) for k, v in cells.items()} for i in range(count)]
    return [Clip(Path("/d", n), n, group=n, columns=row) for n, row in zip(names, rows, strict=True)]


@pytest.mark.parametrize(
    ("name", "cells", "values"),
    [
        ("sex", ["F", "M", "", "nan"] * 10, ("F", "M")),
        ("fold", list(range(1, 6)) * 10, ("1", "2", "3", "4", "5")),
        ("hour", [10, 9] * 10, ("9", "10")),  # numbers in their order
        ("age", list(range(77, 17, -1)), ("up to 32.75", "32.75 to 47.5", "47.5 to 62.25", "over 62.25")),
        ("speaker", [i % 12 * 3 for i in range(120)], tuple(str(3 * i) for i in range(12))),
        ("chapter", [1000 * (i % 12) for i in range(120)], tuple(str(1000 * i) for i in range(12))),
        ("site", ["A"] * 10 + ["B"] * 10 + ["C"] * 2, ("A", "B")),  # C has too few clips
    ],
)
def test_values_that_clips_share_make_slices_and_numbers_quartiles(name, cells, values):
    found = columns.column(name, cells)
    assert (found.name, found.values) == (name, values)


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["x"] * 20, "one value"),
        ([""] * 20, "no value"),
        ([f"t{i}" for i in range(50)], "nearly a value a clip"),
        ([str(i) for i in range(300)], "nearly a value a clip"),
        (["x"] * 50 + ["y"], "next to one value"),
        ([*np.linspace(0.01, 0.02, 12), *[0.5] * 100], "next to one value"),
    ],
)
def test_what_makes_no_slices_is_told_why(cells, why):
    assert columns.column("c", cells) == why


def test_quartiles_hold_as_many_clips_each():
    found = columns.column("age", np.random.default_rng(0).uniform(18, 80, 400))
    assert found.counts.tolist() == [100] * 4


def test_columns_that_say_the_same_are_one_and_the_label_is_none():
    label = np.arange(60) % 3
    of = {
        "sort": [f"s{x}" for x in label],
        "site": ["A", "B"] * 30,
        "place": ["x", "y"] * 30,
        "id": [f"i{i}" for i in range(60)],
    }
    chosen = columns.choose(known.columns(clips(of)), label, None)
    assert [c.name for c in chosen.columns] == ["site"]
    assert chosen.notes == ["no slices by id (nearly a value a clip)"]
    assert [c.name for c in columns.choose(known.columns(clips(of)), label, ["sort"]).columns] == ["sort"]


def test_crossings_need_20_clips_and_say_more_than_what_they_cross():
    a = columns.column("a", ["x"] * 50 + ["y"] * 50)
    b = columns.column("b", ["p"] * 25 + ["q"] * 25 + ["p"] * 45 + ["q"] * 5)
    cells, left = columns.crossed([(a, b)])
    assert [(a.values[i], b.values[j]) for _, i, j in cells] == [("x", "p"), ("x", "q")]  # y with p is nearly all of y
    assert left == 0
    assert columns.crossed([(a, b)], most=1)[1] == 1


def test_what_is_asked_for_is_split_at_commas_and_stars():
    found = known.columns(clips({"site": ["A", "B"] * 30, "sex": ["F"] * 30 + ["M"] * 30}))
    chosen = columns.choose(found, None, columns.asked("site, site*sex"))
    assert [c.name for c in chosen.columns] == ["site"]
    assert [(a.name, b.name) for a, b in chosen.crossings] == [("site", "sex")]
    with pytest.raises(UsageError, match="known are sex, site"):
        columns.choose(found, None, ["day"])
    with pytest.raises(UsageError, match="nothing but labels is known"):
        columns.choose([], None, ["day"])
    with pytest.raises(UsageError, match="an empty column"):
        columns.asked("site,,sex")


def test_folders_and_names_are_columns_too():
    names = [f"{'ab'[i % 2]}/WOOD{i % 3}_2024010{1 + i % 2}_{i % 24:02d}3000.wav" for i in range(60)]
    found = dict(known.columns(clips({}, names)))
    assert found["folder 1"].values == ("a", "b")
    assert found["site"].values == ("WOOD0", "WOOD1", "WOOD2")
    assert found["day"].values == ("2024-01-01", "2024-01-02")
    assert found["hour"].values == ("00 to 06 h", "06 to 12 h", "12 to 18 h", "18 to 24 h")
    assert known.columns(clips({}, [f"{i}.wav" for i in range(60)])) == []


def test_numbers_with_decimal_commas_are_numbers():
    found = columns.column("temperature", [f"{i % 7 - 3},{i}" for i in range(40)])
    assert isinstance(found, columns.Column)
    assert (len(found.values), found.values[0][:6]) == (4, "up to ")


def test_a_name_that_holds_a_comma_is_quoted():
    assert columns.asked("a\nb,c") == ["a\nb", "c"]
    there = [("town, country", columns.column("", "AB" * 20)), ("sex", columns.column("", "ABC" * 20))]
    assert [c.name for c in columns.choose(there, None, columns.asked('"town, country",sex')).columns] == ["", ""]
    with pytest.raises(UsageError, match="a name that holds a comma is quoted, as --by '\"town, country\"'"):
        columns.choose(there, None, columns.asked("town, country"))
