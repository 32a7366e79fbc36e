"""What an answer rests on, in numbers and in a sentence."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audioft.errors import AudioError, UsageError

if TYPE_CHECKING:
    from audioft.tasks.explain.origin import Origin
    from audioft.tasks.explain.removal import Without

MAIN = 0.6  # of what speaks for the label: so much is told with its times and bands
OPEN = 0.5  # of the log-odds from which on the sound as a whole is said to carry the answer, and no part of it
NARROW = 1 / 3  # of the stretch: where MAIN takes more of it, no moment matters more than others


@dataclass(frozen=True, repr=False)
class Explanation:
    """What an answer rests on.

    Attributes:
        path: the recording as it was given; of a clip that is a stretch of one with its times, as `a.wav@1.5-3`.
        answer: the label that the model gives the recording; None if nothing of it could be heard.
        label: the one that is explained: the answer, unless another was asked for.
        score: its probability in the recording as a whole, 0 to 1; nan if there is none.
        against: the label that it is weighed against; None for all others.
        rival: the probability of that label, 0 to 1; nan if there is none.
        start, end: the stretch that was explained, seconds; of a recording longer than a window that in which the
            label scores highest.
        times: `(T + 1,)` borders of the moments, seconds of the recording.
        bands: `(B + 1,)` borders of the bands, Hz of the recording.
        evidence: `(T, B)`, how far each moment and band changes the log-odds of the label (natural logarithm).
        whole, background: log-odds of the stretch, and of the stretch with all of it replaced by its own background.
        quiet: `(T,)` bool, moments that are silent beside the loudest one.
        silent: share, 0 to 1, of what speaks for the label that is lost where all silent moments are replaced by the
            background: a sign of a shortcut; nan where nothing was heard.
        method: `occlusion` or `gradients`.
        gap: the share of `whole - background` that the evidence misses; nan where there is no check.
        passes: how often the stretch went through the model.
        kept: share of the way from `background` to `whole` that is left when the strongest fifth of the cells is
            replaced (the deletion check of this explanation), which is to be little; nan where it was not made.
        drawn: the same of as many cells drawn at random.
        without: what the answer would be without the bands, and without the moments, that the sentence names.
        error: why there is no evidence, or why the recording breaks off.
        true: labels that the clip has; None where its labels are not known.
        right: whether the model gives the label that is explained where the clip has it, and nowhere else; None where
            that is not known.
    """

    path: str
    answer: str | None
    label: str | None
    score: float
    start: float = 0.0
    end: float = 0.0
    times: np.ndarray = field(default_factory=lambda: np.zeros(1))
    bands: np.ndarray = field(default_factory=lambda: np.zeros(1))
    evidence: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    whole: float = float("nan")
    background: float = float("nan")
    quiet: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    silent: float = float("nan")
    method: str = "occlusion"
    gap: float = float("nan")
    passes: int = 0
    kept: float = float("nan")
    drawn: float = float("nan")
    error: AudioError | None = None
    true: tuple[str, ...] | None = None
    right: bool | None = None
    against: str | None = None
    rival: float = float("nan")
    without: tuple[Without, ...] = ()
    origin: Origin | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"<Explanation of {self.path}: {self}>"

    def __str__(self) -> str:
        if self.label is None or not self.evidence.size:
            return f"no answer to explain ({self.error})" if self.error is not None else "no answer to explain"
        named = f"the answer `{self.label}`" if self.label == self.answer else f"`{self.label}`"
        false = self.right is False and self.label not in (self.true or ())
        wrong = ", which is wrong," if false and self.label == self.answer else ""
        if self.against is None:
            return f"{named} ({self.score:.2f}){wrong} {self.rests}"
        return f"{named} rather than `{self.against}` ({self.score:.2f} to {self.rival:.2f}){wrong} {self.rests}"

    @property
    def rests(self) -> str:
        """On what, in words."""
        if not self.evidence.max() > 0:
            return "rests on no moment or band: none of them speaks for it"
        where = ", ".join(filter(None, (self._when(), self._pitch())))
        where += "" if self.spans else ", at no moment more than at others"
        if self.lasting:
            held = f"(log-odds {self.background:.1f} from it alone, {self.whole:.1f} of the whole)"
            return f"rests on the sound that goes on all the time {held}, then on {where}"
        return f"rests on {where}"

    @property
    def lasting(self) -> bool:
        """Whether most of the answer is left without any moment or band: what goes on all the time carries it."""
        return self.background > 0 and self.background > OPEN * self.whole

    @property
    def spans(self) -> list[tuple[float, float]]:
        """The moments that hold most of what speaks for it, pairs in seconds; none where it is spread over time."""
        every = strongest(self.by_time, self.times, len(self.times))
        narrow = sum(b - a for a, b in every) <= NARROW * (self.times[-1] - self.times[0]) * (1 + 1e-9)
        return strongest(self.by_time, self.times) if narrow else []

    @property
    def pitches(self) -> list[tuple[float, float]]:
        """The bands that hold most of it, pairs in Hz; none where there is one band."""
        return strongest(self.by_band, self.bands) if self.evidence.shape[1] > 1 else []

    @property
    def tried(self) -> str:
        """What the answer would be without what it rests on, in words; empty where that was not tried."""
        return "; ".join(self._tried(one) for one in self.without)

    @property
    def by_time(self) -> np.ndarray:
        """`(T,)`, the evidence of each moment."""
        return self.evidence.sum(1)

    @property
    def by_band(self) -> np.ndarray:
        """`(B,)`, the evidence of each band."""
        return self.evidence.sum(0)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it as a page, `.html`, or as numbers, `.json`.

        Raises:
            UsageError: another ending, or there is no evidence to write.
        """
        place = Path(path)
        if not self.evidence.size:
            raise UsageError(f"{self.path} has no explanation to save: {self.error}")
        if place.suffix == ".json":
            from audioft.core.storage import write_json

            place.parent.mkdir(parents=True, exist_ok=True)
            write_json(place, self.numbers())
        elif place.suffix == ".html":
            from audioft.tasks.explain import page

            page.write(place, self)
        else:
            raise UsageError(f"{place}: expected a name that ends in .html or .json")
        return place

    def numbers(self) -> dict[str, Any]:
        """All of it as JSON has it."""
        plain = {k: getattr(self, k) for k in ("path", "answer", "label", "score", "start", "end", "method", "passes")}
        plain |= {"against": self.against, "without": [_plain(asdict(one)) for one in self.without]}
        figures = ("rival", "whole", "background", "gap", "kept", "drawn", "silent")
        floats = {k: round(getattr(self, k), 4) for k in figures}
        arrays = {k: np.round(getattr(self, k), 4).tolist() for k in ("times", "bands", "evidence")}
        plain |= {"true": None if self.true is None else list(self.true), "right": self.right}
        return plain | {k: v if np.isfinite(v) else None for k, v in floats.items()} | arrays

    def _when(self) -> str:
        if not self.spans and self.evidence.shape[1] == 1:
            return "the whole"
        places = 1 if self.times[-1] - self.times[0] >= 0.3 else 3
        return " and ".join(f"{a:.{places}f}-{b:.{places}f} s" for a, b in self.spans)

    def _pitch(self) -> str:
        return " and ".join(f"{_kilo(a)}-{_kilo(b)} kHz" for a, b in self.pitches)

    def _tried(self, one: Without) -> str:
        if one.answer is None:
            return f"without these {one.part} {self.label} has {one.own:.2f}"
        if one.answer == self.label:
            return f"without these {one.part} it stays {one.answer} ({one.own:.2f})"
        return f"without these {one.part} it would be {one.answer} ({one.score:.2f}; {self.label} {one.own:.2f})"


