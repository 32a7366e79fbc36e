"""A student that learns from the original: half its layers, then a quarter, and so on, at last `mini`."""

from __future__ import annotations

from pathlib import Path

from audioft.assembly.distilling.distil import distil
from audioft.configuration import config as configs
from audioft.core.wording import counted
from audioft.errors import UsageError
from audioft.models import folder as model_folder
from audioft.models.architecture import count
from audioft.models.classifier import AudioClassifier
from audioft.tasks.compress.steps.base import Made
from audioft.tasks.compress.work import SMALLEST, Work

MINI = 3_540_768  #: parameters
WORTH = 2.0  #: times as many has an original of which it is a student


class Distil:
    """See `base.Step`."""

    name, makes = "distil", "a student that learns from the original"
    trains, last = True, False

    def make(self, model: AudioClassifier, stage: int, work: Work, folder: Path) -> Made | None:
        if model.encoder.compressed:
            raise UsageError("distil: a pruned model is no student; distil first, then prune")
        each = students(work)
        if stage >= len(each):
            return None
        student, run, asked = each[stage], folder / "run", work.parts.asked
        settings = {
            k: v for k, v in configs.differing(asked).items() if not k.startswith("start.") and k != "data.source"
        }
        place = distil(
            work.original.folder,
            student,
            str(asked.data.source),
            work.learning.unlabelled,
            run,
            overrides=settings,
            resume=(run / "config.yaml").is_file(),
            console=work.console,
        )
        made = model_folder.load(place)[0]
        what = counted(student, "layer") if isinstance(student, int) else student
        return Made(made, [f"{what}, {count(made.encoder):,} parameters"], {"student": student})


def students(work: Work) -> list[int | str]:
    """What may learn from the original, the largest first: so many of its own layers, then an encoder."""
    if work.learning.student is not None:
        return [work.learning.student]
    if work.joined:
        return [SMALLEST]
    encoder, found = work.original.model.encoder, list[int | str]()
    left = encoder.num_layers
    while left > 1:
        left = -(-left // 2)
        found.append(left)
    return [*found, SMALLEST] if count(encoder) > WORTH * MINI else found
