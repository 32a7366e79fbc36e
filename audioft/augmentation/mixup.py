"""Mixup: two clips added, and their targets with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from audioft.augmentation import dsp
from audioft.augmentation.ranges import Ranged


@dataclass(eq=False)
class Mixup(Ranged):
    """Adds another clip at a drawn weight (Zhang et al., 2018, "mixup: Beyond Empirical Risk Minimization").

    Args:
        p: how likely a clip gets a partner, in [0, 1].
        alpha: the weight is drawn from Beta(alpha, alpha), in [0.001, 100]: small values keep one of the two
            dominant, 1 is uniform.

    Raises:
        ConfigError: a setting is out of its range.

    Example:
        >>> drawn = Mixup(p=1.0, alpha=0.4).draw(np.random.default_rng(0), candidates=10)
        >>> sorted(drawn)
        ['offset', 'partner', 'weight']
    """

    name = "mixup"
    limits: ClassVar = {"alpha": (0.001, 100)}
    alpha: float = 0.4

    def draw(self, rng: np.random.Generator, candidates: int) -> dict[str, Any] | None:
        """Who is added, how much and where; None where the clip stays alone.

        Args:
            rng: where the numbers come from.
            candidates: how many clips there are to choose from; with none the clip stays alone.

        Returns:
            `partner`, an index in [0, candidates); `weight` of the clip itself in [0, 1], the partner has the
            rest; `offset` in [0, 1), where the shorter of the two lies in the longer, as a share of the room.
        """
        coin = rng.random()
        if coin >= self.p or candidates < 1:
            return None
        partner, offset = int(rng.integers(candidates)), rng.random()
        # last, because a beta variate takes a varying number of draws
        return {"partner": partner, "weight": float(rng.beta(self.alpha, self.alpha)), "offset": offset}

    def apply(self, a: torch.Tensor, b: torch.Tensor, draw: dict[str, Any]) -> torch.Tensor:
        """The mixture, as long as `a` and about as loud.

        The partner is brought to the RMS of `a`, so that the weights are those of what is heard; the sum is
        divided by sqrt(w**2 + (1 - w)**2), the RMS of a sum of two unrelated sounds (Tokozume et al., 2018).
        Next to a silent `a` the partner keeps its own level.

        Args:
            a: (T,) float32.
            b: (U,) float32: a part is taken if it is longer, and it is laid into silence if it is shorter.
            draw: from `draw`.

        Returns:
            (T,) float32.
        """
        weight, room = draw["weight"], abs(len(a) - len(b))
        begin = min(room, int(draw["offset"] * (room + 1)))
        if len(b) > len(a):
            b = b[begin : begin + len(a)]
        level = dsp.rms(a)
        if level > dsp.SILENCE:
            b = dsp.at_level(b, level)
        if len(b) < len(a):
            b = torch.nn.functional.pad(b, (begin, room - begin))
        return (weight * a + (1 - weight) * b) / float(np.hypot(weight, 1 - weight))

    def targets(
        self,
        ya: torch.Tensor,
        yb: torch.Tensor,
        draw: dict[str, Any],
        multi_label: bool,
        known_a: torch.Tensor | None = None,
        known_b: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Targets of the mixture, and which of them are known.

        Args:
            ya: (C,) targets of the clip.
            yb: (C,) targets of the partner.
            draw: from `draw`.
            multi_label: both sounds are there, so the labels are united (elementwise maximum, as is usual in
                audio tagging); else `weight * ya + (1 - weight) * yb`.
            known_a: (C,) booleans, all true if not given.
            known_b: likewise of the partner.

        Returns:
            Targets (C,), and known (C,) booleans: where both were known.
        """
        mixed = torch.maximum(ya, yb) if multi_label else draw["weight"] * ya + (1 - draw["weight"]) * yb
        known = torch.ones(ya.shape, dtype=torch.bool)
        for mask in (m for m in (known_a, known_b) if m is not None):
            known = known & mask.bool()
        return mixed, known
