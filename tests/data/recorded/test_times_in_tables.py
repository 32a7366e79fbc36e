"""When and where recordings were made, as a table says: dates as people and spreadsheets write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from audioft.data.clip import Clip
from audioft.data.recorded import cells
from audioft.data.recorded.tables import Table
from audioft.errors import DataError, UsageError

MORNING = "2024-01-31T05:30:00"


def read(*column: str) -> tuple[list[str | None], list[str], list[str]]:
    problems: list[tuple[int, str]] = []
    notes: list[str] = []
    found = cells.times(column, "when", problems, notes)
    told = [None if t is None else t.at.isoformat() if t.timed else t.at.date().isoformat() for t in found]
    return told, [said for _, said in problems], notes


@pytest.mark.parametrize(
    ("cell", "when"),
    [
        ("2024-01-31T05:30:00", MORNING),
        ("2024-01-31 05:30", MORNING),
        ("2024-01-31 05:30:00.5", "2024-01-31T05:30:00.500000"),
        ("2024-01-31T05:30:00Z", f"{MORNING}+00:00"),
        ("2024-01-31 05:30:00 UTC", f"{MORNING}+00:00"),
        ("2024-01-31T05:30:00+10:00", f"{MORNING}+10:00"),
        ("2024-01-31 05:30:00 -0330", f"{MORNING}-03:30"),
        ("2024/01/31 05:30:00", MORNING),
        ("20240131_053000", MORNING),
        ("20240131T053000Z", f"{MORNING}+00:00"),
        ("31.01.2024 05:30", MORNING),
        ("1.2.2024 5:30", "2024-02-01T05:30:00"),
        ("31/01/2024 05:30", MORNING),
        ("1/31/2024 5:30 AM", MORNING),
        ("1/31/2024 12:05:00 am", "2024-01-31T00:05:00"),
        ("01/31/2024 05:30 p.m.", "2024-01-31T17:30:00"),
        ("45322.229166666664", MORNING),
        ("45322,229166666664", MORNING),
        ("1706679000", f"{MORNING}+00:00"),
        ("2024-01-31", "2024-01-31"),
        ("45322", "2024-01-31"),
        ("45322.0", "2024-01-31"),
        ("45322 0.25", "2024-01-31T06:00:00"),
        ("45322 0,229166666666667", MORNING),
        ("45322.0 0.25", "2024-01-31T06:00:00"),
        ("45322 .25", "2024-01-31T06:00:00"),
        ("45322 0", "2024-01-31T00:00:00"),
        ("45322 05:30:00", MORNING),
        ("31.01.2024 0,25", "2024-01-31T06:00:00"),
        ("1/31/2024 0.75", "2024-01-31T18:00:00"),
        ("2024-01-31 00:00:00 05:30", MORNING),
        ("2024-01-31 00:00:00+10:00", "2024-01-31T00:00:00+10:00"),
        ("2024-01-31 00:00 +10:00", "2024-01-31T00:00:00+10:00"),
        ("2024-01-31 12:00 AM", "2024-01-31T00:00:00"),
        ("", None),
    ],
)
def test_cells(cell, when):
    assert read(cell)[:2] == ([when], [])


@pytest.mark.parametrize(
    "cell",
    [
        "2024-13-01 05:30",
        "2024-01-31 25:00",
        "31/31/2024",
        "noon",
        "5:30",
        "2024",
        "99999",
        "-1",
        "45322 noon",
        "45322 0.25 x",
        "45322 5",
        "45322 1.5",
    ],
)
def test_no_times(cell):
    found, problems, _ = read(cell)
    assert found == [None]
    assert len(problems) == 1
    assert "2024-01-31T05:30:00" in problems[0]


def test_the_day_comes_where_the_column_has_it():
    assert read("01/02/2024", "13/02/2024")[0] == ["2024-02-01", "2024-02-13"]
    found, _, notes = read("01/02/2024", "02/13/2024")
    assert found == ["2024-01-02", "2024-02-13"]
    assert notes == ["when holds month/day/year: '01/02/2024' is 2024-01-02"]
    for column in (("01/02/2024",), ("01/02/2024", "13/02/2024", "02/13/2024")):
        found, problems, _ = read(*column)
        assert found == [None] * len(column)
        assert all("may have the day or the month first" in said for said in problems)
    assert read("01/02/2024", "2024-02-03")[0] == [None, "2024-02-03"]


def test_how_numbers_were_understood_is_said():
    assert read("45322.25", "45323.25")[2] == ["when holds days of a spreadsheet: '45322.25' is 2024-01-31T06:00:00"]


def test_whole_days_of_a_spreadsheet_are_midnight_where_others_have_a_time():
    assert read("45322", "45323", "")[::2] == (
        ["2024-01-31", "2024-02-01", None],
        ["when holds days of a spreadsheet: '45322' is 2024-01-31"],
    )
    assert read("45322", "45323.25")[0] == ["2024-01-31T00:00:00", "2024-02-01T06:00:00"]


def clip(path: Path, name: str | None = None) -> Clip:
    return Clip(path, name or path.as_posix())


@pytest.mark.parametrize(
    ("header", "row", "how"),
    [
        ("file_name,datetime,site", "a.wav,2024-01-31 05:30,wood", ()),
        ("file_name;Recorded at;Location", "a.wav;31.01.2024 05:30;wood", ()),
        ("INFILE_x,path,DATE,TIME,Site ID", "x,a.wav,2024-01-31,05:30:00,wood", ()),
        ("file,when,where", "a.wav,2024-01-31 05:30,wood", ("when", "where")),
        ("file,when,where", "a.wav,2024-01-31 05:30,wood", ("WHEN", "Where")),
        ("file,day,clock,station", "a.wav,31/01/2024,05:30,wood", ("day+clock", None)),
        ("file;day;clock;station", "a.wav;45322;0,229166666666667;wood", ("day,clock", None)),
        ("file,date,time,station", "a.wav,45322,0.229166666666667,wood", ()),
        ("filename,timestamp,time,site", "a.wav,2024-01-31T05:30:00,4,wood", ()),
    ],
)
def test_columns(tmp_path, header, row, how):
    (tmp_path / "t.csv").write_text(f"{header}\n{row}\n")
    said = Table(tmp_path / "t.csv", *how).of([clip(tmp_path / "a.wav")], [])[0]
    assert said is not None
    assert said.began is not None
    assert (said.began.at.isoformat(), said.site) == (MORNING, "wood")


NAMES_SHARED = "have names that several recordings or rows have"
ELSEWHERE = "have a row by the names of their files alone"


@pytest.mark.parametrize(
    ("named", "recordings", "found", "note"),
    [
        (["rec/A/x.wav", "rec/B/x.wav"], ["A/x.wav", "B/x.wav", "C/x.wav"], [0, 1, None], None),
        (["A/x.wav"], ["A/x.wav", "B/x.wav"], [0, None], None),
        (["A/x.wav"], ["B/x.wav"], [None], None),
        (["A/x.wav", "B/x.wav"], ["A/x.wav", "B/x.wav"], [0, 1], None),
        (["./A/x.wav", "x.wav"], ["A/x.wav", "B/x.wav"], [0, 1], None),
        (["A/Data/x.wav"], ["B/Data/x.wav"], [None], None),
        (["Data/x.wav"], ["A/Data/x.wav", "B/Data/x.wav"], [None, None], NAMES_SHARED),
        (["x.wav"], ["A/x.wav"], [0], None),
        (["x.wav"], ["A/x.wav", "B/x.wav", "B/y.wav"], [None, None, None], NAMES_SHARED),
        (["D:\\cards\\x.wav"], ["c/x.wav", "c/y.wav"], [0, None], ELSEWHERE),
        (["D:\\cards\\A\\x.wav", "D:\\cards\\B\\x.wav"], ["A/x.wav", "B/x.wav"], [0, 1], None),
        (["D:\\cards\\A\\x.wav"], ["A/x.wav", "B/x.wav"], [0, None], None),
        (["D:\\cards\\A\\x.wav", "D:\\cards\\B\\x.wav"], ["c/x.wav"], [None], NAMES_SHARED),
        (["/media/A/Data/x.wav"], ["B/Data/x.wav"], [0], ELSEWHERE),
        (["../cards/A/x.wav"], ["A/x.wav", "B/x.wav"], [0, None], None),
    ],
    ids=str,
)
def test_recordings_are_found_by_path_then_by_the_end_of_it(tmp_path, named, recordings, found, note):
    rows = [f"{name},2024-01-31 0{hour}:30" for hour, name in enumerate(named)]
    (tmp_path / "t.csv").write_text("\n".join(["file_name,datetime", *rows, ""]))
    notes: list[str] = []
    said = Table(tmp_path / "t.csv").of([clip(tmp_path / "rec" / name) for name in recordings], notes)
    assert [None if s is None or s.began is None else s.began.at.hour for s in said] == found
    assert [note in told for told in notes] == ([] if note is None else [True])
    if note is NAMES_SHARED:
        assert "write them with their folders" in notes[0]


def test_rows_without_a_name_are_told_once(tmp_path):
    rows = ["a.wav,2024-01-31 05:30", ",2024-01-31 06:30", " ,2024-01-31 07:30"]
    (tmp_path / "t.csv").write_text("\n".join(["file_name,datetime", *rows, ""]))
    assert Table(tmp_path / "t.csv").notes == ["2 rows without file_name, of no recording (line 3)"]


@pytest.mark.parametrize(
    ("text", "how", "error", "said"),
    [
        ("file_name,label\na.wav,x\n", (), UsageError, "no column says when or where"),
        ("file_name,datetime\na.wav,x\nb.wav,y\n", (), DataError, "t.csv lines 2 ('x'), 3 ('y'): ... is no time"),
        ("file_name,datetime\na.wav,01/02/2024\n", (), DataError, "may have the day or the month first"),
        ("file_name,datetime\na.wav,\n", ("when",), UsageError, "has no column 'when'"),
        ("label,datetime\na,2024-01-31\n", (), DataError, "no column names the recordings"),
        ("file_name,site\na.wav,x\na.wav,y\n", (), DataError, "a.wav is in another row"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, text, how, error, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(error) as raised:
        Table(tmp_path / "t.csv", *how)
    assert said in str(raised.value)
