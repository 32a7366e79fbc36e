"""What the answer would be without what it is said to rest on: the claim of the sentence, tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from audioft.tasks.explain.logodds import LogOdds
from audioft.tasks.explain.stft import Spectrum

PASSES = 2  # without the bands, without the moments

Spans = Sequence[tuple[float, float]]


class Named(Protocol):
    """An explanation by its face: see `Explanation`."""

    @property
    def times(self) -> np.ndarray: ...
    @property
    def bands(self) -> np.ndarray: ...
    @property
    def spans(self) -> Spans: ...
    @property
    def pitches(self) -> Spans: ...


@dataclass(frozen=True)
class Without:
    """What a model says of a stretch whose named bands, or moments, are replaced by its own background.

    Attributes:
        part: `bands` or `moments`.
        answer: the label that it is given then; None where a clip may have several labels.
        score: of that label, 0 to 1; nan if there is none.
        own: of the label that is explained, 0 to 1.
    """

    part: str
    answer: str | None
    score: float
    own: float


def without(spectrum: Spectrum, log_odds: LogOdds, named: Named, labels: Sequence[str]) -> tuple[Without, ...]:
    """The answers without the bands and without the moments that a sentence names; of what it does not name none."""
    moments, bands = spectrum.cells.shape
    gone = {"bands": _inside(named.bands, named.pitches), "moments": _inside(named.times, named.spans)}
    masks, parts = [], []
    for part, own in gone.items():
        if own.any():
            keep = np.ones((moments, bands), np.float32)
            keep[(slice(None), own) if part == "bands" else own] = 0
            masks.append(keep)
            parts.append(part)
    if not masks:
        return ()
    kept = torch.from_numpy(np.stack(masks)).to(spectrum.samples.device)
    found = log_odds.probabilities(spectrum.kept(kept)).cpu().numpy()
    own = found[:, log_odds.label].tolist()
    if log_odds.multilabel:
        return tuple(Without(part, None, float("nan"), score) for part, score in zip(parts, own, strict=True))
    best = [(labels[int(row.argmax())], float(row.max())) for row in found]
    return tuple(Without(part, *answer, score) for part, answer, score in zip(parts, best, own, strict=True))


def _inside(edges: np.ndarray, spans: Spans) -> np.ndarray:
    """`(N,)` bool: which parts between `(N + 1,)` edges lie in one of the spans."""
    middles = (edges[:-1] + edges[1:]) / 2
    return np.any([(a < middles) & (middles < b) for a, b in spans], axis=0) if spans else np.zeros(len(middles), bool)
