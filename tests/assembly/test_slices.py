"""From clips and recordings to slices: what happens when, several labels, two groups, too little of everything."""

from __future__ import annotations

import dataclasses
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from audioft.annotations.event import Event
from audioft.assembly import slices
from audioft.assembly.side_scores import Descriptions
from audioft.data.annotated import Annotated
from audioft.data.clip import Clip
from audioft.errors import UsageError
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.report import Report
from audioft.evaluation.slices import fairness


def clips(**columns):
    count = len(next(iter(columns.values())))
    rows = [{k: str(v[i]) for k, v in columns.items()} for i in range(count)]
    return [Clip(Path(f"/d/{i}.wav"), f"{i}.wav", group=f"{i}.wav", columns=row) for i, row in enumerate(rows)]


def predictions(own, wrong, multilabel=False):
    count = len(own)
    label = np.arange(count) % 3
    given = np.where(wrong, (label + 1) % 3, label)
    scores = np.eye(3)[given] * 0.8 + 0.05
    return Predictions(
        ("a", "b", "c"), multilabel, scores, np.eye(3)[label], np.ones((count, 3), bool), Descriptions(own)
    )


def random_sites(count, share_wrong, seed=0):
    random = np.random.default_rng(seed)
    site = random.choice(["mill", "lake"], count)
    return site, random.random(count) < np.where(site == "mill", share_wrong, 0.1)


@pytest.mark.parametrize("multilabel", [False, True])
def test_a_report_keeps_its_slices_and_an_older_one_has_none(multilabel, tmp_path):
    site, wrong = random_sites(300, 0.5)
    found = predictions(clips(site=site), wrong, multilabel)
    report = dataclasses.replace(make_report(found, "test", resamples=10), slices=slices.in_clips(found, None))
    assert report.slices.worst.name == "site=mill"
    share = report.figures["f1_micro" if multilabel else "accuracy"]
    rows = report.slices.rows
    assert min(r.value for r in rows) < share < max(r.value for r in rows)
    report.save(tmp_path / "report.json")
    again = Report.load(tmp_path / "report.json")
    assert again.slices == report.slices
    assert str(again) == str(report)
    assert "Worst: site=mill" in str(report)
    assert dataclasses.replace(report, slices=None).to_dict().keys() == report.to_dict().keys() - {"slices"}


def test_recordings_in_time_are_compared_by_the_f1_of_their_seconds():
    """At the mill nothing is found: whole recordings are compared, however many seconds are in them."""
    recordings, heard = [], []
    for i in range(60):
        place, event = ("mill", "lake")[i % 2], Event("dog", 1.0, 4.0)
        clip = Clip(Path(f"/d/{i}.wav"), f"{i}.wav", group=f"{i}.wav", columns={"place": place, "take": str(i % 3)})
        recordings.append(Annotated(clip, (event,), 10.0))
        heard.append(Heard(clip.name, 10.0, [event], [event] if place == "lake" or i % 4 == 0 else []))
    found = slices.in_events(("dog",), heard, recordings)
    assert found.metric == "segment_f1"
    assert found.worst.name == "place=mill"
    assert found["place=mill"].clips == 30
    assert found["place=lake"].value == 1.0
    assert not any(row.told for row in found.rows if row.name.startswith("take="))
    assert slices.in_events(("dog",), heard, recordings, by=[]) is None


def test_two_groups_are_compared_by_fairlearn_and_its_absence_is_said_where_they_are_asked_for(monkeypatch):
    pytest.importorskip("fairlearn", reason="fairlearn is not installed")
    site, wrong = random_sites(300, 0.5)
    found = predictions(clips(site=site), wrong)
    fair = slices.in_clips(found, None, ["site"]).fairness[0]
    assert fair.column == "site"
    assert fair.figures["equalized_odds_difference"] > fair.chance["equalized_odds_difference"]
    monkeypatch.setattr(fairness, "available", lambda: False)
    assert slices.in_clips(found, None, ["site"]).notes == (fairness.MISSING,)
    assert slices.in_clips(found, None).notes == ()


def test_few_clips_and_none_of_a_kind_are_no_error():
    few = predictions(clips(site=["a", "b", "a"]), np.zeros(3, bool))
    assert slices.in_clips(few, None) is None
    assert slices.in_clips(few, None, ["site"]).notes == ("no slices by site: nearly a value a clip",)
    ten = slices.in_clips(predictions(clips(site=["a", "b"] * 8), np.zeros(16, bool)), None)
    assert [row.tested for row in ten.rows] == [False, False]
    text = str(dataclasses.replace(make_report(few, "test", resamples=10), slices=ten))
    assert "Too few clips to compare any slice with the rest." in text
    assert "8 clips: nothing can be told" in text
    with pytest.raises(UsageError, match="no such column"):
        slices.check(clips(site=["a", "b"]), ["place"])


def test_what_is_not_known_of_a_clip_counts_for_nothing():
    site, wrong = random_sites(300, 0.5)
    found = predictions(clips(site=site), wrong, multilabel=True)
    known = np.ones((300, 3), bool)
    known[wrong] = False
    hidden = dataclasses.replace(found, known=known, targets=found.targets)
    assert slices.in_clips(hidden, None).worst is None
    assert all(row.value == 1.0 for row in slices.in_clips(hidden, None).rows)


def test_of_twice_the_clips_no_more_than_a_few_numbers_each_are_held():
    def peak(count):
        random = np.random.default_rng(0)
        own = clips(**{name: random.integers(0, 8, count) for name in ("site", "day", "device")})
        found = predictions(own, random.random(count) < 0.1)
        tracemalloc.start()
        slices.in_clips(found, None)
        held = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return held

    slices.in_clips(predictions(clips(site=["a", "b"] * 50), np.zeros(100, bool)), None)
    assert peak(8_000) - peak(4_000) < 4_000 * 190  # bytes a clip; a mask of each of its 216 slices would be more
