from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioft.annotations.audacity import is_label, line, read
from audioft.annotations.event import Event
from audioft.annotations.lines import lines_of, score_of, seconds
from audioft.errors import DataError, UsageError

#: the example of Audacity's manual, "Importing and Exporting Labels"
MANUAL = (
    "1.000000\t1.000000\tThis point was clicked at 6928.456055 Hz\n"
    "\\\t6928.456055\t6928.456055\n"
    "2.000000\t2.500000\tLow frequency undefined, High frequency 6334.588867 Hz\n"
    "\\\t-1.000000\t6334.588867\n"
    "3.000000\t3.500000\tLow frequency 8908.015625, High frequency undefined\n"
    "\\\t8908.015625\t-1.000000\n"
)

#: labels as they come back from a file of cells: without white space around them, not empty
labels = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\t\n\r\0")).map(str.strip).filter(bool)
times = st.integers(0, 10**11).map(lambda i: i / 10**6)


@pytest.fixture
def track(tmp_path):
    def write(content: str | bytes):
        data = content.encode() if isinstance(content, str) else content
        (tmp_path / "a.txt").write_bytes(data)
        return tmp_path / "a.txt"

    return write


def refusal(path) -> list[str]:
    with pytest.raises(DataError) as e:
        read(path)
    return [p.removeprefix(f"{path} ") for p in e.value.problems]


def test_the_example_of_the_manual(track):
    assert read(track(MANUAL)) == [
        Event("This point was clicked at 6928.456055 Hz", 1, 1),
        Event("Low frequency undefined, High frequency 6334.588867 Hz", 2, 2.5),
        Event("Low frequency 8908.015625, High frequency undefined", 3, 3.5),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "0.5\t1\tdog\n2\t2\tcat\n",
        "\ufeff0.5\t1\tdog\n2\t2\tcat",
        "0.5\t1\tdog\r\n\r\n2\t2\tcat\r\n",
        "0.5\t1\tdog\r2\t2\tcat\r",
        "\n0.5 \t 1\t dog \n  \n2\t2\tcat\t0.93\n",
        "0,5\t1,0\tdog\n2,000000\t2\tcat\n",
        ".5\t+1e0\tdog\n2.\t2\tcat\n",
    ],
)
def test_ways_to_write_the_same(track, content):
    assert read(track(content)) == [Event("dog", 0.5, 1), Event("cat", 2, 2)]


@pytest.mark.parametrize("content", ["", "\ufeff", "\n \n"])
def test_an_empty_track_has_no_events(track, content):
    assert read(track(content)) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("1\t2\tdog\n3\tx\tcat\n", "line 2: end 'x' is not a number; expected seconds, as 1.5"),
        ("\n\n1\t2\t\n", "line 3: the label is empty; fill it in or remove the line"),
        ("1\t2\t \u3000\n", "line 1: the label is empty; fill it in or remove the line"),
        ("1\t2\n", "line 1: the label is empty; fill it in or remove the line"),
        ("-1\t2\tdog\n", "line 1: start '-1': expected a finite number of seconds, at least 0"),
        ("1\t1e999\tdog\n", "line 1: end '1e999': expected a finite number of seconds, at least 0"),
        ("nan\t2\tdog\n", "line 1: start 'nan' is not a number; expected seconds, as 1.5"),
        ("1\tinf\tdog\n", "line 1: end 'inf' is not a number; expected seconds, as 1.5"),
        ("1_0\t20\tdog\n", "line 1: start '1_0' is not a number; expected seconds, as 1.5"),
        ("\t2\tdog\n", "line 1: start '' is not a number; expected seconds, as 1.5"),
        ("1\t1,234.5\tdog\n", "line 1: end '1,234.5' is not a number; expected seconds, as 1.5"),
        ("2\t1.5\tdog\n", "line 1: end 1.5 is before start 2.0; correct one of them"),
        ("1 2 dog\n", "line 1: expected start, end and label with tabs between them, found '1 2 dog'"),
        (
            "1,234\t1300\tdog\n",
            "line 1: start '1,234': its comma may be a decimal one or one of thousands; write 1.234 or 1234",
        ),
    ],
)
def test_what_is_refused_and_where(track, content, problem):
    assert refusal(track(content)) == [problem]


