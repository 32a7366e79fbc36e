"""What is written at the end of a distillation: the student's model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from audioft.assembly import build, side_scores
from audioft.assembly.fitting.validation import scoring
from audioft.assembly.side_scores import model_readme
from audioft.core.progress import spell_seconds
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.thresholds import choose_thresholds
from audioft.models import folder as model_folder
from audioft.models.architecture import count
from audioft.models.card import ModelCard
from audioft.training.callbacks import finite
from audioft.training.state import State


def write(
    parts: build.Parts, told: Mapping[str, Any], teacher: ModelCard, name: str, state: State, place: Path
) -> Path:
    """The model folder, measured on the validation side, by which its epoch and its thresholds are chosen.

    Args:
        parts: its model has the best weights.
        told: of the distillation, for the card.
        teacher, name: the teacher's card, and what it is called.
        state: where training ended.
        place: the folder to be written.
    """
    data, thresholds, report = parts.data, None, None
    begun = model_folder.load(str(parts.config.start.model))[1]
    if len(data.side("valid")):
        found = side_scores.score_side(parts.model, data, "valid", scoring(parts)).predictions
        if parts.multilabel:
            thresholds = choose_thresholds(found)
        notes = ["the validation side chose the epoch" + (" and the thresholds" if parts.multilabel else "")]
        report = make_report(found, "valid", thresholds, parts.config.evaluate.resamples, parts.config.seed, notes)
    clips = {side: len(data.side(side)) for side in ("train", "valid", "test")}
    card = replace(
        teacher,
        thresholds=None if thresholds is None else tuple(float(t) for t in thresholds),
        verification=None,
        calibration=None,
        segments=None,
        encoder=dict(begun.encoder),
        trained_on={**teacher.trained_on, "clips": clips, "teacher": name, "best_epoch": state.best_epoch},
        measured={} if report is None else {report.side: finite({k: e.value for k, e in report.metrics.items()})},
    )
    about = {
        "teacher": name,
        "learnt from it": f"probabilities at temperature {told['temperature']:g} (weight {told['soft']:g}), states "
        f"({told['states']:g}), beside the labels ({told['hard']:g})",
        "layers": parts.model.encoder.num_layers,
        "parameters": f"{count(parts.model):,}",
        "clips": ", ".join(f"{side} {n}" for side, n in clips.items()),
        "best epoch": f"{state.best_epoch} of {parts.config.train.epochs}, by {parts.metric}",
        "training time": spell_seconds(state.seconds),
        "seed": parts.config.seed,
    }
    model_folder.save(parts.model, card, place, model_readme(card, report, about), heard=data.heard("valid"))
    return place
