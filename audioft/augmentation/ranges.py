"""Range checks on settings: each returns what is wrong, as sentences that begin with the setting's name."""

from __future__ import annotations


def within(name: str, value: float, low: float, high: float) -> list[str]:
    """A problem unless `low <= value <= high`; NaN is never within.

    >>> within("p", 1.3, 0, 1)
    ['p: 1.3 is not between 0 and 1']
    """
    return [] if low <= value <= high else [f"{name}: {value:g} is not between {low:g} and {high:g}"]


def probability(p: float) -> list[str]:
    return within("p", p, 0, 1)


def interval(names: tuple[str, str], values: tuple[float, float], low: float, high: float) -> list[str]:
    """Problems of a pair of settings that bound what is drawn.

    >>> interval(("min_db", "max_db"), (6.0, -6.0), -60, 60)
    ['min_db: 6 is greater than max_db, which is -6']
    """
    problems = [p for name, value in zip(names, values, strict=True) for p in within(name, value, low, high)]
    if not problems and values[0] > values[1]:
        problems.append(f"{names[0]}: {values[0]:g} is greater than {names[1]}, which is {values[1]:g}")
    return problems
