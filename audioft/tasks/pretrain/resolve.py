"""A checked config of a pretraining out of a file and what is given beside it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from audioft.assembly import build, hearings
from audioft.augmentation import augmentations
from audioft.configuration import config as configs
from audioft.configuration.config import PretrainConfig
from audioft.configuration.pretraining import TeacherSection
from audioft.core.places import PathLike
from audioft.core.registry import split_spec
from audioft.data.unlabelled_pool import Source
from audioft.models import architecture, freezing
from audioft.models.hub import misspelt
from audioft.tasks.pretrain import probed_data
from audioft.training.schedules import schedules

_DEFAULT = TeacherSection().model_dump()
#: What is heard must stay in step with what is predicted.
CHANGING_LENGTH = ("speed", "time_stretch", "shift")


def settings(
    data: PathLike | Iterable[PathLike] = (),
    start: str | None = None,
    config: PathLike | PretrainConfig | None = None,
    overrides: Mapping[str, Any] | Sequence[str] = (),
    probe: Iterable[PathLike] = (),
    teacher: str | None = None,
) -> PretrainConfig:
    """A checked config of a pretraining: a file or a `PretrainConfig`, with what is given beside it on top.

    Args:
        data: `data.sources`; if any are given, they replace those of the config.
        start: `encoder.start`.
        config: a YAML file, or a config made before.
        overrides: dotted keys to values, or `section.key=value` strings.
        probe: `probe.sources`, likewise.
        teacher: `teacher.encoder`.

    Raises:
        ConfigError: all problems at once.

    >>> settings("forest", "mini").encoder.start
    'mini'
    """
    sources = [os.fspath(d) for d in ([data] if isinstance(data, str | os.PathLike) else data)]
    probes = [os.fspath(p) for p in ([probe] if isinstance(probe, str | os.PathLike) else probe)]
    given = {"data.sources": sources or None, "encoder.start": start, "probe.sources": probes or None}
    given["teacher.encoder"] = teacher
    pairs = [*((k, v) for k, v in given.items() if v is not None), *configs.pairs(overrides)]
    return configs.load(config, pairs, problems, PretrainConfig)


def problems(config: PretrainConfig) -> list[str]:
    """All that is wrong with what a config names, found before anything is loaded."""
    names = {"encoder.start": config.encoder.start, "teacher.encoder": config.teacher.encoder}
    wrong = {key: None if name is None else misspelt(name) for key, name in names.items()}
    told = [f"{key}: {found}" for key, found in wrong.items() if found is not None]
    return [*told, *_of_parts(config), *_of_teacher(config), *probed_data.problems(config)]


def _of_teacher(config: PretrainConfig) -> list[str]:
    """What is wrong with the teacher, or with rounds that need one."""
    t, found = config.teacher, []
    if t.encoder is None:
        for i, r in enumerate(config.objective.rounds):
            if r.targets == "teacher":
                found.append(f"objective.rounds.{i}: there is no teacher; name one by --teacher, or teacher.encoder")
        changed = [f"teacher.{key}" for key in t.model_fields_set - {"encoder"} if getattr(t, key) != _DEFAULT[key]]
        return found + [f"{key}: there is no teacher; name one by --teacher, or teacher.encoder" for key in changed]
    if not (t.frames or t.pooled or t.likeness):
        found.append("teacher: teacher.frames, teacher.pooled and teacher.likeness are all 0; set one, or no teacher")
    if t.likeness and config.train.accumulate > 1:
        found.append("teacher.likeness: crops of one piece are compared; set train.accumulate=1, or teacher.likeness=0")
    if t.likeness and config.train.batch_size < 3:
        found.append(f"teacher.likeness: it compares crops of a step; train.batch_size is {config.train.batch_size}")
    return found


def _of_parts(config: PretrainConfig) -> list[str]:
    """What is wrong with its parts."""
    found = [*freezing.problems(config.frozen()), *hearings.problems(config.data)]
    found += schedules.check(config.train.schedule, "train.schedule")
    for key in ("augment", "disturb"):
        for i, spec in enumerate(getattr(config, key)):
            wrong = augmentations.check(spec, f"{key}.{i}")
            found += wrong
            if key == "disturb" and not wrong and split_spec(spec)[0] in CHANGING_LENGTH:
                found.append(f"disturb.{i}: {split_spec(spec)[0]} moves what is to be predicted; set it in augment")
    if config.mixing is not None:
        found += build.singles().check({"name": "mixing", **config.mixing}, "mixing")
    for i, spec in enumerate(config.data.sources):
        found += _source_problems(spec, f"data.sources.{i}")
    o = config.objective
    if o.like_recording and o.crops < 2:
        found.append(
            f"objective.like_recording: it compares crops of one recording; objective.crops is {o.crops}, set 2"
        )
    if o.like_recording and config.train.accumulate > 1:
        found.append(
            "objective.like_recording: the crops of a recording must be in one piece; set train.accumulate=1, or "
            "objective.like_recording=0"
        )
    if config.train.batch_size % o.crops:
        found.append(f"train.batch_size: {config.train.batch_size} is no multiple of objective.crops, {o.crops}")
    if config.encoder.start is None:
        found += architecture.problems(config.encoder.architecture, "encoder.architecture")
        if o.rounds and o.rounds[0].targets == "layer":
            found.append(
                "objective.rounds.0: an encoder from nothing has no layer worth clustering yet; begin with mfcc"
            )
    return found


def _source_problems(spec: Any, where: str) -> list[str]:
    if isinstance(spec, str):
        return []
    known = [f.name for f in fields(Source)]
    found = [f"{where}.{k}: unknown; known are {', '.join(known)}" for k in spec if k not in known]
    if "path" not in spec:
        found.append(f"{where}: path is missing")
    elif not isinstance(spec["path"], str):
        found.append(f"{where}.path: expected a folder, a table or a recording; found {spec['path']!r}")
    if not isinstance(spec.get("test", False), bool):
        found.append(f"{where}.test: expected true or false; found {spec['test']!r}")
    for key in ("where", "without"):
        if not isinstance(spec.get(key, {}), dict):
            found.append(f"{where}.{key}: expected columns and values, as {{fold: [1, 2]}}; found {spec[key]!r}")
    weight = spec.get("weight", 1.0)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight <= 0:
        found.append(f"{where}.weight: {weight!r} is not a number above 0")
    return found


def absolute_sources(config: PretrainConfig) -> PretrainConfig:
    """The config names its data by absolute paths, so that it works from any folder.

    A path with `$VARIABLES` in it stays as it is, for other machines.
    """
    sources: list[Any] = []
    for given in config.data.sources:
        path = _absolute(given if isinstance(given, str) else given["path"])
        sources.append(path if isinstance(given, str) else given | {"path": path})
    root = None if config.data.audio_root is None else _absolute(config.data.audio_root)
    probes = [_absolute(p) for p in config.probe.sources]
    own = {k: _absolute(str(v)) if k == "audio_root" and v is not None else v for k, v in config.probe.data.items()}
    return config.model_copy(
        update={
            "data": config.data.model_copy(update={"sources": sources, "audio_root": root}),
            "probe": config.probe.model_copy(update={"sources": probes, "data": own}),
        }
    )


def _absolute(path: str) -> str:
    return path if "$" in path else os.path.abspath(os.path.expanduser(path))


def source_name(config: PretrainConfig) -> str:
    """What the first source is called."""
    first = config.data.sources[0]
    return Path(first if isinstance(first, str) else first["path"]).stem or "encoder"
