"""Names for exchangeable parts, and a check of their arguments before anything is built.

A part is named in a config by a *spec*: its name alone, or a mapping with `name` and the arguments of its
constructor. The constructor's signature is the schema, so a new argument needs no second entry anywhere.
"""

from __future__ import annotations

import difflib
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from audioft.errors import ConfigError

Spec = str | Mapping[str, Any]


def suggest(word: str, known: typing.Iterable[str]) -> str:
    """A trailing `: did you mean X?`, or the list of what is known where nothing is near."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f": did you mean {near[0]!r}?" if near else f"; known are {', '.join(known)}"


class Registry:
    """The parts of one kind (`heads`, `augmentations`, ...) by name.

    Args:
        kind: what a single part is called in messages, as `head`.
        given: parameters the program fills in itself, which a config may not set.
    """

    def __init__(self, kind: str, given: tuple[str, ...] = ()):
        self.kind, self.given = kind, given
        self._parts: dict[str, Callable[..., Any]] = {}

    def register(self, name: str) -> Callable[[Any], Any]:
        """Class or function decorator that enters a part under `name`."""

        def enter(part):
            if name in self._parts:
                raise ValueError(f"two {self.kind}s are called {name!r}")
            self._parts[name] = part
            return part

        return enter

    def names(self) -> list[str]:
        return sorted(self._parts)

    def __getitem__(self, name: str) -> Callable[..., Any]:
        if name not in self._parts:
            raise ConfigError(f"unknown {self.kind} {name!r}{suggest(name, self._parts)}")
        return self._parts[name]

    def check(self, spec: Spec, where: str) -> list[str]:
        """All that is wrong with `spec`, as sentences that begin with the config key `where`.

        Returns:
            An empty list if the part exists and every argument binds to its signature with a value of its type.
        """
        try:
            name, args = split_spec(spec)
        except ConfigError as e:
            return [f"{where}: {self._nameless(spec, where) or e}"]
        if name not in self._parts:
            return [f"{where}: unknown {self.kind} {name!r}{suggest(name, self._parts)}"]
        settings = self.settings(name)
        problems = [
            f"{where}.{key}: {self.kind} {name!r} has no such argument{suggest(key, settings)}"
            if settings
            else f"{where}.{key}: {self.kind} {name!r} takes no arguments"
            for key in args
            if key not in settings
        ]
        problems += [
            f"{where}.{key}: {self.kind} {name!r} needs it and has no default"
            for key, parameter in settings.items()
            if parameter.default is parameter.empty and key not in args
        ]
        hints = typing.get_type_hints(_callable(self._parts[name]))
        for key, value in args.items():
            if key in settings and key in hints and not fits(value, hints[key]):
                problems.append(f"{where}.{key}: {value!r} is not of type {_spell(hints[key])}")
        if not problems:
            problems += self._refused(name, args, where)
        return problems

    def _nameless(self, spec: Any, where: str) -> str | None:
        """What to add to arguments without a name; the part named first is one that takes them."""
        if not isinstance(spec, Mapping) or "name" in spec or not spec:
            return None
        names = sorted(self._parts)
        taking = [n for n in names if spec.keys() <= self.settings(n).keys()] or ["NAME"]
        found = ", ".join(map(str, spec))
        return f"{found} given, but no {self.kind} named: add {where}.name={taking[0]}; known are {', '.join(names)}"

    def build(self, spec: Spec, **given: Any) -> Any:
        """The part that `spec` names, made with the spec's arguments and the `given` ones it asks for."""
        problems = self.check(spec, self.kind)
        if problems:
            raise ConfigError(problems)
        name, args = split_spec(spec)
        wanted = inspect.signature(_callable(self._parts[name])).parameters
        return self._parts[name](
            **_converted(self._parts[name], args), **{k: v for k, v in given.items() if k in wanted}
        )

    def settings(self, name: str) -> dict[str, inspect.Parameter]:
        """The arguments of a part that a config may set."""
        parameters = inspect.signature(_callable(self._parts[name])).parameters
        return {k: p for k, p in parameters.items() if k not in self.given and k != "self"}

    def value(self, spec: Spec, key: str) -> Any:
        """The argument `key` as the part that `spec` names would be built with; None where it has none such."""
        name, args = split_spec(spec)
        known = self.settings(name)
        return _converted(self._parts[name], args).get(key, known[key].default) if key in known else None

    def _refused(self, name: str, args: dict, where: str) -> list[str]:
        """A part that checks its ranges in a `validate(**settings)` static method is asked here, unbuilt."""
        validate = getattr(self._parts[name], "validate", None)
        if validate is None:
            return []
        defaults = {k: p.default for k, p in self.settings(name).items() if p.default is not p.empty}
        return [f"{where}.{problem}" for problem in validate(**{**defaults, **_converted(self._parts[name], args)})]


def split_spec(spec: Spec) -> tuple[str, dict[str, Any]]:
    """A spec's name and its arguments.

    Raises:
        ConfigError: the spec is neither a name nor a mapping with a `name`.
    """
    if isinstance(spec, str):
        return spec, {}
    if isinstance(spec, Mapping) and isinstance(spec.get("name"), str):
        return spec["name"], {k: v for k, v in spec.items() if k != "name"}
    raise ConfigError(f"expected a name, or a mapping with `name` and its arguments; found {spec!r}")


def fits(value: Any, hint: Any) -> bool:
    """Whether a value read from YAML or a command line can be passed where `hint` is expected."""
    origin = typing.get_origin(hint)
    if hint is Any or hint is inspect.Parameter.empty:
        return True
    if origin in (typing.Union, types.UnionType):
        return any(fits(value, arm) for arm in typing.get_args(hint))
    if origin is typing.Literal:
        return value in typing.get_args(hint)
    if origin in (list, tuple):
        if not isinstance(value, list | tuple):
            return False
        arms = typing.get_args(hint)
        if origin is tuple and arms and arms[-1] is not Ellipsis:
            return len(value) == len(arms) and all(fits(v, a) for v, a in zip(value, arms, strict=True))
        return all(fits(v, arms[0]) for v in value) if arms else True
    if hint is type(None):
        return value is None
    if hint is bool or isinstance(value, bool):
        return hint is bool and isinstance(value, bool)
    if hint is float:
        return isinstance(value, int | float) or (isinstance(value, str) and _is_number(value))
    if origin is dict:
        return isinstance(value, Mapping)
    return isinstance(value, hint)


def _is_number(text: str) -> bool:
    """PyYAML reads `1e-4` as a string; it is meant as a number wherever a number is expected."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _converted(part: Any, args: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(_callable(part))
    return {k: float(v) if _wants_float(v, hints.get(k)) else v for k, v in args.items()}


def _wants_float(value: Any, hint: Any) -> bool:
    arms = typing.get_args(hint) if typing.get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
    return float in arms and isinstance(value, int | str) and not (isinstance(value, bool) or type(value) in arms)


def _callable(part: Any) -> Any:
    return part.__init__ if inspect.isclass(part) else part


def _spell(hint: Any) -> str:
    return hint.__name__ if inspect.isclass(hint) and not typing.get_args(hint) else str(hint).replace("typing.", "")
