"""Everything a run is made of, as typed sections that cannot change once made.

A config is written in YAML; whatever is not written has the default below. `section.key=value` on a command line
overrides a value. The docstring below a field is its help text (`audioft train --settings`).
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audioft.errors import ConfigError, UsageError

Spec = str | dict[str, Any]


class Section(BaseModel):
    """A group of settings: no unknown key, no later change, docstrings kept as descriptions."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, strict=False)


class DataSection(Section):
    source: str | None = None
    """Folder, `.csv`, `.tsv` or `.jsonl` with the recordings."""
    label: str | None = None
    """Column of the table that holds the label; `label` or `labels` if not given."""
    group: str | None = None
    """Column whose clips stay on one side of a split; `speaker`, `group` or `source` if there, else the recording."""
    valid: float | str | None = 0.15
    """Validation side: a share of the clips, or `COLUMN=VALUE`; null for none. A split that the data gives is kept."""
    test: float | str | None = 0.15
    """Test side, likewise."""
    max_seconds: float = Field(10.0, gt=0.025)
    """Longest piece that goes through the model: training crops, evaluation and prediction take windows."""
    max_bad: float = Field(0.05, ge=0, le=1)
    """Share of bad recordings above which the run stops before training."""
    allow_outside: bool = False
    """Whether a table may name files outside its own folder."""
    workers: int = Field(2, ge=0)
    """Processes that read clips; changes no result."""


class EncoderSection(Section):
    name: str = "mini"
    """`mini` (in the package), a local folder in transformers' format, or a hub id as facebook/wav2vec2-base."""
    revision: str | None = None
    """Branch, tag or commit on the hub."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Replaces every dropout of the encoder in training; null keeps the checkpoint's."""
    layerdrop: float | None = Field(None, ge=0, lt=1)
    """Replaces the probability that a layer is skipped in training."""


class ModelSection(Section):
    layers: Literal["last", "weighted"] = "last"
    """`last`: the encoder's output; `weighted`: a learned sum over all its layers."""
    pooling: Spec = "mean"
    """`mean` or `attentive_stats`."""
    head: Spec = "projection"
    """`projection` (transformers' layout), `linear` or `mlp`."""


class TrainSection(Section):
    epochs: int = Field(20, gt=0)
    """Passes over the training side."""
    batch_size: int = Field(16, gt=0)
    """Clips a step, over all processes and pieces together."""
    accumulate: int = Field(1, gt=0)
    """Pieces a step is computed in: more pieces take less memory and learn the same."""
    lr: float = Field(1e-4, gt=0)
    """Peak learning rate of the encoder."""
    head_lr: float | None = Field(1e-3, gt=0)
    """Peak learning rate of pooling and head; null for the encoder's."""
    layer_decay: float = Field(1.0, gt=0, le=1)
    """Each encoder layer learns at this times the rate of the one above it."""
    weight_decay: float = Field(0.01, ge=0)
    """AdamW's, of matrices and kernels."""
    schedule: Spec = "linear"
    """`linear`, `cosine`, `tri_stage` or `constant`, each with `warmup` as a share of the steps."""
    loss: Spec | None = None
    """`cross_entropy`, `focal` or `bce`; null takes cross_entropy, or bce where clips carry several labels."""
    class_weights: Literal["none", "balanced"] = "none"
    """`balanced`: rare labels weigh more in the loss."""
    sampler: Literal["shuffle", "balanced"] = "shuffle"
    """`balanced`: rare labels are drawn more often."""
    clip_norm: float = Field(1.0, ge=0)
    """Gradients are scaled down to this norm; 0 leaves them."""
    metric: str | None = None
    """Figure by which the best epoch is kept; null takes accuracy, or map where clips carry several labels."""
    patience: int = Field(0, ge=0)
    """Stop after so many epochs without a better one; 0 never."""
    precision: Literal["fp32", "bf16", "auto"] = "auto"
    """`auto` takes bf16 where the device computes in it natively."""
    device: str = "auto"
    """`auto`, `cpu`, `cuda`."""
    save_steps: int = Field(0, ge=0)
    """A checkpoint every so many steps, besides every epoch."""
    save_minutes: float = Field(10.0, ge=0)
    """A checkpoint every so many minutes, besides every epoch."""
    keep: int = Field(2, gt=0)
    """How many checkpoints to keep."""
    log_every: int = Field(10, gt=0)
    """Steps between two rows of training metrics."""
    tensorboard: bool = True
    """Write TensorBoard events."""


