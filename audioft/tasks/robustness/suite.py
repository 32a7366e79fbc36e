"""Which kinds and strengths are tested, and which cannot be here."""

from __future__ import annotations

from collections.abc import Sequence

from audioft.core.registry import suggest
from audioft.core.runtime import address
from audioft.core.wording import counted
from audioft.data.clip import Clip
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


def chosen(clips: Sequence[Clip], limit: int, seed: int) -> tuple[tuple[Clip, ...], list[str]]:
    """At most so many clips, as many of each label as there are, and a note where some are left out.

    Args:
        clips: all of them.
        limit: 0 for all.
        seed: which are taken is a function of it and of a clip's name.
    """
    if not limit or len(clips) <= limit:
        return tuple(clips), []
    by_label: dict[tuple[str, ...], list[int]] = {}
    for i in sorted(range(len(clips)), key=lambda i: address(seed, "limit", clips[i].key)):
        by_label.setdefault(clips[i].labels[:1], []).append(i)
    turns = sorted((turn, place, i) for place, own in enumerate(by_label.values()) for turn, i in enumerate(own))
    taken = sorted(i for _, _, i in turns[:limit])
    note = f"{counted(limit, 'clip')} of {len(clips)} were taken, evenly over the labels; --limit 0 takes all"
    return tuple(clips[i] for i in taken), [note]
