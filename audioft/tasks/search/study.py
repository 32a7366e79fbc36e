"""One process at work on a study: it takes trials until none is left, or until time is up."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.progress import Console, Job
from audioft.core.wording import counted
from audioft.errors import AudioftError
from audioft.tasks.search import trial
from audioft.tasks.search.drawing import Drawing
from audioft.tasks.search.ledger import ERROR, Entry, Ledger, StorageGone, Taken
from audioft.tasks.search.objectives import Objectives
from audioft.tasks.search.pruning import Pruning
from audioft.tasks.search.trial import Around, Pruned, TimeIsUp

WAIT = 0.2  # seconds between two looks for a trial, while others work
HOPELESS = 3  # trials that failed, before any that did not, after which there is no sense in more
DEAR = 0.3  # of the time that is left, above which a trial costs too much
TRIED = 0.3  # of it, that the first trial which freezes in another way may take, before anybody knows what that costs
ALIKE = 3.0  # times the seconds of trial 0, which it may take in any case
LONG = "long"  # what is known of a trial that was left for that: how long one would take at least
SPARE = 5.0  # seconds that the last steps of a search take, besides training


@dataclass
class Study:
    """A search.

    Attributes:
        folder: where it is.
        base: the settings that it began with.
        objectives: what is made good.
        drawing: how trials are drawn.
        pruning: how they are ended early.
        ledger: who does which.
        around: what trials share.
        most: how many trials there are to be.
        until: by `time.monotonic`, when the model is to be there; infinite for no hurry.
    """

    folder: Path
    base: Config
    objectives: Objectives
    drawing: Drawing
    pruning: Pruning
    ledger: Ledger
    around: Around
    most: int
    until: float = math.inf

    def config(self, settings: Mapping[str, Any], seed: int | None = None) -> Config:
        """The config of a trial with these settings."""
        return trial.settings_of(self.base, self.drawing.space.fixed, settings, seed)

    def best(self, entries: Sequence[Entry]) -> Entry | None:
        """The trial of the best score; of equal ones the first."""
        return best_of(entries, self.objectives)


def best_of(entries: Sequence[Entry], objectives: Objectives) -> Entry | None:
    """The complete trial of the best score, the first of equal ones; None where none is complete."""
    done = [e for e in entries if e.state == "complete" and math.isfinite(e.values[0])]
    sign = -1.0 if objectives.higher else 1.0
    return min(done, key=lambda e: (sign * e.values[0], e.number), default=None)


def work(study: Study, console: Console) -> None:
    """Do trials until none is left, or until time is up; others may work on the same study.

    Raises:
        AudioftError: every trial failed; the first reason is told.
    """
    with console.job("searching", study.most, unit=" trials") as job:
        job.until = study.until
        while True:
            entries = study.ledger.entries()
            job.at(sum(e.ended for e in entries), _note(study, entries))
            _refuse_hopeless(entries)
            study.around.deadline = _deadline(study, entries)
            if entries and time.monotonic() > study.around.deadline:
                return
            taken = study.ledger.take(lambda n, e: _drawn(study, n, e), study.most, study.drawing.ahead)
            if taken is not None:
                study.around.progress = _telling(study, job, taken)
                study.around.deadline, whole = _limit(study, entries, taken.entry), study.around.deadline
                try:
                    do(study, taken, console)
                except TimeIsUp:
                    if study.around.deadline == whole:
                        study.ledger.put_back(taken)
                        return
                    _leave(study, taken)
                continue
            entries = study.ledger.entries()
            if all(e.ended for e in entries) and (len(entries) >= study.most or study.ledger.exhausted):
                job.at(len(entries), _note(study, entries))
                break
            time.sleep(WAIT)
    _refuse_hopeless(entries, last=True)
    if study.ledger.exhausted and len(entries) < study.most:
        console.say(f"note: no new settings are left in the space after {counted(len(entries), 'trial')}")


def do(study: Study, taken: Taken, console: Console) -> None:
    """One trial, from its settings to its entry."""
    ledger, entry = study.ledger, taken.entry
    judge = study.pruning.judge(entry, ledger.entries())

    def report(step: int, figure: float, costs: dict[int, float] | None) -> None:
        ledger.report(taken, step, figure, costs)
        if judge(step, figure, costs):
            raise Pruned

    began = time.monotonic()
    try:
        config = study.config(entry.settings)
        each_epoch = len(study.around.folds) == 1
        with ledger.alive(taken):
            folds = trial.run(config, study.around, taken.folder, report, each_epoch)
    except Pruned:
        ledger.end(taken, "pruned", about={"seconds": round(time.monotonic() - began, 2)})
        return
    except StorageGone:
        raise
    except (AudioftError, MemoryError, torch.OutOfMemoryError) as e:
        said = str(e) or type(e).__name__
        ledger.end(taken, "failed", about={ERROR: said, "seconds": round(time.monotonic() - began, 2)})
        return
    except KeyboardInterrupt:
        ledger.put_back(taken)
        raise
    about = {
        "seconds": round(sum(f.seconds for f in folds), 2),
        "megabytes": max(f.megabytes for f in folds),
        "epochs": [f.best_epoch for f in folds],
        "figures": trial.mean_figures(folds),
    }
    ledger.end(taken, "complete", study.objectives.values(folds), about)


def _telling(study: Study, job: Job, taken: Taken) -> Callable[[str], None]:
    """Shows how far a trial is."""
    before = _note(study, study.ledger.entries())
    return lambda note: job.at(job.done, f"trial {taken.entry.number}: {note}{'; ' * bool(before)}{before}")


def _drawn(study: Study, number: int, entries: list[Entry]) -> dict[str, Any] | None:
    """The settings of a trial; where time is short, without ways to freeze that take too much of what is left."""
    left = study.until - time.monotonic()
    dear = {f for f, seconds in _costs_of(entries).items() if seconds > DEAR * left}
    return study.drawing.settings(number, entries, lambda s: configs.spell(s.get("freeze")) not in dear)


def _limit(study: Study, entries: Sequence[Entry], entry: Entry) -> float:
    """When a trial must end: all must at the deadline, and the first of a way to freeze has a share of what is left."""
    usual, way = study.around.deadline, entry.settings.get("freeze")
    if math.isinf(usual) or way is None or configs.spell(way) in _costs_of(entries):
        return usual
    first = entries[0].about.get("seconds", 0.0) if entries else 0.0
    return min(usual, time.monotonic() + max(TRIED * (study.until - time.monotonic()), ALIKE * first))


def _leave(study: Study, taken: Taken) -> None:
    """End a trial that takes too long for the time there is; no other one that freezes so is begun."""
    left = study.until - time.monotonic()
    study.ledger.end(taken, "pruned", about={LONG: round(left, 2), "seconds": round(TRIED * left, 2)})


def _costs_of(entries: Sequence[Entry]) -> dict[str, float]:
    """The mean seconds of trials, by how they freeze; of those that were left, more than there were."""
    found: dict[str, list[float]] = {}
    for e in entries:
        if "freeze" in e.settings and (e.state == "complete" or LONG in e.about):
            found.setdefault(configs.spell(e.settings["freeze"]), []).append(e.about.get(LONG, e.about["seconds"]))
    return {f: sum(own) / len(own) for f, own in found.items()}


def _note(study: Study, entries: Sequence[Entry]) -> str:
    best = study.best(entries)
    return "" if best is None else f"best {study.objectives.figure} {best.values[0]:.4f} (trial {best.number})"


def _deadline(study: Study, entries: Sequence[Entry]) -> float:
    """When trials must end, so that the final model is there in time: it takes as long as a fold of the best."""
    if math.isinf(study.until):
        return math.inf
    best = study.best(entries)
    seconds = 0.0 if best is None else best.about["seconds"] / len(study.around.folds)
    return study.until - 1.5 * seconds - SPARE


def _refuse_hopeless(entries: Sequence[Entry], last: bool = False) -> None:
    """Say why nothing comes of a search whose trials all fail."""
    ended = [e for e in entries if e.ended]
    failed = [e for e in ended if e.state == "failed"]
    if not failed or len(failed) < len(ended) or (len(failed) < HOPELESS and not last):
        return
    first = failed[0]
    more = f"; so did {counted(len(failed) - 1, 'more')}" if len(failed) > 1 else ""
    given = f" ({configs.spell(first.settings)})" if first.settings else ""
    raise AudioftError(f"trial {first.number}{given} failed{more}: {first.about.get(ERROR, 'no reason is known')}")
