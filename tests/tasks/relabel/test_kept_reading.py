"""Data that has the labels of before is read by the new names, whatever became of them."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import makers
import pytest

import audioft
from audioft.data.clip import Clip
from audioft.data.reading import tidying
from audioft.data.reading.choices import Choices
from audioft.models import folder as folders
from audioft.tasks.relabel import kept_reading

QUIET = audioft.Console(quiet=True)
NAMES = ("high", "low", "mid", "noise", "rain", "wren", "wrens")


@pytest.fixture(scope="module")
def card(trained):
    return dataclasses.replace(folders.load(trained.model)[1], labels=NAMES, background=None, reading={})


def read(settings, labels, multilabel=False):
    """What clips of these labels, one each, are read as; None for those that are left out."""
    choices = {key.removeprefix("data."): value for key, value in settings.items()}
    found = [Clip(Path(label), label, labels=(label,)) for label in labels]
    left = tidying.clips(found, multilabel, Choices(**choices, assumed=frozenset(settings)), [])
    got = {clip.name: clip.labels for clip in left}
    return [got.get(label) for label in labels]


READINGS = [
    {},
    {"data.rename": {"wrens": "wren"}},
    {"data.merge": {"bird": ["wren", "wrens"]}},
    {"data.rename": {"wrens": "wren"}, "data.merge": {"bird": ["wren"]}, "data.drop": ["rain"]},
    {"data.keep": ["high", "low", "mid"]},
    {"data.negatives": ["noise", "rain"]},
    {"data.rename": {"rain": "noise"}, "data.negatives": ["noise"], "data.keep": ["high", "low"]},
]
CHANGES = [
    {"high": "low", "low": "mid", "mid": "z"},
    {"high": "low", "low": "high"},
    {"high": "low", "low": None},
    {"bird": "wren", "high": "noise"},
    {"background": "noise"},
    {"background": "hiss", "high": "background"},
    {"background": None},
    {"background": "low"},
]


@pytest.mark.parametrize("multilabel", [False, True])
@pytest.mark.parametrize("before", READINGS, ids=str)
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_it_is_read_as_before_and_then_as_relabelled(card, before, change, multilabel):
    """Also where what was relabelled is so again. A name that only `data.keep` left out may be a new label's."""
    was = read(before, NAMES, multilabel)
    own = tuple(sorted({label for labels in was for label in labels or ()} | {"background"} & change.keys()))
    if multilabel and "background" in change:
        return  # none of several labels is background
    card = dataclasses.replace(card, labels=own, reading=before, multilabel=multilabel)
    expected = was
    for again in (change, {"low": "mid", "mid": "low"}):
        labels = {label: again.get(label, label) for label in card.labels}
        made = kept_reading.of(card, labels)
        new = tuple(dict.fromkeys(label for label in labels.values() if label is not None))
        expected = [
            None if old is None else tuple(labels[x] for x in old if labels[x] is not None) or (() if not old else None)
            for old in expected
        ]
        unclear = {n for n, labels in zip(NAMES, was, strict=True) if labels is None and "data.keep" in before}
        got = dict(zip(NAMES, read(made, NAMES, multilabel), strict=True))
        assert [got[n] for n in NAMES if n not in unclear] == [
            labels for n, labels in zip(NAMES, expected, strict=True) if n not in unclear
        ]
        card = dataclasses.replace(card, labels=new, reading=made)


@pytest.fixture(scope="module")
def three(small_encoder, tmp_path_factory):
    place = tmp_path_factory.mktemp("three")
    data = makers.tones(place / "data", labels=("high", "low", "mid"))
    how = {"train__epochs": 12, "train__head_lr": 0.02, "freeze": "all"}
    return makers.train(data, small_encoder, place / "plain", **how), data


@pytest.mark.parametrize(
    "rename", [{"high": "low", "low": "mid", "mid": "z"}, {"high": "low", "low": "high"}, {"mid": "m"}], ids=str
)
def test_names_that_move_on_evaluate_as_before(audioft_command, three, tmp_path, rename):
    run, data = three
    given = [word for old, new in rename.items() for word in ("--rename", f"{old}={new}")]
    code, _, err = audioft_command("relabel", run.folder, "--out", tmp_path / "new", *given)
    assert code == 0, err
    moved = "m" not in rename.values()
    assert ("evaluate data that has the new names with 'data.rename={}'" in err) == moved
    figures = [
        audioft.evaluate(m, data, side="all", resamples=0, console=QUIET).figures for m in (run, tmp_path / "new")
    ]
    assert figures[0]["accuracy"] == figures[1]["accuracy"] > 0.4
    for old, new in rename.items():
        (tmp_path / "data" / new).parent.mkdir(exist_ok=True)
        (tmp_path / "data" / new).symlink_to(data / old)
    code, _, err = audioft_command(
        "evaluate", tmp_path / "new", tmp_path / "data", "data.rename={}", "data.allow_outside=true"
    )
    assert code == 0, err


@pytest.mark.parametrize("change", [{"rename": {"background": "noise"}}, {"drop": ["background"]}], ids=str)
def test_a_background_of_negatives(small_encoder, three, tmp_path, change):
    data = three[1]
    run = makers.train(data, small_encoder, tmp_path / "run", data__negatives=["mid"])
    made = audioft.relabel(run, tmp_path / "new", **change, console=QUIET)
    clips = audioft.evaluate(made, data, side="all", resamples=0, console=QUIET).clips
    assert clips == (18 if "rename" in change else 12)
