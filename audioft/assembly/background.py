"""The label that says nothing happens, and what of it a run takes over from the model that it goes on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audioft.core.wording import listed, quoted
from audioft.data.reading.tidying import BACKGROUND

if TYPE_CHECKING:
    from audioft.assembly.starting_model import Start
    from audioft.configuration.config import Config

NEGATIVES = "data.negatives"


@dataclass(frozen=True)
class Background:
    """What is background in a run.

    Attributes:
        label: the class, where a clip has one label; None if there is none.
        negatives: names of labels that data is to be read by as background, besides those of the run's own settings.
        notes: what the model knows that is gone on from and this run does not, each with the setting that brings it.
    """

    label: str | None = None
    negatives: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def of(
    config: Config, start: Start | None, found: tuple[str, ...], labels: tuple[str, ...], multilabel: bool
) -> Background:
    """What is background in a run.

    Args:
        config: of the run.
        start: what it goes on from.
        found: labels of its data.
        labels: of the run.
        multilabel: whether a clip may have several.
    """
    asked = config.events.background == "class" or bool(config.data.negatives)
    label = BACKGROUND if asked and not multilabel and BACKGROUND in labels else None
    if start is None:
        return Background(label)
    before = start.card.background
    label = label or (before if before in labels and not multilabel else None)
    kept = [name for name in start.card.reading.get(NEGATIVES, ()) if name not in config.data.negatives]
    kept += [before] if before is not None and before != label and before not in kept else []
    again = [name for name in kept if name in found]
    way = f"{NEGATIVES}={listed([*config.data.negatives, *again])}"
    notes = []
    if again:
        is_one = "is background" if len(again) == 1 else "are background"
        notes.append(
            f"{quoted(again)} {is_one} to {start.name}, and learnt as any label here; {way} makes it background"
        )
    elif before is not None and label is None and not multilabel:
        notes.append(
            f"{start.name} knows a background, {before!r}, and this run has none: name labels of the data in which "
            f"nothing happens ({NEGATIVES}), or take what lies between labels with times (events.background=class)"
        )
    gone = {*labels, *config.data.drop, before}
    return Background(label, tuple(name for name in kept if name not in gone), tuple(notes))
