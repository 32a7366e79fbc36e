"""When recordings begin and where they were made, by names: of recorders, programs and phones; what is no time."""

from __future__ import annotations

import pytest

from audioft.data.recorded import from_names

MORNING = "2024-01-31T05:30:00"


def told(name: str) -> str | None:
    found = from_names.time(name)
    return None if found is None else found.at.isoformat() if found.timed else found.at.date().isoformat()


@pytest.mark.parametrize(
    ("name", "when", "site"),
    [
        ("20240131_053000.WAV", MORNING, ""),  # AudioMoth
        ("20240131_053000T.WAV", MORNING, ""),  # triggered
        ("SITE_20240131_053000.wav", MORNING, "SITE"),  # Song Meter
        ("SMA00123_20240131_053000.wav", MORNING, "SMA00123"),
        ("S4A05123_20240131_053000.wav", MORNING, "S4A05123"),
        ("SM304290_0+1_20240131_053000.wav", MORNING, "SM304290"),
        ("SM304290_-1_20240131_053000.wav", MORNING, "SM304290"),
        ("SM304290_0+_20240131_053000.wav", MORNING, "SM304290"),
        ("SITE_20240131$053000.wav", MORNING, "SITE"),
        ("site_1_20240131_053000.wav", MORNING, "site_1"),
        ("OLD-WOOD 3_20240131_053000_000.wav", MORNING, "OLD-WOOD 3"),
        ("Nord_Süd_20240131_053000.wav", MORNING, "Nord_Süd"),
        ("20240131T053000+1000_REC [-27.4,153.1].flac", f"{MORNING}+10:00", ""),  # Frontier Labs BAR-LT
        ("20240131T053000-0330_Upper.flac", f"{MORNING}-03:30", ""),
        ("20240131T053000Z.wav", f"{MORNING}+00:00", ""),
        ("SWIFT01_20240131_053000-0500.wav", f"{MORNING}-05:00", "SWIFT01"),  # Cornell
        ("2024-01-31T05-30-00.wav", MORNING, ""),
        ("2024-01-31T05:30:00.wav", MORNING, ""),
        ("2024-01-31T05:30:00.250Z.wav", "2024-01-31T05:30:00.250000+00:00", ""),
        ("2024-01-31T05-30-00+0100.wav", f"{MORNING}+01:00", ""),
        ("2024-01-31T05-30-00+01.wav", f"{MORNING}+01:00", ""),
        ("2024-01-31T0530.wav", MORNING, ""),
        ("2024-01-31 05.30.00", MORNING, ""),
        ("2024-01-31_05-30.ogg", MORNING, ""),
        ("2024-01-31 05h30.mp3", MORNING, ""),
        ("2024-01-31 05h30m00s.mp3", MORNING, ""),
        ("2024_01_31_05_30_00.wav", MORNING, ""),
        ("20240131053000.wav", MORNING, ""),
        ("REC20240131053000.mp3", MORNING, ""),
        ("REC_20240131_053000.wav", MORNING, ""),
        ("R20240131-053000.WAV", MORNING, ""),
        ("Recording 2024-01-31 05.30.00.m4a", MORNING, ""),
        ("New Recording 3 2024-01-31 05.30.00.m4a", MORNING, ""),
        ("20240131 053000-04300A1B.m4a", MORNING, ""),  # of a phone: what follows is no zone
        ("20240131 053000-12345678.m4a", MORNING, ""),
        ("WhatsApp Audio 2024-01-31 at 05.30.00.ogg", MORNING, ""),
        ("WhatsApp Ptt 2024-01-31 at 5.30.00 PM.ogg", "2024-01-31T17:30:00", ""),
        ("WhatsApp Ptt 2024-01-31 at 12.05.00\u202fAM.ogg", "2024-01-31T00:05:00", ""),
        ("Aufnahme 31.01.2024 05.30.00.m4a", MORNING, ""),
        ("2024-01-31-birdnet-05:30:00.wav", MORNING, ""),  # BirdNET-Pi
        ("Common_Raven-85-2024-01-31-birdnet-RTSP_1-05:30:00.mp3", MORNING, ""),
        ("2024-01-31 05：30：00.wav", MORNING, ""),
        ("20240229_000000.wav", "2024-02-29T00:00:00", ""),
        ("20231231_235959.wav", "2023-12-31T23:59:59", ""),
        ("PROJ20230101_A_20240131_053000.wav", MORNING, "PROJ20230101_A"),
        ("20241301_20240131_053000.wav", MORNING, "20241301"),
        ("deep/20230101_000000/SITE_20240131_053000.wav", MORNING, "SITE"),
    ],
)
def test_names_with_a_time(name, when, site):
    assert (told(name), from_names.site(name)) == (when, site)


@pytest.mark.parametrize(
    "name",
    [
        "PTT-20240131-WA0003.opus",
        "AUD-20240131-WA0001.m4a",
        "20240131.wav",
        "SITE_2024-01-31.wav",
        "20240131_0001.wav",  # a number as likely as a time
        "20240131_0530.wav",
        "SITE_20240131_250000.wav",  # no hour
        "20240131_053060.wav",
        "20240131_0530001.wav",
        "20240131_05-3000.wav",
    ],
)
def test_names_with_a_day_alone(name):
    assert told(name) == "2024-01-31"


@pytest.mark.parametrize(
    "name",
    [
        "20241301_053000.wav",  # no month
        "20240230_053000.wav",  # no day
        "20240100_053000.wav",
        "19700101_000012.WAV",  # a clock that was never set
        "room_101_2024.wav",
        "ZOOM0001.WAV",
        "ZOOM0001_LR.WAV",
        "240131_0530.wav",
        "240131_001.WAV",
        "XC20240131.mp3",
        "1706679000123.wav",
        "120240131053000.wav",
        "2024013105300012.wav",
        "a20240131b.wav",
        "01-02-2024 05.30.wav",  # which of them is the month
        "take 2 of 2024.wav",
        "night.flac",
        "Voice 001.m4a",
        "",
    ],
)
def test_what_is_no_time(name):
    assert told(name) is None
    assert from_names.site(name) == ""


def test_the_first_audiomoths_count_seconds_in_hexadecimal():
    names = ["a/5A3B2C1D.WAV", "a/5A3B2C4B.WAV", "a/60123456.WAV", "a/notes.WAV"]
    found = from_names.times(names)
    assert [None if at is None else at.at.isoformat() for at in found] == [
        *("2017-12-21T03:35:57+00:00", "2017-12-21T03:36:43+00:00", "2021-01-28T03:49:42+00:00"),
        None,
    ]


@pytest.mark.parametrize(
    "names",
    [
        ["59123456.WAV", "60123456.WAV"],  # decimal numbers as well
        ["5A3B2C1D.WAV", "F00DBEEF.WAV"],  # names of another kind are beside it
        ["5a3b2c1d.wav"],
        ["5A3B2C1D0.WAV", "x5A3B2C1D.WAV"],
        ["0A3B2C1D.WAV"],  # 1975
    ],
)
def test_other_names_of_eight_digits_are_no_times(names):
    assert from_names.times(names) == [None] * len(names)
