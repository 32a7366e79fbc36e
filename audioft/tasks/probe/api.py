"""Encoders looked at before one is trained: `audioft.compare_encoders` and `audioft.probe`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioft.core.places import PathLike
from audioft.core.progress import Console

if TYPE_CHECKING:
    from audioft.evaluation.probe import Probe
    from audioft.tasks.probe.comparison_table import Comparison

__all__ = ["compare_encoders", "probe"]

#: A side is only made where it is asked for: without one, folds test every clip.
SIDES: tuple[tuple[str, Any], ...] = (("data.valid", None), ("data.test", None))


def compare_encoders(
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
    """What several encoders, and each of their layers, know of the labels of recordings, without training them.

    The figure of an encoder is nested: the layer, the pooling and the penalty of its classifier are chosen on folds of
    the clips that are learnt from.

    Args:
        data: labelled folder or table, as for `audioft.finetune`.
        encoders: each `mini`, a local folder or a hub id. One that cannot be loaded is told in the table.
        out: a folder for `probe.csv`, `layers.csv`, `probe.json`, `probe.png`, and in `classifier/` the probe of the
            encoder that is suggested, for `audioft.finetune(from_probe=)`; nothing is written if not given.
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
        >>> found = compare_encoders("samples/keywords", ["mini"], out=tmp / "probe", cache=False,
        ...                          console=Console(quiet=True))
        >>> found.rows[0].name, found.rows[0].last, (tmp / "probe" / "probe.png").is_file()
        ('mini', 6, True)
    """
    from audioft.assembly import frozen_pass, resolve
    from audioft.configuration import config as configs
    from audioft.core import places, set_aside
    from audioft.tasks.probe import encoder_comparison

    given = configs.pairs(overrides)
    config = resolve.settings(data, overrides=dict([*SIDES, *given]))
    how = frozen_pass.ordered(device, batch_seconds, cache)
    names = [os.fspath(e) for e in ([encoders] if isinstance(encoders, str | os.PathLike) else encoders)]
    said = [f"{k}={configs.spell(v)}" for k, v in given]
    place = None if out is None else Path(out)
    if place is not None:
        set_aside.put_back(set_aside.folder_of(place))  # of one that was killed while it wrote
    with places.results(place, encoder_comparison.FILES, overwrite=overwrite):
        return encoder_comparison.compare(config, names, clips, how, place, said, console or Console())


def probe(
    encoder: PathLike,
    data: PathLike,
    *,
    clips: int = 600,
    seconds: float = 5.0,
    device: str = "auto",
    seed: int = 0,
    overrides: Mapping[str, Any] | Sequence[str] = (),
) -> Probe:
    """How much of the labels a linear classifier finds in what an encoder says, as it is.

    Args:
        encoder: `mini`, a local folder or a hub id.
        data: labelled folder or table, one label a clip. If it gives a train and a test side, the classifier learns
            on the one and is tested on the other; otherwise on up to five folds.
        clips: at most so many, chosen by the seed.
        seconds: of each clip, from its beginning.
        device: `auto`, `cpu`, `cuda`.
        seed: of the choice of clips, and of the folds.
        overrides: how the data is read, as in training: dotted keys to values, or `section.key=value` strings, of
            `data`, and of `events` where labels with times are cut to clips.

    Returns:
        Accuracy with its 95 % interval.

    Raises:
        AudioftError: a child of it for whatever is wrong, see `audioft.errors`.

    Example:
        >>> found = probe("mini", "samples/keywords", seconds=1)
        >>> found.low <= found.accuracy <= found.high
        True
    """
    from audioft.assembly import reading
    from audioft.configuration import config as configs
    from audioft.configuration.pretraining import PretrainConfig
    from audioft.core.runtime import Processes
    from audioft.evaluation.probe_data import probe_task
    from audioft.models.loading import load_encoder

    configs.check({"probe": {"clips": clips, "seconds": seconds}, "seed": seed}, kind=PretrainConfig)
    how = reading.of(overrides, "a probe trains nothing", taken=(*reading.KEYS, *reading.CUTTING))
    loaded, _ = load_encoder(os.fspath(encoder))
    manifest = how.clips(os.path.expandvars(os.path.expanduser(data)), least_labels=2)
    task = probe_task(manifest, os.fspath(data), loaded, clips=clips, seconds=seconds, seed=seed)
    return task.measure(loaded.to(Processes(device).device))
