"""What is searched: settings in the config's own keys, each with the values it may take."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.places import PathLike
from audioft.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import BaseTrial

FORMS = ("log", "uniform", "int", "log_int", "choice")
#: What decides which clips are on which side, or how a trial is measured: the same for all trials.
FIXED = ("data.", "events.", "seed", "start.", "train.budget", "train.device", "evaluate.")


@dataclass(frozen=True)
class Dimension:
    """A setting that is searched.

    Attributes:
        key: dotted, as in a config.
        form: `log`, `uniform`, `int` or `log_int` between two numbers, both included, or `choice`.
        values: the two numbers, or all that may be chosen.
        step: of `int`.
        when: other keys with the values of which one must be taken, or the default holds and nothing is searched.
    """

    key: str
    form: str
    values: tuple[Any, ...]
    step: int = 1
    when: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def distribution(self) -> BaseDistribution:
        """As Optuna knows it; what is chosen from stands there as it is spelled in YAML."""
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        if self.form == "choice":
            return CategoricalDistribution([configs.spell(v) for v in self.values])
        low, high = self.values
        if self.form in ("int", "log_int"):
            return IntDistribution(low, high, log=self.form == "log_int", step=self.step)
        return FloatDistribution(low, high, log=self.form == "log")

    def applies(self, taken: Mapping[str, Any]) -> bool:
        """Whether it is searched beside what other settings have taken."""
        return all(key in taken and taken[key] in values for key, values in self.when)


@dataclass(frozen=True)
class Space:
    """All that is searched, each setting after those that it hangs on.

    Attributes:
        dimensions: what varies.
        fixed: settings with one value, which all trials have.
    """

    dimensions: tuple[Dimension, ...]
    fixed: Mapping[str, Any]

    def suggest(self, trial: BaseTrial) -> dict[str, Any]:
        """The settings of a trial, by their keys, as Optuna draws them."""
        taken: dict[str, Any] = {}
        for d in self.dimensions:
            if not d.applies(taken):
                continue
            if d.form == "choice":
                drawn = trial.suggest_categorical(d.key, [configs.spell(v) for v in d.values])
                taken[d.key] = yaml.safe_load(str(drawn))
            elif d.form in ("int", "log_int"):
                taken[d.key] = trial.suggest_int(d.key, *d.values, step=d.step, log=d.form == "log_int")
            else:
                taken[d.key] = trial.suggest_float(d.key, *d.values, log=d.form == "log")
        return taken

    def known(self, taken: Mapping[str, Any]) -> dict[str, Any]:
        """Settings as Optuna's parameters; without those that are not searched."""
        forms = {d.key: d.form for d in self.dimensions}
        return {k: configs.spell(v) if forms[k] == "choice" else v for k, v in taken.items() if k in forms}

    @property
    def size(self) -> float:
        """How many settings there are; infinite where one of them is a number with a decimal point."""
        free = [d for d in self.dimensions if not d.when]
        counts = []
        for d in free:
            if d.form in ("log", "uniform"):
                return math.inf
            counts.append(len(d.values) if d.form == "choice" else (d.values[1] - d.values[0]) // d.step + 1)
        if len(free) < len(self.dimensions):
            return math.inf if any(d.form in ("log", "uniform") for d in self.dimensions) else self._conditional()
        return math.prod(counts)

    def _conditional(self) -> float:
        """The number of settings where some hang on others."""
        found: list[dict[str, Any]] = [{}]
        for d in self.dimensions:
            whole = range(d.values[0], d.values[-1] + 1, d.step) if d.form != "choice" else d.values
            grown = [[{**t, d.key: v} for v in whole] if d.applies(t) else [t] for t in found]
            found = list(itertools.chain.from_iterable(grown))
            if len(found) > 10_000:
                return math.inf
        return len(found)

    def spelled(self) -> str:
        """As YAML that `read` reads."""
        told: dict[str, Any] = dict(self.fixed)
        for d in self.dimensions:
            own: dict[str, Any] = {d.form: list(d.values)}
            own |= {"step": d.step} if d.step != 1 else {}
            own |= {"when": {k: list(v) for k, v in d.when}} if d.when else {}
            told[d.key] = own
        return yaml.safe_dump(told, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def default() -> Path:
    """The file of the space that is searched where none is given."""
    return Path(str(resources.files("audioft.tasks.search") / "default_space.yaml"))


def read(source: PathLike | Mapping[str, Any], check: Callable[[Mapping[str, Any]], Config]) -> Space:
    """A space from YAML, or from a mapping as it would be read.

    Args:
        source: the file, or `{"train.lr": {"log": [1e-5, 1e-3]}}`.
        check: gives the config that some settings make, or raises `ConfigError`.

    Raises:
        ConfigError: all that is wrong with it: unknown keys, empty ranges, values that a config refuses, conditions on
            what is not there.
        UsageError: the file is missing or is not YAML.
    """
    place = "the space" if isinstance(source, Mapping) else f"space {Path(source)}"
    given = dict(source) if isinstance(source, Mapping) else configs.read(Path(source))
    if not given:
        raise UsageError(f"{place} is empty; name a setting with its values, as `train.lr: {{log: [1e-5, 1e-3]}}`")
    flat = _flat(given)
    problems: list[str] = []
    found: list[Dimension] = []
    fixed: dict[str, Any] = {}
    for key, value in flat.items():
        if not _searched(value):
            fixed[key] = value
            continue
        try:
            found.append(_dimension(key, value))
        except ValueError as e:
            problems.append(f"{key}: {e}")
    problems += _unmet(found, fixed)
    problems += _refused(found, fixed, check)
    if not found and not problems:
        problems.append("nothing varies: give a setting several values, as `freeze: {choice: [all, {top: 2}]}`")
    if problems:
        raise ConfigError(f"{place}: {p}" for p in dict.fromkeys(problems))
    return Space(tuple(_in_order(found)), fixed)


def _flat(given: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Sections as dotted keys: a section may be written as in a config, or with dots."""
    found: dict[str, Any] = {}
    sections = {key.split(".")[0] for key in configs.keys(Config) if "." in key}
    for key, value in given.items():
        name = f"{before}{key}"
        if not before and name in sections and isinstance(value, Mapping):
            found |= _flat(value, f"{name}.")
        else:
            found[name] = value
    return found


def _searched(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(value.keys() & {*FORMS})


def _dimension(key: str, given: Mapping[str, Any]) -> Dimension:
    """A setting with its values.

    Raises:
        ValueError: says what is wrong.
    """
    forms = [f for f in FORMS if f in given]
    if len(forms) > 1:
        raise ValueError(f"has {' and '.join(forms)}; give one of them")
    if unknown := sorted(map(str, given.keys() - {*forms, "step", "when"})):
        raise ValueError(f"{unknown[0]!r} is unknown; expected {', '.join(FORMS)}, step or when")
    if key.startswith(FIXED):
        raise ValueError("is the same for all trials, or they could not be compared; give it beside the space")
    (form,) = forms
    when = given.get("when") or {}
    if not isinstance(when, Mapping):
        raise ValueError(f"when: expected keys with values, found {when!r}")
    conditions = tuple((str(k), tuple(v) if isinstance(v, list) else (v,)) for k, v in when.items())
    values = given[form]
    if not isinstance(values, list) or not values:
        raise ValueError(f"{form}: expected a list of values, found {values!r}")
    if form == "choice":
        spelled = [configs.spell(v) for v in values]
        if twice := sorted({s for s in spelled if spelled.count(s) > 1}):
            raise ValueError(f"choice: {twice[0]} stands there twice")
        return Dimension(key, form, tuple(values), when=conditions)
    low, high = _range(form, values)
    return Dimension(key, form, (low, high), _step(form, given, high - low), conditions)


def _range(form: str, values: Sequence[Any]) -> tuple[Any, Any]:
    if len(values) != 2:
        raise ValueError(f"{form}: expected the lowest and the highest value, found {list(values)}")
    whole = form in ("int", "log_int")
    try:
        low, high = (float("nan") if isinstance(v, bool) else float(v) for v in values)  # 1e-4 is text in YAML
    except (TypeError, ValueError):
        raise ValueError(f"{form}: expected two numbers, found {list(values)}") from None
    if not (math.isfinite(low) and math.isfinite(high)) or (whole and (low % 1 or high % 1)):
        raise ValueError(f"{form}: expected two {'whole ' * whole}numbers, found {list(values)}")
    if low >= high:
        raise ValueError(f"{form}: {values[0]} to {values[1]} is empty; the lowest value comes first")
    if form.startswith("log") and low <= 0:
        raise ValueError(f"{form}: {values[0]} has no logarithm; begin above 0, or use uniform or int")
    return (int(low), int(high)) if whole else (low, high)


def _step(form: str, given: Mapping[str, Any], width: float) -> int:
    step = given.get("step", 1)
    if "step" in given and form != "int":
        raise ValueError("step goes with int alone")
    if "step" not in given:
        return 1
    if not isinstance(step, int) or isinstance(step, bool) or not 1 <= step <= width:
        raise ValueError(f"step: expected a whole number from 1 to {width:g}, found {step!r}")
    return step


def _unmet(found: Sequence[Dimension], fixed: Mapping[str, Any]) -> list[str]:
    """Conditions on what is not there, or never so."""
    by_key, problems = {d.key: d for d in found}, []
    for d in found:
        for key, values in d.when:
            other = by_key.get(key)
            if key in fixed:
                problems.append(f"{d.key}: when: {key} has one value; leave the condition out, or the key")
            elif other is None:
                problems.append(f"{d.key}: when: {key} is not searched; known are {', '.join(by_key)}")
            elif other.form != "choice":
                problems.append(f"{d.key}: when: {key} is no choice, and a condition names values")
            elif wrong := [v for v in values if v not in other.values]:
                problems.append(f"{d.key}: when: {key} is never {configs.spell(wrong[0])}")
    if not problems and len(_in_order(found)) < len(found):
        problems.append("conditions go round in a circle")
    return problems


def _in_order(found: Sequence[Dimension]) -> list[Dimension]:
    """By key, each after those it hangs on, however they were written; without those that hang on themselves."""
    found = sorted(found, key=lambda d: d.key)
    ordered: list[Dimension] = []
    while ready := [d for d in found if d not in ordered and {k for k, _ in d.when} <= {o.key for o in ordered}]:
        ordered.append(ready[0])
    return ordered


def _refused(
    found: Sequence[Dimension], fixed: Mapping[str, Any], check: Callable[[Mapping[str, Any]], Config]
) -> list[str]:
    """What a config refuses of the fixed settings and of each value by itself, those it hangs on given."""
    try:
        check(fixed)
    except ConfigError as e:
        return e.problems
    problems: list[str] = []
    for d in found:
        around = {key: values[0] for key, values in d.when}
        for value in d.values:  # of a range its ends
            try:
                check({**fixed, **around, d.key: value})
            except ConfigError as e:
                problems += e.problems
    return problems
