"""Which mistakes a report explains, and as what."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from audioft.data.clip import Clip
from audioft.tasks.report import mistakes


@pytest.fixture
def table(tmp_path):
    def write(rows, labels=("cat", "dog", "owl")):
        with (tmp_path / "predictions.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["path", "start", "end", "label", "predicted", "score", *(f"score:{c}" for c in labels)])
            writer.writerows(rows)
        return tmp_path / "predictions.csv"

    return write


def test_the_surest_come_first_and_of_several_kinds(table):
    wrong = [[f"{i}.wav", "", "", "cat", "dog", 0.9, 0.0, 0.9 - i / 100, 0.0] for i in range(5)]
    owl = ["o.wav", "1.5", "3", "owl", "cat", 0.4, 0.4, 0.3, 0.3]
    right = ["r.wav", "", "", "owl", "owl", 1.0, 0.0, 0.0, 1.0]
    found = mistakes.surest(table([right, owl, *wrong]), 3, multilabel=False)
    assert [(m.name, m.start, m.given) for m in found] == [
        ("0.wav", 0, "dog"),
        ("1.wav", 0, "dog"),
        ("o.wav", 1.5, "cat"),
    ]
    assert [m.name for m in mistakes.surest(table([right, *wrong]), 3, multilabel=False)] == ["0.wav", "1.wav", "2.wav"]
    assert mistakes.surest(table([right]), 3, multilabel=False) == []


def test_of_several_labels_each_that_is_too_much_or_missed_is_a_mistake(table):
    rows = [
        ["a.wav", "", "", "cat;dog", "dog;owl", 0.8, 0.1, 0.7, 0.8],
        ["b.wav", "", "", "", "cat", 0.6, 0.6, 0.1, 0.1],
        ["c.wav", "", "", "cat", "", 0.2, 0.2, 0.1, 0.1],
    ]
    found = mistakes.surest(table(rows), 5, multilabel=True)
    assert [(m.name, m.given, m.missed) for m in found] == [
        ("a.wav", "cat", True),
        ("a.wav", "owl", False),
        ("c.wav", "cat", True),
        ("b.wav", "cat", False),
    ]
    listed = [["a.wav", "", "", '["a;b"]', '["a;b", "c"]', 0.8, 0.8, 0.7]]
    assert [m.given for m in mistakes.surest(table(listed, ("a;b", "c")), 5, multilabel=True)] == ["c"]


def test_an_event_is_missed_or_made_up_where_nothing_of_its_label_meets_it(tmp_path):
    (tmp_path / "predictions.csv").write_text(
        "path,start,end,label,kind,score\n"
        "a.wav,1,2,dog,true,\na.wav,1.5,4,dog,found,0.9\n"
        "a.wav,5,8,dog,true,\na.wav,5,8,cat,found,0.6\nb.wav,5,8,dog,found,0.7\n"
    )
    found = mistakes.surest(tmp_path / "predictions.csv", 5, events=True)
    assert [(m.name, m.start, m.given, m.missed) for m in found] == [
        ("b.wav", 5, "dog", False),
        ("a.wav", 5, "cat", False),
        ("a.wav", 5, "dog", True),
    ]
    assert [m.title.partition(": ")[2] for m in found] == [
        "dog (up to 0.70) found where there is nothing",
        "cat (up to 0.60) found where there is dog",
        "dog missed",
    ]
    soundfile.write(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 8500), 1000)
    clips = [Clip(tmp_path / "a.wav", "a.wav"), Clip(tmp_path / "b.wav", "b.wav")]
    around = mistakes.stretches(found[1:], clips)
    assert [(c.path, c.start, c.end) for c in around] == [(tmp_path / "a.wav", 4, 8.5)] * 2, "to the end"


def test_a_part_of_a_recording_is_explained_where_it_lies(tmp_path):
    whole, part = Clip(tmp_path / "a.wav", "a.wav"), Clip(tmp_path / "a.wav", "a.wav", 1.0, 2.5)
    hours = Clip(tmp_path / "b.wav", "b.wav", 2.0)
    wanted = [mistakes.Mistake(c.name, c.start, ("dog",), "cat", 0.9) for c in (whole, part, hours)]
    assert mistakes.stretches(wanted, [whole, part, hours]) == [whole, part, replace(hours, end=62.0)]
