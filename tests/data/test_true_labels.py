"""The label file beside a recording, found as the reader of label files finds it."""

from __future__ import annotations

import pytest

from audioft.data.true_labels import TrueLabels

AUDACITY = "0.5\t1.0\tdog\n2.0\t3.0\tcat\n"
RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tLow Freq (Hz)\tHigh Freq (Hz)\tAnnotation\n"
RAVEN += "1\tWaveform 1\t1\t0.5\t1.0\t0\t8000\tdog\n"
RTTM = "SPEAKER night 1 0.5 0.5 <NA> <NA> dog <NA> <NA>\n"


@pytest.mark.parametrize(
    ("name", "text", "labels"),
    [
        ("night.txt", AUDACITY, ["dog", "cat"]),
        ("night.wav.txt", AUDACITY, ["dog", "cat"]),
        ("night.Table.1.selections.txt", RAVEN, ["dog"]),
        ("night.rttm", RTTM, ["dog"]),
        ("day.txt", AUDACITY, None),
        ("night.md", AUDACITY, None),
        ("night.txt", "notes about the night\n", None),
        ("night.txt", AUDACITY + "x\ty\tbroken\n", None),
    ],
)
def test_it_is_found_by_its_name_and_passed_over_where_it_is_none(tmp_path, name, text, labels):
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = TrueLabels().of(tmp_path / "night.wav")
    assert (None if found is None else [e.label for e in found]) == labels


def test_what_a_program_has_found_is_not_true(tmp_path):
    scored = RAVEN.replace("Annotation", "Annotation\tConfidence").replace("dog", "dog\t0.8")
    (tmp_path / "night.txt").write_text(scored, encoding="utf-8")
    assert TrueLabels().of(tmp_path / "night.wav") is None


def test_a_folder_that_is_gone_says_nothing(tmp_path):
    assert TrueLabels().of(tmp_path / "gone" / "night.wav") is None
