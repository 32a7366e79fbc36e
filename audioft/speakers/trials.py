"""Trials: pairs of recordings, and whether both are of one speaker; made from labelled clips."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from audioft.core.registry import suggest
from audioft.core.runtime import generator
from audioft.core.wording import counted
from audioft.data.clip import Clip
from audioft.data.targets import clean
from audioft.errors import DataError, UsageError

#: More trials than anybody evaluates on; they are made one by one and held in memory.
MOST = 5_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """A pair.

    Attributes:
        enrol, test: the recordings; `labels` holds the speaker where it is known.
        target: both are of one speaker.
        same_session: both are of one session; None where that is not known.
    """

    enrol: Clip
    test: Clip
    target: bool
    same_session: bool | None = None

    @property
    def clips(self) -> tuple[Clip, Clip]:
        """Both."""
        return self.enrol, self.test

    @property
    def session(self) -> int | str:
        """`same_session` as a cell of a table."""
        return "" if self.same_session is None else int(self.same_session)


def make(
    clips: Sequence[Clip],
    *,
    session: str | None = None,
    same: int | None = None,
    different: int | None = None,
    seed: int = 0,
) -> list[Trial]:
    """Pairs of clips of one speaker and of two, all of them or so many drawn; the clips' order does not matter.

    Args:
        clips: with one label each, the speaker.
        session: the column that says when or where a clip was recorded; it decides `same_session`. Sessions need
            names of their own across speakers only where pairs of two speakers are looked at by session.
        same, different: how many pairs of one speaker and of two; None for all.
        seed: of what is drawn.

    Raises:
        DataError: there is no pair of one speaker, or none of two.
        UsageError: there is no such column, or the trials would be more than `MOST`.
    """
    columns = sorted({c for clip in clips for c in clip.columns})
    if session is not None and session not in columns:
        known = suggest(session, columns) if columns else "; recordings in folders have no columns, a metadata.csv has"
        raise UsageError(f"session {session!r}: there is no such column{known}")
    ordered = sorted(clips, key=lambda c: (c.labels, c.key))
    codes = np.unique([c.labels[0] for c in ordered], return_inverse=True)[1] if ordered else np.zeros(0, int)
    place, end = np.arange(len(ordered)), np.searchsorted(codes, codes, "right")
    kinds = ((True, end - place - 1, place + 1, same), (False, len(ordered) - end, end, different))
    for target, counts, _, _ in kinds:
        if not counts.sum():
            raise DataError(
                f"{len(ordered)} clips of {len(set(codes.tolist()))} speaker(s) make no pair of "
                f"{'one speaker' if target else 'two speakers'}; expected two speakers, and two clips of one of them"
            )
    wanted = sum(int(c.sum()) if n is None else min(n, int(c.sum())) for _, c, _, n in kinds)
    if wanted > MOST:
        raise UsageError(f"{wanted:,} trials are more than {MOST:,}; draw some with --same N and --different N")
    made = []
    for target, counts, first, number in kinds:
        for a, b in _pairs(counts, first, number, generator(seed, "trials", target)):
            one, other = ordered[a], ordered[b]
            sessions = ["" if session is None else clean(c.columns.get(session, "")) for c in (one, other)]
            made.append(Trial(one, other, target, sessions[0] == sessions[1] if all(sessions) else None))
    return made


def _pairs(
    counts: np.ndarray, first: np.ndarray, number: int | None, random: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Pairs `(i, j)`, where `i` pairs with `counts[i]` others from `first[i]` on; all, or `number` drawn."""
    total = int(counts.sum())
    chosen = np.arange(total)
    if number is not None and number < total:
        chosen = np.sort(random.choice(total, number, replace=False))
    upto = np.cumsum(counts)
    one = np.searchsorted(upto, chosen, "right")
    other = first[one] + chosen - (upto - counts)[one]
    return zip(one.tolist(), other.tolist(), strict=True)


def speakers(trials: Sequence[Trial]) -> tuple[list[str], list[str]]:
    """The speakers of the first recordings and of the second.

    Where a list does not name them, recordings that trials of one speaker join, directly or through others, are one
    speaker's, named after one of his recordings; any other recording is a speaker of its own.
    """
    if all(c.labels for t in trials for c in t.clips):
        return [t.enrol.labels[0] for t in trials], [t.test.labels[0] for t in trials]
    keys = sorted({c.key for t in trials for c in t.clips})
    place = {key: i for i, key in enumerate(keys)}
    pairs = np.fromiter((place[c.key] for t in trials for c in t.clips), int).reshape(-1, 2)
    joined = tuple(pairs[[t.target for t in trials]].T)
    joins = coo_array((np.ones(len(joined[0]), bool), joined), shape=(len(keys), len(keys)))
    _, first, group = np.unique(connected_components(joins, directed=False)[1], return_index=True, return_inverse=True)
    names = [keys[i] for i in first[group]]  # of each recording
    return [names[i] for i in pairs[:, 0]], [names[i] for i in pairs[:, 1]]


def refuse_one_kind(trials: Sequence[Trial], source: str, total: int) -> None:
    """Raise where errors cannot be measured on trials, as they are all of one speaker, or all of two.

    Args:
        trials: what is left of a list to be measured on.
        source: the list.
        total: how many trials it has.

    Raises:
        DataError: they are of one kind.
    """
    kinds = {t.target for t in trials}
    if len(kinds) == 1:
        missing = "different speakers" if True in kinds else "the same speaker"
        among = f"its {counted(total, 'trial')}"
        if len(trials) < total:
            among = f"the {len(trials)} of {among} that can be scored"
        raise DataError(
            f"{source}: no pair of {missing} is among {among}; both kinds are needed: add rows of the other, or make a "
            "list with `audioft trials DATA --out LIST`"
        )
