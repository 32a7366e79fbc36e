"""`audioft.learning_curve`: what more recordings would bring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console
from audioft.errors import UsageError

if TYPE_CHECKING:
    from audioft.tasks.learning_curve.curve_report import LearningCurve

__all__ = ["learning_curve"]


def learning_curve(
    data: PathLike,
    *,
    encoder: str | None = None,
    shots: Sequence[int] = (1, 5, 10, 20),
    draws: int = 20,
    out: PathLike | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    device: str = "auto",
    batch_seconds: float | None = None,
    cache: bool = True,
    overwrite: bool = False,
    console: Console | None = None,
) -> LearningCurve:
    """How well a frozen encoder tells labels apart after a few clips of each, and what more clips would bring.

    Args:
        data: labelled folder or table, split as `audioft.finetune` splits it: clips are drawn from the train side, and
            tested on the test side, or the valid side where there is no other. Whole groups are on one side.
        encoder: `mini`, a local folder or a hub id.
        shots: clips a label.
        draws: how often each number of clips is drawn, by the seed.
        out: a folder for `learning_curve.csv`, `.json` and `.png`; nothing is written if not given.
        overrides: dotted keys to values, or `section.key=value` strings, of `data`, `events`, `encoder` and `seed`.
        device: `auto`, `cpu`, `cuda`.
        batch_seconds: how much sound goes through at once.
        cache: keep embeddings in the user's cache, and use those that are kept there.
        overwrite: replace the results in `out`, if there are any.
        console: where messages go; standard error if not given.

    Returns:
        The curve; `print` shows it as a table and a sentence.

    Raises:
        AudioftError: a child of it for whatever is wrong with the call or the data, see `audioft.errors`.

    Example:
        >>> curve = learning_curve("samples/keywords", shots=[1, 2], draws=3, cache=False, console=Console(quiet=True))
        >>> [p.shots for p in curve.points]
        [1, 2, None]
    """
    from audioft.assembly import frozen_pass, resolve
    from audioft.core import places
    from audioft.tasks.learning_curve import curve_run

    if draws < 1 or not shots or min(shots) < 1:
        raise UsageError(f"shots and draws are numbers above 0; found {list(shots)} and {draws}")
    config = resolve.settings(data, encoder, overrides=overrides)
    how = frozen_pass.ordered(device, batch_seconds, cache)
    place = None if out is None else Path(out)
    with places.results(place, curve_run.FILES, overwrite=overwrite):
        return curve_run.measure(config, shots, draws, how, place, console or Console())
