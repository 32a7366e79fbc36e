"""When and where recordings were made: which of table, name and header is taken, and what is told of the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_times_in_headers import AUDIOMOTH, broadcast, chunk, comment, wav

from audioft.data.clip import Clip
from audioft.data.recorded.calendar import Calendar
from audioft.errors import UsageError


def clips(folder: Path, *names: str) -> list[Clip]:
    return [Clip(folder / name, name) for name in names]


def told(calendar: Calendar, found: list[Clip]) -> list[tuple[str, str]]:
    return [(calendar.of(clip).clock(0.0), calendar.of(clip).site) for clip in found]


def test_a_name_goes_before_a_header_and_a_table_before_both(tmp_path):
    header = comment(AUDIOMOTH.format("+1"))
    found = clips(
        tmp_path, "WOOD_20240131_053020.wav", "night.wav", "PTT-20240131-WA0001.wav", "PTT-20240201-WA0001.wav"
    )
    for clip in found:
        wav(clip.path, header)
    calendar = Calendar()
    assert calendar.read(found, need="--by hour") == [
        "1 of 4 recordings (PTT-20240201-WA0001.wav) say a day and no time of day",
        "the times are of several zones (+01:00, none); none is converted",
    ]
    assert [clock for clock, _ in told(calendar, found)] == [
        "2024-01-31T05:30:20.000",
        *["2024-01-31T05:30:00.000+01:00"] * 2,
        "",
    ]
    (tmp_path / "t.csv").write_text(
        "file_name,datetime,plot\nnight.wav,2024-06-01 00:00,A\nPTT-20240201-WA0001.wav,,B\n"
    )
    calendar = Calendar(tmp_path / "t.csv")
    notes = calendar.read(found)
    assert told(calendar, found)[1] == ("2024-06-01T00:00:00.000", "A")
    assert told(calendar, found)[0] == ("2024-01-31T05:30:20.000", "WOOD")
    assert calendar.of(found[3]).site == "B"
    assert "has no row of 2 of 4 recordings (WOOD_20240131_053020.wav, PTT-20240131-WA0001.wav)" in notes[0]


@pytest.mark.parametrize(
    ("name", "extra", "differs", "zone"),
    [
        ("20240131_053000.WAV", comment(AUDIOMOTH.format("+2")), False, False),  # both are the clock of one recorder
        ("20240131_053059.WAV", comment(AUDIOMOTH.format("")), False, False),
        ("20240131_053200.WAV", comment(AUDIOMOTH.format("")), True, False),
        ("20240131_073000.WAV", comment(AUDIOMOTH.format("")), True, True),
        ("20240131T053000+0200.WAV", chunk(b"guan", b"Timestamp: 2024-01-31T03:30:00Z\n"), False, False),
        ("20240131T053000+0200.WAV", chunk(b"guan", b"Timestamp: 2024-01-31T05:30:00Z\n"), True, True),
        ("20240131_053000.WAV", broadcast("2020-05-05", "01:02:03"), True, False),
        ("PTT-20240131-WA0001.wav", broadcast("2024-01-31", "01:02:03"), False, False),
    ],
)
def test_a_header_that_says_another_time_is_told_once(tmp_path, name, extra, differs, zone):
    found = clips(tmp_path, *(f"{i}/{name}" for i in range(5)))
    for clip in found:
        clip.path.parent.mkdir()
        wav(clip.path, extra)
    notes = [note for note in Calendar().read(found) if "another time in their headers" in note]
    assert len(notes) == differs
    assert all(f"5 of 5 recordings (0/{name}, 1/{name}, 2/{name}, ...)" in note for note in notes)
    assert all(("time zone" in note) == zone for note in notes)


def test_recordings_without_a_time_are_counted_and_named(tmp_path):
    found = clips(tmp_path, *(f"{i}.wav" for i in range(12)), "20240131_053000.wav")
    (note,) = Calendar().read(found, ", and are counted as unknown", "--by hour")
    assert note.startswith(
        "12 of 13 recordings (0.wav, 1.wav, 2.wav, ...) say no time, neither by name nor header, and "
    )
    assert "SITE_20240131_053000.wav" in note
    assert "--recorded" in note
    with pytest.raises(
        UsageError, match=r"--by hour needs .* of any of 12 recordings \(0.wav, 1.wav, 2.wav, ...\); name"
    ):
        Calendar().read(found[:12], need="--by hour")
    assert Calendar().read(found[:12], told=None) == []


@pytest.mark.parametrize(
    ("path", "site", "expected"),
    [
        ("lake/WOOD_20240131_053000.wav", None, "WOOD"),
        ("lake/20240131_053000.WAV", None, "lake"),
        ("lake/20240131/20240131_053000.WAV", None, "lake"),
        ("lake/Data/20240131_053000.WAV", None, "lake"),
        ("lake/2024-01-31 card 2/Data/night.wav", None, "lake"),
        ("lake/WOOD_20240131_053000.wav", "folder", "lake"),
        ("lake/WOOD_20240131_053000.wav", "name", "WOOD"),
        ("lake/20240131_053000.wav", "name", "unknown"),
    ],
)
def test_sites(tmp_path, path, site, expected):
    found = clips(tmp_path, path)
    calendar = Calendar(site=site)
    calendar.read(found)
    assert calendar.of(found[0]).site == expected


def test_a_column_that_is_asked_for_is_the_only_site(tmp_path):
    (tmp_path / "t.csv").write_text("file_name,site,habitat\nWOOD_20240131_053000.wav,x,fen\nlake/b.wav,y,\n")
    found = clips(tmp_path, "WOOD_20240131_053000.wav", "lake/b.wav")
    for asked, sites in ((None, ["x", "y"]), ("habitat", ["fen", "unknown"]), ("name", ["WOOD", "unknown"])):
        calendar = Calendar(tmp_path / "t.csv", site=asked)
        calendar.read(found)
        assert [calendar.of(clip).site for clip in found] == sites


@pytest.mark.parametrize("how", [{"time_column": "when"}, {"site": "plot"}])
def test_a_column_needs_a_table(how):
    with pytest.raises(UsageError, match="give the table with --recorded"):
        Calendar(None, **how)
