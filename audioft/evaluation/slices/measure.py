"""Slices measured: a figure with its interval each, the gap to the rest, and tests that are corrected together."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from audioft.evaluation.slices.columns import Chosen, Column, crossed
from audioft.evaluation.slices.found import LEVEL, Fairness, Slice, Slices
from audioft.evaluation.slices.gaps import corrected, p_value
from audioft.evaluation.slices.outcomes import Outcomes
from audioft.evaluation.slices.power import least_gap, times_needed

TESTED = 10  # clips, inside and outside, below which there is no test
SMALL = 0.01  # a gap that nobody asks to be told
#: How much of the level each kind of slice has, shared by its tests: few crossings are worse than what they cross.
WEIGHTS = {"column": 0.6, "crossing": 0.2, "discovered": 0.2}
DISCOVERED = 5  # tests that discovered slices are counted as, however many there are


@dataclass(frozen=True, eq=False)
class Part:
    """Clips that are compared with the others.

    Attributes:
        name, kind, examples: as of `Slice`.
        inside: `(M,)` bool, of the M clips of `outcomes`.
        outcomes: of all clips; of a discovered slice those of the half that confirms it.
    """

    name: str
    kind: str
    inside: np.ndarray
    outcomes: Outcomes
    examples: tuple[str, ...] = ()


def parts(outcomes: Outcomes, chosen: Chosen) -> Iterator[Part]:
    """The slices of columns and crossings; of the column that names the groups each group is compared for itself."""
    for one in chosen.columns:
        own = outcomes.by_recording() if _names_groups(one, outcomes.unit) else outcomes
        for of, inside in one.slices():
            yield Part(named(of), "column", inside, own)
    for at, i, j in crossed(chosen.crossings)[0]:
        a, b = chosen.crossings[at]
        of = ((a.name, a.values[i]), (b.name, b.values[j]))
        yield Part(named(of), "crossing", (a.code == i) & (b.code == j), outcomes)


def named(of: Sequence[tuple[str, str]]) -> str:
    """What a slice is called.

    >>> named([("site", "B"), ("device", "phone")])
    'site=B, device=phone'
    """
    return ", ".join(f"{column}={value}" for column, value in of)


def _names_groups(column: Column, unit: np.ndarray) -> bool:
    """Whether each value is one group: of one group nothing is known of others like it, but much of itself."""
    known = column.code >= 0
    pairs = np.unique(np.stack([column.code[known], unit[known]]), axis=1)
    return len(np.unique(pairs[0])) == pairs.shape[1] == len(np.unique(pairs[1]))


def measure(
    found: Iterable[Part],
    metric: str,
    fairness: Sequence[Fairness] = (),
    notes: Sequence[str] = (),
    seed: int = 0,
    discovering: bool = False,
) -> Slices:
    """Compare each slice with the rest.

    Args:
        found: slices, each looked at once and let go: of many slices of many clips only one is in memory.
        metric: what they are compared by.
        fairness, notes: see `Slices`.
        seed: of the permutations.
        discovering: whether some of the level is kept for discovered slices, found or not.
    """
    compared: list[_Compared] = []
    known: dict[bytes, float] = {}
    for part in found:
        compared.append(one := _compare(part, known, seed))
        known[one.test] = one.row.p
    tests = {c.test: c.row.kind for c in reversed(compared) if c.row.tested}
    spare = DISCOVERED - sum(kind == "discovered" for kind in tests.values()) if discovering else 0
    kinds = [*tests.values(), *["discovered"] * spare]
    many = Counter(kinds)
    weights = np.array([WEIGHTS[kind] / many[kind] for kind in kinds])
    raised = corrected(np.array([*(known[t] for t in tests), *[1.0] * spare]), weights)
    after = dict(zip(tests, raised.tolist(), strict=False))
    levels = dict(zip(tests, (LEVEL * weights / max(weights.sum(), 1e-12)).tolist(), strict=False))
    rows = [_finished(c, after.get(c.test), levels.get(c.test)) for c in compared]
    rows.sort(key=_rank)
    return Slices(metric, tuple(rows), len(kinds), tuple(fairness), tuple(notes))


def _rank(row: Slice) -> tuple[bool, bool, float, int]:
    """Those first that are told to be worse, those last of which nothing could be told; the worst first."""
    return not (row.told and row.gap < 0), not row.tested, row.gap if math.isfinite(row.gap) else 1.0, -row.clips


@dataclass(frozen=True)
class _Compared:
    """A slice beside the rest, before tests are corrected; `test` is the same for two slices that are all clips.

    `inside` and `outside` are how many clips that stand alone the two are worth.
    """

    row: Slice
    inside: float
    outside: float
    test: bytes


def _compare(part: Part, known: dict[bytes, float], seed: int) -> _Compared:
    outcomes, inside = part.outcomes, part.inside
    clips = int(inside.sum())
    value, own = outcomes.estimate(inside)
    rest, others = outcomes.estimate(~inside)
    asked = f"{part.kind == 'discovered'} {outcomes.unit is outcomes.recording}".encode()
    test = hashlib.sha256(asked + np.packbits(inside ^ inside[0]).tobytes()).digest()
    p = math.nan
    if min(clips, len(inside) - clips) >= TESTED:
        p = known[test] if test in known else p_value(outcomes, inside, seed)
    gap = value.value - rest.value
    groups = len(np.unique(outcomes.unit[inside]))
    figures = (value.value, value.low, value.high, rest.value, gap, p)
    row = Slice(part.name, part.kind, clips, groups, *figures, math.nan, math.nan, None, part.examples)
    return _Compared(row, own, others, test)


def _finished(found: _Compared, p: float | None, level: float | None) -> Slice:
    row = found.row
    if p is None or level is None or not row.tested:
        return row
    least = least_gap(row.rest, found.inside, found.outside, level)
    row = dataclasses.replace(row, corrected=p, least_gap=math.nan if least is None else least)
    times = times_needed(row.rest, row.gap, found.inside, found.outside, level)
    if row.told or times is None or abs(row.gap) < SMALL:
        return row
    return dataclasses.replace(row, needed=max(math.ceil(times * row.clips), row.clips + 1))
