"""Scores of a whole side of the data, and what is written of them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly.recordings import Data
from audioft.audio.hearing import Hearing
from audioft.core import csv_tables
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.core.storage import write_bytes
from audioft.data.clip import Clip
from audioft.errors import AudioError, DataError
from audioft.evaluation.mistakes import Mistakes, in_clips
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.report import Report
from audioft.evaluation.scoring import score
from audioft.inference.listening import listening
from audioft.models.classifier import AudioClassifier
from audioft.models.folder import ModelCard


@dataclass(frozen=True)
class Scored:
    """Predictions of the clips that could be scored, and the others with why not."""

    predictions: Predictions
    failures: list[tuple[Clip, AudioError]]


@dataclass(frozen=True)
class Scoring:
    """How a model goes over clips.

    Attributes:
        multilabel: whether a clip may carry several labels.
        window: seconds; longer clips are scored in windows of this length.
        hop: seconds between two windows; None is `window`.
        batch_seconds: how much audio goes through at once; None is what suits the device.
        precision: `fp32` or `bf16`.
        processes: each scores a share, and every one gets the whole result; None for this one alone.
        console: where progress goes.
    """

    multilabel: bool
    window: float
    hop: float | None = None
    batch_seconds: float | None = None
    precision: str = "fp32"
    processes: Processes | None = None
    console: Console = field(default_factory=lambda: Console(quiet=True))

    @property
    def share(self) -> tuple[int, int]:
        """The first clip of this process, and how many processes share them out."""
        return (0, 1) if self.processes is None else (self.processes.rank, self.processes.count)

    @property
    def numerics(self) -> dict[str, Any]:
        """What the scores themselves depend on, if only by rounding."""
        return {"multilabel": self.multilabel, "batch_seconds": self.batch_seconds, "precision": self.precision}


def score_side(model: AudioClassifier, data: Data, side: str, how: Scoring) -> Scored:
    """Score one side of `data`."""
    index = data.side(side)
    return score_clips(model, data.clips(side), data.targets[index], data.known[index], data.manifest.labels, how)


def score_clips(
    model: AudioClassifier,
    clips: Sequence[Clip],
    targets: np.ndarray,
    known: np.ndarray,
    labels: tuple[str, ...],
    how: Scoring,
) -> Scored:
    """Score clips whose labels are known.

    Raises:
        DataError: none of them could be scored.
    """
    rank, count = how.share
    mine, own = range(rank, len(clips), count), clips[rank::count]
    scores = np.full((len(mine), len(labels)), np.nan)
    failures: list[tuple[int, AudioError]] = []
    with listening(how.console, "scoring", own, checked=True) as progress:
        for s in score(model, own, window=how.window, hop=how.hop, progress=progress, **how.numerics):
            if s.failure is None:
                scores[s.index] = s.scores
            else:
                failures.append((mine[s.index], s.failure))
    if how.processes is not None:
        parts = how.processes.gather([(scores, failures)])
        scores = np.empty((len(clips), len(labels)))
        for i, (part, _) in enumerate(parts):
            scores[i::count] = part
        failures = sorted((f for _, failed in parts for f in failed), key=lambda entry: entry[0])
    return Scored(
        _predictions(clips, targets, known, labels, how.multilabel, scores, failures),
        [(clips[i], failure) for i, failure in failures],
    )


def predictions(data: Data, side: str, found: Sequence[tuple[int, np.ndarray | AudioError]]) -> Predictions:
    """Predictions of one side of `data`, of whose clips `found` has the scores `(C,)`, or why there are none.

    Raises:
        DataError: there are none at all.
    """
    index, m = data.side(side), data.manifest
    scores = np.full((len(index), len(m.labels)), np.nan)
    for i, x in found:
        if not isinstance(x, AudioError):
            scores[i] = x
    failures = [(i, x) for i, x in found if isinstance(x, AudioError)]
    return _predictions(
        data.clips(side), data.targets[index], data.known[index], m.labels, m.multilabel, scores, failures
    )


def _predictions(
    clips: Sequence[Clip],
    targets: np.ndarray,
    known: np.ndarray,
    labels: tuple[str, ...],
    multilabel: bool,
    scores: np.ndarray,
    failures: Sequence[tuple[int, AudioError]],
) -> Predictions:
    good = np.ones(len(clips), bool)
    good[[i for i, _ in failures]] = False
    if not good.any():
        first = failures[0][1] if failures else "nothing"
        raise DataError(f"none of the {len(clips)} clips could be scored; the first says: {first}")
    return Predictions(
        labels=labels,
        multilabel=multilabel,
        scores=scores[good],
        targets=targets[good],
        known=known[good],
        clips=Descriptions(clips if good.all() else [clips[i] for i in np.flatnonzero(good).tolist()]),
    )


def mistakes(found: Predictions, thresholds: Sequence[float] | np.ndarray | None, hearing: Hearing) -> Mistakes:
    """The mistakes among predictions that this module has made; `hearing` is how recordings reach the encoder."""
    assert isinstance(found.clips, Descriptions)
    return in_clips(found, found.clips.clips, thresholds, hearing)


class Descriptions(Sequence[dict[str, Any]]):
    """Clips as the report's tables name them, each made when it is asked for: there may be millions."""

    def __init__(self, clips: Sequence[Clip]):
        self.clips = clips

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Descriptions(self.clips[index])
        return described(self.clips[index])


def described(clip: Clip) -> dict[str, Any]:
    """A clip as the report's tables name it, the user's own columns included."""
    own = {"path": clip.name, "start": clip.start or None, "end": clip.end, "group": clip.group}
    return own | {k: v for k, v in clip.columns.items() if k not in own and k not in ("file_name", "label", "labels")}


def append_bad_files(path: Path, rows: Sequence[tuple[str, str, str]]) -> None:
    """Add recordings that failed after the check to the run's table."""
    if rows:
        more = csv_tables.text([name, "", "", stage, reason] for name, stage, reason in rows)
        write_bytes(path, path.read_bytes() + more.encode("utf-8", "backslashreplace"))


def bad_files(path: Path) -> list[list[str]]:
    """The rows of a run's table of bad recordings: file, start, end, stage and reason; none where there is no table."""
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8", errors="replace") as f:
        return list(csv.reader(f))[1:]


UNMEASURED = "Not measured: the data had neither a test nor a validation side."


def model_readme(card: ModelCard, report: Report | None, about: dict[str, Any], unmeasured: str = UNMEASURED) -> str:
    """The model card as Markdown; `unmeasured` is said where there is no report."""
    kind = "any number of these labels" if card.multilabel else "one of these labels"
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: audio-classification",
        "tags: [audio-classification, audioft]",
        "---",
        "",
        "# Audio classifier",
        "",
        f"Gives a recording {kind}: {', '.join(f'`{x}`' for x in card.labels)}.",
        "",
        "## Use",
        "",
        "```",
        "audioft predict THIS_FOLDER recording.wav",
        "```",
        "",
        f"Recordings longer than {card.window:g} s are labelled in windows of that length; the answer is the mean "
        "of the windows' probabilities.",
        "",
        "## Made from",
        "",
        *(f"- {k}: {v}" for k, v in about.items() if not isinstance(v, dict)),
        "",
        "## Measured",
        "",
    ]
    if report is None:
        lines.append(unmeasured)
    else:
        lines += ["```", str(report), "```"]
    return "\n".join(lines) + "\n"
