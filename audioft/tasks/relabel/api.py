"""`audioft.relabel`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run

__all__ = ["relabel"]


def relabel(
    model: PathLike | Run,
    out: PathLike,
    *,
    rename: Mapping[str, str] | None = None,
    merge: Mapping[str, Sequence[str]] | None = None,
    drop: Sequence[str] = (),
    background: str | None = None,
    console: Console | None = None,
) -> Path:
    """A copy of a model whose labels are called otherwise, left out or taken together; nothing is trained.

    Of one label a clip, what is left out gives its share to the others (their scores are divided by their sum), and the
    score of a merged label is the sum of its parts. Of several labels a clip, other labels keep their scores.

    Args:
        model: a run, a run folder, a model folder or a classifier's hub id.
        out: the new model folder.
        rename: new names by old ones; several that get the same one are merged.
        merge: labels that become one, by its name.
        drop: labels to leave out, by the names that they then have.
        background: the label that says nothing happens, of a model of one label a clip; segments leave it out.
        console: where messages go; standard error if not given.

    Returns:
        The new model folder.

    Raises:
        UsageError: nothing is to be changed, a label is not there, or there is something in `out`; labels of a model of
            several labels a clip cannot be merged, as no score says that any of them is there.

    Example:
        >>> turned = relabel(trained, tmp / "turned", rename={"left": "port"}, drop=["go"],
        ...                  console=Console(quiet=True))
        >>> from audioft import load_model
        >>> load_model(turned).labels
        ('port', 'right', 'stop')
    """
    from audioft.tasks.relabel import relabelling

    wanted = relabelling.Wanted(
        rename or {}, merge or {}, (drop,) if isinstance(drop, str) else tuple(drop), background
    )
    return relabelling.relabel(model, Path(out), wanted, console or Console())
