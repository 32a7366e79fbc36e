"""From which score on two recordings are of one speaker, and the nearest of several enrolled is the one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from audioft.errors import UsageError
from audioft.models.folder import ModelCard
from audioft.speakers import identification
from audioft.speakers.enrolled import Enrolled
from audioft.speakers.identification import OpenSet

KINDS = {False: "plain cosines", True: "cosines normalised by a cohort"}


def threshold_of(card: ModelCard, given: float | None, normalised: bool) -> float:
    """The threshold that was given, or the model's own, if it was chosen for scores of this kind.

    It is that of two recordings; `choice_among` gives the one for the nearest of several enrolled.

    Raises:
        UsageError: there is none.
    """
    if given is not None:
        return given
    if card.verification is None:
        raise UsageError(
            "the model has no threshold to tell speakers apart by; give one with --threshold, or let it be chosen on "
            "trials with `audioft verify MODEL --trials LIST --store`"
        )
    own = bool(card.verification.get("normalised"))
    if own != normalised:
        remedy = (
            "give a cohort with --cohort"
            if own
            else "choose one with `audioft verify MODEL --trials LIST --cohort DIR --store`"
        )
        raise UsageError(
            f"the model's threshold is for {KINDS[own]}, these scores are {KINDS[normalised]}; {remedy}, or give a "
            "threshold with --threshold"
        )
    return float(card.verification["threshold"])


def choice_among(card: ModelCard, enrolled: Mapping[str, Enrolled]) -> OpenSet | None:
    """The threshold for the nearest of so many speakers, enrolled from so many recordings; None if none was chosen."""
    found = identification.from_rows((card.verification or {}).get("identification", []))
    if not found or not enrolled:
        return None
    return identification.nearest(found, len(enrolled), float(np.median([s.recordings for s in enrolled.values()])))
