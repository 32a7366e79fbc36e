"""What a model has heard: the recordings and groups that it was trained, validated and tested on, as hashes.

The table `heard.csv` in a model folder, or in that of a pretrained encoder. What is asked of it is whether recordings
that a model is to be measured on are new to it.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from audioft.core import csv_tables
from audioft.errors import ModelError

FILE = "heard.csv"
#: How a recording was heard; of one that was heard in several ways, the first of the three sides counts.
SIDES = ("train", "valid", "test")
PRETRAINED = "pretrain"
TOO_GOOD = "the figures are too good"  # how a note ends that takes all meaning from figures
DIGITS = 16  # hex digits of a sha256 that are kept
_HEADER = ["kind", "hash", "side"]

Asked = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Heard:
    """Hashes of what a model has heard.

    Attributes:
        recordings: the side of each recording, by the first 16 hex digits of its content's sha256.
        groups: the side of each group, by `group_key`.
        pretrained: recordings that were pretrained on, of which no label was seen.
    """

    recordings: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    pretrained: frozenset[str] = frozenset()

    @classmethod
    def of(cls, asked: Asked, sides: Sequence[str]) -> Heard:
        """From clips, `(digest, group_key)` each, and the side that each is on; `""` for none."""
        found = list(zip(asked, sides, strict=True))
        recordings = _first((digest[:DIGITS], side) for (digest, _), side in found)
        return cls(recordings, _first((group, side) for (_, group), side in found))

    @classmethod
    def unlabelled(cls, digests: Iterable[str]) -> Heard:
        """From recordings that were pretrained on."""
        return cls(pretrained=frozenset(d[:DIGITS] for d in digests if d))

    def __bool__(self) -> bool:
        return bool(self.recordings or self.groups or self.pretrained)

    def __or__(self, other: Heard) -> Heard:
        """What either has heard."""
        return Heard(
            _first(chain(self.recordings.items(), other.recordings.items())),
            _first(chain(self.groups.items(), other.groups.items())),
            self.pretrained | other.pretrained,
        )

    def side(self, digest: str, group: str) -> str:
        """The side that a clip is on for this model, by its content or its group; `""` for one that is new to it."""
        own = {self.recordings.get(digest[:DIGITS], ""), self.groups.get(group, "")}
        return next((side for side in SIDES if side in own), "")

    def told(self, asked: Asked, what: str, by: str, validated: bool = True) -> list[str]:
        """Why figures on clips are too good, or may be; nothing where all are new to the model.

        Args:
            asked: the clips that are measured on, `(digest, group_key)` each.
            what: they are, as `test clips`.
            by: the model, as it is called.
            validated: whether that the model was validated on them matters.
        """
        trained = groups = valid = pretrained = 0
        for digest, group in asked:
            side = self.recordings.get(digest[:DIGITS], "")
            trained += side == "train"
            valid += validated and side == "valid"
            groups += not side and self.groups.get(group) == "train"
            pretrained += side != "train" and digest[:DIGITS] in self.pretrained
        of = f"of {len(asked)} {what}"
        notes = [
            (trained, f"trained on by {by}: {TOO_GOOD}"),
            (valid, f"validated on by {by}, which chose its epoch or thresholds: the figures may be too good"),
            (pretrained, f"heard in the pretraining of {by}, without labels: the figures may be too good"),
        ]
        told = [f"{n} {of} {'was' if n == 1 else 'were'} {why}" for n, why in notes if n]
        if groups:
            is_of = "is" if groups == 1 else "are"
            told.append(f"{groups} {of} {is_of} of groups that {by} was trained on: the figures may be too good")
        return told

    def write(self, path: Path) -> None:
        """Write the table; nothing where nothing was heard."""
        if self:
            csv_tables.write(path, chain([_HEADER], self._rows()))

    def _rows(self) -> Iterable[list[str]]:
        for kind, those in (("recording", self.recordings), ("group", self.groups)):
            yield from ([kind, key, those[key]] for key in sorted(those))
        yield from (["recording", key, PRETRAINED] for key in sorted(self.pretrained))


def group_key(grouping: str, group: str) -> str:
    """A group's name as a hash: names may be those of people. Empty where groups are the recordings themselves."""
    if grouping == "recording" or not group:
        return ""
    return hashlib.sha256(f"{grouping}\0{group}".encode("utf-8", "surrogateescape")).hexdigest()[:DIGITS]


def read(path: Path) -> Heard:
    """The table that `Heard.write` wrote.

    Raises:
        ModelError: it is something else.
    """
    recordings, groups, pretrained = list[tuple[str, str]](), list[tuple[str, str]](), set[str]()
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            if next(rows, None) != _HEADER:
                raise ValueError(f"its first line is not {','.join(_HEADER)}")
            for kind, key, side in rows:
                if kind not in ("recording", "group") or side not in (*SIDES, PRETRAINED):
                    raise ValueError(f"a row {kind},{key},{side}")
                if side == PRETRAINED:
                    pretrained.add(key)
                else:
                    (recordings if kind == "recording" else groups).append((key, side))
    except (OSError, ValueError, csv.Error) as e:
        raise ModelError(
            f"{path} is damaged ({e}); copy it anew, or remove it: whether recordings are new to the model is then not "
            "known"
        ) from e
    return Heard(_first(recordings), _first(groups), frozenset(pretrained))


def of_folder(place: Path) -> Heard | None:
    """What the model, or the encoder, in a folder has heard; None where that is not known.

    Of a run that an older audioft has made, its own recordings are known, from its `manifest.csv`.
    """
    if (place / FILE).is_file():
        return read(place / FILE)
    if place.name == "encoder" and (place.parent / "audioft.json").is_file():
        return of_folder(place.parent)
    if place.name == "model" and (place.parent / "manifest.csv").is_file():
        return _of_manifest(place.parent / "manifest.csv")
    return None


def _of_manifest(path: Path) -> Heard | None:
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        rows = csv.DictReader(file)
        if not {"sha256", "split"} <= set(rows.fieldnames or ()):
            return None
        found = [(row["sha256"] or "", row["split"] or "") for row in rows]
    return Heard.of([(digest, "") for digest, _ in found], [side for _, side in found])


def unknown(name: str, place: Path) -> str | None:
    """What is said of a model of audioft whose folder does not tell what it has heard; of a published one nothing."""
    if not Path(name).exists() or not (place / "audioft.json").is_file():
        return None
    return f"what {name} was trained on is not known, as its folder has no {FILE}: clips to test on may be among it"


def _first(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of each key the first of `SIDES` that it has; keys and sides that are empty are left out."""
    found: dict[str, str] = {}
    for key, side in pairs:
        if key and side in SIDES and (key not in found or SIDES.index(side) < SIDES.index(found[key])):
            found[key] = side
    return found
