"""What a search found, as text, files and the run that it ends with."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from audioft.assembly.run_folder import Run
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core import csv_tables, storage
from audioft.core.progress import spell_seconds
from audioft.core.wording import counted
from audioft.evaluation.predictions import Predictions
from audioft.evaluation.text import TITLES, columns, number
from audioft.tasks.search.ledger import ERROR, Entry
from audioft.tasks.search.objectives import Objectives
from audioft.tasks.search.outcome import Gain
from audioft.tasks.search.study import best_of

TOLD = 5  # trials that are shown


@dataclass(frozen=True, repr=False)
class Search:
    """A search that has ended; `print` shows it.

    Attributes:
        folder: of the study.
        trials: all of them, by number.
        objectives: what was made good.
        about: data, folds and sampler, in words.
        gain: of the best settings over those that the search began with; None where that cannot be told.
        spread: by the number of a trial, the score under each seed.
        chosen: the trial whose settings are taken.
        why: in words.
        front: of several objectives, the trials that no other one is better than in all of them.
        run: the final model's; None where time was up before.
        said: by the number of a complete trial, what its models said of the clips that they were validated by.
        configs: likewise, the config that a run of it has.
    """

    folder: Path
    trials: tuple[Entry, ...]
    objectives: Objectives
    about: str
    gain: Gain | None
    spread: dict[int, tuple[float, ...]]
    chosen: Entry | None
    why: str
    front: tuple[Entry, ...]
    run: Run | None
    said: Mapping[int, Predictions] = field(default_factory=dict, repr=False)
    configs: Mapping[int, Config] = field(default_factory=dict, repr=False)

    @property
    def best(self) -> Entry | None:
        """The trial of the best score."""
        return best_of(self.trials, self.objectives)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were taken, by their dotted keys; none are those that the search began with."""
        return {} if self.chosen is None else dict(self.chosen.settings)

    def __str__(self) -> str:
        figures, told = zip(*((row[:-1], row[-1]) for row in self._table()), strict=True)
        lines = [f"{line}  {own}" for line, own in zip(columns(figures), told, strict=True)]
        return "\n".join([self.about, "", *lines, "", *self.sentences()])

    def __repr__(self) -> str:
        best = "none ended" if self.best is None else f"best {self.objectives.figure} {number(self.best.values[0])}"
        return f"<Search in {self.folder}: {counted(len(self.trials), 'trial')}, {best}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: what came of it, the score of its model, and the best trials."""
        from audioft.evaluation.page.summary import Figure, Table, summary

        figures = []
        if self.gain is not None and self.best is not None and self.best.number:
            between = f"{self.gain.low:+.4f} – {self.gain.high:+.4f}, on clips without a part in the choice"
            figures.append(Figure("gain", f"{self.gain.mean:+.4f}", between))
        if self.run is not None and (self.run.folder / "report.json").is_file():
            report = self.run.report
            value = report.metrics[report.main]
            named = TITLES.get(report.main, report.main)
            figures.append(Figure(named, number(value.value), f"{value.bounds} on {report.side}", True))
        rows = self._table()
        shown = Table(rows, (0, len(rows[0]) - 1))
        return summary([*reversed(self.sentences()), self.about], figures, [shown])

    def sentences(self) -> list[str]:
        """What came of it."""
        told = [self._gained()] if self.gain is not None else []
        told += [self._spread()] if self.spread else []
        failed = [e for e in self.trials if e.state == "failed"]
        if failed:
            first = failed[0].about.get(ERROR, "no reason is known")
            told.append(f"{counted(len(failed), 'trial')} failed; trial {failed[0].number} says: {first}")
        if len(self.objectives.names) > 1:
            told.append(f"None is better in all of {', '.join(self.objectives.names)}: {_numbers(self.front)}.")
        told.append(self.why)
        return told

    def _table(self) -> list[list[str]]:
        """The best trials and the first, below the titles."""
        names = _figures(self.trials, self.objectives)
        sign = -1.0 if self.objectives.higher else 1.0
        done = sorted((e for e in self.trials if e.state == "complete"), key=lambda e: (sign * e.values[0], e.number))
        shown = done[:TOLD] + [e for e in done[TOLD:] if e.number == 0]
        rows = [["trial", *names, "seconds", "settings"]]
        for e in shown:
            figures = [number(e.about["figures"].get(n, math.nan)) for n in names]
            rows.append([str(e.number), *figures, f"{e.about['seconds']:.1f}", told_settings(e)])
        return rows

    def _gained(self) -> str:
        g = self.gain
        assert g is not None
        assert self.best is not None
        if self.best.number == 0:
            return "No trial is better than the settings that the search began with."
        unit = "" if g.figure in ("refined_loss", "loss") else " of 1"
        said = (
            f"Trial {self.best.number} is ahead of the settings that the search began with by {g.seen:.4f}{unit} in "
            f"{g.figure}, as the search saw it; "
            "chosen anew and measured on clips without a part in the choice by "
            f"{g.mean:+.4f} ({g.low:+.4f} to {g.high:+.4f})"
        )
        verdict = "better beyond chance" if g.beyond_chance else "no setting is better beyond chance"
        return f"{said}: {verdict}."

    def _spread(self) -> str:
        told = []
        for n, values in self.spread.items():
            name = "as the search began" if n == 0 else f"trial {n}"
            told.append(f"{name} {min(values):.4f} to {max(values):.4f}")
        count = max(map(len, self.spread.values()))
        return f"Between {counted(count, 'seed')}, {self.objectives.figure}: {'; '.join(told)}."

    def csv(self) -> str:
        """A row a trial: `trials.csv`."""
        names = _figures(self.trials, self.objectives)
        keys = sorted({k for e in self.trials for k in e.settings})
        head = ["trial", "state", *self.objectives.names, *names, "seconds", "megabytes", *keys, "problem"]
        return csv_tables.text([head, *(self._row(e, names, keys) for e in self.trials)])

    def _row(self, e: Entry, names: Sequence[str], keys: Sequence[str]) -> list[Any]:
        values: list[Any] = list(e.values) or [""] * len(self.objectives.names)
        figures = [e.about.get("figures", {}).get(n, "") for n in names]
        own = [configs.spell(e.settings[k]) if k in e.settings else "" for k in keys]
        cost = [e.about.get("seconds", ""), e.about.get("megabytes", "")]
        return [e.number, e.state, *values, *figures, *cost, *own, e.about.get(ERROR, "")]

    def json(self) -> dict[str, Any]:
        """All of it: `search.json`."""
        return {
            "about": self.about,
            "metric": self.objectives.figure,
            "objectives": list(self.objectives.names),
            "trials": [
                {"number": e.number, "state": e.state, "settings": e.settings, "values": list(e.values), **e.about}
                for e in self.trials
            ],
            "best": None if self.best is None else self.best.number,
            "gain": None if self.gain is None else vars(self.gain) | {"beyond_chance": self.gain.beyond_chance},
            "spread": {str(k): list(v) for k, v in self.spread.items()},
            "chosen": None if self.chosen is None else self.chosen.number,
            "why": self.why,
            "front": [e.number for e in self.front],
            "run": None if self.run is None else str(self.run.folder),
        }

    def write(self) -> None:
        """Write the tables into the study's folder."""
        storage.write_text(self.folder / "trials.csv", self.csv())
        storage.write_json(self.folder / "search.json", self.json())


