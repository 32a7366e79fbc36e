"""A model is asked whether it has learnt to tell individuals apart before anybody is enrolled, and what it is worth."""

from __future__ import annotations

from pathlib import Path

import pytest

from audioft.data.clip import Clip
from audioft.errors import UsageError
from audioft.models.folder import ModelCard
from audioft.speakers import individuals

STORED = {"threshold": 0.4, "chosen_on": {"source": "trials.csv", "trials": 400, "targets": 60, "speakers": 9}}
OWN = {"threshold": 0.4, "chosen_on": {"source": individuals.VALIDATION, "trials": 66, "targets": 6, "speakers": 2}}


def card(individual=None, multilabel=False, verification=None):
    known = {} if individual is None else {"individuals": individual}
    return ModelCard(("chainsaw", "rain"), multilabel, 1.0, verification=verification, trained_on=known)


def clips(column, *rows):
    return [
        Clip(Path(f"/{i}.wav"), f"{i}.wav", labels=(label,), columns={column: cell, "file_name": f"{i}.wav"})
        for i, (label, cell) in enumerate(rows)
    ]


@pytest.mark.parametrize("column", ["speaker", "Individual", "animal_id"])
def test_a_column_of_individuals_says_whether_the_labels_are_such(column):
    assert individuals.labelled(clips(column, ("ada", "ada"), ("bo", " bo ")), False, False) is True
    assert individuals.labelled(clips(column, ("yes", "ada"), ("no", "bo")), False, True) is False


def test_without_such_a_column_a_margin_or_several_labels_say_so():
    plain = clips("source", ("yes", "yes"), ("no", "no"))
    assert individuals.labelled(plain, False, False) is None
    assert individuals.labelled(plain, False, True) is True
    assert individuals.labelled(plain, True, False) is False


@pytest.mark.parametrize(
    ("model", "head", "refused", "doubted"),
    [
        (card(True), "projection", False, False),
        (card(True, verification=OWN), "cosine", False, False),
        (card(True), "prototype", False, False),
        (card(verification=STORED), "linear", False, False),
        (card(verification=STORED), "prototype", False, False),
        (card(False, verification=STORED), "mlp", False, False),
        (card(verification=OWN), "cosine", False, True),
        (card(), {"name": "cosine", "size": 64}, False, True),
        (card(), "projection", True, True),
        (card(), "prototype", True, True),
        (card(verification=OWN), {"name": "prototype", "centre": False}, True, True),
        (card(), {"name": "merged", "head": "prototype", "parts": [2, 1]}, True, True),
        (card(False), "prototype", True, True),
        (card(False, verification=OWN), "cosine", True, True),
        (card(multilabel=True), "prototype", True, True),
        (card(multilabel=True), "cosine", True, True),
    ],
)
def test_who_is_refused_and_who_is_doubted(model, head, refused, doubted):
    embeds = "cosine" in str(head) or "prototype" in str(head)
    if refused:
        with pytest.raises(UsageError, match=r"'chainsaw', 'rain'.*configs/speakers\.yaml.*--store.*--anyway"):
            individuals.refuse(model, head, embeds)
    else:
        individuals.refuse(model, head, embeds)
    told = individuals.doubt(model)
    assert (told is not None) == doubted
    assert told is None or "'chainsaw', 'rain'" in told


@pytest.mark.parametrize(("speakers", "pairs", "few"), [(5, 30, False), (4, 300, True), (50, 29, True)])
def test_a_threshold_of_few_is_told(speakers, pairs, few):
    chosen = {"source": "x", "speakers": speakers, "targets": pairs}
    told = individuals.few(card(verification={"threshold": 0.5, "chosen_on": chosen}))
    assert (told is not None) == few
    assert told is None or f"of {speakers} individuals" in told
    assert individuals.few(card()) is None
    assert individuals.few(card(verification={"threshold": 0.5})) is None
