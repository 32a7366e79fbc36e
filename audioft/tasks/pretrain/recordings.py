"""What is pretrained on: recordings found, checked and decoded, and the crops of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from audioft.assembly.recording_passes import check, decode_once, headers
from audioft.audio.hearing import Hearing
from audioft.configuration.config import PretrainConfig
from audioft.core.progress import Console
from audioft.core.runtime import Processes
from audioft.data import check as checking
from audioft.data import decoded
from audioft.data import unlabelled_pool as pool
from audioft.data.clip import Clip
from audioft.errors import DataError, UsageError
from audioft.models.encoder import Encoder


@dataclass(frozen=True)
class PretrainingData:
    """Recordings ready to pretrain on.

    Attributes:
        clips: N of them; once loaded, each in a file where a crop is read quickly.
        seconds, digests: of each.
        shares: `(N,)`, how likely each is to be drawn.
        learnt, held_out: positions of those that are learnt from, and of those only measured on.
        sources: of each source its name, its seconds, and its share of the crops.
        bad: how many recordings could not be used.
    """

    clips: list[Clip]
    seconds: list[float]
    digests: list[str]
    shares: np.ndarray
    learnt: list[int]
    held_out: list[int]
    sources: list[tuple[str, float, float]]
    bad: int


def load(
    config: PretrainConfig, encoder: Encoder, folder: Path, processes: Processes, console: Console
) -> PretrainingData:
    """Find, check and decode the recordings.

    Raises:
        UsageError: no source is named, or one does not exist.
        DataError: a source has no recordings, too many are bad, or there is nothing to learn from.
    """
    data = survey(config, encoder.hearing, console, folder / "bad_files.csv", write=processes.main)
    place = folder / "decoded"
    if processes.main:
        _make_room(place)
    clips = decode_once(
        lambda at: decoded.decoded(data.clips, data.seconds, place, encoder.hearing, at),
        len(data.clips),
        "decoding recordings",
        processes,
        console,
    )
    return replace(data, clips=clips)


def survey(
    config: PretrainConfig, how: Hearing, console: Console, table: Path | None = None, *, write: bool = False
) -> PretrainingData:
    """The recordings where they lie.

    Args:
        config: its `data` section is used.
        how: recordings reach the encoder.
        console: told what was found.
        table: of the bad ones; None trusts the headers instead of decoding every file.
        write: whether the table is written here.
    """
    sources = [pool.Source(s) if isinstance(s, str) else pool.Source(**s) for s in config.data.sources]
    if not sources:
        raise UsageError("no recordings given: `audioft pretrain DATA... --out ENCODER`, or set data.sources")
    found = pool.gather(sources, config.data.allow_outside, config.data.audio_root)
    for note in found.notes:
        console.say(f"note: {note}")
    if table is None:
        checked = headers(found.clips, console, how)
    else:
        checked = check(found.clips, console, config.data.workers, how)
    if write and table is not None:
        checking.write_bad_files(table, found.clips, checked)
    checking.enforce(found.clips, checked, config.data.max_bad, table)
    good = [i for i, c in enumerate(checked) if c.problem is None]
    if bad := checking.bad_ones(found.clips, checked):
        console.say(f"note: {checking.told(bad, len(checked), table)}")
    kept = pool.Pool(tuple(found.clips[i] for i in good), tuple(found.source[i] for i in good), ())
    seconds = [checked[i].seconds for i in good]
    digests = [checked[i].digest for i in good]
    drawn = [f"{d} {c.key}" for d, c in zip(digests, kept.clips, strict=True)]
    learnt, held_out = _held_out(drawn, config.data.held_out)
    if not learnt:
        raise DataError(f"{len(good)} recordings are too few to hold some out; set data.held_out=0")
    shares = pool.shares(kept, seconds, sources, config.data.crop_seconds / how.expansion)
    told = []
    for i, source in enumerate(sources):
        mine = [k for k, s in enumerate(kept.source) if s == i]
        told.append((source.path, sum(seconds[k] for k in mine), float(shares[mine].sum())))
    return PretrainingData(list(kept.clips), seconds, digests, shares, learnt, held_out, told, len(bad))


def _held_out(names: Sequence[str], share: float) -> tuple[list[int], list[int]]:
    """Positions to learn from and to hold out, by the names' hashes, so that adding recordings moves few of them."""
    hashes = [hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest() for name in names]
    order = sorted(range(len(names)), key=lambda i: hashes[i])
    count = round(share * len(names))
    if share > 0 and count == 0 and len(names) >= 4:
        count = 1
    return sorted(order[count:]), sorted(order[:count])


def _make_room(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise UsageError(f"{folder} cannot be made: {e.strerror}; give another --out") from e