def told_settings(entry: Entry) -> str:
    """The settings of a trial as they are given to `audioft train`."""
    if not entry.settings:
        return "(as the search began)"
    return " ".join(f"{k}={configs.shortly(v)}" for k, v in entry.settings.items())


def front(trials: Sequence[Entry], objectives: Objectives) -> tuple[Entry, ...]:
    """The complete trials that no other one is better than in all objectives, or as good and better in one."""
    done = [e for e in trials if e.state == "complete"]
    signs = np.array([-1.0 if d == "maximize" else 1.0 for d in objectives.directions])
    costs = [signs * np.array(e.values) for e in done]
    return tuple(
        e
        for e, own in zip(done, costs, strict=True)
        if not any((other <= own).all() and (other < own).any() for other in costs)
    )


def about(trials: Sequence[Entry], objectives: Objectives, source: str, folds: int, clips: int, how: str) -> str:
    """A line on what was done."""
    states = {s: sum(e.state == s for e in trials) for s in ("complete", "pruned", "failed")}
    told = ", ".join(f"{n} {s}" for s, n in states.items() if n)
    sides = f"{counted(folds, 'fold')} of {clips} clips" if folds > 1 else f"a validation side of {clips} clips"
    spent = spell_seconds(sum(e.about.get("seconds", 0.0) for e in trials))
    done = f"{source}: {counted(len(trials), 'trial')} ({told or 'none ended'}) by {objectives.figure}"
    return f"{done} on {sides}, {how}, {spent}"


def _figures(trials: Sequence[Entry], objectives: Objectives) -> list[str]:
    """The figures that all complete trials have, what was searched by first."""
    done = [e.about.get("figures", {}) for e in trials if e.state == "complete"]
    names = [n for n in done[0] if n != "loss" and all(n in f for f in done)] if done else []
    return list(dict.fromkeys([objectives.figure, *names]))


def _numbers(trials: Sequence[Entry]) -> str:
    return "trials " + ", ".join(str(e.number) for e in trials) if trials else "no trial"
