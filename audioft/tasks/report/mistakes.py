"""The surest mistakes of an evaluation, and the stretches of recordings that are explained of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from audioft.data.clip import Clip

ALIKE = 3  # of so many mistakes one may be of the same label taken for the same other one, as long as there are others
AT_ONCE = 60.0  # seconds of a clip that are explained, at most
AROUND = 1.0  # seconds before and after an event that are explained with it
LONG = 10.0  # seconds of a missed event that weigh as much as a certain mistake


@dataclass(frozen=True)
class Mistake:
    """A clip that was given a label which it does not have, or lacks one of several that it has; an event likewise.

    Attributes:
        name: of the clip's recording, in the data.
        start: of the clip, or the event, in it, seconds.
        true: its labels; those of what happens in the time of an event.
        given: the label that it was given, or lacks.
        score: of that label, 0 to 1; of an event the highest within it, None where it was missed.
        missed: whether it lacks it.
        end: of the event, seconds; None of a clip.
    """

    name: str
    start: float
    true: tuple[str, ...]
    given: str
    score: float | None
    missed: bool = False
    end: float | None = None

    @property
    def sure(self) -> float:
        """How sure the model was, 0 to 1; of a missed event, how long it lasts."""
        if self.score is None:
            return min(1.0, ((self.end or 0.0) - self.start) / LONG)
        return 1 - self.score if self.missed else self.score

    @property
    def title(self) -> str:
        """
        >>> Mistake("a/1.wav", 2.5, ("dog",), "cat", 0.912).title
        'a/1.wav from 2.5 s: dog, taken for cat (0.91)'
        >>> Mistake("a/1.wav", 0, ("dog", "owl"), "owl", 0.1, missed=True).title
        'a/1.wav: dog, owl; owl was missed (0.10)'
        >>> Mistake("a/1.wav", 2.5, (), "cat", 0.912, end=4.0).title
        'a/1.wav, 2.5 to 4 s: cat (up to 0.91) found where there is nothing'
        """
        score = "" if self.score is None else f" ({self.score:.2f})"
        if self.end is not None:
            score = score.replace("(", "(up to ")
            there = " and ".join(self.true) or "nothing"
            what = f"{self.given} missed" if self.missed else f"{self.given}{score} found where there is {there}"
            return f"{self.name}, {self.start:.4g} to {self.end:.4g} s: {what}"
        where = f" from {self.start:g} s" if self.start else ""
        true = ", ".join(self.true) or "no label"
        said = f"; {self.given} was missed" if self.missed else f", taken for {self.given}"
        return f"{self.name}{where}: {true}{said}{score}"


def surest(table: Path, most: int, *, multilabel: bool = False, events: bool = False) -> list[Mistake]:
    """So many mistakes of a table of predictions, the surest first, of different kinds as far as there are any."""
    mistakes = _event_mistakes(table) if events else _mistakes(table, multilabel)
    found = sorted(mistakes, key=lambda m: (-m.sure, m.name, m.start))
    chosen: dict[Mistake, None] = {}
    for often in (max(1, most // ALIKE), most):
        for mistake in found:
            alike = sum((m.true, m.given, m.missed) == (mistake.true, mistake.given, mistake.missed) for m in chosen)
            if len(chosen) < most and alike < often:
                chosen.setdefault(mistake)
    return sorted(chosen, key=lambda m: -m.sure)


def _mistakes(table: Path, multilabel: bool) -> Iterator[Mistake]:
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            true, given = (_labels(row[column], multilabel) for column in ("label", "predicted"))
            missed = {label for label in set(true) - set(given) if multilabel and not label.startswith("?")}
            for label in sorted(set(given) - set(true) | missed):
                score = float(row[f"score:{label}"])
                yield Mistake(row["path"], float(row["start"] or 0.0), true, label, score, label in missed)


def _event_mistakes(table: Path) -> Iterator[Mistake]:
    """Events of which nothing was found in their time, and found ones of which nothing is true in theirs."""
    rows: dict[tuple[str, str], list[tuple[float, float, str, str]]] = {}
    happens: dict[str, list[tuple[float, float, str]]] = {}
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            own = rows.setdefault((row["path"], row["label"]), [])
            start, end = float(row["start"]), float(row["end"])
            own.append((start, end, row["kind"], row["score"]))
            if row["kind"] == "true":
                happens.setdefault(row["path"], []).append((start, end, row["label"]))
    for (name, label), own in rows.items():
        for start, end, kind, score in own:
            if not any(k != kind and a < end and start < b for a, b, k, _ in own):
                true = tuple(sorted({c for a, b, c in happens.get(name, ()) if a < end and start < b}))
                yield Mistake(name, start, true, label, float(score) if score else None, kind == "true", end)


def _labels(cell: str, multilabel: bool) -> tuple[str, ...]:
    if not multilabel:
        return (cell,)
    found = json.loads(cell) if cell.startswith("[") else cell.split(";")
    return tuple(name for name in found if name)


def stretches(mistakes: Iterable[Mistake], clips: Iterable[Clip]) -> list[Clip]:
    """What is explained of each mistake: its clip, or the time of the event; of a part of a recording `AT_ONCE`."""
    clips = tuple(clips)
    own = {(clip.name, clip.start): clip for clip in clips}
    return [_first(own[m.name, m.start] if m.end is None else _around(m, clips)) for m in mistakes]


def _around(event: Mistake, clips: Iterable[Clip]) -> Clip:
    """The event and a little before and after it."""
    from audioft.audio import io

    assert event.end is not None
    recording = next(clip for clip in clips if clip.name == event.name)
    end = min(event.end + AROUND, io.probe(recording.path).seconds or event.end)
    return replace(recording, start=max(0.0, event.start - AROUND), end=end)


def _first(clip: Clip) -> Clip:
    if clip.whole:
        return clip
    most = clip.start + AT_ONCE
    return replace(clip, end=most if clip.end is None else min(clip.end, most))
