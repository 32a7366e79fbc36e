"""The steps behind `audioft.explain`: a recording heard, its best stretch taken apart, what comes of it told."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from audioft.audio.sounds import Sound
from audioft.core.progress import Console
from audioft.core.runtime import evaluating
from audioft.core.wording import quoted
from audioft.data.clip import Clip
from audioft.errors import AudioError, UsageError
from audioft.inference.prediction import NOT_FINITE
from audioft.inference.predictor import Predictor
from audioft.tasks.explain import faithfulness, gradients, neighbours, occlusion, removal, words
from audioft.tasks.explain.evidence import Evidence
from audioft.tasks.explain.explanation import Explanation
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.neighbours import Near, Neighbours
from audioft.tasks.explain.origin import Origin, begins, key
from audioft.tasks.explain.stft import Cells, Spectrum
from audioft.tasks.explain.windows import Heard, heard, samples_at

METHODS: dict[str, Callable[[Spectrum, LogOdds], Evidence]] = {
    "occlusion": occlusion.occlusion,
    "gradients": gradients.over_spectrum,
}


@dataclass(frozen=True)
class Asked:
    """What is to be explained, and how.

    Attributes:
        label: position of the label; None for each recording's answer.
        against: position of the label that it is weighed against; None for all others.
        method: a key of `METHODS`.
        windows: of a longer recording, those in which the label scores highest.
        neighbours: how many training clips are named.
        labelled: whether clips come with labels, so that right and wrong answers are told apart.
        true: explain the labels that clips come with.
    """

    label: int | None = None
    against: int | None = None
    method: str = "occlusion"
    windows: int = 1
    neighbours: int = 5
    labelled: bool = False
    true: bool = False

    def labels(self, clip: Clip | Sound, labels: Sequence[str], answer: int) -> list[int]:
        """Positions of the labels that are explained of a clip: of what it is known to have, or one."""
        if self.true:
            assert isinstance(clip, Clip)
            return [labels.index(label) for label in clip.labels]
        return [answer if self.label is None else self.label]


def position(labels: Sequence[str], label: str) -> int:
    """Of a label among a model's.

    Raises:
        UsageError: it has no such label.
    """
    if label not in labels:
        near = difflib.get_close_matches(label, labels, 1)
        meant = f": did you mean {near[0]!r}?" if near else f"; it knows {quoted(labels, 20)}"
        raise UsageError(f"the model has no label {label!r}{meant}")
    return labels.index(label)


def rival(predictor: Predictor, label: int | None, against: str) -> int:
    """Position of the label that another one is weighed against.

    Raises:
        UsageError: there is no such label, or it is none that the other one could be weighed against.
    """
    found = position(predictor.labels, against)
    if label is None or label == found:
        raise UsageError(f"against {against!r} takes another label that is explained (--label)")
    if predictor.card.multilabel:
        raise UsageError(
            f"the model gives several labels a clip: none is given against {against!r}; leave --against out"
        )
    return found


def refuse(method: str) -> None:
    """Raise a UsageError where there is no such method, or it lacks what it needs."""
    if method not in METHODS:
        raise UsageError(f"method {method!r} is unknown; known are {', '.join(METHODS)}")
    if method != "occlusion":
        gradients.refuse_without_captum(method)


def explained(
    predictor: Predictor, clips: Sequence[Clip | Sound], asked: Asked, near: Neighbours, console: Console
) -> Iterator[Explanation]:
    """Explanations, one a recording, or `asked.windows` of a longer one; each is made when it is asked for."""
    with evaluating(predictor.model), console.job("explaining", len(clips), unit=" recordings") as job:
        for done, clip in enumerate(clips, 1):
            yield from _of_one(predictor, clip, asked, near)
            job.at(done)


def unheard(failure: AudioError, method: str) -> Explanation:
    """What is said of a recording of which nothing can be heard."""
    return Explanation(str(failure.path), None, None, float("nan"), method=method, error=failure)


def _of_one(predictor: Predictor, clip: Clip | Sound, asked: Asked, near: Neighbours) -> Iterator[Explanation]:
    found = heard(predictor, clip)
    if not len(found.starts):
        yield Explanation(key(clip), None, None, float("nan"), method=asked.method, error=found.failure)
        return
    if not np.isfinite(found.scores).all():
        failure = AudioError(clip.name, "check", NOT_FINITE)
        yield Explanation(key(clip), None, None, float("nan"), method=asked.method, error=failure)
        return
    answer = int(found.answer.argmax())
    for label in asked.labels(clip, predictor.labels, answer):
        for index in found.best(label, asked.windows):
            yield _of_window(predictor, clip, found, index, label, answer, asked, near)


def _of_window(
    predictor: Predictor,
    clip: Clip | Sound,
    found: Heard,
    index: int,
    label: int,
    answer: int,
    asked: Asked,
    near: Neighbours,
) -> Explanation:
    model, labels, several = predictor.model, predictor.labels, predictor.card.multilabel
    hearing, start = model.encoder.hearing, float(found.starts[index])
    score, before = float(found.answer[label]), begins(clip)
    made = Explanation(
        path=key(clip),
        answer=labels[answer],
        label=labels[label],
        score=score,
        against=None if asked.against is None else labels[asked.against],
        rival=float("nan") if asked.against is None else float(found.answer[asked.against]),
        start=before + start,
        end=before + float(found.ends[index]),
        method=asked.method,
        error=found.failure,
        true=clip.labels if asked.labelled and isinstance(clip, Clip) else None,
        right=_right(predictor, clip, label, answer, score) if asked.labelled and isinstance(clip, Clip) else None,
    )
    samples = samples_at(hearing, predictor.window, clip, start)
    if samples is None:
        return made
    log_odds = LogOdds(model, label, several, predictor.batch_seconds, asked.against)
    sound = torch.from_numpy(samples.copy()).to(log_odds.device)
    spectrum = Spectrum(sound, hearing.rate, Cells.of(len(samples) / hearing.rate, hearing.rate))
    evidence = METHODS[asked.method](spectrum, log_odds)
    ends = evidence.whole, evidence.background
    kept, drawn = faithfulness.left(spectrum, log_odds, evidence.values, *ends)
    quiet = faithfulness.quiet(spectrum)
    bands = hearing.range[0] + spectrum.cells.bands * hearing.expansion
    made = replace(
        made,
        times=before + start + spectrum.cells.times / hearing.expansion,
        bands=bands if evidence.values.shape[1] > 1 else bands[[0, -1]],
        evidence=evidence.values,
        whole=evidence.whole,
        background=evidence.background,
        quiet=quiet,
        silent=faithfulness.in_silence(spectrum, log_odds, quiet, *ends),
        gap=evidence.gap,
        passes=evidence.passes + faithfulness.PASSES,
        kept=kept,
        drawn=drawn,
        origin=_origin(predictor, clip, samples, label, asked, near),
    )
    return replace(made, passes=made.passes + removal.PASSES, without=removal.without(spectrum, log_odds, made, labels))


def _right(predictor: Predictor, clip: Clip, label: int, answer: int, score: float) -> bool | None:
    """Whether a label is given where a clip has it and nowhere else; None where that is not known of the clip."""
    name = predictor.labels[label]
    if name not in clip.labels and (clip.unknown == "rest" or name in clip.unknown):
        return None
    limits = predictor.card.thresholds or [0.5] * len(predictor.labels)
    given = score >= limits[label] if predictor.card.multilabel else label == answer
    return given == (name in clip.labels)


def _origin(
    predictor: Predictor, clip: Clip | Sound, samples: np.ndarray, label: int, asked: Asked, near: Neighbours
) -> Origin:
    model = predictor.model
    said = [words.layers(model)]
    like, nearest = tuple[Near, ...](), ""
    if not model.frame_level:
        vector = torch.from_numpy(neighbours.pooled_of(predictor, samples)).to(next(model.parameters()).device)
        said.append(words.head(model, vector[None], label, predictor.card.multilabel, asked.against))
        if near.vectors is not None and asked.neighbours:
            own = neighbours.vector_of(model, vector)
            like = near.near(own, asked.neighbours)
            pair = [i for i in (label, asked.against) if i is not None]
            nearest = neighbours.nearest(near, own, like, [predictor.labels[i] for i in pair])
    hearing = model.encoder.hearing
    return Origin(clip, predictor.window, hearing, tuple(filter(None, said)), like, nearest, "" if like else near.why)
