"""Tables of what happens when, as DCASE, BirdNET, Kaleidoscope and opensoundscape write them."""

from __future__ import annotations

import pytest

from audioft.annotations.event import Event
from audioft.annotations.files import kind_of, read
from audioft.errors import DataError

DOG, CAT = Event("dog", 0.5, 1.25), Event("cat", 2.0, 3.0)
BIRDNET = "Start (s),End (s),Scientific name,Common name,Confidence\n"
KALEIDOSCOPE = "INDIR,FOLDER,IN FILE,CHANNEL,OFFSET,DURATION,Fmin,TOP1MATCH,TOP1DIST,MANUAL ID\n"


def named(events):
    return {"": events}


#: The text, and what it says.
KINDS = {
    "DCASE with a header": ("onset\toffset\tevent_label\n0.5\t1.25\tdog\n2\t3\tcat\n", named([DOG, CAT])),
    "DCASE without": ("0.5\t1.25\tdog\n2.0\t3.0\tcat\n", named([DOG, CAT])),
    "DCASE of commas": ("onset,offset,event_label\n0.5,1.25,dog\n2,3,cat\n", named([DOG, CAT])),
    "DCASE of commas without": ("0.5,1.25,dog\n2,3,cat\n", named([DOG, CAT])),
    "DCASE of several recordings": (
        "filename\tonset\toffset\tevent_label\naudio/a.wav\t0.5\t1.25\tdog\nb.wav\t2\t3\tcat\n",
        {"a.wav": [DOG], "b.wav": [CAT]},
    ),
    "BirdNET": (
        BIRDNET + "0.5,1.25,Canis,dog,0.9\n2.0,3.0,Felis,cat,0.1\n",
        named([Event("dog", 0.5, 1.25, 0.9), Event("cat", 2.0, 3.0, 0.1)]),
    ),
    "BirdNET of now": (
        BIRDNET.replace("\n", ",File\n") + "0.5,1.25,Canis,dog,0.9,/rec/a.wav\n",
        {"a.wav": [Event("dog", 0.5, 1.25, 0.9)]},
    ),
    "BirdNET for R": (
        "filepath,start,end,scientific_name,common_name,confidence,lat,lon,week\nC:\\rec\\a.wav,0.5,1.25,C,dog,0.9,1,2,3\n",
        {"a.wav": [Event("dog", 0.5, 1.25, 0.9)]},
    ),
    "BirdNET for Kaleidoscope": (
        "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence\n/d,f,a.wav,0.5,0.75,C,dog,0.9\n",
        {"a.wav": [Event("dog", 0.5, 1.25, 0.9)]},
    ),
    "Kaleidoscope": (
        KALEIDOSCOPE + "d,f,a.wav,0,0.5,0.75,100,CANIS,0.3,dog\nd,f,b.wav,0,2,1,100,FELIS,1.7,cat\n",
        {"a.wav": [DOG], "b.wav": [CAT]},
    ),
    "opensoundscape": (
        'file,start_time,end_time,annotation\na.wav,0.5,1.25,dog\na.wav,2,3,"cat"\n',
        {"a.wav": [DOG, CAT]},
    ),
    "semicolons and decimal commas": ("onset;offset;event_label\n0,5;1,25;dog\n", named([DOG])),
    "how sure a person was": ("onset,offset,label,confidence\n0.5,1.25,dog,3\n2,3,cat,1\n", named([DOG, CAT])),
    "no event": ("onset\toffset\tevent_label\n", named([])),
    "quoted and with a byte order mark": (
        '\ufeff"onset","offset","event_label"\r\n"0.5","1.25","dog"\r\n',
        named([DOG]),
    ),
}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".txt"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said(kind, suffix, tmp_path):
    text, expected = KINDS[kind]
    path = tmp_path / f"a{suffix}"
    path.write_text(text, encoding="utf-8", newline="")
    if suffix == ".txt" and kind.endswith("without"):  # tabs are Audacity's there
        assert kind_of(path) == ("audacity" if "\t" in text else None)
        return
    assert kind_of(path) == "table"
    assert read(path) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("onset,offset,event_label\nx,1,dog\n1,0.5,dog\n", "line 2: onset 'x' is not a number"),
        ("onset,offset,event_label\nx,1,dog\n1,0.5,dog\n", "line 3: end 0.5 is before start 1.0"),
        (
            "onset,offset,event_label\n0,1,\n",
            "line 2: the label in 'event_label' is empty; fill it in, remove the line, or",
        ),
        ("onset,offset,event_label\n0,1,a,b\n", "line 2: 4 cells, but the header has 3; correct the line"),
        (
            "filename,onset,offset,event_label\n,0,1,a\n",
            "line 2: filename is empty; expected the name of the recording",
        ),
        (BIRDNET + "0,3,C,dog,87.5\n", "line 2: Confidence '87.5': expected a score of 0 to 1"),
        (KALEIDOSCOPE + "d,f,a.wav,0,0,1,9,CANIS,0.3,\n", "TOP1MATCH is what a program found, without a score"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, said, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError) as e:
        read(tmp_path / "a.csv")
    assert said in str(e.value)


def test_the_column_that_is_asked_for_and_rows_without_a_label(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(KALEIDOSCOPE + "d,f,a.wav,0,0,1,9,CANIS,0.3,\nd,f,a.wav,0,2,1,9,FELIS,0.3,cat\n")
    assert [e.label for e in read(path, "top1match")["a.wav"]] == ["CANIS", "FELIS"]
    with pytest.raises(DataError, match=r"data\.label='TOP1MACH': there is no such column: did you mean 'TOP1MATCH'"):
        read(path, "TOP1MACH")
    notes: list[str] = []
    assert [e.label for e in read(path, unlabelled="skip", notes=notes)["a.wav"]] == ["cat"]
    assert [e.label for e in read(path, unlabelled="background", notes=notes)["a.wav"]] == ["background", "cat"]
    assert notes == ["a row without a label is left out", "a row without a label is called background"]
