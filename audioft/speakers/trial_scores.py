"""Recordings compared by a model: what is enrolled, what normalises, and trials, every recording heard once."""

from __future__ import annotations

import dataclasses
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.core import csv_tables
from audioft.core.places import PathLike, refuse_place
from audioft.core.progress import Console
from audioft.data.clip import Clip
from audioft.data.inputs import unlabelled
from audioft.errors import AudioError, DataError, UsageError
from audioft.evaluation.recording_embeddings import Embeddings
from audioft.inference.listening import listening
from audioft.speakers import identification, individuals
from audioft.speakers import trials as lists
from audioft.speakers.identification import OpenSet
from audioft.speakers.pair_scores import Scorer
from audioft.speakers.trials import Trial
from audioft.speakers.verification import PRIORS, Verification, measure

#: Pairs of either kind that a threshold is chosen on at the end of a training.
MOST = 100_000
#: Enrolled speakers, and recordings of each, for which the errors of identification are shown.
USUAL = (5, 5)
Embed = Callable[[Sequence[Clip], Callable[[float], None]], Embeddings]


@dataclasses.dataclass(frozen=True)
class Verified:
    """What became of a list of trials.

    Attributes:
        found: the figures.
        trials, scores: those that could be scored, `(T,)`.
        left_out: how many could not, since a recording of theirs could not be heard.
        failures: these recordings.
        open_set: what errors identification makes with some of these speakers enrolled; see `identification.measure`.
    """

    found: Verification
    trials: list[Trial]
    scores: np.ndarray
    left_out: int
    failures: list[AudioError]
    open_set: list[OpenSet]

    def __str__(self) -> str:
        lines = [str(self.found)]
        if self.open_set:
            lines.append(f"identifying  {identification.nearest(self.open_set, *USUAL)}")
        if self.left_out:
            lines.append(f"left out     {self.left_out:,} trials, of recordings that could not be heard")
        return "\n".join(lines)

    def table(self) -> str:
        """The scores as CSV."""
        rows: list[list[Any]] = [["enrol", "test", "target", "score", "same_session"]]
        for t, score in zip(self.trials, self.scores.tolist(), strict=True):
            rows.append([t.enrol.key, t.test.key, int(t.target), f"{score:.6f}", t.session])
        return csv_tables.text(rows)

    def for_card(self, prior: float | None, source: str) -> dict[str, Any]:
        """What a model card keeps, see `ModelCard.verification`."""
        f = self.found
        chosen = {"source": source, "trials": f.trials, "targets": f.targets, "speakers": f.speakers}
        return {
            "threshold": round(f.at(prior), 6),
            "normalised": f.normalised,
            "identification": identification.as_rows(self.open_set),
            "chosen_on": chosen | {"at": "equal error rate" if prior is None else f"lowest cost at p_target {prior:g}"},
            **f.as_dict(),
        }


def recordings(inputs: PathLike | Iterable[PathLike]) -> tuple[list[Clip], list[AudioError]]:
    """The recordings that files, folders and globs lead to, and what led to none.

    Raises:
        UsageError: nothing was given.
    """
    wanted = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    clips, failures = unlabelled([os.fspath(i) for i in wanted])
    if not clips and not failures:
        raise UsageError("no recordings were given: name files, folders or patterns")
    return clips, failures


def recording(path: PathLike) -> Clip:
    """One recording.

    Raises:
        AudioError: there is no such file.
        UsageError: it is a folder, or a pattern of several.
    """
    clips, failures = recordings(path)
    for failure in failures:
        raise failure
    if len(clips) > 1:
        raise UsageError(f"{path}: {len(clips)} recordings; expected one. Many pairs are compared with --trials LIST")
    return clips[0]


def table_path(out: PathLike) -> Path:
    """Where a table of results is to be written; one that is there will be replaced.

    Raises:
        UsageError: it does not end in `.csv`, or cannot be written.
    """
    path = Path(out)
    if path.suffix != ".csv":
        raise UsageError(f"--out {path}: expected a file ending in .csv")
    refuse_place(path)
    return path


def hear(embed: Embed, clips: Sequence[Clip], console: Console) -> Embeddings:
    """Embeddings of clips, with a bar."""
    with listening(console, "listening", clips) as progress:
        return embed(clips, progress)


def choose(embed: Embed, clips: Sequence[Clip], console: Console, seed: int) -> dict[str, Any] | None:
    """What a model card keeps, from pairs of clips of a validation side; None where they make none worth a threshold.

    Args:
        embed: as `Predictor.embed`.
        clips: with one label each; two labels must have two clips.
        console: where it is told.
        seed: of the pairs drawn where there are many.
    """
    counts = Counter(c.labels[0] for c in clips)
    if sum(n > 1 for n in counts.values()) < 2:
        return None
    try:
        trials = lists.make(clips, same=MOST, different=MOST, seed=seed)
        found = run(embed, trials, Scorer(), console, resamples=0)
    except DataError:  # none can be heard: said where they were scored
        return None
    console.say(f"pairs of the validation side are told apart with an EER of {100 * found.found.eer.value:.2f} %")
    return found.for_card(None, individuals.VALIDATION)


def run(
    embed: Embed,
    trials: Sequence[Trial],
    scorer: Scorer,
    console: Console,
    *,
    priors: Sequence[float] = PRIORS,
    resamples: int = 1000,
    seed: int = 0,
    source: str | None = None,
) -> Verified:
    """Score trials and measure the scores; see `measure`.

    Args:
        embed: as `Predictor.embed`.
        trials: what to score.
        scorer: what makes scores of embeddings.
        console: where it is told how far it is.
        priors, resamples, seed: see `measure`.
        source: the file of the trials, for messages.

    Raises:
        DataError: no trial, or none of one kind, is left of those whose recordings can be heard.
    """
    clips = {c.key: c for t in trials for c in t.clips}
    heard = hear(embed, list(clips.values()), console)
    keys = list(clips)
    row = {keys[i]: n for n, i in enumerate(heard.kept.tolist())}
    kept = [t for t in trials if t.enrol.key in row and t.test.key in row]
    failures = list(heard.failures.values())
    if not kept:
        place = "" if source is None else f"{source}: "
        raise DataError(
            f"{place}none of the {len(trials)} trials can be scored; the first recording says: {failures[0]}"
        )
    lists.refuse_one_kind(kept, source or "the trials", len(trials))
    first, second = np.array([[row[c.key] for c in t.clips] for t in kept]).T
    scores = scorer.pairs(heard.vectors, first, second)
    names = lists.speakers(kept)
    with console.job("drawing speakers", resamples) as job:
        found = measure(
            scores,
            np.array([t.target for t in kept]),
            names,
            same_session=[t.same_session for t in kept],
            priors=priors,
            normalised=scorer.normalised,
            resamples=resamples,
            seed=seed,
            progress=job.at,
        )
    who = dict(zip((*first.tolist(), *second.tolist()), (*names[0], *names[1]), strict=True))
    heard_of = np.array(sorted(who))
    open_set = identification.measure(heard.vectors[heard_of], [who[i] for i in sorted(who)], scorer, seed=seed)
    return Verified(found, kept, scores, len(trials) - len(kept), failures, open_set)
