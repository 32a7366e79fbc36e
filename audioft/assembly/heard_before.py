"""Models that data meets again: what they have heard of it, for its sides and for what is said of figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING

from audioft.models import heard
from audioft.models.heard import Heard, group_key

if TYPE_CHECKING:
    from audioft.assembly.starting_model import Start
    from audioft.data.clip import Clip


@dataclass(frozen=True)
class Before:
    """What models have heard before a run begins.

    Attributes:
        models: by name.
        notes: what is to be said of models of which it is not known.
    """

    models: dict[str, Heard] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def all(self) -> Heard:
        return reduce(or_, self.models.values(), Heard())

    def sides(self, asked: heard.Asked) -> list[str] | None:
        """The side that each clip is on for one of the models; None where none of them has seen a label."""
        union = self.all
        if not (union.recordings or union.groups):
            return None
        return [union.side(digest, group) for digest, group in asked]

    def told(self, asked: heard.Asked, side: str) -> list[str]:
        """What is to be said of figures on a side, see `Heard.told`; validated on again is as it should be."""
        what = "clips" if side == "train" else f"{side} clips"  # which folds are made of
        return [n for name, own in self.models.items() for n in own.told(asked, what, name, side != "valid")]


def before(start: Start | None, encoders: Iterable[str]) -> Before:
    """What the classifier that a run goes on from has heard, or else the encoders that it begins with.

    Raises:
        ModelError: a table of it is damaged.
    """
    if start is not None:
        known = heard.of_folder(start.place)
        note = None if known is not None else heard.unknown(start.name, start.place)
        return Before({start.name: known} if known else {}, () if note is None else (note,))
    found = {name: known for name in encoders if (known := of_encoder(name))}
    return Before(found)


def of_encoder(name: str) -> Heard | None:
    """What an encoder has heard; None where its folder does not tell, as that of a published one."""
    return heard.of_folder(Path(name)) if Path(name).is_dir() else None


def asked(clips: Sequence[Clip], digests: Sequence[str], grouping: str) -> heard.Asked:
    """Clips as a model is asked for them: the digest of their recording, and their group's hash."""
    return [(digest, group_key(grouping, clip.group)) for clip, digest in zip(clips, digests, strict=True)]
