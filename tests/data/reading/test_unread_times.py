"""Times that are written in ways that are not read are named, and labels of such names are labels."""

from __future__ import annotations

import makers
import pytest

from audioft.data import manifest


def notes(tmp_path, header, *cells):
    for i in range(len(cells)):
        makers.tone(tmp_path / f"{i}.wav", seconds=3)
    rows = [f"{i}.wav;{'x' if i % 2 else 'y'};{row}" for i, row in enumerate(cells)]
    (tmp_path / "t.csv").write_text("\n".join([f"file_name;label;{header}", *rows]), encoding="utf-8")
    return [n for n in manifest.load(tmp_path / "t.csv").notes if "like a time" in n]


@pytest.mark.parametrize(
    ("header", "cells", "named"),
    [
        ("left;right", ("0.5;2", "1;2.5"), "'left', 'right'"),
        ("Left;Right", ("0,5;2", "1;2,5"), "'Left', 'Right'"),
        ("centre;width", ("1;0.5", "2;0.5"), "'centre', 'width'"),
        ("Center;Width", ("1;0.5", "2;0.5"), "'Center', 'Width'"),
        ("at", ("0.25-0.75", "1-2.5"), "'at'"),
        ("when", ("0.25 s – 0.75 s", "1 to 2"), "'when'"),
        ("von/bis", ("0,25..0,75", "1-2"), "'von/bis'"),
        ("left;right", ("1;0", "0;1"), None),
        ("left;right", ("hand;foot", "hand;foot"), None),
        ("width", ("0.5", "0.7"), None),
        ("session", ("2024-05", "2024-06"), None),
        ("day", ("2024-05-01", "2024-05-02"), None),
        ("site", ("A-1", "B-2"), None),
    ],
)
def test_they_are_named_with_what_is_expected(tmp_path, header, cells, named):
    found = notes(tmp_path, header, *cells)
    if named is None:
        assert found == []
    else:
        (note,) = found
        assert note.endswith(f": {named}; times are start and end, in seconds")


def test_beside_times_that_are_read_they_are_not(tmp_path):
    assert notes(tmp_path, "start;end;left;right", "0;1;3;4", "1;2;3;5") == []


def test_a_table_of_another_encoding_names_excels_own(tmp_path):
    from audioft.errors import DataError

    makers.tone(tmp_path / "a.wav")
    (tmp_path / "t.csv").write_bytes("file_name;label\na.wav;möve\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"line 2: byte 0xf6 is not UTF-8; save it as UTF-8 \(in Excel: CSV UTF-8\)"):
        manifest.load(tmp_path / "t.csv")
