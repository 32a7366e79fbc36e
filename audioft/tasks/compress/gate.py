"""The agreement gate: a smaller model passes where its loss of score is shown to be small.

Shown is what the whole 95 % interval of the difference says, taken on the same clips, or groups of them: not that no
loss was seen, which of few clips says little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from audioft.core.wording import counted
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.text import TITLES

MOST_CLIPS = 10_000_000


@dataclass(frozen=True)
class Gate:
    """What passes.

    Attributes:
        max_loss: of the score that is borne, above 0.
        metric: what the score is.
        clips, groups: by which that is shown.
        side: which side they are of.
    """

    max_loss: float
    metric: str
    clips: int
    groups: int
    side: str = "valid"

    def passes(self, change: Estimate) -> bool:
        """Whether a change of score is shown to be no larger loss."""
        return math.isfinite(change.low) and -change.low <= self.max_loss

    @property
    def least(self) -> float:
        """The loss that cannot be ruled out of a model that answers every clip as the original does."""
        return _half(0.0, 0.0, self.clips, self.groups)

    def needed(self, change: Estimate) -> int | None:
        """How many clips it would take to show a loss like this to be borne; None where it is too large itself.

        As many more in each group as of groups; how much the pairs differ is taken to stay as it is.
        """
        loss = max(0.0, -change.value)
        if loss >= self.max_loss or not math.isfinite(change.low):
            return None
        half, wanted = change.value - change.low, self.max_loss - loss
        shown = _half(loss, loss, self.clips, self.groups)
        if half <= 1.05 * _half(0.0, 0.0, self.clips, self.groups):
            return _first(lambda n: _half(0.0, 0.0, n, max(2, self.groups * n // self.clips)) <= wanted, self.clips)
        return math.ceil(self.clips * max(half / wanted, shown / wanted) ** 2)

    def told(self, name: str, change: Estimate) -> str:
        """A sentence on a change that does not pass, and what helps."""
        score = TITLES.get(self.metric, self.metric)
        if not math.isfinite(change.low):
            return f"{name}: all clips are of one group, so that no loss of {score} can be shown to be small"
        found = f"{name}: {score} changes by {change.value:+.4f} ({change.low:+.4f} to {change.high:+.4f})"
        if (needed := self.needed(change)) is None:
            return f"{found}; more than --max-loss {self.max_loss:g} is lost"
        return (
            f"{found}; a loss over --max-loss {self.max_loss:g} is not ruled out by "
            f"{counted(self.clips, 'clip')} of the {self.side} side: about {needed:,} like these would be needed"
        )


def _half(loss: float, changed: float, clips: int, groups: int) -> float:
    """Half the interval of `paired.resampled.interval` where that share of clips is answered otherwise."""
    from scipy.special import stdtrit

    size = clips + 2
    spread = max(0.0, (changed * clips + 1) / size - loss**2) / size
    return float(stdtrit(max(1, groups - 1), 0.975)) * math.sqrt(spread)


def _first(enough: Callable[[int], bool], begin: int) -> int:
    """The first number from `begin` on that is enough, by doubling and halving."""
    low, high = begin, max(2, begin)
    while not enough(high) and high < MOST_CLIPS:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
