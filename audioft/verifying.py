"""Recordings compared by a model: what is enrolled, what normalises, and trials, every recording heard once."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audioft.data import trials as lists
from audioft.data.check import headers
from audioft.data.clip import Clip
from audioft.data.inputs import unlabelled
from audioft.data.trials import Trial
from audioft.errors import AudioError, DataError, UsageError
from audioft.evaluation import identification
from audioft.evaluation.identification import OpenSet
from audioft.evaluation.pair_embeddings import Embeddings
from audioft.evaluation.pair_scores import Scorer
from audioft.evaluation.verification import PRIORS, Verification, measure
from audioft.inference.predictor import Predictor
from audioft.inference.speakers import FILE, Enrolment, choice_among, threshold_of
from audioft.models.fingerprint import fingerprint
from audioft.progress import Console

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
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["enrol", "test", "target", "score", "same_session"])
        for t, score in zip(self.trials, self.scores.tolist(), strict=True):
            session = "" if t.same_session is None else int(t.same_session)
            writer.writerow([t.enrol.key, t.test.key, int(t.target), f"{score:.6f}", session])
        return out.getvalue()

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


@dataclasses.dataclass(frozen=True)
class Use:
    """A model and the speakers it knows.

    Attributes:
        predictor: the model.
        path: the file of the enrolled, which need not be there yet.
        enrolment: what it holds.
    """

    predictor: Predictor
    path: Path
    enrolment: Enrolment

    @classmethod
    def of(cls, model: str | os.PathLike[str] | Predictor, speakers: str | os.PathLike[str] | None) -> Use:
        """Load the model, and the speakers from the file beside it or from `speakers`.

        Raises:
            ModelError: the speakers were enrolled with another model.
            DataError: their file is damaged.
        """
        predictor = model if isinstance(model, Predictor) else Predictor(model)
        path = predictor.folder / FILE if speakers is None else Path(speakers)
        return cls(predictor, path, Enrolment.load(path, fingerprint(predictor.model)))

    def scorer(self, cohort: str | os.PathLike[str] | None, compared: Sequence[Clip], console: Console) -> Scorer:
        """What makes scores, with the recordings in the folder `cohort`, or the stored cohort if there is one."""
        return Scorer(self.enrolment.cohort if cohort is None else self.cohort(cohort, compared, console))

    def limit(self, given: float | None, normalised: bool, console: Console) -> float:
        """The score from which on the nearest of the enrolled is believed to be the one: `given`, or the model's own.

        Raises:
            UsageError: there is none for such scores.
        """
        limit = threshold_of(self.predictor.card, given, normalised)
        if given is not None:
            return limit
        chosen = choice_among(self.predictor.card, self.enrolment.speakers)
        count = len(self.enrolment.speakers)
        if chosen is None:
            if count > 1:
                console.say(
                    f"note: the model's threshold {limit:.4f} is that of two recordings; with {count} speakers "
                    "enrolled strangers pass it more often. `audioft verify MODEL --trials LIST --store`, with a few "
                    "recordings each of several speakers, chooses one for identifying too"
                )
            return limit
        if count > 2 * chosen.speakers:
            console.say(
                f"note: {count} speakers are enrolled; the threshold {chosen.threshold:.4f} was chosen with "
                f"{chosen.speakers}, and strangers pass it more often the more are enrolled"
            )
        return chosen.threshold

    def cohort(self, folder: str | os.PathLike[str], compared: Sequence[Clip], console: Console) -> np.ndarray:
        """Embeddings `(K, E)` of the recordings in a folder that are not among those `compared`.

        Raises:
            DataError: they are fewer than two.
        """
        clips, failures = unlabelled([os.fspath(folder)])
        own = {os.path.realpath(c.path) for c in compared}
        others = [c for c in clips if os.path.realpath(c.path) not in own]
        if len(others) < len(clips):
            console.say(f"note: {len(clips) - len(others)} recordings of the cohort are themselves compared: left out")
        heard = hear(self.predictor.embed, others, console)
        for failure in [*failures, *heard.failures.values()]:
            console.say(f"note: left out of the cohort: {failure}")
        Scorer(heard.vectors)
        return heard.vectors


def recordings(
    inputs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> tuple[list[Clip], list[AudioError]]:
    """The recordings that files, folders and globs lead to, and what led to none."""
    wanted = [inputs] if isinstance(inputs, str | os.PathLike) else list(inputs)
    clips, failures = unlabelled([os.fspath(i) for i in wanted])
    if not clips and not failures:
        raise DataError("nothing to listen to: no inputs were given")
    return clips, failures


def recording(path: str | os.PathLike[str]) -> Clip:
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


def made_folder(path: Path) -> None:
    """The folder that a file is to be written to is made.

    Raises:
        UsageError: it cannot be, or `path` itself is a folder.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of a file")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UsageError(f"{path} cannot be written: {e.strerror}") from e


def table_path(out: str | os.PathLike[str]) -> Path:
    """Where a table is to be written; its folder is made.

    Raises:
        UsageError: it does not end in `.csv`, or its folder cannot be made.
    """
    path = Path(out)
    if path.suffix != ".csv":
        raise UsageError(f"--out {path}: expected a file ending in .csv")
    made_folder(path)
    return path


def hear(embed: Embed, clips: Sequence[Clip], console: Console) -> Embeddings:
    """Embeddings of clips, with a bar."""
    total = 0.0 if console.quiet else sum(c.seconds for c in headers(clips))
    with console.job("listening", round(total), unit=" s of sound") as job:
        return embed(clips, lambda heard: job.at(round(heard)))


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
        found = run(embed, trials, Scorer(), console, priors=PRIORS, resamples=0)
    except DataError:  # none can be heard: said where they were scored
        return None
    console.say(f"pairs of the validation side are told apart with an EER of {100 * found.found.eer.value:.2f} %")
    return found.for_card(None, "the validation side, whose labels were trained on")


def run(
    embed: Embed,
    trials: Sequence[Trial],
    scorer: Scorer,
    console: Console,
    *,
    priors: Sequence[float],
    resamples: int = 1000,
    seed: int = 0,
) -> Verified:
    """Score trials and measure the scores; see `measure`.

    Args:
        embed: as `Predictor.embed`.
        trials: what to score.
        scorer: what makes scores of embeddings.
        console: where it is told how far it is.
        priors, resamples, seed: see `measure`.

    Raises:
        DataError: no trial, or none of one kind, is left of those whose recordings can be heard.
    """
    clips = {c.key: c for t in trials for c in (t.enrol, t.test)}
    heard = hear(embed, list(clips.values()), console)
    keys = list(clips)
    row = {keys[i]: n for n, i in enumerate(heard.kept.tolist())}
    kept = [t for t in trials if t.enrol.key in row and t.test.key in row]
    failures = list(heard.failures.values())
    if not kept:
        raise DataError(f"none of the {len(trials)} trials can be scored; the first recording says: {failures[0]}")
    first, second = (
        np.array([row[c.key] for c in side]) for side in zip(*((t.enrol, t.test) for t in kept), strict=True)
    )
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
