"""Weights and stacks, fitted on scores of clips that no member was trained on.

Scores of training clips would tell of every member how well it has learnt them by heart, and the one that has done so
best would be believed most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from audioft.core.runtime import one_thread
from audioft.evaluation import linear
from audioft.evaluation.choosing import Masks, best_penalty, several_folds
from audioft.evaluation.joining.member_scores import combined
from audioft.evaluation.linear import Labels
from audioft.evaluation.predictions import log_loss
from audioft.models.ensembles.combining import Average, Combination, Stack, features

FOLDS = 5
TRUST = (0.0, 0.25, 0.5, 0.75, 1.0)  # how far the fitted weights are gone with, from equal ones on
LEAST_WEIGHT = 1e-3  # below which a member has none
STEPS = 100


@dataclass(frozen=True)
class Fit:
    """A combination that was fitted.

    Attributes:
        combination: of all members.
        loss: its log loss on clips left out of the fit, by cross-validation; nan where there were too few groups.
        equal: that of the plain mean on the same clips.
        about: what was chosen, in words.
    """

    combination: Combination
    loss: float
    equal: float
    about: str


def weighted(scores: np.ndarray, labels: Labels, groups: Sequence[str], seed: int, over: str) -> Fit:
    """The weights, at least 0 and of sum 1, of the least log loss; drawn towards equal ones as cross-validation says.

    Args:
        scores: `(N, M, C)` probabilities of clips that no member was trained on.
        labels: of the N clips.
        groups: of the N clips; none is on both sides of a fold.
        seed: of the folds.
        over: what is averaged, see `Average`.
    """
    count = scores.shape[1]
    equal = np.full(count, 1 / count)
    known = torch.ones(scores.shape[1:]).bool()

    def loss(weights: np.ndarray, rows: np.ndarray) -> float:
        mean = Average(known, labels.multilabel, over, torch.from_numpy(weights))
        return _loss(combined(mean, scores[rows]), labels[rows]) * int(rows.sum())

    losses, folds = np.zeros(len(TRUST)), _folds(labels, groups, seed)
    for learn, test in folds:
        own = _weights(scores[learn], labels[learn], over)
        losses += [loss(equal + trust * (own - equal), test) for trust in TRUST]
    clips = sum(int(test.sum()) for _, test in folds) or np.nan
    trust = TRUST[int(losses.argmin())] if folds else 0.0
    fitted = equal + trust * (_weights(scores, labels, over) - equal) if trust else equal
    told = ", ".join(f"{w:.2f}" for w in fitted) if trust else "equal, as no others are better on clips left out"
    mean = Average(known, labels.multilabel, over, torch.from_numpy(fitted))
    return Fit(mean, float(losses.min() / clips), float(losses[0] / clips), f"weights {told}")


def stacked(scores: np.ndarray, labels: Labels, groups: Sequence[str], seed: int) -> Fit:
    """A logistic regression on what the members say, its penalty chosen by cross-validation; arguments as above."""
    count = scores.shape[1]
    seen = features(torch.from_numpy(scores), labels.multilabel).numpy()
    folds = _folds(labels, groups, seed)
    with one_thread():
        penalty, loss = best_penalty(seen, labels, folds)
        weight, bias = (torch.from_numpy(x) for x in linear.fit(seen, labels, penalty).folded())
    known = torch.ones(count, scores.shape[2]).bool()
    mean = combined(Average(known, labels.multilabel), scores)
    left = np.array([_loss(mean[test], labels[test]) for _, test in folds])
    equal = float(np.average(left, weights=[test.sum() for _, test in folds])) if folds else float("nan")
    return Fit(Stack(known, labels.multilabel, weight, bias), loss, equal, f"penalty {penalty:g}")


def _folds(labels: Labels, groups: Sequence[str], seed: int) -> list[Masks]:
    try:
        return several_folds(labels.targets * labels.known, groups, seed, FOLDS)
    except ValueError:
        return []


def _loss(scores: np.ndarray, labels: Labels) -> float:
    return log_loss(scores, labels.targets, labels.known, labels.multilabel)


def _weights(scores: np.ndarray, labels: Labels, over: str) -> np.ndarray:
    """`(M,)` of the least log loss: convex in the weights, found by L-BFGS on the logarithms of their odds."""
    known, wanted = torch.ones(scores.shape[1:]).bool(), torch.from_numpy(labels.targets * labels.known).double()
    counted = torch.from_numpy(labels.known).double()
    given = Average(known, labels.multilabel).logits_of(torch.from_numpy(scores).double())
    at = torch.zeros(scores.shape[1], dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([at], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        logits = Average(known, labels.multilabel, over, at.softmax(0))(given)
        if labels.multilabel:
            terms = torch.nn.functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none") * counted
            found = terms.sum() / counted.sum().clamp(min=1)
        else:
            found = -(wanted * logits.log_softmax(-1)).sum(-1).mean()
        found = found + 1e-4 * at.square().mean()  # equal members have equal weights
        found.backward()
        return found

    with one_thread():
        search.step(loss)
    weights = at.detach().softmax(0).numpy()
    weights = np.where(weights < LEAST_WEIGHT, 0.0, weights)
    return weights / weights.sum()
