"""The steps behind `audioft.explain`: a recording heard, its best stretch taken apart, what comes of it told."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from audioft.audio.sounds import Sound
from audioft.core.progress import Console, about
from audioft.core.runtime import evaluating
from audioft.core.wording import counted, quoted
from audioft.data.check import headers
from audioft.data.clip import Clip
from audioft.errors import AudioError, UsageError
from audioft.inference.prediction import NOT_FINITE
from audioft.inference.predictor import Predictor
from audioft.tasks.explain import faithfulness, gradients, neighbours, occlusion, removal, words
from audioft.tasks.explain.evidence import Evidence
from audioft.tasks.explain.explanation import SILENT_DB, Explanation
from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.neighbours import Near, Neighbours
from audioft.tasks.explain.origin import Origin
from audioft.tasks.explain.stft import Cells, Spectrum
from audioft.tasks.explain.windows import Heard, heard, samples_at

METHODS: dict[str, Callable[[Spectrum, LogOdds], Evidence]] = {
    "occlusion": occlusion.occlusion,
    "gradients": gradients.over_spectrum,
}
#: Passes that a window takes at most, each forward and back counted as three: what is told beforehand.
COSTS = {"occlusion": occlusion.passes((12, 8)), "gradients": 250}


@dataclass(frozen=True)
class Asked:
    """What is to be explained, and how.

    Attributes:
        label: position of the label; None for each recording's answer.
        against: position of the label that it is weighed against; None for all others.
        method: a key of `METHODS`.
        windows: of a longer recording, those in which the label scores highest.
        neighbours: how many training clips are named.
    """

    label: int | None = None
    against: int | None = None
    method: str = "occlusion"
    windows: int = 1
    neighbours: int = 5


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


def told_beforehand(predictor: Predictor, clips: Sequence[Clip | Sound], asked: Asked) -> str:
    """A sentence on what it will take: by one pass over a window, made now."""
    model, window = predictor.model, predictor.window
    lengths = [c.seconds or window for c in headers([c for c in clips if isinstance(c, Clip)])]
    lengths += [len(c.samples) / c.rate for c in clips if isinstance(c, Sound)]
    count = sum(min(asked.windows, max(1, int(np.ceil(s / window)))) for s in lengths)
    longest = min(window, max(lengths, default=window))
    log_odds = LogOdds(model, 0, predictor.card.multilabel, predictor.batch_seconds)
    sound = torch.randn(round(longest * model.encoder.hearing.per_second), generator=torch.Generator().manual_seed(0))
    batch = min(4, log_odds.at_once(len(sound)))
    with evaluating(model):
        began = time.perf_counter()
        log_odds.several(sound.to(log_odds.device).expand(batch, -1))
        each = (time.perf_counter() - began) / batch
    passes = COSTS[asked.method] + faithfulness.PASSES + removal.PASSES
    return (
        f"{counted(count, 'window')} of {counted(len(clips), 'recording')}, up to {passes} passes through the model "
        f"each: {about(count * passes * each + sum(lengths) / window * each)}"
    )


def unheard(failure: AudioError, method: str) -> Explanation:
    """What is said of a recording of which nothing can be heard."""
    return Explanation(str(failure.path), None, None, float("nan"), method=method, error=failure)


def _of_one(predictor: Predictor, clip: Clip | Sound, asked: Asked, near: Neighbours) -> Iterator[Explanation]:
    found = heard(predictor, clip)
    if not len(found.starts):
        yield Explanation(clip.name, None, None, float("nan"), method=asked.method, error=found.failure)
        return
    if not np.isfinite(found.scores).all():
        failure = AudioError(clip.name, "check", NOT_FINITE)
        yield Explanation(clip.name, None, None, float("nan"), method=asked.method, error=failure)
        return
    answer = int(found.answer.argmax())
    label = answer if asked.label is None else asked.label
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
    made = Explanation(
        path=clip.name,
        answer=labels[answer],
        label=labels[label],
        score=float(found.answer[label]),
        against=None if asked.against is None else labels[asked.against],
        rival=float("nan") if asked.against is None else float(found.answer[asked.against]),
        start=start,
        end=float(found.ends[index]),
        method=asked.method,
        error=found.failure,
    )
    samples = samples_at(hearing, predictor.window, clip, start)
    if samples is None:
        return made
    log_odds = LogOdds(model, label, several, predictor.batch_seconds, asked.against)
    sound = torch.from_numpy(samples.copy()).to(log_odds.device)
    spectrum = Spectrum(sound, hearing.rate, Cells.of(len(samples) / hearing.rate, hearing.rate))
    evidence = METHODS[asked.method](spectrum, log_odds)
    kept, drawn = faithfulness.left(spectrum, log_odds, evidence.values, evidence.whole, evidence.background)
    bands = hearing.range[0] + spectrum.cells.bands * hearing.expansion
    made = replace(
        made,
        times=start + spectrum.cells.times / hearing.expansion,
        bands=bands if evidence.values.shape[1] > 1 else bands[[0, -1]],
        evidence=evidence.values,
        whole=evidence.whole,
        background=evidence.background,
        quiet=_quiet(spectrum),
        gap=evidence.gap,
        passes=evidence.passes + faithfulness.PASSES,
        kept=kept,
        drawn=drawn,
        origin=_origin(predictor, clip, samples, label, asked, near),
    )
    return replace(made, passes=made.passes + removal.PASSES, without=removal.without(spectrum, log_odds, made, labels))


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


def _quiet(spectrum: Spectrum) -> np.ndarray:
    """`(T,)` bool: moments whose energy lies far below the loudest one's."""
    energy = spectrum.energy.sum(1).cpu().numpy()
    return energy <= energy.max() * 10 ** (-SILENT_DB / 10)
