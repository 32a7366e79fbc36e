from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioft.annotations.event import Event
from audioft.annotations.raven import HEADER, is_header, line, read
from audioft.annotations.raven_labels import LABEL_COLUMNS
from audioft.errors import DataError, UsageError

REMEDY = "data.unlabelled=skip leaves selections without a label out, data.unlabelled=background calls them background"

#: as Raven Pro saves it: every selection once in each view
ONE_FILE = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n"
    "1\tWaveform 1\t1\t0.752105263\t1.378947368\t0.000\t24000.000\tEATO\n"
    "1\tSpectrogram 1\t1\t0.752105263\t1.378947368\t2116.900\t4403.200\tEATO\n"
    "2\tWaveform 1\t1\t2.5\t2.5\t0.000\t24000.000\tBTNW\n"
    "2\tSpectrogram 1\t1\t2.5\t2.5\t3302.500\t5249.900\tBTNW\n"
)
#: several recordings as one sequence, each of 60 s
SEQUENCE = (
    "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin Path\t"
    "File Offset (s)\tCommon Name\tSpecies Code\tConfidence\n"
    "1\tSpectrogram 1\t1\t9.0\t12.0\t0\t15000\tC:\\rec\\day 1\\a.wav\t9.0\tBlackcap\tblackc1\t0.7101\n"
    "2\tSpectrogram 1\t1\t66.1\t69.2\t0\t15000\tC:\\rec\\day 1\\b.wav\t6.1\tGreat Tit\tgretit1\t0.25\n"
    "3\tSpectrogram 1\t1\t110\t130\t0\t15000\tC:\\rec\\day 1\\b.wav\t50\tGreat Tit\tgretit1\t87\n"
)
SHORT = "Selection\tBegin Time (s)\tEnd Time (s)\tAnnotation"


@pytest.fixture
def table(tmp_path):
    def write(content: str):
        (tmp_path / "a.txt").write_text(content, encoding="utf-8", newline="")
        return tmp_path / "a.txt"

    return write


def refusal(path, label_column=None) -> list[str]:
    with pytest.raises(DataError) as e:
        read(path, label_column)
    return [p.removeprefix(f"{path} ").removeprefix(f"{path}: ") for p in e.value.problems]


def test_a_selection_in_two_views_is_one_event(table):
    expected = {"": [Event("EATO", 0.752105263, 1.378947368), Event("BTNW", 2.5, 2.5)]}
    assert read(table(ONE_FILE)) == expected
    assert read(table("\ufeff" + ONE_FILE.replace("\n", "\r\n"))) == expected


def test_times_of_a_sequence_are_made_those_of_each_recording(table):
    assert read(table(SEQUENCE)) == {
        "a.wav": [Event("Blackcap", 9, 12, 0.7101)],
        "b.wav": [Event("Great Tit", 6.1, 9.2, 0.25), Event("Great Tit", 50, 70)],
    }


def test_the_offset_counts_for_one_recording_of_a_sequence_too(table):
    text = f"{SHORT}\tBegin File\tFile Offset (s)\n1\t61\t62.5\tdog\tb.wav\t1\n2\t63\t64\tcat\tb.wav\t\n"
    assert read(table(text)) == {"b.wav": [Event("dog", 1, 2.5), Event("cat", 63, 64)]}


@pytest.mark.parametrize(
    ("columns", "cells", "name"),
    [
        ("Begin File", "a b.wav", "a b.wav"),
        ("Begin File", "day 1\\a.wav", "a.wav"),
        ("begin path", "/rec/day 1/a.wav", "a.wav"),
        ("BEGIN PATH", "C:\\rec\\é.wav", "é.wav"),
        ("Begin Path\tBegin File", "/rec/a.wav\tb.wav", "b.wav"),
        ("Begin Path\tBegin File", "/rec/a.wav\t", "a.wav"),
    ],
)
def test_the_name_of_the_recording(table, columns, cells, name):
    assert read(table(f"{SHORT}\t{columns}\n1\t0\t1\tdog\t{cells}\n")) == {name: [Event("dog", 0, 1)]}


@pytest.mark.parametrize("better", range(len(LABEL_COLUMNS)))
def test_the_label_column_is_the_first_known_one(table, better):
    columns = LABEL_COLUMNS[better:][::-1]
    text = "begin time (s)\tEND TIME (S)\t" + "\t".join(c.upper() for c in columns) + "\n0\t1\t" + "\t".join(columns)
    assert read(table(text)) == {"": [Event(LABEL_COLUMNS[better], 0, 1)]}


@pytest.mark.parametrize("asked", ["Species Code", "species code"])
def test_the_label_column_that_is_asked_for(table, asked):
    assert [e.label for e in read(table(SEQUENCE), asked)["b.wav"]] == ["gretit1", "gretit1"]


