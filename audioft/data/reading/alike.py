"""Labels that may be meant to be one: their names differ in case, blanks, a plural's ending or one letter."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

#: From how many letters on a name with one letter more, less or other is taken for a slip.
_LONG = 5
_NOUN = 3  # from how many on s or es makes a plural
_MOST = 5  # groups that are told
_MANY = 2000  # labels beyond which one letter is not looked for: speakers, not spellings
_JOINERS = re.compile(r"(?<=[^\W_])[\s_\-]+(?=[^\W_])")


def spellings(labels: Iterable[str], renamed: Mapping[str, str] | None = None) -> list[str]:
    """A sentence where labels are the same but for case, blanks, underscores and hyphens, s or es, or one letter.

    Numbers tell labels apart, as in `speaker1` and `speaker2`, and so does a letter of a short name. The setting that
    is named holds what is `renamed` already, too.

    >>> spellings(["GO", "go", "great tit", "stop"])[0].partition(";")[0]
    "'GO', 'go' are learned as different labels"
    >>> spellings(["dog", "dogs", "chiffchaff", "chifchaff", "p225", "p226", "left", "lift"])[0].partition("; if")[0]
    "'chifchaff', 'chiffchaff'; 'dog', 'dogs' are learned as different labels"
    """
    found = sorted(_groups(sorted(set(labels))))
    if not found:
        return []
    told = "; ".join(", ".join(map(repr, group)) for group in found[:_MOST])
    more = f" and {len(found) - _MOST} more such groups" if len(found) > _MOST else ""
    best = [(min(g, key=lambda label: (len(label), label != label.lower(), label)), g) for g in found[:_MOST]]
    names = {old: new for new, group in best for old in group if old != new}
    names = {old: names.get(new, new) for old, new in (renamed or {}).items()} | names
    pairs = ", ".join(f"{_yaml(old)}: {_yaml(new)}" for old, new in names.items())
    how = f"data.rename='{{{pairs}}}'"
    return [f"{told}{more} are learned as different labels; if they mean the same, spell them alike, as with {how}"]


def _groups(labels: list[str]) -> list[list[str]]:
    keys = {label: _plain(label) for label in labels}
    parent = {label: label for label in labels}

    def top(label: str) -> str:
        while parent[label] != label:
            label = parent[label]
        return label

    def join(one: str, other: str) -> None:
        first, last = sorted((top(one), top(other)))
        parent[last] = first

    by_key: dict[str, str] = {}
    for label, key in keys.items():
        if key:
            join(by_key.setdefault(key, label), label)
    for key, label in by_key.items():
        for ending in ("s", "es"):
            if len(key) >= _NOUN and key[-1].isalpha() and key + ending in by_key:
                join(label, by_key[key + ending])
    together: dict[str, str] = {}
    for key, label in by_key.items():
        if not re.search(r"\d", key):
            join(together.setdefault(key.replace(" ", ""), label), label)
    if len(by_key) <= _MANY:
        for one, other in _near(by_key):
            join(by_key[one], by_key[other])
    groups: dict[str, list[str]] = {}
    for label in labels:
        groups.setdefault(top(label), []).append(label)
    return [group for group in groups.values() if len(group) > 1]


def _near(keys: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs with one letter more, less or other; found by what is left of a name without one of its letters."""
    without: dict[str, list[tuple[str, int]]] = {}
    for key in keys:
        if len(key) < _LONG:
            continue
        without.setdefault(key, []).append((key, -1))
        for i in range(len(key)):
            if key[i].isalpha():
                without.setdefault(key[:i] + key[i + 1 :], []).append((key, i))
    pairs = set()
    for same in without.values():
        for a, (one, at) in enumerate(same):
            for other, there in same[a + 1 :]:
                # both lack a letter in one place, or one has a letter more
                if one != other and (at == there or -1 in (at, there)) and not _ends(one, other):
                    pairs.add((one, other))
    return sorted(pairs)


def _ends(one: str, other: str) -> bool:
    """Whether what differs is a word by itself, or a letter that names are numbered by, as in `site a`, `site b`."""
    a, b = one.split(), other.split()
    differing = [(x, y) for x, y in zip(a, b, strict=False) if x != y]
    return len(a) != len(b) or any(min(len(x), len(y)) < _LONG for x, y in differing)


def _plain(label: str) -> str:
    """A label without what is no difference."""
    text = re.sub(r"[\u200b\ufeff]", "", unicodedata.normalize("NFKC", label).casefold()).strip()
    return _JOINERS.sub(" ", text)


def _yaml(label: str) -> str:
    return label if re.fullmatch(r"[^\W\d][\w \-]*", label) else f'"{label}"'
