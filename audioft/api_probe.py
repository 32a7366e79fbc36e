"""Encoders compared before one is trained, as a function of plain arguments, beside `audioft.api`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.progress import Console

if TYPE_CHECKING:
    from audioft.evaluation.comparison import Comparison

PathLike = str | os.PathLike[str]
#: A side is only made where it is asked for: without one, folds test every clip.
SIDES: tuple[tuple[str, Any], ...] = (("data.valid", None), ("data.test", None))


def compare(
    data: PathLike,
    encoders: Iterable[PathLike],
    *,
    out: PathLike | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    clips: int = 2000,
    device: str = "auto",
    batch_seconds: float | None = None,
    cache: bool = True,
    overwrite: bool = False,
    console: Console | None = None,
) -> Comparison:
    """What each layer of several encoders knows of the labels of recordings, without training the encoders.

    Args:
        data: labelled folder or table, as for `audioft.finetune`.
        encoders: each `mini`, a local folder or a hub id. One that cannot be loaded is told in the table.
        out: a folder for `probe.csv`, `layers.csv`, `probe.json` and `probe.png`; nothing is written if not given.
        overrides: dotted keys to values, or `section.key=value` strings, of the sections `data` and `events` and of
            `seed`. The classifier learns on the train side and is tested on the test side (or, where there is only
            that, the valid side) that the data or `data.test` gives; otherwise on up to five folds over groups.
        clips: at most so many, chosen by the seed.
        device: `auto`, `cpu`, `cuda`.
        batch_seconds: how much sound goes through at once.
        cache: keep embeddings in the user's cache, and use those that are kept there.
        overwrite: replace the results in `out`, if there are any.
        console: where messages go; standard error if not given.

    Returns:
        The comparison; `print` shows it as a table with a suggestion.

    Raises:
        AudioftError: a child of it for whatever is wrong with the call or the data, see `audioft.errors`.

    Example:
        >>> found = compare("samples/keywords", ["mini"], out=tmp / "probe", console=Console(quiet=True), cache=False)
        >>> found.rows[0].name, found.rows[0].last, (tmp / "probe" / "probe.png").is_file()
        ('mini', 6, True)
    """
    from audioft import api, choosing, places
    from audioft import config as configs
    from audioft.evaluation.embedding_store import default_store

    given = configs.pairs(overrides)
    config = api.settings(data, overrides=dict([*SIDES, *given]))
    how = choosing.How(clips, device, batch_seconds, default_store() if cache else None)
    names = [os.fspath(e) for e in ([encoders] if isinstance(encoders, str | os.PathLike) else encoders)]
    said = [f"{k}={configs.spell(v)}" for k, v in given]
    place = None if out is None else Path(out)
    with places.results(place, choosing.FILES, overwrite=overwrite):
        return choosing.compare(config, names, how, place, said, console or Console())
