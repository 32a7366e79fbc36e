"""Parts by name: what a spec may say, and how wrong ones are told."""

from __future__ import annotations

from typing import Literal

import pytest

from audioft.core.registry import Registry, fits, split_spec, suggest
from audioft.errors import ConfigError


@pytest.fixture
def parts() -> Registry:
    registry = Registry("filter", given=("labels",))

    @registry.register("low_pass")
    class LowPass:
        def __init__(self, labels: int, hz: float, order: int = 2, kind: Literal["iir", "fir"] = "iir"):
            self.labels, self.hz, self.order, self.kind = labels, hz, order, kind

        @staticmethod
        def validate(hz: float, order: int, kind: str) -> list[str]:
            return [] if hz > 0 else [f"hz: {hz:g} is not above 0"]

    @registry.register("none")
    def none():
        return None

    return registry


def test_a_part_is_built_from_its_spec_and_what_the_program_gives(parts):
    made = parts.build({"name": "low_pass", "hz": "1e3"}, labels=3, unasked=7)
    assert (made.labels, made.hz, made.order) == (3, 1000.0, 2)
    assert isinstance(made.hz, float)
    assert parts.build("none") is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("lowpass", ["p: unknown filter 'lowpass': did you mean 'low_pass'?"]),
        ("reverb", ["p: unknown filter 'reverb'; known are low_pass, none"]),
        ("low_pass", ["p.hz: filter 'low_pass' needs it and has no default"]),
        (
            {"name": "low_pass", "hs": 3, "order": 2.5},
            [
                "p.hs: filter 'low_pass' has no such argument; known are hz, kind, order",
                "p.hz: filter 'low_pass' needs it and has no default",
                "p.order: 2.5 is not of type int",
            ],
        ),
        ({"name": "low_pass", "hz": 3, "labels": 2}, ["p.labels: filter 'low_pass' has no such argument"]),
        ({"name": "low_pass", "hz": -3}, ["p.hz: -3 is not above 0"]),
        ({"name": "low_pass", "hz": 3, "kind": "x"}, ["p.kind: 'x' is not of type Literal['iir', 'fir']"]),
        ({"name": "none", "hz": 3}, ["p.hz: filter 'none' takes no arguments"]),
        ({"hz": 3}, ["p: hz given, but no filter named: add p.name=low_pass; known are low_pass, none"]),
        (3, ["p: expected a name"]),
        (None, ["p: expected a name"]),
    ],
)
def test_a_wrong_spec_is_told_with_its_key(parts, spec, said):
    found = parts.check(spec, "p")
    assert len(found) == len(said)
    for problem, begin in zip(found, said, strict=True):
        assert problem.startswith(begin)
    with pytest.raises(ConfigError):
        parts.build(spec)


def test_two_parts_of_one_name_are_a_mistake_of_the_program(parts):
    with pytest.raises(ValueError, match="two filters are called 'none'"):
        parts.register("none")(dict)


def test_an_unknown_name_is_told(parts):
    with pytest.raises(ConfigError, match="unknown filter 'nome': did you mean 'none'"):
        parts["nome"]


@pytest.mark.parametrize(
    ("value", "hint", "yes"),
    [
        (1, int, True),
        (True, int, False),
        (True, bool, True),
        (1, bool, False),
        (1, float, True),
        ("1e-4", float, True),
        ("fast", float, False),
        (None, float | None, True),
        ("1e-4", float | None, True),
        ([1, 2], list[int], True),
        ([1, "x"], list[int], False),
        ([1, 2], tuple[float, float], True),
        ([1, 2, 3], tuple[float, float], False),
        ([1, 2, 3], tuple[int, ...], True),
        ("abc", tuple[str, ...], False),
        ({"a": 1}, dict[str, int], True),
        ("a", Literal["a", "b"], True),
        ("c", Literal["a", "b"], False),
    ],
)
def test_fits(value, hint, yes):
    assert fits(value, hint) is yes


def test_names_are_suggested_only_when_near():
    assert suggest("epohs", ["epochs", "lr"]) == ": did you mean 'epochs'?"
    assert suggest("zzz", ["epochs", "lr"]) == "; known are epochs, lr"


def test_a_spec_in_its_two_forms():
    assert split_spec("mlp") == ("mlp", {})
    assert split_spec({"name": "mlp", "dropout": 0.1}) == ("mlp", {"dropout": 0.1})