class EvaluateSection(Section):
    batch_seconds: float = Field(60.0, gt=0)
    """Seconds of audio that go through the model at once; changes no score by more than rounding."""
    resamples: int = Field(1000, ge=0)
    """Bootstrap resamples for the 95 % intervals."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """What evaluation computes in."""


class Config(Section):
    """A whole run. See each section for its settings."""

    data: DataSection = DataSection()
    encoder: EncoderSection = EncoderSection()
    freeze: Any = "feature_extractor"
    """`feature_extractor`, `all`, `none`, `{top: N}`, or a plan by epoch as {0: all, 2: {top: 2}}."""
    model: ModelSection = ModelSection()
    augment: list[Spec] = []
    """Augmentations of the waveform and its spectrogram, in order."""
    mixup: dict[str, Any] | None = None
    """Mixing of two clips: `{p: 0.5, alpha: 0.4}`; null for none."""
    latent: dict[str, Any] | None = None
    """SpecAugment inside the encoder: `{time: 0.05, time_length: 10, channels: 0.0}`; null for none."""
    train: TrainSection = TrainSection()
    evaluate: EvaluateSection = EvaluateSection()
    seed: int = Field(0, ge=0)
    """Of everything random."""


Overrides = Mapping[str, Any] | Sequence[str | tuple[str, Any]]


def load(base: str | PathLike[str] | Config | None = None, overrides: Overrides = ()) -> Config:
    """A config from a file and overrides.

    Args:
        base: a YAML file, a config made before, or None for the defaults.
        overrides: a mapping of dotted keys to values, or pairs, or `section.key=value` strings whose values are YAML.

    Raises:
        ConfigError: with all problems at once: unknown keys (and what was probably meant), wrong types and ranges.
        UsageError: the file is missing or is not YAML.
    """
    if isinstance(base, Config):
        settings = base.model_dump()
    else:
        settings = {} if base is None else _read(Path(base))
    problems: list[str] = []
    for key, value in pairs(overrides):
        problems += _set(settings, key, value)
    return check(settings, problems)


def check(settings: Mapping[str, Any], problems: Sequence[str] = ()) -> Config:
    """A config from plain mappings, or all that is wrong with them."""
    found = list(problems)
    try:
        config = Config.model_validate(settings)
    except ValidationError as e:
        found += [_spell(error) for error in e.errors()]
    if found:
        raise ConfigError(sorted(set(found), key=found.index))
    return config


def save(config: Config) -> str:
    """A config as YAML, every setting written out; loading it gives the same config."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def keys(section: type[BaseModel] = Config, before: str = "") -> dict[str, Any]:
    """All dotted keys with their field, in order."""
    found: dict[str, Any] = {}
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            found |= keys(kind, f"{before}{name}.")
        else:
            found[before + name] = field
    return found


def describe() -> str:
    """All settings with their defaults and what they mean, for `--settings`."""
    lines = []
    for key, field in keys().items():
        lines += [f"{key}={yaml.safe_dump(field.default, default_flow_style=True).strip().removesuffix('...').strip()}"]
        lines += [f"    {field.description}"]
    return "\n".join(lines)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise UsageError(f"config {path}: no such file") from e
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"config {path} cannot be read: {e}") from e
    try:
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as e:
        raise UsageError(f"config {path} is not YAML: {' '.join(str(e).split())[:300]}") from e
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UsageError(f"config {path}: expected sections such as `train:`, found {type(settings).__name__}")
    return settings


def pairs(overrides: Overrides) -> list[tuple[str, Any]]:
    """Overrides in any of their forms as dotted keys and values.

    >>> pairs(["train.lr=1e-4", "data.test=fold=5"])
    [('train.lr', '1e-4'), ('data.test', 'fold=5')]

    Raises:
        ConfigError: a value is not YAML, or there is no `=`.
    """
    if isinstance(overrides, Mapping):
        return list(overrides.items())
    found: list[tuple[str, Any]] = []
    problems = []
    for given in overrides:
        if isinstance(given, tuple):
            found.append(given)
            continue
        key, equals, value = given.partition("=")
        if not equals:
            problems.append(f"{given!r}: expected section.key=value")
            continue
        try:
            found.append((key.strip(), yaml.safe_load(value)))
        except yaml.YAMLError:
            problems.append(f"{key}: {value!r} is not a value in YAML; quote it")
    if problems:
        raise ConfigError(problems)
    return found


def _set(settings: dict[str, Any], key: str, value: Any) -> list[str]:
    *sections, last = key.split(".")
    place = settings
    for name in sections:
        below = place.get(name)
        if isinstance(below, str):  # a part named by its name alone gets an argument
            below = {"name": below}
        if below is None:
            below = _default_part(sections) if name == sections[-1] else {}
        if not isinstance(below, dict):
            return [f"{key}: {name!r} is not a section"]
        place[name] = below = dict(below)
        place = below
    place[last] = value
    return []


def _default_part(sections: list[str]) -> dict[str, Any]:
    """`model.head.dropout=0.1` speaks of the default head where the config names none."""
    field = keys().get(".".join(sections))
    if field is None or field.annotation != Spec or not isinstance(field.default, str):
        return {}
    return {"name": field.default}


def _spell(error: Any) -> str:
    place = ".".join(str(p) for p in error["loc"] if p not in ("str", "float", "int", "dict[str,any]"))
    if error["type"] == "extra_forbidden":
        return f"unknown key {place!r}{_meant(place)}"
    given = error.get("input")
    found = f"; found {given!r}" if not isinstance(given, Mapping) or len(str(given)) < 80 else ""
    return f"{place}: {error['msg'][0].lower()}{error['msg'][1:]}{found}"


def _meant(place: str) -> str:
    known = list(keys())
    near = difflib.get_close_matches(place, known, n=1, cutoff=0.6)
    if not near:  # the right key in a wrong section
        near = [k for k in known if k.split(".")[-1] == place.split(".")[-1]][:1]
    if near:
        return f": did you mean {near[0]!r}?"
    section = place.rpartition(".")[0]
    siblings = [k for k in known if k.rpartition(".")[0] == section] or sorted({k.split(".")[0] for k in known})
    return f"; known are {', '.join(siblings)}"
