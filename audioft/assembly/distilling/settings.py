"""How a classifier is distilled, besides the settings of its training."""

from __future__ import annotations

from dataclasses import dataclass

from audioft.errors import ConfigError


@dataclass(frozen=True)
class Distilling:
    """What a student learns of its teacher, and how often it hears what.

    Attributes:
        temperature: by which both models' logits are divided; above 1 it shows which wrong labels are likely.
        soft: weight of the teacher's probabilities.
        hard: weight of the labels, where they are known.
        states: weight of the teacher's states, layer by layer.
        pairs: student's layers and the teacher's that they learn from, counted from 1; None pairs each layer of a
            student with one that it stands for, and the last ones of a student of more layers than the teacher.
        views: how many crops, augmentations and mixtures are drawn of a clip; what the teacher says of each is computed
            once.
        unlabelled: share of what is heard that has no label, where there are such recordings.
        gigabytes: at most so much of what teachers say is kept in the user's cache.

    Raises:
        ConfigError: one is out of its range, or there is nothing to learn.
    """

    temperature: float = 2.0
    soft: float = 1.0
    hard: float = 0.3
    states: float = 0.3
    pairs: tuple[tuple[int, int], ...] | None = None
    views: int = 8
    unlabelled: float = 0.5
    gigabytes: float = 20.0

    def __post_init__(self) -> None:
        found = [
            f"{key}: {value} is below 0"
            for key, value in (("soft", self.soft), ("hard", self.hard), ("states", self.states))
            if value < 0
        ]
        if self.temperature <= 0:
            found.append(f"temperature: {self.temperature} is not above 0")
        if self.views < 1:
            found.append(f"views: {self.views} is not above 0")
        if not 0 < self.unlabelled < 1:
            found.append(f"unlabelled: {self.unlabelled} is no share between 0 and 1")
        if not self.soft and not self.states:
            found.append("soft and states: both are 0, so that nothing is learnt of the teacher; set one of them")
        if found:
            raise ConfigError([f"distilling.{problem}" for problem in found])