def test_a_label_column_that_is_not_there(table):
    assert refusal(table(SEQUENCE), "Specie Code") == [
        f"data.label='Specie Code': there is no such column; {REMEDY}: did you mean 'Species Code'?"
    ]
    text = "Selection\tBegin Time (s)\tEnd Time (s)\tMy Calls\n1\t0\t1\tdog\n"
    notes: list[str] = []
    assert read(table(text), notes=notes) == read(table(text), "My Calls") == {"": [Event("dog", 0, 1)]}
    assert notes == ["labels are in the column 'My Calls', the one that Raven does not know"]
    two = text.replace("My Calls", "My Calls\tYours").replace("dog", "dog\tcat")
    assert refusal(table(two)) == [
        f"no column is known to hold the labels; say which with data.label=COLUMN; {REMEDY}; the columns are "
        "Selection, Begin Time (s), End Time (s), My Calls, Yours"
    ]


def test_measurements_and_notes_are_no_labels(table):
    text = f"{SHORT.removesuffix('Annotation')}Peak Freq (Hz)\tDelta Time (s)\tNotes\n1\t0\t1\t8\t1\tloud\n"
    assert f"it has no labels; {REMEDY}; the columns are Selection" in refusal(table(text))[0]


def test_the_first_known_column_that_holds_any(table):
    text = f"{SHORT}\tSpecies\n1\t0\t1\t\trobin\n"
    notes: list[str] = []
    assert read(table(text), notes=notes) == {"": [Event("robin", 0, 1)]}
    assert notes == ["labels are in the column 'Species', 'Annotation' is empty"]


@pytest.mark.parametrize("column", ["Annotation", "Low Freq (Hz)"])
def test_selections_without_a_label(table, column):
    text = f"Selection\tBegin Time (s)\tEnd Time (s)\t{column}\n1\t0\t1\t\n"
    assert read(table(text), unlabelled="background") == {"": [Event("background", 0, 1)]}
    assert read(table(text), unlabelled="skip") == {"": []}
    assert read(table(text), "Species", unlabelled="background") == {"": [Event("background", 0, 1)]}
    assert "data.unlabelled=skip" in refusal(table(text))[0]


def test_how_sure_a_person_was_is_no_score(table):
    text = f"{SHORT}\tConfidence\n1\t0\t1\tdog\t1\n2\t1\t2\tdog\t3\n"
    assert [e.score for e in read(table(text))[""]] == [None, None]


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("1\tx\t1\tdog\n", "line 2: Begin Time (s) 'x' is not a number; expected seconds, as 1.5"),
        ("1\t0\n", "line 2: End Time (s) '' is not a number; expected seconds, as 1.5"),
        ("\n1\t0\t-1\tdog\n", "line 3: End Time (s) '-1': expected a finite number of seconds, at least 0"),
        ("1\t2\t1\tdog\n", "line 2: end 1.0 is before start 2.0; correct one of them"),
        (
            "1\t0\t1\t\n",
            "line 2: the label in 'annotation' is empty; fill it in, remove the line, or say data.unlabelled=skip or "
            "=background",
        ),
        ("1\t0\t1\tdog\tmore\n", "line 2: 5 cells, but the header has 4; correct the line"),
        (
            "7\t0\t1\tdog\n8\t0\t1\tdog\n7\t2\t3\tdog\n",
            "line 4: selection 7 is already in PATH line 2 with other times or another label; give each selection a "
            "number of its own",
        ),
    ],
)
def test_what_is_refused_and_where(table, rows, problem):
    path = table(f"{SHORT}\n{rows}")
    both = refusal(path)
    assert problem.replace("PATH", str(path)) in both
    assert all(p.startswith("line ") for p in both)
    assert len(both) == (2 if rows == "1\t0\n" else 1)  # the line that ends early has no label either


def test_all_problems_of_all_lines_at_once(table):
    text = f"{SHORT}\tBegin File\tFile Offset (s)\n1\ta\tb\t\t\tx\n2\t0\t1\tdog\ta.wav\t0\n2\t5\t4\tdog\tb.wav\t-1\n"
    found = refusal(table(text))
    assert [f.partition(": ")[0] for f in found] == ["line 2"] * 5 + ["line 4"] * 2
    assert found[0] == "line 2: Begin File is empty; expected the name of the recording"
    assert found[-1] == "line 4: File Offset (s) '-1': expected a finite number of seconds, at least 0"


