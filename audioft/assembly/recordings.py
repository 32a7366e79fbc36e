"""Recordings ready to train on: loaded, checked and split as a config says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from audioft.assembly import background as backgrounds
from audioft.assembly import heard_before, hearings, recording_passes
from audioft.assembly.background import Background
from audioft.assembly.heard_before import Before
from audioft.audio.hearing import Hearing
from audioft.configuration.config import Config
from audioft.core.progress import Console
from audioft.core.wording import counted, listed
from audioft.data.sides import SIDES
from audioft.errors import DataError, Problem, UsageError, grouped
from audioft.models.heard import Asked, Heard

if TYPE_CHECKING:
    from audioft.assembly.starting_model import Start
    from audioft.data.check import Checked
    from audioft.data.clip import Clip
    from audioft.data.manifest import Manifest
    from audioft.data.sides import Split

__all__ = ["SIDES", "Data", "load"]


@dataclass(frozen=True)
class Data:
    """Recordings ready to train on.

    Attributes:
        manifest: the clips that passed the check.
        split: positions of its clips by side.
        checked: length and content hash of each clip.
        targets, known: `(N, C)`, see `data.targets`.
        bad: the clips that did not pass, with why.
        hearing: how they reach the encoder.
        before: what the models that are gone on from have heard.
        background: what says that nothing happens.
    """

    manifest: Manifest
    split: Split
    checked: list[Checked]
    targets: np.ndarray
    known: np.ndarray
    bad: list[tuple[Clip, Checked]]
    hearing: Hearing
    before: Before = field(default_factory=Before)
    background: Background = field(default_factory=Background)

    def side(self, name: str) -> np.ndarray:
        return getattr(self.split, name)

    def clips(self, name: str) -> list[Clip]:
        return [self.manifest.clips[i] for i in self.side(name)]

    def seconds(self, name: str) -> list[float]:
        return [self.checked[i].seconds for i in self.side(name)]

    def only(self, rows: np.ndarray) -> Data:
        """Of some of the clips, by ascending position, each on its side."""
        from audioft.data.sides import Split

        place = {int(row): i for i, row in enumerate(rows)}
        train, valid, test = (np.array([place[i] for i in self.side(s) if i in place], np.int64) for s in SIDES)
        manifest = replace(self.manifest, clips=tuple(self.manifest.clips[i] for i in rows))
        arrays = {"targets": self.targets[rows], "known": self.known[rows]}
        checked = [self.checked[i] for i in rows]
        return replace(self, manifest=manifest, split=Split(train, valid, test), checked=checked, **arrays)

    def heard(self, validated: str = "valid") -> Heard:
        """What a model has heard that is trained and measured on this; the validation side as `validated`."""
        sides = [validated if side == "valid" else side for side in self.split.sides(len(self.manifest.clips))]
        return self.before.all | Heard.of(self.asked_of(range(len(sides))), sides)

    def told_before(self, side: str) -> list[str]:
        """Why figures of a side are too good, or may be: what was heard of it before."""
        return self.before.told(self.asked(side), side)

    def asked(self, side: str) -> Asked:
        """The clips of a side, as a model is asked whether it has heard them."""
        return self.asked_of(self.side(side))

    def asked_of(self, positions: Sequence[int] | np.ndarray) -> Asked:
        """Those of clips by their positions."""
        clips, checked = self.manifest.clips, self.checked
        own = [clips[i] for i in positions], [checked[i].digest for i in positions]
        return heard_before.asked(*own, self.manifest.grouping)

    def save(self, path: Path) -> None:
        """Write the table of the clips: path, label, side, length and content hash."""
        from audioft.data import manifest as manifests

        manifests.save(self.manifest, self.split, path, self.checked)


def window(longest: float, max_seconds: float, expansion: float) -> float:
    """Seconds of the longest clip, at most `max_seconds` as the encoder hears it: what a model knows a clip to be.

    >>> window(3.2, 10, 1), window(3.2, 10, 10)
    (3.2, 1.0)
    """
    # up to whole hundredths, so that no clip is longer by a sample when it is resampled
    return min(max_seconds, math.ceil(100 * expansion * longest - 1e-9) / 100) / expansion


def load(
    config: Config,
    console: Console,
    *,
    start: Start | None = None,
    encoders: Sequence[str] | None = None,
    headers_only: bool = False,
    bad_files: Path | None = None,
) -> Data:
    """Load, check and split the recordings.

    Args:
        config: its `data` section and seed are used.
        console: told what was found.
        start: what the run goes on from; its labels come first, and clips keep the sides that it knows them from.
        encoders: those that are measured, where that is not the config's own.
        headers_only: trust the headers instead of decoding every file.
        bad_files: where to write the table of bad recordings.

    Raises:
        UsageError: no source, or it does not exist.
        DataError: the table, the recordings or the split cannot be used.
    """
    from audioft.data import source, splits, targets, twins
    from audioft.data.inputs import content
    from audioft.data.reading.choices import Choices

    d, e = config.data, config.events
    if d.source is None:
        raise UsageError("no data given: name a folder or a table, `audioft train DATA`, or set data.source")
    hearing = hearings.known(d, config.encoder.name, start)
    manifest = source.load(
        d.source,
        label=d.label,
        group=d.group,
        allow_outside=d.allow_outside,
        events=source.EventUse(e.use, e.context, e.background, e.point_width),
        window=d.max_seconds / hearing.expansion,
        seed=config.seed,
        choices=Choices.of(d),
    )
    for note in manifest.notes:
        console.say(f"note: {note}")
    manifest, checked, bad = _checked(manifest, config, hearing, console, headers_only, bad_files)
    same = twins.found(manifest.clips, [c.digest for c in checked])
    for note in same.notes:
        console.say(f"note: {note}")
    manifest = replace(manifest, clips=same.clips)
    before = heard_before.before(start, [config.encoder.name] if encoders is None else encoders)
    if headers_only and before.models:
        checked = [replace(k, digest=content(c.path)) for c, k in zip(manifest.clips, checked, strict=True)]
    asked = heard_before.asked(manifest.clips, [c.digest for c in checked], manifest.grouping)
    sides = before.sides(asked) if config.start.keep_sides else None
    split = splits.split(manifest, valid=d.valid, test=d.test, seed=config.seed, before=sides)
    for note in split.notes:
        console.say(f"note: {note}")
    if not headers_only:
        splits.check_leaks(manifest, split, [c.digest for c in checked])
    found = manifest.labels
    if start is not None:
        manifest = replace(manifest, labels=start.labels(manifest.labels, manifest.multilabel))
    wanted, known = targets.targets(manifest.clips, manifest.labels, manifest.multilabel)
    nothing = backgrounds.of(config, start, found, manifest.labels, manifest.multilabel)
    data = Data(manifest, split, checked, wanted, known, bad, hearing, before, nothing)
    for note in (*nothing.notes, *before.notes, *data.told_before("valid"), *data.told_before("test")):
        console.say(f"note: {note}")
    return data


def _checked(
    manifest: Manifest, config: Config, hearing: Hearing, console: Console, headers_only: bool, bad_files: Path | None
) -> tuple[Manifest, list[Checked], list[tuple[Clip, Checked]]]:
    """The clips that can be used with their findings, and those that cannot."""
    from audioft.data import check as checking
    from audioft.data import targets

    if headers_only:
        checked = recording_passes.headers(manifest.clips, console, hearing)
    else:
        checked = recording_passes.check(manifest.clips, console, config.data.workers, hearing)
    if manifest.layout == "events":
        checked = checking.silence_allowed(checked)
    if bad_files is not None:
        checking.write_bad_files(bad_files, manifest.clips, checked)
    checking.enforce(manifest.clips, checked, config.data.max_bad, bad_files)
    found = list(zip(manifest.clips, checked, strict=True))
    good = [(c, k) for c, k in found if k.problem is None]
    bad = [(c, k) for c, k in found if k.problem is not None]
    if bad:
        console.say(f"note: {checking.told(checking.bad_ones(manifest.clips, checked), len(checked), bad_files)}")
    if not good:
        raise DataError(f"{manifest.root}: none of its {counted(len(checked), 'recording')} can be used")
    clips = tuple(c for c, _ in good)
    labels = targets.label_order(clips)
    if not labels:
        raise DataError(f"{manifest.root}: none of its labels is of a recording that can be used")
    lost = sorted(set(manifest.labels) - set(labels))
    if lost and not manifest.multilabel:
        drop = f"data.drop={listed(lost)}"
        said = "the class {} is lost: none of its recordings can be used; mend them, or leave the class out with {}"
        raise DataError(Problem("", said, repr(label), drop) for label in lost)
    for told in grouped(f"the label {label!r} is gone: none of its recordings can be used" for label in lost):
        console.say(f"note: {told}")
    return replace(manifest, clips=clips, labels=labels), [k for _, k in good], bad
