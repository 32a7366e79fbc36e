from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioft.annotations.event import Event
from audioft.annotations.rttm import escape, line, read, unescape
from audioft.errors import DataError, UsageError

#: records of several types, as in NIST's evaluation plans; the last one is of an older file
NIST = """\
;; a comment, and a blank line

SPKR-INFO CMU_20020319-1400_d01_NONE 1 <NA> <NA> <NA> unknown spkr_1 <NA>
SPEAKER CMU_20020319-1400_d01_NONE 1 130.430000 2.350 <NA> <NA> juliet <NA> <NA>
LEXEME CMU_20020319-1400_d01_NONE 1 130.43 0.26 well lex juliet 0.9 <NA>
NON-LEX CMU_20020319-1400_d01_NONE 1 131.5 0.3 <NA> breath juliet <NA> <NA>
A/P CMU_20020319-1400_d01_NONE 1 131.5 0.3 <NA> <NA> <NA> <NA> <NA>
SPEAKER\tCMU_20020319-1400_d01_NONE\t1\t157.610000\t3.060\t<NA>\t<NA>\ttbc\t0.75\t<NA>
SPEAKER old 1 0 1.5 <NA> <NA> spk1 <NA>
"""

characters = st.characters(exclude_categories=["Cs"])
times = st.integers(0, 10**11).map(lambda i: i / 10**6)
scores = st.none() | st.integers(0, 10**6).map(lambda i: i / 10**6)


@pytest.fixture
def rttm(tmp_path):
    def write(content: str):
        (tmp_path / "a.rttm").write_text(content, encoding="utf-8", newline="")
        return tmp_path / "a.rttm"

    return write


def refusal(path) -> list[str]:
    with pytest.raises(DataError) as e:
        read(path)
    return [p.removeprefix(f"{path} ") for p in e.value.problems]


@pytest.mark.parametrize("content", [NIST, "\ufeff" + NIST, NIST.replace("\n", " \r\n")])
def test_speakers_are_read_and_all_else_is_passed_over(rttm, content):
    assert read(rttm(content)) == {
        "CMU_20020319-1400_d01_NONE": [Event("juliet", 130.43, 132.78), Event("tbc", 157.61, 160.67, 0.75)],
        "old": [Event("spk1", 0, 1.5)],
    }


def test_a_file_without_speakers(rttm):
    assert read(rttm("")) == read(rttm(";; nothing\n")) == read(rttm("SPKR-INFO a 1 x\n")) == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (
            "\nSPEAKER a 1 x 1 <NA> <NA> s <NA> <NA>\n",
            "line 2: tbeg 'x' is not a number; expected seconds, as 1.5",
        ),
        (
            "SPEAKER a 1 0 -1 <NA> <NA> s <NA> <NA>\n",
            "line 1: tdur '-1': expected a finite number of seconds, at least 0",
        ),
        (
            "SPEAKER a 1 0 <NA> <NA> <NA> s <NA> <NA>\n",
            "line 1: tdur '<NA>' is not a number; expected seconds, as 1.5",
        ),
        (
            "SPEAKER a 1 0 1 <NA> <NA> <NA> <NA> <NA>\n",
            "line 1: the label is empty; fill it in or remove the line",
        ),
        (
            "SPEAKER a 1 0 1 <NA> <NA> %20 <NA> <NA>\n",
            "line 1: the label is empty; fill it in or remove the line",
        ),
        (
            "SPEAKER a 1 0 1 <NA> <NA> great tit <NA> <NA>\n",
            "line 1: 11 fields, expected 10: SPEAKER file chan tbeg tdur ortho stype name conf slat; a blank within "
            "a name is written %20",
        ),
        (
            "SPEAKER a 1 0 1 <NA> <NA> s\n",
            "line 1: 8 fields, expected 10: SPEAKER file chan tbeg tdur ortho stype name conf slat; a blank within a "
            "name is written %20",
        ),
        (
            "0.5\t1.0\tdog\n",
            "line 1: expected a record of RTTM, as `SPEAKER file chan tbeg tdur ortho stype name conf slat`; found "
            "'0.5\\t1.0\\tdog'",
        ),
    ],
)
def test_what_is_refused_and_where(rttm, content, problem):
    assert refusal(rttm(content)) == [problem]


