"""How often 95 % intervals hold: those of reports, beside the middle 95 % of bootstrap resamples.

python tests/benchmarks/interval_coverage.py [--replicates 1000] [--resamples 100] [--all]
    [--only clips|events|frames|speakers|curves]

Data are made up of which the true figures are known: clips of four labels, each right with a probability of 0.5 to
0.99 (`one`); clips with any of four labels whose scores tell them apart with an AUC of 0.7 to 0.99 (`several`);
recordings in which 0.5 to 0.99 of the events, of four labels, are found, with as many made up (`events`); recordings
whose frames have scores with an AUC of 0.7 to 0.99 (`frames`); recordings of speakers who are harder or easier to tell
apart, all pairs of them (`speakers`); clips that are tested after learning from more and more others, after all of
which 0.8 to 0.99 are right (`curves`, see `curve_coverage.py`). Clips stand alone, or lie in groups of four that share
a part of what makes them right (a correlation of 0.3 beneath); recordings and speakers differ likewise.

Of each figure and size the lowest coverage over all of these is printed, in percent: of the middle 95 % / of the
interval of the report, and how wide the latter is, on the average. `--all` prints every case. A replicate in which a
figure is not defined counts for nothing.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from unittest import mock

import curve_coverage as curves
import numpy as np
from scipy.special import ndtr, ndtri

from audioft.annotations.event import Event
from audioft.evaluation import effective_size, events, frame_intervals, intervals
from audioft.evaluation.event_counts import Counts, Heard
from audioft.evaluation.intervals import middle
from audioft.evaluation.metrics import METRICS, Tally
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.ranking import frame_average_precision
from audioft.speakers import verification

Interval = tuple[float, float]
#: name -> the figure, the middle 95 % of the drawn ones, the interval
Found = dict[str, tuple[float, Interval, Interval]]
LABELS, EACH, SHARED = 4, 4, 0.3
ONE = ("accuracy", "balanced_accuracy", "recall_macro", "precision_macro", "f1_macro", "f1_weighted")
SEVERAL = ("roc_auc", "map", "subset_accuracy", "recall_micro", "precision_micro", "f1_micro", "f1_macro")
#: Of what takes long: the share of the replicates, and of the resamples.
SLOW = {"frames": (0.2, 1.0), "speakers": (0.2, 1.0), "curves": (0.08, 0.6)}
FRAMES = ("map of frames",)
EVENTS = ("event_f1", "event_precision", "event_recall", "event_f1_macro", "segment_error_rate")
TITLES = {"one": "one label a clip", "several": "several labels", "events": "events", "frames": "frames of events"}
TITLES |= {"speakers": "speakers", "curves": "learning curves"}
SPEAKERS = ("EER", *(f"minDCF {p:g}" for p in verification.PRIORS))


@dataclass(frozen=True)
class Case:
    """One kind of data.

    Attributes:
        kind: `one`, `several`, `events`, `frames`, `speakers`, `curves`.
        size: clips, recordings or speakers; tested clips.
        score: share right or found, AUC, or how far apart speakers are.
        grouped: whether clips lie in groups.
    """

    kind: str
    size: int
    score: float
    grouped: bool = False


CASES = [
    *(Case("one", n, p, g) for n in (8, 20, 50, 200, 500) for p in (0.5, 0.8, 0.95, 0.99) for g in (False, True)),
    *(Case("several", n, p, g) for n in (8, 20, 50, 200, 500) for p in (0.7, 0.9, 0.99) for g in (False, True)),
    *(Case("events", n, p) for n in (2, 8, 20, 50, 200) for p in (0.5, 0.8, 0.95, 0.99)),
    *(Case("frames", n, p) for n in (2, 8, 20, 50, 200) for p in (0.7, 0.9, 0.99)),
    *(Case("speakers", n, p) for n in (3, 8, 20, 50) for p in (0.5, 1.0, 1.7, 2.5)),
    *(Case("curves", n, p, g) for n in (20, 50, 200) for p in (0.8, 0.95, 0.99) for g in (False, True)),
]


def shared(random: np.random.Generator, case: Case, count: int, columns: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """`(count, columns)` normal numbers, of which clips of one group share a part, and the groups `(count,)`."""
    if not case.grouped:
        return random.standard_normal((count, columns)), np.arange(count)
    groups = np.arange(count) // EACH
    common = random.standard_normal((groups[-1] + 1, columns))[groups]
    return np.sqrt(SHARED) * common + np.sqrt(1 - SHARED) * random.standard_normal((count, columns)), groups


def clips(random: np.random.Generator, case: Case, count: int) -> Predictions:
    """Predictions that are right as often as `case` says."""
    noise, groups = shared(random, case, count, 1 if case.kind == "one" else LABELS)
    if case.kind == "one":
        truth = random.integers(LABELS, size=count)
        other = (truth + random.integers(1, LABELS, size=count)) % LABELS
        targets = np.eye(LABELS)[truth]
        scores = 0.1 / LABELS + 0.9 * np.eye(LABELS)[np.where(noise[:, 0] < ndtri(case.score), truth, other)]
    else:
        targets = (random.random((count, LABELS)) < 0.3).astype(float)
        apart = np.sqrt(2) * ndtri(case.score)
        scores = ndtr(noise + apart * (targets - 0.5))
    about = [{"path": f"{i}", "start": None, "end": None, "group": f"{g}"} for i, g in enumerate(groups.tolist())]
    names = tuple(map(str, range(LABELS)))
    return Predictions(names, case.kind == "several", scores, targets, np.ones_like(targets, bool), about)


def recordings(random: np.random.Generator, case: Case, count: int) -> list[Counts]:
    """Of each recording how many events are found, missed and made up; easy recordings and hard ones."""
    there = random.poisson(2.0, (count, LABELS))
    ease = ndtr((ndtri(case.score) + np.sqrt(SHARED) * random.standard_normal((count, 1))) / np.sqrt(1 - SHARED))
    true = random.binomial(there, np.broadcast_to(ease, there.shape))
    false = random.poisson(2.0 * (1 - ease) * np.ones(LABELS))
    swapped = random.binomial(np.minimum((there - true).sum(1), false.sum(1)), 0.5)
    return [Counts(*one) for one in zip(true, there - true, false, swapped, strict=True)]


def voices(random: np.random.Generator, case: Case, count: int) -> np.ndarray:
    """Three unit vectors of 16 numbers of each speaker; some speak less evenly than others."""
    means = case.score * random.standard_normal((count, 1, 16))
    unsteady = np.exp(0.3 * random.standard_normal((count, 1, 1)))
    heard = (means + unsteady * random.standard_normal((count, 3, 16))).reshape(-1, 16)
    return heard / np.linalg.norm(heard, axis=1, keepdims=True)


@functools.cache
def truth(kind: str, score: float) -> dict[str, float]:
    """The true figures, of very many clips."""
    random, case = np.random.default_rng(99), Case(kind, 0, score)
    if kind == "events":
        parts = recordings(random, case, 50_000)
        return {k: float(v) for k, v in events.figures({"event": parts, "segment": parts}).items()}
    if kind == "frames":
        return {FRAMES[0]: frame_average_precision(*zip(*frames(random, case, 4_000)[1], strict=True))[0]}
    if kind == "curves":
        return curves.truth(score)
    if kind == "speakers":
        heard = voices(random, case, 20_000)
        same = np.concatenate([(heard[i::3] * heard[j::3]).sum(1) for i, j in ((0, 1), (0, 2), (1, 2))])
        other = np.concatenate([(heard * np.roll(heard, 3 * k, axis=0)).sum(1) for k in range(1, 30)])
        found = verification.rates(np.concatenate([same, other]), np.arange(len(same) + len(other)) < len(same))
        costs = [found.min_dcf(p)[0] for p in verification.PRIORS]
        return dict(zip(SPEAKERS, [found.eer()[0], *costs], strict=True))
    tally = Tally(clips(random, case, 100_000))
    named = {name: float(METRICS[name].of(tally)[0]) for name in (ONE if kind == "one" else SEVERAL)}
    return named | {"recall of a label": float(tally.recall[0].mean())}


def of_clips(random: np.random.Generator, case: Case, resamples: int) -> Found:
    p, names = clips(random, case, case.size), ONE if case.kind == "one" else SEVERAL
    once, seed = Tally(p), int(random.integers(2**31))
    drawn = intervals.draws(p, names, resamples=resamples, seed=seed)
    found = intervals.bounds(p, names, drawn)
    told: Found = {n: (float(METRICS[n].of(once)[0]), middle(drawn[n], 0.95), found[n]) for n in names}
    member = intervals.units(p)[1]
    weights = intervals.multiplicities(random, resamples, member.max() + 1)[:, member]
    recall = Tally(p, weights).recall[:, 0][Tally(p, weights).positives[:, 0] > 0]
    own = tuple(intervals.recalls(p)[0])
    return told | {"recall of a label": (float(once.recall[0, 0]), middle(recall, 0.95), own)}


def of_events(random: np.random.Generator, case: Case, resamples: int) -> Found:
    counts = recordings(random, case, case.size)
    parts = {"event": counts, "segment": counts}
    values = {k: v.item() for k, v in events.figures(parts).items()}
    drawn = events.draws(parts, resamples, int(random.integers(2**31)))
    found = events.bounds(parts, values, drawn)
    return {name: (values[name], middle(drawn[name], 0.95), found[name]) for name in EVENTS}


def frames(random: np.random.Generator, case: Case, count: int) -> tuple[list[Heard], list[tuple[np.ndarray, ...]]]:
    """Recordings of ten seconds with ten frames each, and events of a second; what of the scores is luck is shared."""
    found = []
    for i in range(count):
        there = random.random((10, LABELS)) < 0.2
        parts = ((1, 1), (10, 1), (10, 10))  # of the recording, of a second, of a frame
        noise = [
            np.sqrt(share) * random.standard_normal((s, f, LABELS))
            for share, (s, f) in zip((0.2, 0.5, 0.3), parts, strict=True)
        ]
        apart = np.sqrt(2) * ndtri(case.score)
        scores = ndtr(sum(noise) + apart * (there[:, None] - 0.5)).reshape(-1, LABELS)
        own = [Event(str(c), float(s), s + 1.0) for s, c in zip(*np.nonzero(there), strict=True)]
        found.append((Heard(str(i), 10.0, own, []), (scores, np.repeat(there, 10, axis=0).astype(float))))
    return [heard for heard, _ in found], [pair for _, pair in found]


def of_frames(random: np.random.Generator, case: Case, resamples: int) -> Found:
    heard, pairs = frames(random, case, case.size)
    value = frame_average_precision(*zip(*pairs, strict=True))[0]
    with mock.patch.object(frame_intervals.effective_size, "of_draws", wraps=effective_size.of_draws) as noting:
        names = list(map(str, range(LABELS)))
        found = frame_intervals.frame_bounds(value, heard, pairs, names, resamples, int(random.integers(2**31)))
    again = noting.call_args.args[1] if noting.called else np.full(1, np.nan)
    return {FRAMES[0]: (value, middle(again, 0.95), found)}


def of_curves(random: np.random.Generator, case: Case, resamples: int) -> Found:
    noise, groups = shared(random, case, case.size)
    return curves.found(random, noise[:, 0], groups, case.score, resamples)


def of_speakers(random: np.random.Generator, case: Case, resamples: int) -> Found:
    heard = voices(random, case, case.size)
    places = np.triu_indices(len(heard), 1)
    scores, (first, second) = (heard @ heard.T)[places], (x // 3 for x in places)
    drawn: list[np.ndarray] = []

    def noted(value: float, again: np.ndarray, basis: verification.Basis) -> Interval:
        drawn.append(again)
        return original(value, again, basis)

    original = verification.of_draws
    with mock.patch.object(verification, "of_draws", noted):
        who = (first.astype(str).tolist(), second.astype(str).tolist())
        seed = int(random.integers(2**31))
        found = verification.measure(scores, first == second, who, resamples=resamples, seed=seed)
    estimates = [found.eer, *found.min_dcf.values()]
    return {
        name: (e.value, middle(again, 0.95), (e.low, e.high))
        for name, e, again in zip(SPEAKERS, estimates, drawn, strict=True)
    }


WAYS: dict[str, Callable[[np.random.Generator, Case, int], Found]] = {
    "one": of_clips,
    "several": of_clips,
    "events": of_events,
    "frames": of_frames,
    "speakers": of_speakers,
    "curves": of_curves,
}


@dataclass(frozen=True)
class Coverage:
    """How often intervals held the true figure, as shares: the middle 95 %, and ours; and how wide ours are."""

    middle: float
    ours: float
    width: float


def coverage(case: Case, replicates: int, resamples: int, seed: int = 0) -> dict[str, Coverage]:
    """Of each figure, over data made up again and again."""
    random = np.random.default_rng([seed, case.size, round(1000 * case.score), case.grouped])
    true, held = truth(case.kind, case.score), {}  # type: ignore[var-annotated]
    for _ in range(replicates):
        for name, (value, before, ours) in WAYS[case.kind](random, case, resamples).items():
            if np.isfinite(value) and np.isfinite(ours[0]):
                row = [low - 1e-9 <= true[name] <= high + 1e-9 for low, high in (before, ours)]
                held.setdefault(name, []).append([*row, ours[1] - ours[0]])
    return {name: Coverage(*np.mean(rows, 0).tolist()) for name, rows in held.items()}


def lines(found: dict[Case, dict[str, Coverage]]) -> Iterator[str]:
    """A table for each kind, a row a figure and a column a size."""
    for kind in dict.fromkeys(c.kind for c in found):
        mine = {c: figures for c, figures in found.items() if c.kind == kind}
        sizes = sorted({c.size for c in mine})
        what = {"events": "recordings", "frames": "recordings", "speakers": "speakers"}.get(kind, "clips")
        yield f"\n| {TITLES[kind]} | " + " | ".join(f"{n} {what}" for n in sizes) + " |"
        yield "|---|" + "---|" * len(sizes)
        for name in dict.fromkeys(name for figures in mine.values() for name in figures):
            cells = []
            for n in sizes:
                all_of = [figures[name] for c, figures in mine.items() if c.size == n and name in figures]
                least = [min(getattr(x, k) for x in all_of) for k in ("middle", "ours")]
                wide = np.mean([x.width for x in all_of])
                cells.append(f"{100 * least[0]:.0f} / {100 * least[1]:.1f} ({wide:.2f})")
            yield f"| {name} | " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=1000, help="data sets of each kind (1000)")
    parser.add_argument("--resamples", type=int, default=100, help="of each of them (100)")
    parser.add_argument("--only", choices=["clips", "events", "frames", "speakers", "curves"])
    parser.add_argument("--all", action="store_true", help="every case")
    options = parser.parse_args()
    found = {}
    for case in CASES:
        if options.only in (None, case.kind) or (options.only == "clips" and case.kind in ("one", "several")):
            share = SLOW.get(case.kind, (1.0, 1.0))
            times = [max(round(n * x), 1) for n, x in zip((options.replicates, options.resamples), share, strict=True)]
            found[case] = coverage(case, *times)
            if options.all:
                for name, c in found[case].items():
                    print(f"{case} {name}: {c.middle:.3f} {c.ours:.3f} {c.width:.2f}", flush=True)
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
