"""Columns as other programs call them: which are times, recordings, labels; the rest that looks so is named."""

from __future__ import annotations

import makers
import pytest

from audioft.data.manifest import load
from audioft.data.reading.choices import Choices
from audioft.errors import DataError


@pytest.fixture
def read(tmp_path):
    """`read(header, *rows)`: the manifest of a table of two recordings of two seconds."""
    for i, name in enumerate(("a.wav", "b.wav")):
        makers.tone(tmp_path / name, seconds=2.0, seed=i)

    def call(text, name="t.csv", encoding="utf-8", **choices):
        (tmp_path / name).write_bytes(text.encode(encoding))
        return load(tmp_path / name, choices=Choices(**choices))

    return call


TIMES = [("a.wav", 0.25, 0.75), ("b.wav", 1.0, 1.5)]


@pytest.mark.parametrize(
    "header",
    [
        "file,start_time,end_time,label",  # opensoundscape
        "filename,onset,offset,label",  # DCASE
        "file_name,Start,End,label",  # Excel
        "File,Start (s),End (s),label",  # BirdNET
        "Begin File,Begin Time (s),End Time (s),label",  # Raven
        "file_name,begin_time,end_time,label",
        "filename,Begin Time - ss.msec,End Time - ss.msec,label",  # ELAN
        "file_name,tmin,tmax,label",  # Praat
        "audio_filepath,start_seconds,end_seconds,label",  # AudioSet
        "fname,event_onset,event_offset,label",
        "PATH,START,STOP,label",
        "filePath,startTime,endTime,label",
        "file_name,from,to,label",
    ],
)
def test_times_of_other_programs(read, header):
    m = read(f"{header}\na.wav,0.25,0.75,x\nb.wav,1,1.5,y\n")
    assert [(c.name, c.start, c.end) for c in m.clips] == TIMES
    assert any(n.startswith("times: start is the column") for n in m.notes)


@pytest.mark.parametrize(
    "header", ["file,start,duration,label", "audio_filepath,offset,duration,label", "file,onset,Dur,label"]
)
def test_a_start_and_a_length(read, header):
    m = read(f"{header}\na.wav,0.25,0.5,x\nb.wav,1,0.5,y\n")
    assert [(c.name, c.start, c.end) for c in m.clips] == TIMES
    assert any("together" in n for n in m.notes)


def test_milliseconds_and_clock_times(read):
    m = read("file,start_ms,end_ms,label\na.wav,250,750,x\nb.wav,1000,1500,y\n")
    assert [(c.name, c.start, c.end) for c in m.clips] == TIMES
    m = read("file,Begin,End,label\na.wav,00:00:00.250,00:00:00.750,x\nb.wav,00:00:01,0:00:01.5,y\n")
    assert [(c.name, c.start, c.end) for c in m.clips] == TIMES


def test_the_documented_names_need_no_word(read):
    m = read("file_name,start,end,label\na.wav,0.25,0.75,x\nb.wav,1,1.5,y\n")
    assert [(c.name, c.start, c.end) for c in m.clips] == TIMES
    assert m.notes == ()


@pytest.mark.parametrize("header", ["start_sample,end_sample", "timestamp_start_frame,time_of_day", "duration,time"])
def test_what_looks_like_a_time_and_is_not_used_is_named(read, header):
    m = read(f"file_name,label,{header}\na.wav,x,1,2\nb.wav,y,1,2\n")
    assert all(c.whole for c in m.clips)
    assert all(any(repr(c) in n and "not used" in n for n in m.notes) for c in header.split(","))


@pytest.mark.parametrize("column", ["Begin File", "Begin Path", "file_name"])
def test_the_column_of_recordings_is_no_time(read, column):
    assert not any("time" in n for n in read(f"{column},label\na.wav,x\nb.wav,y\n").notes)


def test_a_date_is_no_time_in_seconds(read):
    m = read("file_name,label,start_time\na.wav,x,2021-05-01 10:00\nb.wav,y,2021-05-02 10:00\n")
    assert all(c.whole for c in m.clips)
    assert any("'start_time' looks like a time and is not used" in n for n in m.notes)


def test_two_columns_that_may_be_the_start_are_refused(read):
    with pytest.raises(DataError, match="'onset', 'begin_time' may each be the start"):
        read("file,onset,begin_time,label\na.wav,0,1,x\nb.wav,0,1,y\n")


