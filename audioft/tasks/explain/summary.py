"""What carries a label over many recordings: bands, durations, and whether that is silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from audioft.tasks.explain.explanation import Explanation, strongest

SHORTCUT = 0.3  # of what speaks for a label that lies in silence: from here on it is told as a sign of a shortcut


@dataclass(frozen=True)
class Carried:
    """What carries a label.

    Attributes:
        label: the label that was explained.
        recordings: stretches that were explained, with something that speaks for the label.
        bands: those that hold most of what speaks for it, pairs in Hz.
        seconds: the median length of what the answers rest on.
        silent: the mean share, 0 to 1, of what speaks for it that lies in silent moments.
        lasting: in how many of the recordings the answer rests on what goes on all the time.
    """

    label: str
    recordings: int
    bands: tuple[tuple[float, float], ...]
    seconds: float
    silent: float
    lasting: int

    @property
    def shortcut(self) -> bool:
        """Whether so much lies in silence that something else than the sound may be what was learnt."""
        return self.silent >= SHORTCUT

    def __str__(self) -> str:
        bands = " and ".join(f"{a / 1000:.2g}-{b / 1000:.2g} kHz" for a, b in self.bands)
        said = f"`{self.label}` ({self.recordings}): {bands}; {self.seconds:.1f} s"
        said += f"; in {self.lasting} what goes on all the time" if self.lasting else ""
        said += f"; {self.silent:.0%} in silence" if self.silent >= 0.005 else ""
        return said + (": a sign of a shortcut" if self.shortcut else "")


def summarised(explanations: Iterable[Explanation]) -> dict[str, Carried]:
    """See `audioft.summarise_explanations`; in the memory of a few numbers a recording."""
    shares: dict[str, list[np.ndarray]] = {}
    told: dict[str, list[tuple[float, float, bool]]] = {}
    edges: dict[str, np.ndarray] = {}
    for one in explanations:
        if one.label is None or not one.evidence.size or not one.evidence.max() > 0:
            continue
        own = np.clip(one.by_band, 0, None)
        if own.sum() == 0 or (one.label in edges and len(edges[one.label]) != len(one.bands)):
            continue
        edges[one.label] = one.bands
        shares.setdefault(one.label, []).append(own / own.sum())
        length = sum(b - a for a, b in strongest(one.by_time, one.times))
        told.setdefault(one.label, []).append((length, one.silent, one.lasting))
    found = {}
    for label in sorted(shares):
        lengths, silent, lasting = (np.array(part, float) for part in zip(*told[label], strict=True))
        bands = tuple(strongest(np.mean(shares[label], axis=0), edges[label]))
        quiet = float(np.nan_to_num(silent).mean())
        found[label] = Carried(label, len(lengths), bands, float(np.median(lengths)), quiet, int(lasting.sum()))
    return found
