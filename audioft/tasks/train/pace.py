"""How long a run would take, by how long an earlier one took: a small table in the user's cache.

What it holds is a hint: where it is missing, damaged or cannot be written, nothing is said.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from pathlib import Path
from typing import Any

import torch

from audioft.assembly.build import Parts
from audioft.assembly.fitting.frozen_states import Cache
from audioft.configuration.config import spell
from audioft.core.progress import about
from audioft.core.storage import cache_file
from audioft.data.check_cache import default_cache
from audioft.evaluation import canvas

VERSION = 1
MOST = 200  # entries; the oldest go
LEAST = 1.0  # seconds: what took less says nothing of what takes long
#: Seconds that a second of what is computed took, see `_sound`: in training, each epoch anew; of what is frozen, once.
TRAINING, ONCE = "training", "once"


def place() -> Path:
    """Where the table is."""
    return default_cache().parent / "pace.json"


def keep(parts: Parts, cache: Cache | None, *, filling: float, training: float, share: float) -> None:
    """Remember how fast a run was.

    Args:
        parts: the run.
        cache: of what is frozen in it, if any.
        filling: seconds that it took to fill.
        training: seconds that the steps took, validation with them.
        share: of all steps of the run that were made in that time, above 0 to 1.
    """
    found: dict[str, float] = {}
    if training >= LEAST and share > 0:
        found[TRAINING] = training / (share * _sound(parts) * parts.config.train.epochs)
    if cache is not None and cache.filled_anew and filling >= LEAST:
        found[ONCE] = filling / _once(parts, cache)
    if not found:
        return
    table = _read()
    name = _name(parts, cache)
    found = table.pop(name, {}) | found
    table = dict(list(table.items())[-MOST + 1 :]) | {name: found}
    with contextlib.suppress(OSError), cache_file(place()) as file:
        file.write(json.dumps({"version": VERSION, "pace": table}, indent=1).encode())


def told(parts: Parts, cache: Cache | None) -> list[str]:
    """A sentence on how long a run would take; none where no run of its kind is known."""
    known = _read().get(_name(parts, cache), {})
    if TRAINING not in known or (cache is not None and ONCE not in known):
        return []
    seconds = known[TRAINING] * _sound(parts) * parts.config.train.epochs
    seconds += 0.0 if cache is None else known[ONCE] * _once(parts, cache)
    return [
        f"time: {about(seconds)} to train, by an earlier run with this encoder, freeze, batch size, augmentation and "
        "device; checking the recordings before it and measuring after it come on top"
    ]


def _sound(parts: Parts) -> float:
    """Seconds that are computed of the clips of an epoch: those of their sound, or of the canvas that they lie on."""
    most, least = parts.config.data.max_seconds, canvas.length(parts.model.encoder)
    return max(1e-3, sum(max(least, min(s, most)) for s in parts.data.seconds("train")))


def _once(parts: Parts, cache: Cache) -> float:
    """The seconds of which what is frozen is computed."""
    least = canvas.length(parts.model.encoder)
    found = canvas.windows(parts.data.seconds("valid"), parts.config.data.max_seconds, least)
    return cache.views * _sound(parts) + found.computed


def _name(parts: Parts, cache: Cache | None) -> str:
    """What tells runs of one pace."""
    device, config = parts.processes.device, parts.config
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type}, {os.cpu_count()} cores"
    how: list[Any] = [parts.loaded.name, spell(config.freeze), spell(config.adapt), kind, parts.processes.count]
    how += [parts.precision, "cached" if cache is not None else "computed anew"]
    laid = canvas.length(parts.model.encoder)  # of which older tables know nothing
    how += [f"canvas {laid:g}"] if laid else []
    changed = [spell(value) for value in (config.augment, config.mixup, config.latent, config.data.max_seconds)]
    t = config.train
    return json.dumps([*how, t.batch_size, t.batch_seconds, t.accumulate, config.data.workers, *changed])


def _read() -> dict[str, dict[str, float]]:
    """The table; of one that is damaged, what of it is whole."""
    try:
        found = json.loads(place().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    table = found.get("pace") if isinstance(found, dict) and found.get("version") == VERSION else None
    if not isinstance(table, dict):
        return {}
    return {name: known for name, entry in table.items() if (known := _whole(entry))}


def _whole(entry: Any) -> dict[str, float]:
    if not isinstance(entry, dict):
        return {}
    numbers = {k: v for k, v in entry.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    return {k: float(v) for k, v in numbers.items() if k in (TRAINING, ONCE) and 0 < v < math.inf}