def test_the_times_of_a_file_that_was_cut_out_already_are_not_used(read):
    m = read("slice_file_name,start,end,label\na.wav,30,34,x\nb.wav,12,16,y\n")
    assert all(c.whole for c in m.clips)
    assert any("are not used: slice_file_name" in n for n in m.notes)


@pytest.mark.parametrize(
    "text",
    [
        "file_name;label;start;end\na.wav;x;0,250;0,750\nb.wav;y;1,000;1,500\n",
        "file_name;label;start;end\r\na.wav;x;0,25;0,75\r\nb.wav;y;1;1,5\r\n",
        "sep=;\r\nFile_Name;Label;Start;End\r\na.wav;x;0,25;0,75\r\nb.wav;y;1,000;1,5\r\n",
        "file_name\tlabel\tonset\tduration\na.wav\tx\t0,25\t0,5\nb.wav\ty\t1\t0,5\n",
        'file_name,label,start,end\na.wav,x,"0,25","0,75"\nb.wav,y,1,"1,5"\n',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_tables_of_a_german_excel(read, text, encoding):
    m = read(text, encoding=encoding)
    assert [(c.name, c.start, c.end) for c in m.clips] == TIMES
    assert any("are decimal ones" in n for n in m.notes)


def test_a_comma_that_may_be_either_is_refused(read):
    with pytest.raises(DataError, match="may be a decimal one or one of thousands"):
        read("file_name\tlabel\tstart\tend\na.wav\tx\t1,000\t1,500\nb.wav\ty\t1,000\t1,500\n")


@pytest.mark.parametrize("yes_no", ["1 0", "1.0 0.0", "True False"])
@pytest.mark.parametrize("head", ["file,start_time,end_time", "file_name,onset,offset"])
def test_a_column_a_label(read, head, yes_no):
    yes, no = yes_no.split()
    m = read(f"{head},dog,rain\na.wav,0.25,0.75,{yes},{no}\nb.wav,1,1.5,{yes},{yes}\nb.wav,1.5,2,{no},{no}\n")
    assert m.multilabel
    assert [c.labels for c in m.clips] == [("dog",), ("dog", "rain"), ()]
    assert any("the 2 columns of 0 and 1, one a label: 'dog', 'rain'" in n for n in m.notes)


def test_a_column_a_label_with_cells_that_are_missing_and_soft_ones(read):
    m = read("file,dog,rain,fold\na.wav,1,,0\nb.wav,0,1,1\n")
    assert [(c.labels, c.unknown) for c in m.clips] == [(("dog",), ("rain",)), (("rain",), ())]
    with pytest.raises(DataError, match="shares between 0 and 1"):
        read("file,dog,rain\na.wav,1,0.3\nb.wav,0,1\n")


@pytest.mark.parametrize("name", [".\\a.wav", "C:\\Users\\anna\\rec\\a.wav", "/Users/anna/rec/a.wav"])
def test_names_of_another_machine(read, tmp_path, name):
    text = f"file_name,label\n{name},x\nb.wav,y\n"
    if name.startswith("."):
        assert [c.name for c in read(text).clips] == ["a.wav", "b.wav"]
        return
    with pytest.raises(DataError, match=r"no such file: .*data\.audio_root=DIR"):
        read(text)
    m = read(text, audio_root=str(tmp_path))
    assert [c.name for c in m.clips] == ["a.wav", "b.wav"]
    assert any("the folders of another machine" in n for n in m.notes)


def test_a_table_that_lies_elsewhere(tmp_path):
    for name in ("a.wav", "b.wav"):
        makers.tone(tmp_path / "audio" / name, seed=len(name))
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta" / "t.csv").write_text("filename,label\na.wav,x\nb.wav,y\n")
    with pytest.raises(DataError, match=r"it is there in .*audio: set data\.audio_root="):
        load(tmp_path / "meta" / "t.csv")
    m = load(tmp_path / "meta" / "t.csv", choices=Choices(audio_root=str(tmp_path / "audio")))
    assert [c.path for c in m.clips] == [tmp_path / "audio" / n for n in ("a.wav", "b.wav")]


def test_rows_with_scores(read):
    text = "file,start,end,label,Confidence\na.wav,0,1,x,0.9\na.wav,1,2,y,0.2\nb.wav,0,1,y,0.8\n"
    assert len(read(text).clips) == 3
    m = read(text, min_score=0.5)
    assert len(m.clips) == 2
    assert any("1 of 3 rows have a 'Confidence' under 0.5" in n for n in m.notes)
