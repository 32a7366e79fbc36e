"""From which score on the nearest of several enrolled speakers is believed to be the one who speaks.

That score is not the one at which two recordings are of one speaker: the best of several enrolled comes nearer to a
stranger than any one of them, and a speaker enrolled from several recordings scores otherwise than one recording. So
what will be done is done with speakers who are known: some are enrolled, the others are strangers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from audioft.core.runtime import generator
from audioft.speakers.pair_scores import Scorer, Side
from audioft.speakers.verification import rates

#: How many recordings speakers are enrolled from, and how many of them are enrolled.
RECORDINGS = (1, 2, 3, 5, 10, 20)
SPEAKERS = (1, 2, 3, 5, 10, 20, 50, 100)
#: How often speakers are drawn anew, and how many recordings of either kind are listened to in each draw.
DRAWS = 50
MOST = 500


@dataclass(frozen=True)
class OpenSet:
    """Errors of open-set identification with so many enrolled.

    Attributes:
        speakers: how many are enrolled.
        recordings: how many each of them is enrolled from.
        threshold: of the score of the nearest, at which both errors are equal: of the enrolled, the share refused or
            taken for another (false negative identification rate), and of strangers the share taken for somebody
            (false positive identification rate; both of ISO/IEC 19795-1).
        error: that share.
        misnamed: the share of the enrolled whom another one is nearer to, which no threshold mends.
    """

    speakers: int
    recordings: int
    threshold: float
    error: float
    misnamed: float

    def __str__(self) -> str:
        return (
            f"{100 * self.error:.1f} % wrong either way, {self.speakers} enrolled from {self.recordings} recording(s) "
            f"each, at the threshold {self.threshold:.4f}"
        )


def measure(vectors: np.ndarray, speakers: Sequence[str], scorer: Scorer, *, seed: int = 0) -> list[OpenSet]:
    """Enrol some of the speakers, again and again, and identify what is left of theirs and all of the others'.

    Args:
        vectors: `(N, E)` embeddings of recordings.
        speakers: `(N,)` who speaks in each.
        scorer: what makes scores of embeddings.
        seed: of what is drawn.

    Returns:
        One for each number of speakers and of recordings that these make possible: so many speakers must have one
        recording more than they are enrolled from, and one more speaker must be there. Possibly none.
    """
    names = np.unique(np.asarray(speakers, str), return_inverse=True)[1]
    own = [np.flatnonzero(names == s) for s in range(int(names.max()) + 1 if len(names) else 0)]
    heard, found = scorer.side(vectors), []
    for recordings in RECORDINGS:
        able = [s for s, places in enumerate(own) if len(places) > recordings]
        for count in SPEAKERS:
            if count > len(able) or count >= len(own):
                break
            known, strangers = _scores(heard, own, able, count, recordings, scorer, seed)
            found.append(_errors(count, recordings, known, strangers))
    return found


def _scores(
    heard: Side, own: Sequence[np.ndarray], able: Sequence[int], count: int, recordings: int, scorer: Scorer, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The best scores of recordings of the enrolled, -inf where another one is nearest, and those of strangers."""
    known, strangers = [], []
    for draw in range(DRAWS):
        random = generator(seed, "identification", count, recordings, draw)
        enrolled = random.choice(able, count, replace=False)
        shuffled = [random.permutation(own[s]) for s in enrolled]
        means = np.stack([heard.units[places[:recordings]].mean(0) for places in shuffled])
        left = [(places, i) for i, places in enumerate(p[recordings:] for p in shuffled)]
        tests = np.concatenate([places for places, _ in left])
        truth = np.concatenate([np.full(len(places), i) for places, i in left])
        few = random.permutation(len(tests))[:MOST]
        others = random.permutation(np.concatenate([p for s, p in enumerate(own) if s not in enrolled]))[:MOST]
        scores = scorer.between(heard.at(np.concatenate([tests[few], others])), scorer.side(means))
        best, right = scores.max(1), scores.argmax(1)[: len(few)] == truth[few]
        known.append(np.where(right, best[: len(few)], -np.inf))
        strangers.append(best[len(few) :])
    return np.concatenate(known), np.concatenate(strangers)


def _errors(speakers: int, recordings: int, known: np.ndarray, strangers: np.ndarray) -> OpenSet:
    named = np.isfinite(known)
    lowest = min(strangers.min(), known[named].min(initial=np.inf)) - 1
    target = np.arange(len(known) + len(strangers)) < len(known)
    error, threshold = rates(np.concatenate([np.where(named, known, lowest), strangers]), target).eer()
    return OpenSet(speakers, recordings, threshold, error, float(1 - named.mean()))


def nearest(found: Sequence[OpenSet], speakers: int, recordings: float) -> OpenSet:
    """The one with numbers of speakers and recordings most like these, by their ratios; the speakers' counts first."""

    def apart(one: OpenSet) -> tuple[float, float]:
        return abs(np.log(one.speakers / speakers)), abs(np.log(one.recordings / recordings))

    return min(found, key=apart)


def as_rows(found: Sequence[OpenSet]) -> list[dict[str, Any]]:
    """What a model card keeps, plain; `from_rows` reads it."""
    digits = {"threshold": 6, "error": 4, "misnamed": 4}
    return [asdict(x) | {k: round(getattr(x, k), n) for k, n in digits.items()} for x in found]


def from_rows(rows: Sequence[dict[str, Any]]) -> list[OpenSet]:
    """The inverse of `as_rows`."""
    return [OpenSet(**row) for row in rows]
