"""The end of a run: thresholds, one look at the test side, and everything that is written of it."""

from __future__ import annotations

import dataclasses
import functools
import platform
from pathlib import Path
from typing import Any

import torch

from audioft.assembly import event_scores, reading, recordings, side_scores, slices
from audioft.assembly.background import NEGATIVES
from audioft.assembly.build import Parts
from audioft.assembly.fitting.validation import scoring
from audioft.assembly.run_folder import Run
from audioft.core.registry import split_spec
from audioft.core.wording import counted
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.html import Beside, write_html
from audioft.evaluation.mistakes import Mistakes
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.recording_embeddings import embed
from audioft.evaluation.report import Report
from audioft.evaluation.thresholds import choose_thresholds
from audioft.inference.timeline import Rules
from audioft.models import adapter_folder, adapting
from audioft.models import folder as model_folder
from audioft.models.folder import ModelCard
from audioft.speakers import individuals, trial_scores
from audioft.training.callbacks import finite
from audioft.training.losses import losses
from audioft.training.optim import count_parameters


@dataclasses.dataclass(frozen=True)
class Learnt:
    """How the model came about that a run ends with.

    Attributes:
        failures: training clips that could not be heard, as (name, stage, reason).
        about: what its card and report say of the learning, by name.
        best_epoch: the epoch whose weights it has; None where there were no epochs.
        fitted_to_both: to the validation side too, see `probe_again`.
        validated: what it said of that side before, where thresholds are chosen by it.
    """

    failures: list[tuple[str, str, str]]
    about: dict[str, Any]
    best_epoch: int | None = None
    fitted_to_both: bool = False
    validated: Predictions | None = None


@dataclasses.dataclass(frozen=True)
class Measured:
    """What the end of a run found out.

    Attributes:
        thresholds: of each label; None where the highest score decides.
        segments: how scores become events, besides: `release`, `min_seconds`, `close_gaps`; None for the defaults.
        report: of the test side, or the validation side where there is none; None where there is neither.
        mistakes: of the same side.
        failures: recordings that could not be heard, as (name, stage, reason).
    """

    thresholds: tuple[float, ...] | None
    segments: dict[str, float] | None
    report: Report | None
    failures: list[tuple[str, str, str]]
    mistakes: Mistakes | None = None


def finish(parts: Parts, folder: Path, learnt: Learnt) -> None:
    """Thresholds from the validation side, one look at the test side, everything written."""
    about = _about(parts, learnt)
    adapter = adapter_folder.take(parts.model.encoder)
    adapting.merge(parts.model.encoder)  # before it is measured, so that the figures are those of what is saved
    measured = (_measure_events if parts.model.frame_level else _measure_clips)(parts, folder, learnt)
    side_scores.append_bad_files(folder / "bad_files.csv", [*learnt.failures, *measured.failures])
    report = measured.report
    card = _card(parts, measured, learnt)
    readme = side_scores.model_readme(card, report, about)
    heard = parts.data.heard("train" if learnt.fitted_to_both else "valid")
    model_folder.save(parts.model, card, folder / "model", readme, adapter, heard)
    if report is not None:
        report.save(folder / "report.json")
        bad = side_scores.bad_files(folder / "bad_files.csv")
        beside = Beside(measured.mistakes, parts.config.evaluate.players, bad, learnt.best_epoch)
        info = {"title": f"audioft: {folder.name}", **about}
        write_html(folder / "report.html", report, Run(folder).history, info, beside)
        parts.console.say(f"\n{report}")


def _side(parts: Parts, learnt: Learnt) -> tuple[str | None, list[str]]:
    """Which side is measured on, and what is to be said of it."""
    if len(parts.data.side("test")):
        return "test", [*parts.data.told_before("test"), *parts.data.before.notes]
    if not len(parts.data.side("valid")):
        return None, []
    notes = ["there is no test side: this is the validation side"]
    if learnt.best_epoch is not None:
        notes = [f"{notes[0]}, which also chose the epoch"]
    notes += [*parts.data.told_before("valid"), *parts.data.before.notes]
    return "valid", [*notes, *(["and it chose the thresholds, so F1 is too good"] if parts.multilabel else [])]


def _measure_clips(parts: Parts, folder: Path, learnt: Learnt) -> Measured:
    config, data = parts.config, parts.data
    thresholds = None
    how = scoring(parts)
    if parts.multilabel and len(data.side("valid")):
        validated = learnt.validated or side_scores.score_side(parts.model, data, "valid", how).predictions
        thresholds = choose_thresholds(validated)
    chosen = None if thresholds is None else tuple(float(t) for t in thresholds)
    side, notes = _side(parts, learnt)
    if side is None:
        return Measured(chosen, None, None, [])
    found = side_scores.score_side(parts.model, data, side, dataclasses.replace(how, console=parts.console))
    notes += [f"{counted(len(found.failures), 'clip')} could not be scored"] if found.failures else []
    report = make_report(found.predictions, side, thresholds, config.evaluate.resamples, config.seed, notes)
    report = dataclasses.replace(report, slices=slices.in_clips(found.predictions, thresholds, seed=config.seed))
    found.predictions.write(folder / "predictions.csv", thresholds)
    failures = [(c.key, e.stage, e.reason) for c, e in found.failures]
    mistakes = side_scores.mistakes(found.predictions, thresholds, parts.model.encoder.hearing)
    return Measured(chosen, None, report, failures, mistakes)


