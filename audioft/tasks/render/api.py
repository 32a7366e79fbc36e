"""`audioft.render`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

__all__ = ["render"]


def render(
    data: PathLike,
    out: PathLike,
    *,
    augment: Sequence[str | Mapping[str, Any]],
    root: PathLike | None = None,
    seed: int = 0,
    rate: int = 16000,
    overwrite: bool = False,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    console: Console | None = None,
) -> Path:
    """Write copies of labelled recordings with augmentations applied, as if they had been made elsewhere.

    The copies depend on the recordings, the augmentations and the seed alone. A recording that cannot be read is
    named and left out. A copy that would exceed the range of a file is turned down as a whole.

    Args:
        data: folder or table, as for `finetune`.
        out: the folder of the copies: 16-bit mono WAV files, a `metadata.csv` with the columns of the data's table
            (with `label`, and `split`, for a folder that has none), and `render.json`, which says what was done, and
            which recordings were left out.
        augment: as the setting `augment`, in order; the `p` of each is how likely a clip is changed by it.
        root: the folder that a table's names are relative to; the table's own by default. The setting
            `data.audio_root` says it, too.
        seed: of what is drawn.
        rate: of the copies, Hz.
        overwrite: replace copies made before in `out`; no other folder is ever replaced.
        overrides: how the data is read, as in training: dotted keys to values, or `section.key=value` strings, of
            `data`, and of `events` where labels with times are cut to clips.
        console: where messages go; standard error if not given.

    Returns:
        `out`.

    Raises:
        ConfigError: an augmentation is unknown or wrongly set; all problems at once.
        UsageError: `out` is there already, lies in the folder `data`, or holds recordings of it.
        DataError: the data is wrong, or no recording can be read.

    Example:
        >>> copies = render("samples/keywords", tmp / "by telephone", augment=[{"name": "telephone", "p": 1}],
        ...                 console=Console(quiet=True))
        >>> sorted(p.name for p in copies.iterdir() if p.is_file())
        ['metadata.csv', 'render.json']
    """
    from audioft.assembly import reading
    from audioft.tasks.render import rendering

    specs = [spec if isinstance(spec, str) else dict(spec) for spec in augment]
    console = console or Console()
    root = None if root is None else os.fspath(root)
    taken = (*reading.KEYS, *reading.CUTTING)
    how = reading.of(overrides, "copies are only augmented", taken=taken, audio_root=root)
    return rendering.render(
        Path(data), Path(out), specs, how=how, seed=seed, rate=rate, overwrite=overwrite, console=console
    )
