"""Labels renamed, merged and left out as they are read: `data.rename`, `merge`, `drop`, `keep` and `negatives`."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from audioft.annotations.event import Event
from audioft.core.registry import suggest
from audioft.core.wording import counted, quoted
from audioft.data.annotated import Annotated, Found
from audioft.data.clip import Clip
from audioft.data.reading.choices import Choices
from audioft.data.targets import clean
from audioft.errors import ConfigError

#: The class of clips in which nothing happens, where a clip has one label.
BACKGROUND = "background"


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of each label of a source.

    Attributes:
        names: the new name of each.
        dropped: those that are left out, with the setting that says so.
        negatives: those that are background.
    """

    names: dict[str, str]
    dropped: dict[str, str]
    negatives: frozenset[str]

    def kept(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The new names of those labels that stay, each once."""
        gone = self.dropped.keys() | self.negatives
        return tuple(dict.fromkeys(self.names[label] for label in labels if label not in gone))


def plan(choices: Choices, labels: Collection[str], empty: Collection[str] = ()) -> Plan:
    """What becomes of each label: they are renamed, then merged; what is left out is so by its new name.

    Args:
        choices: the settings.
        labels: of the source.
        empty: names that may be left out besides, though no recording has them.

    Raises:
        ConfigError: all names that no label has; a label that is to be kept and left out, or merged twice.
    """
    problems: list[str] = []

    def known(setting: str, names: Iterable[str], now: Collection[str]) -> list[str]:
        found = [clean(name) for name in names]
        strange = [name for name in found if name not in now]
        if f"data.{setting}" not in choices.assumed:
            problems.extend(f"data.{setting}: no label is called {name!r}{suggest(name, now)}" for name in strange)
        return [name for name in found if name in now]

    given = {clean(old): clean(new) for old, new in choices.rename.items()}
    known("rename", given, labels)
    targets = {clean(target): parts for target, parts in choices.merge.items()}
    for setting, new in (("rename", given.values()), ("merge", targets.keys())):
        problems += [f"data.{setting}: a label needs a name, and one is empty"] * ("" in new)
    names = {label: given.get(label, label) for label in labels}
    into: dict[str, str] = {}
    for target, parts in targets.items():
        for part in known("merge", parts, set(names.values())):
            if into.setdefault(part, target) != target:
                problems.append(f"data.merge: {part!r} is a part of both {into[part]!r} and {target!r}")
    names = {label: into.get(name, name) for label, name in names.items()}
    now = {*names.values(), *empty}
    drop, keep, negatives = (known(s, getattr(choices, s), now) for s in ("drop", "keep", "negatives"))
    for one, own, other, others in (("drop", drop, "keep", keep), ("drop", drop, "negatives", negatives)):
        both = sorted(set(own) & set(others))
        problems += [f"data.{one} and data.{other} both name {quoted(both)}; take them out of one"] * bool(both)
    if problems:
        raise ConfigError(problems)
    dropped = {label: "data.drop" for label, name in names.items() if name in drop}
    if choices.keep:
        stays = {*keep, *negatives}
        dropped |= {label: "data.keep" for label, name in names.items() if name not in stays and label not in dropped}
    background = frozenset(label for label, name in names.items() if name in negatives and label not in dropped)
    return Plan(names, dropped, background)


def clips(
    found: Sequence[Clip], multilabel: bool, choices: Choices, notes: list[str], empty: Collection[str] = ()
) -> list[Clip]:
    """Clips with their labels as they are to be called; of what is left out, a note counts how many there were.

    A clip of one label goes with it. One of several stays as long as one of them does; if only labels were left out,
    nobody can say that it holds none, and it goes. What is background is of the class `background`, or of no label
    where clips may have several.

    Raises:
        ConfigError: as `plan`.
    """
    if not choices.tidies:
        return list(found)
    what = plan(choices, {label for clip in found for label in clip.named}, empty)
    out, gone, negative = [], Counter[str](), Counter[str]()
    for clip in found:
        labels = what.kept(clip.labels)
        background = [label for label in clip.labels if label in what.negatives]
        negative.update(background)
        gone.update(label for label in clip.labels if label in what.dropped)
        if background and not multilabel:
            labels = (BACKGROUND,)
        if clip.labels and not (labels or background):
            continue
        unknown = clip.unknown
        if unknown != "rest":
            unknown = tuple(label for label in what.kept(unknown) if label not in labels)
        out.append(dataclasses.replace(clip, labels=labels, unknown=unknown))
    notes += _told(what, gone, negative, "clip", multilabel)
    if len(out) < len(found) and multilabel:
        notes.append(f"{counted(len(found) - len(out), 'clip')} had no other label, and {_are(len(found) - len(out))}")
    return out


def events(found: Found, choices: Choices) -> Found:
    """Recordings with their events as they are to be called; those that are left out stay known as such.

    Raises:
        ConfigError: as `plan`.
    """
    if not choices.tidies:
        return found
    what = plan(choices, {e.label for a in found.recordings for e in a.events})
    every = Counter(e.label for a in found.recordings for e in a.events)
    gone = Counter({label: every[label] for label in what.dropped})
    negative = Counter({label: every[label] for label in what.negatives})

    def tidied(a: Annotated) -> Annotated:
        kept = [e for e in a.events if e.label not in what.dropped and e.label not in what.negatives]
        renamed = dict.fromkeys(dataclasses.replace(e, label=what.names[e.label]) for e in kept)
        return dataclasses.replace(
            a,
            events=tuple(sorted(renamed, key=lambda e: (e.start, e.end, e.label))),
            dropped=_those(a.events, what.dropped),
            negatives=_those(a.events, what.negatives),
        )

    notes = (*found.notes, *_told(what, gone, negative, "event", True))
    return dataclasses.replace(found, recordings=tuple(map(tidied, found.recordings)), notes=notes)


def _those(found: Iterable[Event], labels: Collection[str]) -> tuple[Event, ...]:
    return tuple(e for e in found if e.label in labels)


def _told(what: Plan, gone: Counter[str], negative: Counter[str], noun: str, several: bool) -> list[str]:
    """A sentence for each setting that leaves something out, with how many there are."""
    notes = []
    for setting in ("data.drop", "data.keep"):
        own = sorted(label for label in gone if what.dropped[label] == setting)
        if own:
            notes.append(f"{setting} leaves out {counted(sum(gone[x] for x in own), noun)} of {quoted(own, most=5)}")
    if negative:
        as_what = "no label" if several else f"the class {BACKGROUND!r}"
        total = counted(sum(negative.values()), noun)
        notes.append(f"data.negatives: {total} of {quoted(sorted(negative), most=5)} are background, {as_what}")
    return notes


def _are(count: int) -> str:
    return "is left out" if count == 1 else "are left out"
