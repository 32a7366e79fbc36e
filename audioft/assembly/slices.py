"""Slices of what was scored: from clips and their columns to what a report says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from audioft.assembly.side_scores import Descriptions
from audioft.core.wording import quoted
from audioft.data.annotated import Annotated
from audioft.data.clip import Clip
from audioft.evaluation.event_counts import Heard
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.slices import columns as choosing
from audioft.evaluation.slices import fairness, known
from audioft.evaluation.slices.columns import Chosen, Column
from audioft.evaluation.slices.found import Fairness, Slices
from audioft.evaluation.slices.measure import Part, measure, parts
from audioft.evaluation.slices.outcomes import Outcomes, of_events, of_predictions

_MOST_COMPARED = 5  # columns of two values that fairlearn looks at unasked


def in_clips(
    found: Predictions,
    thresholds: Sequence[float] | np.ndarray | None,
    by: Sequence[str] | None = None,
    seed: int = 0,
    discovered: Iterable[Part] | None = None,
    notes: Sequence[str] = (),
) -> Slices | None:
    """The slices of predictions that `side_scores` has made.

    Args:
        found: what was predicted.
        thresholds: see `Predictions.decisions`.
        by: columns, see `slices.columns.choose`; None for all, empty for none.
        seed: of the tests.
        discovered: further slices; None where none were looked for.
        notes: what is to be said of them.

    Returns:
        None where there is nothing to compare by, and nothing was asked for.

    Raises:
        UsageError: there is no column that `by` names.
    """
    assert isinstance(found.clips, Descriptions)
    clips = found.clips.clips
    labels = None if found.multilabel else found.targets.argmax(axis=1)
    chosen = _chosen(clips, labels, by)
    if not _any(chosen, by) and discovered is None:
        return None
    outcomes = of_predictions(found, (c.name for c in clips), thresholds)
    fair, said = _fairness(chosen, by, found, thresholds, outcomes.unit, seed)
    return _measured(outcomes, chosen, fair, [*said, *notes], seed, discovered)


def in_events(
    labels: Sequence[str],
    heard: Sequence[Heard],
    recordings: Sequence[Annotated],
    by: Sequence[str] | None = None,
    seed: int = 0,
) -> Slices | None:
    """The slices of whole recordings in which it was measured what happens when; see `in_clips`."""
    own = {a.clip.name: a.clip for a in recordings}
    clips = [own[h.name] for h in heard]
    chosen = _chosen(clips, None, by)
    if not _any(chosen, by):
        return None
    outcomes = of_events(labels, heard, [c.group for c in clips])
    return _measured(outcomes, chosen, [], [], seed, None)


def check(clips: Sequence[Clip], by: Sequence[str] | None) -> None:
    """Raise where `by` names what there is not: before anything is scored.

    Raises:
        UsageError: names the columns that there are.
    """
    if by:
        choosing.choose(known.columns(clips), None, by)


def _chosen(clips: Sequence[Clip], labels: np.ndarray | None, by: Sequence[str] | None) -> Chosen:
    return Chosen([], [], []) if by is not None and not by else choosing.choose(known.columns(clips), labels, by)


def _any(chosen: Chosen, by: Sequence[str] | None) -> bool:
    return bool(chosen.columns or chosen.crossings or (by and chosen.notes))


def _measured(
    outcomes: Outcomes,
    chosen: Chosen,
    fair: list[Fairness],
    notes: list[str],
    seed: int,
    discovered: Iterable[Part] | None,
) -> Slices:
    said = [*chosen.notes, *notes, *choosing.left_out(choosing.crossed(chosen.crossings)[1])]
    found = _both(parts(outcomes, chosen), discovered)
    return measure(found, outcomes.metric, fair, said, seed, discovering=discovered is not None)


def _both(one: Iterable[Part], other: Iterable[Part] | None) -> Iterator[Part]:
    yield from one
    yield from other or ()


def _fairness(
    chosen: Chosen,
    by: Sequence[str] | None,
    found: Predictions,
    thresholds: Sequence[float] | np.ndarray | None,
    units: np.ndarray,
    seed: int,
) -> tuple[list[Fairness], list[str]]:
    """Columns of two values as fairlearn compares them, and what is to be noted."""
    two = [c for c in chosen.columns if len(c.values) == 2]
    if not two or not found.known.all():
        return [], []
    if not fairness.available():
        return [], [fairness.MISSING] if by else []
    true, given = found.targets > 0, found.decisions(thresholds)
    looked_at = two if by else two[:_MOST_COMPARED]
    compared = [(c, fairness.compare(c, true, given, found.labels, units, seed)) for c in looked_at]
    return [f for _, f in compared if f is not None], _too_few([c for c, f in compared if f is None and by])


def _too_few(columns: Sequence[Column]) -> list[str]:
    few = f"no label has {fairness.LEAST} clips with it and without it in both groups"
    return [f"no equalised odds by {quoted([c.name for c in columns])}: {few}"] * bool(columns)
