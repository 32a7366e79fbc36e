"""How models are to be joined: the members, what they say of clips, and how that is combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from audioft.assembly.joining import given as members_of
from audioft.assembly.joining import sides
from audioft.assembly.joining.given import Given
from audioft.assembly.joining.out_of_fold import Held
from audioft.assembly.recordings import Data
from audioft.assembly.side_scores import Scoring
from audioft.core.progress import Console
from audioft.evaluation.joining import fitted
from audioft.evaluation.joining.member_scores import combined, member_scores
from audioft.evaluation.linear import Labels
from audioft.evaluation.thresholds import choose_thresholds
from audioft.inference.listening import listening
from audioft.models.card import ModelCard
from audioft.models.ensembles.combining import Average, Combination, Vote

FITTED = ("weighted", "stack")
SOUPS = ("soup", "greedy-soup")
HOWS = ("average", "weighted", "vote", "stack", *SOUPS)
CPU = torch.device("cpu")


@dataclass(frozen=True, eq=False)
class Joining:
    """How models are to be joined.

    Attributes:
        given: the members.
        labels: of all of them.
        how: one of `HOWS`.
        data: what it is measured on (test), and fitted to (validation); None where nothing is known.
        held: what members said of clips that none of them was trained on, where that was kept.
        over: what is averaged, `probabilities` or `logits`.
        console: where messages go.
        device: of the computing.
        seed, resamples: of the bootstrap and of folds.
        notes: what is to be said of all figures.
    """

    given: Sequence[Given]
    labels: tuple[str, ...]
    how: str
    data: Data | None
    held: Held | None = None
    over: str = "probabilities"
    console: Console = field(default_factory=lambda: Console(quiet=True))
    device: torch.device = CPU
    seed: int = 0
    resamples: int = 1000
    notes: Sequence[str] = ()

    @cached_property
    def multilabel(self) -> bool:
        return self.given[0].card.multilabel

    @cached_property
    def known(self) -> torch.Tensor:
        return members_of.known(self.given, self.labels)

    @cached_property
    def side(self) -> str:
        """What is measured on; empty for nothing."""
        if self.data is None or self.given[0].model.frame_level:
            return ""
        return next((side for side in ("test", "valid") if len(self.data.side(side))), "")

    @property
    def scoring(self) -> Scoring:
        return Scoring(self.multilabel, self.window, console=self.console)

    @cached_property
    def window(self) -> float:
        """Seconds: the longest that a member was trained on, and that all can take."""
        longest = [g.model.encoder.max_seconds for g in self.given]
        return min(max(g.card.window for g in self.given), *longest)

    @cached_property
    def together(self) -> Any:
        """The members in one pass, with equal weights."""
        return members_of.ensemble(self.given, self.labels, Average(self.known, self.multilabel)).to(self.device)

    def said(self, side: str) -> tuple[np.ndarray, list[int]]:
        """What members say of the clips of a side, `(N, M, C)`, and which those are that could be heard."""
        assert self.data is not None
        clips = self.data.clips(side)
        with listening(self.console, "hearing the members", clips, checked=True) as progress:
            scores, failures = member_scores(self.together, clips, window=self.window, progress=progress)
        good = [i for i in range(len(clips)) if i not in failures]
        return scores[good], good

    @cached_property
    def fitting(self) -> Held | None:
        """What weights, stacks and thresholds are fitted to; None where there is nothing."""
        if self.held is not None:
            return self.held
        if self.data is None or not len(self.data.side("valid")) or self.given[0].model.frame_level:
            return None
        scores, good = self.said("valid")
        rows = self.data.side("valid")[good]
        clips = [self.data.manifest.clips[i] for i in rows]
        labels = Labels(self.data.targets[rows], self.data.known[rows], self.multilabel)
        return Held(scores, labels, [c.group or c.key for c in clips], sides.told(self.data))

    def combination(self, among: Sequence[int]) -> tuple[Combination, str]:
        """Of some of the members, and how it came about, in words."""
        known, over = self.known[list(among)], f"mean of {self.over}"
        if self.how == "vote":
            limits = [self.limits(self.given[i].card) for i in among]
            return Vote(known, self.multilabel, torch.tensor(np.array(limits)) if self.multilabel else None), "vote"
        if self.how not in FITTED:
            return Average(known, self.multilabel, self.over), over
        found = self.fitting
        assert found is not None
        scores = found.scores[:, list(among)]
        if self.how == "stack":
            fit = fitted.stacked(scores, found.labels, found.groups, self.seed)
        else:
            fit = fitted.weighted(scores, found.labels, found.groups, self.seed, self.over)
        told = f"log loss {fit.loss:.3f} on those left out in turn, of the plain mean {fit.equal:.3f}"
        told += ", WHICH IS BETTER: take --how average" * (fit.loss > fit.equal)
        return fit.combination, f"{over + ', ' if self.how == 'weighted' else ''}{fit.about}, by {found.what}; {told}"

    def limits(self, card: ModelCard) -> list[float]:
        """The thresholds of a member, of all labels; 0.5 of those that it does not know."""
        own = dict(zip(card.labels, card.thresholds or [0.5] * len(card.labels), strict=True))
        return [own.get(label, 0.5) for label in self.labels]

    def thresholds(self, combination: Combination | None) -> tuple[float, ...] | None:
        """The score from which on the ensemble gives a label: chosen where it was fitted, else its members' mean."""
        if not self.multilabel:
            return None
        held = None if combination is None or self.how == "vote" else self.fitting
        if held is not None and combination is not None and held.scores.shape[1] == len(self.given):
            found = held.predictions(combined(combination, held.scores), self.labels)
            return tuple(float(t) for t in choose_thresholds(found))
        if self.how == "vote":
            return (0.5,) * len(self.labels)
        return tuple(float(t) for t in np.mean([self.limits(g.card) for g in self.given], 0))