def test_several_recordings_need_the_offset(table):
    text = f"{SHORT}\tBegin File\n1\t0\t1\tdog\ta.wav\n2\t61\t62\tdog\tb.wav\n"
    assert refusal(table(text)) == [
        "2 recordings, but no column File Offset (s), and Begin Time (s) counts from the beginning of the first; add "
        "File Offset (s) to the measurements in Raven and save again, or make a table for each recording"
    ]
    text = f"{SHORT}\tBegin File\tFile Offset (s)\n1\t0\t1\tdog\ta.wav\t0\n2\t61\t62\tdog\tb.wav\n"
    assert refusal(table(text)) == [
        "line 3: File Offset (s) is empty, and Begin Time (s) counts over all 2 recordings of the table; fill it in"
    ]


def test_a_line_without_a_recording_is_no_second_recording(table):
    text = f"{SHORT}\tBegin File\n1\t0\t1\tdog\ta.wav\n2\t1\t2\tdog\t\n"
    assert refusal(table(text)) == ["line 3: Begin File is empty; expected the name of the recording"]


def test_of_two_columns_with_one_name_the_first_counts(table):
    assert read(table(f"{SHORT}\tAnnotation\n1\t0\t1\tdog\tcat\n")) == {"": [Event("dog", 0, 1)]}


def test_recordings_of_one_name_in_two_folders(table):
    text = f"{SHORT}\tBegin Path\tFile Offset (s)\n1\t0\t1\tx\tone/a.wav\t0\n2\t61\t62\tx\ttwo/a.wav\t1\n"
    assert refusal(table(text)) == [
        "line 3: two/a.wav and one/a.wav have one name, and recordings are told apart by their names; make a table "
        "for each, or rename one"
    ]


def test_the_same_number_in_two_recordings_is_two_selections(table):
    text = f"{SHORT}\tBegin File\tFile Offset (s)\n1\t0\t1\tx\ta.wav\t0\n1\t0\t1\tx\tb.wav\t0\n"
    assert read(table(text)) == {"a.wav": [Event("x", 0, 1)], "b.wav": [Event("x", 0, 1)]}


def test_without_a_number_every_line_is_a_selection(table):
    text = "Begin Time (s)\tEnd Time (s)\tLabel\n0\t1\tx\n0\t1\tx\n"
    assert read(table(text)) == {"": [Event("x", 0, 1)] * 2}


def test_tables_without_selections(table):
    assert read(table(SHORT)) == {"": []}
    assert read(table("Selection\tBegin Time (s)\tEnd Time (s)\n")) == {"": []}
    assert read(table(HEADER)) == {}


def test_other_tables(table, tmp_path):
    assert refusal(table("file_name\tlabel\na.wav\tx\n")) == [
        "no column Begin Time (s) and no column End Time (s); expected a Raven selection table, its cells separated "
        "by tabs; the columns are file_name, label"
    ]
    assert "the columns are none" in refusal(table(""))[0]
    with pytest.raises(UsageError, match="no such label file"):
        read(tmp_path / "none.txt")


def test_what_is_written():
    assert HEADER == (
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tBegin Path\t"
        "File Offset (s)\tAnnotation\tScore\n"
    )
    event = Event("a\tb\nc", 1.5, 3, 0.125)
    assert line(3, event, path="rec/b.wav", begin=61.5, nyquist=22050) == (
        "3\tSpectrogram 1\t1\t61.500000\t63.000000\t0.000\t22050.000\trec/b.wav\t1.500000\ta b c\t0.125000\n"
    )
    assert line(1, Event("x", 0, 1), path="b.wav", begin=0, nyquist=8000).endswith("\tx\t\n")


labels = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\0")).map(str.strip).filter(bool)
times = st.integers(0, 10**10).map(lambda i: i / 10**6)
scores = st.none() | st.integers(0, 10**6).map(lambda i: i / 10**6)


@given(st.lists(st.tuples(st.sampled_from(["a.wav", "b é.wav"]), labels, times, times, scores), min_size=1))
def test_what_is_written_is_read(tmp_path_factory, written):
    path = tmp_path_factory.getbasetemp() / "raven_round.txt"
    expected: dict[str, list[Event]] = {}
    text = HEADER
    for number, (recording, label, a, b, score) in enumerate(written, start=1):
        event = Event(label, min(a, b), max(a, b), score)
        expected.setdefault(recording, []).append(event)
        begin = event.start + (10_000 if recording == "b é.wav" else 0)
        text += line(number, event, path=f"/rec/{recording}", begin=begin, nyquist=8000)
    path.write_text(text, encoding="utf-8", newline="")
    got = read(path)
    assert got.keys() == expected.keys()
    for recording, events in expected.items():
        assert [(e.label, e.start, e.score) for e in got[recording]] == [(e.label, e.start, e.score) for e in events]
        assert [e.end for e in got[recording]] == pytest.approx([e.end for e in events], abs=2e-6)


def test_what_looks_like_a_header():
    assert is_header(ONE_FILE.splitlines()[0])
    assert is_header("begin time (s) \tlabel")
    assert not is_header("Begin Time (s)")
    assert not is_header("1\t2\tBegin Time")
