"""What was found of one of the models that are compared."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from audioft.evaluation.calibration.figures import Calibration
from audioft.evaluation.intervals import Estimate
from audioft.evaluation.text import fit
from audioft.inference.cost import Cost
from audioft.tasks.compare.robustness import Robustness

NAME_COLUMNS = 40


@dataclass(frozen=True)
class Row:
    """What was found of a model.

    Attributes:
        name: as it was given.
        score: the metric with its interval.
        roc_auc: the area under the ROC curve, mean over labels; nan where no label has one.
        calibration: how far its probabilities can be taken at their word.
        cost: see `Cost`.
        robustness: what a card in its folder says; None where there is none.
        reused: clips whose scores had been kept.
        models: how many it is: several where a folder of runs was given.
        trained_on: whether it was trained on some of the clips: its figures are too good.
        called: its name in tables; empty for that as it was given.
    """

    name: str
    score: Estimate
    roc_auc: float
    calibration: Calibration
    cost: Cost
    robustness: Robustness | None = None
    reused: int = 0
    models: int = 1
    trained_on: bool = False
    called: str = ""

    @property
    def short(self) -> str:
        """What it is called in tables; of a long name the end, which tells folders apart."""
        return fit(self.called or self.name, NAME_COLUMNS, end=True)

    def told(self) -> dict[str, Any]:
        """Its figures by the names that files have for them."""
        kept = None if self.robustness is None else self.robustness.kept
        return {
            "model": self.name,
            "models": self.models,
            "score": self.score.value,
            "low": self.score.low,
            "high": self.score.high,
            "roc_auc": self.roc_auc,
            **asdict(self.calibration),
            "seconds_per_minute": self.cost.seconds_per_minute,
            "peak_bytes": self.cost.peak_bytes,
            "size_bytes": self.cost.size_bytes,
            "parameters": self.cost.parameters,
            "kept_when_disturbed": None if kept is None else kept.value,
            "trained_on": self.trained_on,
            "reused": self.reused,
        }
