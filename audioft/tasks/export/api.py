"""`audioft.export`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.assembly.run_folder import Run

__all__ = ["export"]


def export(
    model: PathLike | Run,
    to: str = "onnx",
    out: PathLike | None = None,
    data: PathLike | None = None,
    *,
    side: str | None = None,
    limit: int = 500,
    int8: str | None = None,
    transformers_js: bool = False,
    overwrite: bool = False,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    console: Console | None = None,
) -> Path:
    """Write a model as an ONNX file, or as a page for a browser; what it loses on the way is measured first.

    Args:
        model: a run, a run folder, a model folder or a classifier's hub id; for a page an export, too.
        to: `onnx` or `page`.
        out: the folder for it; `NAME-onnx` or `NAME-page` here if not given. A page whose name ends in .html is one
            file.
        data: labelled clips on which it is measured; the validation side of a run if not given.
        side: of the data; the test side if it has one, else all, if not given.
        limit: at most so many clips, evenly over the labels; 0 for all.
        int8: `measured`, a smaller and quicker file beside it if it agrees on at least 200 clips; `unmeasured`, that
            file in any case; `no`, none. A page has that file in the place of the other. By default `measured`, and
            `no` for a page.
        transformers_js: write the files that transformers.js reads, too, which hold the weights once more.
        overwrite: replace an export in `out`.
        overrides: how the data is read, as for `finetune`.
        console: where messages go; standard error if not given.

    Returns:
        The folder, or the page.

    Raises:
        UsageError: the call is wrong, or a package is missing: `pip install 'audioft[onnx]'`.
        ModelError: the model cannot be exported, or what was written does not give the same scores.
        DataError: the data cannot be read, or has other labels.

    Example:
        >>> from audioft import load_model
        >>> written = export(trained, out=tmp / "exported", int8="no", console=Console(quiet=True))
        >>> load_model(written / "model.onnx").labels
        ('go', 'left', 'right', 'stop')
    """
    from audioft.tasks.export import exporting
    from audioft.tasks.export.asked import Measuring, Wanted

    int8 = int8 or ("no" if to == "page" else "measured")
    wanted, measuring = Wanted(to, int8, transformers_js, overwrite), Measuring(data, side, limit, overrides)
    return exporting.export(model, out, wanted, measuring, console or Console())
