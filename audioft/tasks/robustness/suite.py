"""Which kinds and strengths are tested, and which cannot be here."""

from __future__ import annotations

from collections.abc import Sequence

from audioft.core.registry import suggest
from audioft.errors import ConfigError
from audioft.tasks.robustness.disturbances import codecs
from audioft.tasks.robustness.disturbed import Row
from audioft.tasks.robustness.strengths import COUNT, STRENGTHS
from audioft.tasks.robustness.surroundings import Surroundings

OF_OTHERS = ("babble", "recorded")  # made of other recordings


def asked(kinds: Sequence[str] | None) -> list[str]:
    """Kinds by name, or by the name of their family; all of them if none are given.

    Raises:
        ConfigError: there is no such kind.

    >>> asked(["room", "white"])
    ['white', 'reverb', 'far']
    """
    if not kinds:
        return list(STRENGTHS)
    families = {s.family for s in STRENGTHS.values()}
    if unknown := [k for k in kinds if k not in STRENGTHS and k not in families]:
        raise ConfigError(f"--kinds: unknown kind {k!r}{suggest(k, [*STRENGTHS, *families])}" for k in unknown)
    return [k for k, s in STRENGTHS.items() if k in kinds or s.family in kinds]


def severities(given: Sequence[int] | None) -> list[int]:
    """Strengths by number, the mildest first; all of them if none are given.

    Raises:
        ConfigError: one is not between 1 and 5.
    """
    if wrong := [s for s in given or () if not 1 <= s <= COUNT]:
        raise ConfigError(f"--severity: {wrong[0]} is not between 1 (mildest) and {COUNT} (hardest)")
    return sorted(set(given or range(1, COUNT + 1)))


def rows(kinds: Sequence[str], strengths: Sequence[int], around: Surroundings) -> tuple[list[Row], dict[str, str]]:
    """The rows that can be tested here, and why the other kinds cannot."""
    absent = {k: why for k in kinds if (why := _missing(k, around))}
    return [Row(k, s) for k in kinds if k not in absent for s in strengths], absent


def _missing(kind: str, around: Surroundings) -> str:
    return codecs.without(kind) or (around.missing() if kind in OF_OTHERS else "")
