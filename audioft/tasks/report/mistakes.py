"""The surest mistakes of an evaluation, as recordings of their own that can be explained."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from audioft.data.clip import Clip

ALIKE = 3  # of so many mistakes one may be of the same label taken for the same other one, as long as there are others
AT_ONCE = 60.0  # seconds of a clip that are explained, at most


@dataclass(frozen=True)
class Mistake:
    """A clip that was given a label which it does not have.

    Attributes:
        name: of the clip's recording, in the data.
        start: of the clip in it, seconds.
        true: its labels.
        given: the label that it was given.
        score: of that label, 0 to 1.
    """

    name: str
    start: float
    true: tuple[str, ...]
    given: str
    score: float

    @property
    def title(self) -> str:
        """
        >>> Mistake("a/1.wav", 2.5, ("dog",), "cat", 0.912).title
        'a/1.wav from 2.5 s: dog, taken for cat (0.91)'
        """
        where = f" from {self.start:g} s" if self.start else ""
        return f"{self.name}{where}: {', '.join(self.true) or 'no label'}, taken for {self.given} ({self.score:.2f})"


def surest(table: Path, most: int, *, multilabel: bool) -> list[Mistake]:
    """So many mistakes of a table of predictions, the surest first, of different kinds as far as there are any."""
    found = sorted(_mistakes(table, multilabel), key=lambda m: (-m.score, m.name, m.start))
    chosen: dict[Mistake, None] = {}
    for often in (max(1, most // ALIKE), most):
        for mistake in found:
            alike = sum((m.true, m.given) == (mistake.true, mistake.given) for m in chosen)
            if len(chosen) < most and alike < often:
                chosen.setdefault(mistake)
    return sorted(chosen, key=lambda m: -m.score)


def _mistakes(table: Path, multilabel: bool) -> Iterator[Mistake]:
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            true, given = (_labels(row[column], multilabel) for column in ("label", "predicted"))
            for label in set(given) - set(true):
                yield Mistake(row["path"], float(row["start"] or 0.0), true, label, float(row[f"score:{label}"]))


def _labels(cell: str, multilabel: bool) -> tuple[str, ...]:
    if not multilabel:
        return (cell,)
    found = json.loads(cell) if cell.startswith("[") else cell.split(";")
    return tuple(name for name in found if name)


def as_recordings(mistakes: Iterable[Mistake], clips: Iterable[Clip], folder: Path) -> list[Path]:
    """Of each mistake the recording; of a clip that is a part of one that part, written into a folder."""
    own = {(clip.name, clip.start): clip for clip in clips}
    return [_as_recording(own[m.name, m.start], folder) for m in mistakes]


def _as_recording(clip: Clip, folder: Path) -> Path:
    from audioft.audio import io
    from audioft.audio.writing import write_wav

    rate = io.probe(clip.path).rate
    if clip.whole:
        return clip.path
    end = clip.start + AT_ONCE if clip.end is None else min(clip.end, clip.start + AT_ONCE)
    place = folder / f"{Path(clip.name).stem}_{clip.start:g}.wav"
    folder.mkdir(parents=True, exist_ok=True)
    write_wav(place, io.read(clip.path, rate, clip.start, end), rate)
    return place
