"""What the model of a run says of its validation side, and how it is scored."""

from __future__ import annotations

import dataclasses

from audioft.assembly import build, event_scores, side_scores
from audioft.assembly.fitting.frozen_states import Cache
from audioft.configuration.values import REFINED
from audioft.evaluation.metrics import compute
from audioft.evaluation.predictions import Predictions, log_loss, refined_loss


def figures(parts: build.Parts, cache: Cache | None = None) -> dict[str, float]:
    """The figures of the validation side, the same on every process."""
    if parts.model.frame_level:
        labels = parts.data.manifest.labels
        how = dataclasses.replace(scoring(parts), processes=parts.processes)
        return event_scores.validate(parts.model, event_scores.side(parts.data, "valid"), labels, how)
    return figures_of(validated(parts, cache))


def validated(parts: build.Parts, cache: Cache | None = None) -> Predictions:
    """What the model says of the clips of the validation side, the same on every process."""
    cut = None if cache is None else cache.cut_of(cache.epoch)
    if cache is not None and cut is not None:
        return side_scores.predictions(parts.data, "valid", cache.score(cut))
    how = dataclasses.replace(scoring(parts), processes=parts.processes)
    return side_scores.score_side(parts.model, parts.data, "valid", how).predictions


def figures_of(p: Predictions) -> dict[str, float]:
    """Loss and metrics of predictions."""
    given = p.scores, p.targets, p.known, p.multilabel
    refined, error = refined_loss(*given)
    return {"loss": log_loss(*given), REFINED: refined, f"{REFINED}_error": error} | compute(p)


def scoring(parts: build.Parts) -> side_scores.Scoring:
    """How the model of a run is scored, as the config says; quietly."""
    e = parts.config.evaluate
    multilabel = parts.multilabel or parts.model.frame_level
    return side_scores.Scoring(multilabel, parts.max_seconds, batch_seconds=e.batch_seconds, precision=e.precision)
