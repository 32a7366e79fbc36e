"""A student that learns from the original: half its layers, then a quarter, ..., at last `mini`."""

from __future__ import annotations

from pathlib import Path

from audioft.assembly.distilling.distil import distil
from audioft.configuration import config as configs
from audioft.errors import UsageError
from audioft.models import folder as model_folder
from audioft.models.architecture import count
from audioft.models.classifier import AudioClassifier
from audioft.models.ensembles.ensemble import Ensemble
from audioft.tasks.compress.steps.base import Made
from audioft.tasks.compress.work import Work

SMALLEST = "mini"
WORTH = 2.0  #: times as many parameters as it has must the original have for it to be a student
MINI = 3_540_768  #: parameters


class Distil:
    """See `base.Step`."""

    name, makes = "distil", "a student that learns from the original"
    trains, last = True, False

    def make(self, model: AudioClassifier, stage: int, work: Work, folder: Path) -> Made | None:
        if model.encoder.compressed:
            raise UsageError("distil: a pruned model is no student yet; distil first, then prune")
        each = students(work)
        if stage >= len(each):
            return None
        student, run = each[stage], folder / "run"
        asked = configs.differing(work.parts.asked)
        settings = {k: v for k, v in asked.items() if not k.startswith("start.") and k != "data.source"}
        place = distil(
            work.original.folder,
            student,
            str(work.parts.asked.data.source),
            work.unlabelled,
            run,
            overrides=settings,
            resume=(run / "config.yaml").is_file(),
            console=work.console,
        )
        made = model_folder.load(place)[0]
        said = f"{student if isinstance(student, str) else f'{student} of {work.layers} layers'}, {count(made.encoder):,} parameters"
        return Made(made, [said], {"student": student})


def students(work: Work) -> list[int | str]:
    """What may learn from the original, the largest first: numbers of its own layers, then encoders."""
    if work.student is not None:
        return [work.student]
    model, found = work.original.model, list[int | str]()
    if not isinstance(model, Ensemble):
        left = model.encoder.num_layers
        while left > 1:
            left = -(-left // 2)
            found.append(left)
    if isinstance(model, Ensemble) or count(model.encoder) > WORTH * MINI:
        found.append(SMALLEST)
    return found
