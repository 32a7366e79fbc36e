"""Tables are whole or not there, whatever fails."""

import csv

import pytest
from torture.faults import Faults

from audioft.core import csv_tables
from audioft.errors import AudioftError

ROWS = [["path", "label"], ["a, b.wav", 'said "so"'], ["ä.wav", None], ["bad \udcff.wav", 0.5]]


def read(path):
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.reader(file))


def test_a_file_holds_what_the_text_does(tmp_path):
    csv_tables.write(tmp_path / "t.csv", ROWS)
    assert read(tmp_path / "t.csv") == [["" if c is None else str(c) for c in row] for row in ROWS]
    written = (tmp_path / "t.csv").read_bytes().decode("utf-8", "surrogateescape")
    assert written == csv_tables.text(ROWS) == csv_tables.text(iter(ROWS))


@pytest.mark.parametrize("kind", ["no space", "I/O error"])
def test_each_operation_that_fails_leaves_the_table_before(tmp_path, kind):
    path = tmp_path / "t.csv"
    many = [["path"], *([f"{i}.wav"] for i in range(5000))]
    csv_tables.write(path, ROWS)
    before = path.read_bytes()
    counted = Faults()
    with counted.installed():
        csv_tables.write(tmp_path / "other.csv", many)
    assert {"open", "write", "fsync", "replace"} <= set(counted.names)
    for at in range(counted.count):
        with Faults(at, kind).installed(), pytest.raises(AudioftError, match=r"cannot write .*t\.csv"):
            csv_tables.write(path, many)
        assert path.read_bytes() == before, counted.names[at]
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == [], counted.names[at]


def test_rows_that_break_off_leave_the_table_before(tmp_path):
    path = tmp_path / "t.csv"
    csv_tables.write(path, ROWS)

    def rows():
        yield ["path"]
        raise ValueError("the source broke off")

    with pytest.raises(ValueError, match="broke off"):
        csv_tables.write(path, rows())
    assert len(read(path)) == len(ROWS)
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]
