"""The clips as tables, so that every later step is a call over a file: those that are learnt from, apart from the test.

What is not tested lies in a table of its own, without sides: probes and learning curves read that one. The search reads
all of them with their sides, chooses on those that are not tested, and tests the model that it ends with.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np

from audioft.assembly.folds import FEW, NOBODY, learnt
from audioft.assembly.recordings import Data
from audioft.configuration import config as configs
from audioft.configuration.config import Config
from audioft.core.runtime import generator
from audioft.data import manifest as manifests
from audioft.data.clip import Clip
from audioft.data.sides import Split

CLIPS, LEARN, FIRST = "clips.csv", "learn.csv", "first.csv"
EACH = 20  # clips a label in the table of the first model
SOUND = 600.0  # seconds in it at most


def write(data: Data, folder: Path) -> None:
    """All clips with their sides, and apart from them those that are not tested.

    Where choices are made on folds there is no validation side: the model learns from all that is not tested.
    """
    manifests.save(data.manifest, sides(data), folder / CLIPS)
    manifests.save(data.manifest.select(learnt(data)), None, folder / LEARN)


def write_first(data: Data, folder: Path, seed: int) -> int:
    """A few clips of each label that are not tested, for a model within a minute; how many."""
    own = _few(data, seed)
    manifests.save(data.manifest.select(own), None, folder / FIRST)
    return len(own)


def write_some(data: Data, folder: Path, name: str, seconds: float, seed: int) -> int:
    """As `write`, but of as many clips to learn from as have so much sound, the tested ones as they are; how many.

    Args:
        data: all clips.
        folder: where the table goes.
        name: of it.
        seconds: of sound to learn from.
        seed: of the choice; clips are drawn by whole groups.
    """
    own, clips = learnt(data), data.manifest.clips
    groups: dict[str, list[int]] = {}
    for i in own.tolist():
        groups.setdefault(clips[i].group or clips[i].key, []).append(i)
    names, taken, sound = sorted(groups), list[int](), 0.0
    for place in generator(seed, "auto", "some").permutation(len(names)):
        members = groups[names[place]]
        sound += sum(data.checked[i].seconds for i in members)
        if taken and sound > seconds:
            break
        taken += members
    rows = np.sort(np.concatenate([np.array(taken, np.int64), data.side("test")]))
    part = data.only(rows)
    manifests.save(part.manifest, sides(part), folder / name)
    return len(taken)


def rows(table: Path) -> int:
    """How many clips a table has."""
    with open(table, encoding="utf-8", errors="surrogateescape", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def folded(data: Data) -> bool:
    """Whether the validation side is learnt from in the end; thresholds of several labels a clip need one."""
    return len(learnt(data)) < FEW and not data.manifest.multilabel


def sides(data: Data) -> Split:
    """The sides as the tables have them."""
    return Split(learnt(data), NOBODY, data.side("test")) if folded(data) else data.split


def _few(data: Data, seed: int) -> list[int]:
    """Positions of at most `EACH` clips of each label, within `SOUND`; the first of each label in any case."""
    own, seen, sound, taken = learnt(data), Counter[str](), 0.0, []
    for i in own[generator(seed, "auto", "first").permutation(len(own))].tolist():
        labels = data.manifest.clips[i].labels or ("",)
        fewest = min(seen[x] for x in labels)
        if fewest >= EACH or (fewest and sound > SOUND):
            continue
        seen.update(labels)
        sound += data.checked[i].seconds
        taken.append(i)
    return sorted(taken)


def settings(config: Config, data: Data) -> list[str]:
    """How these tables are read, and how their recordings reach the encoder, as `section.key=value`."""
    m, usual = data.manifest, configs.load(None).data
    own = {"audio_root": str(m.root), "group": "recording" if m.grouping == "recording" else "group"}
    for key in ("max_seconds", "time_expansion", "band", "na", "allow_outside", "max_bad", "workers"):
        value = getattr(config.data, key)
        if value != getattr(usual, key):
            own[key] = value
    told = [f"data.{key}={configs.spell(value)}" for key, value in own.items()]
    return [*told, *([f"seed={config.seed}"] if config.seed else [])]


def few_of_a_label(clips: list[Clip]) -> tuple[str, int]:
    """The label of the fewest clips, and how many it has."""
    counts = Counter(label for clip in clips for label in clip.labels)
    return min(counts.items(), key=lambda kv: (kv[1], kv[0]))
