"""A checked config out of a file, a `Config` and what is given beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from audioft.assembly import contradictions
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.places import PathLike
from audioft.errors import ConfigError, UsageError


def settings(
    data: PathLike | None = None,
    encoder: str | None = None,
    config: PathLike | Config | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    *,
    start: PathLike | None = None,
    extend: bool = False,
    few_shot: bool = False,
    from_probe: PathLike | None = None,
    budget: str | float | None = None,
    folds: int | None = None,
) -> Config:
    """A checked config: a file or a `Config`, with what is given beside it on top.

    Args:
        data: `data.source`.
        encoder: `encoder.name`.
        config: a YAML file, or a config made before.
        overrides: dotted keys to values, or `section.key=value` strings.
        start: `start.model`.
        extend: `start.extend`.
        few_shot: of a run that fits prototypes and trains nothing.
        from_probe: `start.probe`, and the settings that it was measured with.
        budget: `train.budget`.
        folds: `train.folds`.

    Raises:
        ConfigError: all problems at once, of keys, types, ranges, and of the parts' arguments.

    >>> settings("recordings", overrides={"train.epochs": 3}).train.epochs
    3
    """
    from audioft.configuration import few_shot as few_shot_settings

    if encoder is not None and start is not None:
        raise UsageError("a model to go on from brings its encoder; give either an encoder or a model (--from)")
    if extend and start is None:
        raise UsageError("--extend adds labels to a model: say to which (--from MODEL)")
    if from_probe is not None:
        others = {"--from": start, "--few-shot": few_shot or None, "--config": config, "--budget": budget}
        others["--folds"] = folds
        if given_too := [name for name, value in others.items() if value is not None]:
            raise UsageError(f"--from-probe makes a model of a probe as it was measured; leave out {given_too[0]}")
        return _of_a_probe(from_probe, data, encoder, overrides)
    given = {
        "data.source": None if data is None else os.fspath(data),
        "encoder.name": encoder,
        "start.model": None if start is None else os.fspath(start),
        "start.extend": extend or None,
        "train.budget": budget,
        "train.folds": folds,
    }
    pairs = [*((k, v) for k, v in given.items() if v is not None), *configs.pairs(overrides)]
    if not few_shot:
        return configs.load(config, pairs, contradictions.problems)
    found = configs.load(config, [*few_shot_settings.pairs(config), *pairs], contradictions.problems)
    if not few_shot_settings.wanted(found):
        head = configs.spell(found.model.head)
        raise ConfigError(f"model.head: {head} is trained, and --few-shot trains nothing; leave out one of them")
    return found


def _of_a_probe(
    place: PathLike, data: PathLike | None, encoder: str | None, overrides: Mapping[str, Any] | Sequence[str]
) -> Config:
    """The settings of a probe, what is given beside it agreeing with them."""
    from audioft.assembly import kept_probe

    kept = kept_probe.read(place)
    given = {
        "data.source": None if data is None else os.path.abspath(os.path.expanduser(data)),
        "encoder.name": os.path.abspath(os.path.expanduser(encoder)) if encoder and os.path.isdir(encoder) else encoder,
        "start.probe": os.path.abspath(os.path.expanduser(place)),
    }
    pairs = [*((k, v) for k, v in given.items() if v is not None), *configs.pairs(overrides)]
    found = configs.load(None, [*kept.settings.items(), *pairs], contradictions.problems)
    kept_probe.refuse(kept, found)
    return found


def absolute_source(config: Config, usage: str) -> Config:
    """The config with its data named by absolute paths, so that it works from any folder.

    Args:
        config: of a run or a study.
        usage: how data is given, for the message.

    Raises:
        UsageError: it names no data.
    """
    if config.data.source is None:
        raise UsageError(f"no data given: name a folder or a table, {usage}")
    places = {"source": config.data.source, "audio_root": config.data.audio_root}
    absolute = {k: os.path.abspath(os.path.expanduser(place)) for k, place in places.items() if place is not None}
    return config.model_copy(update={"data": config.data.model_copy(update=absolute)})
