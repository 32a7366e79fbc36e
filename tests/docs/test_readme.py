"""The README is short, and what it says twice it says once."""

from __future__ import annotations

import re
from pathlib import Path

import audioft

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MEASURED = (ROOT / "docs" / "measured.md").read_text(encoding="utf-8")


def rows(text: str, first: str) -> list[list[str]]:
    """The rows of the table whose header begins with `first`."""
    table = text[text.index(first) :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def test_it_is_read_at_once():
    assert len(README.splitlines()) <= 200


def test_the_demo_and_the_table_are_of_one_training():
    """Which is in float32 on every machine."""
    demo = dict(re.findall(r"^  (samples/\S+) +\w+ +(\d\.\d\d)  right$", README, flags=re.M))
    table = dict(re.findall(r"^(samples/recordings/[^,\n]+),\w+,(\d\.\d{6}),", README, flags=re.M))
    assert len(table) == 6
    assert {k: f"{float(v):.2f}" for k, v in table.items()} == demo
    assert "train.precision=fp32" in README
    assert '"train.precision": "fp32"' in (ROOT / "pipelines" / "demo.py").read_text()


def test_the_table_of_predictions_is_that_of_its_page():
    table = README[README.index("path,label,score") :].split("```", 1)[0]
    assert table in (ROOT / "docs" / "predict.md").read_text(encoding="utf-8")


def test_what_is_said_of_speed_is_what_was_measured():
    ours, theirs = rows(README, "| | audioft | theirs"), rows(MEASURED, "| | audioft | at its best")
    assert len(ours) == 6
    assert ours == [row[:4] + row[5:] for row in theirs]  # but for the training alone


def test_what_is_said_of_promises_is_in_the_table():
    table = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for said in re.findall(r"\d[\d,]* of \d[\d,]*", README[README.index("`make torture`") :].split("\n\n", 1)[0]):
        assert f"| {said} |" in table or said.startswith("none"), said


def test_it_names_the_public_functions():
    assert {"finetune", "predict"} <= set(audioft.__all__)
    assert "(docs/python.md)" in README
