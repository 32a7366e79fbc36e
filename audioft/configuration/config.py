"""Everything a run is made of: read from YAML, overridden, checked, written again.

A config is written in YAML; whatever is not written has the default of `sections` or `pretraining`.
`section.key=value` on a command line overrides a value.
"""

from __future__ import annotations

import difflib
import functools
import math
import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from audioft.configuration import names, other_names
from audioft.configuration.pretraining import PretrainConfig
from audioft.configuration.sections import Config, Section, Spec
from audioft.errors import ConfigError, UsageError

Overrides = Mapping[str, Any] | Sequence[str | tuple[str, Any]]
AnyConfig = Config | PretrainConfig
Kind = TypeVar("Kind", Config, PretrainConfig)
MOST = 100_000


def load(
    base: str | PathLike[str] | Kind | None = None,
    overrides: Overrides = (),
    further: Callable[[Kind], list[str]] | None = None,
    kind: type[Kind] = Config,  # type: ignore[assignment]
) -> Kind:
    """A config from a file and overrides.

    Args:
        base: a YAML file, a config made before, or None for the defaults.
        overrides: a mapping of dotted keys to values, or pairs, or `section.key=value` strings whose values are YAML.
        further: finds more problems, in a config that has the settings which are right by themselves.
        kind: what it is a config of.

    Raises:
        ConfigError: with all problems at once: unknown keys (and what was probably meant), wrong types and ranges.
        UsageError: the file is missing or is not YAML.
    """
    if isinstance(base, BaseModel):
        settings = base.model_dump(exclude_unset=True)  # what is a default stays one that nobody has set
    else:
        settings = {} if base is None else read(Path(base))
    problems: list[str] = []
    for key, value in pairs(overrides):
        problems += _set(settings, key, value, kind)
    return check(settings, problems, further, kind)


def check(
    settings: Mapping[str, Any],
    problems: Sequence[str] = (),
    further: Callable[[Kind], list[str]] | None = None,
    kind: type[Kind] = Config,  # type: ignore[assignment]
) -> Kind:
    """A config from plain mappings, or all that is wrong with them."""
    found = list(problems)
    try:
        config = kind.model_validate(settings)
    except ValidationError as e:
        found += [_spell(error, kind) for error in e.errors()]
        config = _without(settings, [error["loc"] for error in e.errors()], kind)
    found += further(config) if further else []
    if found:
        raise ConfigError(sorted(set(found), key=found.index))
    return config


def _without(settings: Mapping[str, Any], wrong: Sequence[tuple[Any, ...]], kind: type[Kind]) -> Kind:
    """The settings that are right by themselves."""
    kept = {k: dict(v) if isinstance(v, Mapping) else v for k, v in settings.items() if isinstance(k, str)}
    for name, *rest in wrong:
        below = kept.get(name)
        if rest and isinstance(below, dict):  # pydantic tells a key that is no text as text
            kept[name] = {k: v for k, v in below.items() if str(k) != str(rest[0])}
        else:
            kept.pop(name, None)
    return kind.model_validate(kept)


def save(config: AnyConfig) -> str:
    """A config as YAML, every setting written out; loading it gives the same config."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def differing(config: AnyConfig) -> dict[str, Any]:
    """The settings that are not as by default: dotted keys and values, in order."""
    mine, default = config.model_dump(), type(config)().model_dump()
    values = {key: functools.reduce(operator.getitem, key.split("."), mine) for key in keys(type(config))}
    return {k: v for k, v in values.items() if v != functools.reduce(operator.getitem, k.split("."), default)}


def changed(config: AnyConfig, without: Collection[str] = ()) -> str:
    """The settings that are not as by default as YAML below a line that says so, for `--dry-run`.

    Args:
        config: all settings.
        without: dotted keys that are told elsewhere.

    >>> print(changed(load(overrides=["train.lr=0.1", "data.source=x"]), without=["data.source"]))
    settings that differ from the defaults (--dry-run --settings shows all):
      train:
        lr: 0.1
    >>> changed(Config())
    'settings: all defaults'
    """
    settings: dict[str, Any] = {}
    for key, value in differing(config).items():
        if key not in without:
            _set(settings, key, value, type(config))
    if not settings:
        return "settings: all defaults"
    lines = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).splitlines()
    told = "settings that differ from the defaults (--dry-run --settings shows all):"
    return "\n".join([told, *(f"  {line}" for line in lines)])


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


def describe(kind: type[BaseModel] = Config) -> str:
    """All settings with their defaults and what they mean, for `--settings`."""
    lines = []
    for key, field in keys(kind).items():
        lines += [f"{key}={spell(field.default)}", f"    {field.description}"]
    return "\n".join(lines)


def spell(value: Any) -> str:
    """A value as it is written in an override.

    >>> spell({"top": 2}), spell(None), spell("Étiquette")
    ('{top: 2}', 'null', 'Étiquette')
    """
    text = yaml.safe_dump(value, default_flow_style=True, width=math.inf, allow_unicode=True)
    return text.strip().removesuffix("...").strip()


def shortly(value: Any) -> str:
    """A value in few characters: three digits say as much as it matters, of parts their names.

    >>> shortly(0.000123456), shortly([{"name": "noise", "p": 0.3}]), shortly({"top": 2})
    ('0.000123', '[noise]', '{top: 2}')
    """
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return "[" + ", ".join(str(v["name"]) if isinstance(v, dict) and "name" in v else str(v) for v in value) + "]"
    return spell(value)


def read(path: Path) -> dict[str, Any]:
    """The settings that a file names, as they stand there.

    Raises:
        UsageError: it is missing or is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as e:
        raise UsageError(f"config {path}: no such file") from e
    except (OSError, UnicodeDecodeError) as e:
        raise UsageError(f"config {path} cannot be read: {e}") from e
    try:
        settings = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as e:  # ValueError: a number of thousands of digits
        raise UsageError(f"config {path} is not YAML: {' '.join(str(e).split())[:300]}") from e
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise UsageError(f"config {path}: expected sections such as `train:`, found {type(settings).__name__}")
    if not _bounded(settings):
        raise UsageError(f"config {path}: its anchors (&, *) multiply beyond {MOST:,} values, or contain themselves")
    return settings