def strongest(values: np.ndarray, edges: np.ndarray, most: int = 3) -> list[tuple[float, float]]:
    """The fewest parts that hold `MAIN` of what is above 0, neighbours as one; of these the strongest `most`, in order.

    >>> strongest(np.array([0.1, 2.0, 1.5, -1.0, 0.2]), np.arange(6.0))
    [(1.0, 3.0)]
    """
    own = np.clip(values, 0, None)
    order = np.argsort(-own, kind="stable")
    count = int(np.searchsorted(np.cumsum(own[order]), MAIN * own.sum() * (1 - 1e-9)) + 1)
    chosen = np.zeros(len(own) + 2, bool)
    chosen[1 + order[:count]] = own[order[:count]] > 0
    starts, ends = np.flatnonzero(chosen[1:] & ~chosen[:-1]), np.flatnonzero(chosen[:-1] & ~chosen[1:])
    found = list(zip(starts.tolist(), ends.tolist(), strict=True))
    best = sorted(found, key=lambda span: -own[span[0] : span[1]].sum())[:most]
    return [(float(edges[a]), float(edges[b])) for a, b in sorted(best)]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """As JSON has them: what is no number is null."""
    return {k: None if isinstance(v, float) and not np.isfinite(v) else v for k, v in values.items()}


def _kilo(frequency: float) -> str:
    return f"{frequency / 1000:.2g}"