def test_all_problems_of_all_lines_at_once(track):
    found = refusal(track("x\ty\t\n1\t2\tdog\n3\t2\t\ndog\n"))
    assert [f.partition(": ")[0] for f in found] == ["line 1"] * 3 + ["line 3"] * 2 + ["line 4"]
    assert found[1].startswith("line 1: end 'y'")
    assert "label is empty" in found[2]
    assert "label is empty" in found[3]
    assert "is before start" in found[4]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"1\t2\tdog\r\n1\t2\tcaf\xe9\n", "line 2: byte 0xe9 is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"),
        (
            b"\xef\xbb\xbf1\t2\tdog\r1\t2\tcaf\xe9\n",
            "line 2: byte 0xe9 is not UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)",
        ),
        (b"1\t2\tdog\n1\t2\t\0\n", "line 2: a NUL byte; expected text in UTF-8"),
    ],
)
def test_no_text(track, content, said):
    assert refusal(track(content)) == [said]


def test_another_encoding_and_no_file(track, tmp_path):
    assert read(track("1\t2\tdog".encode("utf-16"))) == [Event("dog", 1.0, 2.0)]
    with pytest.raises(DataError, match="begins as UTF-16 and is none"):
        read(track("1\t2\tdog".encode("utf-16")[:-1]))
    with pytest.raises(UsageError, match=r"none\.txt: no such label file"):
        read(tmp_path / "none.txt")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["0,234", "1,2", "1,2345", "1234,567", "-0"])
def test_a_comma_that_can_be_meant_in_one_way(text):
    problems: list[str] = []
    value = seconds(text, "start", "here", problems)
    assert (value, problems) == (float(text.replace(",", ".")), [])
    assert math.copysign(1, value) == 1


def test_a_score_is_a_number_from_0_to_1():
    assert [score_of(t) for t in ("0", " 1.0 ", "0,5", "-0.1", "1.01", "", "nan", "high")] == [
        *(0.0, 1.0, 0.5),
        *[None] * 5,
    ]


def test_what_a_line_is_written_as():
    assert line(Event("dog", 1 / 3, 2, 0.5)) == "0.333333\t2.000000\tdog\n"
    assert line(Event("a\tb\nc\rd\r\ne\0f", 0, 0)) == "0.000000\t0.000000\ta b c d  e f\n"


@given(st.lists(st.tuples(labels, times, times)))
def test_what_is_written_is_read(tmp_path_factory, written):
    events = [Event(label, min(a, b), max(a, b)) for label, a, b in written]
    path = tmp_path_factory.getbasetemp() / "audacity_round.txt"
    path.write_text("".join(map(line, events)), encoding="utf-8", newline="")
    assert read(path) == events


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_label_cannot_break_the_line(label):
    written = line(Event(label, 1, 2))
    assert written.count("\t") == 2
    assert written[-1] == "\n"
    assert not set(written[:-1]) & set("\n\r\0")


def test_lines_end_where_lines_end(track):
    path = track("1\t2\tone\u2028more\x0bof\x85it\r\n\r\n3\t4\ttwo")
    assert lines_of(path) == [(1, "1\t2\tone\u2028more\x0bof\x85it"), (3, "3\t4\ttwo")]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("1\t2\tdog", True),
        ("1,5\t2", True),
        ("-1\t2\tdog", True),
        ("\\\t100\t200", True),
        ("1\tdog", False),
        ("1 2 dog", False),
        ("a.wav\t1\t2", False),
        ("1", False),
        ("", False),
    ],
)
def test_what_looks_like_a_label(text, is_one):
    assert is_label(text) == is_one
