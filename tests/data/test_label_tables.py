"""Tables of other programs beside recordings are read, or refused with what to say, or named as not read."""

from __future__ import annotations

from pathlib import Path

import makers
import pytest

from audioft.data import label_folders
from audioft.data.manifest import load as load_clips
from audioft.data.reading.choices import Choices
from audioft.data.source import load
from audioft.errors import DataError

BIRDNET = "Start (s),End (s),Scientific name,Common name,Confidence\n0,1,Troglodytes,Wren,0.9\n1,2,Strix,Owl,0.2\n"
KALEIDOSCOPE = (
    "INDIR,FOLDER,IN FILE,OFFSET,DURATION,scientific_name,common_name,confidence\n"
    "/disk,,{},0,1,Troglodytes,Wren,0.9\n/disk,,{},1,1,Strix,Owl,0.2\n"
)
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tSpecies\n1\tS\t1\t0\t1\twren\n"
DCASE = "onset\toffset\tevent_label\n0\t1\tWren\n1\t2\tOwl\n"


@pytest.fixture
def night(tmp_path) -> Path:
    for i in range(3):
        makers.tone(tmp_path / f"rec{i}.wav", seconds=2.0, seed=i)
    return tmp_path


def write(night: Path, suffix: str, text: str) -> None:
    for i in range(3):
        (night / f"rec{i}{suffix}").write_text(text.replace("{}", f"rec{i}.wav"))


def read(night: Path, label=None, **choices):
    return label_folders.read(night, label, False, Choices(**choices), False)


def labels(found) -> list[list[str]]:
    return [[e.label for e in a.events] for a in found.recordings]


@pytest.mark.parametrize(
    ("suffix", "text"),
    [
        (".tsv", DCASE),
        (".csv", DCASE.replace("\t", ",")),
        (".txt", DCASE),
        (".tsv", DCASE.partition("\n")[2]),
        (".csv", "file,start_time,end_time,annotation\n{},0,1,Wren\n{},1,2,Owl\n"),
    ],
)
def test_what_people_said_is_read(suffix, text, night):
    write(night, suffix, text)
    assert labels(read(night)) == [["Wren", "Owl"]] * 3
    assert load(night).labels == ("Owl", "Wren")


@pytest.mark.parametrize(
    ("suffix", "text"),
    [(".BirdNET.results.csv", BIRDNET), (".BirdNET.results.kaleidoscope.csv", KALEIDOSCOPE)],
)
def test_what_a_program_detected_needs_the_least_score(suffix, text, night):
    write(night, suffix, text)
    with pytest.raises(DataError, match=rf"3 times.*rec0{suffix}.* have scores.*data\.min_score=0\.5"):
        read(night)
    assert labels(read(night, min_score=0.5)) == [["Wren"]] * 3
    write(night, ".Table.1.selections.txt", RAVEN)
    with pytest.raises(DataError, match=r"has several label files.*data\.label_files='\*\.Table\.1\.selections\.txt'"):
        read(night)
    assert labels(read(night, label_files="*.Table.1.selections.txt")) == [["wren"]] * 3


def test_one_table_may_speak_of_all_recordings(night):
    rows = "".join(f"{KALEIDOSCOPE.partition(chr(10))[2].replace('{}', f'rec{i}.wav')}" for i in range(3))
    (night / "id.csv").write_text(KALEIDOSCOPE.partition("\n")[0] + "\n" + rows)
    assert labels(read(night, min_score=0.5)) == [["Wren"]] * 3
    (night / "rec1.wav").unlink()
    with pytest.raises(DataError, match=r"id\.csv speaks of 'rec1\.wav': no such recording"):
        read(night, min_score=0.5)


def test_a_recording_in_which_a_program_found_nothing_has_no_events(night):
    write(night, ".BirdNET.results.csv", BIRDNET)
    (night / "rec1.BirdNET.results.csv").write_text(BIRDNET.partition("\n")[0] + "\n")
    assert labels(read(night, min_score=0.1)) == [["Wren", "Owl"], [], ["Wren", "Owl"]]


def test_results_beside_recordings_in_folders_of_classes(tmp_path):
    folder = makers.tones(tmp_path / "in", each=2)
    for path in folder.rglob("*.wav"):
        path.with_suffix(".BirdNET.results.csv").write_text(BIRDNET)
    with pytest.raises(DataError, match=r"data\.source_kind=classes takes the folders for labels"):
        load(folder)
    found = load(folder, choices=Choices(source_kind="classes"))
    assert found.labels == ("high", "low")
    assert any(note.startswith("4 label files are left out: ") for note in found.notes)


SCORES = "file,start_time,end_time,dog,rain\n{},0,1,0.9,0.1\n"


@pytest.mark.parametrize(
    ("suffix", "text", "said"),
    [
        (".csv", SCORES, "2 tables and texts beside recordings were not read: rec0.csv, rec2.csv; expected"),
        (".tsv", "a\tb\n1\t2\n", "2 tables and texts beside recordings were not read: rec0.tsv, rec2.tsv; expected"),
        (".TextGrid", "File type", "2 label files of another program are left out: rec0.TextGrid, rec2.TextGrid; save"),
        (".eaf", "<A/>", "2 label files of another program are left out: rec0.eaf, rec2.eaf; save it as"),
        (".xlsx", "PK", "2 tables are left out: rec0.xlsx, rec2.xlsx; if the labels are in it"),
    ],
)
def test_others_are_named(suffix, text, said, night):
    write(night, suffix, text)
    (night / f"rec1{suffix}").unlink()
    (night / "rec1.txt").write_text("0\t1\twren\n1\t2\towl\n")
    notes = load(night).notes
    assert [note for note in notes if note.startswith(said)], notes
    assert sum(f"rec0{suffix}" in note for note in notes) == 1


def test_tables_in_a_folder_of_classes_are_named(tmp_path):
    folder = makers.tones(tmp_path / "in", each=2)
    (folder / "birds.csv").write_text("file_name,label\n")
    said = "1 table is left out: birds.csv; if the labels are in it, call it metadata.csv or give its own path"
    assert said in load_clips(folder).notes
