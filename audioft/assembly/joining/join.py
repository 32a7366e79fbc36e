"""From members to a model folder: combined or averaged, measured, and written with what each member is worth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from audioft.assembly import side_scores
from audioft.assembly.joining import given as members_of
from audioft.assembly.joining import sides
from audioft.assembly.joining.joined import Joined
from audioft.assembly.joining.plan import FITTED, SOUPS, Joining
from audioft.assembly.side_scores import Scored
from audioft.core.progress import Console
from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.evaluation.clip_report import make_report
from audioft.evaluation.joining.contribution import Contribution, Diversity, contributions
from audioft.evaluation.joining.member_scores import combined
from audioft.evaluation.predictions import Predictions, log_loss
from audioft.evaluation.report import Report
from audioft.models import folder as folders
from audioft.models.card import ModelCard
from audioft.models.classifier import AudioClassifier
from audioft.models.ensembles import soups
from audioft.models.ensembles.combining import Combination
from audioft.training.callbacks import finite

UNMEASURED = (
    "Not measured: no recordings are known that are new to all members. `audioft evaluate THIS_FOLDER DATA` does that."
)


@dataclass(frozen=True)
class Made:
    """A model that was made of others.

    Attributes:
        joined: its folder, and what each member is worth.
        report: on `data`'s test side, else the validation side; None where there is neither.
        scored: what it said there.
        thresholds: where clips may have several labels.
    """

    joined: Joined
    report: Report | None
    scored: Scored | None
    thresholds: tuple[float, ...] | None


def join(how: Joining, out: Path, thresholds: tuple[float, ...] | None = None) -> Made:
    """Join models, and write what they became.

    Args:
        how: see `Joining`.
        out: the new model folder.
        thresholds: where they were chosen already.

    Raises:
        UsageError: the members do not go together, or there is nothing to fit to.
    """
    if how.how in FITTED or how.how == "greedy-soup":
        _refuse_unfitted(how)
    combination: Combination | None = None
    if how.how in SOUPS:
        model, about = _soup(how)
    else:
        combination, about = how.combination(range(len(how.given)))
        model = how.together
        model.join_by(combination)
    chosen = thresholds or how.thresholds(combination)
    report, scored = _measured(how, model, chosen)
    joined = Joined(out, how.how, tuple(g.name for g in how.given), about, notes=tuple(how.notes))
    if report is not None and scored is not None:
        own, unlike = _worth(how, model, scored.predictions, chosen)
        e = report.metrics[report.main]
        joined = replace(
            joined,
            figure=report.main,
            side=how.side,
            clips=report.clips,
            value=e.value,
            interval=(e.low, e.high),
            contributions=own,
            diversity=unlike,
        )
    card = _card(how, chosen, report)
    told = {"made from": f"{counted(len(how.given), 'model')}: {', '.join(joined.members)}", "joined by": about}
    readme = side_scores.model_readme(card, report, told, UNMEASURED)
    readme += f"\n## Members\n\n```\n{joined}\n```\n"
    folders.save(model, card, out, readme, heard=members_of.heard_by(how.given))
    joined.save()
    return Made(joined, report, scored, chosen)


def _refuse_unfitted(how: Joining) -> None:
    if how.given[0].model.frame_level:
        raise UsageError(f"--how {how.how} is for members that label clips; of frames take average or vote")
    if how.held is None and (how.data is None or not len(how.data.side("valid"))):
        raise UsageError(
            f"--how {how.how} is fitted to clips that no member was trained on, and there are none on a validation "
            "side of all (a probe that was kept is fitted to that side too); train with "
            "`audioft train DATA --folds 5`, or take --how average"
        )


def _soup(how: Joining) -> tuple[AudioClassifier, str]:
    models = [g.model.to(how.device) for g in how.given]
    if (why := soups.problem(models, [g.name for g in how.given])) is not None:
        raise UsageError(f"a soup averages weights of models of one architecture: {why}; take --how average")
    if how.how == "soup":
        return soups.mixed(models), "mean of all weights"
    data, scoring = how.data, replace(how.scoring, console=Console(quiet=True))
    assert data is not None

    def score(model: AudioClassifier) -> float:
        p = side_scores.score_side(model, data, "valid", scoring).predictions
        return -log_loss(p.scores, p.targets, p.known, p.multilabel)

    taken, best = soups.greedy(models, score)
    soup = soups.mixed([models[i] for i in taken]) if len(taken) > 1 else models[taken[0]]
    names = ", ".join(how.given[i].name for i in taken)
    clips = sides.told(data)
    return soup, f"mean of the weights of {names}, taken while the log loss of {clips} fell (to {-best:.3f})"


def _measured(
    how: Joining, model: AudioClassifier, thresholds: tuple[float, ...] | None
) -> tuple[Report | None, Scored | None]:
    if not how.side or how.data is None:
        return None, None
    scored = side_scores.score_side(model, how.data, how.side, how.scoring)
    notes = list(how.notes)
    if how.side == "valid":
        notes.append("there is no test side that is new to all members: these are validation clips")
    notes += [f"{counted(len(scored.failures), 'clip')} could not be scored"] if scored.failures else []
    report = make_report(scored.predictions, how.side, thresholds, how.resamples, how.seed, notes)
    return report, scored


def _worth(
    how: Joining, model: AudioClassifier, whole: Predictions, thresholds: tuple[float, ...] | None
) -> tuple[list[Contribution], Diversity]:
    """What each member adds; of a soup there is no leaving one out without another look at the clips."""
    scores, _ = how.said(how.side)

    def without(i: int) -> Predictions | None:
        rest = [j for j in range(len(how.given)) if j != i]
        if how.how in SOUPS or not bool(how.known[rest].any(0).all()):
            return None
        left = scores[:, rest[0]] if len(rest) == 1 else combined(how.combination(rest)[0], scores[:, rest])
        return replace(whole, scores=left)

    alone = [(g.name, replace(whole, scores=scores[:, i])) for i, g in enumerate(how.given)]
    limits = [how.limits(g.card) if how.multilabel else None for g in how.given]
    figure = "map" if how.multilabel else "accuracy"
    draws = {"resamples": how.resamples, "seed": how.seed}
    return contributions(alone, whole, without, figure, thresholds=[*limits, thresholds], **draws)


def _card(how: Joining, thresholds: tuple[float, ...] | None, report: Report | None) -> ModelCard:
    """Of the first member, where all agree; and of all."""
    cards = [g.card for g in how.given]
    first = cards[0]
    same = {k: getattr(first, k) for k in ("segments", "background") if len({str(getattr(c, k)) for c in cards}) == 1}
    individuals = {c.trained_on.get("individuals") for c in cards}
    trained = {k: v for k, v in first.trained_on.items() if k in ("source", "clips", "hours")}
    if len(individuals) == 1 and None not in individuals:
        trained["individuals"] = individuals.pop()
    return ModelCard(
        labels=how.labels,
        multilabel=how.multilabel,
        window=how.window,
        thresholds=thresholds,
        encoder={
            key: ", ".join(dict.fromkeys(str(c.encoder.get(key, "")) for c in cards)) for key in ("name", "family")
        },
        trained_on=trained,
        measured={} if report is None else {report.side: finite({k: e.value for k, e in report.metrics.items()})},
        reading=first.reading,
        **same,
    )