def test_all_problems_of_all_lines_at_once(rttm):
    found = refusal(rttm("SPEAKER a 1 x y <NA> <NA> <NA> <NA> <NA>\nspeaker\nSPEAKER a\n"))
    assert [f.partition(": ")[0] for f in found] == ["line 1"] * 3 + ["line 2", "line 3"]


def test_only_blanks_and_tabs_separate_fields(rttm):
    text = "SPEAKER a\u3000b  1 0\t1 <NA> <NA> great\xa0tit <NA> <NA>\n"
    assert read(rttm(text)) == {"a\u3000b": [Event("great\xa0tit", 0, 1)]}


def test_no_file(tmp_path):
    with pytest.raises(UsageError, match="no such label file"):
        read(tmp_path / "none.rttm")


def test_what_a_line_is_written_as():
    assert line("a", Event("dog", 1 / 3, 1)) == "SPEAKER a 1 0.333333 0.666667 <NA> <NA> dog <NA> <NA>\n"
    assert line("a b", Event("50 %\u3000é", 0, 1, 0.25)) == (
        "SPEAKER a%20b 1 0.000000 1.000000 <NA> <NA> 50%20%25%E3%80%80é 0.250000 <NA>\n"
    )


@pytest.mark.parametrize(
    "foreign", ["50%", "%", "%%", "100%_sure", "%41", "caf%C3%A9", "%2", "%zz", "%e3%80%80", "%E3%80", "%3CNA"]
)
def test_a_percent_that_writing_did_not_make_stays(rttm, foreign):
    assert unescape(foreign) == foreign
    assert read(rttm(f"SPEAKER {foreign} 1 0 1 <NA> <NA> {foreign} <NA> <NA>\n")) == {foreign: [Event(foreign, 0, 1)]}
    assert unescape(escape(foreign)) == foreign


@pytest.mark.parametrize("text", ["", "<NA>", "%3CNA>", "%20", "%2520", " ", "\x00\x1f\x85\u2028\xa0", "a%"])
def test_odd_texts_come_back(text):
    assert unescape(escape(text)) == text
    assert len(escape(text).split()) == 1


def test_every_white_space_and_control_character_is_escaped():
    for c in map(chr, range(sys.maxunicode + 1)):
        if c.isspace() or unicodedata.category(c) == "Cc":
            assert escape(c).isascii()
            assert unescape(escape(c)) == c


@given(st.text(characters))
def test_reading_undoes_writing(text):
    assert unescape(escape(text)) == text
    assert not any(c.isspace() for c in escape(text))


pieces = st.lists(st.sampled_from([*"%25CEAF038é <", "%20", "%25", "%C2", "%85", "<NA>"])).map("".join)


@given(pieces)
def test_reading_undoes_writing_where_it_is_hard(text):
    assert unescape(escape(text)) == text


@given(st.lists(st.tuples(st.text(characters), st.text(characters).filter(str.strip), times, times, scores)))
def test_what_is_written_is_read(tmp_path_factory, written):
    path = tmp_path_factory.getbasetemp() / "round.rttm"
    expected: dict[str, list[Event]] = {}
    text = ""
    for file_id, label, a, b, score in written:
        event = Event(label, min(a, b), max(a, b), score)
        expected.setdefault(file_id, []).append(event)
        text += line(file_id, event)
    path.write_text(text, encoding="utf-8", newline="")
    got = read(path)
    assert got.keys() == expected.keys()
    for file_id, events in expected.items():
        assert [(e.label, e.start, e.score) for e in got[file_id]] == [(e.label, e.start, e.score) for e in events]
        assert [e.end for e in got[file_id]] == pytest.approx([e.end for e in events], abs=2e-6)
