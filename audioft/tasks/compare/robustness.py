"""What is known of how models stand disturbances: the newest robustness card in or beside their folders."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audioft.core.storage import read_json
from audioft.errors import AudioftError
from audioft.evaluation.intervals import Estimate
from audioft.tasks.compare.candidates import Candidate

FILE = "robustness.json"
PLACES = (FILE, f"*/{FILE}", f"*/*/{FILE}")


@dataclass(frozen=True)
class Robustness:
    """What a card says of a model.

    Attributes:
        kept: the share of the score that is left under disturbance, mean over kinds, with its interval.
        card: the file.
        tested: what was tested: the suite, the data, the kinds and the strengths.
    """

    kept: Estimate
    card: Path
    tested: tuple[Any, ...]


def of(candidate: Candidate) -> Robustness | None:
    """The newest card of the model that is not older than its weights; None where there is none."""
    given, folder = Path(candidate.name), candidate.predictor.folder
    if candidate.folds or not given.is_dir():
        return None
    weights = max((p.stat().st_mtime for p in folder.glob("*.safetensors")), default=0.0)
    found = [p for pattern in PLACES for p in given.glob(pattern) if p.stat().st_mtime >= weights]
    for card in sorted(found, key=lambda p: p.stat().st_mtime, reverse=True):
        with contextlib.suppress(AudioftError, OSError, KeyError, TypeError, ValueError):
            told = read_json(card, AudioftError)
            if not _same(told["about"]["model"], given, folder, card):
                continue
            own = told["relative_robustness"]
            kept = Estimate(*(float("nan") if own[k] is None else float(own[k]) for k in ("value", "low", "high")))
            rows = tuple((r["kind"], r["severity"]) for r in told["rows"])
            return Robustness(kept, card, (told["suite"], os.path.realpath(told["about"]["data"]), rows))
    return None


def _same(named: str, given: Path, folder: Path, card: Path) -> bool:
    """Whether a card is of this model: as it was named, or by its last name where both were moved together."""
    places = {os.path.realpath(given), os.path.realpath(folder)}
    return os.path.realpath(named) in places or (card.is_relative_to(given) and Path(named).name == given.name)


def notes(found: Sequence[Robustness | None]) -> list[str]:
    """What is to be said of cards that are not of the same test."""
    tested = {r.tested for r in found if r is not None}
    if len(tested) < 2:
        return []
    return ["robustness cards are of other clips, kinds or strengths than one another: what is kept cannot be compared"]
