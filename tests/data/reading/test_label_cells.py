"""Label cells: several in one are parsed where that is certain and refused otherwise; missing ones are missing."""

from __future__ import annotations

import json

import pytest

from audioft.data.reading.label_cells import reader
from audioft.errors import DataError


def said(column, cells, keep=False):
    notes: list[str] = []
    read, several = reader(column, cells, "t.csv", keep, notes)
    return [read(c)[0] for c in cells], several, notes


FOUND = [("go", "Short", "Verb"), ("left", "Direction"), ("right", "Direction"), ("stop", "Verb")]


@pytest.mark.parametrize(
    "write",
    [";".join, "; ".join, "|".join, " | ".join, ",".join, lambda x: json.dumps(list(x)), lambda x: str(list(x)), str],
    ids=["semicolon", "blank", "pipe", "pipe and blanks", "comma", "json", "list", "tuple"],
)
def test_several_labels_where_it_is_certain(write):
    labels, several, _ = said("labels", [write(x) for x in FOUND])
    assert several
    assert labels == FOUND


@pytest.mark.parametrize("write", [lambda x: json.dumps(list(x)), lambda x: str(list(x))])
def test_lists_in_a_column_of_one_label(write):
    labels, several, notes = said("label", [write(x) for x in FOUND])
    assert (labels, several) == (FOUND, True)
    assert "are lists, so clips may have several labels" in notes[0]
    labels, several, _ = said("label", [write(["go"]), write(["left"])])
    assert (labels, several) == ([("go",), ("left",)], False)


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ("labels", ["Bark, dog", "Speech, man"]),
        ("labels", ["dog,bird", "rain,wind"]),
        ("labels", ["dog/bird", "dog", "bird"]),
        ("labels", ["dog+bird", "dog", "bird"]),
        ("labels", ["dog bird", "dog", "bird"]),
        ("label", ["dog;bird", "dog", "rain"]),
        ("label", ["dog|bird", "dog|rain"]),
        ("label", ["dog,bird", "dog", "bird"]),
        ("label", ["dog & bird", "dog", "bird"]),
    ],
)
def test_what_may_be_one_label_or_several_is_refused_with_what_to_write(column, cells):
    with pytest.raises(
        DataError, match=r"may be one label or several; write \w+;\w+ for several.*or \[\".*\"\] for one"
    ):
        said(column, cells)
    assert said(column, [json.dumps([c]) for c in cells])[0] == [(c,) for c in cells]


@pytest.mark.parametrize("cells", [["Bark, dog;Rain", "Rain"], ["great tit", "robin"], ["a/b", "c"]])
def test_what_is_one_label_stays_one(cells):
    labels, _, notes = said("labels", cells)
    assert labels == [tuple(c.split(";")) for c in cells]
    assert notes == []


@pytest.mark.parametrize("missing", ["nan", "NaN", "NA", "N/A", "n/a", "None", "null", "<NA>", "#N/A"])
def test_missing_labels(missing):
    assert said("labels", ["go", missing])[0] == [("go",), ()]
    with pytest.raises(ValueError, match=r"counts as empty.*data\.na=keep"):
        said("label", ["go", missing])
    labels, _, notes = said("label", ["go", missing], keep=True)
    assert labels == [("go",), (missing,)]
    assert notes == [f"{missing!r} in label is a label here (data.na=keep)"]


@pytest.mark.parametrize(
    "cell", ["['a' 'b']", "{'a', 'b'}", "('a', 'b')", "['a', nan, 'b']", "['a', None, 'b']", "a;NA;b"]
)
def test_lists_of_numpy_and_pandas(cell):
    assert said("labels", [cell, "b"])[0] == [("a", "b"), ("b",)]
