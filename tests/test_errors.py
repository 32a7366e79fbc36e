"""What is wrong, told once a kind: what is of a kind, what is told of it, and what stays as it was said."""

from __future__ import annotations

import pickle

import pytest

from audioft.errors import ConfigError, DataError, Problem, bullets, grouped


def test_a_problem_is_its_sentence():
    assert Problem("a.csv line 3", "no such file: {} in {}", "x", "/d") == "a.csv line 3: no such file: x in /d"
    assert Problem("", "no file") == "no file"
    assert Problem("a.csv", "braces {x} of nobody's") == "a.csv: braces {x} of nobody's"
    assert Problem("a.csv line 3", ValueError("it is 5")) == "a.csv line 3: it is 5"


def test_an_error_carries_a_problem_to_where_its_place_is_known():
    inner = ValueError(Problem("", "no such file: {}", "{x}.wav"))
    problems = [Problem(f"rows line {i}", inner) for i in (1, 2)]
    assert problems[0] == "rows line 1: no such file: {x}.wav"
    assert grouped(problems) == ["2 times, rows lines 1, 2: no such file: {x}.wav"]


@pytest.mark.parametrize(
    ("sentences", "told"),
    [
        (["a line", "another line"], ["a line", "another line"]),
        (["x is 'a'", "x is 'b'"], ["2 times, 'a', 'b': x is ..."]),
        (["x is 1 of 9", "x is 2 of 9", "x is 3.5 of 9"], ["3 times, 1, 2, 3.5: x is ... of 9"]),
        (["d/1.wav is odd", "d/2.wav is odd"], ["d/1.wav is odd", "d/2.wav is odd"]),
        (["train.lr.0 is odd", "train.lr.1 is odd"], ["train.lr.0 is odd", "train.lr.1 is odd"]),
        (["wav2vec2 can't", "wav2vec3 can't"], ["wav2vec2 can't", "wav2vec3 can't"]),
        (["row 1: no", "row 4: no"], ["2 times, rows 1, 4: no"]),
        (["a b.csv line 1: no", "a b.csv line 4: no"], ["2 times, a b.csv lines 1, 4: no"]),
        (["a.csv line 1: no", "b.csv line 4: no", "b.csv line 5: no"], ["3 times, a.csv line 1, b.csv lines 4, 5: no"]),
        (["'a': mean 'b'?", "'c': mean 'd'?"], ["2 times, 'a' ('b'), 'c' ('d'): ...: mean ...?"]),
        (["same", "other", "same"], ["2 times: same", "other"]),
        ([f"row {i}: no" for i in range(9)], ["9 times, rows 0, 1, 2 and 6 more: no"]),
    ],
)
def test_sentences_of_a_kind(sentences, told):
    assert grouped(sentences) == told


def test_names_that_nobody_could_see_are_given():
    problems = [Problem(f"d/{i}.wav", "{} is odd", f"name {i}") for i in range(5)]
    told = "5 times, d/0.wav (name 0), d/1.wav (name 1), d/2.wav (name 2) and 2 more: ... is odd"
    assert grouped(problems) == [told]
    assert grouped(map(str, problems)) == [str(p) for p in problems]


def test_an_error_tells_its_kinds_and_keeps_each_problem():
    problems = [Problem(f"a.csv line {i}", "no such file: {}", f"{i}.wav") for i in range(300)] + ["one of its kind"]
    error = DataError(problems)
    assert error.problems == problems
    assert str(error).splitlines() == [
        "301 problems in the data:",
        "  - 300 times, a.csv lines 0 (0.wav), 1 (1.wav), 2 (2.wav) and 297 more: no such file: ...",
        "  - one of its kind",
    ]
    assert str(DataError(problems[:1])) == "a.csv line 0: no such file: 0.wav"
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert grouped(again.problems) == grouped(problems)


def test_more_kinds_than_anybody_reads_are_counted():
    lines = bullets([f"kind {'x' * i}" for i in range(40)]).splitlines()
    assert len(lines) == 32
    assert lines[-1] == "  - and 10 more kinds of them"
    assert str(ConfigError([f"kind {'x' * i}" for i in range(40)])).startswith(
        "40 problems in the configuration:\n  - "
    )