def _bounded(value: Any) -> bool:
    """Whether a value read from YAML, every alias followed, holds at most `MOST` values."""
    waiting, seen = [value], 0
    while waiting and seen <= MOST:
        below = waiting.pop()
        seen += 1
        waiting += below.values() if isinstance(below, dict) else below if isinstance(below, list) else ()
    return seen <= MOST


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
            found.append((key.strip(), names.value_of(key.strip(), value)))
        except (yaml.YAMLError, ValueError, RecursionError):  # also a number of thousands of digits
            problems.append(f"{key}: {value[:80]!r} is not a value in YAML; quote it")
    if problems:
        raise ConfigError(problems)
    return found


def _set(settings: dict[str, Any], key: str, value: Any, kind: type[BaseModel]) -> list[str]:
    *sections, last = key.split(".")
    place = settings
    for name in sections:
        below = place.get(name)
        if isinstance(below, str):  # a part named by its name alone gets an argument
            below = {"name": below}
        if below is None:
            below = _default_part(sections, kind) if name == sections[-1] else {}
        if not isinstance(below, dict):
            return [f"{key}: {name!r} is not a section"]
        place[name] = below = dict(below)
        place = below
    place[last] = value
    return []


def _default_part(sections: list[str], kind: type[BaseModel]) -> dict[str, Any]:
    """`model.head.dropout=0.1` speaks of the default head where the config names none."""
    field = keys(kind).get(".".join(sections))
    if field is None or not isinstance(field.default, str | dict):
        return {}
    if isinstance(field.default, dict):
        return dict(field.default)
    return {"name": field.default} if field.annotation == Spec else {}


def _spell(error: Any, kind: type[BaseModel]) -> str:
    place = ".".join(str(p) for p in error["loc"] if p not in ("str", "float", "int", "dict[str,any]"))
    if error["type"] == "extra_forbidden":
        return f"unknown key {place!r}{_meant(place, kind)}"
    given = error.get("input")
    section = other_names.SECTIONS.get(place)
    if error["type"] in ("dict_type", "model_type") and isinstance(given, str) and section in keys(kind):
        return f"{place}: {given!r} is no section: did you mean {section!r}?"
    found = f"; found {given!r}" if not isinstance(given, Mapping) or len(str(given)) < 80 else ""
    told = error["msg"].removeprefix("Value error, ")
    return f"{place}: {told[0].lower()}{told[1:]}{found}"


def _meant(place: str, kind: type[BaseModel]) -> str:
    known = list(keys(kind))
    if (elsewhere := other_names.meant(place, known)) is not None:
        return elsewhere
    sections = list(dict.fromkeys(k.split(".")[0] for k in known))
    if "." not in place and (near := difflib.get_close_matches(place, sections, n=1, cutoff=0.75)):
        return f": did you mean {near[0]!r}?"
    same = [k for k in known if k.split(".")[-1] == place.split(".")[-1]]
    if same:  # the right key in a wrong section
        return f": did you mean {same[0]!r}?"
    near = difflib.get_close_matches(place, known, n=1, cutoff=0.6)
    if not near:  # nearly the right key in a wrong section
        last = difflib.get_close_matches(place.split(".")[-1], [k.split(".")[-1] for k in known], n=1, cutoff=0.7)
        near = [k for k in known if k.split(".")[-1] in last][:1]
    if near:
        return f": did you mean {near[0]!r}?"
    section = place.rpartition(".")[0]
    siblings = [k for k in known if section and k.rpartition(".")[0] == section]
    return f"; known are {', '.join(siblings or sections)}"
