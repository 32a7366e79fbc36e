"""Slices nobody named: found on one half of the groups, so that the other half can tell whether they are real.

Candidates are clips above or below a quantile of a measured property, the nodes of a shallow tree over all properties
(Chung et al., "Automated Data Slicing for Model Validation", IEEE TKDE 32, 2020), and clusters of embeddings (d'Eon et
al., "The Spotlight", FAccT 2022; Eyuboglu et al., "Domino", ICLR 2022). The few that fare worst in the first half are
tested in the second one like any other slice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audioft.core.runtime import generator
from audioft.evaluation.slices.gaps import p_value
from audioft.evaluation.slices.measure import DISCOVERED, Part
from audioft.evaluation.slices.outcomes import Outcomes
from audioft.evaluation.slices.properties import PROPERTIES

LEAST = 100  # clips, below which nothing is looked for
MOST = 20_000  # clips that are looked at: of more some groups are drawn
SMALLEST = 15  # clips of a slice in the half that finds it
EXAMPLES = 5
_TAILS = (0.1, 0.25, 0.75, 0.9)
_ALIKE = 0.5  # overlap over union of two slices of which one is enough
_LIKE_A_LABEL = 0.8  # the same of a slice and a label's clips: the label's recall says it already
_FAIR = 0.1  # p-value in the first half, above which a slice is not worth a test
_DIMENSIONS, _EACH, _CLUSTERS = 32, 40, 16


@dataclass(frozen=True, eq=False)
class Heard:
    """What was heard of N clips.

    Attributes:
        names: of the clips.
        properties: `(N, 5)`, see `properties.measured`; nan for what is not known.
        embeddings: `(N, E)`, nan in rows that are not known; None where the model has none of a clip.
        targets: `(N, C)` bool, and `labels`, the C of them: to describe slices.
    """

    names: Sequence[str]
    properties: np.ndarray
    embeddings: np.ndarray | None
    targets: np.ndarray
    labels: Sequence[str]


@dataclass(frozen=True, eq=False)
class _Candidate:
    """Clips, `(N,)` bool, and the rule that they follow; a cluster has none and is described where it is chosen."""

    rule: str
    inside: np.ndarray


def some(outcomes: Outcomes, seed: int, most: int = MOST) -> np.ndarray:
    """The positions of clips to look at, ascending: all, or those of so many groups that about `most` clips are."""
    if len(outcomes) <= most:
        return np.arange(len(outcomes))
    return np.flatnonzero(_drawn(outcomes.unit, most / len(outcomes), seed, "looked at"))


def discover(outcomes: Outcomes, heard: Heard, seed: int = 0) -> list[Part]:
    """Slices that fare worst in one half of the groups, as parts of the other half.

    Args:
        outcomes: of N clips, at least `LEAST`.
        heard: of the same clips.
        seed: which groups are of which half, and of the clusters.

    Returns:
        At most `DISCOVERED`, the worst first.
    """
    first = _drawn(outcomes.unit, 0.5, seed, "halves")
    finding, confirming = outcomes.some(first), outcomes.some(~first)
    ranked: list[tuple[float, int, _Candidate]] = []
    for candidate in _candidates(finding, heard, first, seed):
        inside = candidate.inside[first]
        few = min(inside.sum(), (~inside).sum()) < SMALLEST
        if few or _is_a_label(candidate.inside, heard.targets) or not _worse(finding, inside):
            continue
        p = p_value(finding, inside, seed)
        if p <= _FAIR:
            ranked.append((p, len(ranked), candidate))
    chosen: list[_Candidate] = []
    for _, _, candidate in sorted(ranked, key=lambda entry: entry[:2]):
        if len(chosen) < DISCOVERED and all(_overlap(candidate.inside, c.inside) < _ALIKE for c in chosen):
            chosen.append(candidate)
    return [
        Part(
            c.rule or _described(c.inside, heard),
            "discovered",
            c.inside[~first],
            confirming,
            _examples(c.inside, outcomes, heard.names),
        )
        for c in chosen
    ]


def _candidates(finding: Outcomes, heard: Heard, first: np.ndarray, seed: int) -> Iterator[_Candidate]:
    yield from _tails(heard.properties, first)
    yield from _nodes(finding, heard.properties, first)
    if heard.embeddings is not None:
        yield from _clusters(heard, heard.embeddings, first, seed)


def _tails(properties: np.ndarray, first: np.ndarray) -> Iterator[_Candidate]:
    for at, name in enumerate(PROPERTIES):
        x = properties[:, at]
        known = x[first & np.isfinite(x)]
        for share in _TAILS if len(known) else ():
            limit = float(np.quantile(known, share))
            over = share > 0.5
            yield _Candidate(_rule(name, limit, over), x > limit if over else x <= limit)
        if not np.isfinite(x).all():
            yield _Candidate(f"no {name}", ~np.isfinite(x))


def _nodes(finding: Outcomes, properties: np.ndarray, first: np.ndarray) -> Iterator[_Candidate]:
    """Two rules at once: the nodes of a tree that is fitted to how clips of the first half came out."""
    from sklearn.tree import DecisionTreeRegressor

    filled = np.where(np.isfinite(properties), properties, -1e9)
    weights = finding.of
    tree = DecisionTreeRegressor(max_depth=3, min_samples_leaf=max(SMALLEST, int(0.04 * first.sum())), random_state=0)
    tree.fit(filled[first], finding.good / np.maximum(weights, 1e-9), sample_weight=weights)
    t, names = tree.tree_, list(PROPERTIES)

    def walk(node: int, inside: np.ndarray, rules: dict[tuple[int, bool], float]) -> Iterator[_Candidate]:
        if len(rules) > 1:
            told = ", ".join(_rule(names[at], limit, over) for (at, over), limit in rules.items())
            yield _Candidate(told, inside)
        if t.children_left[node] < 0:
            return
        at, limit = int(t.feature[node]), float(t.threshold[node])
        below = filled[:, at] <= limit
        yield from walk(int(t.children_left[node]), inside & below, {**rules, (at, False): limit})
        yield from walk(int(t.children_right[node]), inside & ~below, {**rules, (at, True): limit})

    yield from walk(0, np.ones(len(filled), bool), {})


def _clusters(heard: Heard, embeddings: np.ndarray, first: np.ndarray, seed: int) -> Iterator[_Candidate]:
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    known = np.isfinite(embeddings).all(axis=1)
    learn = first & known
    most = min(_CLUSTERS, int(learn.sum()) // _EACH)
    if most < 2:
        return
    x = embeddings[known].astype(np.float64)
    mean, spread = x[learn[known]].mean(axis=0), x[learn[known]].std(axis=0)
    x = (x - mean) / np.where(spread > 1e-9, spread, 1.0)
    size = min(_DIMENSIONS, x.shape[1], int(learn.sum()) - 1)
    x = PCA(size, random_state=seed).fit(x[learn[known]]).transform(x)
    for count in dict.fromkeys((max(2, most // 2), most)):
        found = KMeans(count, n_init=4, random_state=seed).fit(x[learn[known]]).predict(x)
        for cluster in range(count):
            inside = np.zeros(len(known), bool)
            inside[np.flatnonzero(known)[found == cluster]] = True
            yield _Candidate("", inside)


def _rule(name: str, limit: float, over: bool) -> str:
    """One rule in words.

    >>> _rule("level", -42.31, False)
    'level up to -42.3 dB'
    """
    return f"{name} {'over' if over else 'up to'} {limit:.3g} {PROPERTIES[name]}"


def _described(inside: np.ndarray, heard: Heard) -> str:
    """A cluster in words: its commonest label, and the property in which it differs most from the rest."""
    share = heard.targets[inside].mean(axis=0)
    top = int(share.argmax())
    words = [f"{100 * share[top]:.0f} of 100 {heard.labels[top]}"] if share[top] >= 0.3 else []
    apart = []
    for at, name in enumerate(PROPERTIES):
        x = heard.properties[:, at]
        here, there = x[inside & np.isfinite(x)], x[~inside & np.isfinite(x)]
        if len(here) >= EXAMPLES and len(there) >= EXAMPLES and x[np.isfinite(x)].std() > 0:
            a, b = float(np.median(here)), float(np.median(there))
            apart.append(
                (abs(a - b) / x[np.isfinite(x)].std(), f"{name} about {a:.3g} {PROPERTIES[name]}, not {b:.3g}")
            )
    words += [told for far, told in [max(apart, default=(0.0, ""))] if far >= 0.5]
    return f"clips that sound alike ({'; '.join(words) or 'of many kinds'})"


def _examples(inside: np.ndarray, outcomes: Outcomes, names: Sequence[str]) -> tuple[str, ...]:
    """Clips of a slice, those that came out worst first."""
    at = np.flatnonzero(inside)
    fared = outcomes.good[at] / np.maximum(outcomes.of[at], 1e-9)
    return tuple(names[i] for i in at[np.argsort(fared, kind="stable")][:EXAMPLES].tolist())


def _worse(outcomes: Outcomes, inside: np.ndarray) -> bool:
    return outcomes.value(inside) < outcomes.value(~inside)


def _is_a_label(inside: np.ndarray, targets: np.ndarray) -> bool:
    return any(_overlap(inside, t) >= _LIKE_A_LABEL for t in targets.T)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / max((one | other).sum(), 1))


def _drawn(unit: np.ndarray, share: float, seed: int, what: str) -> np.ndarray:
    """`(N,)` bool: the clips of groups, drawn until they hold that share of all clips."""
    _, member, counts = np.unique(unit, return_inverse=True, return_counts=True)
    order = generator("slices", what, seed).permutation(len(counts))
    before = np.cumsum(counts[order]) - counts[order]
    chosen = np.zeros(len(counts), bool)
    chosen[order[before < share * len(unit)]] = True
    return chosen[member]