def _measure_events(parts: Parts, folder: Path, learnt: Learnt) -> Measured:
    config, data, labels = parts.config, parts.data, parts.data.manifest.labels
    length = window(parts)
    how = dataclasses.replace(scoring(parts), window=length, hop=length / 2, console=parts.console)
    thresholds, segments = (0.5,) * len(labels), None
    if len(data.side("valid")):
        found = event_scores.listen(parts.model, event_scores.side(data, "valid"), how)
        thresholds = event_scores.thresholds(found, labels)
        segments = event_scores.choose_rules(found, labels, thresholds, parts.model.encoder.hearing.expansion)
    side, notes = _side(parts, learnt)
    if side is None:
        return Measured(thresholds, segments, None, [])
    if side == "test":
        found = event_scores.listen(parts.model, event_scores.side(data, side), how)
    rules = Rules.of(thresholds, segments)
    report, heard = event_scores.report(
        found, labels, rules, side, resamples=config.evaluate.resamples, seed=config.seed, notes=notes
    )
    annotated = event_scores.side(data, side)
    report = dataclasses.replace(report, slices=slices.in_events(labels, heard, annotated, seed=config.seed))
    event_scores.write_events(folder / "predictions.csv", heard)
    failures = [(x.name, x.failure.stage, x.failure.reason) for x in found if x.failure is not None]
    mistakes = event_scores.mistakes(report, heard, annotated, parts.model.encoder.hearing)
    return Measured(thresholds, segments, report, failures, mistakes)


def _card(parts: Parts, found: Measured, learnt: Learnt) -> ModelCard:
    data, report = parts.data, found.report
    sides = {side: len(data.side(side)) for side in recordings.SIDES}
    measured = {} if report is None else {report.side: finite({k: e.value for k, e in report.metrics.items()})}
    return ModelCard(
        labels=data.manifest.labels,
        multilabel=parts.multilabel,
        window=window(parts),
        thresholds=found.thresholds,
        verification=_verification(parts),
        segments=found.segments,
        background=data.background.label,
        encoder={"name": parts.loaded.name, "family": parts.model.encoder.family},
        trained_on={
            "source": Path(str(parts.config.data.source)).name,
            "clips": sides,
            "hours": round(sum(data.seconds("train")) / 3600, 4),
            **({} if learnt.best_epoch is None else {"best_epoch": learnt.best_epoch}),
            **({} if (known := _individuals(parts)) is None else {"individuals": known}),
        },
        measured=measured,
        reading=_reading(parts),
    )


def _reading(parts: Parts) -> dict[str, Any]:
    """How data is read: as the run's, and with what the model that it went on from took for background."""
    kept, more = reading.kept(parts.config), parts.data.background.negatives
    return {**kept, NEGATIVES: [*kept.get(NEGATIVES, ()), *more]} if more else kept


def _individuals(parts: Parts) -> bool | None:
    """Whether the labels are known to be individuals, or known not to be."""
    loss = parts.config.train.loss
    margin = loss is not None and getattr(losses[split_spec(loss)[0]], "cosines", False)
    return individuals.labelled(parts.data.manifest.clips, parts.multilabel or parts.model.frame_level, margin)


def _verification(parts: Parts) -> dict[str, Any] | None:
    """The threshold by which a model whose head embeds tells two speakers apart, from the validation side."""
    if _individuals(parts) is False:
        return None
    if parts.multilabel or parts.model.frame_level or not hasattr(parts.model.head, "embed"):
        return None
    how = parts.config.evaluate
    length = min(window(parts), parts.model.encoder.max_seconds)
    own = functools.partial(embed, parts.model, window=length, batch_seconds=how.batch_seconds, precision=how.precision)
    return trial_scores.choose(
        lambda clips, progress: own(clips, progress=progress),
        parts.data.clips("valid"),
        parts.console,
        parts.config.seed,
    )


def window(parts: Parts) -> float:
    """Seconds of the longest clip of the data, at most `data.max_seconds`: what the model knows a clip to be."""
    longest = max(c.seconds for c in parts.data.checked)
    return recordings.window(longest, parts.config.data.max_seconds, parts.model.encoder.hearing.expansion)


def _about(parts: Parts, learnt: Learnt) -> dict[str, Any]:
    trained, total = count_parameters(parts.model)
    tuned = parts.model.encoder.tuned
    return {
        "data": Path(str(parts.config.data.source)).name,
        "clips": ", ".join(f"{side} {len(parts.data.side(side))}" for side in recordings.SIDES),
        "bad recordings": len(parts.data.bad),
        "encoder": parts.loaded.name,
        **({} if (how := parts.model.encoder.hearing).plain else {"recordings are heard": str(how)}),
        "head": ", ".join(f"{k} {v}" for k, v in parts.model.spec.items()),
        "parameters": f"{trained:,} of {total:,} trained at the end",
        **({} if tuned is None else {"adapted by": ", ".join(f"{k} {v}" for k, v in tuned.about["adapt"].items())}),
        **learnt.about,
        "computed on": f"{parts.processes.device}, {parts.precision}, {parts.processes.count} process(es)",
        "seed": parts.config.seed,
        "versions": f"Python {platform.python_version()}, torch {torch.__version__}",
    }
