"""What carries a label over many recordings: bands, durations, and whether that is silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from audioft.tasks.explain.explanation import Explanation, strongest

SHORTCUT = 0.3  # of what speaks for a label that lies in silence: from here on it is told as a sign of a shortcut
FEW = 5  # recordings: of fewer nothing is told of a shortcut
CELLS = ("label", "right", "silent", "seconds", "lasting", "bands", "by_band")


@dataclass(frozen=True)
class Carried:
    """What carries a label.

    Attributes:
        label: the label that was explained.
        recordings: stretches that were explained, with something that speaks for the label.
        bands: those that hold most of what speaks for it, pairs in Hz.
        seconds: the median length of what the answers rest on.
        silent: the mean share, 0 to 1, of what speaks for it that is lost without its silent moments.
        lasting: in how many of the recordings the answer rests on what goes on all the time.
        wrong: the same of those in which the model is wrong; None where there are none, or none are known to be.
    """

    label: str
    recordings: int
    bands: tuple[tuple[float, float], ...]
    seconds: float
    silent: float
    lasting: int
    wrong: Carried | None = None

    @property
    def shortcut(self) -> bool:
        """Whether so much lies in silence, of recordings enough, that something else than the sound may be learnt."""
        return self.recordings >= FEW and self.silent >= SHORTCUT

    def __str__(self) -> str:
        said = f"`{self.label}` ({self.recordings}): {self._rests()}"
        return said if self.wrong is None else f"{said}\n  wrong ({self.wrong.recordings}): {self.wrong._rests()}"

    def _rests(self) -> str:
        bands = " and ".join(f"{a / 1000:.2g}-{b / 1000:.2g} kHz" for a, b in self.bands)
        said = f"{bands}; {self.seconds:.1f} s"
        said += f"; in {self.lasting} what goes on all the time" if self.lasting else ""
        said += f"; {self.silent:.0%} in silence" if self.silent >= 0.005 else ""
        return said + (": a sign of a shortcut" if self.shortcut else "")


def cells(one: Explanation) -> dict[str, str]:
    """What a summary takes of an explanation, by `CELLS`; empty but for the label where nothing speaks for it."""
    own = np.clip(one.by_band, 0, None) if one.evidence.size else np.zeros(0)
    found = {"label": one.label or "", "right": {None: "", True: "yes", False: "no"}[one.right]}
    if not own.sum() > 0:
        return dict.fromkeys(CELLS, "") | found
    seconds = sum(b - a for a, b in strongest(one.by_time, one.times))
    return found | {
        "silent": f"{np.nan_to_num(one.silent):.4f}",
        "seconds": f"{seconds:.2f}",
        "lasting": "yes" if one.lasting else "no",
        "bands": ";".join(f"{edge:.1f}" for edge in one.bands),
        "by_band": ";".join(f"{share:.4f}" for share in own / own.sum()),
    }


class Sums:
    """What carries a label, counted up in the memory of a few numbers, however many recordings there are."""

    def __init__(self) -> None:
        self.count = self.lasting = 0
        self.silent = 0.0
        self.edges = np.zeros(0)
        self.shares = np.zeros(0)
        self.seconds = Counter[float]()

    def add(self, row: Mapping[str, str]) -> None:
        """Cells as of `cells`; those of other bands than the first ones are left out."""
        edges = np.array(row["bands"].split(";"), float)
        if self.count and len(edges) != len(self.edges):
            return
        if not self.count:
            self.edges, self.shares = edges, np.zeros(len(edges) - 1)
        self.count += 1
        self.shares += np.array(row["by_band"].split(";"), float)
        self.silent += float(row["silent"] or 0)
        self.lasting += row["lasting"] == "yes"
        self.seconds[float(row["seconds"])] += 1

    def carried(self, label: str, wrong: Carried | None = None) -> Carried:
        """What they come to."""
        bands = tuple(strongest(self.shares / self.count, self.edges))
        lengths = sorted(self.seconds)
        ends = np.cumsum([self.seconds[length] for length in lengths])
        low, high = (lengths[int(np.searchsorted(ends, rank, side="right"))] for rank in _middle(self.count))
        return Carried(label, self.count, bands, (low + high) / 2, self.silent / self.count, self.lasting, wrong)


class Summary:
    """Sums by label, of all recordings and of those in which the model is wrong."""

    def __init__(self) -> None:
        self.all: dict[str, Sums] = {}
        self.wrong: dict[str, Sums] = {}

    def add(self, row: Mapping[str, str]) -> None:
        """Cells as of `cells`."""
        if not row["by_band"]:
            return
        self.all.setdefault(row["label"], Sums()).add(row)
        if row["right"] == "no":
            self.wrong.setdefault(row["label"], Sums()).add(row)

    def carried(self) -> dict[str, Carried]:
        """By label, in their order."""
        wrong = {label: own.carried(label) for label, own in self.wrong.items()}
        return {label: self.all[label].carried(label, wrong.get(label)) for label in sorted(self.all)}


def of_rows(rows: Iterable[Mapping[str, str]]) -> dict[str, Carried]:
    """What rows of cells as of `cells` come to."""
    found = Summary()
    for row in rows:
        found.add(row)
    return found.carried()


def _middle(count: int) -> tuple[int, int]:
    """The places of the two in the middle, or twice of the one."""
    return (count - 1) // 2, count // 2
